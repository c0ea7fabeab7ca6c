//! Files: uploaded datasets, bundles, predictions. The only user of object storage.
//!
//! Files are immutable: each is written once, under a key of its own, and removed once. [`key`]
//! says where things lie; [`Blobs`] puts them there. Async code uses `receive` and `read`, compute
//! threads `write_blocking` and `open_blocking`; both take any store that the `object_store` crate
//! knows, and a local folder is the default.

mod error;
pub mod key;
mod read;
mod staging;
mod write;

pub use error::{BlobError, Source};
pub use read::{BlockingReader, RandomReader, Reading};
pub use write::{BlockingWriter, Published, Staged, Writing};

use std::io::Read;
use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::Handle;

use self::staging::Staging;
use crate::domain::ids::{BlobKey, EntityRef};
use crate::domain::job::{ClaimedJob, WorkerId};

/// The files of one installation; cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    staging: Arc<Staging>,
    runtime: Handle,
}

/// A file as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Where it is.
    pub key: BlobKey,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// What the store gives to another content of the same name; none where it gives nothing.
    pub stamp: Option<String>,
}

/// A key as the store takes it: characters stand for themselves.
fn path(text: &str) -> Path {
    Path::parse(text).unwrap_or_else(|_| Path::from(text))
}

impl Blobs {
    /// Opens the folder `home`, made if it is not there, and removes what dead processes left
    /// half written. The runtime that this is called on does the work of the blocking methods.
    pub async fn open_local(home: &FilePath) -> Result<Self, BlobError> {
        let unusable = |source| BlobError::Folder {
            path: home.display().to_string(),
            source,
        };
        std::fs::create_dir_all(home).map_err(unusable)?;
        let store = LocalFileSystem::new_with_prefix(home).map_err(|e| unusable(std::io::Error::other(e)))?;
        // Synchronised: what is acknowledged must survive a power cut. Empty folders are not removed by
        // the store, because it would take the top ones too, while another upload is about to use them.
        let store = store.with_fsync(true).with_automatic_cleanup(false);
        let staging = Staging::local(home)?;
        Ok(Self {
            store: Arc::new(store),
            staging: Arc::new(staging),
            runtime: Handle::current(),
        })
    }

    /// Uses any other store.
    pub async fn open_store(store: Arc<dyn ObjectStore>) -> Result<Self, BlobError> {
        Ok(Self {
            store,
            staging: Arc::new(Staging::remote()?),
            runtime: Handle::current(),
        })
    }

    /// The name of this process among those that share the store.
    pub fn process(&self) -> &WorkerId {
        self.staging.process()
    }

    /// The processes that were found dead when this store was opened: certainly dead, but not all
    /// that are. Each is found by one process only.
    pub fn dead_processes(&self) -> &[WorkerId] {
        self.staging.dead()
    }

    /// Writes everything that `stream` yields to a staged file, hashing on the way; more than
    /// `limit` bytes are refused. Nothing stays unless the result is published.
    pub async fn receive<S, E>(&self, stream: S, limit: u64) -> Result<Staged, BlobError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Source>,
    {
        write::receive(self.clone(), stream, limit).await
    }

    /// Stores `bytes` as `key`; on disk when this returns.
    pub async fn put(&self, key: &BlobKey, bytes: Bytes) -> Result<Published, BlobError> {
        let mut writing = Writing::begin(self.clone(), u64::MAX).await?;
        writing.write(bytes).await?;
        writing.finish().await?.publish(key).await
    }

    /// Opens a file, or the part `range` of it, which must begin inside the file.
    pub async fn read(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<Reading, BlobError> {
        read::read(self, key, range).await
    }

    /// Reads a whole file into memory.
    pub async fn get(&self, key: &BlobKey) -> Result<Bytes, BlobError> {
        let result = self.store.get(&path(key.as_str())).await;
        let bytes = match result {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        bytes.map_err(|e| BlobError::from_store("read", key.as_str(), e))
    }

    /// What is known of a file without reading it.
    pub async fn look(&self, key: &BlobKey) -> Result<Listed, BlobError> {
        let found = self.store.head(&path(key.as_str())).await;
        let found = found.map_err(|e| BlobError::from_store("read", key.as_str(), e))?;
        Ok(Listed {
            key: key.clone(),
            size_bytes: found.size,
            stamp: found.e_tag,
        })
    }

    /// The length of a file in bytes.
    pub async fn size(&self, key: &BlobKey) -> Result<u64, BlobError> {
        Ok(self.look(key).await?.size_bytes)
    }

    /// Fails when the store does not answer, or when the local folder has gone.
    pub async fn ping(&self) -> Result<(), BlobError> {
        if let Some(path) = self.staging.missing() {
            let source = std::io::ErrorKind::NotFound.into();
            return Err(BlobError::Folder { path, source });
        }
        let first = self.store.list(Some(&path(key::STAGING))).try_next().await;
        first
            .map(|_| ())
            .map_err(|e| BlobError::from_store("list", key::STAGING, e))
    }

    /// Removes a file; one that is not there is no error.
    pub async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        match self.store.delete(&path(key.as_str())).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(BlobError::from_store("delete", key.as_str(), error)),
        }
    }

