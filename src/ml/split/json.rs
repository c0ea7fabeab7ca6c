//! Reads a split from a JSON document: our own fields, or Amazon ML's `splitting`.

use serde_json::Value;
use serde_path_to_error::Segment;

use super::{Split, SplitError, rearrangement};

impl Split {
    /// Reads and checks a document such as `{"strategy": "time", "column": "when", "percent_end": 80}`
    /// or `{"splitting": {"percentEnd": 80}}`. Errors name the field.
    pub fn from_json(document: &Value) -> Result<Self, SplitError> {
        let Some(fields) = document.as_object() else {
            // A derived reader would take a list of values without names too.
            return Err(SplitError::invalid("", "a split must be a JSON object"));
        };
        let split = if fields.contains_key("splitting") {
            rearrangement::from_json(document)?
        } else {
            serde_path_to_error::deserialize(document).map_err(|error| {
                let field = error.path().iter().map(segment).collect::<String>();
                SplitError::invalid(field, format!("it cannot be read: {}", error.inner()))
            })?
        };
        split.check().map(|()| split)
    }

    /// Whether a document says itself how large the part is.
    pub fn names_percentages(document: &Value) -> bool {
        let holds = |fields: &Value, names: [&str; 2]| {
            let given = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
            names.into_iter().any(given)
        };
        holds(document, ["percent_begin", "percent_end"])
            || document
                .get("splitting")
                .is_some_and(|fields| holds(fields, ["percentBegin", "percentEnd"]))
    }
}

fn segment(segment: &Segment) -> String {
    match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    }
}

/// Reads a text or a boolean as a boolean.
pub(super) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
