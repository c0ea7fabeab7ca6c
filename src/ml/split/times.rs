//! When a row was, for splits by time: how a column tells it, and what a pass over the table says about that.
//!
//! Dates are read by [`ml::date`](crate::ml::date): in the format that a schema gives; without a schema in the one
//! that would be proposed for the column, so that a table is parted the same before and after its schema is known;
//! and where there is neither, as numbers or in the order of ISO 8601, whichever most rows are.

use super::SplitError;
use super::ranks::{Range, Ranks, key_of};
use crate::ml::date::{DateFormat, Moment};
use crate::ml::profile::column::MISSING_WORDS;
use crate::ml::profile::dates::{Allowed, DateProfile, Verdict};
use crate::ml::value::{Number, number};

/// What is known beforehand of how the dates of a column are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// A schema gives the format.
    As(DateFormat),
    /// There is no schema; the values tell.
    AsProposed,
    /// It has no format, and none is proposed for it.
    Plainly,
}

/// How the times of a column are read. Only times of one kind can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A number, larger when later.
    Number,
    /// A date in the order of ISO 8601.
    Iso,
    /// A date in this format.
    Date(DateFormat),
}

impl Kind {
    /// The time of a field as a key in order; 0, before all others, when it has none of this kind.
    pub fn key(&self, text: &str) -> u64 {
        match self {
            Kind::Number => match number(text.trim()) {
                Number::Value(value) => key_of(value),
                Number::Missing | Number::Invalid => 0,
            },
            Kind::Iso => key(Moment::from_iso(text)),
            Kind::Date(format) => key(format.parse(text)),
        }
    }
}

fn key(moment: Option<Moment>) -> u64 {
    moment.map_or(0, |moment| key_of(moment.fractional_seconds()))
}

/// The times of a column, read in each way that may turn out to be the right one.
#[derive(Debug, Clone)]
pub struct Times {
    column: String,
    rows: u64,
    ways: Ways,
}

#[derive(Debug, Clone)]
enum Ways {
    One(Kind, Tally),
    Several(Box<Several>),
}

#[derive(Debug, Clone, Default)]
struct Several {
    numbers: Tally,
    iso: Tally,
    /// The evidence for a format.
    dates: DateProfile,
    missing: u64,
    /// The times in each order of day, month and year, where a format may be proposed.
    orders: Option<[Tally; 3]>,
}

/// The times that one way of reading finds.
#[derive(Debug, Clone, Default)]
struct Tally {
    ranks: Ranks,
    /// The first line without such a time.
    first_other: Option<u64>,
}

impl Times {
    /// For the column called `column`.
    pub fn new(column: &str, written: Written) -> Self {
        let ways = match written {
            Written::As(format) => Ways::One(Kind::Date(format), Tally::default()),
            Written::AsProposed => Ways::Several(Box::new(Several {
                orders: Some(Default::default()),
                ..Several::default()
            })),
            Written::Plainly => Ways::Several(Box::default()),
        };
        Self {
            column: column.to_string(),
            rows: 0,
            ways,
        }
    }

    /// Adds the field that stands on `line`.
    pub fn add(&mut self, line: u64, text: &str) {
        self.rows += 1;
        match &mut self.ways {
            Ways::One(kind, tally) => tally.add(line, kind.key(text)),
            Ways::Several(several) => several.add(line, text.trim()),
        }
    }

    /// How the column tells time, the range of time between the percentages, and a remark on the rows without one.
    pub fn finish(self, begin: f64, end: f64) -> Result<(Kind, Range, Option<String>), SplitError> {
        let (kind, tally) = match self.ways {
            Ways::One(kind, tally) => (kind, tally),
            Ways::Several(several) => several.settle(&self.column)?,
        };
        let others = self.rows - tally.ranks.count;
        if tally.ranks.count == 0 {
            return Err(no_times(self.column, &kind));
        }
        let warning = tally.first_other.map(|line| {
            let what = match &kind {
                Kind::Number => "number".to_string(),
                Kind::Iso => "date".to_string(),
                Kind::Date(format) => format!("date (`{}`)", format.as_str()),
            };
            let column = &self.column;
            match others {
                1 => format!(
                    "1 row has no readable {what} in `{column}`, on line {line}; the split by time puts it before all others"
                ),
                _ => format!(
                    "{others} rows have no readable {what} in `{column}`, the first on line {line}; the split by time puts them before all others"
                ),
            }
        });
        let range = Range {
            begin: tally.ranks.cut(begin, others),
            end: tally.ranks.cut(end, others),
        };
        Ok((kind, range, warning))
    }
}

fn no_times(column: String, kind: &Kind) -> SplitError {
    match kind {
        Kind::Number | Kind::Iso => SplitError::NoTimes { column },
        Kind::Date(format) => SplitError::NoDates {
            column,
            format: format.as_str().to_string(),
        },
    }
}

impl Several {
    fn add(&mut self, line: u64, text: &str) {
        self.numbers.add(line, Kind::Number.key(text));
        self.iso.add(line, Kind::Iso.key(text));
        if !text.is_empty() {
            self.dates.add_many(line, text, 1);
            self.missing += u64::from(MISSING_WORDS.contains(&text));
        }
        let orders = self.orders.iter_mut().flatten();
        for (tally, moment) in orders.zip(DateProfile::readings(text)) {
            tally.add(line, key(moment));
        }
    }

    /// The proposed format, or the kind that most rows have. Fails where more rows hold dates than that kind reads.
    fn settle(mut self, column: &str) -> Result<(Kind, Tally), SplitError> {
        if let Some(proposed) = self.proposed(column) {
            return Ok(proposed);
        }
        let (kind, tally) = if self.iso.ranks.count > self.numbers.ranks.count {
            (Kind::Iso, self.iso)
        } else {
            (Kind::Number, self.numbers)
        };
        let verdict = self.dates.judge(self.missing, Allowed::under(column));
        let read = match &verdict {
            Verdict::Nearly { count, .. } => *count,
            _ => self.dates.count_dates(),
        };
        let reason = verdict.doubt().or_else(|| unsaid(&verdict));
        match reason.filter(|_| read > tally.ranks.count) {
            Some(reason) => Err(SplitError::DoubtfulDates {
                column: column.to_string(),
                reason,
            }),
            None => Ok((kind, tally)),
        }
    }

    /// A format is proposed only when it reads every value, so that what was read in its order is what it reads.
    fn proposed(&mut self, column: &str) -> Option<(Kind, Tally)> {
        let orders = self.orders.take()?;
        let format = self.dates.proposed(column, self.missing)?;
        let order = DateProfile::order_of(format.as_str())?;
        let tally = orders.into_iter().nth(order)?;
        Some((Kind::Date(format), tally))
    }
}

/// What to say of dates that nobody may propose, because there is a schema or the column is the target.
fn unsaid(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Date { format, example, .. } => Some(format!(
            "every value is a date like {example}, but nothing says so; give the column the dateFormat `{format}` in the schema"
        )),
        _ => None,
    }
}

impl Tally {
    fn add(&mut self, line: u64, key: u64) {
        match key {
            0 => {
                self.first_other.get_or_insert(line);
            }
            _ => self.ranks.add(key),
        }
    }
}
