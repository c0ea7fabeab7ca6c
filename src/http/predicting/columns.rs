//! Records written in JSON column by column, or as one array of values in the order of named columns.
//!
//! The arrays are cut where they lie: nothing is copied but the texts of the values.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::json::{self, Field, Name};
use super::reader::{At, Reader, Stopped};
use crate::service::Error;

/// The single values of a JSON array, one after the other; arrays in it are looked into.
#[derive(Debug, Clone)]
pub struct Values<'a> {
    /// Valid JSON.
    text: &'a str,
    at: usize,
    /// Values that each array in the array must have.
    width: usize,
    depth: usize,
    /// Values so far in the array that is looked into.
    inner: usize,
    /// Arrays in the array so far.
    arrays: usize,
}

impl<'a> Values<'a> {
    /// The values of `array`, in which each inner array must have `width` values.
    pub fn new(array: &'a RawValue, width: usize) -> Self {
        Values {
            text: array.get(),
            at: 0,
            width,
            depth: 0,
            inner: 0,
            arrays: 0,
        }
    }

    /// How many values there are; the error says why there is no telling.
    pub fn count(&self) -> Result<usize, String> {
        let mut values = self.clone();
        if !self.text.starts_with('[') {
            return Err("an array is expected".to_owned());
        }
        let mut count = 0;
        while values.next()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// The next value as it is written; the error says why there is none.
    fn next(&mut self) -> Result<Option<&'a str>, String> {
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b'[' if self.depth == 2 => return Err("arrays are nested too deeply".to_owned()),
                b'[' => (self.depth, self.inner) = (self.depth + 1, 0),
                b']' => self.close()?,
                b'{' => return Err("an object stands where a value is expected".to_owned()),
                b',' | b' ' | b'\n' | b'\r' | b'\t' => {}
                _ => {
                    let start = self.at;
                    self.at = self.end();
                    self.inner += 1;
                    return Ok(self.text.get(start..self.at));
                }
            }
            self.at += 1;
        }
        Ok(None)
    }

    fn close(&mut self) -> Result<(), String> {
        if self.depth == 2 {
            let (inner, width, array) = (self.inner, self.width, self.arrays);
            if inner != width {
                return Err(format!(
                    "array {array} has {inner} values where {width} are expected"
                ));
            }
            self.arrays += 1;
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    /// Where the value that begins here ends.
    fn end(&self) -> usize {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let is_end = |byte: &u8| matches!(byte, b',' | b']' | b' ' | b'\n' | b'\r' | b'\t');
        let length = match rest {
            [b'"', inside @ ..] => 2 + closing_quote(inside),
            _ => rest.iter().position(is_end).unwrap_or(rest.len()),
        };
        (self.at + length).min(self.text.len())
    }
}

/// Where the text ends whose opening quote stands before `inside`.
fn closing_quote(inside: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'"', b'\\', &inside[at..]) {
        at += found;
        if inside[at] == b'"' {
            return at;
        }
        // What an escape begins with is never the end.
        at = (at + 2).min(inside.len());
    }
    inside.len()
}

/// Where the values of one column come from and go to.
#[derive(Debug, Clone)]
pub struct Column<'a> {
    /// The name of the column.
    pub name: Cow<'a, str>,
    /// The attribute that it is, if the model knows it.
    pub attribute: Option<usize>,
}

/// Columns, and the arrays that their values are in.
#[derive(Debug)]
pub enum Arrays<'a> {
    /// Each column has an array of its own.
    Each(Vec<Values<'a>>),
    /// One array has all values, record after record.
    All(Values<'a>),
}

/// A table of which the number of records is known.
#[derive(Debug)]
pub struct Table<'a> {
    /// The columns.
    pub columns: Vec<Column<'a>>,
    /// Their values.
    pub arrays: Arrays<'a>,
    /// How many values each column has.
    pub records: usize,
}

