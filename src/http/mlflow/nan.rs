//! Numbers that JSON does not have. MLflow's own client writes a missing number of a data frame as a bare `NaN`, and its
//! server reads it; so it is read here, as a missing value, and an infinity as a text that is no number.

use std::borrow::Cow;

/// The document with `NaN` as null and infinities as texts, outside of texts; unchanged where it has none.
pub fn tolerated(text: &str) -> Cow<'_, str> {
    if !text.contains("NaN") && !text.contains("Infinity") {
        return text.into();
    }
    let mut tolerated = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(['"', 'N', 'I', '-']) {
        let (before, from) = rest.split_at(at);
        tolerated.push_str(before);
        let (length, instead) = match from.as_bytes() {
            [b'"', ..] => (end_of_text(from), None),
            bytes if bytes.starts_with(b"NaN") => (3, Some("null")),
            bytes if bytes.starts_with(b"Infinity") => (8, Some("\"Infinity\"")),
            bytes if bytes.starts_with(b"-Infinity") => (9, Some("\"-Infinity\"")),
            _ => (1, None),
        };
        let (here, after) = from.split_at(length);
        tolerated.push_str(instead.unwrap_or(here));
        rest = after;
    }
    tolerated.push_str(rest);
    tolerated.into()
}

/// The length of the text that `from` begins with, its quotes included.
fn end_of_text(from: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in from.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !is_escaped => return at + 1,
            b'\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    from.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_words_are_replaced() {
        for (text, expected) in [
            (r#"[1, NaN, -2]"#, r#"[1, null, -2]"#),
            (
                r#"{"a": NaN,"b":Infinity, "c": [-Infinity]}"#,
                r#"{"a": null,"b":"Infinity", "c": ["-Infinity"]}"#,
            ),
            (
                r#"["NaN", "say \"NaN\"", "\\", NaN]"#,
                r#"["NaN", "say \"NaN\"", "\\", null]"#,
            ),
            (r#"["Infinity é", -1, N]"#, r#"["Infinity é", -1, N]"#),
            (r#"["NaN"#, r#"["NaN"#),
            (r#"{"a": 1}"#, r#"{"a": 1}"#),
        ] {
            assert_eq!(tolerated(text), expected);
        }
    }
}
