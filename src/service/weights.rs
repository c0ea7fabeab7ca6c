//! The weights of a model: what it has learned, for people.

use tokio::task::spawn_blocking;

use super::Service;
use super::convert::wrong_state;
use super::error::Error;
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::status::Status;
use crate::ml::model::Bundle;
use crate::ml::model::weights::{Weights, WeightsError, WeightsWish};

/// Weights on a page at most.
const MOST: usize = 1000;

impl Service {
    /// Reads some of the weights of a trained model from its file.
    pub async fn weights(&self, model: &str, wish: WeightsWish) -> Result<(Entity, Weights), Error> {
        if wish.limit == 0 || wish.limit > MOST {
            let message = format!("`limit` is {}; give 1 to {MOST}", wish.limit);
            return Err(Error::invalid("invalid_parameter", message));
        }
        let entity = self.entity_get(EntityKind::Model, model).await?;
        let result = entity.model().and_then(|work| work.result.as_ref());
        let (Some(result), Status::Completed) = (result, entity.status) else {
            let reason = "there are weights once it is COMPLETED";
            return Err(wrong_state(&entity.at(), entity.status, reason));
        };
        let (blobs, file) = (self.0.blobs.clone(), result.bundle.clone());
        let place = self.place()?;
        let read = spawn_blocking(move || -> Result<Weights, Error> {
            let bytes = blobs.get_blocking(&file)?;
            // The file is ours: that it cannot be used is nothing the caller can mend.
            let bundle = Bundle::decode(&bytes)
                .map_err(|error| Error::internal(format!("loading the model file {file}"), error))?;
            drop(bytes);
            let weights = Weights::of(&bundle, &wish)?;
            drop(place);
            Ok(weights)
        });
        let weights = read.await.map_err(|e| Error::internal("reading weights", e))??;
        Ok((entity, weights))
    }
}

impl From<WeightsError> for Error {
    fn from(error: WeightsError) -> Self {
        Error::invalid("invalid_parameter", error.to_string())
    }
}
