//! The use cases: what a caller may ask for, whichever protocol the question came in by.
//!
//! Nothing here knows HTTP. A façade translates a request into one call, and an [`error::Error`]
//! into its own kind of answer. A creation always goes the same way: the identifier is judged first
//! (an identical repeat gets what is there), then the request is checked, then what it names is
//! loaded and checked, then the entity is stored together with its job.

pub mod answering;
pub mod answers;
mod batch_predictions;
mod check;
pub mod codes;
mod convert;
mod creation;
mod data_sources;
mod datasets;
mod endpoints;
mod entities;
pub mod error;
mod evaluations;
pub mod families;
pub mod limits;
mod logs;
pub mod metering;
mod models;
pub mod multipart;
pub mod objects;
mod places;
mod predictors;
pub mod realtime;
pub mod requests;
pub mod scoring;
pub mod tags;
pub mod thresholds;
mod training;
mod unfinished;
mod waiting;
mod weights;

pub use error::{Error, FieldProblem};

use std::sync::Arc;

use tokio::sync::Semaphore;

use self::answering::Known;
use self::answers::Readiness;
use self::limits::Limits;
use self::metering::Counted;
use self::predictors::Predictors;
use self::scoring::Scorers;
use self::unfinished::Unfinished;
use crate::blob::Blobs;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::source::Databases;

/// What a service is made of.
#[derive(Debug)]
pub struct Parts {
    /// Metadata.
    pub catalog: Catalog,
    /// Files.
    pub blobs: Blobs,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The databases that queries go to.
    pub databases: Databases,
    /// Sizes and quotas.
    pub limits: Limits,
}

/// Every use case; cheap to clone.
#[derive(Debug, Clone)]
pub struct Service(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    catalog: Catalog,
    blobs: Blobs,
    databases: Databases,
    clock: Arc<dyn Clock>,
    limits: Limits,
    predictors: Predictors,
    known: Known,
    scorers: Scorers,
    counted: Counted,
    unfinished: Unfinished,
    permits: Arc<Semaphore>,
    shadows: Arc<Semaphore>,
}

impl Service {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let Parts {
            catalog,
            blobs,
            databases,
            clock,
            limits,
        } = parts;
        Self(Arc::new(Inner {
            predictors: Predictors::new(blobs.clone(), &limits),
            known: Known::default(),
            scorers: Scorers::default(),
            counted: Counted::default(),
            unfinished: Unfinished::default(),
            permits: Arc::new(Semaphore::new(limits.concurrent_predictions)),
            shadows: Arc::new(Semaphore::new(limits.concurrent_shadows)),
            catalog,
            blobs,
            databases,
            clock,
            limits,
        }))
    }

    /// What is allowed.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Whether each thing that the service needs answers.
    pub async fn ready(&self) -> Vec<Readiness> {
        let catalogue = answers("catalogue", self.0.catalog.ping().await);
        let files = answers("files", self.0.blobs.ping().await);
        vec![("catalogue", catalogue), ("files", files)]
    }

    fn now(&self) -> i64 {
        self.0.clock.now_micros()
    }
}

/// Whether a check succeeded; the log has the cause if not.
fn answers<E: std::error::Error>(what: &str, check: Result<(), E>) -> bool {
    if let Err(error) = &check {
        tracing::warn!(what, error = error::chain(error), "not ready");
    }
    check.is_ok()
}

#[cfg(test)]
mod tests;
