//! Reading: as a stream for async code, as `std::io::Read` or at any place for code that blocks.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::{GetOptions, GetRange, GetResult, GetResultPayload, ObjectStore, ObjectStoreExt};
use tokio::sync::mpsc;

use super::{BlobError, Blobs, path};
use crate::domain::ids::BlobKey;

/// A file, or a part of it, on its way.
pub struct Reading {
    /// Length of the whole file in bytes.
    pub size_bytes: u64,
    /// Which bytes of it come.
    pub range: Range<u64>,
    /// The bytes.
    pub stream: BoxStream<'static, Result<Bytes, BlobError>>,
}

pub(super) async fn read(
    blobs: &Blobs,
    key: &BlobKey,
    range: Option<Range<u64>>,
) -> Result<Reading, BlobError> {
    let options = GetOptions {
        range: range.map(GetRange::Bounded),
        ..GetOptions::default()
    };
    let result = blobs.store.get_opts(&path(key.as_str()), options).await;
    let result = result.map_err(|e| BlobError::from_store("read", key.as_str(), e))?;
    Ok(Reading {
        size_bytes: result.meta.size,
        range: result.range.clone(),
        stream: stream(result, key.clone()),
    })
}

fn stream(result: GetResult, key: BlobKey) -> BoxStream<'static, Result<Bytes, BlobError>> {
    result
        .into_stream()
        .map(move |r| r.map_err(|e| BlobError::from_store("read", key.as_str(), e)))
        .boxed()
}

/// A file for code that blocks; never use it on an async thread.
#[derive(Debug)]
pub struct BlockingReader {
    size_bytes: u64,
    source: Inner,
}

#[derive(Debug)]
enum Inner {
    /// A local file is read directly.
    File(File),
    /// Anything else is fetched by an async task, a few chunks ahead.
    Channel(mpsc::Receiver<Result<Bytes, BlobError>>, Bytes),
}

/// Chunks fetched ahead of the reader.
const AHEAD: usize = 4;

impl BlockingReader {
    pub(super) fn open(blobs: &Blobs, key: &BlobKey) -> Result<Self, BlobError> {
        let result = blobs.runtime.block_on(blobs.store.get(&path(key.as_str())));
        let result = result.map_err(|e| BlobError::from_store("read", key.as_str(), e))?;
        let size_bytes = result.meta.size;
        if let GetResultPayload::File(file, _) = result.payload {
            return Ok(Self {
                size_bytes,
                source: Inner::File(file),
            });
        }
        let (sender, receiver) = mpsc::channel(AHEAD);
        let mut chunks = stream(result, key.clone());
        blobs.runtime.spawn(async move {
            while let Some(chunk) = chunks.next().await {
                // The reader has gone.
                if sender.send(chunk).await.is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            size_bytes,
            source: Inner::Channel(receiver, Bytes::new()),
        })
    }

    /// Length of the file in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

impl Read for BlockingReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.source {
            Inner::File(file) => file.read(into),
            Inner::Channel(receiver, rest) => {
                while rest.is_empty() {
                    match receiver.blocking_recv() {
                        Some(chunk) => *rest = chunk?,
                        None => return Ok(0),
                    }
                }
                let n = into.len().min(rest.len());
                rest.copy_to_slice(&mut into[..n]);
                Ok(n)
            }
        }
    }
}

/// A file that is read at any place, for code that blocks; never use it on an async thread.
#[derive(Debug)]
pub struct RandomReader {
    size_bytes: u64,
    source: Place,
}

#[derive(Debug)]
enum Place {
    /// A local file is read directly.
    File(File),
    /// Anything else is asked for each range.
    Store(Blobs, BlobKey),
}

impl RandomReader {
    pub(super) fn open(blobs: &Blobs, key: &BlobKey) -> Result<Self, BlobError> {
        let reader = BlockingReader::open(blobs, key)?;
        let source = match reader.source {
            Inner::File(file) => Place::File(file),
            Inner::Channel(..) => Place::Store(blobs.clone(), key.clone()),
        };
        Ok(Self {
            size_bytes: reader.size_bytes,
            source,
        })
    }

    /// Length of the file in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Fills `into` with the bytes from `at` on; an error when there are not as many.
    pub fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        match &self.source {
            Place::File(file) => file.read_exact_at(into, at),
            Place::Store(blobs, key) => {
                let range = at..at.saturating_add(into.len() as u64);
                let path = path(key.as_str());
                let found = blobs.runtime.block_on(blobs.store.get_range(&path, range));
                let found = found.map_err(|e| BlobError::from_store("read", key.as_str(), e))?;
                if found.len() != into.len() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                into.copy_from_slice(&found);
                Ok(())
            }
        }
    }
}
