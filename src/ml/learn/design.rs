//! The featurised training rows: shards of rows, each a dense block and lists of active features.

use std::sync::Arc;

use linfa::dataset::Records;

use super::partials::Partials;
use super::shards::{Overflow, Shard, Shards, ShardsBuilder, SpillError};
use super::sketch::Sketch;
use crate::ml::features::FeatureVector;

/// Rows in a shard of ordinary width.
const SHARD_ROWS: usize = 4096;
/// Dense features up to which a width is ordinary: shards of wider rows have fewer of them.
const ORDINARY_WIDTH: usize = 64;
/// Rows in a shard at least.
const LEAST_SHARD_ROWS: usize = 64;

/// All training rows.
#[derive(Debug, Clone, Default)]
pub struct Design {
    /// The shards, in row order.
    pub shards: Shards,
    /// Rows in all.
    pub rows: usize,
    /// Dense features.
    pub dense: usize,
    /// Active-or-not features.
    pub sparse: usize,
    /// Which features are held back alike.
    pub groups: Groups,
    /// Numbers and active features of all rows.
    pub entries: usize,
    /// How the dense features go together.
    pub sketch: Option<Arc<Sketch>>,
    /// What passes over the rows add up in.
    pub(super) partials: Partials,
    /// Bytes of memory that were asked for while the rows were collected.
    bytes: usize,
}

/// Features of one group have a common strength of their penalty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Groups {
    /// What each group is, for people. Without any, all features are one group.
    pub names: Vec<String>,
    /// The group of each feature.
    pub of_feature: Vec<u32>,
}

impl Design {
    /// Features in all.
    pub fn features(&self) -> usize {
        self.dense + self.sparse
    }

    /// Rows in each shard but the last. The cut depends on the table alone, so sums run in the same order on any
    /// number of threads.
    pub fn shard_rows(&self) -> usize {
        shard_rows(self.dense)
    }

    /// Fails when rows could not be kept or read back, so that what passes gave is worth nothing.
    pub fn check(&self) -> Result<(), SpillError> {
        self.shards
            .failure()
            .map_or(Ok(()), |failure| Err(failure.clone()))
    }

    /// The size of the rows in bytes, by which choices are made: the same wherever they lie.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Rows in a shard of rows with so many dense features.
pub fn shard_rows(dense: usize) -> usize {
    let rows = SHARD_ROWS * ORDINARY_WIDTH / dense.max(ORDINARY_WIDTH);
    rows.max(LEAST_SHARD_ROWS)
}

impl Records for Design {
    type Elem = f64;

    fn nsamples(&self) -> usize {
        self.rows
    }

    fn nfeatures(&self) -> usize {
        self.features()
    }
}

/// Collects rows into shards.
#[derive(Debug)]
pub struct DesignBuilder {
    design: Design,
    shard: Shard,
    shards: ShardsBuilder,
}

impl DesignBuilder {
    /// For rows with so many dense and active-or-not features.
    pub fn new(dense: usize, sparse: usize) -> Self {
        Self {
            design: Design {
                dense,
                sparse,
                ..Design::default()
            },
            shard: Shard::default(),
            shards: ShardsBuilder::default(),
        }
    }

    /// The same with groups of features that are held back alike.
    pub fn with_groups(mut self, groups: Groups) -> Self {
        self.design.groups = groups;
        self
    }

    /// The same for rows that may leave memory.
    pub fn with_overflow(mut self, overflow: Option<Overflow>) -> Self {
        self.shards = ShardsBuilder::new(overflow);
        self
    }

    /// The same where it is known how the dense features go together.
    pub(super) fn with_sketch(mut self, sketch: Option<Arc<Sketch>>) -> Self {
        self.design.sketch = sketch;
        self
    }

    /// Appends a row.
    pub fn push(&mut self, features: &FeatureVector) {
        self.push_row(&features.dense, &features.active);
    }

    /// Appends the rows of a shard.
    pub fn append(&mut self, rows: &Shard) {
        rows.for_each_row(self.design.dense, |_, dense, active| self.push_row(dense, active));
    }

    /// Appends a row: its dense features and the ids of its active ones.
    pub(super) fn push_row(&mut self, dense: &[f32], active: &[u32]) {
        self.design.rows += 1;
        self.design.entries += dense.len() + active.len();
        self.shard.push(dense, active);
        if self.shard.rows == self.design.shard_rows() {
            self.seal();
        }
    }

    fn seal(&mut self) {
        let shard = std::mem::take(&mut self.shard);
        self.design.bytes += shard.bytes();
        self.shards.add(shard);
    }

    /// What went wrong with the disk so far.
    pub fn failure(&self) -> Option<&SpillError> {
        self.shards.failure()
    }

    /// The finished design.
    pub fn build(mut self) -> Design {
        if self.shard.rows > 0 {
            self.seal();
        }
        let mut design = self.design;
        design.shards = self.shards.build();
        if design.sketch.is_none() {
            design.sketch = Sketch::of(&design.shards, design.rows, design.dense).map(Arc::new);
        }
        design
    }
}

/// The truth of every row.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// Class indices below `classes`; for two classes the second is the positive one.
    Classes {
        /// Number of classes.
        classes: usize,
        /// The class of each row.
        of_row: Vec<u32>,
    },
    /// Numbers.
    Values(Vec<f64>),
}

impl Targets {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Targets::Classes { of_row, .. } => of_row.len(),
            Targets::Values(values) => values.len(),
        }
    }

    /// True when there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
