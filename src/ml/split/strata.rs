//! Shares of the rows within each value of a column, by a seeded hash of the row's number.
//!
//! The rows of one value are ranked by their hash; a part takes the ranks between two percentages. Where
//! a percentage falls between two ranks, it is rounded up more often than down, by how much is drawn
//! for each value: a value with a single row goes to the first half of the table, and small values do
//! not all favour the same part of many.
//!
//! Up to 8,192 rows of a value the ranks are exact. Beyond that hashes are counted in cells, and a part
//! is off by a fraction of the rows in one cell at each end.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

use super::ranks::{Cut, Range};
use crate::ml::hash::{unit, word};

/// Rows of one value whose hashes are all kept.
const EXACT: usize = 8_192;
/// Log2 of the cells in which hashes are counted beyond that.
const LG_CELLS: u32 = 14;
/// Most different values.
pub const MOST_VALUES: usize = 1_000;
/// Characters of a value that a message shows.
const LONGEST_SHOWN: usize = 60;
/// Values that a message shows.
const MOST_SHOWN: usize = 5;

/// The hash of a row; no two rows of a table share one.
fn row_hash(seed: u64, row: u64) -> u64 {
    word(seed, row)
}

/// The name of a value.
fn value_key(text: &str) -> u128 {
    xxh3_128(text.trim().as_bytes())
}

/// Counts the rows of each value.
#[derive(Debug, Clone)]
pub struct Strata {
    seed: u64,
    places: HashMap<u128, usize, FixedState>,
    strata: Vec<Stratum>,
    full: bool,
}

/// The rows of one value.
#[derive(Debug, Clone)]
struct Stratum {
    key: u128,
    shown: String,
    /// What is added before a share of the rows is rounded down.
    lift: f64,
    rows: u64,
    hashes: Hashes,
}

#[derive(Debug, Clone)]
enum Hashes {
    All(Vec<u64>),
    Counted(Vec<u32>),
}

impl Strata {
    /// No rows yet.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            places: HashMap::default(),
            strata: Vec::new(),
            full: false,
        }
    }

    /// Adds row number `row`, which has the value `text`.
    pub fn add(&mut self, row: u64, text: &str) {
        let key = value_key(text);
        let place = match self.places.get(&key) {
            Some(&place) => place,
            None if self.strata.len() == MOST_VALUES => {
                self.full = true;
                return;
            }
            None => {
                self.strata.push(Stratum::new(self.seed, key, text.trim()));
                self.places.insert(key, self.strata.len() - 1);
                self.strata.len() - 1
            }
        };
        self.strata[place].add(row_hash(self.seed, row));
    }

    /// True when there are too many values; no further row is of use.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// The share of each value between two percentages.
    pub fn finish(self, begin: f64, end: f64) -> Shares {
        let mut shares = Shares {
            seed: self.seed,
            ranges: HashMap::default(),
            other: Range {
                begin: plain_cut(begin),
                end: plain_cut(end),
            },
            values: Vec::new(),
        };
        for mut stratum in self.strata {
            let (first, last) = (stratum.rank(begin), stratum.rank(end));
            let range = Range {
                begin: stratum.cut(first),
                end: stratum.cut(last),
            };
            shares.ranges.insert(stratum.key, range);
            shares.values.push(Share {
                shown: stratum.shown,
                rows: stratum.rows,
                within: last - first,
            });
        }
        shares
    }
}

impl Stratum {
    fn new(seed: u64, key: u128, text: &str) -> Self {
        let drawn = unit(xxh3_64_with_seed(&key.to_le_bytes(), seed), 0);
        Self {
            key,
            shown: text.chars().take(LONGEST_SHOWN).collect(),
            lift: 0.5 + 0.5 * drawn,
            rows: 0,
            hashes: Hashes::All(Vec::new()),
        }
    }

    fn add(&mut self, hash: u64) {
        self.rows += 1;
        match &mut self.hashes {
            Hashes::All(all) if all.len() < EXACT => all.push(hash),
            Hashes::All(all) => {
                let mut cells = vec![0; 1 << LG_CELLS];
                all.iter().for_each(|&hash| count(&mut cells, hash));
                count(&mut cells, hash);
                self.hashes = Hashes::Counted(cells);
            }
            Hashes::Counted(cells) => count(cells, hash),
        }
    }

    /// The rows that lie before a percentage; less than one off.
    fn rank(&self, percent: f64) -> u64 {
        if percent <= 0.0 {
            0
        } else if percent >= 100.0 {
            self.rows
        } else {
            let share = (self.rows as f64 * percent / 100.0 + self.lift).floor();
            (share as u64).min(self.rows)
        }
    }

    /// The place with `rank` rows before it, or the next best one.
    fn cut(&mut self, rank: u64) -> Cut {
        if rank == 0 {
            return Cut::START;
        }
        if rank >= self.rows {
            return Cut::END;
        }
        match &mut self.hashes {
            Hashes::All(all) => {
                all.sort_unstable();
                usize::try_from(rank)
                    .ok()
                    .and_then(|rank| all.get(rank))
                    .map_or(Cut::END, |&hash| Cut::at(hash))
            }
            Hashes::Counted(cells) => nearest_cell(cells, rank),
        }
    }
}

