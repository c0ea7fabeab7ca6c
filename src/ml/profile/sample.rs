//! A sample of whole rows in bounded memory, the same whatever the order or the cut of the table: the
//! rows whose hashed number is smallest (bottom-k sampling).

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::ml::hash::splitmix64;
use crate::ml::record::Record;

/// Rows kept at most.
const MOST_ROWS: usize = 20_000;
/// Bytes of text kept at most.
const MOST_BYTES: usize = 24 << 20;
/// Fields kept at most: each costs an offset beside its text.
const MOST_FIELDS: usize = 2_000_000;

#[derive(Debug, Clone)]
struct Kept {
    hash: u64,
    record: Record,
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Kept {}
impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Kept {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.hash, self.record.position.record).cmp(&(other.hash, other.record.position.record))
    }
}

/// A bounded sample of rows.
#[derive(Debug, Clone, Default)]
pub struct RowSample {
    rows: BinaryHeap<Kept>,
    bytes: usize,
    fields: usize,
    seen: u64,
    full: bool,
}

impl RowSample {
    /// Offers row `number`; it is copied only if it is kept.
    pub fn add(&mut self, number: u64, copy: impl FnOnce() -> Record) {
        self.seen += 1;
        let hash = splitmix64(number);
        if self.full && self.rows.peek().is_some_and(|largest| hash >= largest.hash) {
            return;
        }
        let record = copy();
        self.keep(Kept { hash, record });
    }

    fn keep(&mut self, kept: Kept) {
        self.bytes += kept.record.text_len();
        self.fields += kept.record.len();
        self.rows.push(kept);
        while self.rows.len() > MOST_ROWS
            || ((self.bytes > MOST_BYTES || self.fields > MOST_FIELDS) && self.rows.len() > 100)
        {
            self.full = true;
            if let Some(gone) = self.rows.pop() {
                self.bytes -= gone.record.text_len();
                self.fields -= gone.record.len();
            }
        }
    }

    /// Adds the rows of another sample of the same table.
    pub fn merge(&mut self, other: RowSample) {
        self.seen += other.seen;
        self.full |= other.full;
        for kept in other.rows {
            self.keep(kept);
        }
    }

    /// Rows offered.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The rows, in the order of the table.
    pub fn into_rows(self) -> Vec<Record> {
        let mut rows: Vec<Record> = self.rows.into_iter().map(|kept| kept.record).collect();
        rows.sort_unstable_by_key(|record| record.position.record);
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounded_and_independent_of_the_cut() {
        let record = |i: u64| {
            let mut record = Record::from_fields([i.to_string().as_str()]);
            record.position.record = i;
            record
        };
        let mut whole = RowSample::default();
        let (mut left, mut right) = (RowSample::default(), RowSample::default());
        for i in 0..50_000 {
            whole.add(i, || record(i));
            if i % 3 == 0 {
                left.add(i, || record(i))
            } else {
                right.add(i, || record(i))
            }
        }
        left.merge(right);
        let numbers = |sample: RowSample| {
            sample
                .into_rows()
                .iter()
                .map(|r| r.position.record)
                .collect::<Vec<_>>()
        };
        let (whole, merged) = (numbers(whole), numbers(left));
        assert_eq!(whole.len(), MOST_ROWS);
        assert_eq!(whole, merged);
    }
}
