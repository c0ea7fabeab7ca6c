//! The second pass over rows that the first one kept: nothing is read or cut again.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::encode::{Encoded, Gathered};
use super::error::PipelineError;
use super::tally::OfRows;
use crate::ml::features::{FeatureVector, Featurizer, KeptRows};
use crate::ml::ingest::IngestError;
use crate::ml::learn::design::shard_rows;
use crate::ml::observe::{Observer, Stage};

/// Blocks of rows for each thread that are encoded before they are put together.
const BLOCKS: usize = 4;

/// Rows as the first pass read them.
pub struct Kept {
    pub(super) rows: KeptRows,
    /// What is true of them.
    pub(super) of_rows: OfRows,
}

impl Kept {
    /// Bytes that it takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.rows.bytes() + self.of_rows.bytes()
    }
}

/// Encodes all kept rows, in order: some blocks side by side while those before them are put together.
pub(super) fn replay(
    kept: &Kept,
    featurizer: &Featurizer,
    gathered: &mut Gathered,
    observer: &mut dyn Observer,
) -> Result<(), PipelineError> {
    let (rows, replay) = (kept.rows.rows, kept.rows.replay(featurizer));
    let encode = |block: &std::ops::Range<usize>| {
        let (mut encoded, mut features) = (Encoded::default(), FeatureVector::default());
        for row in block.clone() {
            if encoded.add_truth(kept.of_rows.get(row)) {
                replay.row(row, &mut features);
                encoded.rows.push(&features.dense, &features.active);
            }
        }
        encoded
    };
    let size = shard_rows(featurizer.dense());
    let starts = (0..rows).step_by(size);
    let blocks: Vec<_> = starts.map(|start| start..(start + size).min(rows)).collect();
    let mut ready: Vec<Encoded> = Vec::new();
    let mut put_together = |ready: &[Encoded]| ready.iter().try_for_each(|some| gathered.take(some));
    for some in blocks.chunks(BLOCKS * rayon::current_num_threads()) {
        let (next, taken) = rayon::join(|| some.par_iter().map(encode).collect(), || put_together(&ready));
        taken?;
        ready = next;
        let done = some.last().map_or(0, |block| block.end) as u64;
        if let ControlFlow::Break(()) = observer.report(Stage::Encode, done, rows as u64) {
            return Err(IngestError::Stopped.into());
        }
    }
    put_together(&ready)
}
