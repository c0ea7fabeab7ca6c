//! The words of a request, which are kept with what it made: a repeat must match them, and some are told again.

use serde_json::{Map, Value, json};

use super::input::Input;
use crate::domain::entity::Entity;

/// The members of the request that made an entity; none for one that was made through another door.
pub struct Words(Option<Map<String, Value>>);

impl Words {
    /// The words of a request, to be kept.
    pub fn of(operation: &str, input: &Input) -> Value {
        json!({"amazon_ml": operation, "input": input.members()})
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

    /// A truth value in the request, false if it is not there.
    pub fn flag(&self, member: &str) -> bool {
        let members = self.0.as_ref();
        members
            .and_then(|members| members.get(member)?.as_bool())
            .unwrap_or_default()
    }
}
