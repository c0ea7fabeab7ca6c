//! Where the training rows are kept: in memory, or on a disk that somebody else gives.
//!
//! Every pass over the rows goes through [`Shards`]. It gives the same shards in the same order wherever they lie, so
//! sums do not depend on it. Rows on disk are read for each pass anew, by every thread into one buffer of its own.
//! Reading may fail in the middle of a sum; what failed is kept ([`Shards::failure`]), further shards come empty, and
//! whoever runs the passes asks before it trusts their results.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::joints::Joints;

/// A place for files that hold what does not fit into memory.
pub trait Disk: fmt::Debug + Send + Sync {
    /// A new, empty file that nobody else sees and that is gone when it is dropped, however the process ends.
    fn create(&self) -> io::Result<Box<dyn DiskFile>>;

    /// What messages call the place.
    fn place(&self) -> String;
}

/// Bytes on a disk.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Appends bytes.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Fills `into` with the bytes from `at` on. Called from many threads at once.
    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()>;
}

/// When rows leave memory.
#[derive(Debug, Clone)]
pub struct Overflow {
    /// Bytes of rows up to which they stay in memory; with 0 they never do.
    pub limit: u64,
    /// Bytes that all rows are expected to take, for messages.
    pub expected: u64,
    /// Where they go.
    pub disk: Arc<dyn Disk>,
}

/// Why rows could not be kept on disk or read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SpillError {
    /// What failed, where, and how to mend it.
    pub message: String,
    /// Whether there is no space left.
    pub is_full: bool,
}

/// Some consecutive rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shard {
    /// Number of rows.
    pub rows: usize,
    /// Dense features, row by row.
    pub dense: Vec<f32>,
    /// Where the active ids of each row end in `active`.
    ends: Vec<u32>,
    /// Ids of active features, row by row; some stand for several that come together.
    active: Vec<u32>,
    /// Which those are, in a design that has some.
    pub joints: Option<Arc<Joints>>,
}

impl Shard {
    /// Appends one row: its dense features and the ids of its active ones.
    pub fn push(&mut self, dense: &[f32], active: &[u32]) {
        self.rows += 1;
        self.dense.extend_from_slice(dense);
        self.active.extend_from_slice(active);
        self.ends.push(self.active.len() as u32);
    }

    /// Makes it empty and keeps its memory.
    pub fn clear(&mut self) {
        self.rows = 0;
        self.dense.clear();
        self.ends.clear();
        self.active.clear();
    }

    /// Calls `each` with every row: its number in the shard, dense features and active ids.
    pub fn for_each_row(&self, dense: usize, mut each: impl FnMut(usize, &[f32], &[u32])) {
        let Some(joints) = &self.joints else {
            return self.for_each_joined(dense, each);
        };
        let mut row = Vec::new();
        self.for_each_joined(dense, |index, numbers, active| {
            each(index, numbers, joints.expand(active, &mut row));
        });
    }

    /// The same with joints in the place of the features that they stand for.
    pub fn for_each_joined<'a>(&'a self, dense: usize, mut each: impl FnMut(usize, &'a [f32], &'a [u32])) {
        let mut start = 0;
        for row in 0..self.rows {
            let end = self.ends[row] as usize;
            each(
                row,
                &self.dense[row * dense..(row + 1) * dense],
                &self.active[start..end],
            );
            start = end;
        }
    }

    /// Numbers and ids of all rows.
    pub(super) fn entries(&self) -> usize {
        self.dense.len() + self.active.len()
    }

    /// Bytes of memory that were asked for while the rows were collected.
    pub(super) fn bytes(&self) -> usize {
        4 * (self.dense.capacity() + self.ends.capacity() + self.active.capacity())
    }

    fn give_back(&mut self) {
        self.dense.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.active.shrink_to_fit();
    }

    /// Four bytes for each number, the least significant first.
    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.resize(4 * (self.dense.len() + self.ends.len() + self.active.len()), 0);
        let (dense, rest) = bytes.split_at_mut(4 * self.dense.len());
        let words = dense.as_chunks_mut().0.iter_mut().zip(&self.dense);
        words.for_each(|(word, x)| *word = x.to_le_bytes());
        let whole = self.ends.iter().chain(&self.active);
        let words = rest.as_chunks_mut().0.iter_mut().zip(whole);
        words.for_each(|(word, number)| *word = number.to_le_bytes());
    }

    fn decode(&mut self, piece: &Piece, bytes: &[u8]) {
        let (dense, rest) = bytes.split_at(4 * piece.dense);
        let (ends, active) = rest.split_at(4 * piece.rows);
        self.rows = piece.rows;
        self.dense.clear();
        self.dense.extend(words(dense).map(f32::from_le_bytes));
        self.ends.clear();
        self.ends.extend(words(ends).map(u32::from_le_bytes));
        self.active.clear();
        self.active.extend(words(active).map(u32::from_le_bytes));
    }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = [u8; 4]> {
    bytes.as_chunks().0.iter().copied()
}

