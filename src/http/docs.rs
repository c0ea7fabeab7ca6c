//! The OpenAPI document and the interactive reference that reads it. Everything is in the binary,
//! so both work offline.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Where the document lives.
pub const DOCUMENT: &str = "/openapi.yaml";

/// `/openapi.yaml` and `/docs`.
pub fn routes(api: &OpenApi) -> Result<Router, String> {
    let text = yaml(api)?;
    let document = get(async move || ([(CONTENT_TYPE, "application/yaml")], text.clone()));
    // By default the page asks a validator on the internet whether the document is valid.
    let config = Config::from(DOCUMENT)
        .validator_url("none")
        .try_it_out_enabled(true);
    Ok(Router::new()
        .route(DOCUMENT, document)
        .merge(SwaggerUi::new("/docs").config(config)))
}

/// The document as YAML.
pub fn yaml(api: &OpenApi) -> Result<String, String> {
    api.to_yaml()
        .map_err(|error| format!("writing the OpenAPI document: {error}"))
}
