//! Keeps one row from eating all memory, remembers how the last bytes looked, and counts bytes for progress.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The message carried by the error of a row that is too long; recognised by the record reader.
#[derive(Debug, thiserror::Error)]
#[error("row too long")]
pub struct RowTooLong;

/// Passes bytes on until the row that is being read exceeds its limit. The record reader tells where
/// each row starts through [`RowMark`].
///
/// A source that does not end with a line feed is given one. So a row that is complete is complete
/// before the end of the source is met, and one that needs the end has a quote that is never closed.
pub struct RowGuard<R> {
    inner: R,
    passed: u64,
    mark: RowMark,
    limit: u64,
    /// What was passed on by the last call.
    last: Vec<u8>,
    ended: bool,
}

/// The start of the row that is being read, shared between the record reader and the guard.
#[derive(Debug, Clone, Default)]
pub struct RowMark(Arc<AtomicU64>);

impl RowMark {
    /// Says that a row starts at `byte`.
    pub fn set(&self, byte: u64) {
        self.0.store(byte, Ordering::Relaxed);
    }
}

impl<R: Read> RowGuard<R> {
    /// Allows rows of up to `limit` bytes.
    pub fn new(inner: R, limit: u64) -> (Self, RowMark) {
        let mark = RowMark::default();
        (
            Self {
                inner,
                passed: 0,
                mark: mark.clone(),
                limit,
                last: Vec::new(),
                ended: false,
            },
            mark,
        )
    }

    /// True once the end of the source was passed on.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The byte before offset `at`, if it is among those passed on last.
    pub fn byte_before(&self, at: u64) -> Option<u8> {
        let first = self.passed - self.last.len() as u64;
        let index = at.checked_sub(first + 1)?;
        self.last.get(usize::try_from(index).ok()?).copied()
    }
}

impl<R: Read> Read for RowGuard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // What was passed on beyond the start of the row is at most one read-ahead more than the row.
        if self.passed - self.mark.0.load(Ordering::Relaxed).min(self.passed) > self.limit {
            return Err(io::Error::new(io::ErrorKind::InvalidData, RowTooLong));
        }
        let mut count = self.inner.read(buffer)?;
        if count == 0 {
            let unfinished = self.last.last().is_some_and(|&byte| byte != b'\n');
            match buffer.first_mut().filter(|_| unfinished && !self.ended) {
                Some(first) => {
                    *first = b'\n';
                    count = 1;
                }
                None => {
                    self.ended = true;
                    return Ok(0);
                }
            }
        }
        self.passed += count as u64;
        self.last.clear();
        self.last.extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

/// Counts the bytes that were taken from a source, for progress in units of the source.
#[derive(Debug, Clone, Default)]
pub struct ByteCount(Arc<AtomicU64>);

impl ByteCount {
    /// Bytes read so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Wraps `source` so that this counter follows it.
    pub fn follow<R: Read>(&self, source: R) -> Counted<R> {
        Counted {
            inner: source,
            count: self.clone(),
        }
    }
}

/// A reader whose bytes are counted.
pub struct Counted<R> {
    inner: R,
    count: ByteCount,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.0.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
