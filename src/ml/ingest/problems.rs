//! Rows that could not be read: counted all, shown a few, and judged against a limit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::IngestError;
use crate::ml::wording::counted;

/// The code of rows whose bytes are not UTF-8; they are kept.
pub const NOT_UTF8: &str = "invalid_utf8";
/// How many rejected rows are kept as examples.
pub const MAX_EXAMPLES: usize = 20;
/// More rejected rows than this reject the whole source.
pub const MAX_REJECTED: u64 = 10_000;

/// One row that could not be read, or not wholly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblem {
    /// Stable code, for example `ragged_row`.
    pub code: String,
    /// Line where the row starts, counted from 1.
    pub line: u64,
    /// What is wrong, and in which field.
    pub detail: String,
}

/// A count of problems with the first few of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problems {
    /// Rows that were left out.
    pub rejected: u64,
    /// Number of problems for each code, rows that were kept (such as `invalid_utf8`) included.
    pub counts: BTreeMap<String, u64>,
    /// The first problems found.
    pub examples: Vec<RowProblem>,
}

impl Problems {
    /// Counts a problem of a row that was left out.
    pub fn reject(&mut self, problem: RowProblem) {
        self.rejected += 1;
        self.note(problem);
    }

    /// Counts a problem of a row that was kept.
    pub fn note(&mut self, problem: RowProblem) {
        *self.counts.entry(problem.code.clone()).or_default() += 1;
        // Rows that were only mended leave room for those that were lost.
        let mended = problem.code == NOT_UTF8;
        if self.examples.len() < if mended { MAX_EXAMPLES / 2 } else { MAX_EXAMPLES } {
            self.examples.push(problem);
        }
    }

    /// Counts the problems of further input; the first examples stay.
    pub fn merge(&mut self, more: Problems) {
        self.rejected += more.rejected;
        for (code, count) in more.counts {
            *self.counts.entry(code).or_default() += count;
        }
        let room = MAX_EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(more.examples.into_iter().take(room));
    }

    /// Counts the problems of a batch: (row, whether it was left out, problem).
    pub fn add(&mut self, problems: &[(usize, bool, RowProblem)]) {
        for (_, left_out, problem) in problems {
            self.count(*left_out, problem.clone());
        }
    }

    /// Counts a problem of a row that was left out or kept.
    pub fn count(&mut self, left_out: bool, problem: RowProblem) {
        match left_out {
            true => self.reject(problem),
            false => self.note(problem),
        }
    }

    /// What to say of rows that could not be read: how many, where the first is, and what is wrong.
    pub fn warning(&self) -> Option<String> {
        let first = self.examples.iter().find(|problem| problem.code != NOT_UTF8)?;
        (self.rejected > 0).then(|| {
            let (were, place) = match self.rejected {
                1 => ("was", "it is"),
                _ => ("were", "the first is"),
            };
            format!(
                "{} of the data could not be read and {were} left out; {place} on line {}: {}",
                counted(self.rejected, "row"),
                first.line,
                first.detail
            )
        })
    }

    /// True when nothing was wrong.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Refuses a source in which too many of the `seen` rows are bad: over [`MAX_REJECTED`], or, at its end, all.
    pub fn check(&self, seen: u64, ended: bool) -> Result<(), IngestError> {
        let is_all = ended && self.rejected == seen;
        match self.rejected > 0 && (self.rejected > MAX_REJECTED || is_all) {
            true => Err(self.refusal(seen)),
            false => Ok(()),
        }
    }

    /// The same where columns and delimiter were guessed: if more than half of the rows do not fit, once a thousand were
    /// seen or the source has ended, the guess was wrong.
    pub fn check_guess(&self, seen: u64, ended: bool) -> Result<(), IngestError> {
        match self.rejected * 2 > seen && (ended || seen >= 1000) {
            true => Err(self.refusal(seen)),
            false => self.check(seen, ended),
        }
    }

    fn refusal(&self, seen: u64) -> IngestError {
        let (line, detail) = match self
            .examples
            .iter()
            .find(|problem| problem.code == "ragged_row")
            .or(self.examples.first())
        {
            Some(first) => (first.line, first.detail.clone()),
            None => (0, String::new()),
        };
        IngestError::TooManyBadRows {
            rejected: self.rejected,
            seen,
            line,
            detail,
        }
    }
}
