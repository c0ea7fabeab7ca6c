//! Writing: into a staged file first, then published under its key by one atomic rename.
//!
//! Until it is published nobody sees the file; afterwards it is whole and on disk. A file that is
//! dropped before is removed.

use std::io::{self, Write};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use object_store::{ObjectStoreExt, WriteMultipart};
use sha2::{Digest, Sha256};

use super::error::Source;
use super::{BlobError, Blobs, path};
use crate::domain::dataset::ContentHash;
use crate::domain::ids::BlobKey;

/// Bytes per part, the least that S3 accepts; this and `PARTS_IN_FLIGHT` bound the memory of a write.
const PART: usize = 5 << 20;

/// Parts written at the same time.
const PARTS_IN_FLIGHT: usize = 2;

/// A file that is being written.
#[derive(Debug)]
pub struct Writing {
    blobs: Blobs,
    key: BlobKey,
    upload: WriteMultipart,
    hasher: Sha256,
    size: u64,
    limit: u64,
}

impl Writing {
    pub(super) async fn begin(blobs: Blobs, limit: u64) -> Result<Self, BlobError> {
        let key = blobs.staging.next_key();
        let upload = blobs.store.put_multipart(&path(key.as_str())).await;
        let upload = upload.map_err(|e| BlobError::from_store("write", key.as_str(), e))?;
        let upload = WriteMultipart::new_with_chunk_size(upload, PART);
        Ok(Self {
            blobs,
            key,
            upload,
            hasher: Sha256::new(),
            size: 0,
            limit,
        })
    }

    /// Adds `bytes`; they may reach the disk later, so that errors may come later too.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        self.size += bytes.len() as u64;
        if self.size > self.limit {
            return Err(BlobError::TooLarge { limit: self.limit });
        }
        self.hasher.update(&bytes);
        let ready = self.upload.wait_for_capacity(PARTS_IN_FLIGHT).await;
        ready.map_err(|e| BlobError::from_store("write", self.key.as_str(), e))?;
        self.upload.put(bytes);
        Ok(())
    }

    /// Waits until every byte is on disk.
    pub async fn finish(self) -> Result<Staged, BlobError> {
        let Self {
            blobs,
            key,
            upload,
            hasher,
            size,
            limit: _,
        } = self;
        upload
            .finish()
            .await
            .map_err(|e| BlobError::from_store("write", key.as_str(), e))?;
        let hash = ContentHash::from_digest(hasher.finalize().into());
        Ok(Staged {
            blobs,
            key: Some(key),
            hash,
            size_bytes: size,
        })
    }
}

/// A complete file that nobody sees yet; removed when it is dropped.
#[derive(Debug)]
pub struct Staged {
    blobs: Blobs,
    key: Option<BlobKey>,
    /// The SHA-256 of its bytes.
    pub hash: ContentHash,
    /// Its length in bytes.
    pub size_bytes: u64,
}

impl Staged {
    /// Makes the file visible as `to`; on disk when this returns.
    pub async fn publish(mut self, to: &BlobKey) -> Result<Published, BlobError> {
        if let Some(from) = &self.key {
            let renamed = self
                .blobs
                .store
                .rename(&path(from.as_str()), &path(to.as_str()))
                .await;
            renamed.map_err(|e| BlobError::from_store("publish", to.as_str(), e))?;
        }
        self.key = None;
        Ok(Published {
            key: to.clone(),
            hash: self.hash.clone(),
            size_bytes: self.size_bytes,
        })
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            let store = self.blobs.store.clone();
            self.blobs
                .runtime
                .spawn(async move { drop(store.delete(&path(key.as_str())).await) });
        }
    }
}

/// A file that is there to stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Where it is.
    pub key: BlobKey,
    /// The SHA-256 of its bytes.
    pub hash: ContentHash,
    /// Its length in bytes.
    pub size_bytes: u64,
}

/// Writes everything that `stream` yields; more than `limit` bytes are refused.
pub(super) async fn receive<S, E>(blobs: Blobs, mut stream: S, limit: u64) -> Result<Staged, BlobError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
    E: Into<Source>,
{
    let mut writing = Writing::begin(blobs, limit).await?;
    while let Some(next) = stream.next().await {
        let bytes = next.map_err(|e| BlobError::Input {
            received: writing.size,
            source: e.into(),
        })?;
        writing.write(bytes).await?;
    }
    writing.finish().await
}

/// A staged file for code that blocks; never use it on an async thread.
#[derive(Debug)]
pub struct BlockingWriter {
    writing: Writing,
    buffer: Vec<u8>,
}

/// Bytes gathered before they are handed to the async side.
const GATHER: usize = 256 << 10;

impl BlockingWriter {
    pub(super) fn begin(blobs: Blobs, limit: u64) -> Result<Self, BlobError> {
        let runtime = blobs.runtime.clone();
        let writing = runtime.block_on(Writing::begin(blobs, limit))?;
        Ok(Self {
            writing,
            buffer: Vec::with_capacity(GATHER),
        })
    }

    /// Finishes the file and makes it visible as `key`; on disk when this returns.
    pub fn publish(mut self, key: &BlobKey) -> Result<Published, BlobError> {
        self.hand_over()?;
        let runtime = self.writing.blobs.runtime.clone();
        runtime.block_on(async move { self.writing.finish().await?.publish(key).await })
    }

    fn hand_over(&mut self) -> Result<(), BlobError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::replace(&mut self.buffer, Vec::with_capacity(GATHER));
        let runtime = self.writing.blobs.runtime.clone();
        runtime.block_on(self.writing.write(Bytes::from(bytes)))
    }
}

impl Write for BlockingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= GATHER {
            self.hand_over()?;
        }
        Ok(bytes.len())
    }

    /// Does nothing: only [`BlockingWriter::publish`] makes bytes durable, and small parts are dear.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
