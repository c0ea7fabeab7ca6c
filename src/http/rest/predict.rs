//! `/v1/models/{id}/predict`: answers now, for records in the request.
//!
//! A record is an object of fields, or an array of values in the order of the model's columns, with or without the
//! target; or all records are CSV. What a field means is decided where every other field is read; see
//! [`crate::http::predicting::json`] for how values of JSON become text.

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::extract::{Path, Query, is_json, media_type};
use super::models::ModelType;
use super::problem::{ApiError, Problem};
use crate::http::predicting::reader::{At, Reader};
use crate::http::predicting::table::{self, Header};
use crate::http::predicting::written::{Explanation, Shares, Warning, Warnings, is_zero};
use crate::http::predicting::{Work, json};
use crate::service::answering::Answering;
use crate::service::scoring::{Oddity, Scored};
use crate::service::{Error, FieldProblem};

/// What to predict: one record or several.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "describes a body that is read without being held in memory"
)]
pub struct PredictRequest {
    /// One record: fields by name, or an array of values in the order of the model's columns. Texts count as they
    /// are, numbers as they are written (1.50 stays `1.50`), null is a missing value.
    #[schema(value_type = Option<Object>)]
    record: Option<()>,
    /// Several records, at most 10,000; each as in `record`.
    #[schema(value_type = Option<Vec<Object>>)]
    records: Option<()>,
}

/// How to predict.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PredictQuery {
    /// Whether to say what each field contributed.
    #[serde(default)]
    explain: bool,
}

/// Predictions in the order of the records.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes an answer that is written piece by piece")]
pub struct PredictAnswer<'a> {
    #[schema(inline)]
    #[serde(flatten)]
    head: AnswerHead<'a>,
    /// The prediction for `record`.
    prediction: Option<Prediction<'a>>,
    /// One prediction for each of `records`, or of the lines of a CSV.
    predictions: Option<Vec<Prediction<'a>>>,
    /// What was odd about the request itself.
    warnings: Option<Vec<Warning<'a>>>,
}

/// Who answers.
#[derive(Serialize, ToSchema)]
pub struct AnswerHead<'a> {
    /// The model.
    model: &'a str,
    /// The hash of what the model learned.
    model_hash: &'a str,
    /// The question it answers.
    #[serde(rename = "type")]
    task: ModelType,
    /// The family by which the model was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    family: Option<&'a str>,
    /// The model's number in that family.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
}

/// The prediction for one record.
#[derive(Serialize, ToSchema)]
pub struct Prediction<'s> {
    /// The answered label; absent for a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'s str>,
    /// Binary: the probability of the positive label. Multiclass: the probability of `label`.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    /// The predicted number; regression only.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// The probability of each label; absent for a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    probabilities: Option<Shares<'s>>,
    /// Scores of at least this are answered with the positive label; binary only.
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    /// What was odd about the record; the prediction was made all the same.
    #[schema(value_type = Vec<Warning>)]
    warnings: Warnings<'s>,
    /// How many further warnings were left out.
    #[serde(skip_serializing_if = "is_zero")]
    more_warnings: u64,
    /// Why, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation<'s>>,
}

impl<'s> From<Scored<'s>> for Prediction<'s> {
    fn from(scored: Scored<'s>) -> Self {
        let is_label = scored.class.is_some();
        Prediction {
            label: scored.label(),
            score: is_label.then(|| scored.score()),
            value: (!is_label).then(|| scored.score()),
            probabilities: Shares::of(scored),
            threshold: scored.model().threshold(),
            warnings: Warnings::of(scored),
            more_warnings: scored.more_warnings(),
            explanation: Explanation::of(scored),
        }
    }
}

/// An answer that is written while records are scored, so that none has to be kept.
struct Answer {
    json: Vec<u8>,
    /// Whether predictions are a list; none before the first.
    is_list: Option<bool>,
}

impl Answer {
    fn begin(model: &Answering, capacity: usize) -> Self {
        let head = AnswerHead {
            model: model.id(),
            model_hash: model.predictor().hash(),
            task: model.task().into(),
            family: model.member().map(|member| member.family.as_str()),
            version: model.member().map(|member| member.version),
        };
        let mut answer = Answer {
            json: Vec::with_capacity(capacity),
            is_list: None,
        };
        answer.write(&head);
        // More members follow.
        answer.json.pop();
        answer
    }

