//! `/v1/train`: from a dataset to an evaluated model in one call.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use super::extract::{By, Json};
use super::models::{ModelType, parameters};
use super::operations::accepted;
use super::problem::ApiError;
use super::resource::address;
use crate::domain::entity::Entity;
use crate::ml::Task;
use crate::ml::split::Split;
use crate::service::answers::StartedTraining;
use crate::service::{Error, requests};

/// The whole way from a dataset to an evaluated model.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTraining {
    /// What the identifiers of everything made here begin with; made by the server if not given.
    id: Option<String>,
    /// Free text, given to all of them.
    name: Option<String>,
    /// The dataset; its present version is pinned.
    dataset: String,
    /// The column to predict; may be left out if the schema names it.
    target: Option<String>,
    /// The kind of question; decided from the target if not given.
    #[serde(rename = "type")]
    task: Option<ModelType>,
    /// An Amazon ML schema document; inferred if not given.
    #[schema(value_type = Option<Object>)]
    schema: Option<Value>,
    /// What is learned from; suggested if not given.
    #[serde(default, deserialize_with = "super::unique::optional")]
    #[schema(value_type = Option<Object>)]
    recipe: Option<Value>,
    /// Parameters of the learner: texts, numbers or booleans. `l1` and `l2` are the strengths of the penalties on absolute
    /// values and on squares (chosen if neither is given); `max_iterations`, `max_passes`, `max_classes` and
    /// `max_features` are limits; `row_weight` names the column that says how much a row counts, `class_weights` is
    /// `balanced` or an object with a number for each label, `prior_correction` false leaves scores as those make them.
    /// Amazon ML's `sgd.l1RegularizationAmount`, `sgd.l2RegularizationAmount`,
    /// `sgd.maxPasses`, `sgd.maxMLModelSizeInBytes` and `sgd.shuffleType` are obeyed within its ranges.
    #[serde(default)]
    #[schema(value_type = Object)]
    parameters: BTreeMap<String, Value>,
    /// The label that counts as positive; binary models only.
    positive: Option<String>,
    /// Percentage of the rows held out for the evaluation, 30 if not given; 0 means no evaluation.
    holdout: Option<f64>,
    /// Seed of the split, 1 if not given.
    seed: Option<u64>,
    /// How rows are held out, at random if not given: `strategy` and `column` as in a data source. With
    /// percentages it is the part to learn from, and `holdout` is left out.
    #[schema(value_type = Option<Object>)]
    split: Option<Value>,
    /// Whether the first line names the columns: `auto`, `yes` or `no`.
    header: Option<String>,
}

impl TryFrom<NewTraining> for requests::NewTraining {
    type Error = Error;

    fn try_from(new: NewTraining) -> Result<Self, Error> {
        let default = requests::NewTraining::default();
        said_once(&new)?;
        Ok(requests::NewTraining {
            id: new.id,
            name: new.name,
            dataset: new.dataset,
            target: new.target,
            task: new.task.map(Task::from),
            schema: new.schema,
            recipe: new.recipe,
            parameters: parameters(new.parameters)?,
            positive: new.positive,
            holdout: new.holdout.unwrap_or(default.holdout),
            seed: new.seed.unwrap_or(default.seed),
            split: new.split,
            header: new.header,
            ..requests::NewTraining::default()
        })
    }
}

/// Refuses a share or a seed that is given twice, once in the split.
fn said_once(new: &NewTraining) -> Result<(), Error> {
    let Some(split) = &new.split else { return Ok(()) };
    let twice = |pointer: &str, what: &str| {
        let message = format!(
            "{} is given, and the split has {what} of its own; give one of them",
            &pointer[1..]
        );
        Err(Error::field(pointer, "invalid_value", message))
    };
    if new.holdout.is_some() && Split::names_percentages(split) {
        return twice("/holdout", "percentages");
    }
    if new.seed.is_some() && split.get("seed").is_some() {
        return twice("/seed", "a seed");
    }
    Ok(())
}

/// Where to find everything that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Training {
    /// The data source of the rows to learn from.
    datasource: String,
    /// The data source of the rows held out; null with a holdout of 0.
    evaluation_datasource: Option<String>,
    /// The model.
    model: String,
    /// The evaluation, the last one to end; null with a holdout of 0.
    evaluation: Option<String>,
}

impl From<&StartedTraining> for Training {
    fn from(started: &StartedTraining) -> Self {
        let id = |entity: &Entity| entity.id.to_string();
        Training {
            datasource: id(&started.training_source),
            evaluation_datasource: started.evaluation_source.as_ref().map(id),
            model: id(&started.model),
            evaluation: started.evaluation.as_ref().map(id),
        }
    }
}

/// Train and judge a model in one call
///
/// Makes two data sources by a split of the rows, the model and its evaluation, all or none
/// of them. Location is the model.
#[utoipa::path(post, path = "/v1/train", tag = "Models", request_body = NewTraining, responses(
    (status = 202, description = "Accepted", body = Training),
    (status = 200, description = "An identical request had made it all", body = Training)))]
pub(super) async fn train(
    State(api): State<Api>,
    By(asked): By,
    Json(new): Json<NewTraining>,
) -> Result<Response, ApiError> {
    let new = requests::NewTraining {
        asked,
        ..new.try_into()?
    };
    let started = api.service.train(new).await?;
    let status = if started.fresh {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    let response = (status, Json(Training::from(&started))).into_response();
    Ok(accepted(response, &address(&started.model)))
}
