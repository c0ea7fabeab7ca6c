//! The machine-learning core held against its requirements from outside: learners against another library's
//! optima, quality on real data, equality of all ways to a score, bad input, ingest, inference, bundles, recipes.
//! One binary, so that it is linked once; nothing here needs a server, a store or a network.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first surprise and may print what it measured"
)]

mod bad_input;
mod bundles;
mod choosing;
mod counting;
mod earlier;
#[path = "../../fuzz/src/lib.rs"]
mod fuzz;
mod fuzzing;
mod hard;
mod inference;
mod ingest;
mod insights;
mod lasso;
mod learners;
mod parity;
mod quality;
mod reading;
mod recipes;
mod spilling;
mod splits;
mod support;
mod weights;
