//! Values as the text that the rest of the program reads.

use std::io::Write;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Timelike};

use super::kind::Unit;

/// Days from the year 1 to 1970.
const EPOCH_FROM_CE: i64 = 719_163;
/// The day of 1970-01-01 in the count of old moments.
const JULIAN_EPOCH: i64 = 2_440_588;

/// Appends a field; it is quoted where it has to be.
pub(super) fn field(bytes: &[u8], out: &mut Vec<u8>) {
    let is_special = |byte: &u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
    if !bytes.iter().any(is_special) {
        out.extend_from_slice(bytes);
        return;
    }
    out.push(b'"');
    for &byte in bytes {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Appends whatever prints.
pub(super) fn print(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    // A vector cannot fail to be written to.
    let _ = write!(out, "{value}");
}

/// Appends a number; none for what is no number.
pub(super) fn float(out: &mut Vec<u8>, value: f64) {
    if !value.is_nan() {
        let _ = write!(out, "{value:?}");
    }
}

/// Appends a number of 32 bits, with the digits that it needs.
pub(super) fn short_float(out: &mut Vec<u8>, value: f32) {
    if !value.is_nan() {
        let _ = write!(out, "{value:?}");
    }
}

/// The number of 16 bits whose bytes these are.
pub(super) fn half(bytes: [u8; 2]) -> f32 {
    let bits = u16::from_le_bytes(bytes);
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        exponent => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Appends a day, given in days since 1970; days of no calendar as their number.
pub(super) fn date(out: &mut Vec<u8>, days: i64) {
    let day = i32::try_from(days + EPOCH_FROM_CE).ok();
    match day.and_then(NaiveDate::from_num_days_from_ce_opt) {
        Some(date) => print(out, date),
        None => print(out, days),
    }
}

/// Appends a time of day.
pub(super) fn time(out: &mut Vec<u8>, unit: Unit, value: i64) {
    let per_second = unit.per_second();
    let nanos = value.rem_euclid(per_second) * (1_000_000_000 / per_second);
    let seconds = value.div_euclid(per_second);
    match moment_of(seconds, nanos).filter(|_| (0..86_400).contains(&seconds)) {
        Some(moment) => clock(out, moment),
        None => print(out, value),
    }
}

/// Appends a moment, given in units since 1970; moments of no calendar as their number.
pub(super) fn moment(out: &mut Vec<u8>, unit: Unit, is_utc: bool, value: i64) {
    let per_second = unit.per_second();
    let nanos = value.rem_euclid(per_second) * (1_000_000_000 / per_second);
    match moment_of(value.div_euclid(per_second), nanos) {
        Some(moment) => whole_moment(out, moment, is_utc),
        None => print(out, value),
    }
}

/// Appends a moment that is stored as nanoseconds of a day and the number of the day.
pub(super) fn old_moment(out: &mut Vec<u8>, words: &[u32]) {
    let &[low, high, day] = words else { return };
    let nanos = (u64::from(high) << 32 | u64::from(low)).cast_signed();
    let seconds = (i64::from(day) - JULIAN_EPOCH) * 86_400 + nanos.div_euclid(1_000_000_000);
    if let Some(moment) = moment_of(seconds, nanos.rem_euclid(1_000_000_000)) {
        whole_moment(out, moment, false);
    }
}

fn moment_of(seconds: i64, nanos: i64) -> Option<NaiveDateTime> {
    let nanos = u32::try_from(nanos).ok()?;
    DateTime::from_timestamp(seconds, nanos).map(|moment| moment.naive_utc())
}

fn whole_moment(out: &mut Vec<u8>, moment: NaiveDateTime, is_utc: bool) {
    print(out, moment.date());
    out.push(b'T');
    clock(out, moment);
    if is_utc {
        out.push(b'Z');
    }
}

fn clock(out: &mut Vec<u8>, moment: NaiveDateTime) {
    let _ = write!(
        out,
        "{:02}:{:02}:{:02}",
        moment.hour(),
        moment.minute(),
        moment.second()
    );
    let nanos = moment.nanosecond();
    let _ = match nanos {
        0 => Ok(()),
        nanos if nanos % 1_000_000 == 0 => write!(out, ".{:03}", nanos / 1_000_000),
        nanos if nanos % 1_000 == 0 => write!(out, ".{:06}", nanos / 1_000),
        nanos => write!(out, ".{nanos:09}"),
    };
}

/// Appends a whole number with a point before its last `scale` digits.
pub(super) fn decimal(out: &mut Vec<u8>, value: i128, scale: u8) {
    if value < 0 {
        out.push(b'-');
    }
    let scale = usize::from(scale);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, rest) = digits.split_at(digits.len() - scale);
    out.extend_from_slice(whole.as_bytes());
    if scale > 0 {
        out.push(b'.');
        out.extend_from_slice(rest.as_bytes());
    }
}

/// The whole number whose bytes these are, the highest first; none beyond 16.
pub(super) fn whole_of(bytes: &[u8]) -> Option<i128> {
    if bytes.len() > 16 {
        return None;
    }
    let sign = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let start = if sign { -1 } else { 0 };
    Some(
        bytes
            .iter()
            .fold(start, |value, &byte| value << 8 | i128::from(byte)),
    )
}

/// Appends an identifier in groups of hexadecimal digits.
pub(super) fn uuid(out: &mut Vec<u8>, bytes: &[u8]) {
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        let _ = write!(out, "{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn days_and_moments_are_those_of_iso() {
        assert_eq!(told(|out| date(out, 0)), "1970-01-01");
        assert_eq!(told(|out| date(out, -1)), "1969-12-31");
        assert_eq!(told(|out| date(out, 19_782)), "2024-02-29");
        assert_eq!(told(|out| date(out, i64::from(i32::MAX))), "2147483647");
        for (unit, utc, value, expected) in [
            (Unit::Milli, true, 1_709_208_001_250, "2024-02-29T12:00:01.250Z"),
            (Unit::Micro, false, 1_709_208_001_000_000, "2024-02-29T12:00:01"),
            (Unit::Micro, false, -1, "1969-12-31T23:59:59.999999"),
            (Unit::Nano, true, 1, "1970-01-01T00:00:00.000000001Z"),
            (Unit::Milli, true, i64::MAX, "9223372036854775807"),
        ] {
            assert_eq!(told(|out| moment(out, unit, utc, value)), expected);
        }
        assert_eq!(told(|out| time(out, Unit::Micro, 3_661_500_000)), "01:01:01.500");
        assert_eq!(told(|out| time(out, Unit::Milli, 86_400_000)), "86400000");
        let noon = 43_200_000_000_000u64;
        let words = [noon as u32, (noon >> 32) as u32, 2_440_589];
        assert_eq!(told(|out| old_moment(out, &words)), "1970-01-02T12:00:00");
    }

    #[test]
    fn decimals_keep_their_digits() {
        for (value, scale, expected) in [
            (12345, 2, "123.45"),
            (-5, 2, "-0.05"),
            (0, 0, "0"),
            (150, 1, "15.0"),
            (i128::MIN, 0, "-170141183460469231731687303715884105728"),
        ] {
            assert_eq!(told(|out| decimal(out, value, scale)), expected);
        }
        assert_eq!(whole_of(&[0xff, 0xfe]), Some(-2));
        assert_eq!(whole_of(&[0x01, 0x00]), Some(256));
        assert_eq!((whole_of(&[]), whole_of(&[0; 17])), (Some(0), None));
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        assert_eq!(told(|out| short_float(out, 0.1)), "0.1");
        assert_eq!(told(|out| float(out, 1e300)), "1e300");
        assert_eq!(told(|out| float(out, f64::NAN)), "");
        for (bits, expected) in [
            (0x3c00u16, 1.0),
            (0xc000, -2.0),
            (0x0001, 2f32.powi(-24)),
            (0x7bff, 65504.0),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(half(bits.to_le_bytes()), expected);
        }
    }

    #[test]
    fn fields_and_identifiers() {
        assert_eq!(told(|out| field(b"a \"b\",\n", out)), "\"a \"\"b\"\",\n\"");
        assert_eq!(told(|out| field(b" plain ", out)), " plain ");
        assert_eq!(
            told(|out| uuid(out, &[0xab; 16])),
            "abababab-abab-abab-abab-abababababab"
        );
    }
}
