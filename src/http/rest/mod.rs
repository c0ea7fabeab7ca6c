//! REST: the resources below `/v1` and how their errors look.
//!
//! A resource file holds its wire structs, their conversions and its handlers, in that order.
//! Handlers extract, call one use case and convert; nothing here decides anything.

pub mod extract;
pub mod problem;

use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// Routes in two groups, because they are bounded differently.
#[derive(Clone, Default)]
pub struct Routes {
    /// Small JSON in, small JSON out, answered within the request timeout.
    pub ordinary: OpenApiRouter,
    /// Uploads, downloads and events: as long and as large as they need to be.
    pub streaming: OpenApiRouter,
}

/// The head of the OpenAPI document; the paths come from the routes themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Yosoku",
        description = "Bring a CSV, get a trained and evaluated model that answers in batch and in real time.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(problem::Problem, problem::ProblemEntry))
)]
pub struct Head;

/// The OpenAPI document without paths.
pub fn head() -> utoipa::openapi::OpenApi {
    let mut head = Head::openapi();
    head.info.version = env!("CARGO_PKG_VERSION").to_owned();
    head
}
