//! One request: who asks for what, and which function answers.

use serde_json::Value;

use super::error::Refusal;
use super::input::Input;
use super::words::Words;
use super::{batch_predictions, data_sources, databases, endpoints, evaluations, models, tags};
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::http::auth::Caller;
use crate::http::links::{self, Links};
use crate::service::requests::{Asked, Changes};
use crate::service::{Error, Service};

/// A request that was read.
pub struct Call<'c> {
    /// The use cases.
    pub service: &'c Service,
    /// Who asks.
    pub caller: &'c Caller,
    /// Where the client found this server, without a slash at the end.
    pub base: String,
    /// The address at which the client asked, without a slash at the end.
    pub endpoint: String,
    /// Makes links to logs.
    pub links: &'c Links,
    /// What is asked for.
    pub operation: &'c str,
    /// The members of the request.
    pub input: &'c Input,
}

impl Call<'_> {
    /// What the operation answers.
    pub async fn answer(&self) -> Result<Value, Refusal> {
        match self.operation {
            "AddTags" => tags::add(self).await,
            "DeleteTags" => tags::delete(self).await,
            "DescribeTags" => tags::describe(self).await,
            "CreateDataSourceFromS3" => data_sources::create(self).await,
            "CreateDataSourceFromRedshift" => databases::create_from_redshift(self).await,
            "CreateDataSourceFromRDS" => databases::create_from_rds(self).await,
            "GetDataSource" => data_sources::get(self).await,
            "UpdateDataSource" => data_sources::update(self).await,
            "DeleteDataSource" => data_sources::delete(self).await,
            "DescribeDataSources" => data_sources::describe(self).await,
            "CreateMLModel" => models::create(self).await,
            "GetMLModel" => models::get(self).await,
            "UpdateMLModel" => models::update(self).await,
            "DeleteMLModel" => models::delete(self).await,
            "DescribeMLModels" => models::describe(self).await,
            "CreateRealtimeEndpoint" => endpoints::create(self).await,
            "DeleteRealtimeEndpoint" => endpoints::delete(self).await,
            "CreateEvaluation" => evaluations::create(self).await,
            "GetEvaluation" => evaluations::get(self).await,
            "UpdateEvaluation" => evaluations::update(self).await,
            "DeleteEvaluation" => evaluations::delete(self).await,
            "DescribeEvaluations" => evaluations::describe(self).await,
            "CreateBatchPrediction" => batch_predictions::create(self).await,
            "GetBatchPrediction" => batch_predictions::get(self).await,
            "UpdateBatchPrediction" => batch_predictions::update(self).await,
            "DeleteBatchPrediction" => batch_predictions::delete(self).await,
            "DescribeBatchPredictions" => batch_predictions::describe(self).await,
            other => {
                let other: String = other.chars().take(100).collect();
                Err(Refusal::unknown(format!("there is no operation `{other}`")))
            }
        }
    }

    /// Whether this request has made the entity `id` before. An identifier that is in use is judged before anything
    /// else is looked at, files above all: they may be gone.
    pub async fn is_repeat(&self, kind: EntityKind, id: &str) -> Result<bool, Refusal> {
        let words = Words::of(self.operation, self.input);
        let before = self.service.entity_repeated(kind, id, &words).await?;
        Ok(before.is_some())
    }

    /// Who asks, and the request as it came: a repeat must match it.
    pub fn asked(&self) -> Asked {
        Asked {
            owner: self.caller.name(),
            key: self.caller.id().to_owned(),
            words: Some(Words::of(self.operation, self.input)),
        }
    }

    /// The entity that the member `member` names.
    pub async fn entity(&self, kind: EntityKind, member: &str) -> Result<Entity, Refusal> {
        let id = self.input.id(member)?;
        Ok(self.service.entity_get(kind, &id).await?)
    }

    /// Gives the entity that `member` names the name in `name`, and answers with its identifier.
    pub async fn renamed(&self, kind: EntityKind, member: &str, name: &str) -> Result<Value, Refusal> {
        let id = self.input.id(member)?;
        let Some(text) = self.input.name(name)? else {
            return Err(Refusal::missing(name));
        };
        let changes = Changes {
            name: Some(text),
            threshold: None,
        };
        self.service.entity_update(kind, &id, None, changes).await?;
        Ok(serde_json::json!({member: id}))
    }

    /// Deletes the entity that `member` names, and answers with its identifier.
    pub async fn deleted(&self, kind: EntityKind, member: &str) -> Result<Value, Refusal> {
        let id = self.input.id(member)?;
        self.service.entity_delete(kind, &id, None).await?;
        Ok(serde_json::json!({member: id}))
    }

    /// A link to the log of an entity, which opens without a key for a while.
    pub fn log_of(&self, entity: &Entity) -> String {
        let link = self.links.to_log(entity.kind(), entity.id.as_str(), links::now());
        format!("{}{link}", self.base)
    }
}

/// The error for an entity whose body is not of the kind that it was looked up as.
pub fn wrong_kind(entity: &Entity) -> Refusal {
    Error::internal("showing an entity", format!("{} is of another kind", entity.at())).into()
}
