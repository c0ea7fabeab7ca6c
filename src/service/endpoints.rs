//! Endpoints of models, as Amazon ML has them: a wish for predictions in real time, granted once the model is loaded.
//!
//! Every COMPLETED model answers in real time without one. An endpoint is for programs that wait for it.

use super::Service;
use super::convert::wrong_state;
use super::entities::at;
use super::error::{Error, chain};
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::spec::{Body, Endpoint, EndpointStatus, ModelResult};
use crate::domain::status::Status;

impl Service {
    /// Asks for an endpoint. It is UPDATING until the model is loaded; one that is there already stays as it is.
    pub async fn endpoint_create(&self, id: &str) -> Result<Entity, Error> {
        let now = self.now();
        let model = self
            .endpoint_changed(id, |result| {
                let is_there = result
                    .endpoint
                    .as_ref()
                    .is_some_and(|e| e.status != EndpointStatus::Failed);
                if !is_there {
                    result.endpoint = Some(Endpoint {
                        created_at: now,
                        status: EndpointStatus::Updating,
                    });
                }
                Ok(())
            })
            .await?;
        self.endpoint_load(&model);
        Ok(model)
    }

    /// Takes an endpoint away; a model without one is no error.
    pub async fn endpoint_delete(&self, id: &str) -> Result<Entity, Error> {
        self.endpoint_changed(id, |result| {
            result.endpoint = None;
            Ok(())
        })
        .await
    }

    /// Loads the model of an endpoint that is UPDATING, without waiting for it. Who began it before may have died
    /// meanwhile, so that it is done again whenever somebody looks.
    pub fn endpoint_load(&self, model: &Entity) {
        let Some(endpoint) = model
            .body
            .endpoint()
            .filter(|e| e.status == EndpointStatus::Updating)
        else {
            return;
        };
        let (service, id, begun) = (self.clone(), model.id.to_string(), endpoint.created_at);
        tokio::spawn(async move {
            // What is loaded already is not loaded twice.
            let status = match service.answering(&id).await {
                Ok(_) => EndpointStatus::Ready,
                Err(error) if error.retryable() => return,
                Err(error) => {
                    tracing::error!(
                        model = id,
                        error = chain(&error),
                        "an endpoint cannot be made ready"
                    );
                    EndpointStatus::Failed
                }
            };
            let settled = service.endpoint_changed(&id, |result| match &mut result.endpoint {
                Some(endpoint) if endpoint.created_at == begun => {
                    endpoint.status = status;
                    Ok(())
                }
                // Taken away, or asked for anew.
                _ => Err(Error::not_found("endpoint", "")),
            });
            if let Err(error) = settled.await {
                tracing::debug!(model = id, error = chain(&error), "an endpoint was not settled");
            }
        });
    }

    async fn endpoint_changed(
        &self,
        id: &str,
        change: impl FnOnce(&mut ModelResult) -> Result<(), Error>,
    ) -> Result<Entity, Error> {
        let at = at(EntityKind::Model, id)?;
        let update = |entity: &mut Entity| {
            let (at, status) = (entity.at(), entity.status);
            let result = match &mut entity.body {
                Body::Model(work) => work.result.as_mut(),
                Body::DataSource(_) | Body::Evaluation(_) | Body::BatchPrediction(_) => None,
            };
            match (result, status) {
                (Some(result), Status::Completed) => change(result),
                _ => Err(wrong_state(
                    &at,
                    status,
                    "it can have an endpoint once it is COMPLETED",
                )),
            }
        };
        let updated = self.0.catalog.entity_update(&at, None, self.now(), update).await;
        self.0.known.changed();
        updated
    }
}
