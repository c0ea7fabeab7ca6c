//! Yosoku trains and serves linear models from tables of data.
//!
//! Data flows one way:
//!
//! ```text
//! bytes → records → schema → recipe → features → solver → model → evaluation and prediction
//! ```
//!
//! The modules below are in reading order. `ml` is pure: it knows no files, sockets, clocks or
//! databases. Everything else gives it bytes and keeps what it returns. `ARCHITECTURE.md` has
//! the map, the rules between the layers and the reasons.

pub mod ml;

pub mod domain;

pub mod blob;
pub mod catalog;
pub mod source;

pub mod jobs;
pub mod service;

pub mod http;

pub mod app;
pub mod cli;

pub mod clock;
pub mod config;
pub mod shutdown;
pub mod spill;
pub mod telemetry;
