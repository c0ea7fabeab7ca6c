//! Schemas: every text is read or refused; what is read is written and read again as the same.

use yosoku::ml::date::DateFormat;
use yosoku::ml::schema::Schema;

/// Reads a text as a schema.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let schema = match Schema::from_json(text) {
        Ok(schema) => schema,
        Err(error) => {
            let known = ["invalid_schema", "duplicate_column", "unknown_target"];
            assert!(known.contains(&error.code()), "{error:?}");
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    for written in [
        serde_json::to_string(&schema).unwrap(),
        serde_json::to_string_pretty(&schema).unwrap(),
    ] {
        assert_eq!(Schema::from_json(&written).as_ref(), Ok(&schema), "{written}");
    }
    is_consistent(&schema);
}

/// What everything that uses a checked schema relies on.
fn is_consistent(schema: &Schema) {
    assert_eq!(schema.target.is_some(), schema.target_index().is_some());
    for (index, attribute) in schema.attributes.iter().enumerate() {
        assert_eq!(schema.index_of(&attribute.name), Some(index));
        let named = |name: &Option<String>| name.as_ref() == Some(&attribute.name);
        let plays_a_part =
            named(&schema.target) || named(&schema.row_id) || schema.excluded.contains(&attribute.name);
        assert_eq!(schema.is_input(index), !plays_a_part);
        if let Some(format) = &attribute.date_format {
            assert_eq!(DateFormat::new(format).unwrap().as_str(), format);
        }
    }
    assert!(!schema.is_input(schema.attributes.len()));
    assert!(schema.inputs().all(|index| schema.is_input(index)));
}
