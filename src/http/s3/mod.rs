//! The S3 door: a second listener at which clients of S3 put files into the buckets of this machine and fetch results.
//!
//! The crate s3s reads and writes the protocol and checks signatures; what is asked for is done by the same use cases
//! as everything else. What a bucket here cannot do (versions, access lists, tags, copies) is refused by its name.

mod auth;
mod body;
mod chunks;
mod conditions;
mod error;
mod known;
mod list;
mod multipart;
mod objects;
mod open;
mod sums;
mod unkept;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderValue, Method};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::validation::NameValidation;
use tokio::sync::Semaphore;

use self::objects::Buckets;
use super::access::{self, Observing};
use super::auth::Access;
use super::layers::{self, Limits};
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
}

/// The door, complete with the layers that every listener has.
pub fn router(parts: Parts) -> Router {
    let Parts {
        service,
        access,
        limits,
        metrics,
        open,
    } = parts;
    let is_open = matches!(access, Access::Open);
    let observing = Arc::new(Observing::new(metrics, open, is_open));
    let mut builder = S3ServiceBuilder::new(Buckets::new(service, limits.upload));
    builder.set_validation(Names);
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(small()))));
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

async fn answered(door: &S3Service, request: Request) -> Response {
    let is_long = request.method() == Method::POST;
    match door
        .call(request.map(|body| s3s::Body::http_body_unsync(body::patient(body))))
        .await
    {
        Ok(response) => {
            let mut response = response.map(|body| match is_long {
                true => body::one_declaration(axum::body::Body::new(body)),
                false => axum::body::Body::new(body),
            });
            // A page that lies in a bucket is not to act as if it were the door's own.
            let policy = HeaderValue::from_static("sandbox");
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
            response
        }
        Err(error) => error::unanswered(error),
    }
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
