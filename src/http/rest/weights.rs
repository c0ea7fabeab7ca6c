//! `/v1/models/{id}/weights`: what a model has learned, weight by weight.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::conditional::tagged;
use super::extract::{Json, Path, Query};
use super::models::ModelType;
use super::problem::ApiError;
use crate::ml::model::weights as shown;

/// Weights on a page unless the caller says otherwise.
const LIMIT: usize = 100;

/// Which weights to show.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WeightsQuery {
    /// Only features made from this attribute.
    attribute: Option<String>,
    /// Only the scores of this label; of two labels either.
    class: Option<String>,
    /// Whether errors do not rely on the model being true (HC1).
    #[serde(default)]
    robust: bool,
    /// Weights to show; 100 if not given, at most 1000.
    limit: Option<usize>,
    /// Weights to skip, of those that matter most; 0 if not given.
    #[serde(default)]
    offset: usize,
}

impl From<WeightsQuery> for shown::WeightsWish {
    fn from(query: WeightsQuery) -> Self {
        shown::WeightsWish {
            attribute: query.attribute,
            class: query.class,
            robust: query.robust,
            offset: query.offset,
            limit: query.limit.unwrap_or(LIMIT),
        }
    }
}

/// Some of a model's weights, those that matter most first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelWeights {
    /// The model.
    model: String,
    /// The question it answers.
    #[serde(rename = "type")]
    task: ModelType,
    /// What is predicted.
    target: String,
    /// What a weight adds to: `number`, `log_odds` of the class, or `score` of the class, whose exponential is
    /// proportional to its probability.
    scale: &'static str,
    /// Strength of the penalty, which shrinks weights; 0 for none.
    l2: f64,
    /// Which errors are shown: `classical`, `robust`, or `none`, of which a note says why.
    errors: &'static str,
    /// Rows that were learned from.
    rows: u64,
    /// Weights that the rows determine, intercepts included.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_weights: Option<f64>,
    /// Standard deviation of the residuals; numbers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    residual_deviation: Option<f64>,
    /// What a row has that no weight adds to.
    reference: &'static str,
    /// The intercepts, one for each class shown.
    intercepts: Vec<ModelIntercept>,
    /// Weights that there are in all, after `attribute` and `class`.
    total: usize,
    /// The weights on this page.
    weights: Vec<ModelWeight>,
    /// What to bear in mind.
    notes: Vec<String>,
}

/// The score of a row that no weight adds to.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelIntercept {
    /// Of which class; absent for a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    /// Where all numbers are at their means.
    at_means: Estimate,
    /// Where all numbers are 0.
    at_zero: Estimate,
}

/// One weight.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelWeight {
    /// The class to whose score it adds; absent for a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    /// The attribute that the feature is made from; several are joined by ` × `.
    attribute: String,
    /// Which part of it: empty for a plain number, else for example `= red`, `in [3, 5)`, `is missing`.
    part: String,
    /// What the feature deviates by over the training rows, in its own unit.
    deviation: Option<f64>,
    /// How much it matters: the size of the weight per deviation.
    effect: Option<f64>,
    /// What one unit more adds: of the number itself, or from not active to active.
    per_unit: Option<Estimate>,
    /// What one deviation more adds.
    per_deviation: Option<Estimate>,
    /// The chance of a weight so far from 0 if it was 0.
    p_value: Option<f64>,
}

/// A weight with its standard error and its 95 % interval.
#[derive(Debug, Serialize, ToSchema)]
pub struct Estimate {
    /// The weight.
    weight: f64,
    /// Its standard error.
    error: Option<f64>,
    /// The lower limit of the interval.
    low: Option<f64>,
    /// The upper limit of the interval.
    high: Option<f64>,
    /// What it multiplies odds by; absent for a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    odds_ratio: Option<f64>,
    /// The lower limit of the odds ratio.
    #[serde(skip_serializing_if = "Option::is_none")]
    odds_low: Option<f64>,
    /// The upper limit of the odds ratio; absent where it is beyond all numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    odds_high: Option<f64>,
}

impl From<shown::Estimate> for Estimate {
    fn from(estimate: shown::Estimate) -> Self {
        Estimate {
            weight: estimate.weight,
            error: estimate.error,
            low: estimate.low,
            high: estimate.high,
            odds_ratio: estimate.odds_ratio,
            odds_low: estimate.odds_low,
            odds_high: estimate.odds_high,
        }
    }
}

impl From<shown::Intercept> for ModelIntercept {
    fn from(intercept: shown::Intercept) -> Self {
        ModelIntercept {
            class: intercept.class,
            at_means: intercept.at_means.into(),
            at_zero: intercept.at_zero.into(),
        }
    }
}

impl From<shown::Weight> for ModelWeight {
    fn from(weight: shown::Weight) -> Self {
        ModelWeight {
            class: weight.class,
            attribute: weight.attribute,
            part: weight.part,
            deviation: weight.deviation,
            effect: weight.effect,
            per_unit: weight.per_unit.map(Estimate::from),
            per_deviation: weight.per_deviation.map(Estimate::from),
            p_value: weight.p_value,
        }
    }
}

fn answer(model: String, weights: shown::Weights) -> ModelWeights {
    ModelWeights {
        model,
        task: weights.task.into(),
        target: weights.target,
        scale: weights.scale,
        l2: weights.l2,
        errors: weights.errors,
        rows: weights.rows,
        effective_weights: weights.effective_weights,
        residual_deviation: weights.residual_deviation,
        reference: weights.reference,
        intercepts: weights.intercepts.into_iter().map(ModelIntercept::from).collect(),
        total: weights.total,
        weights: weights.weights.into_iter().map(ModelWeight::from).collect(),
        notes: weights.notes,
    }
}

/// Read the weights of a model
///
/// What each feature adds, per unit and per deviation, with standard errors, 95 % intervals and odds ratios; those that
/// matter most come first. Where the penalty is not 0 they are those of the shrunken weights.
#[utoipa::path(get, path = "/v1/models/{id}/weights", tag = "Models",
    params(("id" = String, Path, description = "The identifier"), WeightsQuery),
    responses((status = 200, description = "Once the model is COMPLETED", body = ModelWeights)))]
pub(super) async fn get_model_weights(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(query): Query<WeightsQuery>,
) -> Result<Response, ApiError> {
    let (entity, weights) = api.service.weights(&id, query.into()).await?;
    let body = (StatusCode::OK, Json(answer(entity.id.to_string(), weights)));
    Ok(tagged(body.into_response(), &entity.etag()))
}
