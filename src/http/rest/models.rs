//! `/v1/models`: train a model, read it, take its file home.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use super::download::{self, File};
use super::extract::{By, Json, Path, Query};
use super::operations::{self, resource_handlers};
use super::problem::ApiError;
use super::resource::{Detail, Head, ListQuery, Page, ReadQuery, Resource, no_file, take, wrong_kind};
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::spec::Body;
use crate::domain::status::Status;
use crate::ml::Task;
use crate::service::{Error, requests};

/// The question that a model answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ModelType {
    /// Which of two labels?
    Binary,
    /// Which of several labels?
    Multiclass,
    /// Which number?
    Regression,
}

impl From<ModelType> for Task {
    fn from(kind: ModelType) -> Self {
        match kind {
            ModelType::Binary => Task::Binary,
            ModelType::Multiclass => Task::Multiclass,
            ModelType::Regression => Task::Regression,
        }
    }
}

impl From<Task> for ModelType {
    fn from(task: Task) -> Self {
        match task {
            Task::Binary => ModelType::Binary,
            Task::Multiclass => ModelType::Multiclass,
            Task::Regression => ModelType::Regression,
        }
    }
}

/// A model to train.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewModel {
    /// Its identifier; made by the server if not given.
    id: Option<String>,
    /// Free text.
    name: Option<String>,
    /// The training data.
    datasource: String,
    /// The kind of question; decided from the target if not given.
    #[serde(rename = "type")]
    task: Option<ModelType>,
    /// What is learned from; suggested from the statistics if not given.
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
    /// A model to go on from: its schema and recipe unless others are given, its penalty in place of a new search, and
    /// its weights to begin with.
    from: Option<String>,
}

impl TryFrom<NewModel> for requests::NewModel {
    type Error = Error;

    fn try_from(new: NewModel) -> Result<Self, Error> {
        Ok(requests::NewModel {
            id: new.id,
            name: new.name,
            datasource: new.datasource,
            task: new.task.map(Task::from),
            recipe: new.recipe,
            parameters: parameters(new.parameters)?,
            positive: new.positive,
            from: new.from,
            ..requests::NewModel::default()
        })
    }
}

/// Learning parameters as text, whichever way they were written.
pub fn parameters(given: BTreeMap<String, Value>) -> Result<BTreeMap<String, String>, Error> {
    let text = |(name, value): (String, Value)| match value {
        Value::String(text) => Ok((name, text)),
        Value::Number(_) | Value::Bool(_) => Ok((name, value.to_string())),
        // A number for each label.
        Value::Object(_) if name == "class_weights" => Ok((name, value.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            let pointer = format!("/parameters/{}", escaped(&name));
            let message = format!("parameter `{name}` must be a text, a number or a boolean");
            Err(Error::field(pointer, "invalid_value", message))
        }
    };
    given.into_iter().map(text).collect()
}

/// A name as one part of a JSON pointer.
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A change of a model; what is not given stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelChange {
    /// The new name.
    name: Option<String>,
    /// The new threshold, from 0 to 1; finished binary models only.
    threshold: Option<f64>,
}

impl From<ModelChange> for requests::Changes {
    fn from(change: ModelChange) -> Self {
        requests::Changes {
            name: change.name,
            threshold: change.threshold,
        }
    }
}

/// A model.
#[derive(Debug, Serialize, ToSchema)]
pub struct Model {
    #[serde(flatten)]
    head: Head,
    /// The training data.
    datasource: String,
    /// The question it answers: as asked for, or as decided once COMPLETED.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    task: Option<ModelType>,
    /// Learning parameters, as given.
    parameters: BTreeMap<String, String>,
    /// The label whose probability is the score: as asked for, or as decided once COMPLETED; binary models only.
    #[serde(skip_serializing_if = "Option::is_none")]
    positive: Option<String>,
    /// What is predicted and its labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    target: Option<Value>,
    /// Why the question is what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reason: Option<Value>,
    /// Scores of at least this are answered with the positive label; binary models only.
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    /// The hash of everything learned; equal for equal data, recipe, parameters and version.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    hash: Option<Value>,
    /// Length of the model file in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
    /// The model file, once COMPLETED.
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<String>,
    /// Number of features.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    features: Option<Value>,
    /// Rows read, learned from and left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    rows: Option<Value>,
    /// Seconds per stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    seconds: Option<Value>,
    /// What training was to take of memory, in bytes, and whether its rows were in memory or on disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    memory: Option<Value>,
    /// Remarks for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    warnings: Option<Value>,
    /// What was learned from: as given, or as suggested once COMPLETED. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    recipe: Option<Value>,
    /// How the weights were found, and the certificate of the optimum. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    solver: Option<Value>,
    /// The schema of a record. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    schema: Option<Value>,
    /// The model it went on from.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
}

impl Resource for Model {
    const KIND: EntityKind = EntityKind::Model;

    fn view(entity: Entity, detail: Detail) -> Result<Self, Error> {
        let head = Head::from(&entity);
        let Body::Model(work) = entity.body else {
            return Err(wrong_kind(&head, Self::KIND));
        };
        let (spec, result) = (work.spec, work.result);
        let mut document = result
            .as_ref()
            .map_or(Value::Null, |result| result.document.clone());
        let full = detail == Detail::Full;
        Ok(Model {
            datasource: spec.datasource.to_string(),
            task: result
                .as_ref()
                .map(|result| result.task)
                .or(spec.task)
                .map(ModelType::from),
            parameters: spec.parameters,
            positive: decided_positive(&document).or(spec.positive),
            from: spec.earlier.map(|earlier| earlier.to_string()),
            target: take(&mut document, "target"),
            reason: take(&mut document, "reason"),
            threshold: result.as_ref().and_then(|result| result.threshold),
            hash: take(&mut document, "hash"),
            size_bytes: result.as_ref().map(|result| result.size_bytes),
            bundle: result.as_ref().map(|_| format!("/v1/models/{}/bundle", head.id)),
            features: take(&mut document, "features"),
            rows: take(&mut document, "rows"),
            seconds: take(&mut document, "seconds"),
            memory: take(&mut document, "memory").filter(|memory| !memory.is_null()),
            warnings: take(&mut document, "warnings"),
            recipe: take(&mut document, "recipe").or(spec.recipe).filter(|_| full),
            solver: take(&mut document, "solver").filter(|_| full),
            schema: take(&mut document, "schema").filter(|_| full),
            head,
        })
    }
}

/// The positive label of a trained model.
fn decided_positive(document: &Value) -> Option<String> {
    document["target"]["positive"].as_str().map(str::to_string)
}

/// Train a model
///
/// It learns from all rows of the data source; give the data source a split to hold rows out.
#[utoipa::path(post, path = "/v1/models", tag = "Models", request_body = NewModel, responses(
    (status = 202, description = "Accepted; follow it at Location", body = Model),
    (status = 200, description = "An identical request had made it", body = Model)))]
