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
use bytes::BytesMut;
use futures_util::StreamExt;

use super::access::Frequent;
use super::auth::Caller;
use super::rest::extract::{BodyLimit, DEFAULT_BODY_LIMIT, check_length, content_length};
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
}

impl Predicting {
    /// Reads the body of `request` and does `work` with the model of that name, on this thread or, where it may take
    /// long, on one of its own. Where that model has a shadow, `work` is done with that too, afterwards and unseen.
    pub async fn answer<T: Send + 'static>(
        &self,
        model: &str,
        request: Request,
        work: impl Fn(Work<'_>) -> Result<T, Error> + Clone + Send + 'static,
    ) -> Result<T, Error> {
        let begun = Instant::now();
        let announced = content_length(request.headers());
        let place = match self.service.is_large(announced) {
            true => Some(self.service.place()?),
            false => None,
        };
        let caller = request.extensions().get::<Caller>().cloned().unwrap_or_default();
        let body = read(request, PATIENCE).await?;
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
    ) -> Result<T, Error> {
        let model = self.service.answering(model).await?;
        let shadow = model.member().and_then(|member| member.shadow.clone());
        let again = shadow.map(|shadow| (shadow, work.clone(), body.clone(), model.clone()));
        let metrics = self.metrics.model(model.id());
        let answering = model.clone();
        let (result, tally) = self.scored(model, body, asked.place, work).await?;
        if result.is_ok() {
            count(&metrics, &tally, asked.begun.elapsed());
            let owner = asked.caller.name();
            self.service.answered(answering.id(), &owner, tally.records);
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
        result
    }

    async fn scored<T: Send + 'static>(
        &self,
        model: Answering,
        body: Bytes,
        place: Option<Place>,
        work: impl Fn(Work<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<(Result<T, Error>, Tally), Error> {
        let limits = self.service.limits();
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
        self.service.score(model, bytes, place, done).await
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
            let (result, tally) = self.scored(second.clone(), body, place, work).await?;
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

/// A body has this long to arrive, and a second more for every so many bytes that have.
const PATIENCE: Duration = Duration::from_secs(10);
const BYTES_A_SECOND: u64 = 64 << 10;

/// The whole body, of at most so many bytes, or fewer where the server allows no more.
pub async fn read_within(mut request: Request, most: u64) -> Result<Bytes, Error> {
    let limit = request
        .extensions()
        .get::<BodyLimit>()
        .map_or(most, |limit| limit.0.min(most));
    request.extensions_mut().insert(BodyLimit(limit));
    read(request, PATIENCE).await
}

/// The whole body. One that is too large is refused, and one that arrives too slowly is given up, because those who
/// send a byte now and then would take the places of others.
async fn read(request: Request, patience: Duration) -> Result<Bytes, Error> {
    let limit = request.extensions().get::<BodyLimit>();
    let limit = limit.map_or(DEFAULT_BODY_LIMIT, |limit| limit.0);
    check_length(request.headers(), limit, "the request body")?;
    let begun = tokio::time::Instant::now();
    let mut chunks = request.into_body().into_data_stream();
    let mut whole = Bytes::new();
    let mut more = BytesMut::new();
    loop {
        let received = (whole.len() + more.len()) as u64;
        let patience = patience + Duration::from_secs(received / BYTES_A_SECOND);
        let next = tokio::time::timeout_at(begun + patience, chunks.next()).await;
        let next = next.map_err(|_| {
            let message = format!("only {received} bytes arrived in {} s", patience.as_secs());
            Error::unavailable("upload_stalled", message)
        })?;
        let Some(chunk) = next else { break };
        let chunk = chunk.map_err(|_| {
            Error::invalid("incomplete_body", "the request body ended before it was complete")
        })?;
        if received + chunk.len() as u64 > limit {
            let what = "the request body";
            return Err(Error::TooLarge { what, limit });
        }
        // Most bodies arrive in one piece and are not copied.
        if received == 0 {
            whole = chunk;
        } else {
            more.extend_from_slice(&std::mem::take(&mut whole));
            more.extend_from_slice(&chunk);
        }
    }
    Ok(if more.is_empty() { whole } else { more.freeze() })
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    fn request(body: Body) -> Request {
        let mut request = Request::new(body);
        request.extensions_mut().insert(BodyLimit(10));
        request
    }

    fn chunks(chunks: &[&'static str]) -> Vec<Result<Bytes, std::io::Error>> {
        let chunk = |chunk: &&'static str| Ok(Bytes::from_static(chunk.as_bytes()));
        chunks.iter().map(chunk).collect()
    }

    async fn reading(parts: &[&'static str]) -> Result<Bytes, Error> {
        let body = Body::from_stream(stream::iter(chunks(parts)));
        read(request(body), PATIENCE).await
    }

    #[tokio::test]
    async fn a_body_is_read_whole_and_within_its_limit() {
        let cases: [(&[&str], &str); 3] = [
            (&[], ""),
            (&["abc"], "abc"),
            (&["abc", "", "def", "ghij"], "abcdefghij"),
        ];
        for (parts, whole) in cases {
            assert_eq!(reading(parts).await.unwrap(), whole);
        }
        let refused = reading(&["abcdef", "ghijk"]).await.unwrap_err();
        assert_eq!(refused.code(), "too_large");
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_or_stalls_is_given_up() {
        let mut broken = chunks(&["ab"]);
        broken.push(Err(std::io::Error::other("gone")));
        let broken = Body::from_stream(stream::iter(broken));
        let error = read(request(broken), PATIENCE).await.unwrap_err();
        assert_eq!(error.code(), "incomplete_body");

        let silent = stream::iter(chunks(&["abc"])).chain(stream::pending());
        let patience = Duration::from_millis(20);
        let error = read(request(Body::from_stream(silent)), patience)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "upload_stalled");
        assert!(error.to_string().contains("only 3 bytes"), "{error}");
    }
}
