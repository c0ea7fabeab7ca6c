//! MLflow's scoring protocol, which the containers of SageMaker and Vertex AI speak as well: `/invocations`, `/ping`
//! and `/version`, at the root of the server and for each model.

mod answer;
mod nan;
mod request;

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use self::answer::Detail;
use self::request::Body;
use super::predicting::reader::{At, Reader};
use super::predicting::table::{self, Header};
use super::predicting::written::Array;
use super::predicting::{self, Work, json};
use super::protocols::Serving;
use super::rest::extract::{Path, Query};
use super::rest::problem::{ApiError, Problem};
use super::sagemaker::{self, Lines};
use crate::service::Error;
use crate::service::error::chain;
use crate::service::scoring::Scored;

const JSON: &str = "application/json";

/// What callers may ask who may predict.
pub fn guarded() -> Router<Serving> {
    Router::new()
        .route("/invocations", post(invocations))
        .route("/version", get(version))
        .route("/execution-parameters", get(sagemaker::execution_parameters))
        .route("/v1/models/{id}/invocations", post(invocations_of))
        .route("/v1/models/{id}/ping", get(ping_of))
        .route("/v1/models/{id}/health", get(ping_of))
        .route("/v1/models/{id}/version", get(version_of))
}

/// What anyone may ask.
pub fn open() -> Router<Serving> {
    Router::new()
        .route("/ping", get(ping))
        .route("/health", get(ping))
}

/// How to answer.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Plain,
}

async fn invocations(
    State(serving): State<Serving>,
    Query(wish): Query<Wish>,
    request: Request,
) -> Result<Response, ApiError> {
    let name = serving.named(request.headers())?;
    invoke(&serving, &name, &wish, request).await
}

async fn invocations_of(
    State(serving): State<Serving>,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
    request: Request,
) -> Result<Response, ApiError> {
    invoke(&serving, &id, &wish, request).await
}

async fn invoke(serving: &Serving, model: &str, wish: &Wish, request: Request) -> Result<Response, ApiError> {
    let form = Form::of(request.headers()).map_err(|problem| *problem)?;
    let detail = match wish.format {
        Some(Format::Plain) => Detail::Plain,
        None => Detail::Full,
    };
    let (is_csv, media_type) = match sagemaker::wants_lines(request.headers()) {
        true => (true, "text/csv; charset=utf-8"),
        false => (false, JSON),
    };
    let work = move |work: Work<'_>| match is_csv {
        true => in_lines(work, &form, detail),
        false => in_json(work, &form, detail),
    };
    let answer = serving.predicting.answer(model, request, work).await?;
    Ok(answer.response(media_type))
}

fn in_json(work: Work<'_>, form: &Form, detail: Detail) -> Result<Vec<u8>, Error> {
    let mut made = Array::with_capacity(work.body.len());
    scored(work, form, &mut |scored, _| {
        answer::push(&mut made, scored, detail)
    })?;
    answer::whole(made)
}

fn in_lines(work: Work<'_>, form: &Form, detail: Detail) -> Result<Vec<u8>, Error> {
    let mut lines = Lines::new(detail == Detail::Full);
    scored(work, form, &mut |scored, _| lines.push(scored))?;
    lines.whole()
}

/// Reads the records of a body and has each scored.
fn scored(work: Work<'_>, form: &Form, each: &mut dyn FnMut(Scored<'_>, At)) -> Result<(), Error> {
    let text = match form {
        Form::Json => Some(nan::tolerated(json::text(work.body)?)),
        Form::Csv(_) => None,
    };
    let body = text.as_deref().map(Body::read).transpose()?;
    let explain = body.as_ref().is_some_and(Body::explain);
    let mut reader = Reader::new(work, explain, each);
    let read = match (&body, form) {
        (Some(body), _) => body.form()?.read(&mut reader),
        (None, Form::Csv(header)) => table::read(&mut reader, *header),
        (None, Form::Json) => Ok(()),
    };
    match reader.finish(read.err())? {
        0 => Err(Error::invalid(
            "missing_field",
            "no records are given; give at least one",
        )),
        _ => Ok(()),
    }
}

/// What the body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Csv(Header),
}

