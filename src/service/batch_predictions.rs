//! Creation of batch_predictions from a request.

use super::Service;
use super::answers::{Created, Reading};
use super::error::Error;
use super::requests::{ByteRange, NewBatchPrediction};
use crate::domain::entity::Entity;

impl Service {
    /// Stores it together with its job.
    pub async fn batch_prediction_create(&self, _request: NewBatchPrediction) -> Result<Created, Error> {
        todo!()
    }

    /// Opens the finished file of predictions, or a part of it.
    pub async fn batch_output(
        &self,
        _id: &str,
        _range: Option<ByteRange>,
    ) -> Result<(Entity, Reading), Error> {
        todo!()
    }
}
