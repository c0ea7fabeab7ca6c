//! `/v1/models/{id}/predict`: answers now, for records in the request.
//!
//! A record is an object of fields. Texts count as they are; numbers and booleans count as the JSON
//! text of their value, so that 1.50 is `1.5` and a number of many digits loses some; null is a
//! missing value. Codes and identifiers should be sent as texts to mean the same as in a CSV file.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::extract::{Json, Path, Query};
use super::models::{ModelType, escaped};
use super::problem::ApiError;
use crate::ml::Task;
use crate::service::answers::{Explained, FieldWarning, Predictions, Scored};
use crate::service::{Error, FieldProblem};

/// What to predict: one record or several.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PredictRequest {
    /// One record: fields by name. Send codes and identifiers as texts; a number counts as the text of
    /// its value, so that 1.50 is `1.5` and digits beyond those of a 64-bit float are lost.
    #[schema(value_type = Option<Object>)]
    record: Option<Value>,
    /// Several records, at most 10,000; fields as in `record`.
    #[schema(value_type = Option<Vec<Object>>)]
    records: Option<Vec<Value>>,
    /// Anything else is a warning.
    #[serde(flatten)]
    #[schema(ignore)]
    unknown: Map<String, Value>,
}

type Records = Vec<BTreeMap<String, String>>;

impl PredictRequest {
    /// The records as text by field name; the error points at every field that cannot be one.
    fn records(self) -> Result<Records, Error> {
        let (base, values) = match (self.record, self.records) {
            (Some(record), None) => ("/record", vec![record]),
            (None, Some(records)) => ("/records", records),
            _ => {
                let message = "give exactly one of `record` and `records`";
                return Err(Error::invalid("invalid_input", message));
            }
        };
        let single = base == "/record";
        let mut problems = Vec::new();
        let mut read = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            let at = if single {
                base.to_owned()
            } else {
                format!("{base}/{index}")
            };
            read.push(fields(value, &at, &mut problems));
        }
        match problems.first() {
            None => Ok(read),
            Some(first) => Err(Error::InvalidInput {
                code: "invalid_value",
                message: format!("{} at `{}`", first.detail, first.pointer),
                problems,
            }),
        }
    }
}

fn fields(record: Value, at: &str, problems: &mut Vec<FieldProblem>) -> BTreeMap<String, String> {
    let mut read = BTreeMap::new();
    let mut refuse = |pointer: String, detail: &str| {
        problems.push(FieldProblem::new(pointer, "invalid_value", detail));
    };
    let Value::Object(record) = record else {
        refuse(at.to_owned(), "a record must be an object of fields");
        return read;
    };
    for (name, value) in record {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Array(_) | Value::Object(_) => {
                let pointer = format!("{at}/{}", escaped(&name));
                refuse(pointer, "a field must be a text, a number, a boolean or null");
                continue;
            }
        };
        read.insert(name, text);
    }
    read
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
#[derive(Debug, Serialize, ToSchema)]
pub struct PredictAnswer {
    /// The model.
    model: String,
    /// The hash of what the model learned.
    model_hash: String,
    /// The question it answers.
    #[serde(rename = "type")]
    task: ModelType,
    /// The prediction for `record`; absent when `records` were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    prediction: Option<Prediction>,
    /// One prediction for each record.
    predictions: Vec<Prediction>,
    /// What was odd about the request itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

/// The prediction for one record.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Prediction {
    /// The answered label; absent for a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// Binary: the probability of the positive label. Multiclass: the probability of `label`.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    /// The predicted number; regression only.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// The probability of each label; absent for a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    probabilities: Option<Map<String, Value>>,
    /// Scores of at least this are answered with the positive label; binary only.
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    /// What was odd about the record; the prediction was made all the same.
    warnings: Vec<Warning>,
    /// How many further warnings were left out.
    #[serde(skip_serializing_if = "is_zero")]
    more_warnings: u64,
    /// Why, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation>,
}

/// One odd field.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Warning {
    /// The field.
    field: String,
    /// unknown_field, missing, invalid, out_of_range, unknown_category or unknown_words.
    code: String,
    /// The value, shortened.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

/// Why a record got its score: the baseline and all contributions add up to the score. The scale is
/// log-odds of the positive label, the class's score before it becomes a probability, or the number.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Explanation {
    /// What an average training row gets.
    baseline: f64,
    /// What each field adds.
    #[schema(value_type = Object)]
    contributions: Map<String, Value>,
    /// The sum.
    score: f64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl From<FieldWarning> for Warning {
    fn from(warning: FieldWarning) -> Self {
        Warning {
            field: warning.field,
            code: warning.code.to_owned(),
            value: warning.value,
        }
    }
}

impl From<Explained> for Explanation {
    fn from(explained: Explained) -> Self {
        let amounts = explained.contributions.into_iter();
        Explanation {
            baseline: explained.baseline,
            contributions: amounts.map(|(name, amount)| (name, amount.into())).collect(),
            score: explained.margin,
        }
    }
}

/// The probability of each label in class order. With two labels there is one score.
fn probabilities(task: Task, labels: &[String], scores: &[f64]) -> Option<Map<String, Value>> {
    let positive = scores.first().copied().unwrap_or_default();
    let all = match task {
        Task::Binary => vec![1.0 - positive, positive],
        Task::Multiclass => scores.to_vec(),
        Task::Regression => return None,
    };
    let pairs = labels.iter().cloned().zip(all);
    Some(pairs.map(|(label, share)| (label, share.into())).collect())
}

