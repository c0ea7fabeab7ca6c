//! Counts the bytes that are taken from a source, for progress.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the bytes that were taken from a source, for progress in units of the source.
#[derive(Debug, Clone, Default)]
pub struct ByteCount(Arc<AtomicU64>);

impl ByteCount {
    /// Bytes read so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Says how many, for a source that is not read from front to end.
    pub fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
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
