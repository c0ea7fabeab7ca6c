//! The bounds around requests: how many at once, how long, how large, of what type, and what
//! happens when a handler panics.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;

use super::access::hold;
use super::rest::extract::{BodyLimit, DEFAULT_BODY_LIMIT};
use super::rest::problem::{ApiError, Problem};
use super::{aws_json, origin};
use crate::service::Error;

/// How much the server takes on.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest JSON body in bytes.
    pub body: u64,
    /// The largest body of records to predict, in bytes.
    pub records: u64,
    /// The largest upload in bytes.
    pub upload: u64,
    /// How long an ordinary request may take.
    pub timeout: Duration,
    /// How many requests are answered at once; one more is refused.
    pub requests: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body: DEFAULT_BODY_LIMIT,
            records: 16 * 1024 * 1024,
            upload: 50 * 1024 * 1024 * 1024,
            timeout: Duration::from_secs(30),
            requests: 512,
        }
    }
}

/// Bounds for small JSON requests.
pub fn ordinary(routes: OpenApiRouter, limits: &Limits) -> OpenApiRouter {
    routes
        .layer(from_fn_with_state(limits.timeout, timeout))
        .layer(from_fn(origin::declared_json))
        .layer(DefaultBodyLimit::max(
            usize::try_from(limits.body).unwrap_or(usize::MAX),
        ))
        .layer(Extension(BodyLimit(limits.body)))
}

/// Bounds for records to predict. How long a body may take and on which thread it is worked on is decided where it is
/// read; each protocol judges its type itself. Thousands of these are answered in a second: a layer costs each of them.
pub fn predicting(routes: OpenApiRouter, limits: &Limits) -> OpenApiRouter {
    routes.layer(Extension(BodyLimit(limits.records)))
}

/// Bounds for Amazon's operations: those of small JSON requests, but for predictions, which have bounds of their own.
pub fn amazon(routes: Router, limits: &Limits, places: Arc<Semaphore>) -> Router {
    routes
        .layer(from_fn_with_state((places, limits.timeout), operation))
        .layer(Extension(BodyLimit(limits.records)))
}

async fn operation(
    State((places, limit)): State<(Arc<Semaphore>, Duration)>,
    request: Request,
    next: Next,
) -> Response {
    if aws_json::asks_for_prediction(request.headers()) {
        return next.run(request).await;
    }
    match places.try_acquire_owned() {
        Ok(place) => hold(within(limit, request, next).await, place),
        Err(_) => overloaded(),
    }
}

/// Bounds for what signed links lead to.
pub fn linked(routes: Router, limits: &Limits, places: Arc<Semaphore>) -> Router {
    routes
        .layer(from_fn_with_state(limits.timeout, timeout))
        .layer(from_fn_with_state(places, admit))
}

/// Bounds for uploads, downloads and events.
pub fn streaming(routes: OpenApiRouter, limits: &Limits) -> OpenApiRouter {
    routes
        .layer(from_fn(origin::declared_upload))
        .layer(DefaultBodyLimit::disable())
        .layer(Extension(BodyLimit(limits.upload)))
}

/// Refuses at once when too many requests are open; a place is free again after the last byte.
pub async fn admit(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    match places.try_acquire_owned() {
        Ok(place) => hold(next.run(request).await, place),
        Err(_) => overloaded(),
    }
}

fn overloaded() -> Response {
    let error = Error::unavailable("overloaded", "the server is answering as many requests as it can");
    ApiError::from(error).into_response()
}

/// Nobody waits longer than this in one request, in seconds.
const MAX_WAIT: u64 = 300;

/// Ends a request that takes too long. One that says how long it is willing to wait for something
/// to happen has that much longer.
async fn timeout(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    let limit = limit + Duration::from_secs(asked_wait(request.uri().query().unwrap_or_default()));
    within(limit, request, next).await
}

async fn within(limit: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let message = format!("the request was not done after {} s", limit.as_secs_f64());
            ApiError::from(Error::unavailable("timeout", message)).into_response()
        }
    }
}

/// The seconds of `wait=SECONDS` in a query, 0 without one.
fn asked_wait(query: &str) -> u64 {
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("wait="));
    asked
        .and_then(|seconds| seconds.parse().ok())
        .unwrap_or(0)
        .min(MAX_WAIT)
}

/// The answer after a panic in a handler; the panic's text stays in the log.
pub fn panicked(cause: &(dyn Any + Send)) -> Response {
    let text = match (cause.downcast_ref::<String>(), cause.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (_, Some(text)) => (*text).to_owned(),
        _ => "no message".to_owned(),
    };
    let error = Error::internal("answering a request", format!("panic: {text}"));
    ApiError::from(error).into_response()
}

/// The answer for an address that does not exist.
pub async fn unknown_route(request: Request<Body>) -> ApiError {
    Problem::protocol(
        "unknown_route",
        format!("there is nothing at `{}`", request.uri().path()),
    )
    .into()
}

/// The answer for an address that exists but not with this method.
pub async fn unknown_method(request: Request<Body>) -> ApiError {
    let mut detail = format!("`{}` does not answer {}", request.uri().path(), request.method());
    if request.uri().path() == "/v1/datasets" {
        detail.push_str("; send a file with PUT to `/v1/datasets/NAME` (`curl -T FILE`)");
    } else if aws_json::is_meant(request.headers()) {
        detail.push_str("; operations are asked for with POST");
    }
    Problem::protocol("method_not_allowed", detail).into()
}
