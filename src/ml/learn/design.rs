//! The featurised training rows: shards of rows, each a dense block and lists of active features.

use std::sync::Arc;

use linfa::dataset::Records;

use super::sketch::Sketch;
use crate::ml::features::FeatureVector;

/// Rows in a shard of ordinary width.
const SHARD_ROWS: usize = 4096;
/// Dense features up to which a width is ordinary: shards of wider rows have fewer of them.
const ORDINARY_WIDTH: usize = 64;
/// Rows in a shard at least.
const LEAST_SHARD_ROWS: usize = 64;

/// Some consecutive rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shard {
    /// Number of rows.
    pub rows: usize,
    /// Dense features, row by row.
    pub dense: Vec<f32>,
    /// Where the active ids of each row end in `active`.
    pub ends: Vec<u32>,
    /// Ids of active features, row by row.
    pub active: Vec<u32>,
}

impl Shard {
    /// Appends the features of one row.
    pub fn push(&mut self, features: &FeatureVector) {
        self.rows += 1;
        self.dense.extend_from_slice(&features.dense);
        self.active.extend_from_slice(&features.active);
        self.ends.push(self.active.len() as u32);
    }

    /// Calls `each` with every row: its number in the shard, dense features and active ids.
    pub fn for_each_row(&self, dense: usize, mut each: impl FnMut(usize, &[f32], &[u32])) {
        let mut start = 0;
        for row in 0..self.rows {
            let end = self.ends[row] as usize;
            each(
                row,
                &self.dense[row * dense..(row + 1) * dense],
                &self.active[start..end],
            );
            start = end;
        }
    }

    fn bytes(&self) -> usize {
        4 * (self.dense.capacity() + self.ends.capacity() + self.active.capacity())
    }
}

/// All training rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Design {
    /// The shards, in row order.
    pub shards: Vec<Shard>,
    /// Rows in all.
    pub rows: usize,
    /// Dense features.
    pub dense: usize,
    /// Active-or-not features.
    pub sparse: usize,
    /// Which features are held back alike.
    pub groups: Groups,
    /// How the dense features go together.
    pub sketch: Option<Arc<Sketch>>,
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
        let rows = SHARD_ROWS * ORDINARY_WIDTH / self.dense.max(ORDINARY_WIDTH);
        rows.max(LEAST_SHARD_ROWS)
    }

    /// Bytes of memory the rows take.
    pub fn bytes(&self) -> usize {
        self.shards.iter().map(Shard::bytes).sum()
    }
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
        }
    }

    /// The same with groups of features that are held back alike.
    pub fn with_groups(mut self, groups: Groups) -> Self {
        self.design.groups = groups;
        self
    }

    /// Appends a row.
    pub fn push(&mut self, features: &FeatureVector) {
        let design = &mut self.design;
        if design.rows.is_multiple_of(design.shard_rows()) {
            design.shards.push(Shard::default());
        }
        design.rows += 1;
        if let Some(shard) = design.shards.last_mut() {
            shard.push(features);
        }
    }

    /// Bytes collected so far.
    pub fn bytes(&self) -> usize {
        self.design.bytes()
    }

    /// The finished design.
    pub fn build(mut self) -> Design {
        self.design.sketch = Sketch::of(&self.design.shards, self.design.dense).map(Arc::new);
        self.design
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
