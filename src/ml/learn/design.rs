//! The featurised training rows: shards of rows, each a dense block and lists of active features.

use std::borrow::Cow;
use std::sync::Arc;

use linfa::dataset::Records;

use super::joints::{Joiner, Joints, are_worth};
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
    /// The same with joints in the place of the features that they stand for.
    pub(super) joined: usize,
    /// Features that come together, as the rows have them; without any, rows are as they are.
    pub joints: Option<Arc<Joints>>,
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

    /// Weights with a place for each joint, as passes over joined rows need them.
    pub(super) fn widen<'b>(&self, beta: &'b [f64], outputs: usize) -> Cow<'b, [f64]> {
        match &self.joints {
            None => Cow::Borrowed(beta),
            Some(joints) => {
                let mut wide = vec![0.0; beta.len() + joints.len() * outputs];
                joints.widen(beta, outputs, &mut wide);
                Cow::Owned(wide)
            }
        }
    }

    /// About the size that the rows would have without joints, by which it is chosen how closely weights are found.
    pub(super) fn plain_bytes(&self) -> usize {
        let (plain, joined) = (self.entries + self.rows, self.joined + self.rows);
        (self.bytes as u128 * plain as u128 / joined.max(1) as u128) as usize
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
    joiner: Option<Joiner>,
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
            joiner: None,
        }
    }

    /// The same with groups of features that are held back alike.
    pub fn with_groups(mut self, groups: Groups) -> Self {
        self.design.groups = groups;
        self
    }

    /// The same for so many rows with as many scores as `outputs`: where rows are many, features that come together are
    /// joined. Groups come first, and the ids of each row must ascend.
    pub fn with_joints(mut self, outputs: usize, rows: u64) -> Self {
        let design = &self.design;
        self.joiner = (are_worth(rows, design.features())
            && design.groups.of_feature.len() == design.features())
        .then(|| Joiner::new(&design.groups, design.dense, outputs, rows));
        self
    }

    /// The same for rows that have such joints already.
    pub(super) fn with_known(mut self, joints: Option<Arc<Joints>>) -> Self {
        self.design.joints = joints;
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
        self.design.entries += dense.len() + active.len();
        match &mut self.joiner {
            None => self.shard.push(dense, active),
            Some(joiner) => self.shard.push(dense, joiner.join(active)),
        }
        self.count_row();
    }

    /// Appends a row of another design, as it lies there.
    pub(super) fn push_joined(&mut self, dense: &[f32], active: &[u32]) {
        let joints = self.design.joints.as_deref();
        let members = joints.map_or(active.len(), |joints| joints.count(active));
        self.design.entries += dense.len() + members;
        self.shard.push(dense, active);
        self.count_row();
    }

    fn count_row(&mut self) {
        self.design.rows += 1;
        if self.shard.rows == self.design.shard_rows() {
            self.seal();
        }
    }

    fn seal(&mut self) {
        let shard = std::mem::take(&mut self.shard);
        self.design.bytes += shard.bytes();
        self.design.joined += shard.entries();
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
        if let Some(joiner) = self.joiner {
            design.joints = Some(joiner.build())
                .filter(|found| !found.is_empty())
                .map(Arc::new);
        }
        design.shards = self.shards.build(design.joints.clone());
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
