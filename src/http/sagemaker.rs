//! What the containers of SageMaker do beside MLflow's scoring protocol: predictions as lines of CSV, the header that
//! names a model, and what a batch transform should know of the server.

use axum::Json;
use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;

use super::auth::{KeyRing, require_key};
use super::protocols::Serving;
use super::rest::extract::BodyLimit;
use super::rest::problem::ApiError;
use crate::service::Error;
use crate::service::scoring::Scored;

/// The header that names a model of an endpoint with several.
pub const TARGET_MODEL: &str = "x-amzn-sagemaker-target-model";

/// The largest payload that SageMaker sends, in MiB.
const MOST_PAYLOAD: u64 = 100;

/// What a batch transform should know.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ExecutionParameters {
    max_concurrent_transforms: usize,
    batch_strategy: &'static str,
    #[serde(rename = "MaxPayloadInMB")]
    max_payload: u64,
}

/// How a batch transform should send its records.
pub async fn execution_parameters(
    State(serving): State<Serving>,
    Extension(BodyLimit(limit)): Extension<BodyLimit>,
    headers: HeaderMap,
) -> Result<Json<ExecutionParameters>, ApiError> {
    serving.named(&headers)?;
    Ok(Json(ExecutionParameters {
        max_concurrent_transforms: serving.predicting.service.limits().concurrent_predictions,
        batch_strategy: "MULTI_RECORD",
        max_payload: (limit >> 20).clamp(1, MOST_PAYLOAD),
    }))
}

/// Lets anyone ask for the model that the server was started for; asking for another needs a key.
pub async fn key_to_choose(ring: State<Arc<KeyRing>>, request: Request, next: Next) -> Response {
    match request.headers().contains_key(TARGET_MODEL) {
        true => require_key(ring, request, next).await,
        false => next.run(request).await,
    }
}

/// Whether the caller wants lines of CSV rather than JSON.
pub fn wants_lines(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut best = (0.0, false);
    for range in accepted.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let is_csv = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "text/csv" => true,
            "application/json" => false,
            _ => continue,
        };
        let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f64>().ok());
        let quality = quality.unwrap_or(1.0);
        if quality > best.0 {
            best = (quality, is_csv);
        }
    }
    best.1
}

/// Predictions as CSV: `label,score` or `score` on each line, without a header.
pub struct Lines {
    writer: csv::Writer<Vec<u8>>,
    with_scores: bool,
    number: Vec<u8>,
}

impl Lines {
    /// No lines yet; without scores only labels are written, and numbers.
    pub fn new(with_scores: bool) -> Self {
        Lines {
            writer: csv::WriterBuilder::new().flexible(true).from_writer(Vec::new()),
            with_scores,
            number: Vec::new(),
        }
    }

    /// Writes the line of one record.
    pub fn push(&mut self, scored: Scored<'_>) {
        self.number.clear();
        // Writing to memory cannot fail; numbers look as they do in JSON.
        let _ = serde_json::to_writer(&mut self.number, &scored.score());
        let label = scored.label();
        if let Some(label) = label {
            let _ = self.writer.write_field(label);
        }
        if self.with_scores || label.is_none() {
            let _ = self.writer.write_field(&self.number);
        }
        let _ = self.writer.write_record(None::<&[u8]>);
    }

    /// All lines.
    pub fn whole(self) -> Result<Vec<u8>, Error> {
        self.writer
            .into_inner()
            .map_err(|error| Error::internal("writing predictions", error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn lines_are_answered_to_those_who_prefer_them() {
        for (accept, expected) in [
            ("text/csv", true),
            ("text/csv, */*", true),
            ("TEXT/CSV; q=0.5, application/json; q=0.2", true),
            ("application/json, text/csv", false),
            ("text/csv; q=0.1, application/json", false),
            ("*/*", false),
            ("application/jsonlines", false),
            ("text/csv; q=0", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(wants_lines(&headers), expected, "{accept}");
        }
        assert!(!wants_lines(&HeaderMap::new()));
    }
}
