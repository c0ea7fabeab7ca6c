//! Files: uploaded datasets, bundles, predictions. The only user of object storage.
//!
//! Files are immutable: each is written once, under a key of its own, and removed once. [`key`]
//! says where things lie; [`Blobs`] puts them there. Async code uses `receive` and `read`, compute
//! threads `write_blocking` and `open_blocking`; both take any store that the `object_store` crate
//! knows, and a local folder is the default.

pub mod bucket;
mod depot;
mod error;
pub mod folders;
pub mod key;
mod read;
mod remote;
mod staging;
mod walk;
mod windows;
mod write;

pub use error::{BlobError, Source};
pub use read::{BlockingReader, RandomReader, Reading};
pub use remote::Refusal;
pub use write::{BlockingWriter, Published, Staged, Writing};

use std::io::Read;
use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt};
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::Handle;

use self::bucket::Mappings;
use self::depot::{Depot, Depots, Spot};
use self::staging::Staging;
use crate::domain::ids::{BlobKey, EntityRef};
use crate::domain::job::{ClaimedJob, WorkerId};

/// The files of one installation; cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs {
    depots: Arc<Depots>,
    staging: Arc<Staging>,
    runtime: Handle,
}

/// Files that are listed at once, at most: all of them are in memory together.
const MOST_LISTED: usize = 1_000_000;

/// A file as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Where it is.
    pub key: BlobKey,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// What the store gives to another content of the same name; none where it gives nothing.
    pub stamp: Option<String>,
    /// When it was written last, in microseconds UTC; none where the store was not asked.
    pub changed_micros: Option<i64>,
}

/// What lies below a folder.
#[derive(Debug)]
pub struct Contents {
    /// Files, in the order of their keys.
    pub files: Vec<Listed>,
    /// Folders of this machine with nothing in them, in any order, and when each was changed last, in microseconds UTC.
    pub empty: Vec<(BlobKey, i64)>,
}

impl Blobs {
    /// Opens the folder `home`, made if it is not there, and removes what dead processes left
    /// half written. The runtime that this is called on does the work of the blocking methods.
    pub async fn open_local(home: &FilePath) -> Result<Self, BlobError> {
        let made = std::fs::create_dir_all(home);
        made.map_err(|source| BlobError::Folder {
            path: home.display().to_string(),
            source,
        })?;
        Self::of(Depots::of(Depot::home(home)?))
    }

    /// Uses any other store.
    pub async fn open_store(store: Arc<dyn ObjectStore>) -> Result<Self, BlobError> {
        Self::of(Depots::of(Depot::anywhere(store)?))
    }

    fn of(depots: Depots) -> Result<Self, BlobError> {
        let staging = depots.home.staging.clone();
        Ok(Self {
            staging: match staging {
                Some(staging) => staging,
                None => Arc::new(Staging::remote()?),
            },
            depots: Arc::new(depots),
            runtime: Handle::current(),
        })
    }

    /// The same with buckets where `mappings` say. Reports every mapping that cannot be used; no store is asked yet.
    pub fn with_buckets(self, mappings: &Mappings) -> Result<Self, Vec<BlobError>> {
        let depots = Depots::mapped(self.depots.home.clone(), mappings)?;
        Ok(Self {
            depots: Arc::new(depots),
            ..self
        })
    }

    /// Whether the file of `key` lies elsewhere than in the home.
    pub fn is_mapped(&self, key: &BlobKey) -> bool {
        self.depots.is_mapped(key.as_str())
    }

    /// Whether the operator said of the bucket `name` where it lies.
    pub fn is_chosen(&self, name: &str) -> bool {
        self.depots.names().iter().any(|known| known == name)
    }

    /// Fails if nobody may read there, or write there if that is what `to_write` says. No store is asked.
    pub fn allows(&self, key: &BlobKey, to_write: bool) -> Result<(), BlobError> {
        let found = match to_write {
            true => self.depots.find_writable(key.as_str()),
            false => self.depots.find(key.as_str()),
        };
        found.map(|_| ())
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
        write::receive(self.clone(), None, stream, limit).await
    }

    /// The same for a file that will be published as `key`.
    pub async fn receive_at<S, E>(&self, key: &BlobKey, stream: S, limit: u64) -> Result<Staged, BlobError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
        E: Into<Source>,
    {
        write::receive(self.clone(), Some(key), stream, limit).await
    }

    /// Stores `bytes` as `key`; on disk when this returns.
    pub async fn put(&self, key: &BlobKey, bytes: Bytes) -> Result<Published, BlobError> {
        let mut writing = Writing::begin(self.clone(), Some(key), u64::MAX).await?;
        writing.write(bytes).await?;
        writing.finish().await?.publish(key).await
    }

