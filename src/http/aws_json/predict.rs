//! Predictions in real time, for one record.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::MEDIA_TYPE;
use super::error::Refusal;
use super::input::Input;
use crate::http::auth::Caller;
use crate::http::predicting::reader::{At, Reader, Stopped};
use crate::http::predicting::{self, Asked, Predicting, Work};
use crate::ml::Task;
use crate::ml::draft::Written;
use crate::service::Error;
use crate::service::scoring::Scored;

/// Bytes that a record may have, names and values together.
const MOST_BYTES: usize = 100 << 10;

const AT: At = At {
    base: "/Record",
    index: None,
};

/// Answers for a model whose endpoint is READY. The host in the request is where the client has been told to ask, and
/// means nothing else.
pub(super) async fn predict(
    predicting: &Predicting,
    input: &Input,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Refusal> {
    let begun = Instant::now();
    let id = input.id("MLModelId")?;
    let record = record(input)?;
    mounted(predicting, &id).await?;
    let asked = Asked {
        caller,
        begun,
        place: None,
    };
    let work = move |work: Work<'_>| scored(work, &record);
    let answer = predicting.answer_read(&id, asked, body, work).await?;
    Ok(predicting::answered(
        answer.value.to_string().into_bytes(),
        MEDIA_TYPE,
    ))
}

/// Refuses a model that has no endpoint that is READY.
async fn mounted(predicting: &Predicting, id: &str) -> Result<(), Refusal> {
    let model = predicting
        .service
        .answering(id)
        .await
        .map_err(Refusal::of_predict)?;
    match model.is_mounted() {
        true => Ok(()),
        false => Err(Refusal::not_mounted(format!(
            "MLModel `{id}` has no real-time endpoint that is READY; create one with CreateRealtimeEndpoint"
        ))),
    }
}

/// The record, within its bounds.
fn record(input: &Input) -> Result<Arc<Vec<(String, String)>>, Refusal> {
    if input.required("PredictEndpoint")?.is_empty() {
        return Err(Refusal::missing("PredictEndpoint"));
    }
    if !input.members().contains_key("Record") {
        return Err(Refusal::missing("Record"));
    }
    let record = input.texts("Record")?;
    let bytes: usize = record.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MOST_BYTES {
        return Err(Refusal::invalid(format!(
            "the record has {bytes} bytes; it may have {MOST_BYTES}"
        )));
    }
    Ok(Arc::new(record.into_iter().collect()))
}

fn scored(work: Work<'_>, record: &[(String, String)]) -> Result<Value, Error> {
    let mut prediction = Value::Null;
    let mut each = |scored: Scored<'_>, _: At| prediction = told(scored);
    let mut reader = Reader::new(work, false, &mut each);
    // Why reading has stopped, the reader tells at the end.
    let _: Result<(), Stopped> = read(&mut reader, record);
    reader.finish(None)?;
    Ok(json!({"Prediction": prediction}))
}

fn read(reader: &mut Reader<'_>, record: &[(String, String)]) -> Result<(), Stopped> {
    reader.begin()?;
    for (expected, (name, value)) in record.iter().enumerate() {
        match reader.find(name, expected) {
            // All values are texts here, so that it is not odd that a number is one.
            Some(attribute) => reader.set(attribute, value, Written::Plain, AT)?,
            None => reader.set_unknown(name, value, AT)?,
        }
    }
    reader.end(AT);
    Ok(())
}

fn told(scored: Scored<'_>) -> Value {
    let task = scored.model().task();
    let (kind, mut told) = match task {
        Task::Regression => ("REGRESSION", json!({"predictedValue": scored.score()})),
        // The score is always that of label 1.
        Task::Binary => {
            let label = if scored.class == Some(1) { "1" } else { "0" };
            (
                "BINARY",
                json!({"predictedLabel": label, "predictedScores": {label: scored.score()}}),
            )
        }
        Task::Multiclass => {
            let scores = scored
                .probabilities()
                .map(|(label, score)| (label.to_owned(), Value::from(score)));
            let scores: Map<String, Value> = scores.collect();
            (
                "MULTICLASS",
                json!({"predictedLabel": scored.label(), "predictedScores": scores}),
            )
        }
    };
    told["details"] = json!({"Algorithm": "SGD", "PredictiveModelType": kind});
    told
}
