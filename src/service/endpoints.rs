//! Endpoints of models, as Amazon ML has them: a wish for predictions in real time, granted once the model is loaded.
//!
//! Every COMPLETED model answers in real time without one. An endpoint is for programs that wait for it.

use super::Service;
use super::codes::Class;
use super::convert::wrong_state;
use super::entities::at;
use super::error::{Error, chain};
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::search::{Comparison, Operand, Search, Variable};
use crate::domain::spec::{Body, Endpoint, EndpointStatus, ModelResult};
use crate::domain::status::Status;

/// Endpoints that are looked at together.
const AT_ONCE: usize = 100;

/// When the endpoint of a model was asked for, if it is still UPDATING.
fn updating_since(model: &Entity) -> Option<i64> {
    let endpoint = model.body.endpoint()?;
    (endpoint.status == EndpointStatus::Updating).then_some(endpoint.created_at)
}

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

    /// Loads the model of an endpoint that is UPDATING, without waiting for it.
    pub fn endpoint_load(&self, model: &Entity) {
        if updating_since(model).is_some() {
            let (service, model) = (self.clone(), model.clone());
            tokio::spawn(async move { service.endpoint_settle(&model).await });
        }
    }

    /// Loads the models of all endpoints that are UPDATING, one after the other: who began it may have died meanwhile,
    /// or could not reach a store.
    pub async fn endpoints_settle(&self) {
        let updating = Operand::Text(EndpointStatus::Updating.as_str().to_owned());
        let mut search = Search {
            by: Variable::Endpoint,
            tests: vec![(Comparison::Equal, updating)],
            descending: false,
            limit: AT_ONCE,
            cursor: None,
        };
        loop {
            let page = match self.entity_search(EntityKind::Model, &search).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(
                        error = chain(&error),
                        "cannot look for endpoints; trying again later"
                    );
                    return;
                }
            };
            for model in &page.items {
                self.endpoint_settle(model).await;
            }
            search.cursor = page.next_cursor;
            if search.cursor.is_none() {
                return;
            }
        }
    }

    async fn endpoint_settle(&self, model: &Entity) {
        let Some(begun) = updating_since(model) else {
            return;
        };
        let id = model.id.as_str();
        // What is loaded already is not loaded twice.
        let status = match self.answering(id).await {
            Ok(_) => EndpointStatus::Ready,
            Err(error) if matches!(error.class(), Class::Throttled | Class::Unavailable) => return,
            Err(error) => {
                tracing::error!(
                    model = id,
                    error = chain(&error),
                    "an endpoint cannot be made ready"
                );
                EndpointStatus::Failed
            }
        };
        let settled = self.endpoint_changed(id, |result| match &mut result.endpoint {
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
