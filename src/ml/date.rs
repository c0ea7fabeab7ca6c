//! Calendar parts of dates.

use serde::{Deserialize, Serialize};

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
