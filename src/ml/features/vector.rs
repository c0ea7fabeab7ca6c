//! The features of one record.

/// Dense numbers and the ids of active features. Ids of the second block start at 0 as well; in the
/// weight table they follow the dense ones.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeatureVector {
    /// One scaled number for each dense feature.
    pub dense: Vec<f32>,
    /// Ids of the active features, ascending, each once.
    pub active: Vec<u32>,
}

impl FeatureVector {
    /// Removes all features and keeps the buffers.
    pub(crate) fn clear(&mut self) {
        self.dense.clear();
        self.active.clear();
    }

    /// Puts the active ids in order, each once, so that sums over them always run the same way.
    pub(crate) fn settle(&mut self) {
        self.active.sort_unstable();
        self.active.dedup();
    }
}
