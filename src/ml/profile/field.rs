//! What one field says by itself: nothing, a number, a word that stands for missing, or something else.

use super::values::Known;
use crate::ml::value::{Number, binary, number, trimmed};

/// Words that often stand for "missing". A column uses one only where the rest of it speaks for that.
pub const MISSING_WORDS: [&str; 17] = [
    "NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "null", "None", "none", "nil", "?", "-", "--", "#N/A",
    "(null)", "\\N",
];

/// The longest of them in bytes.
const LONGEST_MISSING_WORD: usize = 6;

/// What a field may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// White space.
    Blank,
    /// A word that a schema lists as missing.
    Listed,
    /// A number.
    Number(f64),
    /// One of [`MISSING_WORDS`].
    MissingWord,
    /// Anything else.
    Other,
}

/// What is known of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    /// The line on which it was met first.
    pub line: u64,
    /// What it is.
    pub kind: Kind,
    /// Its meaning as a binary literal.
    pub binary: Option<bool>,
}

impl Known for Facts {
    fn is_value(&self) -> bool {
        !matches!(self.kind, Kind::Blank | Kind::Listed)
    }
}

impl Facts {
    /// Looks at a field met on `line`; `listed` are the words that a schema lists as missing.
    pub fn of(field: &str, line: u64, listed: &[String]) -> Self {
        let text = trimmed(field);
        let kind = match text.as_bytes().first() {
            None => Kind::Blank,
            _ if listed.iter().any(|word| word == text) => Kind::Listed,
            // Nothing else begins a number.
            Some(b'0'..=b'9' | b'+' | b'-' | b'.') => match number(text) {
                Number::Value(value) => Kind::Number(value),
                Number::Missing | Number::Invalid => word_kind(text),
            },
            Some(_) => word_kind(text),
        };
        Self {
            line,
            kind,
            binary: binary(text),
        }
    }
}

fn word_kind(text: &str) -> Kind {
    if text.len() <= LONGEST_MISSING_WORD && MISSING_WORDS.contains(&text) {
        Kind::MissingWord
    } else {
        Kind::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_fields() {
        let listed = vec!["99".to_string()];
        for (field, kind, truth) in [
            (" \u{a0}", Kind::Blank, None),
            ("99 ", Kind::Listed, None),
            ("1", Kind::Number(1.0), Some(true)),
            (" 0", Kind::Number(0.0), Some(false)),
            ("-.5e1", Kind::Number(-5.0), None),
            ("+7", Kind::Number(7.0), None),
            ("-", Kind::MissingWord, None),
            ("(null)", Kind::MissingWord, None),
            ("N/A ", Kind::MissingWord, None),
            ("7 kg", Kind::Other, None),
            ("é", Kind::Other, None),
            ("Yes", Kind::Other, Some(true)),
        ] {
            let facts = Facts::of(field, 3, &listed);
            assert_eq!(
                (facts.line, facts.kind, facts.binary),
                (3, kind, truth),
                "{field:?}"
            );
        }
        assert!(
            MISSING_WORDS
                .iter()
                .all(|word| word.len() <= LONGEST_MISSING_WORD)
        );
    }
}
