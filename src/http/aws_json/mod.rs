//! The protocol of Amazon Machine Learning, API 2014-12-12: one address, an operation in a header, JSON in and out.
//!
//! A façade like REST, over the same use cases: what one makes the other shows. Each file has the operations of one
//! resource.

pub mod address;
mod batch_predictions;
mod call;
mod data_sources;
mod databases;
mod endpoints;
mod error;
mod evaluations;
mod hints;
mod input;
mod listing;
mod models;
mod output;
mod predict;
pub mod signature;
mod signed;
mod tags;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;

use self::address::Reached;
use self::call::Call;
use self::error::Refusal;
use self::input::Input;
use super::auth::Caller;
use super::links::Links;
use super::predicting::{self, Predicting};
use crate::service::Service;
use crate::telemetry::Metrics;

pub use error::{REQUEST_ID, refusal, request_id};
pub use signed::require_signature;

/// What comes before the name of an operation.
const TARGET: &str = "AmazonML_20141212.";

/// The operation that comes thousands of times a second.
const PREDICT: &str = "Predict";

/// The header that names the operation.
pub(super) const TARGET_HEADER: &str = "x-amz-target";

/// The media type of answers.
pub const MEDIA_TYPE: &str = "application/x-amz-json-1.1";

/// Bytes of a request; the largest has a schema and a recipe.
const MOST_BYTES: u64 = 2 << 20;

/// What every operation has.
#[derive(Debug, Clone)]
struct Amazon {
    predicting: Predicting,
    links: Arc<Links>,
    reached: Reached,
}

/// Answers at every address: what is asked for is in the headers. Addresses in answers are those at which the server is
/// `reached`.
pub fn routes(service: Service, metrics: Arc<Metrics>, links: Arc<Links>, reached: Reached) -> Router {
    let predicting = Predicting { service, metrics };
    Router::new().fallback(answer).with_state(Amazon {
        predicting,
        links,
        reached,
    })
}

/// Whether a request to the root, or to an address that is nobody's, is one of Amazon's, even if it comes with a method by
/// which no operation is asked for.
pub fn is_meant(headers: &HeaderMap) -> bool {
    headers.contains_key(TARGET_HEADER)
}

/// Whether what is asked for is a prediction.
pub fn asks_for_prediction(headers: &HeaderMap) -> bool {
    operation(headers).is_ok_and(|operation| operation == PREDICT)
}

async fn answer(State(amazon): State<Amazon>, request: Request) -> Response {
    match amazon.answered(request).await {
        Ok(response) => response,
        Err(refusal) => refusal.into(),
    }
}

impl Amazon {
    async fn answered(&self, request: Request) -> Result<Response, Refusal> {
        let operation = operation(request.headers())?;
        let caller = request.extensions().get::<Caller>().cloned().unwrap_or_default();
        let base = self.reached.base(request.uri(), request.headers());
        // Whoever asks at an address with a path may find no other way through what lies between.
        let endpoint = format!("{base}{}", request.uri().path().trim_end_matches('/'));
        let body = predicting::body::read_within(request, MOST_BYTES).await?;
        let input = Input::read(&body)?;
        if operation == PREDICT {
            return predict::predict(&self.predicting, &input, caller, body).await;
        }
        let call = Call {
            service: &self.predicting.service,
            caller: &caller,
            base,
            endpoint,
            links: &self.links,
            operation: &operation,
            input: &input,
        };
        let answer = call.answer().await?;
        Ok(answered(&answer))
    }
}

fn answered(answer: &Value) -> Response {
    let mut response = Response::new(answer.to_string().into());
    error::labelled(&mut response);
    response
}

/// The name of the operation that the headers ask for.
fn operation(headers: &HeaderMap) -> Result<String, Refusal> {
    let target = headers
        .get(TARGET_HEADER)
        .map(|target| target.to_str().unwrap_or("?"));
    let Some(target) = target else {
        return Err(Refusal::unknown(format!(
            "the header X-Amz-Target is missing; send `{TARGET}` and the name of an operation in it"
        )));
    };
    match target.strip_prefix(TARGET) {
        Some(operation) => Ok(operation.to_owned()),
        None => {
            let target: String = target.chars().take(100).collect();
            Err(Refusal::unknown(format!(
                "`{target}` is no operation of this service; they begin with `{TARGET}`"
            )))
        }
    }
}
