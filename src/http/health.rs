//! Is the process alive, is it ready for work, and what has it counted?

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::future::BoxFuture;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::open_inference;
use super::rest::problem::ApiError;
use crate::service::Error;
use crate::telemetry::Metrics;

/// A part that does not answer for this long is not ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// One thing the server needs in order to work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at, such as `catalogue`.
    pub name: &'static str,
    /// Whether it works.
    pub ok: bool,
}

/// Looks at everything the server needs. Causes belong in the log, not in the answer.
pub trait Readiness: Send + Sync {
    /// One entry per part.
    fn checks(&self) -> BoxFuture<'_, Vec<Check>>;
}

#[derive(Debug, Serialize)]
struct Ready {
    status: &'static str,
    checks: Vec<Check>,
}

/// Looks whether the server is ready.
#[derive(Clone)]
pub struct Probe {
    readiness: Arc<dyn Readiness>,
    stopping: CancellationToken,
}

impl Probe {
    /// What was found.
    pub async fn checks(&self) -> Vec<Check> {
        let failed = |name| vec![Check { name, ok: false }];
        if self.stopping.is_cancelled() {
            return failed("running");
        }
        let checks = tokio::time::timeout(PATIENCE, self.readiness.checks());
        checks.await.unwrap_or_else(|_| failed("in_time"))
    }
}

/// `/livez` and `/readyz`, and what they are called in the Open Inference Protocol; anyone may ask.
pub fn probes(readiness: Arc<dyn Readiness>, stopping: CancellationToken) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .merge(open_inference::probes())
        .with_state(Probe { readiness, stopping })
}

async fn ready(State(probe): State<Probe>) -> Response {
    let checks = probe.checks().await;
    let ok = checks.iter().all(|check| check.ok);
    let (code, status) = if ok {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not_ready")
    };
    (code, axum::Json(Ready { status, checks })).into_response()
}

/// `/metrics`, which may need a key.
pub fn metrics(metrics: Arc<Metrics>) -> Router {
    Router::new().route("/metrics", get(expose)).with_state(metrics)
}

async fn expose(State(metrics): State<Arc<Metrics>>) -> Result<Response, ApiError> {
    let text = metrics
        .render()
        .map_err(|error| Error::internal("writing the metrics", error))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}
