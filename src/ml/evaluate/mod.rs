//! How good a model is on rows it has not seen.
//!
//! An evaluator takes one record at a time and keeps a bounded amount of memory; its `finish` makes
//! a report. There is one pair for each [`Task`]: [`BinaryEvaluator`], [`MulticlassEvaluator`] and
//! [`RegressionEvaluator`]. Evaluators see scores and truths only: which rows are held out, how
//! they are read and scored, and where the report goes is not decided here.
//!
//! Every metric is an [`Interval`]: a value with its 95 % limits and the way they were found. A
//! metric that is not defined on the records has no value, and the report's notes say why; a number
//! that is not finite never gets into a report.
//!
//! The same records in the same order and the same seed give the same bits; a binary report does not
//! depend on the order up to 200,000 records.
//!
//! | metric | interval |
//! |---|---|
//! | `auc` | DeLong on the logit scale ([`auc`]) |
//! | `accuracy`, `precision`, `recall` | Wilson |
//! | `f1` | Wilson on the share it is made of ([`confusion`]) |
//! | `log_loss`, `brier`, `macro_f1`, `rmse`, `mae`, `r2` | bootstrap ([`bootstrap`]); above 200,000 records the delta method |

pub mod auc;
pub mod binary;
pub mod bootstrap;
pub mod confusion;
pub mod histogram;
pub mod interval;
pub mod matrix;
pub mod moments;
pub mod multiclass;
mod notes;
pub mod regression;
pub mod roc;
pub mod scores;
#[cfg(test)]
mod tests;
pub mod threshold;

use crate::ml::Task;
pub use binary::{BinaryEvaluator, BinaryReport};
pub use confusion::Confusion;
pub use interval::{Interval, Method};
pub use multiclass::{MulticlassEvaluator, MulticlassReport, Truth};
pub use regression::{RegressionEvaluator, RegressionReport};
use serde::{Deserialize, Serialize};

/// Probabilities nearer to 0 or 1 than this count as this near in log losses, which stay finite so.
pub const PROBABILITY_FLOOR: f64 = 1e-15;

/// An evaluation of any type of model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one report for an evaluation, never many in a row"
)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Report {
    /// Of a two-class model.
    Binary(BinaryReport),
    /// Of a model with several classes.
    Multiclass(MulticlassReport),
    /// Of a model that answers with a number.
    Regression(RegressionReport),
}

impl Report {
    /// The type of model that was evaluated.
    pub fn task(&self) -> Task {
        match self {
            Report::Binary(_) => Task::Binary,
            Report::Multiclass(_) => Task::Multiclass,
            Report::Regression(_) => Task::Regression,
        }
    }

    /// The metric to judge the model by, with its name: `auc`, `macro_f1` or `rmse`.
    pub fn headline(&self) -> (&'static str, &Interval) {
        match self {
            Report::Binary(report) => ("auc", &report.metrics.auc),
            Report::Multiclass(report) => ("macro_f1", &report.metrics.macro_f1),
            Report::Regression(report) => ("rmse", &report.metrics.rmse),
        }
    }

    /// What the headline metric would be without a model; `None` without records.
    pub fn baseline(&self) -> Option<f64> {
        match self {
            Report::Binary(report) => Some(report.baseline.auc),
            Report::Multiclass(report) => report.baseline.macro_f1,
            Report::Regression(report) => report.baseline.rmse,
        }
    }

    /// All metrics with their names, in the order of the report.
    pub fn metrics(&self) -> Vec<(&'static str, &Interval)> {
        match self {
            Report::Binary(BinaryReport { metrics: m, .. }) => vec![
                ("auc", &m.auc),
                ("log_loss", &m.log_loss),
                ("accuracy", &m.accuracy),
                ("f1", &m.f1),
                ("brier", &m.brier),
                ("precision", &m.precision),
                ("recall", &m.recall),
            ],
            Report::Multiclass(MulticlassReport { metrics: m, .. }) => {
                vec![
                    ("macro_f1", &m.macro_f1),
                    ("accuracy", &m.accuracy),
                    ("log_loss", &m.log_loss),
                ]
            }
            Report::Regression(RegressionReport { metrics: m, .. }) => {
                vec![("rmse", &m.rmse), ("mae", &m.mae), ("r2", &m.r2)]
            }
        }
    }

    /// The metric of a name, if this type of report has it.
    pub fn metric(&self, name: &str) -> Option<&Interval> {
        self.metrics()
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, interval)| interval)
    }

    /// How many records were evaluated.
    pub fn records(&self) -> u64 {
        match self {
            Report::Binary(report) => report.records,
            Report::Multiclass(report) => report.records,
            Report::Regression(report) => report.records,
        }
    }

    /// Sentences on what is not defined or less certain, and why.
    pub fn notes(&self) -> &[String] {
        match self {
            Report::Binary(report) => &report.notes,
            Report::Multiclass(report) => &report.notes,
            Report::Regression(report) => &report.notes,
        }
    }
}

/// The log loss of having given the truth this probability.
fn log_loss_of(likelihood: f64) -> f64 {
    -libm::log(likelihood.clamp(PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR))
}
