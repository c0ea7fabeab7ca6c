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

    /// Puts the active ids from `start` on in order, each once, so that sums over them always run the same
    /// way. The ids before it are smaller.
    pub(crate) fn settle(&mut self, start: usize) {
        let Some(added) = self.active.get_mut(start..) else {
            return;
        };
        if added.len() < 2 {
            return;
        }
        added.sort_unstable();
        let mut kept = start + 1;
        for at in start + 1..self.active.len() {
            if self.active[at] != self.active[kept - 1] {
                self.active[kept] = self.active[at];
                kept += 1;
            }
        }
        self.active.truncate(kept);
    }
}
