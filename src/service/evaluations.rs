//! Evaluations: a model judged on a data source.

use super::answers::Created;
use super::creation::{Wanted, known_schema, known_target};
use super::error::Error;
use super::requests::NewEvaluation;
use super::{Service, check};
use crate::domain::entity::Entity;
use crate::domain::ids::{EntityKind, EntityRef};
use crate::domain::spec::EvaluationSpec;

impl Service {
    /// Stores an evaluation together with its job. Model and data source may still be in the making.
    pub async fn evaluation_create(&self, request: NewEvaluation) -> Result<Created, Error> {
        let wanted = Wanted::new(
            EntityKind::Evaluation,
            request.id.as_deref(),
            &request,
            &request.asked,
        )?;
        if let Some(entity) = self.repeated(&wanted).await? {
            return Ok(Created { entity, fresh: false });
        }
        let NewEvaluation {
            id: _,
            name,
            model,
            datasource,
            asked,
        } = request;
        let name = check::name(name.as_ref())?;
        let model = self.named(EntityKind::Model, "/model", &model).await?;
        let source = self
            .named(EntityKind::DataSource, "/datasource", &datasource)
            .await?;
        self.has_truth(&model, &source).await?;
        let place = source.location;
        let spec = EvaluationSpec {
            model: model.id,
            datasource: source.id,
        };
        let entity = wanted.entity(name, spec, self.now());
        self.stored(entity.made_by(asked.maker(), place)).await
    }

    /// The rows must say what the model's answers are compared with. Only a given or inferred schema
    /// can show now that they do not; otherwise the job finds out.
    async fn has_truth(&self, model: &Entity, source: &Entity) -> Result<(), Error> {
        let Some(schema) = known_schema(source) else {
            return Ok(());
        };
        let Some(work) = model.model() else { return Ok(()) };
        let at = EntityRef::new(EntityKind::DataSource, work.spec.datasource.clone());
        let learned = self.0.catalog.entity_get(&at).await?;
        match known_target(&learned) {
            Some(target) if schema.index_of(&target).is_none() => {
                let message = format!(
                    "data source `{}` has no column `{target}`, which the model predicts; choose one that has it",
                    source.id
                );
                Err(Error::field("/datasource", "schema_mismatch", message))
            }
            _ => Ok(()),
        }
    }
}
