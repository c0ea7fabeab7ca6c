//! Whether the evidence makes a column one of dates, and in which format.

use super::formats::{
    COMPACT_FORMAT, DATES, DOTTED_SHORT_YEAR_FORMATS, EPOCH_FORMATS, Format, Order, SHORT_YEAR_FORMATS,
    TIMES, rivals,
};
use super::{DateProfile, formats};
use crate::ml::date::DateFormat;
use crate::ml::names::{means_day, means_moment};

/// Of twenty values, at most one that is no date lets a column pass for one of dates with mistakes.
const MOST: u64 = 20;

/// What the name of a column allows its values to be without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// `20240131` and years of two digits.
    pub days: bool,
    /// Numbers since 1970.
    pub epochs: bool,
}

impl Allowed {
    /// What the values of a column called `name` may be.
    pub fn under(name: &str) -> Self {
        Self {
            days: means_day(name),
            epochs: means_moment(name),
        }
    }

    fn formats(self) -> u32 {
        let days = if self.days {
            0
        } else {
            COMPACT_FORMAT | SHORT_YEAR_FORMATS
        };
        let epochs = if self.epochs { 0 } else { EPOCH_FORMATS };
        !(days | epochs)
    }

    /// The formats that are looked for where those leave the values unexplained. Codes have points and digits as
    /// versions and addresses do; what is written with slashes or dashes and is always a day of the calendar deserves a
    /// warning.
    fn suspected(self) -> u32 {
        self.formats() | (SHORT_YEAR_FORMATS & !DOTTED_SHORT_YEAR_FORMATS)
    }
}

/// What the values of a column say about dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is no column of dates.
    Other,
    /// Every value is a date in one format.
    Date {
        /// The format.
        format: String,
        /// The first value.
        example: String,
        /// The value that settled whether day, month or year comes first: line and text.
        settled_by: Option<(u64, String)>,
    },
    /// Every value is a date in one format, which the name of the column does not let us propose.
    Unlikely {
        /// The format.
        format: String,
        /// The first value: line and text.
        example: (u64, String),
    },
    /// Every value is a date, but which number is the day cannot be told.
    Ambiguous {
        /// Formats that read every value.
        formats: Vec<String>,
        /// The first value: line and text.
        example: (u64, String),
    },
    /// Every value is a date, but no format reads them all.
    Mixed {
        /// The first value, and the first that is written in another way: line and text.
        examples: [(u64, String); 2],
    },
    /// Nearly every value is a date in one format.
    Nearly {
        /// Formats that read the most values.
        formats: Vec<String>,
        /// The values they read.
        count: u64,
        /// All values, missing words left out.
        of: u64,
        /// The first value that they do not read: line and text.
        first: (u64, String),
    },
}

impl DateProfile {
    /// The format that is proposed for the dates of a column called `name`, if it holds dates. `missing` of the values
    /// are known missing words.
    pub fn proposed(&self, name: &str, missing: u64) -> Option<DateFormat> {
        match self.judge(missing, Allowed::under(name)) {
            Verdict::Date { format, .. } => DateFormat::new(&format).ok(),
            _ => None,
        }
    }

    /// Judges a column of which `missing` values are known missing words.
    pub fn judge(&self, missing: u64, allowed: Allowed) -> Verdict {
        match self.judge_by(missing, allowed.formats()) {
            Verdict::Other => match self.judge_by(missing, allowed.suspected()) {
                Verdict::Date { format, .. } => Verdict::Unlikely {
                    example: formats::find(&format)
                        .and_then(|format| self.first_of(format))
                        .unwrap_or_default(),
                    format,
                },
                doubtful => doubtful,
            },
            found => found,
        }
    }

