//! What findings are drawn from: everything that was collected and decided about a table.

use std::hash::{BuildHasher, Hasher};

use crate::ml::Task;
use crate::ml::decision::{Decision, Role};
use crate::ml::profile::{Profile, TableStatistics};
use crate::ml::record::Record;
use crate::ml::split::Selector;
use crate::ml::value::{Number, is_missing, number, trimmed};

/// Everything known about a table.
pub struct Material<'a> {
    /// Names of the columns.
    pub names: &'a [String],
    /// The columns whose names held bytes that are not UTF-8, ascending.
    pub mended_names: &'a [usize],
    /// Type and use of each column.
    pub decisions: &'a [Decision],
    /// For each column whether its dates are understood.
    pub dated: &'a [bool],
    /// For each column whether the schema knows it.
    pub known: &'a [bool],
    /// Whether a schema was given.
    pub given: bool,
    /// The question that the target poses, if it is clear.
    pub task: Option<Task>,
    /// Which rows are described.
    pub part: &'a Selector,
    /// Evidence of all rows.
    pub all: &'a Profile,
    /// Evidence of the rows that are described.
    pub selected: &'a Profile,
    /// Evidence of the other rows.
    pub others: &'a Profile,
    /// Statistics of the described rows.
    pub statistics: &'a TableStatistics,
    /// A sample of the described rows, in the order of the table.
    pub rows: &'a [Record],
}

/// What one field holds, whatever its spelling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing, or a word for it.
    Missing,
    /// A number.
    Number(f64),
    /// Anything else.
    Word(&'a str),
}

impl Material<'_> {
    /// The target's column.
    pub fn target(&self) -> Option<usize> {
        self.decisions
            .iter()
            .position(|decision| decision.role == Role::Target)
    }

    /// Whether a column is learned from.
    pub fn is_input(&self, column: usize) -> bool {
        self.decisions[column].role == Role::Input
    }

    /// The columns that are learned from.
    pub fn inputs(&self) -> Vec<usize> {
        (0..self.names.len())
            .filter(|&column| self.is_input(column))
            .collect()
    }

    /// What a row holds in a column. Numbers are equal whatever their spelling.
    pub fn cell<'r>(&self, row: &'r Record, column: usize) -> Cell<'r> {
        let text = trimmed(row.get(column));
        if is_missing(text, &self.decisions[column].missing_values) {
            return Cell::Missing;
        }
        match number(text) {
            Number::Value(value) => Cell::Number(value + 0.0),
            _ => Cell::Word(text),
        }
    }
}

impl Cell<'_> {
    /// A hash of the content.
    pub fn hash(self) -> u64 {
        let mut hasher = foldhash::quality::FixedState::default().build_hasher();
        match self {
            Cell::Missing => hasher.write_u8(0),
            Cell::Number(value) => hasher.write_u64(value.to_bits()),
            Cell::Word(text) => hasher.write(text.as_bytes()),
        }
        hasher.finish()
    }
}
