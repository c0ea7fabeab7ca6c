//! The words of a request, which are kept with what it made: a repeat must match them, and some are told again.

use serde_json::{Map, Value, json};

use super::input::Input;
use crate::domain::dataset::ContentHash;
use crate::domain::entity::Entity;

/// The members of the request that made an entity; none for one that was made through another door.
pub struct Words(Option<Map<String, Value>>);

impl Words {
    /// The words of a request, to be kept: all but passwords and the texts of queries.
    pub fn of(operation: &str, input: &Input) -> Value {
        let mut members = input.members().clone();
        members.values_mut().for_each(hush);
        json!({"amazon_ml": operation, "input": members})
    }

    /// The words that an entity was made with.
    pub fn from(entity: &Entity) -> Self {
        let kept = serde_json::from_str(&entity.request).ok();
        Words(kept.and_then(|kept: Value| match kept.get("amazon_ml") {
            Some(_) => kept.get("input")?.as_object().cloned(),
            None => None,
        }))
    }

    /// Whether the entity was made here.
    pub fn are_ours(&self) -> bool {
        self.0.is_some()
    }

    /// A text in the request: the member, or a member of a member.
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        let (last, before) = path.split_last()?;
        let mut members = self.0.as_ref()?;
        for member in before {
            members = members.get(*member)?.as_object()?;
        }
        members.get(*last)?.as_str().filter(|text| !text.is_empty())
    }

    /// A member of the request as it came, or a member of a member.
    pub fn value(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        let first = self.0.as_ref()?.get(*first)?;
        rest.iter().try_fold(first, |value, member| value.get(*member))
    }

    /// A truth value in the request, false if it is not there.
    pub fn flag(&self, member: &str) -> bool {
        let members = self.0.as_ref();
        members
            .and_then(|members| members.get(member)?.as_bool())
            .unwrap_or_default()
    }
}

fn hash(value: &Value) -> Value {
    ContentHash::of(value.to_string().as_bytes()).as_str().into()
}

/// Replaces passwords by stars, and texts of queries by their hashes.
fn hush(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                match name.as_str() {
                    "Password" => *value = "***".into(),
                    // It is kept with the entity.
                    "SelectSqlQuery" => *value = hash(value),
                    _ => hush(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hush),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_kept() {
        let body = br#"{"Data": {"Credentials": {"Username": "ana", "Password": "hush"}, "List": [{"Password": 7}]}}"#;
        let Ok(input) = Input::read(body) else {
            panic!("the body is not read")
        };
        let kept = Words::of("Create", &input).to_string();
        assert!(
            kept.contains("ana") && !kept.contains("hush") && !kept.contains('7'),
            "{kept}"
        );
    }
}
