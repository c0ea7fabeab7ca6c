//! Which rows have the same content: hashes of whole rows in bounded memory.
//!
//! Contents are kept by their hash: all while they are few, beyond that those whose hash begins with zeros, one
//! more zero each time the memory is full. So a kept content has all its copies counted, and what is kept depends
//! neither on the order of the rows nor on how the table was cut.

use std::collections::{HashMap, HashSet};

use super::column::CHUNK_ROWS;
use super::dates::{Allowed, DateProfile, Verdict};
use crate::ml::hash::splitmix64;
use crate::ml::identity::{Values, identity};
use crate::ml::ingest::{FieldHashes, Rows};
use crate::ml::record::Record;
use crate::ml::text_hash::EMPTY;
use crate::ml::value::{Number, number};

/// Contents kept at most.
const MOST_CONTENTS: usize = 100_000;

/// How often one content was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copies {
    /// Rows with it.
    pub rows: u64,
    /// The lines of the first two of them; 0 where there is none.
    pub lines: [u64; 2],
}

/// The contents of the rows of a table, or of a sample of them.
#[derive(Debug, Clone, Default)]
pub struct RowContents {
    skipped: Vec<bool>,
    zeros: u32,
    kept: HashMap<u64, Copies, foldhash::fast::FixedState>,
    /// Rows seen.
    pub rows: u64,
}

impl RowContents {
    /// Leaves the marked columns out of what makes rows equal. Must come before the first row.
    pub fn skip(&mut self, columns: Vec<bool>) {
        self.skipped = columns;
    }

    /// Which columns are left out.
    pub fn skipped(&self) -> &[bool] {
        &self.skipped
    }

    /// The share of contents that are kept.
    pub fn share(&self) -> f64 {
        0.5f64.powi(self.zeros as i32)
    }

    /// Counts the rows `picked` of a piece by the hashes of their first `columns` fields, which are added up, with
    /// wrapping, in any order.
    pub fn add_rows(&mut self, rows: &Rows, hashes: &FieldHashes, picked: &[u32], columns: usize) {
        let (mut sums, mut counted) = ([0u64; CHUNK_ROWS], 0);
        for some in picked.chunks(CHUNK_ROWS) {
            sums.fill(0);
            for column in 0..columns {
                if self.skipped.get(column).copied().unwrap_or(false) {
                    continue;
                }
                let (hashes, salt) = (hashes.column(column), salt_of(column));
                for (sum, &row) in sums.iter_mut().zip(some) {
                    let hash = hashes.get(row as usize).copied().unwrap_or(EMPTY);
                    *sum = sum.wrapping_add(share(salt, hash));
                }
            }
            for (&sum, &row) in sums.iter().zip(some) {
                self.add(sum, || rows.line(row as usize));
            }
            counted += some.len() as u64;
        }
        self.rows += counted;
    }

    /// Counts a row by what its fields add up to.
    #[inline]
    fn add(&mut self, sum: u64, line: impl Fn() -> u64) {
        let hash = splitmix64(sum);
        if hash.leading_zeros() >= self.zeros {
            let lines = [line(), 0];
            self.count(hash, Copies { rows: 1, lines });
        }
    }

    fn count(&mut self, hash: u64, copies: Copies) {
        match self.kept.get_mut(&hash) {
            Some(known) => {
                known.rows += copies.rows;
                let mut lines: Vec<u64> = known.lines.into_iter().chain(copies.lines).collect();
                lines.retain(|line| *line > 0);
                lines.sort_unstable();
                lines.resize(2, 0);
                known.lines = [lines[0], lines[1]];
            }
            None => {
                self.kept.insert(hash, copies);
                while self.kept.len() > MOST_CONTENTS {
                    self.thin(self.zeros + 1);
                }
            }
        }
    }

    fn thin(&mut self, zeros: u32) {
        self.zeros = self.zeros.max(zeros);
        let zeros = self.zeros;
        self.kept.retain(|hash, _| hash.leading_zeros() >= zeros);
    }

    /// Adds the rows of another part of the same table.
    pub fn merge(&mut self, other: RowContents) {
        self.rows += other.rows;
        self.thin(other.zeros);
        for (hash, copies) in other.kept {
            if hash.leading_zeros() >= self.zeros {
                self.count(hash, copies);
            }
        }
    }

    /// How many contents are on one row, on two and on three.
    pub fn multiplicities(&self) -> [u64; 3] {
        [1, 2, 3].map(|rows| self.kept.values().filter(|copies| copies.rows == rows).count() as u64)
    }

    /// The contents on more than one row, those on the smallest lines first.
    pub fn repeated(&self) -> Vec<Copies> {
        let mut repeated: Vec<Copies> = self
            .kept
            .values()
            .filter(|copies| copies.rows > 1)
            .copied()
            .collect();
        repeated.sort_unstable_by_key(|copies| copies.lines);
        repeated
    }

