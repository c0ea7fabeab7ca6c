//! JSON in which no object has a key twice. Plain JSON values keep the last of two and forget the first, so that a
//! mistake would go unnoticed.

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};

/// Reads an optional value, for `#[serde(deserialize_with)]`. Fails on a key that comes twice and names it.
pub fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Ok(Option::<Unique>::deserialize(deserializer)?.map(|unique| unique.0))
}

struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Seed.deserialize(deserializer).map(Unique)
    }
}

struct Seed;

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Seed)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!(
                    "`{}` is given twice; leave one out",
                    key.escape_debug()
                )));
            }
            map.insert(key, entries.next_value_seed(Seed)?);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Body {
        #[serde(default, deserialize_with = "optional")]
        value: Option<Value>,
    }

    #[test]
    fn values_are_read_as_they_are_unless_a_key_comes_twice() {
        for text in ["{}", r#"{"value": null}"#] {
            assert_eq!(serde_json::from_str::<Body>(text).unwrap().value, None);
        }
        let text = r#"{"a": [1, -2, 0.5, true, null, "x", {"b": {}}], "c": "d"}"#;
        let read: Body = serde_json::from_str(&format!(r#"{{"value": {text}}}"#)).unwrap();
        assert_eq!(read.value, serde_json::from_str(text).unwrap());
        let twice = r#"{"value": {"groups": {"g": "a", "g": "b"}}}"#;
        let error = serde_json::from_str::<Body>(twice).unwrap_err().to_string();
        assert!(error.starts_with("`g` is given twice; leave one out"), "{error}");
    }
}
