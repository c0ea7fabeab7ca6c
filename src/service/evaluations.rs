//! Creation of evaluations from a request.

use super::Service;
use super::answers::Created;
use super::error::Error;
use super::requests::NewEvaluation;

impl Service {
    /// Stores it together with its job.
    pub async fn evaluation_create(&self, _request: NewEvaluation) -> Result<Created, Error> {
        todo!()
    }
}
