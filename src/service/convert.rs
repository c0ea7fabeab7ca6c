//! Errors of the layers below as errors of the use cases.

use super::error::Error;
use crate::catalog::CatalogError;

impl From<CatalogError> for Error {
    fn from(_error: CatalogError) -> Self {
        todo!()
    }
}
