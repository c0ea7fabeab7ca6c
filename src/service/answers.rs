//! What the use cases answer, where it is more than an entity.

use std::ops::Range;

use bytes::Bytes;
use futures_util::stream::BoxStream;

use super::error::Error;
use crate::domain::entity::Entity;
use crate::domain::ids::EntityId;
use crate::ml::Task;

/// The answer to a creation.
#[derive(Debug, Clone, PartialEq)]
pub struct Created {
    /// The entity as it now is.
    pub entity: Entity,
    /// False when an identical request had created it before.
    pub fresh: bool,
}

/// Everything that one training request made.
#[derive(Debug, Clone, PartialEq)]
pub struct StartedTraining {
    /// The rows to learn from.
    pub training_source: Entity,
    /// The rows held out, if any.
    pub evaluation_source: Option<Entity>,
    /// The model.
    pub model: Entity,
    /// How good it is on the rows held out, if any.
    pub evaluation: Option<Entity>,
    /// False when an identical request had made all this before.
    pub fresh: bool,
}

/// A file, or a part of it, on its way.
pub struct Reading {
    /// Length of the whole file in bytes.
    pub size_bytes: u64,
    /// Which bytes of it come.
    pub range: Range<u64>,
    /// The bytes.
    pub stream: BoxStream<'static, Result<Bytes, Error>>,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading")
            .field("size_bytes", &self.size_bytes)
            .field("range", &self.range)
            .finish()
    }
}

/// The scores of some records, and what is needed to read them.
#[derive(Debug, Clone, PartialEq)]
pub struct Predictions {
    /// The model.
    pub model: EntityId,
    /// The hash of what the model learned.
    pub model_hash: String,
    /// The question it answers.
    pub task: Task,
    /// The labels in class order: negative and positive, or all classes; none for a number.
    pub labels: Vec<String>,
    /// Scores of at least this are answered with the positive label; binary models only.
    pub threshold: Option<f64>,
    /// One entry for each record, in order.
    pub rows: Vec<Scored>,
}

/// The prediction for one record.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The probability of the positive label, one probability for each class, or the number.
    pub scores: Vec<f64>,
    /// The answered class, as an index into the labels; none for a number.
    pub class: Option<usize>,
    /// Why, if that was asked for.
    pub explanation: Option<Explained>,
    /// What was odd about the record, a bounded number of entries.
    pub warnings: Vec<FieldWarning>,
    /// How many further warnings were left out.
    pub more_warnings: u64,
}

/// Why a record got its score. For labels the scale is log-odds of the positive label, or the score
/// of the answered class before it becomes a probability; for a number it is the number.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// What an average training row gets.
    pub baseline: f64,
    /// What each field adds, in the order of the schema.
    pub contributions: Vec<(String, f64)>,
    /// The baseline and all contributions together.
    pub margin: f64,
}

/// One odd field of a record; the prediction was made all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldWarning {
    /// The field.
    pub field: String,
    /// `unknown_field`, `missing`, `invalid`, `out_of_range`, `unknown_category` or `unknown_words`.
    pub code: &'static str,
    /// The value, shortened; none when the field is missing.
    pub value: Option<String>,
}

/// Whether one thing that the service needs answers.
pub type Readiness = (&'static str, bool);
