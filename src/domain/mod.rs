//! Plain data and rules about the things a user makes: no input or output, no SQL, no HTTP.
//!
//! A data source, a model, an evaluation and a batch prediction are all an [`entity::Entity`]: one
//! header (identity, status, progress, error) and one typed body. Their life:
//!
//! ```text
//! PENDING ──► INPROGRESS ──► COMPLETED ──┐
//!    │             └───────► FAILED ─────┤
//!    └──────────► FAILED                 ▼
//!   any of them ──────────────────────► DELETED
//! ```
//!
//! An entity that has to be computed comes with a [`job`]; it starts when everything the entity
//! depends on is COMPLETED.

pub mod canonical;
pub mod dataset;
pub mod endpoint;
pub mod entity;
pub mod family;
pub mod ids;
pub mod job;
pub mod listing;
pub mod location;
pub mod query;
pub mod search;
pub mod secret;
pub mod spec;
pub mod status;
pub mod usage;
