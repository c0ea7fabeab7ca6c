//! The S3 door: a second listener at which clients of S3 put files into the buckets of this machine and fetch results.
//!
//! The crate s3s reads and writes the protocol and checks signatures; what is asked for is done by the same use cases
//! as everything else. What a bucket here cannot do (versions, access lists, tags, copies) is refused by its name.

mod auth;
mod body;
mod chunks;
mod conditions;
mod documents;
mod error;
mod known;
mod list;
mod multipart;
mod objects;
mod open;
mod ranges;
mod reading;
mod sums;
mod text;
mod unkept;

pub(in crate::http) use error::refused;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{CONTENT_RANGE, CONTENT_SECURITY_POLICY};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use bytes::Bytes;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::validation::NameValidation;
use tokio::sync::Semaphore;

use self::documents::Noted;
use self::objects::Buckets;
use self::ranges::OtherRanges;
use super::access::{self, Observing};
use super::auth::Access;
use super::layers::{self, Limits};
use super::protocols::Dialect;
use crate::domain::location::Location;
use crate::service::Service;
use crate::telemetry::Metrics;
use tokio_util::task::TaskTracker;

/// What the door is made of.
pub struct Parts {
    /// What is asked.
    pub service: Service,
    /// Who may ask.
    pub access: Access,
    /// How much it takes on.
    pub limits: Limits,
    /// Where requests are counted.
    pub metrics: Arc<Metrics>,
    /// Counts the requests that are not answered to the last byte yet.
    pub open: TaskTracker,
    /// How long a copy is waited for before its answer begins; [`PATIENCE`] but in tests.
    pub patience: Duration,
}

/// The longest copy that is waited for before its answer begins: until then a failure has a status of its own.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The door, complete with the layers that every listener has.
pub fn router(parts: Parts) -> Router {
    let Parts {
        service,
        access,
        limits,
        metrics,
        open,
        patience,
    } = parts;
    let is_open = matches!(access, Access::Open);
    let observing = Arc::new(Observing::new(metrics, open, is_open).speaking(Dialect::S3));
    let buckets = Buckets {
        service,
        limit: limits.upload,
        patience,
    };
    let mut builder = begun(buckets.clone());
    builder.set_route(OtherRanges::new(begun(buckets).build()));
    let door = Router::new();
    let door = match access {
        Access::Keys(ring) => {
            builder.set_auth(auth::Secrets::new(ring));
            mounted(door, builder.build()).layer(axum::middleware::from_fn(auth::well_signed))
        }
        Access::Open => {
            let signer = Arc::new(open::Signer::new());
            builder.set_auth(signer.auth());
            mounted(door, builder.build()).layer(from_fn_with_state(signer, open::signed_by_us))
        }
    };
    let places = Arc::new(Semaphore::new(limits.requests));
    door.layer(axum::middleware::from_fn(known::known_only))
        .layer(from_fn_with_state(LARGEST_DOCUMENT, auth::small_documents))
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(places, layers::admit))
        .layer(from_fn_with_state(observing, access::observe))
}

fn begun(buckets: Buckets) -> S3ServiceBuilder {
    let mut builder = S3ServiceBuilder::new(buckets);
    builder.set_validation(Names);
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(small()))));
    builder
}

/// Everything is answered by `door`; the routes only give log and metrics a name for it.
fn mounted(router: Router, door: S3Service) -> Router {
    let service = tower::service_fn(move |request: Request| {
        let door = door.clone();
        async move { Ok::<Response, Infallible>(answered(&door, request).await) }
    });
    router
        .route_service("/", service.clone())
        .route_service("/{*s3}", service.clone())
        .fallback_service(service)
}

async fn answered(door: &S3Service, mut request: Request) -> Response {
    let is_document = request.method() == Method::POST;
    let is_head = request.method() == Method::HEAD;
    let noted = Noted::default();
    request = request.map(body::patient);
    if is_document {
        let headers = request.headers().clone();
        request = request.map(|body| noted.watch(body, &headers));
        request.extensions_mut().insert(noted.clone());
    }
    let response = match door.call(request.map(s3s::Body::http_body_unsync)).await {
        Ok(response) => response,
        Err(error) => return error::unanswered(error),
    };
    if let Some(broken) = noted.broken() {
        return broken;
    }
    let has_failed = response.status().is_client_error() || response.status().is_server_error();
    let changed = |bytes: Bytes| match error::worded(&bytes) {
        Some(worded) if has_failed => Some(text::mended(&worded).unwrap_or(worded)),
        _ => text::mended(&bytes),
    };
    let mut response = response.map(|body| match body.bytes().and_then(changed) {
        Some(changed) => Body::from(changed),
        None if is_document => body::one_declaration(Body::new(body)),
        None => Body::new(body),
    });
    if is_head && response.headers().contains_key(CONTENT_RANGE) && response.status() == StatusCode::OK {
        // The library knows parts of what is read only.
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    // A page that lies in a bucket is not to act as if it were the door's own.
    let policy = HeaderValue::from_static("sandbox");
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response
}

/// Bytes of the largest document: the names of 10,000 parts, or of 1,000 files.
const LARGEST_DOCUMENT: usize = 2 << 20;

/// What the library may hold in memory before it knows who asks.
fn small() -> S3Config {
    let mut config = S3Config::default();
    config.xml_max_body_size = LARGEST_DOCUMENT;
    config.post_object_max_file_size = 0;
    config.form_max_fields_size = 1 << 16;
    config.form_max_field_size = 1 << 16;
    config
}

/// Buckets have the names that locations have.
struct Names;

impl NameValidation for Names {
    fn validate_bucket_name(&self, name: &str) -> bool {
        Location::new(format!("s3://{name}")).is_ok_and(|at| at.bucket() == name)
    }
}
