//! Loaded models, a bounded number of them, each loaded once however many ask for it.

use super::limits::Limits;
use crate::blob::Blobs;

/// The loaded models.
#[derive(Debug)]
pub(super) struct Predictors {
    _blobs: Blobs,
}

impl Predictors {
    pub(super) fn new(blobs: Blobs, _limits: &Limits) -> Self {
        Self { _blobs: blobs }
    }
}
