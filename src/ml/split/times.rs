//! When a row was, for splits by time: a number, or a date in the order of ISO 8601.
//!
//! Dates are `2024-05`, `2024-05-31` or `2024/05/31`, with or without a time after `T` or a space:
//! `18:30`, `18:30:05`, `18:30:05.25`, and `Z` or an offset such as `+02:00` after it. Without an offset
//! they are in one zone.

use chrono::NaiveDate;

use crate::ml::value::{Number, number};

/// What a moment is written as. Only moments of one kind can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number, larger when later.
    Number,
    /// A date.
    Date,
}

/// The kind and place in time of a field, if it has one. Dates are seconds since 1970.
pub fn read(text: &str) -> Option<(Kind, f64)> {
    let text = text.trim();
    match number(text) {
        Number::Value(value) => Some((Kind::Number, value)),
        Number::Missing => None,
        Number::Invalid => seconds(text).map(|seconds| (Kind::Date, seconds)),
    }
}

fn seconds(text: &str) -> Option<f64> {
    let mut rest = text;
    let year = digits(&mut rest, 4)?;
    let between = rest.chars().next().filter(|c| matches!(c, '-' | '/'))?;
    let month = after(&mut rest, between).and_then(|()| digits(&mut rest, 2))?;
    let day = match after(&mut rest, between) {
        Some(()) => digits(&mut rest, 2)?,
        None if rest.is_empty() => 1,
        None => return None,
    };
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?;
    let days = (date - NaiveDate::from_ymd_opt(1970, 1, 1)?).num_days();
    let within = match rest.chars().next() {
        None => 0.0,
        Some('T' | 't' | ' ') => time(rest[1..].trim_start())?,
        Some(_) => return None,
    };
    Some(days as f64 * 86_400.0 + within)
}

/// Seconds after midnight, in universal time where an offset is given.
fn time(mut rest: &str) -> Option<f64> {
    let hour = digits(&mut rest, 2).filter(|hour| *hour <= 24)?;
    let minute = after(&mut rest, ':').and_then(|()| digits(&mut rest, 2).filter(|minute| *minute < 60))?;
    let second = match after(&mut rest, ':') {
        // Sixty is a leap second.
        Some(()) => digits(&mut rest, 2).filter(|second| *second <= 60)?,
        None => 0,
    };
    let mut fraction = 0.0;
    if after(&mut rest, '.').or_else(|| after(&mut rest, ',')).is_some() {
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, behind) = rest.split_at(length);
        fraction = format!("0.{digits}").parse().ok().filter(|_| length > 0)?;
        rest = behind;
    }
    let whole = f64::from(hour * 3600 + minute * 60 + second);
    Some(whole + fraction - offset(rest.trim_start())?)
}

/// Seconds by which a zone is ahead of universal time.
fn offset(mut rest: &str) -> Option<f64> {
    if matches!(rest, "" | "Z" | "z") {
        return Some(0.0);
    }
    let sign = match rest.chars().next()? {
        '+' => 1.0,
        '-' => -1.0,
        _ => return None,
    };
    rest = &rest[1..];
    let hours = digits(&mut rest, 2).filter(|hours| *hours < 24)?;
    let minutes = match after(&mut rest, ':') {
        None if rest.is_empty() => 0,
        _ => digits(&mut rest, 2).filter(|minutes| *minutes < 60)?,
    };
    rest.is_empty()
        .then(|| sign * f64::from(hours * 3600 + minutes * 60))
}

/// Takes exactly `count` digits.
fn digits(rest: &mut &str, count: usize) -> Option<u32> {
    let taken = rest
        .get(..count)
        .filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?;
    *rest = &rest[count..];
    taken.parse().ok()
}

/// Takes `expected`, if it comes next.
fn after(rest: &mut &str, expected: char) -> Option<()> {
    *rest = rest.strip_prefix(expected)?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_dates_are_told_apart_and_read() {
        for (text, kind, expected) in [
            ("7", Kind::Number, 7.0),
            (" -1.5e3 ", Kind::Number, -1500.0),
            ("2024", Kind::Number, 2024.0),
            ("20240531", Kind::Number, 20_240_531.0),
            ("1970-01-01", Kind::Date, 0.0),
            ("1970-01", Kind::Date, 0.0),
            ("1970/01/02", Kind::Date, 86_400.0),
            ("1969-12-31", Kind::Date, -86_400.0),
            ("2024-02-29", Kind::Date, 1_709_164_800.0),
            ("2024-02-29T12:00", Kind::Date, 1_709_208_000.0),
            ("2024-02-29 12:00:01", Kind::Date, 1_709_208_001.0),
            ("2024-02-29t12:00:01.25Z", Kind::Date, 1_709_208_001.25),
            ("2024-02-29T12:00:01,25 +02:00", Kind::Date, 1_709_200_801.25),
            ("2024-02-29T12:00:01-0130", Kind::Date, 1_709_213_401.0),
            ("2024-02-29T12:00+02", Kind::Date, 1_709_200_800.0),
        ] {
            assert_eq!(read(text), Some((kind, expected)), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "  ",
            "soon",
            "2024-",
            "2024-13-01",
            "2023-02-29",
            "2024-00",
            "24-01-01",
            "2024-1-1",
            "2024-01/02",
            "2024-01-01x",
            "2024-01-01T",
            "2024-01-01T25:00",
            "2024-01-01T10",
            "2024-01-01T10:60",
            "2024-01-01T10:00.",
            "2024-01-01T10:00+",
            "2024-01-01T10:00 UTC",
            "2024-01-01T10:00+2:00",
            "2024-01-01T10:00+02:0é",
            "日本-01-01",
            "NaN",
            "inf",
            "1e999",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
