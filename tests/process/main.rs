//! Tests with the real program in processes of its own: what it prints and how it exits, what it serves, and what
//! is left when it is killed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod batch;
mod cli;
mod data;
mod inspect;
mod memory;
mod parquet;
mod query;
mod recipe;
mod recovery;
mod serve;
mod server;
#[path = "../servers/mod.rs"]
mod servers;
mod splits;
mod support;
mod threshold;
mod work;
