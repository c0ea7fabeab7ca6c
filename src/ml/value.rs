//! What the text of a field means: numbers, binary literals, words, missing.
//!
//! Every flow (training, evaluation, batch, real time) reads fields through these functions, so the
//! rules exist once.

use super::text_hash::Short;

/// Numbers whose absolute value exceeds this are invalid: their squares would not fit a float.
pub const LARGEST_NUMBER: f64 = 1e150;

/// The field without white space around it. Most fields have none, and two looks settle that.
#[inline]
pub fn trimmed(field: &str) -> &str {
    match field.as_bytes() {
        [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => field,
        _ => field.trim(),
    }
}

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
    let text = trimmed(text);
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

/// Whether the text would be a number, were it not beyond [`LARGEST_NUMBER`].
pub fn is_too_large(text: &str) -> bool {
    let digits = trimmed(text);
    let is_number = digits.bytes().any(|b| b.is_ascii_digit());
    let parsed = fast_float2::parse::<f64, _>(digits);
    is_number && parsed.is_ok_and(|value| value.abs() > LARGEST_NUMBER)
}

/// Powers of ten that are exact floats.
const POWERS: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// Reads up to fifteen digits with an optional minus and fraction; `None` for everything else. Both the digits
/// and the power of ten are exact floats then, so that their quotient is the nearest one (Clinger 1990).
#[inline]
fn plain_number(bytes: &[u8]) -> Option<f64> {
    let (is_negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let (whole, decimals) = if digits.len() <= 8 {
        few_digits(digits)?
    } else {
        many_digits(digits)?
    };
    let value = whole as f64 / POWERS.get(decimals)?;
    Some(if is_negative { -value } else { value })
}

/// Up to eight digits, among which there may be a point: them as a number, and how many follow the point.
///
/// All bytes are looked at together, the first one lowest: the point is taken out, zeros come before the first
/// digit, and pairs, fours and eights of digits are put together by one multiplication each (Lemire 2018).
#[inline]
fn few_digits(text: &[u8]) -> Option<(u64, usize)> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = Short::of(text)?.bytes as u64;
    let length = text.len() as u32;
    // The lowest byte that is a point; bytes above it may be marked by the borrow, and do not matter.
    let points = word ^ (ONES * u64::from(b'.'));
    let point = (points.wrapping_sub(ONES) & !points & (ONES << 7)).trailing_zeros() / 8;
    let (word, count, decimals) = if point < length {
        let below = (1 << (8 * point)) - 1;
        let without = word & below | (word >> 8) & !below;
        (without, length - 1, length - 1 - point)
    } else {
        (word, length, 0)
    };
    if count == 0 {
        return None;
    }
    // Zeros, as text, before the first digit.
    let zeros = ONES * u64::from(b'0');
    let gap = 8 * (8 - count);
    let filled = word << gap | (zeros & !(u64::MAX << gap));
    let digits = filled ^ zeros;
    // A digit is at most nine: six more do not reach the upper half of its byte.
    if (digits | digits.wrapping_add(ONES * 6)) & (ONES * 0xf0) != 0 {
        return None;
    }
    let pairs = digits.wrapping_mul(10) + (digits >> 8);
    let fours = (pairs & 0x00ff_00ff_00ff_00ff).wrapping_mul(1 + (100 << 16)) >> 16 & 0x0000_ffff_0000_ffff;
    let eight = fours.wrapping_mul(1 + (10_000 << 32)) >> 32;
    Some((eight, decimals as usize))
}

/// The same for up to fifteen digits.
fn many_digits(text: &[u8]) -> Option<(u64, usize)> {
    let (mut whole, mut point) = (0u64, None);
    if text.len() > 16 {
        return None;
    }
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => whole = whole * 10 + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let count = text.len() - usize::from(point.is_some());
    let decimals = point.map_or(0, |at| text.len() - 1 - at);
    (count > 0 && count <= 15).then_some((whole, decimals))
}

/// Reads a binary literal: `1 y yes t true` are true, `0 n no f false` are false, in any case and
/// with white space around them. Anything else is `None`.
#[inline]
pub fn binary(text: &str) -> Option<bool> {
    let text = trimmed(text);
    let is_any = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match text.as_bytes() {
        [b'1' | b'y' | b'Y' | b't' | b'T'] => Some(true),
        [b'0' | b'n' | b'N' | b'f' | b'F'] => Some(false),
        // The longest literal has five letters, and no digit.
        [b'y' | b'Y' | b't' | b'T' | b'n' | b'N' | b'f' | b'F', rest @ ..] if rest.len() < 5 => {
            if is_any(&["yes", "true"]) {
                Some(true)
            } else {
                is_any(&["no", "false"]).then_some(false)
            }
        }
        _ => None,
    }
}

/// The words of a text: pieces between white space, case and punctuation kept.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

/// Calls `work` with where each of the [`words`] of a text begins and ends: several times as fast where all is ASCII.
#[inline]
pub fn for_each_word(text: &str, mut work: impl FnMut(usize, usize)) {
    if !text.is_ascii() {
        let offset = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
        return text
            .split_whitespace()
            .for_each(|word| work(offset(word), offset(word) + word.len()));
    }
    let (bytes, mut start) = (text.as_bytes(), 0);
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut space = |at: usize| {
        if matches!(bytes[at], b' ' | b'\t'..=b'\r') {
            if at > start {
                work(start, at);
            }
            start = at + 1;
        }
    };
    for (index, eight) in eights.iter().enumerate() {
        // The highest bit of each byte that is at most a space: added to 0x5f, all others reach it.
        let mut low = !(u64::from_le_bytes(*eight) + 0x5f5f_5f5f_5f5f_5f5f) & 0x8080_8080_8080_8080;
        while low != 0 {
            space(index * 8 + low.trailing_zeros() as usize / 8);
            low &= low - 1;
        }
    }
    (bytes.len() - rest.len()..bytes.len()).for_each(&mut space);
    if bytes.len() > start {
        work(start, bytes.len());
    }
}

/// True when the field, trimmed, is empty or one of the words that stand for missing.
#[inline]
pub fn is_missing(text: &str, missing_values: &[String]) -> bool {
    let text = trimmed(text);
    text.is_empty() || missing_values.iter().any(|word| word == text)
}

/// The field, or nothing where it stands for missing.
pub fn content<'a>(field: &'a str, missing_values: &[String]) -> &'a str {
    if is_missing(field, missing_values) {
        ""
    } else {
        field
    }
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

    /// Every text of up to eight bytes that may be a short number, or nearly so.
    #[test]
    fn short_numbers_read_the_same_as_long_ones() {
        let mut seed = 1;
        for _ in 0..200_000 {
            seed = crate::ml::hash::splitmix64(seed);
            let length = (seed >> 32) as usize % 9;
            let letter = |at: usize| b"0123456789012345678901234567890./:- \xff"[(seed >> at) as usize % 37];
            let text: Vec<u8> = (0..length).map(|at| letter(7 * at)).collect();
            assert_eq!(few_digits(&text), many_digits(&text), "{text:?}");
        }
        assert_eq!(few_digits(b"12345.67"), Some((1_234_567, 2)));
        assert_eq!(few_digits(b"00000001"), Some((1, 0)));
        assert_eq!(few_digits(b"5."), Some((5, 0)));
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
    fn words_are_those_of_the_standard_library() {
        let texts = [
            "",
            " ",
            "a",
            " a  b\tc\r\nd\u{b}e ",
            "a\u{1}b \u{1c}c\u{1f} d",
            "exactly8",
            "exactly8 ",
            "one two three four five six seven",
            "été à  la\u{a0}mer",
            "12345678 12345678 ",
            "a b c d e f g h i j k",
        ];
        for text in texts {
            let mut words = Vec::new();
            for_each_word(text, |start, end| words.push(&text[start..end]));
            assert_eq!(words, text.split_whitespace().collect::<Vec<_>>(), "{text:?}");
        }
    }

    #[test]
    fn missing_words_count_only_where_listed() {
        let words = vec!["NA".to_string()];
        assert!(is_missing("", &[]));
        assert!(is_missing(" NA", &words));
        assert!(!is_missing("NA", &[]));
    }

    #[test]
    fn white_space_alone_is_missing_and_around_a_value_it_stays() {
        for field in [" ", "\t \r\n", "\u{a0}\u{2003}"] {
            assert!(is_missing(field, &[]), "{field:?}");
            assert_eq!(content(field, &[]), "");
        }
        assert_eq!(content(" red ", &["NA".to_string()]), " red ");
    }
}
