//! Records written in JSON: objects of fields, or arrays of values in the order of the columns.
//!
//! Texts count as they are, numbers and truth values as they are written (1.50 stays `1.50`), null is a missing value.
//! Nothing is copied but the texts of the fields.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::reader::{At, Reader, Stopped};
use crate::http::rest::extract::json_error;
use crate::ml::draft::Written;
use crate::service::Error;

/// The body as text.
pub fn text(body: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(body).map_err(|error| {
        let message = format!(
            "the body is not valid UTF-8 at byte {}; send JSON as UTF-8",
            error.valid_up_to() + 1
        );
        Error::invalid("invalid_json", message)
    })
}

/// Reads a whole document with `seed`; the error says why that was not possible.
pub fn read<'de, S: DeserializeSeed<'de>>(text: &'de str, seed: S) -> Result<S::Value, Error> {
    let mut document = serde_json::Deserializer::from_str(text);
    let value = seed.deserialize(&mut document);
    let value = value.and_then(|value| document.end().map(|()| value));
    value.map_err(|error| explained(text, &error))
}

/// A broken document; that JSON has no NaN is what people stumble over.
fn explained(text: &str, error: &serde_json::Error) -> Error {
    let line = text
        .lines()
        .nth(error.line().saturating_sub(1))
        .unwrap_or_default();
    let start = error.column().saturating_sub(2);
    let near: String = line.chars().skip(start).take(10).collect();
    let is_no_number = ["NaN", "Infinity", "inf", "nan"]
        .iter()
        .any(|word| near.contains(word));
    match json_error(error, String::new()) {
        Error::InvalidInput {
            code,
            message,
            problems,
        } if is_no_number => Error::InvalidInput {
            code,
            message: format!("{message}; JSON has no NaN and no infinity: send null for a missing number"),
            problems,
        },
        error => error,
    }
}

/// Reads a whole document that must be an object; a derived reader would take a list of values without names too.
pub fn read_object<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Error> {
    if !text.trim_start().starts_with('{') {
        // What is no JSON at all is told of as such.
        read(text, PhantomData::<IgnoredAny>)?;
        return Err(Error::invalid("invalid_value", "the body must be a JSON object"));
    }
    read(text, PhantomData::<T>)
}

/// One field as it was written.
pub enum Field<'v> {
    /// A value as text.
    Value(Cow<'v, str>, Written),
    /// Null.
    Missing,
    /// An object or an array, which a field cannot be.
    Nested,
    /// A text that is none.
    NoText,
}

impl<'v> Field<'v> {
    /// The value as text, with nothing for null; the error says why it is none.
    pub fn value(self) -> Result<(Cow<'v, str>, Written), &'static str> {
        match self {
            Field::Value(text, written) => Ok((text, written)),
            Field::Missing => Ok(("".into(), Written::Plain)),
            Field::Nested => Err(NESTED),
            Field::NoText => Err(NO_TEXT),
        }
    }
}

/// The field that a JSON value is.
pub fn field(text: &str) -> Field<'_> {
    match text.as_bytes() {
        [b'"', ..] => match text.get(1..text.len() - 1) {
            Some(plain) if memchr::memchr(b'\\', plain.as_bytes()).is_none() => {
                Field::Value(plain.into(), Written::Text)
            }
            _ => match serde_json::from_str::<String>(text) {
                Ok(text) => Field::Value(text.into(), Written::Text),
                Err(_) => Field::NoText,
            },
        },
        [b'n', ..] => Field::Missing,
        [b't' | b'f', ..] => Field::Value(text.into(), Written::Plain),
        [b'{' | b'[', ..] => Field::Nested,
        _ => Field::Value(text.into(), Written::Number),
    }
}

const NESTED: &str = "a field must be a text, a number, a boolean or null";
const NO_TEXT: &str = "the text has an escape that stands for no character; send valid Unicode";
const NO_RECORD: &str =
    "a record must be an object of fields, or an array of values in the order of the columns";

/// Reads one record.
pub struct Record<'a, 'w> {
    /// Takes the fields.
    pub reader: &'a mut Reader<'w>,
    /// Where the record is.
    pub at: At,
}

/// Reads a list of records.
pub struct Records<'a, 'w> {
    /// Takes the fields.
    pub reader: &'a mut Reader<'w>,
    /// Where the list is.
    pub base: &'static str,
}

impl<'de> DeserializeSeed<'de> for Records<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Records<'_, '_> {
    fn refuse<E: serde::de::Error>(self) -> Result<(), E> {
        let message = format!("an array of records is expected at `{}`", self.base);
        Err(stop(self.reader.stop(Error::field(
            self.base,
            "invalid_value",
            message,
        ))))
    }
}

