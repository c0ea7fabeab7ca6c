//! The formats in which one value can be read as a date, found in one pass over its bytes.
//!
//! What is found here is read the same by [`crate::ml::date::DateFormat`]; some texts that a format would
//! read are not taken for dates, such as `1.2.34`.

use super::formats::{
    AFTER_SPACE, AFTER_T, COMPACT, DASHED_NAME, DASHED_NAME_SHORT_YEAR, DAY_FIRST, DAY_NAME_YEAR,
    EPOCH_MILLISECONDS, EPOCH_SECONDS, Format, HALF_DAYS, MONTH_FIRST, NAME_DAY_COMMA_YEAR, NAME_DAY_YEAR,
    Order, SHORT_DAY_FIRST, SHORT_MONTH_FIRST, SHORT_YEAR_FIRST, SPACED_OFFSET, TOUCHING_NAME, UTC,
    WEEKDAY_FIRST, YEAR_FIRST, of_order,
};
use crate::ml::date::Moment;
use crate::ml::date::calendar::{self, digits, full_year, midnight, nanoseconds, offset};
use crate::ml::date::read::{Unit, epoch};

/// One value read as a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sighting {
    /// The formats that read it: bits of [`super::formats::DATES`], and of
    /// [`super::formats::TIMES`] from bit 32 on.
    pub(super) formats: u64,
    /// What it means in each [`Order`].
    pub(super) moments: [Option<Moment>; 3],
}

impl Sighting {
    /// A value with one reading.
    pub(super) fn of_one(formats: u64, moment: Moment) -> Self {
        Self {
            formats,
            moments: [Some(moment), None, None],
        }
    }

    /// The readings of a trimmed value.
    #[inline]
    pub(super) fn of(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if !(8..=48).contains(&text.len()) {
            return None;
        }
        // Nearly every value that is no date ends here.
        let (first, last) = (text[0], text[text.len() - 1]);
        if !first.is_ascii_alphanumeric() || !(last.is_ascii_digit() || b"ZzMmC".contains(&last)) {
            return None;
        }
        Self::read(text)
    }

    fn read(text: &[u8]) -> Option<Self> {
        let count = text
            .iter()
            .take(14)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let day = match count {
            0 => name_first(text)?,
            1 | 2 => day_or_month_first(text, count)?,
            4 => year_first(text)?,
            8 => return compact(text),
            9 | 10 => return since_1970(text, Unit::Seconds, EPOCH_SECONDS),
            12 | 13 => return since_1970(text, Unit::Milliseconds, EPOCH_MILLISECONDS),
            _ => return None,
        };
        day.with_time()
    }
}

/// The day of a value, in each order, and what follows it.
struct Day<'a> {
    formats: u32,
    midnights: [Option<i64>; 3],
    rest: &'a [u8],
}

impl Day<'_> {
    fn with_time(&self) -> Option<Sighting> {
        let clock = clock(self.rest)?;
        let mut formats = u64::from(self.formats) | u64::from(clock.formats) << 32;
        let moments = self
            .midnights
            .map(|midnight| Moment::new(midnight? + clock.seconds, clock.nanos));
        // An offset can lead out of the years that there are.
        for order in [Order::Year, Order::Day, Order::Month] {
            if moments[order as usize].is_none() {
                formats &= !u64::from(of_order(order));
            }
        }
        moments
            .iter()
            .any(Option::is_some)
            .then_some(Sighting { formats, moments })
    }
}

/// The place of a separator among the threes of [`super::formats::DATES`].
fn separator(byte: u8) -> Option<usize> {
    match byte {
        b'-' => Some(0),
        b'/' => Some(1),
        b'.' => Some(2),
        _ => None,
    }
}

fn year_first(text: &[u8]) -> Option<Day<'_>> {
    let (year, rest) = digits(text, 4, 4)?;
    let by = *rest.first()?;
    let place = separator(by)?;
    let (month, rest) = digits(&rest[1..], 1, 2)?;
    let (day, rest) = digits(rest.strip_prefix(&[by])?, 1, 2)?;
    Some(Day {
        formats: 1 << (YEAR_FIRST + place),
        midnights: [Some(midnight(year, month, day)?), None, None],
        rest,
    })
}

