//! Names and numbers of the calendar: read from text, and written as tokens.

use chrono::{Datelike, NaiveDate};

use super::{DAY, EPOCH_FROM_CE};

/// The days of the week, Monday first.
pub(crate) const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// The months, January first.
pub(crate) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const NUMBERS: [&str; 32] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18",
    "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31",
];

/// A number of 0 to 31 as text.
pub(super) fn number(value: u32) -> &'static str {
    NUMBERS.get(value as usize).copied().unwrap_or("")
}

/// Seconds from 1970 to the beginning of a day; `None` when there is no such day or year.
pub(crate) fn midnight(year: u32, month: u32, day: u32) -> Option<i64> {
    if !(1..=9999).contains(&year) {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(year as i32, month, day)?;
    Some(i64::from(date.num_days_from_ce() - EPOCH_FROM_CE) * DAY)
}

/// The day of the week of a moment in seconds since 1970; Monday is 0.
pub(crate) fn weekday(seconds: i64) -> u32 {
    // 1970-01-01 was a Thursday.
    (seconds.div_euclid(DAY) + 3).rem_euclid(7) as u32
}

/// The year meant by its last two digits: 70 to 99 are of the 20th century, the others of the 21st.
pub(crate) fn full_year(last_two: u32) -> u32 {
    last_two + if last_two < 70 { 2000 } else { 1900 }
}

/// Takes one of `names` from the front in any case: its first three letters, or all of it where `long`
/// allows that. Gives the position among the names and the rest.
pub(crate) fn name<'a>(text: &'a [u8], names: &[&str], long: bool) -> Option<(u32, &'a [u8])> {
    let (start, rest) = text.split_at_checked(3)?;
    let found = names
        .iter()
        .position(|name| name.as_bytes()[..3].eq_ignore_ascii_case(start))?;
    let more = &names[found].as_bytes()[3..];
    let rest = match rest.split_at_checked(more.len()) {
        Some((word, after)) if long && word.eq_ignore_ascii_case(more) => after,
        _ => rest,
    };
    Some((found as u32, rest))
}

/// Takes between `least` and `most` digits (at most 9) from the front, as many as there are.
pub(crate) fn digits(text: &[u8], least: usize, most: usize) -> Option<(u32, &[u8])> {
    let mut value = 0;
    let mut taken = 0;
    while taken < most
        && let Some(digit) = text.get(taken).map(|byte| byte.wrapping_sub(b'0'))
        && digit < 10
    {
        value = value * 10 + u32::from(digit);
        taken += 1;
    }
    (taken >= least).then(|| (value, &text[taken..]))
}

/// Takes an offset from UTC in seconds: `Z`, `+02:00` or `+0200`; where `short` allows it also `+02`.
pub(crate) fn offset(text: &[u8], zulu: bool, short: bool) -> Option<(i64, &[u8])> {
    let (sign, rest) = match text.split_first()? {
        (b'Z' | b'z', rest) if zulu => return Some((0, rest)),
        (b'+', rest) => (1, rest),
        (b'-', rest) => (-1, rest),
        _ => return None,
    };
    let (hours, rest) = digits(rest, 2, 2)?;
    let after_colon = rest.strip_prefix(b":").unwrap_or(rest);
    let (minutes, rest) = match digits(after_colon, 2, 2) {
        Some(found) => found,
        None if short && rest.is_empty() => (0, rest),
        None => return None,
    };
    (hours <= 23 && minutes <= 59).then(|| (sign * i64::from(hours * 3600 + minutes * 60), rest))
}

/// Takes the digits of a fraction of a second, those beyond nanoseconds unread.
pub(crate) fn nanoseconds(text: &[u8]) -> Option<(u32, &[u8])> {
    let (value, rest) = digits(text, 1, 9)?;
    let scale = 10_u32.pow(9 - (text.len() - rest.len()) as u32);
    let unread = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    Some((value * scale, &rest[unread..]))
}

/// `AM` and `PM` in any case.
pub(crate) fn is_afternoon(half: &[u8]) -> Option<bool> {
    match half {
        [b'a' | b'A', b'm' | b'M'] => Some(false),
        [b'p' | b'P', b'm' | b'M'] => Some(true),
        _ => None,
    }
}