    /// The files below `folder`, in the order of their keys. Names that are no keys of ours are
    /// left out.
    pub async fn list(&self, folder: &str) -> Result<Vec<Listed>, BlobError> {
        let found = self.store.list(Some(&path(folder))).try_collect::<Vec<_>>().await;
        let found = found.map_err(|e| BlobError::from_store("list", folder, e))?;
        let listed = found.into_iter().filter_map(|meta| {
            Some(Listed {
                key: BlobKey::new(meta.location.as_ref()).ok()?,
                size_bytes: meta.size,
                stamp: meta.e_tag,
            })
        });
        let mut listed: Vec<Listed> = listed.collect();
        listed.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(listed)
    }

    /// Removes every file that an entity owns; returns how many.
    pub async fn delete_owned(&self, at: &EntityRef) -> Result<usize, BlobError> {
        let removed = self.delete_where(at, |_| true).await?;
        self.staging.remove_empty(&key::folder(at));
        Ok(removed)
    }

    /// Removes what attempts at `job` before this one left behind; returns how many files. Those of
    /// a later attempt, made while this one slept, stay: they are the result.
    pub async fn delete_earlier(&self, job: &ClaimedJob) -> Result<usize, BlobError> {
        let is_earlier = |key: &BlobKey| key::claim_of(key).is_some_and(|claim| claim < job.claim);
        self.delete_where(&job.entity.at(), is_earlier).await
    }

    /// Removes the pieces of unfinished work that an entity owns; returns how many.
    pub async fn delete_parts(&self, at: &EntityRef) -> Result<usize, BlobError> {
        self.delete_where(at, key::is_part).await
    }

    async fn delete_where(
        &self,
        at: &EntityRef,
        unwanted: impl Fn(&BlobKey) -> bool,
    ) -> Result<usize, BlobError> {
        let mut owned = self.list(&key::folder(at)).await?;
        owned.retain(|file| unwanted(&file.key));
        for file in &owned {
            self.delete(&file.key).await?;
        }
        Ok(owned.len())
    }

    /// Opens a file for code that blocks; never call it on an async thread.
    pub fn open_blocking(&self, key: &BlobKey) -> Result<BlockingReader, BlobError> {
        BlockingReader::open(self, key)
    }

    /// Opens a file to be read at any place by code that blocks; never call it on an async thread.
    pub fn open_random(&self, key: &BlobKey) -> Result<RandomReader, BlobError> {
        RandomReader::open(self, key)
    }

    /// Reads a whole file into memory, for code that blocks.
    pub fn get_blocking(&self, key: &BlobKey) -> Result<Vec<u8>, BlobError> {
        let mut reader = self.open_blocking(key)?;
        let mut bytes = Vec::with_capacity(usize::try_from(reader.size_bytes()).unwrap_or(0));
        let read = reader.read_to_end(&mut bytes);
        read.map_err(|e| BlobError::Storage {
            action: "read",
            what: key.to_string(),
            source: e.into(),
        })?;
        Ok(bytes)
    }

    /// Begins a staged file for code that blocks; never call it on an async thread.
    pub fn write_blocking(&self) -> Result<BlockingWriter, BlobError> {
        BlockingWriter::begin(self.clone(), u64::MAX)
    }

    /// [`Blobs::look`] for code that blocks.
    pub fn look_blocking(&self, key: &BlobKey) -> Result<Listed, BlobError> {
        self.runtime.block_on(self.look(key))
    }

    /// [`Blobs::list`] for code that blocks.
    pub fn list_blocking(&self, folder: &str) -> Result<Vec<Listed>, BlobError> {
        self.runtime.block_on(self.list(folder))
    }

    /// [`Blobs::size`] for code that blocks.
    pub fn size_blocking(&self, key: &BlobKey) -> Result<u64, BlobError> {
        self.runtime.block_on(self.size(key))
    }

    /// [`Blobs::delete`] for code that blocks.
    pub fn delete_blocking(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.runtime.block_on(self.delete(key))
    }

    /// [`Blobs::delete_owned`] for code that blocks.
    pub fn delete_owned_blocking(&self, at: &EntityRef) -> Result<usize, BlobError> {
        self.runtime.block_on(self.delete_owned(at))
    }

    /// [`Blobs::delete_parts`] for code that blocks.
    pub fn delete_parts_blocking(&self, at: &EntityRef) -> Result<usize, BlobError> {
        self.runtime.block_on(self.delete_parts(at))
    }

    /// [`Blobs::delete_earlier`] for code that blocks.
    pub fn delete_earlier_blocking(&self, job: &ClaimedJob) -> Result<usize, BlobError> {
        self.runtime.block_on(self.delete_earlier(job))
    }
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading")
            .field("size_bytes", &self.size_bytes)
            .field("range", &self.range)
            .finish()
    }
}

#[cfg(test)]
mod tests;
