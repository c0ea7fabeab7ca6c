//! Datasets: receive a file, describe it, hand it out, forget it.

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};

use super::answers::Reading;
use super::creation::random;
use super::error::Error;
use super::requests::{ByteRange, ListQuery};
use super::{Service, check};
use crate::blob::{BlobError, Staged, key};
use crate::catalog::CatalogError;
use crate::domain::dataset::{Dataset, DatasetVersion, MediaHints};
use crate::domain::ids::{BlobKey, DatasetName};
use crate::domain::listing::Page;

impl Service {
    /// Receives a file of at most `limit` bytes as the current version of the dataset `name`. True
    /// when the name is new. Equal bytes are the same version; until everything has arrived and is
    /// on disk, nothing is to be seen of it.
    pub async fn dataset_put(
        &self,
        name: &str,
        media: MediaHints,
        body: impl Stream<Item = Result<Bytes, Error>> + Send,
        limit: u64,
    ) -> Result<(DatasetVersion, bool), Error> {
        let name = check::dataset_name("", name)?;
        let limit = limit.min(self.0.limits.upload_bytes);
        let body = std::pin::pin!(body);
        let staged = self.0.blobs.receive(body, limit).await?;
        if staged.size_bytes == 0 {
            let message = "the file is empty; send a table with at least one row";
            return Err(Error::invalid("empty_file", message));
        }
        // On a task of its own: a caller who goes away now must not leave a file without a name.
        let service = self.clone();
        let kept = tokio::spawn(async move { service.kept(name, media, staged).await });
        kept.await
            .map_err(|e| Error::internal("keeping an uploaded file", e))?
    }

    async fn kept(
        &self,
        name: DatasetName,
        media: MediaHints,
        staged: Staged,
    ) -> Result<(DatasetVersion, bool), Error> {
        let known = match self.0.catalog.dataset_get(&name).await {
            Ok(_) => true,
            Err(CatalogError::DatasetNotFound { .. }) => false,
            Err(error) => return Err(error.into()),
        };
        let to = key::upload(&name, &staged.hash, random()?);
        let file = staged.publish(&to).await?;
        let now = self.now();
        let version = DatasetVersion {
            name,
            version: file.hash,
            size_bytes: file.size_bytes,
            blob: file.key,
            media,
            created_at: now,
        };
        let stored = self.version_put(&version, now).await;
        let is_needed = match &stored {
            Ok(stored) => stored.blob == version.blob,
            Err(_) => self.may_be_named(&version).await,
        };
        if !is_needed {
            self.remove(&version.blob).await;
        }
        Ok((stored?, !known))
    }

    /// Stores the version. Bytes that are known already keep their file, unless it is gone.
    async fn version_put(&self, version: &DatasetVersion, now: i64) -> Result<DatasetVersion, Error> {
        let stored = self.0.catalog.dataset_put(version, now).await?;
        if stored.blob == version.blob {
            return Ok(stored);
        }
        match self.0.blobs.size(&stored.blob).await {
            Err(BlobError::NotFound { .. }) => {
                tracing::warn!(file = %stored.blob, "a dataset's file was gone; the new upload takes its place");
                let mended = self.0.catalog.dataset_mend(version, &stored.blob).await?;
                Ok(mended.unwrap_or(stored))
            }
            _ => Ok(stored),
        }
    }

    /// After an error that leaves open whether the version was stored: false only when its file is
    /// certainly not the one that the catalogue names.
    async fn may_be_named(&self, version: &DatasetVersion) -> bool {
        let catalog = &self.0.catalog;
        match catalog.dataset_get_version(&version.name, &version.version).await {
            Ok(stored) => stored.blob == version.blob,
            Err(CatalogError::DatasetVersionNotFound { .. }) => false,
            Err(_) => true,
        }
    }

    /// Describes a dataset.
    pub async fn dataset_get(&self, name: &str) -> Result<Dataset, Error> {
        let name = check::dataset_name("", name)?;
        Ok(self.0.catalog.dataset_get(&name).await?)
    }

    /// One page of the datasets. They have no status and are made from nothing.
    pub async fn dataset_list(&self, query: ListQuery) -> Result<Page<Dataset>, Error> {
        for (parameter, given) in [
            ("status", query.status.is_some()),
            ("model", query.model.is_some()),
            ("datasource", query.datasource.is_some()),
        ] {
            if given {
                let message = format!("datasets cannot be listed by {parameter}; leave it out");
                return Err(Error::invalid("invalid_parameter", message));
            }
        }
        Ok(self.0.catalog.dataset_list(&query.listing()?).await?)
    }

    /// Forgets a dataset with all its versions and files; refused while a data source or unfinished
    /// work needs one of them.
    pub async fn dataset_delete(&self, name: &str) -> Result<(), Error> {
        let name = check::dataset_name("", name)?;
        for file in self.0.catalog.dataset_delete(&name).await? {
            self.remove(&file).await;
        }
        Ok(())
    }

    /// Opens the current version of a dataset, or a part of it.
    pub async fn dataset_read(
        &self,
        name: &str,
        range: Option<ByteRange>,
    ) -> Result<(Dataset, Reading), Error> {
        let dataset = self.dataset_get(name).await?;
        let version = &dataset.current;
        let reading = self.opened(&version.blob, version.size_bytes, range).await?;
        Ok((dataset, reading))
    }

    /// Opens a file of `size` bytes, or a part of it.
    pub(super) async fn opened(
        &self,
        file: &BlobKey,
        size: u64,
        range: Option<ByteRange>,
    ) -> Result<Reading, Error> {
        let range = match range {
            None => None,
            Some(range) => Some(range.resolve(size).ok_or_else(|| {
                let message = format!("the file has {size} bytes, none of which are asked for");
                Error::invalid("range_not_satisfiable", message)
            })?),
        };
        let reading = self.0.blobs.read(file, range).await?;
        Ok(Reading {
            size_bytes: reading.size_bytes,
            range: reading.range,
            stream: reading.stream.map_err(Error::from).boxed(),
        })
    }

    /// Removes a file that nothing names any more. It is out of reach already, so that a failure
    /// costs disk space only.
    async fn remove(&self, file: &BlobKey) {
        if let Err(error) = self.0.blobs.delete(file).await {
            tracing::warn!(file = %file, error = %error, "cannot remove an unneeded file");
        }
    }
}
