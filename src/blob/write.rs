//! Writing: into a staged file first, then published under its key by one atomic rename. Stores that show a file only
//! once its last part has arrived need no other name for it: there it is complete, or not at all.
//!
//! Until it is published nobody sees the file; afterwards it is whole and on disk. A file that is
//! dropped before is removed.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use object_store::{ObjectStoreExt, WriteMultipart};
use sha2::{Digest, Sha256};

use super::depot::Spot;
use super::error::Source;
use super::{BlobError, Blobs, Reading};
use crate::domain::dataset::ContentHash;
use crate::domain::ids::BlobKey;

/// Bytes per part; this and `PARTS_IN_FLIGHT` bound the memory of a write.
const PART: usize = 5 << 20;

/// The same for stores elsewhere, which take 10,000 parts of a file.
const PART_ELSEWHERE: usize = 8 << 20;

/// Parts written at the same time.
const PARTS_IN_FLIGHT: usize = 2;

/// A file that is being written.
#[derive(Debug)]
pub struct Writing {
    blobs: Blobs,
    at: Spot,
    /// There until it is finished.
    upload: Option<WriteMultipart>,
    hasher: Sha256,
    size: u64,
    limit: u64,
}

impl Writing {
    /// Begins a file that will be published as `to`, or in the home where that is not known yet.
    pub(super) async fn begin(blobs: Blobs, to: Option<&BlobKey>, limit: u64) -> Result<Self, BlobError> {
        let at = match to {
            Some(key) => blobs.depots.find_writable(key.as_str())?,
            None => blobs.depots.find(super::key::STAGING)?,
        };
        let at = at.unfinished();
        let upload = at.depot.store.put_multipart(&at.path).await;
        let upload = upload.map_err(|e| at.failed("write", e))?;
        let part = match at.depot.is_elsewhere {
            true => PART_ELSEWHERE,
            false => PART,
        };
        Ok(Self {
            blobs,
            at,
            upload: Some(WriteMultipart::new_with_chunk_size(upload, part)),
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
        if let Some(upload) = &mut self.upload {
            let ready = upload.wait_for_capacity(PARTS_IN_FLIGHT).await;
            ready.map_err(|e| self.at.failed("write", e))?;
            upload.put(bytes);
        }
        Ok(())
    }

    /// Waits until every byte is on disk, or on its way to where the file appears once it is published.
    pub async fn finish(mut self) -> Result<Staged, BlobError> {
        let hash = ContentHash::from_digest(std::mem::take(&mut self.hasher).finalize().into());
        let written = match (self.upload.take(), &self.at.depot.staging) {
            (Some(upload), None) => Written::Parts(Mutex::new(upload)),
            (Some(upload), Some(_)) => {
                let finished = upload.finish().await;
                finished.map_err(|e| self.at.failed("write", e))?;
                Written::File
            }
            (None, _) => Written::Nothing,
        };
        Ok(Staged {
            blobs: self.blobs.clone(),
            at: self.at.clone(),
            written,
            hash,
            size_bytes: self.size,
        })
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take() {
            give_up(&self.blobs, upload);
        }
    }
}

/// Parts without an end would stay where nobody sees them.
fn give_up(blobs: &Blobs, upload: WriteMultipart) {
    blobs.runtime.spawn(async move { drop(upload.abort().await) });
}

/// A complete file that nobody sees yet; removed when it is dropped.
#[derive(Debug)]
pub struct Staged {
    blobs: Blobs,
    at: Spot,
    written: Written,
    /// The SHA-256 of its bytes.
    pub hash: ContentHash,
    /// Its length in bytes.
    pub size_bytes: u64,
}

/// What there is of a staged file.
#[derive(Debug)]
enum Written {
    /// A file of another name.
    File,
    /// All parts, which the last word makes a file. The lock is never waited for: it lets several threads hold this.
    Parts(Mutex<WriteMultipart>),
    Nothing,
}

impl Staged {
    /// Reads it before it is published; only what lies in a file of its own can be read.
    pub async fn read(&self) -> Result<Reading, BlobError> {
        super::read::read_at(self.at.clone(), None).await
    }

    /// Makes the file visible as `to`; on disk when this returns.
    pub async fn publish(mut self, to: &BlobKey) -> Result<Published, BlobError> {
        let target = self.blobs.depots.find_writable(to.as_str())?;
        let is_begun_there = Arc::ptr_eq(&target.depot.store, &self.at.depot.store);
        if !is_begun_there || (self.at.depot.staging.is_none() && target.path != self.at.path) {
            return Err(BlobError::Storage {
                action: "publish",
                what: to.to_string(),
                source: "it was begun for another key".into(),
            });
        }
        let done = match std::mem::replace(&mut self.written, Written::Nothing) {
            Written::Parts(upload) => {
                let upload = upload.into_inner().unwrap_or_else(PoisonError::into_inner);
                upload.finish().await.map(|put| (put.e_tag, None))
            }
            Written::File => {
                let moved = self.moved(&target).await;
                if moved.is_err() {
                    self.written = Written::File;
                }
                moved
            }
            Written::Nothing => Ok((None, None)),
        };
        let (stamp, changed_micros) = done.map_err(|e| target.failed("publish", e))?;
        Ok(Published {
            key: to.clone(),
            hash: self.hash.clone(),
            size_bytes: self.size_bytes,
            stamp,
            changed_micros,
        })
    }

    /// Gives the file its name. What is known of it is asked before: afterwards others may give the name to another file.
    async fn moved(&self, target: &Spot) -> Result<(Option<String>, Option<i64>), object_store::Error> {
        let store = &target.depot.store;
        let found = store.head(&self.at.path).await?;
        store.rename(&self.at.path, &target.path).await?;
        Ok((found.e_tag, Some(found.last_modified.timestamp_micros())))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.written, Written::Nothing) {
            Written::File => {
                let at = self.at.clone();
                let removed = async move { drop(at.depot.store.delete(&at.path).await) };
                self.blobs.runtime.spawn(removed);
            }
            Written::Parts(upload) => {
                let upload = upload.into_inner().unwrap_or_else(PoisonError::into_inner);
                give_up(&self.blobs, upload);
            }
            Written::Nothing => {}
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
    /// What the store gives to another content of the same name; none where it gives nothing.
    pub stamp: Option<String>,
    /// When it was written, in microseconds UTC; none where the store does not say.
    pub changed_micros: Option<i64>,
}

/// Writes everything that `stream` yields, in the store that has `to` or in the home; more than `limit` bytes are refused.
pub(super) async fn receive<S, E>(
    blobs: Blobs,
    to: Option<&BlobKey>,
    mut stream: S,
    limit: u64,
) -> Result<Staged, BlobError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin + Send,
    E: Into<Source>,
{
    let mut writing = Writing::begin(blobs, to, limit).await?;
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
    to: BlobKey,
    buffer: Vec<u8>,
}

/// Bytes gathered before they are handed to the async side.
const GATHER: usize = 256 << 10;

impl BlockingWriter {
    pub(super) fn begin(blobs: Blobs, to: &BlobKey, limit: u64) -> Result<Self, BlobError> {
        let runtime = blobs.runtime.clone();
        let writing = runtime.block_on(Writing::begin(blobs, Some(to), limit))?;
        Ok(Self {
            writing,
            to: to.clone(),
            buffer: Vec::with_capacity(GATHER),
        })
    }

    /// Finishes the file and makes it visible under its key; on disk when this returns.
    pub fn publish(mut self) -> Result<Published, BlobError> {
        self.hand_over()?;
        let runtime = self.writing.blobs.runtime.clone();
        runtime.block_on(async move { self.writing.finish().await?.publish(&self.to).await })
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
