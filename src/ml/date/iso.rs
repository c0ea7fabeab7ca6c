//! Dates in the order of ISO 8601, read without being told their format.
//!
//! Wider than any one [`DateFormat`](super::DateFormat), because nothing is learned from what is read here: the
//! day may be left out, the separators and the detail of the time may differ from text to text, and `24:00` and
//! leap seconds are the moment that follows.

use super::Moment;
use super::calendar::{digits, midnight, nanoseconds, offset};

/// The moment of `2024-05`, `2024-05-31` or `2024/05/31`, with or without a time after `T` or a space: `18:30`,
/// `18:30:05`, `18:30:05.25`, and `Z` or an offset such as `+02:00` after it.
pub(super) fn read(text: &str) -> Option<Moment> {
    let (year, rest) = digits(text.trim().as_bytes(), 4, 4)?;
    let by = *rest.first().filter(|by| matches!(by, b'-' | b'/'))?;
    let (month, rest) = digits(&rest[1..], 2, 2)?;
    let (day, rest) = match rest.strip_prefix(&[by]) {
        Some(rest) => digits(rest, 2, 2)?,
        None if rest.is_empty() => (1, rest),
        None => return None,
    };
    let (seconds, nanos) = match rest.split_first() {
        None => (0, 0),
        Some((b'T' | b't' | b' ', rest)) => time(rest.trim_ascii_start())?,
        Some(_) => return None,
    };
    Moment::new(midnight(year, month, day)? + seconds, nanos)
}

/// Seconds after midnight, less the offset, and nanoseconds.
fn time(text: &[u8]) -> Option<(i64, u32)> {
    let (hour, rest) = digits(text, 2, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(b":")?, 2, 2)?;
    let (second, rest) = match rest.strip_prefix(b":") {
        Some(rest) => digits(rest, 2, 2)?,
        None => (0, rest),
    };
    let (nanos, rest) = match rest.split_first() {
        Some((b'.' | b',', rest)) => nanoseconds(rest)?,
        _ => (0, rest),
    };
    let east = match rest.trim_ascii_start() {
        [] => 0,
        zone => match offset(zone, true, true)? {
            (east, []) => east,
            _ => return None,
        },
    };
    let is_time = hour <= 24 && minute <= 59 && second <= 60;
    is_time.then(|| (i64::from(hour * 3600 + minute * 60 + second) - east, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_by_hand() {
        for (text, seconds, nanos) in [
            ("1970-01-01", 0, 0),
            (" 1970-01 ", 0, 0),
            ("1970/01/02", 86_400, 0),
            ("1969-12-31", -86_400, 0),
            ("2024-02-29", 1_709_164_800, 0),
            ("2024-02-29T12:00", 1_709_208_000, 0),
            ("2024-02-29 12:00:01", 1_709_208_001, 0),
            ("2024-02-29t12:00:01.25Z", 1_709_208_001, 250_000_000),
            ("2024-02-29T12:00:01,25 +02:00", 1_709_200_801, 250_000_000),
            ("2024-02-29T12:00:01-0130", 1_709_213_401, 0),
            ("2024-02-29T12:00+02", 1_709_200_800, 0),
            ("2024-02-29T23:59:60", 1_709_251_200, 0),
            ("2024-02-29T24:00", 1_709_251_200, 0),
        ] {
            assert_eq!(read(text), Moment::new(seconds, nanos), "{text}");
        }
    }

    #[test]
    fn what_moments_write_is_read_again() {
        for seconds in [-86_401, 0, 1_709_164_800, 1_709_208_001] {
            let moment = Moment::new(seconds, 0).unwrap();
            assert_eq!(Moment::from_iso(&moment.to_iso()), Some(moment));
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "  ",
            "soon",
            "2024",
            "20240531",
            "2024-",
            "2024-13-01",
            "2023-02-29",
            "2024-00",
            "0000-01-01",
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
            "2024-01-01T10:00+24:00",
            "日本-01-01",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