pub(super) async fn create_model(
    State(api): State<Api>,
    By(asked): By,
    Json(new): Json<NewModel>,
) -> Result<Response, ApiError> {
    let new = requests::NewModel {
        asked,
        ..new.try_into()?
    };
    operations::created::<Model>(api.service.model_create(new).await?)
}

resource_handlers! {
    Model, ModelChange, tag: "Models", noun: "model",
    list: list_models at "/v1/models",
    get: get_model, change: update_model, delete: delete_model at "/v1/models/{id}",
    cancel: cancel_model at "/v1/models/{id}/cancel",
    follow: follow_model at "/v1/models/{id}/events",
}

/// Download the model file
///
/// One `*.yosoku` file that holds everything needed to predict; the command line reads it.
#[utoipa::path(get, path = "/v1/models/{id}/bundle", tag = "Models",
    params(
        ("id" = String, Path, description = "The identifier"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the file already there"),
    ),
    responses(
        (status = 200, description = "The file", body = String, content_type = "application/octet-stream",
            example = "(binary)"),
        (status = 206, description = "The range of it", body = String,
            content_type = "application/octet-stream", example = "(binary)")))]
pub(super) async fn get_model_bundle(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let model = api.service.entity_get(Model::KIND, &id).await?;
    let open = async |range| {
        let (model, reading) = api.service.model_bundle(&id, range).await?;
        Ok((bundle_file(&model)?, reading))
    };
    download::answer(bundle_file(&model)?, &headers, open).await
}

/// Read the training log
///
/// Lines of text for people: what was learned from, which recipes and penalties were tried and how each fared, how near
/// the weights are to the best ones, warnings, and the time and memory of each stage.
#[utoipa::path(get, path = "/v1/models/{id}/log", tag = "Models",
    params(("id" = String, Path, description = "The identifier")),
    responses((status = 200, description = "The log", body = String, content_type = "text/plain",
        example = "fit         lbfgs converged: l2 1.000e-4, 6 iterations, 20 passes over the rows\n")))]
pub(super) async fn get_model_log(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<String, ApiError> {
    Ok(api.service.model_log(&id).await?)
}

fn bundle_file(model: &Entity) -> Result<File, Error> {
    let result = model.model().and_then(|work| work.result.as_ref());
    let usable = result.filter(|_| model.status == Status::Completed);
    let result = usable.ok_or_else(|| no_file(model))?;
    Ok(File {
        name: format!("{}.yosoku", model.id),
        media_type: "application/octet-stream".to_owned(),
        etag: format!("\"{}\"", result.bundle_hash),
        size_bytes: result.size_bytes,
    })
}