    /// The contents that another part has too: how often here, and how often there.
    pub fn shared(&self, other: &RowContents) -> Vec<(Copies, Copies)> {
        let zeros = self.zeros.max(other.zeros);
        let mut shared: Vec<(Copies, Copies)> = self
            .kept
            .iter()
            .filter(|(hash, _)| hash.leading_zeros() >= zeros)
            .filter_map(|(hash, here)| other.kept.get(hash).map(|there| (*here, *there)))
            .collect();
        shared.sort_unstable_by_key(|(here, there)| (here.lines, there.lines));
        shared
    }
}

/// Tells the columns of a row apart.
fn salt_of(column: usize) -> u64 {
    splitmix64(column as u64) | 1
}

/// What a field adds to its row.
#[inline]
fn share(salt: u64, hash: u64) -> u64 {
    let mixed = (hash ^ salt).wrapping_mul(salt);
    mixed ^ mixed >> 32
}

/// Marks the columns that only name rows, judged on some consecutive rows.
pub fn identifier_like(columns: &[String], records: &[&Record]) -> Vec<bool> {
    let named = columns.iter().enumerate();
    named
        .map(|(column, name)| names_rows(name, column, records))
        .collect()
}

fn names_rows(name: &str, column: usize, records: &[&Record]) -> bool {
    let mut seen = HashSet::with_capacity(64);
    for record in records {
        let field = record.get(column);
        if field.is_empty() || field.contains(char::is_whitespace) || !seen.insert(field) {
            return false;
        }
    }
    let numbers: Vec<f64> = records
        .iter()
        .filter_map(|record| match number(record.get(column)) {
            Number::Value(value) => Some(value),
            _ => None,
        })
        .collect();
    let all = numbers.len() == records.len();
    let values = Values {
        rows: records.len() as u64,
        unique: true,
        numbers: numbers.len() as u64,
        whole: all && numbers.iter().all(|value| value.fract() == 0.0),
        running: all && numbers.windows(2).all(|pair| pair[1] == pair[0] + 1.0),
        words: !all,
    };
    identity(name, values).is_some() && !holds_dates(name, column, records)
}

/// Whether the values are dates, or so nearly that inference would ask a person. Days need no name that says so here: to
/// compare rows by a column too many hides some copies, by one too few it invents them.
fn holds_dates(name: &str, column: usize, records: &[&Record]) -> bool {
    let mut dates = DateProfile::default();
    for (line, record) in records.iter().enumerate() {
        dates.add_many(line as u64, record.get(column), 1);
    }
    let allowed = Allowed {
        days: true,
        ..Allowed::under(name)
    };
    dates.judge(0, allowed) != Verdict::Other
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::text_hash::hash_of;

    fn rows(range: std::ops::Range<u64>) -> Vec<Record> {
        range
            .map(|i| {
                let mut record = Record::from_fields([(i % 150_000).to_string().as_str(), "x"]);
                record.position.line = i + 2;
                record
            })
            .collect()
    }

    fn of(records: &[Record]) -> RowContents {
        let mut contents = RowContents::default();
        for record in records {
            let fields = record.iter().enumerate();
            let sum = fields.fold(0, |sum: u64, (column, field)| {
                sum.wrapping_add(share(salt_of(column), hash_of(field.as_bytes())))
            });
            contents.add(sum, || record.position.line);
        }
        contents
    }

    #[test]
    fn bounded_and_independent_of_the_cut() {
        let all = rows(0..200_000);
        let whole = of(&all);
        let mut merged = of(&all[120_000..]);
        merged.merge(of(&all[..120_000]));
        assert!(whole.kept.len() <= MOST_CONTENTS && whole.share() < 1.0);
        assert_eq!(whole.repeated(), merged.repeated());
        let twice = whole.repeated().len() as f64 / whole.share();
        assert!((twice / 50_000.0 - 1.0).abs() < 0.03, "{twice}");
        assert!(
            whole
                .repeated()
                .iter()
                .all(|copies| copies.lines[1] == copies.lines[0] + 150_000)
        );
    }

    #[test]
    fn parts_tell_what_they_share() {
        let (left, right) = (of(&rows(0..100)), of(&rows(90..190)));
        assert_eq!(left.shared(&right).len(), 10);
        assert_eq!(left.shared(&right)[0].0.lines, [92, 0]);
        assert!(left.repeated().is_empty());
    }

    #[test]
    fn identifiers_are_left_out() {
        let text = |i: u64| {
            [
                i.to_string(),
                format!("u{i:x}"),
                format!("{}.5", i * 7),
                format!("a b {i}"),
                "1".into(),
                format!("2020-{:02}-{:02}", 1 + i % 12, 10 + i / 12),
            ]
        };
        let records: Vec<Record> = (10..60)
            .map(|i| Record::from_fields(text(i).iter().map(String::as_str)))
            .collect();
        let names = ["n", "code", "size", "note", "flag", "day"].map(str::to_string);
        let marked = identifier_like(&names, &records.iter().collect::<Vec<_>>());
        assert_eq!(marked, [true, true, false, false, false, false]);
    }
}
