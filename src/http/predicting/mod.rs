//! What every protocol of predictions has in common: a body is read within bounds, its records are scored by the
//! same scorer, and what was scored is counted. A façade says how records are written and how answers look.

pub mod body;
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

use super::access::{Frequent, hold};
use super::auth::Caller;
use crate::service::answering::Answering;
use crate::service::error::chain;
use crate::service::realtime::Place;
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

/// Who asks for predictions, since when, and where they are worked on.
pub struct Asked {
    /// Who asks.
    pub caller: Caller,
    /// When the request came.
    pub begun: Instant,
    /// The place among large requests, if it has one.
    pub place: Option<Place>,
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
    /// Records that may be explained at once.
    pub most_explained: usize,
}

/// What was answered, and the place that it takes until its last byte is sent.
pub struct Answer<T> {
    /// What the work gave.
    pub value: T,
    place: Option<Place>,
}

impl Answer<Vec<u8>> {
    /// As a response of a media type.
    pub fn response(self, media_type: &'static str) -> Response {
        let response = answered(self.value, media_type);
        match self.place {
            Some(place) => hold(response, place),
            None => response,
        }
    }
}

impl Predicting {
    /// Reads the body of `request` and does `work` with the model of that name, on this thread or, where it may take
    /// long, on one of its own. Where that model has a shadow, `work` is done with that too, afterwards and unseen.
    pub async fn answer<T: Send + 'static>(
        &self,
        model: &str,
        request: Request,
        work: impl Fn(Work<'_>) -> Result<T, Error> + Clone + Send + 'static,
    ) -> Result<Answer<T>, Error> {
        let begun = Instant::now();
        let mut place = None;
        let arrived = |bytes| {
            if place.is_none() && self.service.is_large(bytes) {
                place = Some(self.service.place()?);
            }
            Ok(())
        };
        let caller = request.extensions().get::<Caller>().cloned().unwrap_or_default();
        let body = body::read(request, body::PATIENCE, arrived).await?;
        let asked = Asked { caller, begun, place };
        self.answer_read(model, asked, body, work).await
    }

    /// The same for a body that was read already.
    pub async fn answer_read<T: Send + 'static>(
        &self,
        model: &str,
        asked: Asked,
        body: Bytes,
        work: impl Fn(Work<'_>) -> Result<T, Error> + Clone + Send + 'static,
    ) -> Result<Answer<T>, Error> {
        let model = self.service.answering(model).await?;
        let shadow = model.member().and_then(|member| member.shadow.clone());
        let again = shadow.map(|shadow| (shadow, work.clone(), body.clone(), model.clone()));
        let metrics = self.metrics.model(model.id());
        let answering = model.clone();
        let ((result, tally), place) = self.scored(model, body, asked.place, work).await?;
        if result.is_ok() {
            count(&metrics, &tally, asked.begun.elapsed());
            let (owner, key) = (asked.caller.name(), asked.caller.id());
            self.service
                .answered(answering.id(), (&owner, key), tally.records);
            if let Some((shadow, work, body, model)) = again {
                let (answers, predicting) = (tally.answers, self.clone());
                let compared = async move {
                    predicting
                        .compare(&model, &answers, shadow.as_str(), body, work)
                        .await;
                };
                tokio::spawn(compared);
            }
        }
        result.map(|value| Answer { value, place })
    }

    async fn scored<T: Send + 'static>(
        &self,
        model: Answering,
        body: Bytes,
        place: Option<Place>,
        work: impl Fn(Work<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<((Result<T, Error>, Tally), Option<Place>), Error> {
        let limits = self.service.limits();
        let (most_records, most_bytes) = (limits.records, limits.record_bytes);
        let attributes = model.predictor().schema().attributes.len().max(1);
        let most_explained = limits.explained_cells / attributes;
        let cells = body::most_records(&body).min(most_records) * attributes;
        let done = move |model: &Answering, scorer: &mut Scorer| {
            let result = work(Work {
                model,
                scorer,
                body: &body,
                most_records,
                most_bytes,
                most_explained,
            });
            (result, scorer.take_tally())
        };
        self.service.score(model, cells, place, done).await
    }

    /// Has a shadow answer what `model` has answered, and counts where they differ. A shadow that cannot keep up is
    /// left out, and that is counted too.
    async fn compare<T: Send + 'static>(
        &self,
        model: &Answering,
        answers: &[(Option<usize>, f64)],
        shadow: &str,
        body: Bytes,
        work: impl Fn(Work<'_>) -> Result<T, Error> + Send + 'static,
    ) {
        let metrics = self.metrics.shadow(model.id(), shadow);
        let scored = async {
            let place = Some(self.service.shadow_place()?);
            let second = self.service.answering(shadow).await?;
            let ((result, tally), _place) = self.scored(second.clone(), body, place, work).await?;
            result.map(|_| (second, tally))
        };
        let (second, tally) = match scored.await {
            Ok(scored) => scored,
            Err(error) => {
                tracing::debug!(shadow, error = chain(&error), "a shadow did not answer");
                return metrics.left_out(answers.len() as u64);
            }
        };
        let label = |model: &Answering, class: Option<usize>| {
            class.map(|class| model.predictor().target().label(class).to_owned())
        };
        for ((class, score), (second_class, second_score)) in answers.iter().zip(&tally.answers) {
            let agree = label(model, *class) == label(&second, *second_class);
            metrics.compared(agree, (score - second_score).abs());
        }
    }
}

/// An answer that is asked for often.
pub fn answered(body: Vec<u8>, media_type: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    let media_type = HeaderValue::from_static(media_type);
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response.extensions_mut().insert(Frequent);
    response
}

fn count(metrics: &ModelMetrics, tally: &Tally, elapsed: Duration) {
    metrics.answered(tally.records, elapsed);
    let scores = tally.answers.iter();
    metrics.scored(
        scores
            .filter(|(class, _)| class.is_some())
            .map(|(_, score)| *score),
    );
    let oddities = Oddity::ALL.iter().zip(tally.oddities);
    for (oddity, count) in oddities.filter(|(_, count)| *count > 0) {
        metrics.warned(oddity.code(), count);
    }
}
