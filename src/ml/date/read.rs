//! Reads a text by a compiled format, byte by byte and without allocating.

use super::Moment;
use super::calendar::{
    MONTHS, WEEKDAYS, digits, full_year, is_afternoon, midnight, name, nanoseconds, offset, weekday,
};
use super::format::Item;

/// What a number since 1970 counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
}

/// The fields of a written date, as far as they are read.
#[derive(Default)]
struct Fields {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    /// Seconds east of UTC.
    offset: i64,
    /// Monday is 0.
    weekday: Option<u32>,
    /// Twelve hours were written as 12, 1, 2 … 11.
    afternoon: Option<bool>,
}

/// The moment that `text` means when it is all of these items.
pub(super) fn written(items: &[Item], text: &[u8]) -> Option<Moment> {
    let mut fields = Fields::default();
    let mut rest = text;
    for item in items {
        rest = fields.take(item, rest)?;
    }
    if rest.is_empty() { fields.moment() } else { None }
}

impl Fields {
    fn take<'a>(&mut self, item: &Item, text: &'a [u8]) -> Option<&'a [u8]> {
        let (slot, (value, rest)) = match item {
            Item::Literal(literal) => return text.strip_prefix(literal.as_bytes()),
            Item::Year => (&mut self.year, digits(text, 4, 4)?),
            Item::ShortYear => {
                let (value, rest) = digits(text, 2, 2)?;
                (&mut self.year, (full_year(value), rest))
            }
            Item::Month(least) => (&mut self.month, digits(text, *least, 2)?),
            Item::Day(least) => (&mut self.day, digits(text, *least, 2)?),
            Item::Hour(least) | Item::Hour12(least) => (&mut self.hour, digits(text, *least, 2)?),
            Item::Minute => (&mut self.minute, digits(text, 2, 2)?),
            Item::Second => (&mut self.second, digits(text, 2, 2)?),
            Item::Fraction => match text.split_first() {
                Some((b'.', text)) => (&mut self.nanos, nanoseconds(text)?),
                _ => return Some(text),
            },
            Item::FractionDigits(count) => {
                let (value, rest) = digits(text, *count, *count)?;
                (&mut self.nanos, (value * 10_u32.pow(9 - *count as u32), rest))
            }
            Item::MonthName { long } => {
                let (value, rest) = name(text, &MONTHS, *long)?;
                (&mut self.month, (value + 1, rest))
            }
            Item::Weekday { long } => {
                let (value, rest) = name(text, &WEEKDAYS, *long)?;
                self.weekday = Some(value);
                return Some(rest);
            }
            Item::HalfDay => {
                let (half, rest) = text.split_at_checked(2)?;
                self.afternoon = Some(is_afternoon(half)?);
                return Some(rest);
            }
            Item::Offset { zulu, short } => {
                let (value, rest) = offset(text, *zulu, *short)?;
                self.offset = value;
                return Some(rest);
            }
        };
        *slot = value;
        Some(rest)
    }

    fn moment(&self) -> Option<Moment> {
        let midnight = midnight(self.year, self.month, self.day)?;
        if self.weekday.is_some_and(|written| written != weekday(midnight)) {
            return None;
        }
        let hour = match self.afternoon {
            None => self.hour,
            Some(_) if !(1..=12).contains(&self.hour) => return None,
            Some(afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
        };
        if hour > 23 || self.minute > 59 || self.second > 59 {
            return None;
        }
        let of_day = i64::from(hour * 3600 + self.minute * 60 + self.second);
        Moment::new(midnight + of_day - self.offset, self.nanos)
    }
}

/// A number since 1970: an optional minus, at most 18 digits, and an optional fraction.
pub(crate) fn epoch(unit: Unit, text: &[u8]) -> Option<Moment> {
    let (negative, text) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=18).contains(&count) {
        return None;
    }
    let (whole, rest) = text.split_at(count);
    let whole = whole
        .iter()
        .fold(0, |value, byte| value * 10 + i64::from(byte - b'0'));
    let (fraction, rest) = match rest.split_first() {
        Some((b'.', rest)) => nanoseconds(rest)?,
        _ => (0, rest),
    };
    if !rest.is_empty() {
        return None;
    }
    let (whole, fraction) = match (negative, fraction) {
        (false, _) => (whole, fraction),
        (true, 0) => (-whole, 0),
        (true, _) => (-whole - 1, 1_000_000_000 - fraction),
    };
    match unit {
        Unit::Seconds => Moment::new(whole, fraction),
        Unit::Milliseconds => {
            let nanos = whole.rem_euclid(1000) as u32 * 1_000_000 + fraction / 1000;
            Moment::new(whole.div_euclid(1000), nanos)
        }
    }
}
