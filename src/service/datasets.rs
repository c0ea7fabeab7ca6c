//! Datasets: receive a file, describe it, hand it out, forget it.

use bytes::Bytes;
use futures_util::Stream;

use super::Service;
use super::answers::Reading;
use super::error::Error;
use super::requests::{ByteRange, ListQuery};
use crate::domain::dataset::{Dataset, DatasetVersion, MediaHints};
use crate::domain::listing::Page;

impl Service {
    /// Receives a file of at most `limit` bytes as the current version of the dataset `name`. True
    /// when the name is new.
    pub async fn dataset_put(
        &self,
        _name: &str,
        _media: MediaHints,
        _body: impl Stream<Item = Result<Bytes, Error>> + Send,
        _limit: u64,
    ) -> Result<(DatasetVersion, bool), Error> {
        todo!()
    }

    /// Describes a dataset.
    pub async fn dataset_get(&self, _name: &str) -> Result<Dataset, Error> {
        todo!()
    }

    /// One page of the datasets.
    pub async fn dataset_list(&self, _query: ListQuery) -> Result<Page<Dataset>, Error> {
        todo!()
    }

    /// Forgets a dataset and its files; refused while something needs it.
    pub async fn dataset_delete(&self, _name: &str) -> Result<(), Error> {
        todo!()
    }

    /// Opens the current version of a dataset, or a part of it.
    pub async fn dataset_read(
        &self,
        _name: &str,
        _range: Option<ByteRange>,
    ) -> Result<(Dataset, Reading), Error> {
        todo!()
    }
}
