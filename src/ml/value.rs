//! What the text of a field means: numbers, binary literals, words, missing.
//!
//! Every flow (training, evaluation, batch, real time) reads fields through these functions, so the
//! rules exist once.

/// Numbers whose absolute value exceeds this are invalid: their squares would not fit a float.
pub const LARGEST_NUMBER: f64 = 1e150;

/// What a field of a NUMERIC attribute holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// Nothing, or a word that the schema lists as missing.
    Missing,
    /// A finite number.
    Value(f64),
    /// Text that is no number, or a number out of range.
    Invalid,
}

/// Reads a number: optional sign, digits with an optional fraction, optional exponent. White space
/// around it is ignored. `NaN`, `inf`, hexadecimal, thousands separators and units are invalid.
pub fn number(text: &str) -> Number {
    let text = text.trim();
    if text.is_empty() {
        return Number::Missing;
    }
    let bytes = text.as_bytes();
    if let Some(value) = plain_number(bytes) {
        return Number::Value(value);
    }
    if !bytes
        .iter()
        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'))
    {
        return Number::Invalid;
    }
    // The parser takes a leading minus but no plus; `+-1` must stay invalid.
    let digits = match bytes.split_first() {
        Some((b'+', rest)) if !rest.first().is_some_and(|b| matches!(b, b'+' | b'-')) => rest,
        _ => bytes,
    };
    match fast_float2::parse::<f64, _>(digits) {
        Ok(value) if value.abs() <= LARGEST_NUMBER => Number::Value(value),
        _ => Number::Invalid,
    }
}

/// Reads up to fifteen digits with an optional minus and fraction; `None` for everything else. Both the digits
/// and the power of ten are exact floats then, so that their quotient is the nearest one (Clinger 1990).
fn plain_number(bytes: &[u8]) -> Option<f64> {
    const POWERS: [f64; 16] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ];
    let (is_negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let (mut whole, mut point) = (0u64, None);
    if digits.len() > 16 {
        return None;
    }
    for (at, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => whole = whole * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let count = digits.len() - usize::from(point.is_some());
    if count == 0 || count > 15 {
        return None;
    }
    let power = POWERS.get(point.map_or(0, |at| digits.len() - 1 - at))?;
    let value = whole as f64 / power;
    Some(if is_negative { -value } else { value })
}

/// Reads a binary literal: `1 y yes t true` are true, `0 n no f false` are false, in any case and
/// with white space around them. Anything else is `None`.
pub fn binary(text: &str) -> Option<bool> {
    let text = text.trim();
    // The longest literal has five letters; most other text is settled by its length or its first byte.
    let may_be = |first: &u8| b"1yYtT0nNfF".contains(first);
    if text.len() > 5 || !text.as_bytes().first().is_some_and(may_be) {
        return None;
    }
    let is_any = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_any(&["1", "y", "yes", "t", "true"]) {
        Some(true)
    } else if is_any(&["0", "n", "no", "f", "false"]) {
        Some(false)
    } else {
        None
    }
}

/// The words of a text: pieces between white space, case and punctuation kept.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

/// True when the field is empty or, trimmed, one of the words that stand for missing.
pub fn is_missing(text: &str, missing_values: &[String]) -> bool {
    text.is_empty() || (!missing_values.is_empty() && missing_values.iter().any(|word| word == text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_grammar() {
        for (text, expected) in [
            ("-1", -1.0),
            (".5", 0.5),
            ("1e-3", 0.001),
            ("+2.0E4", 20_000.0),
            (" 7 ", 7.0),
            ("1.", 1.0),
            ("1e150", 1e150),
            ("0", 0.0),
        ] {
            assert_eq!(number(text), Number::Value(expected), "{text}");
        }
        for text in [
            "NaN", "inf", "-inf", "0x10", "1,000", "5kg", "1e999", "1e151", "+-1", "--1", ".", "e5", "1e",
            "infinity",
        ] {
            assert_eq!(number(text), Number::Invalid, "{text}");
        }
        assert_eq!(number(""), Number::Missing);
        assert_eq!(number("  "), Number::Missing);
    }

    #[test]
    fn numbers_read_the_same_as_the_standard_library() {
        for text in [
            "0.1",
            "123456789.123456789",
            "4.9e-324",
            "1.7976931348623157e100",
            "3.141592653589793",
            "-0",
            "0.000000000000001",
            "999999999999999",
            "-123456.789012345",
            "0.3",
            "9007199254740993",
            "1.000000000000000",
        ] {
            assert_eq!(number(text), Number::Value(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn binary_literals_ignore_case_and_space() {
        for text in ["1", "y", "YES", " t ", "True"] {
            assert_eq!(binary(text), Some(true), "{text}");
        }
        for text in ["0", "N", "no", "F", "false "] {
            assert_eq!(binary(text), Some(false), "{text}");
        }
        for text in ["", "2", "maybe", "1.0", "truely"] {
            assert_eq!(binary(text), None, "{text}");
        }
    }

    #[test]
    fn missing_words_count_only_where_listed() {
        let words = vec!["NA".to_string()];
        assert!(is_missing("", &[]));
        assert!(is_missing(" NA", &words));
        assert!(!is_missing("NA", &[]));
    }
}
