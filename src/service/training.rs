//! The whole way from a dataset to an evaluated model in one request.

use super::Service;
use super::answers::StartedTraining;
use super::error::Error;
use super::requests::NewTraining;

impl Service {
    /// Makes data sources, model and evaluation, all or none of them.
    pub async fn train(&self, _request: NewTraining) -> Result<StartedTraining, Error> {
        todo!()
    }
}