impl Table<'_> {
    /// Has every record scored, unless the reader stops, which then knows why. `check` says of the value of a column,
    /// as it is written, what is wrong with it; `pointer` says where the value of a record in a column is.
    pub fn read(
        &mut self,
        reader: &mut Reader<'_>,
        check: impl Fn(usize, &str) -> Option<String>,
        pointer: impl Fn(usize, usize) -> String,
    ) {
        for record in 0..self.records {
            if self.record(reader, record, &check, &pointer).is_err() {
                return;
            }
        }
    }

    fn record(
        &mut self,
        reader: &mut Reader<'_>,
        record: usize,
        check: &impl Fn(usize, &str) -> Option<String>,
        pointer: &impl Fn(usize, usize) -> String,
    ) -> Result<(), Stopped> {
        reader.begin()?;
        let at = At {
            base: "",
            index: Some(record),
        };
        for (place, column) in self.columns.iter().enumerate() {
            let value = match &mut self.arrays {
                Arrays::Each(arrays) => arrays.get_mut(place).map(Values::next),
                Arrays::All(array) => Some(array.next()),
            };
            // How many there are was counted before.
            let value = value.and_then(Result::ok).flatten().unwrap_or("null");
            let wrong = match (check(place, value), json::field(value), column.attribute) {
                (Some(wrong), ..) => Cow::from(wrong),
                (None, Field::Missing, _) => continue,
                (None, field, attribute) => match (field.value(), attribute) {
                    (Err(wrong), _) => wrong.into(),
                    (Ok((text, written)), Some(attribute)) => {
                        reader.set(attribute, &text, written, at)?;
                        continue;
                    }
                    (Ok((text, _)), None) => {
                        reader.set_unknown(&column.name, &text, at)?;
                        continue;
                    }
                },
            };
            reader.problem(pointer(record, place), "invalid_value", &wrong)?;
        }
        reader.end(at);
        Ok(())
    }
}

/// The columns of these names. None may be there twice; `pointer` says where each is.
pub fn columns<'a>(
    reader: &Reader<'_>,
    names: impl Iterator<Item = Cow<'a, str>>,
    pointer: impl Fn(usize) -> String,
) -> Result<Vec<Column<'a>>, Error> {
    let mut seen = Vec::new();
    let column = |(place, name): (usize, Cow<'a, str>)| {
        let attribute = reader.find(&name, place);
        if let Some(attribute) = attribute {
            if seen.len() <= attribute {
                seen.resize(attribute + 1, false);
            }
            if std::mem::replace(&mut seen[attribute], true) {
                let (at, message) = (pointer(place), "the column is given twice");
                return Err(Error::field(
                    &at,
                    "duplicate_field",
                    format!("{message} at `{at}`"),
                ));
            }
        }
        Ok(Column { name, attribute })
    };
    names.enumerate().map(column).collect()
}

/// The members of an object in the order in which they are written.
#[derive(Debug)]
pub struct Members<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key_seed(Name)? {
            members.push((name, map.next_value()?));
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(json: &str, width: usize) -> Result<Vec<String>, String> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let mut values = Values::new(raw, width);
        let count = values.count()?;
        let mut found = Vec::new();
        while let Some(value) = values.next()? {
            found.push(value.to_owned());
        }
        assert_eq!(found.len(), count, "{json}");
        Ok(found)
    }

    #[test]
    fn arrays_are_cut_into_their_values() {
        for (json, width, expected) in [
            ("[]", 1, ""),
            ("[ 1 , 2.50,\n-3e4 ]", 1, "1|2.50|-3e4"),
            ("[[1],[2]]", 1, "1|2"),
            ("[[1, \"a]\"], [null, true]]", 2, "1|\"a]\"|null|true"),
            (
                r#"["", "\"", "a\\", "\\\"[,", "ü"]"#,
                1,
                r#"""|"\""|"a\\"|"\\\"[,"|"ü""#,
            ),
        ] {
            assert_eq!(values(json, width).unwrap().join("|"), expected, "{json}");
        }
    }

    #[test]
    fn what_is_no_table_is_told() {
        for (json, width, part) in [
            ("[[1,2],[3]]", 2, "array 1 has 1 values where 2 are expected"),
            ("[[[1]]]", 1, "too deeply"),
            ("[{}]", 1, "object"),
            ("{}", 1, "an array is expected"),
            ("3", 1, "an array is expected"),
            ("\"[1]\"", 1, "an array is expected"),
        ] {
            let told = values(json, width).unwrap_err();
            assert!(told.contains(part), "{json}: {told}");
        }
    }
}
