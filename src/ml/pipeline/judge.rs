//! Compares scores with truths, whatever the question.

use crate::ml::evaluate::multiclass::Truth as Judged;
use crate::ml::evaluate::{BinaryEvaluator, MulticlassEvaluator, RegressionEvaluator, Report};
use crate::ml::target::{Target, Truth};

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

    /// Counts a record; one whose truth is unknown counts for nothing.
    pub(super) fn add(&mut self, scores: &[f64], truth: Truth<'_>) {
        match (self, truth) {
            (Judge::Binary(judge), Truth::Class(class)) => judge.add(scores[0], class == 1),
            (Judge::Multiclass(judge), Truth::Class(class)) => judge.add(scores, Judged::Known(class)),
            (Judge::Multiclass(judge), Truth::UnseenClass(label)) => judge.add(scores, Judged::Unseen(label)),
            (Judge::Regression(judge), Truth::Value(value)) => judge.add(scores[0], value),
            _ => {}
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
