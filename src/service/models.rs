//! Models: what is learned from a data source, and how.

use std::collections::BTreeMap;

use super::answers::{Created, Reading};
use super::convert::wrong_state;
use super::creation::{Wanted, known_schema, known_target};
use super::error::Error;
use super::requests::{ByteRange, NewModel};
use super::{Service, check};
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::spec::ModelSpec;
use crate::domain::status::Status;
use crate::ml::Task;
use crate::ml::learn::{LearnError, LearnParams};

impl Service {
    /// Stores a model together with the job that trains it. The data source may still be in the
    /// making; what is known of it is checked now.
    pub async fn model_create(&self, request: NewModel) -> Result<Created, Error> {
        let wanted = Wanted::new(EntityKind::Model, request.id.as_deref(), &request, &request.asked)?;
        if let Some(entity) = self.repeated(&wanted).await? {
            return Ok(Created { entity, fresh: false });
        }
        let NewModel {
            id: _,
            name,
            datasource,
            task,
            recipe,
            parameters,
            positive,
            from,
            asked,
        } = request;
        let name = check::name(name.as_ref())?;
        learning(task, &parameters, positive.as_ref())?;
        let source = self
            .named(EntityKind::DataSource, "/datasource", &datasource)
            .await?;
        if known_target(&source).is_none() {
            let message = format!(
                "data source `{datasource}` has no target; make one with `target`, or with a schema that names it"
            );
            return Err(Error::field("/datasource", "no_target", message));
        }
        check::recipe(recipe.as_ref(), known_schema(&source).as_ref())?;
        let earlier = match &from {
            Some(id) => Some(self.named(EntityKind::Model, "/from", id).await?.id),
            None => None,
        };
        let place = source.location;
        let spec = ModelSpec {
            datasource: source.id,
            task,
            recipe,
            parameters,
            positive,
            earlier,
        };
        let entity = wanted.entity(name, spec, self.now());
        self.stored(entity.made_by(asked.maker(), place)).await
    }

    /// Opens the file of a trained model, or a part of it.
    pub async fn model_bundle(&self, id: &str, range: Option<ByteRange>) -> Result<(Entity, Reading), Error> {
        let entity = self.entity_get(EntityKind::Model, id).await?;
        let result = entity.model().and_then(|work| work.result.as_ref());
        let (Some(result), Status::Completed) = (result, entity.status) else {
            let reason = "there is a model file once it is COMPLETED";
            return Err(wrong_state(&entity.at(), entity.status, reason));
        };
        let reading = self.opened(&result.bundle, result.size_bytes, range).await?;
        Ok((entity, reading))
    }

    /// The training log of a COMPLETED model: lines of text.
    pub async fn model_log(&self, id: &str) -> Result<String, Error> {
        let entity = self.entity_get(EntityKind::Model, id).await?;
        let result = entity.model().and_then(|work| work.result.as_ref());
        let (Some(result), Status::Completed) = (result, entity.status) else {
            let reason = "there is a training log once it is COMPLETED";
            return Err(wrong_state(&entity.at(), entity.status, reason));
        };
        let log = result.document.get("log").and_then(serde_json::Value::as_str);
        Ok(log
            .unwrap_or("this model was trained before logs were kept; `yosoku log` reads its file\n")
            .to_string())
    }
}

/// What can be said about a question and its parameters without data.
pub(super) fn learning(
    task: Option<Task>,
    parameters: &BTreeMap<String, String>,
    positive: Option<&String>,
) -> Result<(), Error> {
    match LearnParams::from_map(parameters) {
        Ok(_) => {}
        Err(LearnError::Parameter { name, problem }) => {
            let pointer = format!("/parameters/{}", check::escaped(&name));
            let message = format!("parameter `{name}`: {problem}");
            return Err(Error::field(pointer, "invalid_parameter", message));
        }
        Err(error) => return Err(Error::field("/parameters", error.code(), error.to_string())),
    }
    check::filled("/positive", positive)?;
    match (positive, task) {
        (Some(_), Some(task @ (Task::Multiclass | Task::Regression))) => Err(Error::field(
            "/positive",
            "invalid_value",
            format!("a {task} model has no positive label; leave it out"),
        )),
        _ => Ok(()),
    }
}
