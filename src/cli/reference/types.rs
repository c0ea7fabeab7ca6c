//! The types of the REST interface: what stands for one in a table, and the table of its members.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{head, row};

/// Where the document keeps its types.
const PLACE: &str = "#/components/schemas/";

/// The types that the page has a table for.
pub struct Documented<'d>(BTreeMap<&'d str, &'d Value>);

impl<'d> Documented<'d> {
    /// All named types of a document, pages of lists apart: these are the same for all.
    pub fn of(document: &'d Value) -> Self {
        let schemas = document["components"]["schemas"].as_object();
        let named = schemas.into_iter().flatten();
        Self(
            named
                .map(|(name, schema)| (name.as_str(), schema))
                .filter(|(name, _)| !name.starts_with("Page_"))
                .collect(),
        )
    }

    /// What a body or an answer holds.
    pub fn content(&self, content: &Value) -> String {
        let each = content.as_object().into_iter().flatten();
        let named = each.map(|(media, content)| match content["schema"]["$ref"].as_str() {
            Some(place) => link(place.trim_start_matches(PLACE)),
            None => format!("`{media}`"),
        });
        named.collect::<Vec<_>>().join(", ")
    }

    /// The section of types.
    pub fn page(&self) -> String {
        let mut text = "\n## Types\n\nMembers with a star are always there; those without may be left out or absent. A list \
                        is answered as a page: `items`, and `next_cursor` for the next one, null on the last.\n"
            .to_owned();
        for (name, schema) in &self.0 {
            text += &format!("\n### {name}\n\n");
            let about = schema["description"].as_str().unwrap_or_default();
            if !about.is_empty() {
                text += &format!("{}\n\n", about.replace('\n', " "));
            }
            text += &members(schema);
        }
        text
    }
}

/// A link to the table of a type; to that of the items for a page of them.
fn link(name: &str) -> String {
    match name.strip_prefix("Page_") {
        Some(item) => format!("page of {}", link(item)),
        None => format!("[{name}](#{})", name.to_lowercase()),
    }
}

/// The members of a type, those of all its parts together.
fn members(schema: &Value) -> String {
    let mut rows = String::new();
    let mut rest = Vec::new();
    let parts = schema["allOf"].as_array().into_iter().flatten();
    for part in std::iter::once(schema).chain(parts) {
        let required: Vec<&str> = strings(&part["required"]);
        for (name, member) in part["properties"].as_object().into_iter().flatten() {
            let star = if required.contains(&name.as_str()) {
                " *"
            } else {
                ""
            };
            let about = member["description"].as_str().unwrap_or_default();
            rows += &row([&format!("`{name}`{star}"), &self::name(member), about]);
        }
        if let Some(place) = part["$ref"].as_str() {
            rest.push(format!(
                "all members of {}",
                link(place.trim_start_matches(PLACE))
            ));
        }
    }
    let mut text = String::new();
    if !rows.is_empty() {
        text += &(head(&["member", "type", "meaning"]) + &rows);
    } else if rest.is_empty() {
        text += &format!("{}\n", name(schema));
    }
    if !rest.is_empty() {
        text += &format!("\nand {}\n", rest.join(", "));
    }
    text.trim_start().to_owned()
}

fn strings(list: &Value) -> Vec<&str> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).collect()
}

/// A type in a few words.
pub fn name(schema: &Value) -> String {
    if let Some(place) = schema["$ref"].as_str() {
        return link(place.trim_start_matches(PLACE));
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        if let Some(options) = schema[choice].as_array() {
            let named: Vec<String> = options.iter().map(name).filter(|name| name != "null").collect();
            return named.join(if choice == "allOf" { " with " } else { " or " });
        }
    }
    let values = strings(&schema["enum"]);
    if !values.is_empty() {
        let quoted: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        return quoted.join(", ");
    }
    let kind = match &schema["type"] {
        Value::String(kind) => kind.as_str(),
        Value::Array(_) => strings(&schema["type"])
            .into_iter()
            .find(|kind| *kind != "null")
            .unwrap_or("any"),
        _ => "any",
    };
    match kind {
        "array" => format!("list of {}", name(&schema["items"])),
        "object" if schema["additionalProperties"].is_object() => {
            format!("object of {}", name(&schema["additionalProperties"]))
        }
        kind => kind.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_have_short_names() {
        let of = |schema: Value| name(&schema);
        assert_eq!(of(json!({"type": ["string", "null"]})), "string");
        assert_eq!(
            of(json!({"type": "array", "items": {"type": "number"}})),
            "list of number"
        );
        assert_eq!(of(json!({"enum": ["a", "b"]})), "`a`, `b`");
        assert_eq!(
            of(json!({"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Model"}]})),
            "[Model](#model)"
        );
        assert_eq!(
            of(json!({"type": "object", "additionalProperties": {"type": "integer"}})),
            "object of integer"
        );
        assert_eq!(link("Page_Model"), "page of [Model](#model)");
    }
}
