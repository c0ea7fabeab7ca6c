//! Whether a JSON document has the shape of a schema: everything that is wrong with it, in the words of the format.

use serde_json::Value;

use super::nearest;

/// Problems that are told.
const MOST_TOLD: usize = 20;
const TYPES: [&str; 4] = ["BINARY", "CATEGORICAL", "NUMERIC", "TEXT"];

/// What is wrong with the shape of `document`: a JSON pointer to the place, and what is wrong there.
pub fn problems(document: &Value) -> Vec<(String, String)> {
    let at = |pointer: &str, message: String| vec![(pointer.to_string(), message)];
    let Value::Object(fields) = document else {
        return at(
            "",
            format!("a schema is a JSON object, and this is {}", name_of(document)),
        );
    };
    let attributes = match fields.get("attributes") {
        None => return at("", "`attributes` is missing; list one for each column".into()),
        Some(Value::Array(attributes)) => attributes,
        Some(other) => {
            return at(
                "/attributes",
                format!("`attributes` is {}; give a list", name_of(other)),
            );
        }
    };
    let mut found: Vec<(String, String)> = attributes
        .iter()
        .enumerate()
        .flat_map(|(index, attribute)| {
            let pointer = format!("/attributes/{index}");
            of_attribute(index + 1, attribute)
                .into_iter()
                .map(move |(key, message)| (format!("{pointer}{key}"), message))
        })
        .collect();
    if found.len() > MOST_TOLD {
        let more = found.len() - MOST_TOLD;
        found.truncate(MOST_TOLD);
        found.push((
            "/attributes".into(),
            format!("and {more} more attributes are wrong"),
        ));
    }
    found
}

fn of_attribute(number: usize, attribute: &Value) -> Vec<(&'static str, String)> {
    let Value::Object(fields) = attribute else {
        return vec![(
            "",
            format!("attribute {number} is {}; give an object", name_of(attribute)),
        )];
    };
    let field = |keys: [&str; 2]| keys.into_iter().find_map(|key| fields.get(key));
    let name = field(["attributeName", "fieldName"]);
    let called = match name {
        Some(Value::String(name)) => format!("attribute {number} (`{}`)", name.escape_debug()),
        _ => format!("attribute {number}"),
    };
    let mut found = Vec::new();
    match name {
        Some(Value::String(_)) => {}
        Some(other) => found.push((
            "/attributeName",
            format!("{called}: the attributeName is {}; give a text", name_of(other)),
        )),
        None => found.push(("", format!("{called} has no attributeName"))),
    }
    match field(["attributeType", "fieldType"]) {
        Some(Value::String(kind)) if TYPES.contains(&kind.as_str()) => {}
        Some(Value::String(kind)) => {
            let near = nearest(&kind.to_uppercase(), TYPES.into_iter());
            let hint = near.map_or_else(
                || format!("the types are {}", TYPES.join(", ")),
                |near| format!("did you mean {near}?"),
            );
            let kind = kind.escape_debug();
            found.push((
                "/attributeType",
                format!("{called} has the unknown attributeType `{kind}`; {hint}"),
            ));
        }
        Some(other) => found.push((
            "/attributeType",
            format!(
                "{called}: the attributeType is {}; give one of {}",
                name_of(other),
                TYPES.join(", ")
            ),
        )),
        None => found.push((
            "",
            format!("{called} has no attributeType; give one of {}", TYPES.join(", ")),
        )),
    }
    found
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
