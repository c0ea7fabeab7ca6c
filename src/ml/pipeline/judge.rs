//! Compares scores with truths, whatever the question.

use crate::ml::evaluate::{BinaryEvaluator, MulticlassEvaluator, RegressionEvaluator, Report};
use crate::ml::target::Target;

/// Seed of the resampling behind the intervals.
const SEED: u64 = 1;

/// An evaluation in the making.
pub(super) enum Judge {
    Binary(BinaryEvaluator),
    Multiclass(MulticlassEvaluator),
    Regression(RegressionEvaluator),
}

impl Judge {
    /// Without records. `target_mean` is what a number is compared with that is answered without looking at a row.
    pub(super) fn new(target: &Target, target_mean: f64) -> Self {
        match target {
            Target::Binary { .. } => Judge::Binary(BinaryEvaluator::new()),
            // Classes are ordered by training frequency, so the first is the baseline's answer.
            Target::Multiclass { classes } => Judge::Multiclass(MulticlassEvaluator::new(classes, 0)),
            Target::Regression => Judge::Regression(RegressionEvaluator::new(target_mean)),
        }
    }

    /// The report.
    pub(super) fn finish(self, threshold: f64) -> Report {
        match self {
            Judge::Binary(judge) => Report::Binary(judge.finish(threshold, SEED)),
            Judge::Multiclass(judge) => Report::Multiclass(judge.finish(SEED)),
            Judge::Regression(judge) => Report::Regression(judge.finish(SEED)),
        }
    }
}
