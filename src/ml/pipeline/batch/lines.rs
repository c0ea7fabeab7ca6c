//! Lines of the output, appended to bytes without allocating for each field.

use std::io::Write;

/// One line of CSV, as the `csv` crate writes it with its default settings.
pub struct CsvLine<'a> {
    bytes: &'a mut Vec<u8>,
    start: usize,
    is_first: bool,
}

impl<'a> CsvLine<'a> {
    /// Begins a line at the end of `bytes`.
    pub fn new(bytes: &'a mut Vec<u8>) -> Self {
        let start = bytes.len();
        Self {
            bytes,
            start,
            is_first: true,
        }
    }

    fn next(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.bytes.push(b',');
        }
    }

    /// Appends a field; it is quoted where it has to be.
    pub fn text(&mut self, field: &str) {
        self.next();
        let is_special = |byte: &u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
        if !field.as_bytes().iter().any(is_special) {
            self.bytes.extend_from_slice(field.as_bytes());
            return;
        }
        self.bytes.push(b'"');
        for (place, piece) in field.split('"').enumerate() {
            if place > 0 {
                self.bytes.extend_from_slice(b"\"\"");
            }
            self.bytes.extend_from_slice(piece.as_bytes());
        }
        self.bytes.push(b'"');
    }

    /// Appends a number.
    pub fn number(&mut self, value: f64) {
        self.next();
        shortest(self.bytes, value);
    }

    /// Appends a number with up to seven digits and always an exponent, as `8.7642E-3` and `1E0`.
    pub fn scientific(&mut self, value: f64) {
        self.next();
        if !value.is_finite() {
            return shortest(self.bytes, value);
        }
        // A zero has no sign.
        let text = format!("{:.6e}", if value == 0.0 { 0.0 } else { value });
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        let _ = write!(self.bytes, "{digits}E{exponent}");
    }

    /// Appends a whole number.
    pub fn count(&mut self, value: u64) {
        self.next();
        whole(self.bytes, value);
    }

    /// Ends the line. One empty field alone is written as `""`, because an empty line is no record.
    pub fn end(self) {
        if self.bytes.len() == self.start {
            self.bytes.extend_from_slice(b"\"\"");
        }
        self.bytes.push(b'\n');
    }
}

/// One JSON object on a line of its own.
pub struct JsonLine<'a> {
    bytes: &'a mut Vec<u8>,
    is_first: bool,
}

impl<'a> JsonLine<'a> {
    /// Begins an object at the end of `bytes`.
    pub fn new(bytes: &'a mut Vec<u8>) -> Self {
        bytes.push(b'{');
        Self {
            bytes,
            is_first: true,
        }
    }

    /// Begins a member. `name` is JSON already: with quotes, and escaped.
    pub fn key(&mut self, name: &str) {
        if !std::mem::take(&mut self.is_first) {
            self.bytes.push(b',');
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(b':');
    }

    /// A member that is a text.
    pub fn text(&mut self, name: &str, value: &str) {
        self.key(name);
        quoted(self.bytes, value);
    }

    /// A member that is a number; null if it is none that JSON knows.
    pub fn number(&mut self, name: &str, value: f64) {
        self.key(name);
        match value.is_finite() {
            true => shortest(self.bytes, value),
            false => self.bytes.extend_from_slice(b"null"),
        }
    }

    /// A member that is a whole number.
    pub fn count(&mut self, name: &str, value: u64) {
        self.key(name);
        whole(self.bytes, value);
    }

    /// A member that is an object of its own.
    pub fn object(&mut self, name: &str, fill: impl FnOnce(&mut JsonLine)) {
        self.key(name);
        let mut inner = JsonLine::new(self.bytes);
        fill(&mut inner);
        self.bytes.push(b'}');
    }

    /// Ends the object and its line.
    pub fn end(self) {
        self.bytes.extend_from_slice(b"}\n");
    }
}

/// A text as JSON, with quotes.
pub fn json_text(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len() + 2);
    quoted(&mut bytes, text);
    String::from_utf8(bytes).unwrap_or_default()
}

