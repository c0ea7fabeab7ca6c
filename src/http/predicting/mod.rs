//! What every protocol of predictions has in common: a body is read within bounds, its records are scored by the
//! same scorer, and what was scored is counted. A façade says how records are written and how answers look.

pub mod columns;
pub mod json;
pub mod reader;
pub mod table;
pub mod written;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;

use super::access::Frequent;
use super::rest::extract::{BodyLimit, DEFAULT_BODY_LIMIT, body_within, content_length};
use crate::service::answering::Answering;
use crate::service::scoring::{Oddity, Scorer, Tally};
use crate::service::{Error, Service};
use crate::telemetry::Metrics;
use crate::telemetry::models::ModelMetrics;

/// Answers predictions; cheap to clone.
#[derive(Debug, Clone)]
pub struct Predicting {
    /// The use cases.
    pub service: Service,
    /// Where predictions are counted.
    pub metrics: Arc<Metrics>,
}

/// A request that was read: its records, scored one after the other.
pub struct Work<'w> {
    /// The model that answers.
    pub model: &'w Answering,
    /// Puts records together and scores them.
    pub scorer: &'w mut Scorer,
    /// The body as it was sent.
    pub body: &'w [u8],
    /// Records that are allowed at once.
    pub most_records: usize,
    /// Bytes that one record may have.
    pub most_bytes: usize,
}

impl Predicting {
    /// Reads the body of `request` and does `work` with the model of that name, on this thread or, where it may take
    /// long, on one of its own. Returns the model with what `work` made.
    pub async fn answer<T: Send + 'static>(
        &self,
        model: &str,
        request: Request,
        work: impl FnOnce(Work<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let begun = Instant::now();
        let service = &self.service;
        let announced = content_length(request.headers());
        let place = match service.is_large(announced) {
            true => Some(service.place()?),
            false => None,
        };
        let body = read(request).await?;
        let model = service.answering(model).await?;
        let metrics = self.metrics.model(model.id());
        let limits = service.limits();
        let (most_records, most_bytes) = (limits.records, limits.record_bytes);
        let bytes = body.len();
        let done = move |model: &Answering, scorer: &mut Scorer| {
            let result = work(Work {
                model,
                scorer,
                body: &body,
                most_records,
                most_bytes,
            });
            (result, scorer.take_tally())
        };
        let (result, tally) = service.score(model, bytes, place, done).await?;
        if result.is_ok() {
            count(&metrics, &tally, begun.elapsed());
        }
        result
    }
}

/// The answer to a request for predictions.
pub fn answered(body: Vec<u8>, media_type: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    let media_type = HeaderValue::from_static(media_type);
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response.extensions_mut().insert(Frequent);
    response
}

fn count(metrics: &ModelMetrics, tally: &Tally, elapsed: Duration) {
    metrics.answered(tally.records, elapsed);
    metrics.scored(&tally.scores);
    let oddities = Oddity::ALL.iter().zip(tally.oddities);
    for (oddity, count) in oddities.filter(|(_, count)| *count > 0) {
        metrics.warned(oddity.code(), count);
    }
}

async fn read(request: Request) -> Result<Bytes, Error> {
    let limit = request.extensions().get::<BodyLimit>();
    let limit = limit.map_or(DEFAULT_BODY_LIMIT, |limit| limit.0);
    body_within(request, limit).await
}
