//! Extractors whose rejections are problems: body, path, query and upload.
//!
//! Handlers use these instead of axum's own, so that a bad request reads like every other error.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use http_body_util::LengthLimitError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path as FieldPath, Segment};

use super::problem::{ApiError, Problem};
use crate::http::auth::Caller;
use crate::service::requests::Asked;
use crate::service::{Error, FieldProblem};

/// The largest JSON body unless a layer says otherwise: 2 MiB.
pub const DEFAULT_BODY_LIMIT: u64 = 2 * 1024 * 1024;

/// An upload that sends nothing for this long is given up.
const STALL: Duration = Duration::from_secs(60);

/// The largest body that this route accepts, in bytes; a layer puts it on the request.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimit(pub u64);

fn limit(extensions: &Extensions) -> u64 {
    extensions
        .get::<BodyLimit>()
        .map_or(DEFAULT_BODY_LIMIT, |limit| limit.0)
}

/// Who asks: the owner of what is made.
#[derive(Debug, Clone)]
pub struct By(pub Asked);

impl<S: Send + Sync> FromRequestParts<S> for By {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let caller = parts.extensions.get::<Caller>().cloned().unwrap_or_default();
        Ok(By(Asked {
            owner: caller.name(),
            key: caller.id().to_owned(),
            words: None,
        }))
    }
}

/// A JSON body on the way in, a JSON answer on the way out.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            let detail = "this address takes `application/json`";
            return Err(Problem::protocol("unsupported_media", detail).into());
        }
        let limit = limit(request.extensions());
        check_length(request.headers(), limit, "the request body")?;
        let bytes = read(request.into_body(), limit).await?;
        Ok(Json(parse(&bytes)?))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Whether the body is declared to be JSON.
pub fn is_json(headers: &HeaderMap) -> bool {
    let kind = media_type(headers).unwrap_or_default();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// The declared type of the body in lower case, without parameters.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(
        value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase(),
    )
}

/// The announced length of the body in bytes.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Refuses a body that is announced to be larger than `limit` bytes; returns what is announced.
pub fn check_length(headers: &HeaderMap, limit: u64, what: &'static str) -> Result<Option<u64>, Error> {
    match content_length(headers) {
        Some(length) if length > limit => Err(Error::TooLarge { what, limit }),
        length => Ok(length),
    }
}

async fn read(body: Body, limit: u64) -> Result<Bytes, Error> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    axum::body::to_bytes(body, most).await.map_err(|error| {
        if std::error::Error::source(&error).is_some_and(|cause| cause.is::<LengthLimitError>()) {
            Error::TooLarge {
                what: "the request body",
                limit,
            }
        } else {
            Error::invalid("incomplete_body", "the request body ended before it was complete")
        }
    })
}

/// Reads one JSON document; the error names line, column and field.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let mut document = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut document).map_err(|error| {
        let pointer = pointer(error.path());
        json_error(&error.into_inner(), pointer)
    })?;
    document
        .end()
        .map_err(|error| json_error(&error, String::new()))?;
    Ok(value)
}

/// What is wrong with a JSON document, with line and column; `pointer` is where serde noticed.
pub fn json_error(error: &serde_json::Error, pointer: String) -> Error {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    if error.classify() != serde_json::error::Category::Data {
        let message = format!("the body is not valid JSON: {text} at line {line}, column {column}");
        return Error::invalid("invalid_json", message);
    }
    let code = data_code(text, "unknown_field", "invalid_value");
    let message = match pointer.as_str() {
        "" => format!("{text} (line {line}, column {column})"),
        at => format!("{text} at `{at}` (line {line}, column {column})"),
    };
    let problems = vec![FieldProblem::new(pointer, code, text)];
    Error::InvalidInput {
        code,
        message,
        problems,
    }
}

/// Which code belongs to a message of serde; the wording of its derived code is stable.
fn data_code(text: &str, unknown: &'static str, other: &'static str) -> &'static str {
    if text.starts_with("unknown field") {
        unknown
    } else if text.starts_with("missing field") {
        "missing_field"
    } else if text.starts_with("duplicate field") {
        "duplicate_field"
    } else {
        other
    }
}

fn pointer(path: &FieldPath) -> String {
    let mut text = String::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        text.push('/');
        text.push_str(&part);
    }
    text
}

/// The variables of the path.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Path(value)),
            Err(rejection) => {
                Err(Error::invalid("invalid_id", format!("the address cannot be read: {rejection}")).into())
            }
        }
    }
}

