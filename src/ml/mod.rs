//! The machine-learning core: bytes in, values out.
//!
//! Nothing here touches a file, a socket, a clock, the environment or global randomness; seeds are
//! arguments. Read the modules in the order of the data flow: [`ingest`] turns bytes into
//! [`record::Record`]s, [`infer`] and [`profile`] look at them, [`schema`] names their types,
//! [`recipe`] and [`features`] turn them into numbers, [`learn`] finds weights, [`model`] holds
//! them, [`predict`] is the only way to a score, [`evaluate`] judges scores.

pub mod evaluate;
pub mod observe;
pub mod task;

pub use task::Task;
