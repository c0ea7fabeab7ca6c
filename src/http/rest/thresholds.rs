//! `/v1/evaluations/{id}/threshold`: the threshold that does what people need.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::conditional::tagged;
use super::extract::{Json, Path, Query};
use super::problem::ApiError;
use crate::ml::evaluate::threshold::{Outcome, Wish};
use crate::ml::evaluate::{Confusion, Interval};
use crate::service::thresholds::Advice;

/// What the threshold has to do: one of `precision`, `recall`, `rate`, `capacity` with `of`, or the two costs.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ThresholdQuery {
    /// At least this share of the records called positive is to be positive; as many of the positives as that allows are
    /// found.
    precision: Option<f64>,
    /// At least this share of the positives is to be found, with as few false alarms as that allows.
    recall: Option<f64>,
    /// At most this share of all records is to be called positive.
    rate: Option<f64>,
    /// So many records can be looked at, of as many as `of` says: 200 calls a day among 5,000 visitors a day.
    capacity: Option<f64>,
    /// See `capacity`.
    of: Option<f64>,
    /// What it costs to call a negative positive.
    false_positive_cost: Option<f64>,
    /// What it costs to call a positive negative, in the same currency.
    false_negative_cost: Option<f64>,
}

impl From<ThresholdQuery> for Wish {
    fn from(query: ThresholdQuery) -> Self {
        Wish {
            precision: query.precision,
            recall: query.recall,
            rate: query.rate,
            capacity: query.capacity,
            of: query.of,
            false_positive_cost: query.false_positive_cost,
            false_negative_cost: query.false_negative_cost,
        }
    }
}

/// A threshold, what to expect of it, and what the present one does.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThresholdAdvice {
    /// The evaluation whose records were counted.
    evaluation: String,
    /// The model; `PATCH /v1/models/{id}` with `{"threshold": ...}` makes it answer by the threshold.
    model: String,
    /// Records evaluated.
    records: u64,
    /// Positives among them.
    positives: u64,
    /// The label that counts as positive.
    #[serde(skip_serializing_if = "Option::is_none")]
    positive: Option<String>,
    /// What reaches the goal best.
    advised: ThresholdOutcome,
    /// What the threshold does that the evaluation was made with.
    evaluated: ThresholdOutcome,
}

impl From<Advice> for ThresholdAdvice {
    fn from(advice: Advice) -> Self {
        ThresholdAdvice {
            evaluation: advice.evaluation.id.to_string(),
            model: advice.model,
            records: advice.records,
            positives: advice.positives,
            positive: advice.positive,
            advised: advice.outcome.into(),
            evaluated: advice.as_it_is.into(),
        }
    }
}

/// What is to be expected of a threshold: shares with 95 % intervals.
#[derive(Debug, Serialize, ToSchema)]
pub struct ThresholdOutcome {
    /// Records with this score or a higher one are called positive.
    threshold: f64,
    /// Positives and negatives (`tp`, `fp`) called positive, negatives and positives (`tn`, `fn`) called negative.
    #[schema(value_type = Object)]
    confusion: Confusion,
    /// The share of positives among those called positive.
    #[schema(value_type = Object)]
    precision: Interval,
    /// The share of the positives that are called positive.
    #[schema(value_type = Object)]
    recall: Interval,
    /// The share of all records that are called positive.
    #[schema(value_type = Object)]
    rate: Interval,
    /// What errors cost for each record on average, where costs are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    cost: Option<Interval>,
}

impl From<Outcome> for ThresholdOutcome {
    fn from(outcome: Outcome) -> Self {
        ThresholdOutcome {
            threshold: outcome.threshold,
            confusion: outcome.confusion,
            precision: outcome.precision,
            recall: outcome.recall,
            rate: outcome.rate,
            cost: outcome.cost,
        }
    }
}

/// Choose a threshold
///
/// For binary models. Ask by what you need: how sure, how complete, how many, or what errors cost. What is expected comes from
/// the evaluated records, with the interval that a sample of that size allows.
#[utoipa::path(get, path = "/v1/evaluations/{id}/threshold", tag = "Evaluations",
    params(("id" = String, Path, description = "The identifier"), ThresholdQuery),
    responses((status = 200, description = "Once the evaluation is COMPLETED", body = ThresholdAdvice)))]
pub(super) async fn get_evaluation_threshold(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(query): Query<ThresholdQuery>,
) -> Result<Response, ApiError> {
    let advice = api.service.threshold_for(&id, query.into()).await?;
    let etag = advice.evaluation.etag();
    let body = (StatusCode::OK, Json(ThresholdAdvice::from(advice)));
    Ok(tagged(body.into_response(), &etag))
}
