//! `/v1/evaluations`: how good a model is on rows it has not seen.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use super::extract::{By, Json, Path, Query};
use super::operations::{self, resource_handlers};
use super::problem::ApiError;
use super::resource::{Change, Detail, Head, ListQuery, Page, ReadQuery, Resource, wrong_kind};
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::spec::Body;
use crate::service::{Error, requests};

/// A model to judge.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvaluation {
    /// Its identifier; made by the server if not given.
    id: Option<String>,
    /// Free text.
    name: Option<String>,
    /// The model.
    model: String,
    /// The held-out data.
    datasource: String,
}

impl From<NewEvaluation> for requests::NewEvaluation {
    fn from(new: NewEvaluation) -> Self {
        requests::NewEvaluation {
            id: new.id,
            name: new.name,
            model: new.model,
            datasource: new.datasource,
            ..requests::NewEvaluation::default()
        }
    }
}

/// An evaluation. The most asked for members of its report stand at its top.
#[derive(Debug, Serialize, ToSchema)]
pub struct Evaluation {
    #[serde(flatten)]
    head: Head,
    /// The model.
    model: String,
    /// The held-out data.
    datasource: String,
    /// The question the model answers: binary, multiclass or regression.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    task: Option<Value>,
    /// Records evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    records: Option<Value>,
    /// The label that counts as positive; binary models only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    positive: Option<Value>,
    /// Each metric with its 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    metrics: Option<Value>,
    /// What answering without a model would reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    baseline: Option<Value>,
    /// The whole report: curves, confusion, histograms and notes. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    report: Option<Value>,
}

impl Resource for Evaluation {
    const KIND: EntityKind = EntityKind::Evaluation;

    fn view(entity: Entity, detail: Detail) -> Result<Self, Error> {
        let head = Head::from(&entity);
        let Body::Evaluation(work) = entity.body else {
            return Err(wrong_kind(&head, Self::KIND));
        };
        let report = work.result.map(|result| result.report);
        let member = |name: &str| report.as_ref().and_then(|report| report.get(name)).cloned();
        Ok(Evaluation {
            head,
            model: work.spec.model.to_string(),
            datasource: work.spec.datasource.to_string(),
            task: member("type"),
            records: member("records"),
            positive: member("positive"),
            metrics: member("metrics"),
            baseline: member("baseline"),
            report: report.filter(|_| detail == Detail::Full),
        })
    }
}

/// Judge a model
///
/// The data source should hold rows that the model has not learned from.
#[utoipa::path(post, path = "/v1/evaluations", tag = "Evaluations", request_body = NewEvaluation, responses(
    (status = 202, description = "Accepted; follow it at Location", body = Evaluation),
    (status = 200, description = "An identical request had made it", body = Evaluation)))]
pub(super) async fn create_evaluation(
    State(api): State<Api>,
    By(asked): By,
    Json(new): Json<NewEvaluation>,
) -> Result<Response, ApiError> {
    let new = requests::NewEvaluation { asked, ..new.into() };
    operations::created::<Evaluation>(api.service.evaluation_create(new).await?)
}

resource_handlers! {
    Evaluation, Change, tag: "Evaluations", noun: "evaluation",
    list: list_evaluations at "/v1/evaluations",
    get: get_evaluation, change: update_evaluation, delete: delete_evaluation at "/v1/evaluations/{id}",
    cancel: cancel_evaluation at "/v1/evaluations/{id}/cancel",
    follow: follow_evaluation at "/v1/evaluations/{id}/events",
}
