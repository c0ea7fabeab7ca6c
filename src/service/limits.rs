//! Sizes and quotas of the use cases, in one table.

/// What the use cases allow. The default is meant for one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one uploaded dataset, as sent.
    pub upload_bytes: u64,
    /// Records in one real-time request.
    pub records: usize,
    /// Bytes of one record in a real-time request.
    pub record_bytes: usize,
    /// Bytes of a real-time request that is not large.
    pub small_bytes: u64,
    /// Large real-time requests that are worked on at the same time; further ones are refused.
    pub concurrent_predictions: usize,
    /// Requests that shadows answer at the same time; further ones are left out.
    pub concurrent_shadows: usize,
    /// Requests that may hold more cells (records times attributes of the model) than this are scored on a
    /// thread of their own.
    pub inline_cells: usize,
    /// Records times attributes that one request may have explained: what an answer may hold.
    pub explained_cells: usize,
    /// Warnings kept for one record.
    pub warnings: usize,
    /// Bytes of the model files that are kept loaded.
    pub loaded_bytes: u64,
    /// Models that are kept loaded.
    pub loaded_models: usize,
    /// Models that are loaded at the same time; others wait for their turn.
    pub concurrent_loads: usize,
    /// Longest time to wait for an entity, in seconds.
    pub wait_seconds: u64,
    /// Columns that a batch prediction may copy.
    pub copied_columns: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            upload_bytes: 1 << 40,
            records: 10_000,
            record_bytes: 1 << 20,
            small_bytes: 64 << 10,
            concurrent_predictions: 64,
            concurrent_shadows: 4,
            inline_cells: 40_000,
            explained_cells: 250_000,
            warnings: 20,
            loaded_bytes: 256 << 20,
            loaded_models: 64,
            concurrent_loads: 4,
            wait_seconds: 60,
            copied_columns: 1000,
        }
    }
}
