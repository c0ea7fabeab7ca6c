//! The members of a request, checked against the rules that clients leave to the server.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::Refusal;
use crate::domain::ids::{EntityId, check_name};
use crate::domain::location::Location;

/// The longest schema and recipe, in characters.
pub const LONGEST_DOCUMENT: usize = 131_071;

/// The members of a JSON object. Null is the same as absent, and members that nobody asks for are passed over.
#[derive(Debug, Clone)]
pub struct Input(Map<String, Value>);

impl Input {
    /// Reads a body.
    pub fn read(body: &[u8]) -> Result<Self, Refusal> {
        if body.is_empty() {
            return Ok(Self(Map::new()));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self::of(members)),
            Ok(_) => Err(Refusal::unreadable("the body is JSON, but no object")),
            Err(error) => Err(Refusal::unreadable(format!("the body is not JSON: {error}"))),
        }
    }

    fn of(mut members: Map<String, Value>) -> Self {
        members.retain(|_, value| !value.is_null());
        Self(members)
    }

    /// All members.
    pub fn members(&self) -> &Map<String, Value> {
        &self.0
    }

    fn wrong(&self, member: &str, expected: &str) -> Refusal {
        Refusal::unreadable(format!("`{member}` is no {expected}"))
    }

    /// A text, if it is there.
    pub fn text(&self, member: &str) -> Result<Option<String>, Refusal> {
        match self.0.get(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.wrong(member, "string")),
        }
    }

    /// A text of at most so many characters, if it is there and not empty.
    pub fn document(&self, member: &str) -> Result<Option<String>, Refusal> {
        let text = self.text(member)?.filter(|text| !text.is_empty());
        match text.as_ref().map(|text| text.chars().count()) {
            Some(length) if length > LONGEST_DOCUMENT => Err(Refusal::invalid(format!(
                "`{member}` has {length} characters; it may have {LONGEST_DOCUMENT}"
            ))),
            _ => Ok(text),
        }
    }

    /// A text that must be there.
    pub fn required(&self, member: &str) -> Result<String, Refusal> {
        self.text(member)?.ok_or_else(|| Refusal::missing(member))
    }

    /// An identifier that must be there.
    pub fn id(&self, member: &str) -> Result<String, Refusal> {
        let text = self.required(member)?;
        match EntityId::new(text.as_str()) {
            Ok(id) => Ok(id.to_string()),
            Err(error) => Err(Refusal::invalid(format!("`{member}`: {error}"))),
        }
    }

    /// Free text of the user, if it is there.
    pub fn name(&self, member: &str) -> Result<Option<String>, Refusal> {
        let text = self.text(member)?;
        if let Some(text) = &text {
            check_name(text).map_err(|error| Refusal::invalid(format!("`{member}`: {error}")))?;
        }
        Ok(text)
    }

    /// A truth value, false if it is not there.
    pub fn flag(&self, member: &str) -> Result<bool, Refusal> {
        match self.0.get(member) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(member, "boolean")),
        }
    }

    /// A number, if it is there.
    pub fn number(&self, member: &str) -> Result<Option<f64>, Refusal> {
        match self.0.get(member) {
            None => Ok(None),
            Some(value) => match value.as_f64().filter(|_| value.is_number()) {
                Some(number) => Ok(Some(number)),
                None => Err(self.wrong(member, "number")),
            },
        }
    }

    /// A whole number within limits, if it is there.
    pub fn count(&self, member: &str, least: u64, most: u64) -> Result<Option<u64>, Refusal> {
        match self.0.get(member) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(count) if (least..=most).contains(&count) => Ok(Some(count)),
                _ if value.is_i64() || value.is_u64() => Err(Refusal::invalid(format!(
                    "`{member}` is {value}; give a whole number from {least} to {most}"
                ))),
                _ => Err(self.wrong(member, "integer")),
            },
        }
    }

    /// An object that must be there.
    pub fn object(&self, member: &str) -> Result<Input, Refusal> {
        match self.0.get(member) {
            None => Err(Refusal::missing(member)),
            Some(Value::Object(members)) => Ok(Self::of(members.clone())),
            Some(_) => Err(self.wrong(member, "structure")),
        }
    }

    /// A map of texts, empty if it is not there.
    pub fn texts(&self, member: &str) -> Result<BTreeMap<String, String>, Refusal> {
        let members = match self.0.get(member) {
            None => return Ok(BTreeMap::new()),
            Some(Value::Object(members)) => members,
            Some(_) => return Err(self.wrong(member, "map")),
        };
        let text = |(name, value): (&String, &Value)| match value {
            Value::String(text) => Ok((name.clone(), text.clone())),
            _ => Err(self.wrong(&format!("{member}.{name}"), "string")),
        };
        members.iter().map(text).collect()
    }

    /// A list that must be there, of at most so many items.
    pub fn list(&self, member: &str, most: usize) -> Result<&[Value], Refusal> {
        match self.0.get(member) {
            None => Err(Refusal::missing(member)),
            Some(Value::Array(items)) if items.len() <= most => Ok(items),
            Some(Value::Array(items)) => Err(Refusal::invalid(format!(
                "`{member}` has {} items; it may have {most}",
                items.len()
            ))),
            Some(_) => Err(self.wrong(member, "list")),
        }
    }

    /// A place in object storage, if it is there and not empty.
    pub fn location(&self, member: &str) -> Result<Option<Location>, Refusal> {
        let Some(text) = self.text(member)?.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let location = Location::new(text);
        location
            .map(Some)
            .map_err(|error| Refusal::invalid(format!("`{member}`: {error}")))
    }
}
