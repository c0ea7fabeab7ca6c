//! What the use cases answer, where it is more than an entity.

use std::ops::Range;

use bytes::Bytes;
use futures_util::stream::BoxStream;

use super::error::Error;
use crate::domain::entity::Entity;

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

/// What is known of a file in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its length in bytes.
    pub size_bytes: u64,
    /// What another content of the same name has another of; none where the store gives nothing.
    pub stamp: Option<String>,
    /// When it was written last, in microseconds UTC, if that is known.
    pub changed_micros: Option<i64>,
}

/// One page of a bucket's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectPage {
    /// Files by their keys within the bucket, in order.
    pub files: Vec<(String, Stored)>,
    /// Common beginnings of keys, in order.
    pub beginnings: Vec<String>,
    /// The last entry of this page, after which the next begins; none on the last page.
    pub next: Option<String>,
}

/// Whether one thing that the service needs answers.
pub type Readiness = (&'static str, bool);