/// The parameters behind the question mark.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Query(value)),
            Err(rejection) => {
                let text = rejection.body_text();
                let text = text
                    .strip_prefix("Failed to deserialize query string: ")
                    .unwrap_or(&text);
                // The part before the first colon is the parameter's name, where serde knew it.
                let reason = text.split_once(": ").map_or(text, |(_, reason)| reason);
                let code = data_code(reason, "unknown_parameter", "invalid_parameter");
                Err(Error::invalid(code, format!("query: {text}")).into())
            }
        }
    }
}

/// A body of any size, as it arrives.
pub struct Upload {
    /// The declared media type in lower case, without parameters.
    pub content_type: Option<String>,
    /// The announced size in bytes.
    pub length: Option<u64>,
    /// The bytes; the stream ends with an error when the body is too large, stalls or breaks off.
    pub stream: BoxStream<'static, Result<Bytes, Error>>,
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let limit = limit(request.extensions());
        let length = check_length(request.headers(), limit, "the upload")?;
        let content_type = media_type(request.headers());
        Ok(Upload {
            content_type,
            length,
            stream: bounded(request.into_body(), limit, STALL),
        })
    }
}

fn bounded(body: Body, limit: u64, stall: Duration) -> BoxStream<'static, Result<Bytes, Error>> {
    let start = Some((body.into_data_stream(), 0_u64));
    let steps = stream::unfold(start, move |state| async move {
        let (mut body, seen) = state?;
        let failed = |error| Some((Err(error), None));
        match tokio::time::timeout(stall, body.next()).await {
            Err(_) => failed(Error::unavailable(
                "upload_stalled",
                format!("nothing arrived for {stall:?}"),
            )),
            Ok(None) => None,
            Ok(Some(Err(_))) => failed(Error::invalid(
                "incomplete_body",
                "the upload ended before it was complete",
            )),
            Ok(Some(Ok(chunk))) => match seen + chunk.len() as u64 {
                total if total > limit => failed(Error::TooLarge {
                    what: "the upload",
                    limit,
                }),
                total => Some((Ok(chunk), Some((body, total)))),
            },
        }
    });
    steps.boxed()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[allow(dead_code)]
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[allow(dead_code)]
        count: u32,
    }

    fn check(json: &str, code: &str, at: Option<&str>, message: &str) {
        let error = parse::<Outer>(json.as_bytes()).unwrap_err();
        assert_eq!(error.code(), code, "{json}: {error}");
        assert_eq!(
            error.problems().first().map(|p| p.pointer.as_str()),
            at,
            "{json}: {error}"
        );
        assert!(error.to_string().contains(message), "{json}: {error}");
    }

    #[test]
    fn json_errors_say_what_and_where() {
        check(
            "{\"inner\": [\n{\"count\": }]}",
            "invalid_json",
            None,
            "line 2, column 11",
        );
        check("{\"inner\": []} x", "invalid_json", None, "trailing characters");
        check("", "invalid_json", None, "line 1, column 0");
        check("{}", "missing_field", Some(""), "missing field `inner`");
        check(
            "{\"inner\": [{\"count\": -1}]}",
            "invalid_value",
            Some("/inner/0/count"),
            "at `/inner/0/count`",
        );
        check(
            "{\"inner\": [{\"cuont\": 1}]}",
            "unknown_field",
            Some("/inner/0/cuont"),
            "unknown field `cuont`",
        );
        check(
            "{\"inner\": [], \"inner\": []}",
            "duplicate_field",
            Some(""),
            "duplicate field",
        );
    }

    #[tokio::test]
    async fn an_upload_over_its_limit_ends_with_an_error() {
        let chunks: Vec<Result<Bytes, std::io::Error>> =
            vec![Ok("12345".into()), Ok("678901".into()), Ok("x".into())];
        let body = Body::from_stream(stream::iter(chunks));
        let got: Vec<_> = bounded(body, 10, STALL).collect().await;
        assert_eq!(got.len(), 2);
        assert_eq!(got[0].as_ref().unwrap(), "12345");
        assert_eq!(got[1].as_ref().unwrap_err().code(), "too_large");
    }

    #[tokio::test]
    async fn an_upload_that_breaks_off_or_stalls_is_an_error() {
        let broken: Vec<Result<Bytes, std::io::Error>> =
            vec![Ok("1".into()), Err(std::io::Error::other("gone"))];
        let got: Vec<_> = bounded(Body::from_stream(stream::iter(broken)), 10, STALL)
            .collect()
            .await;
        assert_eq!(got[1].as_ref().unwrap_err().code(), "incomplete_body");

        let silent = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let got: Vec<_> = bounded(silent, 10, Duration::from_millis(5)).collect().await;
        assert_eq!(got[0].as_ref().unwrap_err().code(), "upload_stalled");
    }
}
