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
use crate::service::limits::Limits;
use crate::service::scoring::Scored;

/// The header that names a model of an endpoint with several.
pub const TARGET_MODEL: &str = "x-amzn-sagemaker-target-model";

/// The largest payload that SageMaker sends, alone and with those that it sends at the same time, in MiB.
const MOST_PAYLOAD: usize = 100;

/// What a batch transform should know.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ExecutionParameters {
    max_concurrent_transforms: usize,
    batch_strategy: &'static str,
    #[serde(rename = "MaxPayloadInMB")]
    max_payload: usize,
}

impl ExecutionParameters {
    /// What is always accepted for a model that reads lines of so many columns, with bodies of so many bytes at most.
    ///
    /// A transform packs lines by size and does not count them, so a payload may be as large as the most records that
    /// are allowed, if all their fields are empty. Where that is less than the least payload that can be told, each line
    /// goes alone.
    fn of(columns: usize, body_bytes: u64, limits: &Limits) -> Self {
        // Fields that are empty leave commas and the end of the line; a line without anything is none.
        let shortest_line = columns.max(2);
        let packed = limits.records.saturating_mul(shortest_line) >> 20;
        let body = usize::try_from(body_bytes >> 20).unwrap_or(usize::MAX);
        let (batch_strategy, payload) = match packed {
            0 => ("SINGLE_RECORD", limits.record_bytes >> 20),
            packed => ("MULTI_RECORD", packed),
        };
        let max_payload = payload.min(body).clamp(1, MOST_PAYLOAD);
        ExecutionParameters {
            max_concurrent_transforms: limits.concurrent_predictions.min(MOST_PAYLOAD / max_payload),
            batch_strategy,
            max_payload,
        }
    }
}

/// How a batch transform should send its records.
pub async fn execution_parameters(
    State(serving): State<Serving>,
    Extension(BodyLimit(limit)): Extension<BodyLimit>,
    headers: HeaderMap,
) -> Result<Json<ExecutionParameters>, ApiError> {
    let service = &serving.predicting.service;
    let model = service.answering(&serving.named(&headers)?).await?;
    let schema = model.predictor().schema();
    let columns = schema.attributes.len() - usize::from(schema.target_index().is_some());
    Ok(Json(ExecutionParameters::of(columns, limit, service.limits())))
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
    fn what_is_advised_is_never_more_than_is_taken() {
        let limits = Limits::default();
        for (columns, body_mib, strategy, payload, at_once) in [
            (1, 16, "SINGLE_RECORD", 1, 64),
            (104, 16, "SINGLE_RECORD", 1, 64),
            (105, 16, "MULTI_RECORD", 1, 64),
            (700, 16, "MULTI_RECORD", 6, 16),
            (700, 4, "MULTI_RECORD", 4, 25),
            (100_000, 16, "MULTI_RECORD", 16, 6),
        ] {
            let advised = ExecutionParameters::of(columns, body_mib << 20, &limits);
            let expected = ExecutionParameters {
                max_concurrent_transforms: at_once,
                batch_strategy: strategy,
                max_payload: payload,
            };
            assert_eq!(advised, expected, "{columns} columns");
            let lines = (payload << 20) / columns.max(2);
            assert!(lines <= limits.records || strategy == "SINGLE_RECORD");
        }
    }

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
