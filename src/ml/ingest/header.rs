//! Names for the columns of a file.

use std::collections::HashMap;

use csv::ByteRecord;

use super::error::IngestError;

/// The names in a header line, trimmed. A column without a name is called `column_N`; two columns of
/// one name are an error.
pub fn column_names(header: &ByteRecord) -> Result<Vec<String>, IngestError> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut names = Vec::with_capacity(header.len());
    for (index, field) in header.iter().enumerate() {
        let text = String::from_utf8_lossy(field);
        let name = match text.trim() {
            "" => numbered(index),
            name => name.to_string(),
        };
        if let Some(first) = seen.insert(name.clone(), index + 1) {
            return Err(IngestError::DuplicateColumn {
                name,
                first,
                second: index + 1,
            });
        }
        names.push(name);
    }
    Ok(names)
}

/// Names for a file without a header: `column_1`, `column_2` and so on.
pub fn numbered_names(count: usize) -> Vec<String> {
    (0..count).map(numbered).collect()
}

fn numbered(index: usize) -> String {
    format!("column_{}", index + 1)
}
