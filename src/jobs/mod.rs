//! Slow work, done outside of requests.
//!
//! [`runner`] claims jobs from the catalogue and hands them to [`handler`], which is blocking code and
//! knows one function for each kind of job; [`context`] is what that code sees of the outside:
//! progress out, a wish to stop in.

mod amazon;
pub mod batch_predict;
mod chain;
pub mod context;
pub mod delete_files;
pub mod evaluate_model;
mod files;
pub mod handler;
pub mod inputs;
mod parts;
pub mod profile_data;
pub mod query;
pub mod runner;
pub mod table;
pub mod train_model;

pub use handler::Handler;
