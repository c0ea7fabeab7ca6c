//! Names for the columns of a file.

use std::borrow::Cow;
use std::collections::HashMap;

use super::error::IngestError;

/// The names in a header line, trimmed. A column without a name is called `column_N`; two columns of
/// one name are an error.
pub fn column_names<'a>(header: impl Iterator<Item = &'a str>) -> Result<Vec<String>, IngestError> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut names = Vec::new();
    for (index, field) in header.enumerate() {
        let name = column_name(index, field).into_owned();
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

/// The name of the column at `index`, counted from 0, that a header calls so.
pub fn column_name(index: usize, field: &str) -> Cow<'_, str> {
    match field.trim() {
        "" => Cow::Owned(numbered(index)),
        name => Cow::Borrowed(name),
    }
}

/// Names for a file without a header: `column_1`, `column_2` and so on.
pub fn numbered_names(count: usize) -> Vec<String> {
    (0..count).map(numbered).collect()
}

fn numbered(index: usize) -> String {
    format!("column_{}", index + 1)
}
