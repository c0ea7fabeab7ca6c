//! What a split has to know of a table before it can judge rows: collected in one pass, in memory that
//! does not grow with the number of rows.

use super::selector::{PlaceHash, Rule, Selector};
use super::strata::{MOST_VALUES, Strata};
use super::times::{Times, Written};
use super::{Seed, Split, SplitError, Strategy};
use crate::ml::ingest::Batch;

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

impl Survey {
    /// A survey for `split`, whose column, if it has one, is number `column` of the file called `file`.
    pub fn new(split: &Split, column: usize, file: &str) -> Self {
        let seen = match split.strategy {
            _ if split.covers() => Seen::Nothing,
            Strategy::Random | Strategy::Group => Seen::Nothing,
            Strategy::Sequential => Seen::Rows(0),
            Strategy::Stratified => Seen::Strata(Strata::new(number(&split.seed))),
            Strategy::Time => Seen::Times(Times::new(
                split.column.as_deref().unwrap_or_default(),
                Written::Plainly,
            )),
        };
        Self {
            split: split.clone(),
            column,
            file: file.to_string(),
            seen,
        }
    }

    /// The same survey, with what is known of how the dates of the column are written.
    #[must_use]
    pub fn with_dates(mut self, written: Written) -> Self {
        if let (Seen::Times(times), Some(column)) = (&mut self.seen, &self.split.column) {
            *times = Times::new(column, written);
        }
        self
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
            Seen::Times(times) => {
                readable.for_each(|record| times.add(record.position.line, record.get(self.column)));
            }
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
        let mut warnings: [Vec<String>; 2] = Default::default();
        let rule = match (self.seen, self.split.strategy) {
            (Seen::Rows(rows), _) => Rule::Order {
                first: share_of(rows, begin),
                end: share_of(rows, end),
            },
            (Seen::Strata(strata), _) => {
                let shares = strata.finish(begin, end);
                warnings =
                    [complement, !complement].map(|side| shares.lacking(&name, side).into_iter().collect());
                Rule::Strata { column, shares }
            }
            (Seen::Times(times), _) => {
                let (kind, range, warning) = times.finish(begin, end)?;
                warnings = [&warning, &warning].map(|warning| warning.iter().cloned().collect());
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
            before: (0, 0),
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