impl Form {
    /// Only UTF-8 is read, and a parameter that is not known may mean something that is not done.
    fn of(headers: &HeaderMap) -> Result<Self, Box<Problem>> {
        let refuse = |detail: String| Err(Box::new(Problem::protocol("unsupported_media", detail)));
        let declared = headers
            .get(CONTENT_TYPE)
            .map(|value| value.to_str().unwrap_or("?"));
        let declared = declared.unwrap_or_default();
        let mut parts = declared.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        for parameter in parts.filter(|part| !part.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match (
                name.trim().to_ascii_lowercase().as_str(),
                value.trim().trim_matches('"'),
            ) {
                ("charset", value) if value.eq_ignore_ascii_case("utf-8") => {}
                ("charset", value) => {
                    return refuse(format!("the charset `{value}` is not supported; send UTF-8"));
                }
                ("header", _) if kind == "text/csv" => {}
                (name, _) => {
                    return refuse(format!("the parameter `{name}` of the content type is not known"));
                }
            }
        }
        match kind.as_str() {
            JSON => Ok(Form::Json),
            "text/csv" => match Header::of(declared) {
                Ok(header) => Ok(Form::Csv(header)),
                Err(error) => Err(Box::new(Problem::from_error(&error))),
            },
            "" => refuse("the content type is missing; send application/json or text/csv".to_owned()),
            _ => refuse(format!(
                "`{kind}` is not supported; send application/json or text/csv"
            )),
        }
    }
}

/// Whether the model that the root speaks for can answer.
async fn ping(State(serving): State<Serving>, headers: HeaderMap) -> Result<Response, ApiError> {
    let name = serving.named(&headers)?;
    pong(&serving, &name).await
}

async fn ping_of(State(serving): State<Serving>, Path(id): Path<String>) -> Result<Response, ApiError> {
    pong(&serving, &id).await
}

/// Whatever keeps a model from answering, it counts as not there.
async fn pong(serving: &Serving, model: &str) -> Result<Response, ApiError> {
    let answering = serving.predicting.service.answering(model).await;
    let error = match answering {
        Ok(_) => return Ok(predicting::answered(b"\n".to_vec(), JSON)),
        Err(error) => error,
    };
    tracing::info!(model, error = chain(&error), "a model does not answer");
    let problem = Problem {
        status: StatusCode::NOT_FOUND.as_u16(),
        ..Problem::from_error(&error)
    };
    Err(problem.into())
}

/// The version of the server, if the model that the root speaks for can answer.
async fn version(State(serving): State<Serving>, headers: HeaderMap) -> Result<Response, ApiError> {
    let name = serving.named(&headers)?;
    pong(&serving, &name).await.map(|_| bare_version())
}

async fn version_of(State(serving): State<Serving>, Path(id): Path<String>) -> Result<Response, ApiError> {
    pong(&serving, &id).await.map(|_| bare_version())
}

/// Labelled as MLflow labels it.
fn bare_version() -> Response {
    ([(CONTENT_TYPE, JSON)], env!("CARGO_PKG_VERSION")).into_response()
}

/// What went wrong, as MLflow tells it.
#[derive(Debug, Serialize)]
struct Refusal<'p> {
    error_code: &'static str,
    message: &'p str,
}

/// The answer that tells of a problem; what has the wrong type is told in plain text.
pub fn refusal(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        return (status, problem.detail.clone()).into_response();
    }
    let refusal = Refusal {
        error_code: error_code(status, &problem.code),
        message: &problem.detail,
    };
    (status, Json(refusal)).into_response()
}

/// The name that MLflow has for a problem.
fn error_code(status: StatusCode, code: &str) -> &'static str {
    match (status.as_u16(), code) {
        (400, "invalid_value" | "invalid_parameter" | "unknown_parameter" | "invalid_id") => {
            "INVALID_PARAMETER_VALUE"
        }
        (401, _) => "UNAUTHENTICATED",
        (403, _) => "PERMISSION_DENIED",
        (404, "unknown_route") => "ENDPOINT_NOT_FOUND",
        (404, _) => "RESOURCE_DOES_NOT_EXIST",
        (409, _) => "RESOURCE_CONFLICT",
        (429, _) => "REQUEST_LIMIT_EXCEEDED",
        (503, _) => "TEMPORARILY_UNAVAILABLE",
        (500.., _) => "INTERNAL_ERROR",
        _ => "BAD_REQUEST",
    }
}

#[cfg(test)]
mod tests;
