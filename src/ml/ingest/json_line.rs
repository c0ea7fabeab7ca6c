//! One line of JSON: an object whose values are texts, numbers, truths or null.

use std::borrow::Cow;

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Stable code.
    pub(super) code: &'static str,
    /// What, and where.
    pub(super) detail: String,
}

/// Where the reading of a line stands.
struct Cursor<'a> {
    line: &'a str,
    at: usize,
}

/// Calls `member` with the name and the value of each member, in order. A value is its JSON text: numbers as they are
/// written, texts unescaped; null is empty.
pub(super) fn members<'a>(
    line: &'a str,
    mut member: impl FnMut(Cow<'a, str>, Cow<'a, str>) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    let mut cursor = Cursor { line, at: 0 };
    if cursor.peek() != Some(b'{') {
        return Err(Wrong {
            code: "not_an_object",
            detail: "the line is no JSON object; write each record as `{\"name\": value, …}`".into(),
        });
    }
    cursor.at += 1;
    if cursor.peek() == Some(b'}') {
        cursor.at += 1;
        return cursor.end();
    }
    loop {
        let name = cursor.text("the name of a member")?;
        cursor.expect(b':', "`:`")?;
        let value = cursor.value(&name)?;
        member(name, value)?;
        match cursor.peek() {
            Some(b',') => cursor.at += 1,
            Some(b'}') => {
                cursor.at += 1;
                return cursor.end();
            }
            _ => return Err(cursor.broken("`,` or `}`")),
        }
    }
}