/// All shards, in row order.
#[derive(Debug, Clone, Default)]
pub struct Shards {
    memory: Vec<Shard>,
    disk: Option<Arc<OnDisk>>,
}

/// Shards in a file.
#[derive(Debug)]
struct OnDisk {
    file: Option<Box<dyn DiskFile>>,
    pieces: Vec<Piece>,
    bytes: u64,
    overflow: Overflow,
    failed: OnceLock<SpillError>,
    joints: Option<Arc<Joints>>,
}

/// A shard in a file.
#[derive(Debug, Clone, Copy)]
struct Piece {
    at: u64,
    rows: usize,
    /// Numbers of all its rows.
    dense: usize,
    active: usize,
}

impl Piece {
    fn bytes(&self) -> usize {
        4 * (self.dense + self.rows + self.active)
    }
}

impl Shards {
    /// Number of shards.
    pub fn len(&self) -> usize {
        match &self.disk {
            None => self.memory.len(),
            Some(disk) => disk.pieces.len(),
        }
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the rows lie on disk.
    pub fn is_on_disk(&self) -> bool {
        self.disk.is_some()
    }

    /// Bytes of the file, where the rows lie on disk.
    pub fn disk_bytes(&self) -> u64 {
        self.disk.as_ref().map_or(0, |disk| disk.bytes)
    }

    /// Where a copy of some of the rows is to lie: on disk from the first on, where these do.
    pub(super) fn overflow(&self) -> Option<Overflow> {
        self.disk.as_ref().map(|disk| Overflow {
            limit: 0,
            ..disk.overflow.clone()
        })
    }

    /// What went wrong with the disk. When something did, results of passes are worth nothing.
    pub fn failure(&self) -> Option<&SpillError> {
        self.disk.as_ref().and_then(|disk| disk.failed.get())
    }

    /// Calls `work` with the shards of a range and their numbers, in order.
    pub fn visit(&self, range: Range<usize>, mut work: impl FnMut(usize, &Shard)) {
        let Some(disk) = &self.disk else {
            let shards = self.memory.get(range.clone()).unwrap_or_default();
            range.zip(shards).for_each(|(index, shard)| work(index, shard));
            return;
        };
        let (mut bytes, mut shard) = (Vec::new(), Shard::default());
        shard.joints.clone_from(&disk.joints);
        for index in range {
            if disk.read(index, &mut bytes, &mut shard) {
                work(index, &shard);
            }
        }
    }

    /// Calls `work` with every shard, in order.
    pub fn for_each(&self, work: impl FnMut(usize, &Shard)) {
        self.visit(0..self.len(), work);
    }

    /// Cuts the shards into groups of `size`, lets `work` look at some groups side by side, and gives what it returns,
    /// in order.
    pub fn side_by_side<T: Send>(
        &self,
        size: usize,
        groups: Range<usize>,
        work: impl Fn(Range<usize>) -> T + Sync,
    ) -> Vec<T> {
        let of_group = |group: usize| work(group * size..((group + 1) * size).min(self.len()));
        groups.into_par_iter().map(of_group).collect()
    }
}

impl OnDisk {
    fn new(overflow: &Overflow) -> Self {
        let mut new = Self {
            file: None,
            pieces: Vec::new(),
            bytes: 0,
            overflow: overflow.clone(),
            failed: OnceLock::new(),
            joints: None,
        };
        match overflow.disk.create() {
            Ok(file) => new.file = Some(file),
            Err(error) => new.fail("making a file for the training rows", &error),
        }
        new
    }