    fn push(&mut self, scored: Scored<'_>, at: At) {
        let before: &[u8] = match (self.is_list, at.index) {
            (None, None) => b",\"prediction\":",
            (None, Some(_)) => b",\"predictions\":[",
            (Some(_), _) => b",",
        };
        self.json.extend_from_slice(before);
        self.is_list = Some(at.index.is_some());
        self.write(&Prediction::from(scored));
    }

    fn end(mut self, unknown: &[String]) -> Vec<u8> {
        if self.is_list == Some(true) {
            self.json.push(b']');
        }
        if !unknown.is_empty() {
            let warning = |field| Warning {
                field,
                code: Oddity::UnknownField.code(),
                value: None,
            };
            let warnings: Vec<Warning<'_>> = unknown.iter().map(|field| warning(field)).collect();
            self.json.extend_from_slice(b",\"warnings\":");
            self.write(&warnings);
        }
        self.json.push(b'}');
        self.json
    }

    fn write(&mut self, part: &impl Serialize) {
        // Writing to memory cannot fail, nor can these types be refused.
        let _ = serde_json::to_writer(&mut self.json, part);
    }
}

/// What the body is.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Csv(Header),
}

impl Form {
    fn of(request: &Request) -> Result<Self, ApiError> {
        let headers = request.headers();
        if is_json(headers) {
            return Ok(Form::Json);
        }
        match media_type(headers).as_deref() {
            Some("text/csv") => {
                let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
                Ok(Form::Csv(Header::of(declared.unwrap_or_default())?))
            }
            _ => {
                let detail = "this address takes `application/json` or `text/csv`";
                Err(Problem::protocol("unsupported_media", detail).into())
            }
        }
    }
}

/// Bytes of an answer besides its predictions, about.
const HEAD_BYTES: usize = 512;

/// Reads the records of a body, scores them, and writes the answer.
fn answered(work: Work<'_>, form: Form, explain: bool) -> Result<Vec<u8>, Error> {
    let body = work.body;
    let mut answer = Answer::begin(work.model, body.len() + HEAD_BYTES);
    let mut each = |scored: Scored<'_>, at: At| answer.push(scored, at);
    let mut reader = Reader::new(work, explain, &mut each);
    let mut asked = json::Asked::default();
    let broken = match form {
        Form::Json => match json::read(json::text(body)?, json::Request { reader: &mut reader }) {
            Ok(found) => {
                asked = found;
                asked.single.is_none().then(nothing_asked)
            }
            Err(error) => Some(error),
        },
        Form::Csv(header) => table::read(&mut reader, header).err(),
    };
    if reader.finish(broken)? == 0 {
        let message = "no records are given; give at least one";
        return Err(Error::field("/records", "missing_field", message));
    }
    Ok(answer.end(&asked.unknown))
}

fn nothing_asked() -> Error {
    let message = "give exactly one of `record` and `records`";
    Error::InvalidInput {
        code: "invalid_input",
        message: message.to_owned(),
        problems: Vec::<FieldProblem>::new(),
    }
}

/// Predict now
///
/// Unknown fields are warnings, and so are values that the model has not met in training. A CSV has a header if its
/// first line names a column that the model learned from; `text/csv; header=present` or `header=absent` decides.
#[utoipa::path(post, path = "/v1/models/{id}/predict", tag = "Models",
    params(
        ("id" = String, Path, description = "The model, or a family's version as `fraud@production`, `fraud@3` or `fraud@latest`"),
        PredictQuery
    ),
    request_body(content(
        (PredictRequest = "application/json"),
        (String = "text/csv", example = "mean_radius,mean_texture\n17.99,10.38\n"),
    )),
    responses((status = 200, description = "One prediction for each record", body = PredictAnswer)))]
pub(super) async fn predict(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(query): Query<PredictQuery>,
    request: Request,
) -> Result<Response, ApiError> {
    let form = Form::of(&request)?;
    let work = move |work: Work<'_>| answered(work, form, query.explain);
    let answer = api.predicting().answer(&id, request, work).await?;
    Ok(answer.response("application/json"))
}
