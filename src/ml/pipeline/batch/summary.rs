//! What a batch did, in numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ml::evaluate::{Interval, Report};
use crate::ml::ingest::{IngestError, Problems};

/// What a batch did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchSummary {
    /// Records seen.
    pub records: u64,
    /// Records that could not be read; their output line is blank, or says why.
    pub invalid: u64,
    /// The score from which on the positive label was answered, where there are two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// The positive label, whose probability is the score, where there are two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positive: Option<String>,
    /// Problems with examples.
    pub problems: Problems,
    /// How often each kind of odd field was met: missing, invalid, out of range, unknown.
    pub notes: BTreeMap<String, u64>,
    /// Columns of the input that the model does not know.
    pub extra_columns: Vec<String>,
    /// Attributes of the model that the input does not have.
    pub absent_columns: Vec<String>,
    /// How good the answers are, where the input holds the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<BatchMetrics>,
}

impl BatchSummary {
    /// Fails where there are records and none of them could be read. A file that is one of several is not asked alone.
    pub fn check(&self) -> Result<(), IngestError> {
        match self.records == self.invalid && self.records > 0 {
            true => self.problems.check(self.records, true),
            false => Ok(()),
        }
    }

    /// Adds what was done with further input. Metrics stay only where nothing is added: they are not sums.
    pub fn add(&mut self, more: BatchSummary) {
        if self.records == 0 && self.metrics.is_none() {
            *self = more;
            return;
        }
        self.records += more.records;
        self.invalid += more.invalid;
        self.problems.merge(more.problems);
        for (kind, count) in more.notes {
            *self.notes.entry(kind).or_default() += count;
        }
        for (mine, theirs) in [
            (&mut self.extra_columns, more.extra_columns),
            (&mut self.absent_columns, more.absent_columns),
        ] {
            for column in theirs {
                if !mine.contains(&column) {
                    mine.push(column);
                }
            }
        }
        self.metrics = None;
    }
}

/// How good the answers of a batch are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchMetrics {
    /// Records with a usable target.
    pub records: u64,
    /// Records without: their target is missing or unreadable.
    pub unknown_target: u64,
    /// The metrics that evaluations have, by their names.
    #[serde(flatten)]
    pub values: BTreeMap<String, Interval>,
}

impl BatchMetrics {
    /// The metrics of a report; none when no record could be judged.
    pub fn of(report: &Report, unknown_target: u64) -> Option<Self> {
        let values = report.metrics().into_iter();
        (report.records() > 0).then(|| Self {
            records: report.records(),
            unknown_target,
            values: values
                .map(|(name, interval)| (name.to_string(), *interval))
                .collect(),
        })
    }
}