/// Refuses whatever has no parts.
macro_rules! refuse_scalars {
    () => {
        fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
            self.refuse()
        }

        fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
            self.refuse()
        }

        fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
            self.refuse()
        }

        fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
            self.refuse()
        }

        fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
            self.refuse()
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
            self.refuse()
        }
    };
}

impl<'de> Visitor<'de> for Records<'_, '_> {
    type Value = ();

    refuse_scalars!();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.refuse()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Records { reader, base } = self;
        let mut index = 0;
        loop {
            let at = At {
                base,
                index: Some(index),
            };
            if list.next_element_seed(Record { reader, at })?.is_none() {
                return Ok(());
            }
            index += 1;
        }
    }
}

impl<'de> DeserializeSeed<'de> for Record<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Record<'_, '_> {
    fn refuse<E: serde::de::Error>(self) -> Result<(), E> {
        let pointer = self.at.record();
        self.reader
            .problem(pointer, "invalid_value", NO_RECORD)
            .map_err(stop)
    }
}

/// Ends reading; the reader knows why, so that the text does not matter.
fn stop<E: serde::de::Error>(_: Stopped) -> E {
    E::custom("stopped")
}

impl<'de> Visitor<'de> for Record<'_, '_> {
    type Value = ();

    refuse_scalars!();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Record { reader, at } = self;
        reader.begin().map_err(stop)?;
        let mut expected = 0;
        while let Some(name) = map.next_key_seed(Name)? {
            let raw: &'de RawValue = map.next_value()?;
            let known = reader.find(&name, expected);
            let done = match (known, field(raw.get())) {
                (_, Field::Missing) => Ok(()),
                (_, Field::Nested) => reader.problem(at.field(&name), "invalid_value", NESTED),
                (_, Field::NoText) => reader.problem(at.field(&name), "invalid_value", NO_TEXT),
                (Some(attribute), Field::Value(text, written)) => reader.set(attribute, &text, written, at),
                (None, Field::Value(text, _)) => reader.set_unknown(&name, &text, at),
            };
            done.map_err(stop)?;
            expected = known.map_or(expected, |known| known + 1);
        }
        reader.end(at);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Record { reader, at } = self;
        reader.begin().map_err(stop)?;
        let mut place = 0_usize;
        while let Some(raw) = list.next_element::<&'de RawValue>()? {
            let (text, written) = match field(raw.get()).value() {
                Ok(value) => value,
                Err(detail) => {
                    let pointer = at.field(&place.to_string());
                    reader.problem(pointer, "invalid_value", detail).map_err(stop)?;
                    Default::default()
                }
            };
            reader.push(&text, written).map_err(stop)?;
            place += 1;
        }
        reader.arrange(at).map_err(stop)?;
        reader.end(at);
        Ok(())
    }
}

/// Reads the name of a field without copying it where that is possible.
pub struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(name.into())
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(name.to_owned().into())
    }
}

/// The records of a request: `{"record": …}` or `{"records": […]}`.
pub struct Request<'a, 'w> {
    /// Takes the fields.
    pub reader: &'a mut Reader<'w>,
}

/// What a request was besides its records.
#[derive(Debug, Default)]
pub struct Asked {
    /// Whether one record was given rather than a list; none when neither was.
    pub single: Option<bool>,
    /// Members that mean nothing here.
    pub unknown: Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Request<'_, '_> {
    type Value = Asked;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Asked, D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// Members of a request that are remarked on; others are passed over.
const MOST_UNKNOWN: usize = 20;

impl<'de> Visitor<'de> for Request<'_, '_> {
    type Value = Asked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `record` or `records`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Asked, A::Error> {
        let reader = self.reader;
        let mut asked = Asked::default();
        while let Some(name) = map.next_key_seed(Name)? {
            let is_single = match &*name {
                "record" => true,
                "records" => false,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    if asked.unknown.len() < MOST_UNKNOWN {
                        asked.unknown.push(name.into_owned());
                    }
                    continue;
                }
            };
            if asked.single.replace(is_single).is_some() {
                let message = "give exactly one of `record` and `records`, once";
                let stopped = reader.stop(Error::invalid("invalid_input", message));
                return Err(A::Error::custom(format_args!("{stopped:?}")));
            }
            if is_single {
                let at = At {
                    base: "/record",
                    index: None,
                };
                map.next_value_seed(Record { reader, at })?;
            } else {
                let base = "/records";
                map.next_value_seed(Records { reader, base })?;
            }
        }
        Ok(asked)
    }
}
