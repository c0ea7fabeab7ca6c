//! Which rows belong to a part of a table: by a seeded hash of the row's number, or by position.

use serde::{Deserialize, Serialize};

use super::hash::unit;

/// How rows are assigned to parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// By a hash of seed and row number: the same rows for the same seed, in any order of reading.
    #[default]
    Random,
}

/// A part of the rows: those whose hashed number lies between two percentages.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// How rows are assigned.
    #[serde(default)]
    pub strategy: Strategy,
    /// First percentage of the part, 0 to 100.
    #[serde(default)]
    pub percent_begin: f64,
    /// Percentage that ends the part, 0 to 100.
    #[serde(default = "hundred")]
    pub percent_end: f64,
    /// Take the rows that would otherwise be left out.
    #[serde(default)]
    pub complement: bool,
    /// Seed of the hash.
    #[serde(default = "one")]
    pub seed: u64,
}

fn hundred() -> f64 {
    100.0
}

fn one() -> u64 {
    1
}

impl Default for Split {
    fn default() -> Self {
        Self::all()
    }
}

impl Split {
    /// Every row.
    pub fn all() -> Self {
        Self {
            strategy: Strategy::Random,
            percent_begin: 0.0,
            percent_end: 100.0,
            complement: false,
            seed: 1,
        }
    }

    /// The rows to train on when `holdout` percent are held out.
    pub fn training(holdout: f64, seed: u64) -> Self {
        Self {
            percent_end: 100.0 - holdout,
            seed,
            ..Self::all()
        }
    }

    /// The rows that [`Split::training`] leaves out.
    pub fn held_out(holdout: f64, seed: u64) -> Self {
        Self {
            complement: true,
            ..Self::training(holdout, seed)
        }
    }

    /// True when the part holds every row.
    pub fn is_all(&self) -> bool {
        !self.complement && self.percent_begin <= 0.0 && self.percent_end >= 100.0
    }

    /// Checks that the percentages are in order and within 0 and 100.
    pub fn check(&self) -> Result<(), String> {
        let in_range = |value: f64| (0.0..=100.0).contains(&value);
        if !in_range(self.percent_begin)
            || !in_range(self.percent_end)
            || self.percent_begin > self.percent_end
        {
            return Err(format!(
                "the split from {} to {} percent is not possible; give 0 <= percent_begin <= percent_end <= 100",
                self.percent_begin, self.percent_end
            ));
        }
        Ok(())
    }

    /// Whether row number `row` (counted from 0, the header left out) belongs to the part.
    pub fn selects(&self, row: u64) -> bool {
        if self.percent_begin <= 0.0 && self.percent_end >= 100.0 {
            return !self.complement;
        }
        let share = unit(self.seed, row) * 100.0;
        (self.percent_begin <= share && share < self.percent_end) != self.complement
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_disjoint_complete_and_stable() {
        let (training, held_out) = (Split::training(30.0, 1), Split::held_out(30.0, 1));
        let count = (0..10_000).filter(|&row| training.selects(row)).count();
        assert!((0..10_000).all(|row| training.selects(row) != held_out.selects(row)));
        assert!((6_850..7_150).contains(&count), "{count}");
        assert!((0..100).any(|row| training.selects(row) != Split::training(30.0, 2).selects(row)));
        assert!((0..100).all(|row| Split::all().selects(row)));
    }

    #[test]
    fn impossible_percentages_are_refused() {
        assert!(
            Split {
                percent_begin: 50.0,
                percent_end: 20.0,
                ..Split::all()
            }
            .check()
            .is_err()
        );
        assert!(
            Split {
                percent_end: 120.0,
                ..Split::all()
            }
            .check()
            .is_err()
        );
        assert!(Split::all().check().is_ok());
    }
}