/// A day or month of `count` digits in front.
fn day_or_month_first(text: &[u8], count: usize) -> Option<Day<'_>> {
    let (first, rest) = digits(text, 1, 2)?;
    let by = *rest.first()?;
    let after = &rest[1..];
    let Some((second, after_second)) = separator(by).and_then(|_| digits(after, 1, 2)) else {
        return day_and_name(first, rest);
    };
    let place = separator(by)?;
    let after_second_by = after_second.strip_prefix(&[by])?;
    let years = after_second_by
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (year, rest) = digits(after_second_by, 2, 4)?;
    let both = |year: u32| [midnight(year, second, first), midnight(year, first, second)];
    let (starts, [by_day, by_month], by_year) = match years {
        4 => ([DAY_FIRST, MONTH_FIRST, 0], both(year), None),
        // Numbers such as 1.2.34 are more often versions than dates.
        2 if count == 2 && after.len() - after_second.len() == 2 => (
            [SHORT_DAY_FIRST, SHORT_MONTH_FIRST, SHORT_YEAR_FIRST],
            both(full_year(year)),
            midnight(full_year(first), second, year),
        ),
        _ => return None,
    };
    let by_month = by_month.filter(|_| by != b'.');
    let bit = |found: Option<i64>, start: usize| found.map_or(0, |_| 1 << (start + place));
    let formats = bit(by_day, starts[0]) | bit(by_month, starts[1]) | bit(by_year, starts[2]);
    (formats != 0).then_some(Day {
        formats,
        midnights: [by_year, by_day, by_month],
        rest,
    })
}

/// The rest of `05 Jan 2024`, `05-Jan-2024`, `05-Jan-24` or `05Jan2024` after the day.
fn day_and_name(day: u32, text: &[u8]) -> Option<Day<'_>> {
    let (by, after): (&[u8], &[u8]) = match *text.first()? {
        b' ' | b'-' => text.split_at(1),
        _ => (b"", text),
    };
    let (month, rest) = month_name(after)?;
    let is_short = after.len() - rest.len() == 3;
    let rest = rest.strip_prefix(by)?;
    let years = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (mut year, rest) = digits(rest, 2, 4)?;
    let formats = match (by, years) {
        (b" ", 4) => short_and_long(DAY_NAME_YEAR, is_short),
        (b"-", 4) if is_short => 1 << DASHED_NAME,
        (b"", 4) if is_short => 1 << TOUCHING_NAME,
        (b"-", 2) if is_short => {
            year = full_year(year);
            1 << DASHED_NAME_SHORT_YEAR
        }
        _ => return None,
    };
    Some(Day {
        formats,
        midnights: [None, Some(midnight(year, month, day)?), None],
        rest,
    })
}

/// `Jan 5, 2024`, `January 5 2024` or `Fri, 05 Jan 2024`.
fn name_first(text: &[u8]) -> Option<Day<'_>> {
    let Some((month, rest)) = month_name(text) else {
        return weekday_first(text);
    };
    let is_short = text.len() - rest.len() == 3;
    let (day, rest) = digits(rest.strip_prefix(b" ")?, 1, 2)?;
    let (start, rest) = match rest.strip_prefix(b",") {
        Some(rest) => (NAME_DAY_COMMA_YEAR, rest),
        None => (NAME_DAY_YEAR, rest),
    };
    let (year, rest) = digits(rest.strip_prefix(b" ")?, 4, 4)?;
    Some(Day {
        formats: short_and_long(start, is_short),
        midnights: [None, None, Some(midnight(year, month, day)?)],
        rest,
    })
}

fn weekday_first(text: &[u8]) -> Option<Day<'_>> {
    let (weekday, rest) = calendar::name(text, &calendar::WEEKDAYS, false)?;
    let (day, rest) = digits(rest.strip_prefix(b", ")?, 1, 2)?;
    let found = day_and_name(day, rest)?;
    let midnight = found.midnights[Order::Day as usize]?;
    let is_true = calendar::weekday(midnight) == weekday;
    (is_true && found.formats & 1 << DAY_NAME_YEAR != 0).then_some(Day {
        formats: 1 << WEEKDAY_FIRST,
        ..found
    })
}

