//! What must hold for every input whatever: one function for each fuzz target, which panics when it does not.
//!
//! The targets in `fuzz_targets/` hand on what a fuzzer makes up, and `tests/core/fuzzing.rs` includes this file to
//! do the same with seeded changes of the files in `seeds/`, so that the two cannot drift apart.

pub mod csv;
pub mod readers;
pub mod recipe;
pub mod reference;
pub mod schema;
