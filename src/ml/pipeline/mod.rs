//! The four flows, put together from the parts: inspect, train, evaluate, predict a file.
//!
//! A [`Table`] can be opened as often as a flow needs to read it; where the bytes come from is not
//! known here.

mod apart;
pub mod batch;
mod choose;
pub mod coverage;
mod earlier;
pub mod encode;
pub mod error;
pub mod evaluate;
pub mod explain;
mod facts;
pub mod first_pass;
pub mod inspect;
mod judge;
pub mod memory;
mod plan_words;
mod replay;
pub mod select;
mod size;
pub mod table;
mod tally;
pub mod train;
mod truths;
mod usage;
mod weighing;

pub use batch::{BatchOptions, BatchSummary, Outputs, predict, predict_into, predict_part};
pub use error::PipelineError;
pub use evaluate::{Evaluation, evaluate, evaluate_part};
pub use inspect::{Inspection, inspect, inspect_for};
pub use memory::{Memory, MemoryPlan};
pub use select::select;
pub use table::Table;
pub use train::{TrainRequest, Trained, train};
