//! Reads bundles of every format version there ever was: one step for each older version, in order.

use serde_json::Value;

/// The version this program writes.
pub const CURRENT: u32 = 1;

/// Turns a document of one version into the next. The list is in order of versions; the step at
/// position i upgrades version i + 1.
const STEPS: [fn(Value) -> Value; CURRENT as usize - 1] = [];

/// Brings a document of `version` up to [`CURRENT`]. `None` when the version is newer or unknown.
pub fn to_current(version: u32, document: Value) -> Option<Value> {
    if version == 0 || version > CURRENT {
        return None;
    }
    Some(
        STEPS
            .iter()
            .skip(version as usize - 1)
            .fold(document, |document, step| step(document)),
    )
}
