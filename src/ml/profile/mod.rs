//! What is in each column: evidence for every type, collected in one pass over every row.
//!
//! [`Profiler`] reads all rows and keeps, for each column, the evidence for every type it might have.
//! [`super::infer`] decides the types from it; [`describe`] then writes down what belongs to the
//! decided type. Everything is mergeable, so parts of a table can be profiled apart.

pub mod association;
pub mod column;
pub mod curve;
pub mod dates;
pub mod describe;
pub mod distinct;
pub mod duplicates;
pub mod examples;
pub mod field;
pub mod formatted;
pub mod histogram;
pub mod numbers;
pub mod profiler;
pub mod prominence;
pub mod sample;
mod seasons;
pub mod statistics;
pub mod table;
pub mod text;
pub mod values;

pub use column::ColumnProfile;
pub use examples::Example;
pub use profiler::{Profile, Profiler};
pub use statistics::{ColumnStatistics, TableStatistics};