/// A short name is read by the format of long names too.
fn short_and_long(start: usize, is_short: bool) -> u32 {
    if is_short { 0b11 << start } else { 0b10 << start }
}

fn month_name(text: &[u8]) -> Option<(u32, &[u8])> {
    // Most words do not begin like a month.
    if !b"jfmasond".contains(&(text.first()? | 0x20)) {
        return None;
    }
    let (month, rest) = calendar::name(text, &calendar::MONTHS, true)?;
    Some((month + 1, rest))
}

/// `20240131`, in the years 1900 to 2100.
fn compact(text: &[u8]) -> Option<Sighting> {
    let (year, rest) = digits(text, 4, 4)?;
    let (month, rest) = digits(rest, 2, 2)?;
    let (day, rest) = digits(rest, 2, 2)?;
    let is_plausible = rest.is_empty() && (1900..=2100).contains(&year);
    let midnight = midnight(year, month, day).filter(|_| is_plausible)?;
    Some(Sighting::of_one(
        Format {
            date: COMPACT,
            time: 0,
        }
        .members(),
        Moment::new(midnight, 0)?,
    ))
}

/// A number since 1970, in the years 1990 to 2100.
fn since_1970(text: &[u8], unit: Unit, date: usize) -> Option<Sighting> {
    const PLAUSIBLE: std::ops::Range<i64> = 631_152_000..4_133_980_800;
    let moment = epoch(unit, text)?;
    PLAUSIBLE
        .contains(&moment.seconds())
        .then(|| Sighting::of_one(Format { date, time: 0 }.members(), moment))
}

/// The time of day of a value.
struct Clock {
    formats: u32,
    /// Seconds after midnight, less the offset from UTC.
    seconds: i64,
    nanos: u32,
}

/// What follows the day: nothing, or a time with or without an offset.
fn clock(text: &[u8]) -> Option<Clock> {
    let Some((by, rest)) = text.split_first() else {
        return Some(Clock {
            formats: 1,
            seconds: 0,
            nanos: 0,
        });
    };
    let start = match by {
        b'T' => AFTER_T,
        b' ' => AFTER_SPACE,
        _ => return None,
    };
    let (hour, rest) = digits(rest, 1, 2)?;
    let (minute, mut rest) = digits(rest.strip_prefix(b":")?, 2, 2)?;
    // The narrowest of: without seconds, with seconds, with a fraction.
    let (mut detail, mut second, mut nanos) = (0, 0, 0);
    if let Some(after) = rest.strip_prefix(b":") {
        (second, rest) = digits(after, 2, 2)?;
        detail = 1;
        if let Some(after) = rest.strip_prefix(b".") {
            (nanos, rest) = nanoseconds(after)?;
            detail = 2;
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // What has seconds is read by the format with a fraction too.
    let from = |start: usize| match detail {
        1 => 0b11 << (start + 1),
        _ => 1 << (start + detail),
    };
    let with_seconds = |start: usize| (detail > 0).then(|| from(start - 1));
    let mut seconds = i64::from(hour * 3600 + minute * 60 + second);
    let formats = if rest.is_empty() {
        from(start)
    } else if start == AFTER_SPACE && rest == b" UTC" {
        with_seconds(UTC)?
    } else if start == AFTER_SPACE
        && detail < 2
        && let Some(afternoon) = rest.strip_prefix(b" ").and_then(calendar::is_afternoon)
    {
        if !(1..=12).contains(&hour) {
            return None;
        }
        seconds += (i64::from(hour % 12 + if afternoon { 12 } else { 0 }) - i64::from(hour)) * 3600;
        1 << (HALF_DAYS + detail)
    } else {
        let spaced = rest.strip_prefix(b" ").filter(|_| start == AFTER_SPACE);
        let (east, []) = offset(spaced.unwrap_or(rest), true, true)? else {
            return None;
        };
        seconds -= east;
        match spaced {
            Some(_) => with_seconds(SPACED_OFFSET)?,
            None => from(start + 3),
        }
    };
    Some(Clock {
        formats,
        seconds,
        nanos,
    })
}
