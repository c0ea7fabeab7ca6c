//! The use cases: what a caller may ask for, whichever protocol the question came in by.
//!
//! Nothing here knows HTTP. A façade translates a request into one call, and an [`error::Error`]
//! into its own kind of answer.

pub mod codes;
pub mod error;

pub use error::{Error, FieldProblem};