    /// Judges by the formats `allowed`, places in [`DATES`].
    fn judge_by(&self, missing: u64, allowed: u32) -> Verdict {
        let filled = self.count_dates() + self.others.saturating_sub(missing);
        let counted: Vec<(u64, Format)> = self
            .candidates(allowed)
            .map(|format| (self.hits(format), format))
            .collect();
        let Some(most) = counted
            .iter()
            .map(|(hits, _)| *hits)
            .max()
            .filter(|most| *most > 0)
        else {
            return Verdict::Other;
        };
        let best: Vec<Format> = [Order::Year, Order::Day, Order::Month]
            .into_iter()
            .filter_map(|order| {
                let is_best = |(hits, format): &&(u64, Format)| *hits == most && format.order() == order;
                counted.iter().find(is_best).map(|(_, format)| *format)
            })
            .collect();
        let texts = || best.iter().map(|format| format.text()).collect();
        match &best[..] {
            _ if filled < most => Verdict::Other,
            [format] if most == filled => self.date(*format),
            [format, ..] if most == filled => Verdict::Ambiguous {
                formats: texts(),
                example: self.first_of(*format).unwrap_or_default(),
            },
            [format, ..] if filled >= MOST && (filled - most) * MOST <= filled => Verdict::Nearly {
                formats: texts(),
                count: most,
                of: filled,
                first: self.first_not_of(*format).unwrap_or_default(),
            },
            [format, ..] if self.all_are_dates(allowed, filled) => Verdict::Mixed {
                examples: [self.first_of(*format), self.first_not_of(*format)].map(Option::unwrap_or_default),
            },
            _ => Verdict::Other,
        }
    }

    fn date(&self, format: Format) -> Verdict {
        Verdict::Date {
            format: format.text(),
            example: self.first_of(format).unwrap_or_default().1,
            settled_by: rivals(format.date)
                .filter_map(|date| self.first_of_one_only(format, Format { date, ..format }))
                .max(),
        }
    }

    /// Formats that read at least one value each in day and time, the narrower before the wider.
    fn candidates(&self, allowed: u32) -> impl Iterator<Item = Format> {
        let union = self
            .patterns
            .iter()
            .fold(0, |union, pattern| union | pattern.formats);
        let has = |place: usize| union & 1 << place != 0;
        let dates: Vec<usize> = (0..DATES.len())
            .filter(|date| has(*date) && allowed & 1 << date != 0)
            .collect();
        let times: Vec<usize> = (0..TIMES.len()).filter(|time| has(32 + time)).collect();
        dates
            .into_iter()
            .flat_map(move |date| times.clone().into_iter().map(move |time| Format { date, time }))
    }

    fn hits(&self, format: Format) -> u64 {
        self.patterns
            .iter()
            .filter(|pattern| pattern.is_read_by(format))
            .map(|pattern| pattern.count)
            .sum()
    }

    fn first_of(&self, format: Format) -> Option<(u64, String)> {
        let read = self.patterns.iter().filter(|pattern| pattern.is_read_by(format));
        read.map(|pattern| &pattern.first).min().cloned()
    }

    fn first_not_of(&self, format: Format) -> Option<(u64, String)> {
        let unread = self.patterns.iter().filter(|pattern| !pattern.is_read_by(format));
        unread
            .map(|pattern| &pattern.first)
            .chain(&self.first_other)
            .min()
            .cloned()
    }

    /// The first value that `format` reads and `rival` does not.
    fn first_of_one_only(&self, format: Format, rival: Format) -> Option<(u64, String)> {
        let settling = self
            .patterns
            .iter()
            .filter(|pattern| pattern.is_read_by(format) && !pattern.is_read_by(rival));
        settling.map(|pattern| &pattern.first).min().cloned()
    }

    fn all_are_dates(&self, allowed: u32, filled: u64) -> bool {
        let dates = self
            .patterns
            .iter()
            .filter(|pattern| pattern.formats as u32 & allowed != 0);
        dates.map(|pattern| pattern.count).sum::<u64>() == filled
    }
}

impl super::Pattern {
    fn is_read_by(&self, format: Format) -> bool {
        self.formats & format.members() == format.members()
    }
}