/// One prediction, read with the labels of its model.
fn prediction(task: Task, labels: &[String], threshold: Option<f64>, scored: Scored) -> Prediction {
    let first = scored.scores.first().copied();
    let (score, value) = match task {
        Task::Binary => (first, None),
        Task::Multiclass => (
            scored.class.and_then(|class| scored.scores.get(class).copied()),
            None,
        ),
        Task::Regression => (None, first),
    };
    Prediction {
        label: scored.class.and_then(|class| labels.get(class).cloned()),
        score,
        value,
        probabilities: probabilities(task, labels, &scored.scores),
        threshold,
        warnings: scored.warnings.into_iter().map(Warning::from).collect(),
        more_warnings: scored.more_warnings,
        explanation: scored.explanation.map(Explanation::from),
    }
}

impl PredictAnswer {
    fn new(made: Predictions, single: bool, warnings: Vec<Warning>) -> Self {
        let (task, labels, threshold) = (made.task, made.labels, made.threshold);
        let rows = made.rows.into_iter();
        let predictions: Vec<Prediction> = rows
            .map(|scored| prediction(task, &labels, threshold, scored))
            .collect();
        PredictAnswer {
            model: made.model.to_string(),
            model_hash: made.model_hash,
            task: task.into(),
            prediction: predictions.first().filter(|_| single).cloned(),
            predictions,
            warnings,
        }
    }
}

/// Predict now
///
/// Unknown fields are warnings, and so are values that the model has not met in training.
#[utoipa::path(post, path = "/v1/models/{id}/predict", tag = "Models",
    params(("id" = String, Path, description = "The model"), PredictQuery),
    request_body = PredictRequest,
    responses((status = 200, description = "One prediction for each record", body = PredictAnswer)))]
pub(super) async fn predict(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(query): Query<PredictQuery>,
    Json(request): Json<PredictRequest>,
) -> Result<Json<PredictAnswer>, ApiError> {
    let single = request.record.is_some();
    let unknown = request.unknown.keys().map(|field| Warning {
        field: field.clone(),
        code: "unknown_field".to_owned(),
        value: None,
    });
    let warnings = unknown.collect();
    let made = api
        .service
        .predict(&id, request.records()?, query.explain)
        .await?;
    let counter = api.metrics.predictions(made.model.as_str(), "realtime");
    counter.inc_by(made.rows.len() as u64);
    Ok(Json(PredictAnswer::new(made, single, warnings)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn records(body: Value) -> Result<Records, Error> {
        serde_json::from_value::<PredictRequest>(body).unwrap().records()
    }

    #[test]
    fn values_become_the_text_that_a_csv_file_would_hold() {
        let body = r#"{"record": {"a": 5.10, "b": 3, "c": true, "d": "x", "e": null, "f": 1e3, "g": -0.25}}"#;
        let read = records(serde_json::from_str(body).unwrap()).unwrap().remove(0);
        let pairs: Vec<_> = read.iter().map(|(name, text)| format!("{name}={text}")).collect();
        assert_eq!(pairs, ["a=5.1", "b=3", "c=true", "d=x", "f=1000.0", "g=-0.25"]);
    }

    #[test]
    fn every_value_that_is_none_is_pointed_at() {
        let error = records(json!({"records": [{"a": 1}, 7, {"a": {}, "x/y": [1]}]})).unwrap_err();
        let at: Vec<_> = error
            .problems()
            .iter()
            .map(|problem| problem.pointer.as_str())
            .collect();
        assert_eq!(at, ["/records/1", "/records/2/a", "/records/2/x~1y"]);
        assert_eq!(error.code(), "invalid_value");
        let error = records(json!({"record": [1, 2]})).unwrap_err();
        assert_eq!(error.problems()[0].pointer, "/record");
    }

    #[test]
    fn exactly_one_of_record_and_records_is_given() {
        for body in [
            json!({}),
            json!({"record": {}, "records": []}),
            json!({"record": null}),
        ] {
            assert_eq!(
                records(body.clone()).unwrap_err().code(),
                "invalid_input",
                "{body}"
            );
        }
    }

    fn scored(scores: &[f64], class: Option<usize>) -> Scored {
        Scored {
            scores: scores.to_vec(),
            class,
            explanation: None,
            warnings: Vec::new(),
            more_warnings: 0,
        }
    }

    fn shown(task: Task, labels: &[&str], scored: Scored) -> Value {
        let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
        serde_json::to_value(prediction(task, &labels, None, scored)).unwrap()
    }

    #[test]
    fn each_type_of_model_answers_in_its_own_terms() {
        let binary = shown(Task::Binary, &["no", "yes"], scored(&[0.25], Some(0)));
        assert_eq!(
            binary,
            json!({"label": "no", "score": 0.25, "probabilities": {"no": 0.75, "yes": 0.25}, "warnings": []})
        );
        let classes = shown(
            Task::Multiclass,
            &["a", "b", "c"],
            scored(&[0.25, 0.5, 0.25], Some(1)),
        );
        assert_eq!(
            classes,
            json!({"label": "b", "score": 0.5, "probabilities": {"a": 0.25, "b": 0.5, "c": 0.25}, "warnings": []})
        );
        let number = shown(Task::Regression, &[], scored(&[-7.5], None));
        assert_eq!(number, json!({"value": -7.5, "warnings": []}));
    }
}