    /// Opens a file, or the part `range` of it, which must begin inside the file.
    pub async fn read(&self, key: &BlobKey, range: Option<Range<u64>>) -> Result<Reading, BlobError> {
        read::read(self, key, range).await
    }

    /// Reads a whole file into memory.
    pub async fn get(&self, key: &BlobKey) -> Result<Bytes, BlobError> {
        let at = self.depots.find(key.as_str())?;
        let bytes = match at.depot.store.get(&at.path).await {
            Ok(found) => found.bytes().await,
            Err(error) => Err(error),
        };
        bytes.map_err(|e| at.failed("read", e))
    }

    /// What is known of a file without reading it.
    pub async fn look(&self, key: &BlobKey) -> Result<Listed, BlobError> {
        let at = self.depots.find(key.as_str())?;
        let found = at.look().await?;
        Ok(Listed {
            key: key.clone(),
            size_bytes: found.size,
            stamp: found.e_tag,
            changed_micros: Some(found.last_modified.timestamp_micros()),
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
        let at = self.depots.find(key::STAGING)?;
        let first = at.depot.store.list(Some(&at.path)).try_next().await;
        first.map(|_| ()).map_err(|e| at.failed("list", e))
    }

    /// Removes a file; one that is not there is no error.
    pub async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.remove(key).await.map(|_| ())
    }

    /// Removes a file; false if it is not there.
    pub async fn remove(&self, key: &BlobKey) -> Result<bool, BlobError> {
        let at = self.depots.find_writable(key.as_str())?;
        match at.depot.store.delete(&at.path).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => match at.failed("delete", error) {
                // A folder of that name, or a file where a folder would be: there is no such file either.
                BlobError::NotFound { .. } => Ok(false),
                error => Err(error),
            },
        }
    }

    /// The files below `folder`, in the order of their keys. Names that are no keys of ours are
    /// left out, and so are links that lead round in a circle.
    pub async fn list(&self, folder: &str) -> Result<Vec<Listed>, BlobError> {
        let at = self.depots.find(folder)?;
        Ok(self.contents_of(&at).await?.files)
    }

    /// The same, and the folders with nothing in them.
    pub async fn contents(&self, folder: &str) -> Result<Contents, BlobError> {
        let at = self.depots.find(folder)?;
        self.contents_of(&at).await
    }

    async fn contents_of(&self, at: &Spot) -> Result<Contents, BlobError> {
        let below = at.below(MOST_LISTED).await?;
        if below.files.len() + below.empty.len() > MOST_LISTED {
            return Err(BlobError::TooMany {
                what: at.name(),
                most: MOST_LISTED,
            });
        }
        let files = below.files.into_iter().filter_map(|meta| {
            Some(Listed {
                key: at.depot.key_of(&meta.location)?,
                size_bytes: meta.size,
                stamp: meta.e_tag,
                changed_micros: Some(meta.last_modified.timestamp_micros()),
            })
        });
        let mut files: Vec<Listed> = files.collect();
        files.sort_by(|a, b| a.key.cmp(&b.key));
        let empty = below.empty.into_iter();
        let empty = empty.filter_map(|(name, changed)| Some((at.depot.key_of(&name)?, changed)));
        Ok(Contents {
            files,
            empty: empty.collect(),
        })
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
        BlockingReader::open(self, key, None)
    }

    /// The same for a file that was listed before; an error if it has another content by now.
    pub fn open_listed(&self, file: &Listed) -> Result<BlockingReader, BlobError> {
        BlockingReader::open(self, &file.key, Some(file))
    }

    /// Opens a file that was listed before to be read at any place by code that blocks; never call it on an async
    /// thread.
    pub fn open_random(&self, file: &Listed) -> Result<RandomReader, BlobError> {
        RandomReader::open(self, &file.key, Some(file))
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

    /// Begins the file of `key` for code that blocks; never call it on an async thread.
    pub fn write_blocking(&self, key: &BlobKey) -> Result<BlockingWriter, BlobError> {
        BlockingWriter::begin(self.clone(), key, u64::MAX)
    }

    /// [`Blobs::look`] for code that blocks.
    pub fn look_blocking(&self, key: &BlobKey) -> Result<Listed, BlobError> {
        self.runtime.block_on(self.look(key))
    }

    /// [`Blobs::look`] for code that blocks, at all of `keys` at once.
    pub fn look_all_blocking<'a>(
        &self,
        keys: impl Iterator<Item = &'a BlobKey>,
    ) -> Vec<Result<Listed, BlobError>> {
        let looks = keys.map(|key| self.look(key));
        self.runtime.block_on(futures_util::future::join_all(looks))
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
mod bucket_tests;
#[cfg(test)]
mod tests;
