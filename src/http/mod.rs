//! The HTTP server: what is mounted where, and the layers around it, in one place to read.
//!
//! Façades translate between HTTP and the use cases; the layers here know nothing about either.

pub mod access;
pub mod auth;
pub mod aws_json;
pub mod bind;
pub mod docs;
pub mod health;
pub mod keys;
pub mod layers;
pub mod links;
pub mod mlflow;
pub mod open_inference;
pub mod origin;
pub mod predicting;
pub mod protocols;
pub mod rest;
pub mod s3;
pub mod sagemaker;
pub mod sending;
pub mod serve;
pub mod socket;
pub mod taking;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::post_service;
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::telemetry::Metrics;

/// Everything that is put together into one server.
pub struct Parts {
    /// The resources below `/v1`.
    pub rest: rest::Routes,
    /// What neighbours' protocols ask for.
    pub protocols: protocols::Routes,
    /// What programs written for Amazon ML ask for, at whatever address.
    pub amazon: Router,
    /// What signed links lead to.
    pub linked: Router,
    /// Who may call.
    pub access: auth::Access,
    /// How much the server takes on.
    pub limits: layers::Limits,
    /// Where requests are counted.
    pub metrics: Arc<Metrics>,
    /// What `/readyz` looks at.
    pub readiness: Arc<dyn health::Readiness>,
    /// How the server ends.
    pub stop: serve::Stop,
}

/// Mounts everything. A request passes the layers from the bottom of this function to the top.
pub fn router(parts: Parts) -> Router {
    let Parts {
        rest,
        protocols,
        amazon,
        linked,
        access,
        limits,
        metrics,
        readiness,
        stop,
    } = parts;
    let places = Arc::new(Semaphore::new(limits.requests));
    let is_open = matches!(access, auth::Access::Open);
    let observing = Arc::new(access::Observing::new(metrics.clone(), stop.open, is_open));

    let predicting = rest.predicting.merge(protocols.guarded.into());
    let api = layers::ordinary(rest.ordinary, &limits)
        .merge(layers::streaming(rest.streaming, &limits))
        .layer(from_fn_with_state(places.clone(), layers::admit))
        // Those who wait for a slow body are no work yet: predictions have bounds of their own.
        .merge(layers::predicting(predicting, &limits));
    let (api, paths) = api.split_for_parts();

    let mut guarded = api.merge(health::metrics(metrics));
    let mut open = protocols.open;
    let linked = layers::linked(linked, &limits, places.clone());
    let mut amazon = layers::amazon(amazon, &limits, places);
    if let auth::Access::Keys(ring) = &access {
        guarded = guarded.layer(from_fn_with_state(ring.clone(), auth::require_key));
        open = open.layer(from_fn_with_state(ring.clone(), sagemaker::key_to_choose));
        amazon = amazon.layer(from_fn_with_state(ring.clone(), aws_json::require_signature));
    }
    let all = guarded
        .merge(open)
        .merge(linked)
        .merge(health::probes(readiness, stop.requested))
        .merge(docs::routes(move || rest::openapi::complete(paths.clone())))
        .route("/", post_service(amazon.clone()).get(docs::welcome))
        .fallback(move |request| elsewhere(amazon.clone(), request))
        .method_not_allowed_fallback(layers::unknown_method);
    all.layer(from_fn_with_state(observing, access::observe))
}

/// The answer at an address that is nobody's. Clients of Amazon's may have been given one with a path, and sign it.
async fn elsewhere(amazon: Router, request: Request) -> Response {
    match aws_json::is_meant(request.headers()) {
        true if request.method() == Method::POST => amazon.oneshot(request).await.into_response(),
        true => layers::unknown_method(request).await.into_response(),
        false => layers::unknown_route(request).await.into_response(),
    }
}

/// The OpenAPI document, as `/openapi.yaml` answers it; the error says why it cannot be written.
pub fn openapi_yaml() -> Result<String, String> {
    docs::yaml(&rest::openapi::document())
}
