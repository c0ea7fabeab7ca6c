//! Rows on disk are the same rows, and a disk that fails is noticed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::ml::features::FeatureVector;
use crate::ml::hash::Stream;
use crate::ml::learn::learner::dataset;
use crate::ml::learn::{Design, DesignBuilder, LearnError, LearnParams, Targets, fit_observed};
use crate::ml::observe::Silent;

/// A disk in memory with so much space, from which so many reads succeed.
#[derive(Debug)]
struct Pretended {
    space: usize,
    reads: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct PretendedFile {
    bytes: Vec<u8>,
    space: usize,
    reads: Arc<AtomicUsize>,
    /// Reads of other threads must not disturb each other.
    seen: Mutex<Vec<u64>>,
}

impl Disk for Pretended {
    fn create(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(PretendedFile {
            bytes: Vec::new(),
            space: self.space,
            reads: self.reads.clone(),
            seen: Mutex::default(),
        }))
    }

    fn place(&self) -> String {
        "a pretended disk".into()
    }
}

impl DiskFile for PretendedFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.bytes.len() + bytes.len() > self.space {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let left = self
            .reads
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_err() {
            return Err(io::Error::other("the disk was pulled out"));
        }
        self.seen.lock().unwrap().push(at);
        into.copy_from_slice(&self.bytes[at as usize..at as usize + into.len()]);
        Ok(())
    }
}

fn overflow(limit: u64, space: usize, reads: usize) -> Overflow {
    Overflow {
        limit,
        expected: 5 << 20,
        disk: Arc::new(Pretended {
            space,
            reads: Arc::new(AtomicUsize::new(reads)),
        }),
    }
}

fn design(rows: usize, overflow: Option<Overflow>) -> Design {
    let mut stream = Stream::new(2);
    let mut builder = DesignBuilder::new(3, 40).with_overflow(overflow);
    for _ in 0..rows {
        builder.push(&FeatureVector {
            dense: (0..3).map(|_| stream.next_unit() as f32 - 0.5).collect(),
            active: (0..40).filter(|_| stream.next_unit() < 0.1).collect(),
        });
    }
    builder.build()
}

fn rows(design: &Design) -> Vec<(usize, Shard)> {
    let mut found = Vec::new();
    design
        .shards
        .for_each(|index, shard| found.push((index, shard.clone())));
    found
}

#[test]
fn rows_on_disk_are_those_in_memory() {
    let memory = design(10_000, None);
    assert!(!memory.shards.is_on_disk() && memory.shards.len() == 3 && memory.shards.disk_bytes() == 0);
    // From the first row on, from the second shard on, and never.
    for (limit, is_on_disk) in [(0, true), (150_000, true), (10 << 20, false)] {
        let disk = design(10_000, Some(overflow(limit, usize::MAX, usize::MAX)));
        assert_eq!(disk.shards.is_on_disk(), is_on_disk);
        assert_eq!(rows(&disk), rows(&memory));
        assert_eq!((disk.bytes(), &disk.sketch), (memory.bytes(), &memory.sketch));
        assert_eq!(disk.shards.failure(), None);
        if is_on_disk {
            let numbers: usize = rows(&memory)
                .iter()
                .map(|(_, shard)| shard.dense.len() + shard.rows + shard.active.len())
                .sum();
            assert_eq!(disk.shards.disk_bytes(), 4 * numbers as u64);
        }
    }
    let none = design(0, Some(overflow(0, 0, 0)));
    assert!(none.shards.is_empty() && none.check().is_ok());
}

#[test]
fn groups_hold_every_shard_once_and_in_order() {
    for overflow in [None, Some(overflow(0, usize::MAX, usize::MAX))] {
        let design = design(30_000, overflow);
        let groups = design.shards.side_by_side(3, 0..3, |range| {
            let mut seen = Vec::new();
            design
                .shards
                .visit(range, |index, shard| seen.push((index, shard.rows)));
            seen
        });
        let last = 30_000 - 7 * 4096;
        assert_eq!(
            groups,
            [
                vec![(0, 4096), (1, 4096), (2, 4096)],
                vec![(3, 4096), (4, 4096), (5, 4096)],
                vec![(6, 4096), (7, last)]
            ]
        );
    }
}

#[test]
fn a_full_disk_says_how_much_is_needed_and_where() {
    let full = design(10_000, Some(overflow(0, 200_000, usize::MAX)));
    let error = full.check().unwrap_err();
    assert!(error.is_full);
    for part in ["about 5 MiB", "a pretended disk", "after 1 MiB", "--spill"] {
        assert!(error.message.contains(part), "{part}: {error}");
    }
    assert_eq!(LearnError::from(error).code(), "disk_full");
}

/// However far the fit is when reading fails, it ends with that error and with no weights.
#[test]
fn a_disk_that_fails_ends_the_fit() {
    let params = LearnParams::default();
    let whole = AtomicUsize::new(0);
    let mut reads = 0;
    loop {
        let disk = design(9_000, Some(overflow(0, usize::MAX, reads)));
        let of_row = (0..9_000).map(|row| row % 2).collect();
        let data = dataset(disk, Targets::Classes { classes: 2, of_row });
        match fit_observed(&params, &data, &mut Silent) {
            Ok(_) => break,
            Err(error) => {
                assert_eq!(error.code(), "spill_failed", "{reads} {error}");
                assert!(error.to_string().contains("pulled out"), "{error}");
            }
        }
        whole.fetch_add(1, Ordering::Relaxed);
        reads = 2 * reads + 1;
    }
    assert!(whole.into_inner() > 3);
}