/// Appends a text as JSON.
fn quoted(bytes: &mut Vec<u8>, text: &str) {
    let is_special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    if text.as_bytes().iter().any(is_special) {
        // Neither a text nor a vector can fail to be written.
        let _ = serde_json::to_writer(bytes, text);
        return;
    }
    bytes.push(b'"');
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(b'"');
}

/// Appends the shortest text that reads back as the same number, with an exponent where that is shorter.
fn shortest(bytes: &mut Vec<u8>, value: f64) {
    // A vector cannot fail to be written to.
    let _ = write!(bytes, "{value:?}");
}

fn whole(bytes: &mut Vec<u8>, value: u64) {
    let _ = write!(bytes, "{value}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn ours(fields: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut line = CsvLine::new(&mut bytes);
        fields.iter().for_each(|field| line.text(field));
        line.end();
        bytes
    }

    fn theirs(fields: &[&str]) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(fields).unwrap();
        writer.into_inner().unwrap()
    }

    #[test]
    fn fields_are_quoted_as_the_csv_crate_quotes_them() {
        for fields in [
            &["a", "b"][..],
            &[""],
            &["", ""],
            &["a,b", "c\"d", "\"", "e\nf", "g\rh", " i ", "#", "'", "\t;|"],
            &["ä,ö", "\u{feff}x", "\u{0}"],
            &["\"\"", "", "x"],
        ] {
            assert_eq!(ours(fields), theirs(fields), "{fields:?}");
        }
    }

    proptest! {
        #[test]
        fn any_fields_are_written_as_the_csv_crate_writes_them(
            fields in prop::collection::vec("[a,\"\r\n ;é#]{0,5}", 1..5)
        ) {
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            prop_assert_eq!(ours(&fields), theirs(&fields));
        }

        #[test]
        fn any_text_survives_as_json(text in any::<String>()) {
            prop_assert_eq!(serde_json::from_str::<String>(&json_text(&text)).unwrap(), text);
        }
    }

    #[test]
    fn numbers_read_back_to_the_bit() {
        for value in [
            0.0,
            -0.0,
            0.1,
            1.0 / 3.0,
            5e-324,
            1e300,
            123_456_789.0,
            1e16,
            0.003_116_275_880_989_2,
        ] {
            let (mut csv, mut json) = (Vec::new(), Vec::new());
            let mut line = CsvLine::new(&mut csv);
            line.number(value);
            line.end();
            assert_eq!(csv, format!("{value:?}\n").into_bytes());
            let mut line = JsonLine::new(&mut json);
            line.number("\"x\"", value);
            line.end();
            let read: Value = serde_json::from_slice(&json).unwrap();
            assert_eq!(read["x"].as_f64().unwrap().to_bits(), value.to_bits(), "{value}");
        }
    }

    #[test]
    fn numbers_have_seven_digits_and_an_exponent() {
        for (value, text) in [
            (0.008_764_2, "8.7642E-3"),
            (0.789_901_2, "7.899012E-1"),
            (15.038_19, "1.503819E1"),
            (-6.188_034, "-6.188034E0"),
            (1.255_065e-11, "1.255065E-11"),
            (1.0, "1E0"),
            (0.0, "0E0"),
            (-0.0, "0E0"),
            (0.999_999_96, "1E0"),
            (1e300, "1E300"),
        ] {
            let mut bytes = Vec::new();
            CsvLine::new(&mut bytes).scientific(value);
            assert_eq!(String::from_utf8(bytes).unwrap(), text);
        }
    }

    #[test]
    fn objects_are_json() {
        let mut bytes = Vec::new();
        let mut line = JsonLine::new(&mut bytes);
        line.count("\"row\"", 7);
        line.text("\"tag\"", "a \"b\"\n");
        line.object("\"inner\"", |inner| {
            inner.number(&json_text("k\\"), f64::NAN);
            inner.number("\"l\"", 1.5);
        });
        line.object("\"none\"", |_| {});
        line.end();
        let text = String::from_utf8(bytes).unwrap();
        let expected =
            "{\"row\":7,\"tag\":\"a \\\"b\\\"\\n\",\"inner\":{\"k\\\\\":null,\"l\":1.5},\"none\":{}}\n";
        assert_eq!(text, expected);
    }
}