    /// Only what fails first counts: the rest follows from it.
    fn fail(&self, doing: &str, error: &io::Error) {
        let is_full = matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        );
        let (place, mib) = (self.overflow.disk.place(), |bytes: u64| bytes.div_ceil(1 << 20));
        let message = if is_full {
            format!(
                "the training rows need about {} MiB in {place}, where no space is left after {} MiB ({error}); free space \
                 there, name another folder for them (--spill, YOSOKU_SPILL), or allow more memory (--memory, YOSOKU_MEMORY)",
                mib(self.overflow.expected.max(self.bytes)),
                mib(self.bytes)
            )
        } else {
            format!(
                "{doing} in {place} failed: {error}; name a folder that can be written and read (--spill, YOSOKU_SPILL), or \
                 allow more memory (--memory, YOSOKU_MEMORY)"
            )
        };
        let _ = self.failed.set(SpillError { message, is_full });
    }

    fn append(&mut self, shard: &Shard, bytes: &mut Vec<u8>) {
        if self.failed.get().is_some() {
            return;
        }
        shard.encode(bytes);
        let written = match &mut self.file {
            Some(file) => file.append(bytes),
            None => Ok(()),
        };
        if let Err(error) = written {
            return self.fail("writing training rows", &error);
        }
        self.pieces.push(Piece {
            at: self.bytes,
            rows: shard.rows,
            dense: shard.dense.len(),
            active: shard.active.len(),
        });
        self.bytes += bytes.len() as u64;
    }

    /// Reads a shard; false when something failed, now or before.
    fn read(&self, index: usize, bytes: &mut Vec<u8>, shard: &mut Shard) -> bool {
        let (Some(file), Some(piece), None) = (&self.file, self.pieces.get(index), self.failed.get()) else {
            return false;
        };
        bytes.resize(piece.bytes(), 0);
        match file.read(piece.at, bytes) {
            Ok(()) => {
                shard.decode(piece, bytes);
                true
            }
            Err(error) => {
                self.fail("reading training rows back", &error);
                false
            }
        }
    }
}

/// Collects shards one after the other.
#[derive(Debug, Default)]
pub(super) struct ShardsBuilder {
    memory: Vec<Shard>,
    disk: Option<OnDisk>,
    overflow: Option<Overflow>,
    /// What the shards in memory take.
    kept: u64,
    buffer: Vec<u8>,
}

impl ShardsBuilder {
    pub(super) fn new(overflow: Option<Overflow>) -> Self {
        Self {
            overflow,
            ..Self::default()
        }
    }

    /// Adds a full shard. Once the rows in memory are more than they may be, all of them go to disk.
    pub(super) fn add(&mut self, mut shard: Shard) {
        if let Some(disk) = &mut self.disk {
            return disk.append(&shard, &mut self.buffer);
        }
        shard.give_back();
        self.kept += shard.bytes() as u64;
        self.memory.push(shard);
        let overflow = self.overflow.take_if(|overflow| self.kept > overflow.limit);
        if let Some(overflow) = overflow {
            let mut disk = OnDisk::new(&overflow);
            let shards = std::mem::take(&mut self.memory).into_iter();
            shards.for_each(|shard| disk.append(&shard, &mut self.buffer));
            self.disk = Some(disk);
        }
    }

    pub(super) fn failure(&self) -> Option<&SpillError> {
        self.disk.as_ref().and_then(|disk| disk.failed.get())
    }

    /// All shards, with what their joints are.
    pub(super) fn build(mut self, joints: Option<Arc<Joints>>) -> Shards {
        for shard in &mut self.memory {
            shard.joints.clone_from(&joints);
        }
        if let Some(disk) = &mut self.disk {
            disk.joints = joints;
        }
        Shards {
            memory: self.memory,
            disk: self.disk.map(Arc::new),
        }
    }
}

#[cfg(test)]
#[path = "shards_tests.rs"]
mod tests;
