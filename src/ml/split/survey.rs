//! What a split has to know of a table before it can judge rows: collected in one pass, in memory that
//! does not grow with the number of rows.

use super::ranks::{Range, Ranks, key_of};
use super::selector::{PlaceHash, Rule, Selector};
use super::strata::{MOST_VALUES, Strata};
use super::times::{Kind, read};
use super::{Seed, Split, SplitError, Strategy};
use crate::ml::ingest::Batch;
use crate::ml::record::Record;

/// A split on its way to a [`Selector`].
#[derive(Debug, Clone)]
pub struct Survey {
    split: Split,
    column: usize,
    file: String,
    seen: Seen,
}

#[derive(Debug, Clone)]
enum Seen {
    Nothing,
    Rows(u64),
    Strata(Strata),
    Times(Times),
}

/// The moments in a column, by kind: which kind counts is known at the end.
#[derive(Debug, Clone, Default)]
struct Times {
    numbers: Ranks,
    dates: Ranks,
    unreadable: u64,
    /// For each kind, the first line that does not have it.
    first_other: [Option<u64>; 2],
}

impl Survey {
    /// A survey for `split`, whose column, if it has one, is number `column` of the file called `file`.
    pub fn new(split: &Split, column: usize, file: &str) -> Self {
        let seen = match split.strategy {
            _ if split.covers() => Seen::Nothing,
            Strategy::Random | Strategy::Group => Seen::Nothing,
            Strategy::Sequential => Seen::Rows(0),
            Strategy::Stratified => Seen::Strata(Strata::new(number(&split.seed))),
            Strategy::Time => Seen::Times(Times::default()),
        };
        Self {
            split: split.clone(),
            column,
            file: file.to_string(),
            seen,
        }
    }

    /// Whether [`Survey::add`] has to see every row first.
    pub fn reads_rows(&self) -> bool {
        !matches!(self.seen, Seen::Nothing)
    }

    /// Looks at the next rows. Rows that cannot be read count as rows and have no value. Fails as soon as
    /// it is certain that the split is not possible.
    pub fn add(&mut self, batch: &Batch) -> Result<(), SplitError> {
        let readable = batch
            .records()
            .iter()
            .enumerate()
            .filter(|(index, _)| !batch.is_bad(*index))
            .map(|(_, record)| record);
        match &mut self.seen {
            Seen::Nothing => {}
            Seen::Rows(rows) => *rows += batch.records().len() as u64,
            Seen::Strata(strata) => {
                readable.for_each(|record| strata.add(record.position.record, record.get(self.column)));
                if strata.is_full() {
                    return Err(SplitError::TooManyValues {
                        column: self.split.column.clone().unwrap_or_default(),
                        limit: MOST_VALUES,
                    });
                }
            }
            Seen::Times(times) => readable.for_each(|record| times.add(record, self.column)),
        }
        Ok(())
    }

    /// The split, ready to judge rows.
    pub fn finish(self) -> Result<Selector, SplitError> {
        let Split {
            percent_begin: begin,
            percent_end: end,
            complement,
            ..
        } = self.split;
        let (column, name) = (self.column, self.split.column.unwrap_or_default());
        let seed = number(&self.split.seed);
        let mut warnings = Vec::new();
        let rule = match (self.seen, self.split.strategy) {
            (Seen::Rows(rows), _) => Rule::Order {
                first: share_of(rows, begin),
                end: share_of(rows, end),
            },
            (Seen::Strata(strata), _) => {
                let shares = strata.finish(begin, end);
                warnings.extend(shares.lacking(&name, complement));
                Rule::Strata { column, shares }
            }
            (Seen::Times(times), _) => {
                let (kind, range, warning) = times.finish(&name, begin, end)?;
                warnings.extend(warning);
                Rule::Time { column, kind, range }
            }
            (Seen::Nothing, _) if begin <= 0.0 && end >= 100.0 => Rule::All,
            (Seen::Nothing, Strategy::Group) => Rule::Group {
                column,
                seed,
                begin,
                end,
            },
            (Seen::Nothing, _) => match &self.split.seed {
                Seed::Number(seed) => Rule::Number {
                    seed: *seed,
                    begin,
                    end,
                },
                Seed::Text(text) => Rule::Place {
                    place: PlaceHash::new(text, &self.file),
                    begin,
                    end,
                },
            },
        };
        Ok(Selector {
            rule,
            complement,
            warnings,
        })
    }
}

/// The seed as a number; a text is refused before, where it has no meaning.
fn number(seed: &Seed) -> u64 {
    match seed {
        Seed::Number(seed) => *seed,
        Seed::Text(_) => 0,
    }
}

/// A percentage of the rows, rounded down.
fn share_of(rows: u64, percent: f64) -> u64 {
    if percent >= 100.0 {
        return rows;
    }
    ((rows as f64 * percent / 100.0).floor() as u64).min(rows)
}

impl Times {
    fn add(&mut self, record: &Record, column: usize) {
        let found = read(record.get(column));
        match found {
            Some((Kind::Number, time)) => self.numbers.add(key_of(time)),
            Some((Kind::Date, time)) => self.dates.add(key_of(time)),
            None => self.unreadable += 1,
        }
        for kind in [Kind::Number, Kind::Date] {
            if found.is_none_or(|(found, _)| found != kind) {
                self.first_other[kind as usize].get_or_insert(record.position.line);
            }
        }
    }

    /// The kind that most rows have, the range of time between the percentages, and a remark on the rows
    /// without one.
    fn finish(self, column: &str, begin: f64, end: f64) -> Result<(Kind, Range, Option<String>), SplitError> {
        let (kind, ranks, others) = if self.dates.count > self.numbers.count {
            (Kind::Date, self.dates, self.numbers.count + self.unreadable)
        } else {
            (Kind::Number, self.numbers, self.dates.count + self.unreadable)
        };
        if ranks.count == 0 {
            return Err(SplitError::NoTimes {
                column: column.to_string(),
            });
        }
        let warning = self.first_other[kind as usize].map(|line| {
            let what = match kind {
                Kind::Number => "number",
                Kind::Date => "date",
            };
            format!(
                "{others} rows have no readable {what} in `{column}`, the first on line {line}; the split by time puts them before all others"
            )
        });
        let range = Range {
            begin: ranks.cut(begin, others),
            end: ranks.cut(end, others),
        };
        Ok((kind, range, warning))
    }
}