fn count(cells: &mut [u32], hash: u64) {
    let cell = &mut cells[(hash >> (64 - LG_CELLS)) as usize];
    *cell = cell.saturating_add(1);
}

/// The boundary between cells that has most nearly `rank` rows before it.
fn nearest_cell(cells: &[u32], rank: u64) -> Cut {
    let mut before = 0;
    for (cell, &rows) in cells.iter().enumerate() {
        let after = before + u64::from(rows);
        // The next boundary would be farther away.
        if after > rank && after - rank > rank.abs_diff(before) {
            return Cut::at((cell as u64) << (64 - LG_CELLS));
        }
        before = after;
    }
    Cut::END
}

/// A share of all possible hashes.
fn plain_cut(percent: f64) -> Cut {
    if percent >= 100.0 {
        return Cut::END;
    }
    // The conversion stops at the ends of the range.
    Cut::at((percent / 100.0 * (u64::MAX as f64)) as u64)
}

/// Which rows of each value are in a part.
#[derive(Debug, Clone)]
pub struct Shares {
    seed: u64,
    ranges: HashMap<u128, Range, FixedState>,
    /// For rows whose value was not counted because they cannot be read.
    other: Range,
    values: Vec<Share>,
}

#[derive(Debug, Clone)]
struct Share {
    shown: String,
    rows: u64,
    within: u64,
}

impl Shares {
    /// Whether row number `row` with the value `text` lies between the percentages.
    pub fn holds(&self, row: u64, text: &str) -> bool {
        let range = self.ranges.get(&value_key(text)).unwrap_or(&self.other);
        range.holds(row_hash(self.seed, row))
    }

    /// A sentence on the values of `column` that have no row between the percentages, or, for the
    /// complement, no row outside of them.
    pub fn lacking(&self, column: &str, complement: bool) -> Option<String> {
        let lacks = |share: &&Share| {
            if complement {
                share.within == share.rows
            } else {
                share.within == 0
            }
        };
        let lacking: Vec<String> = self
            .values
            .iter()
            .filter(lacks)
            .map(|share| format!("`{}` ({})", share.shown, rows(share.rows)))
            .collect();
        if lacking.is_empty() {
            return None;
        }
        let more = match lacking.len().saturating_sub(MOST_SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!(
            "this part has no row of these values of `{column}`, which have too few rows for a share: {}{more}",
            lacking[..lacking.len().min(MOST_SHOWN)].join(", ")
        ))
    }
}

fn rows(count: u64) -> String {
    match count {
        1 => "1 row in all".to_string(),
        _ => format!("{count} rows in all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strata(seed: u64, classes: &[(&str, u64)]) -> Strata {
        let mut strata = Strata::new(seed);
        let mut row = 0;
        for (name, rows) in classes {
            for _ in 0..*rows {
                strata.add(row, name);
                row += 1;
            }
        }
        strata
    }

    fn counts(shares: &Shares, classes: &[(&str, u64)]) -> Vec<u64> {
        let mut row = 0;
        let mut found = Vec::new();
        for (name, rows) in classes {
            let rows = row..row + *rows;
            row = rows.end;
            found.push(rows.filter(|&row| shares.holds(row, name)).count() as u64);
        }
        found
    }

    #[test]
    fn every_value_has_its_share_to_within_a_row_or_a_little_more_when_there_are_many() {
        let classes = [
            ("a", 1),
            ("b", 2),
            ("c", 7),
            ("d", 1_000),
            ("e", 8_192),
            ("f", 8_193),
            ("g", 300_000),
        ];
        for seed in 1..=5 {
            for (begin, end) in [
                (0.0, 70.0),
                (70.0, 100.0),
                (20.0, 40.0),
                (33.3, 66.6),
                (0.0, 100.0),
                (50.0, 50.0),
            ] {
                let shares = strata(seed, &classes).finish(begin, end);
                for ((name, rows), found) in classes.iter().zip(counts(&shares, &classes)) {
                    let wanted = *rows as f64 * (end - begin) / 100.0;
                    let allowed = if *rows <= EXACT as u64 {
                        1.0
                    } else {
                        0.0005 * *rows as f64
                    };
                    let off = (found as f64 - wanted).abs();
                    assert!(
                        off < allowed + 1e-9,
                        "{name}: {found} for {wanted} of {rows}, seed {seed}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_single_row_is_learned_from_whenever_half_of_the_rows_are() {
        for seed in 0..50 {
            let shares = strata(seed, &[("rare", 1)]).finish(0.0, 50.0);
            assert!(
                shares.holds(0, " rare "),
                "white space around a value does not count"
            );
            let rest = strata(seed, &[("rare", 1)]).finish(50.0, 100.0);
            assert!(
                rest.lacking("c", false)
                    .unwrap()
                    .contains("`rare` (1 row in all)")
            );
            assert!(rest.lacking("c", true).is_none());
            assert!(shares.lacking("c", true).is_some());
        }
    }

    #[test]
    fn too_many_values_are_noticed_and_not_kept() {
        let mut strata = Strata::new(1);
        for row in 0..2 * MOST_VALUES as u64 {
            strata.add(row, &row.to_string());
        }
        assert!(strata.is_full() && strata.strata.len() == MOST_VALUES);
    }
}
