//! The weights of a model in words: what each feature adds, per unit and per deviation, how exactly that is known, and
//! how much it matters.
//!
//! Numbers are learned from as `(x − mean) / deviation`; here they are in their own units again, and the intercept is
//! both that of a row with all numbers at their means and that of one with all numbers at 0.

mod view;

use serde::Serialize;

use super::Bundle;
use crate::ml::Task;

/// Which weights to show, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WeightsWish {
    /// Only features made from this attribute.
    pub attribute: Option<String>,
    /// Only the scores of this class.
    pub class: Option<String>,
    /// Errors that hold whether the model is true or not.
    pub robust: bool,
    /// Weights to skip, of those that matter most.
    pub offset: usize,
    /// Weights to show.
    pub limit: usize,
}

/// A wish that a model cannot fulfil.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// No attribute is called that.
    #[error("the model has no attribute `{name}`{hint}")]
    UnknownAttribute {
        /// The name that was given.
        name: String,
        /// What may be meant.
        hint: String,
    },
    /// No class is called that.
    #[error("the model has no class `{name}`{hint}")]
    UnknownClass {
        /// The name that was given.
        name: String,
        /// What may be meant.
        hint: String,
    },
}

/// Some of a model's weights, those that matter most first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weights {
    /// The question that the model answers.
    #[serde(rename = "type")]
    pub task: Task,
    /// What is predicted.
    pub target: String,
    /// What a weight adds to: `number`, `log_odds` of the class, or `score` of the class, whose exponential is
    /// proportional to its probability.
    pub scale: &'static str,
    /// Strength of the penalty; 0 for none.
    pub l2: f64,
    /// Which errors are shown: `classical`, `robust` or `none`.
    pub errors: &'static str,
    /// Rows that were learned from.
    pub rows: u64,
    /// Weights that the rows determine, intercepts included; none where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_weights: Option<f64>,
    /// Standard deviation of the residuals; numbers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub residual_deviation: Option<f64>,
    /// What a row has that no weight adds to.
    pub reference: &'static str,
    /// The intercepts, one for each class shown.
    pub intercepts: Vec<Intercept>,
    /// Weights that there are in all, after `attribute` and `class`.
    pub total: usize,
    /// The weights.
    pub weights: Vec<Weight>,
    /// What to bear in mind.
    pub notes: Vec<String>,
}

/// The scores of a row that no weight adds to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Intercept {
    /// Of which class; none for a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Where all numbers are at their means.
    pub at_means: Estimate,
    /// Where all numbers are 0.
    pub at_zero: Estimate,
}

/// One weight.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Weight {
    /// The class to whose score it adds; none for a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The attribute that the feature is made from; several are joined by ` × `.
    pub attribute: String,
    /// Which part of it: empty for a plain number, else for example `= red`, `in [3, 5)`, `is missing`.
    pub part: String,
    /// What the feature deviates by over the training rows, in its own unit; none where it is not known.
    pub deviation: Option<f64>,
    /// How much it matters: the size of `per_deviation`.
    pub effect: Option<f64>,
    /// What one unit more adds: of the number itself, or from not active to active.
    pub per_unit: Option<Estimate>,
    /// What one deviation more adds.
    pub per_deviation: Option<Estimate>,
    /// The chance of a weight so far from 0 if it was 0.
    pub p_value: Option<f64>,
}

/// A weight with its standard error, its 95 % interval and, for classes, by what it multiplies odds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The weight.
    pub weight: f64,
    /// Its standard error.
    pub error: Option<f64>,
    /// The lower limit of the interval.
    pub low: Option<f64>,
    /// The upper limit of the interval.
    pub high: Option<f64>,
    /// What it multiplies odds by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub odds_ratio: Option<f64>,
    /// The lower limit of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub odds_low: Option<f64>,
    /// The upper limit of that; none where it is beyond all numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub odds_high: Option<f64>,
}

impl Weight {
    /// The feature in one text.
    pub fn feature(&self) -> String {
        match self.part.as_str() {
            "" => self.attribute.clone(),
            part => format!("{} {part}", self.attribute),
        }
    }
}

impl Weights {
    /// Reads the weights of a model.
    pub fn of(bundle: &Bundle, wish: &WeightsWish) -> Result<Self, WeightsError> {
        view::View::new(bundle, wish)?.show()
    }
}
