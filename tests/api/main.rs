//! The REST API from outside: the assembled router in process, a catalogue and files in a temporary home, and the
//! real jobs, done one at a time when a test says so, so that every state in between can be looked at.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod aws;
mod batch;
mod datasets;
mod document;
mod door;
mod errors;
mod families;
mod files;
mod following;
mod insights;
mod lists;
mod open_inference;
mod predict;
mod protocols;
mod queries;
mod resources;
#[path = "../servers/mod.rs"]
mod servers;
mod splits;
mod storage;
mod support;
mod thresholds;
mod training;
mod usage;
mod weights;
