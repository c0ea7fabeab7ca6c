//! The OpenAPI document and the interactive reference that reads it. Everything is in the binary,
//! so both work offline.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::aws_json;
use super::layers::unknown_method;
use super::rest::problem::ApiError;
use crate::service::Error;

/// Where the document lives.
pub const DOCUMENT: &str = "/openapi.yaml";

/// `/openapi.yaml` and `/docs`. The document is made when it is first asked for: it takes longer than all else that a
/// start has to do.
pub fn routes(make: impl Fn() -> OpenApi + Send + Sync + 'static) -> Router {
    let text: Arc<OnceLock<Result<Bytes, String>>> = Arc::default();
    let make = Arc::new(make);
    let document = get(async move || -> Result<Response, ApiError> {
        let text = text.get_or_init(|| yaml(&make()).map(Bytes::from)).clone();
        let text = text.map_err(|error| Error::internal("writing the OpenAPI document", error))?;
        Ok(([(CONTENT_TYPE, "application/yaml")], text).into_response())
    });
    // By default the page asks a validator on the internet whether the document is valid.
    let config = Config::from(DOCUMENT)
        .validator_url("none")
        .try_it_out_enabled(true);
    Router::new()
        .route(DOCUMENT, document)
        .merge(SwaggerUi::new("/docs").config(config))
}

/// Who opens the address that the program prints, in a browser, finds the reference. Programs have nothing to find there.
pub async fn welcome(request: Request) -> Response {
    let accept = request
        .headers()
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok());
    let is_browser = accept.is_some_and(|kinds| kinds.contains("text/html"));
    match is_browser && !aws_json::is_meant(request.headers()) {
        true => Redirect::to("/docs").into_response(),
        false => unknown_method(request).await.into_response(),
    }
}

/// The document as YAML, in the subset on which old and new readers agree.
pub fn yaml(api: &OpenApi) -> Result<String, String> {
    let text = api
        .to_yaml()
        .map_err(|error| format!("writing the OpenAPI document: {error}"))?;
    let lines: Vec<String> = text.lines().map(quoted).collect();
    Ok(lines.join("\n") + "\n")
}

/// Puts quotes around a bare time: YAML 1.1 reads it as a time, YAML 1.2 as text.
fn quoted(line: &str) -> String {
    match line.rsplit_once(": ") {
        Some((name, value)) if is_time(value) => format!("{name}: '{value}'"),
        _ => line.to_owned(),
    }
}

fn is_time(value: &str) -> bool {
    let shape = value
        .bytes()
        .take(11)
        .map(|b| if b.is_ascii_digit() { b'0' } else { b });
    shape.eq(*b"0000-00-00T") && value.ends_with('Z')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_times_are_quoted_and_nothing_else() {
        assert_eq!(
            quoted("  created_at: 2026-01-01T00:00:03.000000Z"),
            "  created_at: '2026-01-01T00:00:03.000000Z'"
        );
        for same in [
            "  a: '2026-01-01T00:00:03.000000Z'",
            "  a: 2026-01-01",
            "description: T: Z",
            "x:",
        ] {
            assert_eq!(quoted(same), same);
        }
    }
}
