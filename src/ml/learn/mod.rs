//! Finds weights. One objective for every solver:
//!
//! `mean(loss) + Σ l2/2 · |β|² + l1 · |β|₁`, the intercept not penalised, on scaled numbers; groups of features have an
//! `l2` each. Without `l1` the objective is smooth; with it see [`lasso`].
//!
//! Only this folder knows linfa and ndarray. [`LearnParams`] are linfa parameters (checked before
//! use), [`Design`] is a linfa record type, so our learner fits where linfa's do. Whatever solver
//! finds the weights, [`certificate`] recomputes loss and gradient there and judges them.

pub mod calibration;
pub mod certificate;
mod class_weights;
pub mod curvature;
pub mod dense;
pub mod design;
mod dual;
mod earlier;
pub mod errors;
mod evidence;
mod exp;
mod face;
pub mod fold;
pub mod gram;
pub mod hessian;
mod information;
mod inverse;
pub mod joints;
pub mod lasso;
pub mod lbfgs;
pub mod learner;
mod losses;
pub mod newton;
pub mod objective;
mod owlqn;
mod pairs;
pub mod params;
mod partials;
mod passes;
pub mod path;
mod penalty;
pub mod precondition;
pub mod sample;
pub mod search;
pub mod separation;
pub mod sgd;
pub mod shards;
pub mod sketch;
mod solve;
mod widths;

pub use certificate::Certificate;
pub use class_weights::ClassWeights;
pub use design::{Design, DesignBuilder, Groups, Targets};
pub use earlier::Earlier;
pub use errors::Errors;
pub use learner::{Fitted, SolverReport, Used, fit_from, fit_observed};
pub use params::{LearnError, LearnParams};
pub use search::Search;
pub use sgd::Shuffle;
pub use shards::{Disk, DiskFile, Overflow, Shard, Shards, SpillError};
