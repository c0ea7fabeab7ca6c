//! What people are told of a memory plan.

use super::memory::{MemoryPlan, RowsIn};
use crate::ml::learn::Disk;

impl MemoryPlan {
    /// The plan in a sentence, for people.
    pub(super) fn sentence(&self, disk: Option<&dyn Disk>) -> String {
        let rows = match self.rows_in {
            RowsIn::Memory => format!("the training rows ({} MiB) stay in memory", mib(self.rows_bytes)),
            RowsIn::Disk => format!(
                "the training rows ({} MiB) go to disk, in {}",
                mib(self.rows_bytes),
                disk.map_or_else(|| "a file".to_string(), Disk::place)
            ),
        };
        format!(
            "memory: at most {} MiB of the {} MiB allowed; {rows}",
            mib(self.planned_bytes),
            self.budget_bytes >> 20
        )
    }

    /// What makes up the sum, and the peak so far where that is more.
    pub(super) fn parts(&self, peak: u64) -> String {
        let mut parts = format!(
            "{} for the program, {} for weights and the solver, {} for targets, {} for buffers",
            mib(self.program_bytes),
            mib(self.weights_bytes),
            mib(self.targets_bytes),
            mib(self.buffers_bytes)
        );
        match self.rows_in {
            RowsIn::Memory => parts.push_str(&format!(", {} for the rows", mib(self.rows_bytes))),
            RowsIn::Disk => parts.push_str(", the rows on disk"),
        }
        if peak > self.planned_bytes {
            parts.push_str(&format!("; reading the table took {} already", mib(peak)));
        }
        parts
    }
}

/// Bytes in MiB, rounded up.
pub(super) fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}
