//! Models: weights and how they become a score, and the file they are kept in.

pub mod bundle;
pub mod facts;
pub mod golden;
pub mod linear;
pub mod log;
pub mod upgrade;
pub mod weights;

pub use bundle::{Bundle, BundleError, Provenance};
pub use linear::LinearModel;
pub use log::training_log;
