//! Finds weights. One objective for every solver:
//!
//! `mean(loss) + Σ l2/2 · |β|²`, the intercept not penalised, on scaled numbers; groups of features have an `l2` each.
//!
//! Only this folder knows linfa and ndarray. [`LearnParams`] are linfa parameters (checked before
//! use), [`Design`] is a linfa record type, so our learner fits where linfa's do. Whatever solver
//! finds the weights, [`certificate`] recomputes loss and gradient there and judges them.

pub mod calibration;
pub mod certificate;
pub mod dense;
pub mod design;
mod evidence;
pub mod hessian;
pub mod lbfgs;
pub mod learner;
pub mod newton;
pub mod objective;
pub mod params;
mod passes;
pub mod path;
pub mod precondition;
pub mod search;
pub mod shards;
pub mod sketch;

pub use certificate::Certificate;
pub use design::{Design, DesignBuilder, Groups, Targets};
pub use learner::{Fitted, SolverReport, fit_observed};
pub use params::{LearnError, LearnParams};
pub use search::Search;
pub use shards::{Disk, DiskFile, Overflow, Shard, Shards, SpillError};
