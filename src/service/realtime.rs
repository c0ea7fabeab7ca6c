//! Predictions now, for records in the request.

use std::collections::BTreeMap;

use super::Service;
use super::answers::Predictions;
use super::error::Error;

impl Service {
    /// Scores records, given as text by field name. Unknown fields are warnings, never errors.
    pub async fn predict(
        &self,
        _model: &str,
        _records: Vec<BTreeMap<String, String>>,
        _explain: bool,
    ) -> Result<Predictions, Error> {
        todo!()
    }
}
