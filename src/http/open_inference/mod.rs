//! The Open Inference Protocol, version 2, which KServe, Triton and MLServer speak: `/v2`.
//!
//! A model is asked for by its identifier, or by the name of a family and, below `versions`, by the number or alias of
//! a version. Tensors come and go as JSON; the extension for binary data is not spoken.

mod answer;
mod datatype;
mod metadata;
mod request;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use self::answer::Outputs;
use self::metadata::{ModelMetadata, ServerMetadata};
use self::request::Infer;
use super::health::Probe;
use super::predicting::Work;
use super::predicting::reader::{At, Reader};
use super::protocols::{Serving, or_default};
use super::rest::extract::{Path, is_json, media_type};
use super::rest::problem::{ApiError, Problem};
use crate::service::Error;
use crate::service::answering::Answering;
use crate::service::scoring::Scored;

/// The header of requests with binary tensors.
const BINARY: &str = "inference-header-content-length";

/// What callers may ask who may predict.
pub fn guarded() -> Router<Serving> {
    let mut routes = Router::new().route("/v2", get(server)).route("/v2/", get(server));
    for model in ["/v2/models/{model}", "/v2/models/{model}/versions/{version}"] {
        routes = routes
            .route(model, get(describe))
            .route(&format!("{model}/ready"), get(ready))
            .route(&format!("{model}/infer"), post(infer));
    }
    routes
}

/// Whether the server is alive and ready; anyone may ask.
pub fn probes() -> Router<Probe> {
    Router::new()
        .route("/v2/health/live", get(async || Json(Health::of(true))))
        .route("/v2/health/ready", get(server_ready))
}

/// The specification names the first member in one place and the second in another.
#[derive(Debug, Serialize)]
struct Health {
    live: bool,
    ready: bool,
}

impl Health {
    fn of(ready: bool) -> Self {
        Health { live: true, ready }
    }
}

async fn server_ready(State(probe): State<Probe>) -> Response {
    let ready = probe.checks().await.iter().all(|check| check.ok);
    let status = match ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(Health::of(ready))).into_response()
}

async fn server() -> Json<ServerMetadata> {
    Json(ServerMetadata::default())
}

/// The model of an address.
#[derive(Debug, Deserialize)]
struct Asked {
    model: String,
    version: Option<String>,
}

impl Asked {
    /// The name that the service knows it by.
    fn name(&self) -> String {
        match &self.version {
            Some(version) => format!("{}@{version}", self.model),
            None => or_default(&self.model),
        }
    }
}

/// The version of a family that answers, as the protocol writes it.
fn version_of(model: &Answering) -> Option<String> {
    model.member().map(|member| member.version.to_string())
}

async fn describe(
    State(serving): State<Serving>,
    Path(asked): Path<Asked>,
) -> Result<Json<ModelMetadata>, ApiError> {
    let service = &serving.predicting.service;
    let model = service.answering(&asked.name()).await?;
    let family = match model.member() {
        Some(member) => Some(service.family_get(member.family.as_str()).await?),
        None => None,
    };
    Ok(Json(ModelMetadata::new(asked.model, &model, family.as_ref())))
}

#[derive(Debug, Serialize)]
struct ModelReady {
    name: String,
    ready: bool,
}

async fn ready(State(serving): State<Serving>, Path(asked): Path<Asked>) -> Result<Response, ApiError> {
    serving.predicting.service.answering(&asked.name()).await?;
    let (name, ready) = (asked.model, true);
    Ok(Json(ModelReady { name, ready }).into_response())
}

async fn infer(
    State(serving): State<Serving>,
    Path(asked): Path<Asked>,
    request: Request,
) -> Result<Response, ApiError> {
    check_body(request.headers())?;
    let (name, model) = (asked.name(), asked.model);
    let work = move |work: Work<'_>| inferred(work, &model);
    let answer = serving.predicting.answer(&name, request, work).await?;
    Ok(answer.response("application/json"))
}

/// Clients that send JSON do not always say so.
fn check_body(headers: &HeaderMap) -> Result<(), ApiError> {
    if headers.contains_key(BINARY) {
        let message =
            "binary tensors are not supported; send tensors as JSON (with tritonclient: binary_data=False)";
        return Err(Error::invalid("invalid_input", message).into());
    }
    if media_type(headers).is_some() && !is_json(headers) {
        let detail = "this address takes `application/json`";
        return Err(Problem::protocol("unsupported_media", detail).into());
    }
    Ok(())
}

fn inferred(work: Work<'_>, name: &str) -> Result<Vec<u8>, Error> {
    let model = work.model;
    let infer = Infer::read(work.body)?;
    let mut outputs = Outputs::new(model, &infer, work.body.len())?;
    let explain = outputs.explains();
    let mut each = |scored: Scored<'_>, _: At| outputs.push(scored);
    let mut reader = Reader::new(work, explain, &mut each);
    let broken = infer.score(&mut reader).err();
    let records = reader.finish(broken)?;
    if records == 0 {
        let message = "no records are given; give at least one";
        return Err(Error::field("/inputs", "missing_field", message));
    }
    outputs.whole(name, version_of(model), infer.id.as_deref(), records)
}

/// What went wrong, as the protocol tells it.
#[derive(Debug, Serialize)]
struct Refusal<'p> {
    error: &'p str,
}

/// The answer that tells of a problem.
pub fn refusal(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let refusal = Refusal {
        error: &problem.detail,
    };
    (status, Json(refusal)).into_response()
}
