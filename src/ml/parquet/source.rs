//! The bytes of a file at any place, and bounds on what one page of it may take.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use super::Unreadable;
use super::footer::page_sizes;

/// Bytes read at once where the header of a page begins.
const HEAD: usize = 512;
/// Bytes of one page, in memory or in the file.
const MOST_PAGE: u64 = 256 << 20;
/// Bytes of the pages that are open at the same time, one for each column and its dictionary.
const MOST_OPEN: u64 = 1 << 30;

/// Bytes that can be read at any place. Implemented by whoever knows files.
pub trait ReadAt: Send + Sync {
    /// How many bytes there are.
    fn size(&self) -> u64;

    /// Fills `into` with the bytes from `at` on; an error when there are not as many.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()>;
}

impl ReadAt for Arc<[u8]> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let end = at.saturating_add(into.len() as u64);
        let range = usize::try_from(at).ok().zip(usize::try_from(end).ok());
        let found = range.and_then(|(at, end)| self.get(at..end));
        let found = found.ok_or(io::ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(found);
        Ok(())
    }
}

/// A Parquet file.
#[derive(Clone)]
pub(super) struct File {
    bytes: Arc<dyn ReadAt>,
    size: u64,
    /// What the system said when reading failed: nothing of the file's own making.
    failed: Arc<Mutex<Option<io::Error>>>,
}

impl File {
    /// The file whose bytes these are.
    pub(super) fn new(bytes: Arc<dyn ReadAt>) -> Self {
        Self {
            size: bytes.size(),
            bytes,
            failed: Arc::default(),
        }
    }

    /// What to tell of an error that the crate gave; `place` says where it was met.
    pub(super) fn explain(&self, error: ParquetError, place: &str) -> io::Error {
        if let Some(failed) = self.failed().take() {
            return failed;
        }
        let text = match error {
            ParquetError::External(inner) => match inner.downcast::<Unreadable>() {
                Ok(known) => return (*known).into(),
                Err(other) => other.to_string(),
            },
            ParquetError::NYI(text) => {
                let what = format!("{place}: {text}");
                let advice = "write it again with the usual encodings";
                return Unreadable::unsupported(what, advice).into();
            }
            ParquetError::General(text) | ParquetError::EOF(text) => text,
            other => other.to_string(),
        };
        Unreadable::damaged(format!("{place}: {text}")).into()
    }

    fn failed(&self) -> std::sync::MutexGuard<'_, Option<io::Error>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fill(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.bytes.read_at(at, into).map_err(|error| {
            let kind = error.kind();
            *self.failed() = Some(error);
            kind.into()
        })
    }

    /// The bytes of a range, which must lie in the file.
    pub(super) fn bytes(&self, at: u64, length: usize) -> Result<Bytes> {
        if at.checked_add(length as u64).is_none_or(|end| end > self.size) {
            let text = format!("it names {length} bytes at {at}, and has {} in all", self.size);
            return Err(ParquetError::EOF(text));
        }
        let mut bytes = vec![0; length];
        self.fill(at, &mut bytes)?;
        Ok(bytes.into())
    }

    fn onward(&self, at: u64, buffer: usize) -> BufReader<Onward> {
        let file = self.clone();
        BufReader::with_capacity(buffer, Onward { file, at })
    }
}

impl Length for File {
    fn len(&self) -> u64 {
        self.size
    }
}

/// The bytes of a file from a place on.
pub(super) struct Onward {
    file: File,
    at: u64,
}

impl Read for Onward {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.file.size.saturating_sub(self.at);
        let count = usize::try_from(left).map_or(into.len(), |left| left.min(into.len()));
        self.file.fill(self.at, &mut into[..count])?;
        self.at += count as u64;
        Ok(count)
    }
}

/// The pages of one column, their sizes bounded before room is made for them.
pub(super) struct Pages {
    file: File,
    column: String,
    sizes: Arc<Sizes>,
    /// Of all columns that are open.
    open: Arc<AtomicU64>,
}

/// The sizes of the pages of a column.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    /// Bytes that the page at hand has in memory.
    plain: AtomicU64,
    /// The largest so far.
    largest: AtomicU64,
}

impl Sizes {
    /// Bytes that the page at hand has in memory.
    pub(super) fn plain(&self) -> u64 {
        self.plain.load(Ordering::Relaxed)
    }

    pub(super) fn set_plain(&self, bytes: u64) {
        self.plain.store(bytes, Ordering::Relaxed);
    }
}

impl Pages {
    /// The pages of `column`. `open` counts the bytes of all columns of a row group.
    pub(super) fn new(file: &File, column: &str, sizes: &Arc<Sizes>, open: &Arc<AtomicU64>) -> Self {
        Self {
            file: file.clone(),
            column: column.to_string(),
            sizes: sizes.clone(),
            open: open.clone(),
        }
    }

    fn admit(&self, head: &[u8]) -> Result<()> {
        let Some(page) = page_sizes(head) else {
            return Err(ParquetError::General("a page has no header".into()));
        };
        let size = page.plain.max(page.stored);
        let refused = |what: String| {
            let advice = "write it again with smaller pages (`data_page_size`)";
            Err(ParquetError::External(Box::new(Unreadable::unsupported(
                what, advice,
            ))))
        };
        if size > MOST_PAGE {
            return refused(format!(
                "a page of the column `{}` has {size} bytes, {MOST_PAGE} are read at most",
                self.column
            ));
        }
        self.sizes.set_plain(page.plain);
        let more = if page.is_dictionary {
            // Its bytes, and the values found in them.
            2 * size
        } else {
            let before = self.sizes.largest.fetch_max(size, Ordering::Relaxed);
            size.saturating_sub(before)
        };
        let open = self.open.fetch_add(more, Ordering::Relaxed) + more;
        if open > MOST_OPEN {
            return refused(format!(
                "one page of each column takes more than {MOST_OPEN} bytes together"
            ));
        }
        Ok(())
    }
}

impl Length for Pages {
    fn len(&self) -> u64 {
        self.file.size
    }
}

impl ChunkReader for Pages {
    type T = BufReader<Onward>;

    /// Asked for where the header of a page begins, and nowhere else.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        let mut reader = self.file.onward(start, HEAD);
        let head = reader.fill_buf()?;
        self.admit(head)?;
        Ok(reader)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.file.bytes(start, length)
    }
}
