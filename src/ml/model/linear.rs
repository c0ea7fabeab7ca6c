//! A linear model: weights and intercepts, and the step from features to scores.

use crate::ml::Task;
use crate::ml::features::FeatureVector;
use crate::ml::learn::objective::{class_margins, sigmoid, single_margin, softmax};

/// Weights of one feature lie together, one for each output; the intercepts follow after the last
/// feature.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearModel {
    /// The question the model answers, which decides the link from margins to scores.
    pub task: Task,
    /// Scores a record has before the link: one, or one for each of more than two classes.
    pub outputs: usize,
    /// Weights and intercepts.
    pub beta: Vec<f64>,
}

impl LinearModel {
    /// Number of features the model expects.
    pub fn features(&self) -> usize {
        self.beta.len() / self.outputs.max(1) - 1
    }

    /// Number of scores a record gets: one, or one for each class of a multiclass model.
    pub fn scores(&self) -> usize {
        self.outputs
    }

    /// Puts the margins (log-odds, class scores, or the predicted number) of `features` into `margins`.
    pub fn margins(&self, features: &FeatureVector, margins: &mut Vec<f64>) {
        margins.clear();
        margins.resize(self.outputs, 0.0);
        if self.outputs == 1 {
            margins[0] = single_margin(&features.dense, &features.active, &self.beta);
        } else {
            class_margins(
                &features.dense,
                &features.active,
                self.outputs,
                &self.beta,
                margins,
            );
        }
    }

    /// Puts the scores of `features` into `scores`: the probability of the positive label, one
    /// probability for each class, or the predicted number.
    pub fn score(&self, features: &FeatureVector, scores: &mut Vec<f64>) {
        self.margins(features, scores);
        match self.task {
            Task::Regression => {}
            Task::Binary => scores.iter_mut().for_each(|score| *score = sigmoid(*score)),
            Task::Multiclass if self.outputs == 1 => {
                // Two classes under a multiclass target: the margin belongs to the second.
                let p = sigmoid(scores[0]);
                scores.clear();
                scores.extend([1.0 - p, p]);
            }
            Task::Multiclass => {
                softmax(scores);
            }
        }
    }

    /// The weights of feature `feature`, one for each output.
    pub fn weights(&self, feature: usize) -> &[f64] {
        self.beta
            .get(feature * self.outputs..(feature + 1) * self.outputs)
            .unwrap_or(&[])
    }

    /// The intercepts, one for each output.
    pub fn intercepts(&self) -> &[f64] {
        &self.beta[self.beta.len() - self.outputs..]
    }
}

/// Position of the largest score; of equal ones the first.
pub fn largest(scores: &[f64]) -> usize {
    let mut best = 0;
    for (index, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = index;
        }
    }
    best
}
