//! Parts of answers that every protocol writes alike: probabilities by label, what was odd about a record, why it got its
//! score, and lists that are written element by element.

use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::ml::predict::Explanation as Reasons;
use crate::service::Error;
use crate::service::answering::Answering;
use crate::service::scoring::{self, Scored};

/// Why a record got its score: the baseline and all contributions add up to the score. The scale is
/// log-odds of the positive label, the class's score before it becomes a probability, or the number.
#[derive(Serialize, ToSchema)]
pub struct Explanation<'s> {
    /// What an average training row gets.
    baseline: f64,
    /// What each field adds.
    #[schema(value_type = Object)]
    contributions: Contributions<'s>,
    /// The sum.
    score: f64,
}

impl<'s> Explanation<'s> {
    /// Why a record got its score, if that was asked for.
    pub fn of(scored: Scored<'s>) -> Option<Self> {
        scored.explanation().map(|reasons| Explanation {
            baseline: reasons.baseline,
            contributions: Contributions(reasons, scored.model()),
            score: reasons.margin,
        })
    }
}

/// Probabilities by label, written without being collected.
pub struct Shares<'s>(Scored<'s>);

impl<'s> Shares<'s> {
    /// The probabilities of a scored record; none for a number.
    pub fn of(scored: Scored<'s>) -> Option<Self> {
        scored.class.is_some().then_some(Shares(scored))
    }
}

impl Serialize for Shares<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.probabilities())
    }
}

/// What each field adds, by name, written without being collected.
pub struct Contributions<'s>(&'s Reasons, &'s Answering);

impl Serialize for Contributions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lookup = self.1.predictor().lookup();
        let named = self.0.contributions.iter();
        serializer.collect_map(named.map(|(attribute, amount)| (lookup.name(*attribute), amount)))
    }
}

/// One odd field.
#[derive(Serialize, ToSchema)]
pub struct Warning<'s> {
    /// The field.
    pub field: &'s str,
    /// unknown_field, missing, invalid, out_of_range, unknown_category, unknown_words, text_for_number (sent as a
    /// text, counts as the number) or number_for_text (sent as a number, counts as the text).
    pub code: &'s str,
    /// The value, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<&'s str>,
}

/// What was odd about a record, written without being collected.
pub struct Warnings<'s>(Scored<'s>);

impl<'s> Warnings<'s> {
    /// The warnings of a scored record.
    pub fn of(scored: Scored<'s>) -> Self {
        Warnings(scored)
    }
}

impl Serialize for Warnings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for scoring::Warning { field, code, value } in self.0.warnings() {
            list.serialize_element(&Warning { field, code, value })?;
        }
        list.end()
    }
}

/// Whether a count need not be told.
pub fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A JSON array that is written element by element.
pub struct Array(Vec<u8>);

impl Array {
    /// An empty array with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Array(Vec::with_capacity(bytes))
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was written so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes one more element.
    pub fn push(&mut self, element: &impl Serialize) {
        self.0.push(if self.0.is_empty() { b'[' } else { b',' });
        // Writing to memory cannot fail, nor can these types be refused.
        let _ = serde_json::to_writer(&mut self.0, element);
    }

    /// All elements.
    pub fn raw(mut self) -> Result<Box<RawValue>, Error> {
        self.0
            .extend(if self.0.is_empty() { b"[]".as_slice() } else { b"]" });
        let written = |error: &dyn fmt::Display| Error::internal("writing predictions", error.to_string());
        let text = String::from_utf8(self.0).map_err(|error| written(&error))?;
        RawValue::from_string(text).map_err(|error| written(&error))
    }
}
