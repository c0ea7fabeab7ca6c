//! What every request gets, whoever answers it: an identifier, a span, one line in the log, its
//! place in the metrics, an answer even after a panic, and errors completed with path and identifier, in the words of
//! the protocol that was spoken. On a server without keys it is refused here if a page of another origin may have sent
//! it. One layer does all this, because each layer costs every request.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::auth::Caller;
use super::aws_json;
use super::layers::panicked;
use super::origin::own_pages_only;
use super::protocols::Dialect;
use super::rest::problem::{ApiError, Problem};
use crate::telemetry::Metrics;

/// The header that carries the request's identifier, in and out.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The header in which clients of S3 look for it.
const S3_REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

/// The longest identifier that is taken over from a client.
const MAX_ID: usize = 64;

/// The identifier of the request being answered.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Marks an answer whose like are given thousands of times a second: the log has it only where details are wanted,
/// and the metrics always.
#[derive(Debug, Clone, Copy)]
pub struct Frequent;

/// What the outermost layer keeps between requests.
#[derive(Debug)]
pub struct Observing {
    metrics: Arc<Metrics>,
    open: TaskTracker,
    is_open: bool,
    /// In which words a listener tells of errors that has one dialect at all addresses.
    dialect: Option<Dialect>,
    prefix: u32,
    next: AtomicU64,
}

impl Observing {
    /// `open` counts the requests that are not answered to the last byte yet; `is_open` says that there are no keys.
    pub fn new(metrics: Arc<Metrics>, open: TaskTracker, is_open: bool) -> Self {
        // Identifiers must differ between processes; without randomness the process number does.
        let prefix = getrandom::u32().unwrap_or_else(|_| std::process::id());
        Observing {
            metrics,
            open,
            is_open,
            dialect: None,
            prefix,
            next: AtomicU64::new(1),
        }
    }

    /// The same for a listener that tells of all errors in `dialect`.
    pub fn speaking(self, dialect: Dialect) -> Self {
        Self {
            dialect: Some(dialect),
            ..self
        }
    }

    /// What the handler answers, or why it is not asked or did not come to an end.
    async fn answered(&self, request: Request, next: Next) -> Response {
        if self.is_open
            && let Err(error) = own_pages_only(request.uri(), request.headers())
        {
            return ApiError::from(error).into_response();
        }
        let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
        answered.unwrap_or_else(|cause| panicked(&*cause))
    }

    fn id(&self, headers: &HeaderMap) -> RequestId {
        if let Some(given) = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()) {
            let sane = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            if (1..=MAX_ID).contains(&given.len()) && given.chars().all(sane) {
                return RequestId(given.into());
            }
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        RequestId(format!("{:08x}-{number:012x}", self.prefix))
    }
}

/// Writes the line of one request; a level is part of the place in the code.
macro_rules! log {
    ($level:ident, $method:ident, $route:ident, $response:ident, $elapsed:ident, $id:ident) => {
        tracing::$level!(
            target: "yosoku::access",
            method = $method,
            route = $route,
            status = $response.status().as_u16(),
            duration_ms = ($elapsed.as_secs_f64() * 1e6).round() / 1e3,
            request.id = %$id.0,
            key.id = key_of(&$response),
            "request"
        )
    };
}

/// The outermost layer.
pub async fn observe(State(shared): State<Arc<Observing>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let open = shared.open.token();
    let id = shared.id(request.headers());
    let method = method_label(request.method());
    let path = request.extensions().get::<MatchedPath>().cloned();
    let route = path.as_ref().map_or("unmatched", MatchedPath::as_str);
    let (uri, version) = (request.uri().clone(), request.version());
    let dialect = shared
        .dialect
        .unwrap_or_else(|| Dialect::of_request(&request, path.is_some()));
    let (request, read) = watched(request);

    let span = tracing::info_span!("request", request.id = %id.0);
    let response = shared.answered(request, next).instrument(span).await;

    let mut response = complete(response, &id, uri.path(), dialect);
    if !read.is_none_or(|read| read.load(Ordering::Relaxed)) && version <= Version::HTTP_11 {
        // What was not read stands in the way of the next request: the connection ends, and the client shall know.
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    let elapsed = started.elapsed();
    let status = response.status().as_u16();
    shared.metrics.request(route, method, status, elapsed);
    if response.extensions().get::<Frequent>().is_some() {
        log!(debug, method, route, response, elapsed, id);
    } else {
        log!(info, method, route, response, elapsed, id);
    }
    hold(response, open)
}

/// A request whose body, if it has one, tells when it was read to its end.
fn watched(request: Request) -> (Request, Option<Arc<AtomicBool>>) {
    if request.body().is_end_stream() {
        return (request, None);
    }
    let read = Arc::new(AtomicBool::new(false));
    let ended = read.clone();
    let request = request.map(|body| Body::new(Watched { body, ended }));
    (request, Some(read))
}

/// A body that tells when it was read to its end.
struct Watched {
    body: Body,
    ended: Arc<AtomicBool>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.ended.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn key_of(response: &Response) -> &str {
    let caller = response.extensions().get::<Caller>();
    caller.and_then(|caller| caller.key_id.as_deref()).unwrap_or("-")
}

/// Keeps `held` until the last byte of the body is sent or the client is gone.
pub fn hold<T: Send + 'static>(response: Response, held: T) -> Response {
    response.map(|body| {
        Body::new(body.map_err(move |error| {
            let _ = &held;
            error
        }))
    })
}

/// Methods become a label, so unknown ones share one.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

fn complete(mut response: Response, id: &RequestId, path: &str, dialect: Dialect) -> Response {
    if response.status().is_client_error() || response.status().is_server_error() {
        let ours = response.extensions_mut().remove::<Problem>();
        if let Some(problem) = ours.or_else(|| stand_in(&response)) {
            let problem = Problem {
                instance: Some(path.to_owned()),
                request_id: Some(id.0.to_string()),
                ..problem
            };
            let (rendered, body) = dialect.render(&problem).into_parts();
            if matches!(dialect, Dialect::Amazon | Dialect::S3) {
                // Their clients go by the name of an error; the others keep the status that they have.
                *response.status_mut() = rendered.status;
            }
            response.headers_mut().remove(CONTENT_LENGTH);
            response.headers_mut().extend(rendered.headers);
            *response.body_mut() = body;
        }
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        headers.insert(REQUEST_ID, value);
    }
    if dialect == Dialect::Amazon
        && let Ok(value) = HeaderValue::from_str(&aws_json::request_id(&id.0))
    {
        headers.insert(aws_json::REQUEST_ID, value);
    }
    if dialect == Dialect::S3
        && let Ok(value) = HeaderValue::from_str(&id.0)
    {
        headers.insert(S3_REQUEST_ID, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}

/// A problem for an error that a library answered with plain text or nothing.
fn stand_in(response: &Response) -> Option<Problem> {
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("text/plain");
    kind.starts_with("text/plain")
        .then(|| Problem::of_status(response.status()))
}
