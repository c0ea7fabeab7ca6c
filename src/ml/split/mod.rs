//! Which rows belong to a part of a table.
//!
//! A [`Split`] describes a part in a few plain words that a request, a model file and a person can
//! hold. Some descriptions mean nothing before the table is known: a [`Survey`] collects that in one
//! pass and bounded memory. What comes out is a [`Selector`], which judges each row by itself, so that
//! training, evaluation, batches and statistics agree on any number of threads.
//!
//! For every strategy the part is a range of percentages. Parts whose ranges touch are disjoint, parts
//! that reach from 0 to 100 together hold every row, and the complement holds exactly the other rows.

pub mod error;
mod json;
pub mod ranks;
pub mod rearrangement;
pub mod selector;
pub mod strata;
pub mod survey;
pub mod times;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use error::{HoldoutError, SplitError};
pub use rearrangement::rearrangement;
pub use selector::Selector;
pub use survey::Survey;

/// How rows are assigned to parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// By a hash: of the seed and the row's number, or, with a text as seed, as Amazon ML has it, of the
    /// seed, the file's name and the row's place in the file.
    #[default]
    Random,
    /// By the row's number: the first percentages are the first rows.
    Sequential,
    /// By a hash within each value of a column, so that every value has the same share in every part.
    Stratified,
    /// By a hash of a column's value, so that equal values are always in the same part.
    Group,
    /// By a column of numbers or dates: the later, the later the part.
    Time,
}

impl Strategy {
    /// The strategies in the order of the documentation.
    pub const ALL: [Strategy; 5] = [
        Strategy::Random,
        Strategy::Sequential,
        Strategy::Stratified,
        Strategy::Group,
        Strategy::Time,
    ];

    /// The name in requests and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Strategy::Random => "random",
            Strategy::Sequential => "sequential",
            Strategy::Stratified => "stratified",
            Strategy::Group => "group",
            Strategy::Time => "time",
        }
    }

    /// Whether it goes by the values of a column.
    pub fn uses_column(self) -> bool {
        matches!(self, Strategy::Stratified | Strategy::Group | Strategy::Time)
    }
}

/// What the hash begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a seed is a whole number from 0 to 18446744073709551615, or a text"
)]
pub enum Seed {
    /// A number: rows are known by their number.
    Number(u64),
    /// A text: rows are known by their file and byte, as in Amazon ML.
    Text(String),
}

/// A part of the rows: those between two percentages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Seed of the hash; without meaning for the strategies that have none.
    #[serde(default = "one")]
    pub seed: Seed,
    /// The column whose values decide; for a stratified split the target if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
}

fn hundred() -> f64 {
    100.0
}

fn one() -> Seed {
    Seed::Number(1)
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
            percent_end: hundred(),
            complement: false,
            seed: one(),
            column: None,
        }
    }

    /// Refuses a percentage that cannot be held out, and a share that was meant to be one.
    pub fn check_holdout(percent: f64) -> Result<(), HoldoutError> {
        if (0.01..1.0).contains(&percent) {
            return Err(HoldoutError::Share { share: percent });
        }
        match percent == 0.0 || (1.0..100.0).contains(&percent) {
            true => Ok(()),
            false => Err(HoldoutError::Impossible(percent)),
        }
    }

    /// The rows to train on when `holdout` percent are held out.
    pub fn training(holdout: f64, seed: u64) -> Self {
        Self {
            percent_end: 100.0 - holdout,
            seed: Seed::Number(seed),
            ..Self::all()
        }
    }

    /// The rows that [`Split::training`] leaves out.
    pub fn held_out(holdout: f64, seed: u64) -> Self {
        Self::training(holdout, seed).others()
    }

    /// Exactly the rows that this part leaves out.
    pub fn others(&self) -> Self {
        Self {
            complement: !self.complement,
            ..self.clone()
        }
    }

    /// The same part with the column named: `target` where a stratified split names none.
    pub fn for_target(&self, target: Option<&str>) -> Self {
        let by_target = self.strategy == Strategy::Stratified && self.column.is_none();
        Self {
            column: match target {
                Some(target) if by_target => Some(target.to_string()),
                _ => self.column.clone(),
            },
            ..self.clone()
        }
    }

    /// True when the part holds every row.
    pub fn is_all(&self) -> bool {
        !self.complement && self.covers()
    }

    /// Whether the percentages leave nothing out.
    fn covers(&self) -> bool {
        self.percent_begin <= 0.0 && self.percent_end >= 100.0
    }

    /// Checks each field by itself and against the strategy. Whether the column exists is seen when
    /// the table is there.
    pub fn check(&self) -> Result<(), SplitError> {
        let name = self.strategy.as_str();
        for (field, value) in [
            ("/percent_begin", self.percent_begin),
            ("/percent_end", self.percent_end),
        ] {
            if !(0.0..=100.0).contains(&value) {
                let problem = format!("{value} is no percentage; give 0 to 100");
                return Err(SplitError::invalid(field, problem));
            }
        }
        if self.percent_begin > self.percent_end {
            let problem = format!(
                "a part from {} to {} percent is not possible; let it end at or after its beginning",
                self.percent_begin, self.percent_end
            );
            return Err(SplitError::invalid("/percent_end", problem));
        }
        match &self.column {
            Some(_) if !self.strategy.uses_column() => {
                let problem = format!("strategy {name} goes by no column; leave it out");
                return Err(SplitError::invalid("/column", problem));
            }
            None if matches!(self.strategy, Strategy::Group | Strategy::Time) => {
                let problem = format!("strategy {name} goes by the values of a column; name it");
                return Err(SplitError::invalid("/column", problem));
            }
            Some(column) if column.trim().is_empty() => {
                let problem = "the name of the column is empty".to_string();
                return Err(SplitError::invalid("/column", problem));
            }
            _ => {}
        }
        if matches!(self.seed, Seed::Text(_)) && self.strategy != Strategy::Random {
            let problem = format!("strategy {name} takes a whole number; a text is for strategy random");
            return Err(SplitError::invalid("/seed", problem));
        }
        Ok(())
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.complement {
            f.write_str("all but ")?;
        }
        f.write_str(self.strategy.as_str())?;
        if let Some(column) = &self.column {
            write!(f, " by `{column}`")?;
        }
        // Differences such as 100 − 99.9 are not exact.
        let [begin, end] =
            [self.percent_begin, self.percent_end].map(|percent| (percent * 1e9).round() / 1e9);
        write!(f, " from {begin} to {end} percent")
    }
}

#[cfg(test)]
mod tests;
