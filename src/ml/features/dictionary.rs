//! The values or words of one attribute: counted while fitting, then frozen with an id each.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

/// Distinct entries counted before rare ones are forgotten.
const MOST_COUNTED: usize = 2_000_000;
/// Bytes of text counted before rare ones are forgotten.
const MOST_COUNTED_BYTES: usize = 128 << 20;
/// Entries kept for one attribute.
const MOST_KEPT: usize = 500_000;

/// Counts on how many rows each entry occurs.
#[derive(Debug, Clone, Default)]
pub struct DictionaryFit {
    counts: HashMap<Box<str>, Counted, FixedState>,
    bytes: usize,
    /// Entries that were forgotten because there were too many.
    pub forgotten: u64,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    rows: u32,
    last_row: u64,
}

impl DictionaryFit {
    /// Counts an entry on row `row`; twice on one row counts once.
    pub fn add(&mut self, entry: &str, row: u64) {
        if let Some(counted) = self.counts.get_mut(entry) {
            if counted.last_row != row {
                counted.rows = counted.rows.saturating_add(1);
                counted.last_row = row;
            }
            return;
        }
        self.bytes += entry.len();
        self.counts.insert(
            entry.into(),
            Counted {
                rows: 1,
                last_row: row,
            },
        );
        if self.counts.len() > MOST_COUNTED || self.bytes > MOST_COUNTED_BYTES {
            self.forget();
        }
    }

    /// Lossy counting (Manku, Motwani 2002): entries seen least go first. Depends on the order of rows
    /// only, so the same rows give the same dictionary.
    fn forget(&mut self) {
        let mut least = 1;
        let before = self.counts.len();
        while self.counts.len() > MOST_COUNTED / 2 || self.bytes > MOST_COUNTED_BYTES / 2 {
            self.counts.retain(|_, counted| counted.rows > least);
            self.bytes = self.counts.keys().map(|entry| entry.len()).sum();
            least *= 2;
        }
        self.forgotten += (before - self.counts.len()) as u64;
    }

    /// Freezes the dictionary: most frequent entries first, ties in byte order.
    pub fn freeze(self) -> DictionaryState {
        let mut entries: Vec<(Box<str>, u32)> = self
            .counts
            .into_iter()
            .map(|(entry, counted)| (entry, counted.rows))
            .collect();
        entries.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let dropped = entries.len().saturating_sub(MOST_KEPT) as u64 + self.forgotten;
        entries.truncate(MOST_KEPT);
        let (entries, rows) = entries.into_iter().unzip();
        DictionaryState {
            entries,
            rows,
            dropped,
        }
    }
}

/// A frozen dictionary as it is stored: entry i has id i.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DictionaryState {
    /// The entries.
    pub entries: Vec<Box<str>>,
    /// On how many training rows each occurs.
    pub rows: Vec<u32>,
    /// Distinct entries that were left out because there were too many (an estimate).
    pub dropped: u64,
}

/// A frozen dictionary, ready for look-up.
#[derive(Debug, Clone, Default)]
pub struct Dictionary {
    ids: HashMap<Box<str>, u32, FixedState>,
}

impl Dictionary {
    /// Builds the look-up table.
    pub fn new(state: &DictionaryState) -> Self {
        Self {
            ids: state.entries.iter().cloned().zip(0..).collect(),
        }
    }

    /// The id of an entry, if it was seen in training.
    pub fn id(&self, entry: &str) -> Option<u32> {
        self.ids.get(entry).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_rows_and_orders_by_frequency() {
        let mut fit = DictionaryFit::default();
        for (row, text) in ["a b b", "b c", "c"].into_iter().enumerate() {
            text.split(' ').for_each(|word| fit.add(word, row as u64));
        }
        let state = fit.freeze();
        assert_eq!(
            state.entries,
            ["b".into(), "c".into(), "a".into()] as [Box<str>; 3]
        );
        assert_eq!(state.rows, [2, 2, 1]);
        assert_eq!(Dictionary::new(&state).id("c"), Some(1));
        assert_eq!(Dictionary::new(&state).id("z"), None);
    }
}
