//! Slow work, done outside of requests.
//!
//! [`runner`] claims jobs from the catalogue and hands them to a [`runner::JobHandler`], which is
//! blocking code; [`context`] is what that code sees of the outside: progress out, a wish to stop in.

pub mod context;
pub mod delete_files;
pub mod runner;
