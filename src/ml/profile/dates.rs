//! Evidence that a column holds dates: in which formats its values can be read, and how many of them.
//!
//! A value may have several readings (`05/01/2024`), so values are counted by the set of formats that read
//! them; there are few such sets. Which format reads all values is asked at the end, and the answer does not
//! depend on the order of the rows or on how they were divided into parts.

mod doubt;
mod formats;
mod sighting;
#[cfg(test)]
mod tests;
mod verdict;

use sighting::Sighting;

use super::column::MISSING_WORDS;
use super::examples::shortened;
use super::numbers::{earlier, note_earliest};
use crate::ml::date::{DateFormat, Moment};

pub use verdict::{Allowed, Verdict};

/// The set of formats whose only member is the one a schema gives.
const GIVEN: u64 = 1 << 63;

/// Evidence about the dates of one column.
#[derive(Debug, Clone, Default)]
pub struct DateProfile {
    /// The format that a schema gives; no other is tried then.
    given: Option<DateFormat>,
    patterns: Vec<Pattern>,
    /// Where in `patterns` the last value was counted; the next is most often of the same kind.
    last: usize,
    /// Values that are no date, missing words among them.
    others: u64,
    /// The first of those that is no known missing word: line and text.
    first_other: Option<(u64, String)>,
}

/// Values that the same formats read.
#[derive(Debug, Clone)]
struct Pattern {
    /// The formats, as a set of [`formats::DATES`] and [`formats::TIMES`].
    formats: u64,
    count: u64,
    /// The first of the values: line and text.
    first: (u64, String),
    /// Earliest and latest moment for each [`formats::Order`].
    extremes: [Option<(Moment, Moment)>; 3],
}

/// How many values are dates of a format, and over what time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Values.
    pub count: u64,
    /// The earliest.
    pub earliest: Moment,
    /// The latest.
    pub latest: Moment,
}

impl DateProfile {
    /// A profile of a column whose format is known.
    pub fn of_format(format: DateFormat) -> Self {
        Self {
            given: Some(format),
            ..Self::default()
        }
    }

    /// Adds a trimmed value found `times` times, first at `line`. Costs next to nothing for a value that is no
    /// date.
    #[inline]
    pub fn add_many(&mut self, line: u64, text: &str, times: u64) {
        let sighting = match &self.given {
            Some(format) => format.parse(text).map(|moment| Sighting::of_one(GIVEN, moment)),
            None => Sighting::of(text),
        };
        match sighting {
            Some(sighting) => self.count(line, text, times, &sighting),
            None => {
                self.others += times;
                if !MISSING_WORDS.contains(&text) {
                    note_earliest(&mut self.first_other, line, || shortened(text));
                }
            }
        }
    }

    /// What a trimmed value means in each order of day, month and year, whatever the column is; see
    /// [`DateProfile::order_of`].
    pub fn readings(text: &str) -> [Option<Moment>; 3] {
        Sighting::of(text).map_or([None; 3], |sighting| sighting.moments)
    }

    /// Which of the [`DateProfile::readings`] is the one by `format`, if that is among the formats that are tried.
    pub fn order_of(format: &str) -> Option<usize> {
        formats::find(format).map(|found| found.order() as usize)
    }

    fn count(&mut self, line: u64, text: &str, times: u64, sighting: &Sighting) {
        let is_same = |pattern: &Pattern| pattern.formats == sighting.formats;
        if !self.patterns.get(self.last).is_some_and(is_same) {
            self.last = self
                .patterns
                .iter()
                .position(is_same)
                .unwrap_or(self.patterns.len());
        }
        let moments = sighting.moments.map(|moment| moment.map(|at| (at, at)));
        match self.patterns.get_mut(self.last) {
            Some(pattern) => {
                pattern.count += times;
                pattern.widen(moments);
                if line < pattern.first.0 {
                    pattern.first = (line, shortened(text));
                }
            }
            None => self.patterns.push(Pattern {
                formats: sighting.formats,
                count: times,
                first: (line, shortened(text)),
                extremes: moments,
            }),
        }
    }

    /// Adds everything another profile of the same column has seen.
    pub fn merge(&mut self, other: DateProfile) {
        self.others += other.others;
        self.first_other = earlier(self.first_other.take(), other.first_other);
        for theirs in other.patterns {
            match self
                .patterns
                .iter_mut()
                .find(|mine| mine.formats == theirs.formats)
            {
                Some(mine) => {
                    mine.count += theirs.count;
                    mine.widen(theirs.extremes);
                    if theirs.first.0 < mine.first.0 {
                        mine.first = theirs.first;
                    }
                }
                None => self.patterns.push(theirs),
            }
        }
    }

    /// How many values are dates in some format.
    pub fn count_dates(&self) -> u64 {
        self.patterns.iter().map(|pattern| pattern.count).sum()
    }

    /// The values that `format` reads, if there are any and it is among the formats that were tried.
    pub fn span(&self, format: &str) -> Option<Span> {
        let (members, order) = match &self.given {
            Some(given) if given.as_str() == format => (GIVEN, 0),
            Some(_) => return None,
            None => {
                let found = formats::find(format)?;
                (found.members(), found.order() as usize)
            }
        };
        let mut span: Option<Span> = None;
        for pattern in self.patterns.iter().filter(|p| p.formats & members == members) {
            let Some((earliest, latest)) = pattern.extremes[order] else {
                continue;
            };
            let so_far = span.unwrap_or(Span {
                count: 0,
                earliest,
                latest,
            });
            span = Some(Span {
                count: so_far.count + pattern.count,
                earliest: so_far.earliest.min(earliest),
                latest: so_far.latest.max(latest),
            });
        }
        span
    }
}

impl Pattern {
    fn widen(&mut self, by: [Option<(Moment, Moment)>; 3]) {
        for (mine, theirs) in self.extremes.iter_mut().zip(by) {
            *mine = match (*mine, theirs) {
                (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
                (a, b) => a.or(b),
            };
        }
    }
}
