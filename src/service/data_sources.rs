//! Creation of data_sources from a request.

use super::Service;
use super::answers::Created;
use super::error::Error;
use super::requests::NewDataSource;

impl Service {
    /// Stores it together with its job.
    pub async fn data_source_create(&self, _request: NewDataSource) -> Result<Created, Error> {
        todo!()
    }
}
