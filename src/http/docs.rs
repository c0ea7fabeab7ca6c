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
