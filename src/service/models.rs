//! Creation of models from a request.

use super::Service;
use super::answers::Created;
use super::error::Error;
use super::requests::NewModel;

impl Service {
    /// Stores it together with its job.
    pub async fn model_create(&self, _request: NewModel) -> Result<Created, Error> {
        todo!()
    }
}
