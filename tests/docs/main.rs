//! The documentation keeps its word: its commands print what it shows, its snippets run, its links lead somewhere, and
//! its reference is what the program says today.
//!
//! How a page marks what is tested is told in CONTRIBUTING.md. `cargo test --test docs -- --nocapture` lists what was
//! not run; `YOSOKU_DOCS_PYTHON` names a Python for the snippets in that language (`make docs` has one), and
//! `YOSOKU_TEST_POSTGRES` a server for what asks a database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first surprise"
)]

mod blocks;
mod compare;
mod database;
mod links;
mod pages;
mod python;
mod reference;
#[path = "../servers/mod.rs"]
mod servers;
mod session;

/// A variable of the environment; empty if it is not set.
#[expect(clippy::disallowed_methods, reason = "tests have no configuration but this")]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
