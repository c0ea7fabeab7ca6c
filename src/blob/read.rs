//! Reading: as a stream for async code, as `std::io::Read` or at any place for code that blocks.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::{
    GetOptions, GetRange, GetResult, GetResultPayload, ObjectMeta, ObjectStore, ObjectStoreExt,
};

use super::depot::Spot;
use super::windows::{Windows, fetch};
use super::{BlobError, Blobs, Listed};
use crate::domain::ids::BlobKey;

/// A file, or a part of it, on its way.
pub struct Reading {
    /// Length of the whole file in bytes.
    pub size_bytes: u64,
    /// What the store gives to another content of the same name; none where it gives nothing.
    pub stamp: Option<String>,
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
    read_at(blobs.depots.find(key.as_str())?, range).await
}

pub(super) async fn read_at(at: Spot, range: Option<Range<u64>>) -> Result<Reading, BlobError> {
    at.is_file().await?;
    let options = GetOptions {
        range: range.map(GetRange::Bounded),
        ..GetOptions::default()
    };
    let result = at.depot.store.get_opts(&at.path, options).await;
    let result = result.map_err(|e| at.failed("read", e))?;
    Ok(Reading {
        size_bytes: result.meta.size,
        stamp: result.meta.e_tag.clone(),
        range: result.range.clone(),
        stream: stream(result, at),
    })
}

fn stream(result: GetResult, at: Spot) -> BoxStream<'static, Result<Bytes, BlobError>> {
    result
        .into_stream()
        .map(move |r| r.map_err(|e| at.failed("read", e)))
        .boxed()
}

/// A file that was found: what is known of it, and the file itself where it lies in a folder.
struct Found {
    at: Spot,
    meta: ObjectMeta,
    file: Option<File>,
}

/// Finds the file of `key`; where `expected` is given, another content than that is an error.
fn find(blobs: &Blobs, key: &BlobKey, expected: Option<&Listed>) -> Result<Found, BlobError> {
    let at = blobs.depots.find(key.as_str())?;
    let asked = async {
        if !at.depot.is_local() {
            return Ok((at.look().await?, None));
        }
        at.is_file().await?;
        let result = at.depot.store.get(&at.path).await;
        let result = result.map_err(|e| at.failed("read", e))?;
        match result.payload {
            GetResultPayload::File(file, _) => Ok((result.meta, Some(file))),
            GetResultPayload::Stream(_) => Ok((result.meta, None)),
        }
    };
    let (meta, file) = blobs.runtime.block_on(asked)?;
    if expected.is_some_and(|known| known.size_bytes != meta.size || known.stamp != meta.e_tag) {
        return Err(BlobError::Changed { what: at.name() });
    }
    Ok(Found { at, meta, file })
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
    File(Watched),
    /// Anything else is fetched by async tasks, a few windows ahead.
    Windows(Box<Windows>, Bytes),
}

impl BlockingReader {
    pub(super) fn open(blobs: &Blobs, key: &BlobKey, expected: Option<&Listed>) -> Result<Self, BlobError> {
        let Found { at, meta, file } = find(blobs, key, expected)?;
        let size_bytes = meta.size;
        let source = match file {
            Some(file) => Inner::File(Watched::new(file, at.name())?),
            None => Inner::Windows(
                Box::new(Windows::new(blobs.runtime.clone(), at, meta)),
                Bytes::new(),
            ),
        };
        Ok(Self { size_bytes, source })
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
            Inner::Windows(windows, rest) => {
                while rest.is_empty() {
                    match windows.next()? {
                        Some(window) => *rest = window,
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

/// A local file that is looked at once more when its end is reached, or after each of its pieces where they are read in
/// any order: others may write to files in buckets.
#[derive(Debug)]
struct Watched {
    file: File,
    name: String,
    begun: (u64, i64, i64),
}

impl Watched {
    fn new(file: File, name: String) -> Result<Self, BlobError> {
        match file.metadata() {
            Ok(found) => Ok(Self {
                begun: version(&found),
                file,
                name,
            }),
            Err(error) => Err(BlobError::Storage {
                action: "read",
                what: name,
                source: error.into(),
            }),
        }
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into)?;
        if count == 0 && !into.is_empty() {
            self.is_same()?;
        }
        Ok(count)
    }

    /// Fills `into` with the bytes from `at` on.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let read = self.file.read_exact_at(into, at);
        // The bytes are those of the file that was opened only if it is still the same afterwards.
        self.is_same()?;
        read
    }

    fn is_same(&self) -> io::Result<()> {
        match version(&self.file.metadata()?) == self.begun {
            true => Ok(()),
            false => Err(BlobError::Changed {
                what: self.name.clone(),
            }
            .into()),
        }
    }
}

/// What changes when a file is written to: length and time.
fn version(found: &Metadata) -> (u64, i64, i64) {
    (found.len(), found.mtime(), found.mtime_nsec())
}

/// A file that is read at any place, for code that blocks; never use it on an async thread.
#[derive(Debug)]
pub struct RandomReader {
    size_bytes: u64,
    source: Anywhere,
}

#[derive(Debug)]
enum Anywhere {
    /// A local file is read directly.
    File(Watched),
    /// Anything else is asked for each range.
    Store(Box<(Blobs, Spot, ObjectMeta)>),
}

impl RandomReader {
    pub(super) fn open(blobs: &Blobs, key: &BlobKey, expected: Option<&Listed>) -> Result<Self, BlobError> {
        let Found { at, meta, file } = find(blobs, key, expected)?;
        Ok(Self {
            size_bytes: meta.size,
            source: match file {
                Some(file) => Anywhere::File(Watched::new(file, at.name())?),
                None => Anywhere::Store(Box::new((blobs.clone(), at, meta))),
            },
        })
    }

    /// Length of the file in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Fills `into` with the bytes from `at` on; an error when there are not as many.
    pub fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let end = at.saturating_add(into.len() as u64);
        match &self.source {
            Anywhere::File(file) => file.read_at(at, into),
            Anywhere::Store(..) if end > self.size_bytes => Err(io::ErrorKind::UnexpectedEof.into()),
            Anywhere::Store(..) if into.is_empty() => Ok(()),
            Anywhere::Store(place) => {
                let (blobs, spot, meta) = &**place;
                let found = blobs.runtime.block_on(fetch(spot, meta, at..end))?;
                if found.len() != into.len() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                into.copy_from_slice(&found);
                Ok(())
            }
        }
    }
}
