//! A sample of whole rows in bounded memory, the same whatever the order or the cut of the table: the
//! rows whose hashed number is smallest (bottom-k sampling).

use crate::ml::hash::splitmix64;
use crate::ml::record::Record;

/// Rows kept at most.
const MOST_ROWS: usize = 20_000;
/// Bytes of text kept at most.
const MOST_BYTES: usize = 24 << 20;
/// Rows kept however long they are.
const FEWEST_ROWS: usize = 100;
/// Fields kept at most: each costs an offset beside its text.
const MOST_FIELDS: usize = 2_000_000;

#[derive(Debug, Clone)]
struct Kept {
    hash: u64,
    record: Record,
}

/// A bounded sample of rows.
#[derive(Debug, Clone)]
pub struct RowSample {
    rows: Vec<Kept>,
    bytes: usize,
    fields: usize,
    seen: u64,
    /// Rows whose hash is not below it are not kept.
    below: u64,
}

impl Default for RowSample {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            bytes: 0,
            fields: 0,
            seen: 0,
            below: u64::MAX,
        }
    }
}

impl RowSample {
    /// Offers row `number`; it is copied only if it is kept.
    pub fn add(&mut self, number: u64, copy: impl FnOnce() -> Record) {
        self.seen += 1;
        let hash = splitmix64(number);
        if hash < self.below {
            let record = copy();
            self.keep(Kept { hash, record });
        }
    }

    fn keep(&mut self, kept: Kept) {
        self.bytes += kept.record.text_len();
        self.fields += kept.record.len();
        self.rows.push(kept);
        // Some more are kept for a while, so that they are put in order seldom.
        if self.is_over(4) {
            self.trim();
        }
    }

    /// True when there is more than the limits and one in `slack` of them.
    fn is_over(&self, slack: usize) -> bool {
        let most = |limit: usize| limit + limit / slack;
        self.rows.len() > most(MOST_ROWS)
            || ((self.bytes > most(MOST_BYTES) || self.fields > most(MOST_FIELDS))
                && self.rows.len() > FEWEST_ROWS)
    }

    /// Lets those with the largest hashes go until the limits hold.
    fn trim(&mut self) {
        if !self.is_over(usize::MAX) {
            return;
        }
        self.rows.sort_unstable_by_key(|kept| kept.hash);
        while self.is_over(usize::MAX) {
            let Some(gone) = self.rows.pop() else { break };
            self.bytes -= gone.record.text_len();
            self.fields -= gone.record.len();
            self.below = gone.hash;
        }
    }

    /// Rows offered.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The rows, in the order of the table.
    pub fn into_rows(mut self) -> Vec<Record> {
        self.trim();
        let mut rows: Vec<Record> = self.rows.into_iter().map(|kept| kept.record).collect();
        rows.sort_unstable_by_key(|record| record.position.record);
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounded_and_independent_of_the_order() {
        let record = |i: u64| {
            let mut record = Record::from_fields([i.to_string().as_str()]);
            record.position.record = i;
            record
        };
        let (mut whole, mut back) = (RowSample::default(), RowSample::default());
        for i in 0..50_000 {
            whole.add(i, || record(i));
            back.add(49_999 - i, || record(49_999 - i));
        }
        let numbers = |sample: RowSample| {
            sample
                .into_rows()
                .iter()
                .map(|r| r.position.record)
                .collect::<Vec<_>>()
        };
        let (whole, back) = (numbers(whole), numbers(back));
        assert_eq!(whole.len(), MOST_ROWS);
        assert_eq!(whole, back);
    }
}