impl<'a> Cursor<'a> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.line.as_bytes();
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8, called: &str) -> Result<(), Wrong> {
        if self.peek() != Some(byte) {
            return Err(self.broken(called));
        }
        self.at += 1;
        Ok(())
    }

    fn end(mut self) -> Result<(), Wrong> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.broken("the end of the line")),
        }
    }

    fn broken(&self, expected: &str) -> Wrong {
        let column = self
            .line
            .get(..self.at)
            .map_or(0, |before| before.chars().count())
            + 1;
        let found = match self.line.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(found) => format!("`{}`", found.escape_debug()),
            None => "the end of the line".into(),
        };
        Wrong {
            code: "invalid_json",
            detail: format!("column {column}: {expected} is expected, {found} is there"),
        }
    }

    fn value(&mut self, name: &str) -> Result<Cow<'a, str>, Wrong> {
        match self.peek() {
            Some(b'"') => self.text("a value"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'{' | b'[') => Err(Wrong {
                code: "nested_value",
                detail: format!(
                    "field `{name}` holds an object or a list; give a text, a number, true, false or null"
                ),
            }),
            _ => {
                let rest = self.line.get(self.at..).unwrap_or_default();
                for (word, text) in [("true", "true"), ("false", "false"), ("null", "")] {
                    if rest.starts_with(word) {
                        self.at += word.len();
                        return Ok(Cow::Borrowed(text));
                    }
                }
                Err(self.broken("a value"))
            }
        }
    }

    fn text(&mut self, called: &str) -> Result<Cow<'a, str>, Wrong> {
        if self.peek() != Some(b'"') {
            return Err(self.broken(called));
        }
        let (bytes, start) = (self.line.as_bytes(), self.at);
        let mut is_plain = true;
        let mut at = start + 1;
        loop {
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    is_plain = false;
                    at += 2;
                }
                Some(byte) if *byte >= 0x20 => at += 1,
                _ => {
                    self.at = at.min(bytes.len());
                    return Err(self.broken("`\"`"));
                }
            }
        }
        self.at = at + 1;
        let quoted = self.line.get(start..=at).unwrap_or_default();
        if is_plain {
            return Ok(Cow::Borrowed(&quoted[1..quoted.len() - 1]));
        }
        serde_json::from_str(quoted).map(Cow::Owned).map_err(|_| {
            self.at = start;
            self.broken("a text with valid escapes")
        })
    }

    /// A number as it is written: an optional sign, digits without a leading zero, a fraction, an exponent.
    fn number(&mut self) -> Result<Cow<'a, str>, Wrong> {
        let (bytes, start) = (self.line.as_bytes(), self.at);
        self.at += usize::from(bytes[start] == b'-');
        let whole = self.at;
        let mut is_sound = self.digits();
        is_sound &= bytes.get(whole) != Some(&b'0') || self.at == whole + 1;
        if is_sound && bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            is_sound = self.digits();
        }
        if is_sound && matches!(bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(bytes.get(self.at), Some(b'+' | b'-')));
            is_sound = self.digits();
        }
        if !is_sound {
            self.at = start;
            return Err(self.broken("a valid number"));
        }
        Ok(Cow::Borrowed(self.line.get(start..self.at).unwrap_or_default()))
    }

    /// Passes over digits; false when there is none.
    fn digits(&mut self) -> bool {
        let start = self.at;
        let bytes = self.line.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        self.at > start
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    fn read(line: &str) -> Result<Vec<(String, String)>, Wrong> {
        let mut found = Vec::new();
        members(line, |name, value| {
            found.push((name.into_owned(), value.into_owned()));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn values_are_their_text() {
        let line = r#" {"a":1.50, "b" : -0e+7,"c":"x \"y\" \u00e9\ud83d\ude00\n","d":true,"e":false,"f":null,"":"é"} "#;
        let found = read(line).unwrap();
        let pairs: Vec<(&str, &str)> = found.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let expected = [
            ("a", "1.50"),
            ("b", "-0e+7"),
            ("c", "x \"y\" é😀\n"),
            ("d", "true"),
            ("e", "false"),
            ("f", ""),
            ("", "é"),
        ];
        assert_eq!(pairs, expected);
        assert_eq!(read("{}"), Ok(vec![]));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (line, code, part) in [
            ("[1]", "not_an_object", "no JSON object"),
            ("3", "not_an_object", "{"),
            ("{\"a\":[1]}", "nested_value", "`a`"),
            ("{\"a\":{}}", "nested_value", "`a`"),
            ("{\"a\":1", "invalid_json", "column 7: `,` or `}`"),
            ("{\"a\" 1}", "invalid_json", "column 6: `:` is expected, `1`"),
            ("{\"é\":tru}", "invalid_json", "column 6: a value"),
            ("{\"a\":01}", "invalid_json", "column 6: a valid number"),
            ("{\"a\":1.}", "invalid_json", "column 6: a valid number"),
            ("{\"a\":-}", "invalid_json", "column 6: a valid number"),
            ("{\"a\":1e}", "invalid_json", "column 6: a valid number"),
            ("{\"a\":\"x", "invalid_json", "column 8: `\"`"),
            ("{\"a\":\"x\\", "invalid_json", "the end of the line"),
            (
                "{\"a\":\"\\x\"}",
                "invalid_json",
                "column 6: a text with valid escapes",
            ),
            ("{\"a\":\"\t\"}", "invalid_json", "column 7"),
            (
                "{\"a\":1}}",
                "invalid_json",
                "column 8: the end of the line is expected",
            ),
            ("{\"a\":1,}", "invalid_json", "column 8: the name of a member"),
            ("{a:1}", "invalid_json", "column 2"),
        ] {
            let wrong = read(line).unwrap_err();
            assert_eq!(wrong.code, code, "{line}: {}", wrong.detail);
            assert!(wrong.detail.contains(part), "{line}: {}", wrong.detail);
        }
    }

    proptest! {
        #[test]
        fn whatever_serde_writes_is_read(texts in prop::collection::vec((any::<String>(), any::<String>(), any::<f64>()), 0..4)) {
            let mut object = Map::new();
            let mut expected = Vec::new();
            for (at, (name, text, number)) in texts.into_iter().enumerate() {
                let name = format!("{name}{at}");
                let value = if at % 2 == 0 { Value::from(text.clone()) } else { Value::from(number) };
                let told = match &value {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                expected.push((name.clone(), told));
                object.insert(name, value);
            }
            let line = serde_json::to_string(&object).unwrap();
            prop_assert_eq!(read(&line).unwrap(), expected);
        }

        #[test]
        fn nothing_panics_and_what_is_read_is_json(line in r#"[{}\[\]":,0-9a-e.\\ "-]{0,30}"#) {
            if let Ok(found) = read(&line) {
                let value: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
                // Numbers beyond f64 are no numbers to serde_json.
                prop_assert!(value.is_object() || found.iter().any(|(_, text)| text.contains(['e', 'E'])));
            }
        }
    }
}
