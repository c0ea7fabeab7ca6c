//! The machine-learning core: bytes in, values out.
//!
//! Nothing here touches a file, a socket, a clock, the environment or global randomness; seeds are
//! arguments. Read the modules in the order of the data flow: [`ingest`] turns bytes into
//! [`record::Record`]s ([`parquet`] by way of text), [`profile`] and [`infer`] look at them, [`insights`] warns, [`schema`] names their types,
//! [`recipe`] and [`features`] turn them into numbers, [`learn`] finds weights, [`model`] holds
//! them, [`predict`] is the only way to a score, [`evaluate`] judges scores. [`pipeline`] puts them
//! together into the four flows.

pub mod date;
pub mod ingest;
pub mod parquet;
pub mod record;
pub mod value;

pub mod decision;
pub mod infer;
pub mod insights;
pub mod profile;
pub mod schema;
pub mod target;

pub mod columns;
pub mod draft;
pub mod lookup;
pub mod split;

pub mod features;
pub mod recipe;

pub mod learn;
pub mod model;

pub mod evaluate;
pub mod predict;

pub mod pipeline;

pub mod distributions;
pub mod hash;
pub mod identity;
pub mod moments;
pub mod names;
pub mod observe;
pub mod pool;
pub mod quantile;
pub mod task;
pub mod text_hash;
pub mod wording;

pub use task::Task;
