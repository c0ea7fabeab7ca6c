//! Answers of MLflow's scoring protocol: one prediction for each record, with all that is known of it or bare.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::http::predicting::written::{Array, Explanation, Shares, Warnings, is_zero};
use crate::service::Error;
use crate::service::scoring::Scored;

/// What is answered for each record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Label, score, probabilities, threshold, warnings and, where asked for, the explanation.
    Full,
    /// The label or the number alone.
    Plain,
}

#[derive(Serialize)]
struct Prediction<'s> {
    /// Absent for a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    predicted_label: Option<&'s str>,
    /// The probability of the positive label, that of the answered label, or the number.
    score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    probabilities: Option<Shares<'s>>,
    /// Scores of at least this are answered with the positive label; binary only.
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    /// What was odd about the record; the prediction was made all the same.
    warnings: Warnings<'s>,
    #[serde(skip_serializing_if = "is_zero")]
    more_warnings: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation<'s>>,
}

/// Writes the prediction for one record.
pub fn push(made: &mut Array, scored: Scored<'_>, detail: Detail) {
    match (detail, scored.label()) {
        (Detail::Plain, Some(label)) => made.push(&label),
        (Detail::Plain, None) => made.push(&scored.score()),
        (Detail::Full, predicted_label) => made.push(&Prediction {
            predicted_label,
            score: scored.score(),
            probabilities: Shares::of(scored),
            threshold: scored.model().threshold(),
            warnings: Warnings::of(scored),
            more_warnings: scored.more_warnings(),
            explanation: Explanation::of(scored),
        }),
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    predictions: &'a RawValue,
}

/// The whole answer.
pub fn whole(made: Array) -> Result<Vec<u8>, Error> {
    let made = made.raw()?;
    serde_json::to_vec(&Answer { predictions: &made })
        .map_err(|error| Error::internal("writing predictions", error))
}
