//! Dates and times in text: how a column writes them, the moment a text means, and its calendar parts.
//!
//! [`DateFormat`] is compiled once from the `dateFormat` of a schema and reads every text the same way in
//! every flow. Times are UTC: an offset in the text is taken off, a text without offset is taken as UTC.
//! Nothing here asks for the present time.

pub(crate) mod calendar;
mod format;
mod iso;
pub(crate) mod read;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

pub use format::{DateFormat, DateFormatError};

/// A part of a date that is learned from as a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatePart {
    /// `1` to `12`.
    Month,
    /// `1` to `31`.
    DayOfMonth,
    /// `monday` to `sunday`.
    DayOfWeek,
    /// `0` to `23`.
    Hour,
}

impl DatePart {
    /// Every part, in the order of the documentation.
    pub const ALL: [DatePart; 4] = [
        DatePart::Month,
        DatePart::DayOfMonth,
        DatePart::DayOfWeek,
        DatePart::Hour,
    ];

    /// The name of the recipe function that takes this part.
    pub fn as_str(self) -> &'static str {
        match self {
            DatePart::Month => "month",
            DatePart::DayOfMonth => "day_of_month",
            DatePart::DayOfWeek => "day_of_week",
            DatePart::Hour => "hour",
        }
    }
}

/// A moment in UTC, in the years 1 to 9999, to the nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Moment {
    /// Seconds since 1970-01-01T00:00:00Z.
    seconds: i64,
    /// Nanoseconds of the second, below 10^9.
    nanos: u32,
}

/// Seconds of a day.
const DAY: i64 = 86_400;
/// Days from 0000-12-31, which chrono counts from, to 1970-01-01.
const EPOCH_FROM_CE: i32 = 719_163;
/// 0001-01-01T00:00:00Z.
const FIRST: i64 = -719_162 * DAY;
/// 9999-12-31T23:59:59Z.
const LAST: i64 = 2_932_897 * DAY - 1;

impl Moment {
    /// `nanos` (below 10^9) after `seconds` since 1970; `None` outside of the years 1 to 9999.
    pub(crate) fn new(seconds: i64, nanos: u32) -> Option<Self> {
        (FIRST..=LAST)
            .contains(&seconds)
            .then_some(Self { seconds, nanos })
    }

    /// A date in the order of ISO 8601, in any detail and with or without an offset, such as `2024-05`,
    /// `2024-05-31` or `2024/05/31 18:30:05.25+02:00`; white space around it is ignored. For places that have no
    /// [`DateFormat`].
    pub fn from_iso(text: &str) -> Option<Self> {
        iso::read(text)
    }

    /// Days since 1970-01-01T00:00:00Z with the fraction of the day; negative before.
    pub fn days(&self) -> f64 {
        let of_day = self.seconds.rem_euclid(DAY) as f64 + f64::from(self.nanos) * 1e-9;
        self.whole_days() as f64 + of_day / DAY as f64
    }

    /// One part as the token it is learned from, such as `3`, `31`, `monday` or `17`.
    pub fn part(&self, part: DatePart) -> &'static str {
        match part {
            DatePart::Month => calendar::number(self.date().month()),
            DatePart::DayOfMonth => calendar::number(self.date().day()),
            DatePart::DayOfWeek => calendar::WEEKDAYS[calendar::weekday(self.seconds) as usize],
            DatePart::Hour => calendar::number((self.seconds.rem_euclid(DAY) / 3600) as u32),
        }
    }

    /// ISO 8601 in UTC: the date alone at midnight, else with the time, as `2024-01-31T10:20:30Z`.
    pub fn to_iso(&self) -> String {
        let date = self.date().format("%Y-%m-%d");
        let of_day = self.seconds.rem_euclid(DAY);
        if of_day == 0 && self.nanos == 0 {
            return date.to_string();
        }
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        format!("{date}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// Seconds since 1970-01-01T00:00:00Z with their fraction, as near as an `f64` comes: in our centuries to less
    /// than a microsecond.
    pub fn fractional_seconds(&self) -> f64 {
        self.seconds as f64 + f64::from(self.nanos) * 1e-9
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub(crate) fn seconds(&self) -> i64 {
        self.seconds
    }

    fn whole_days(&self) -> i64 {
        self.seconds.div_euclid(DAY)
    }

    fn date(&self) -> NaiveDate {
        // The bounds of a moment are far within those of chrono.
        NaiveDate::from_num_days_from_ce_opt(self.whole_days() as i32 + EPOCH_FROM_CE).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
