//! The distinct values of one column: exact while they are few, sketched beyond.
//!
//! Beyond the cap a HyperLogLog counts the distinct values and a bounded table the frequent ones: of the
//! values it does not hold it takes in one of eight, and when it is full those seen least go. A count is
//! exact from the moment its value was taken in, so it is a lower bound, and one that misses little of a
//! value that is frequent. Every choice follows from the column alone.

use super::distinct::Distinct;
use super::table::Table;
use crate::ml::hash::splitmix64;
use crate::ml::text_hash::hash_of;

/// Values longer than this are counted as distinct but never kept as frequent ones.
const LONGEST_KEPT: usize = 256;
/// Bytes of text that one column may keep exactly.
const MOST_BYTES: usize = 4 << 20;
/// One of so many values that are not in the table is taken in.
const TAKEN_IN: u64 = 8;
/// After so many values beyond the cap, a table that holds fewer than one in eight of them is made small.
const TRIAL: u64 = 1 << 16;
/// Values that a small table keeps.
const FEW: usize = 1 << 11;
/// A value is frequent when it makes up one in so many rows.
const FREQUENT_SHARE: u64 = 1 << 11;

/// Distinct values a column keeps exactly when the table has `columns` columns.
pub fn exact_capacity(columns: usize) -> usize {
    (2_000_000 / columns.max(1)).clamp(256, 20_000)
}

/// What is known of a value besides its count.
pub trait Known: Clone {
    /// False for fields that stand for no value; they are remembered, but they do not count as values.
    fn is_value(&self) -> bool;
}

/// What is kept of a value beside its count.
#[derive(Debug, Clone)]
struct Seen<K> {
    /// Rows whose share in other statistics is settled.
    settled: u64,
    known: K,
}

/// Counts of values, exact or sketched.
#[derive(Clone)]
pub struct ValueProfile<K = ()> {
    table: Table<Seen<K>>,
    capacity: usize,
    /// Entries that are no values.
    hidden: usize,
    /// Present once the cap was exceeded.
    distinct: Option<Box<Distinct>>,
    /// Fields that were in the table when they came, and fields that were not.
    hits: u64,
    misses: u64,
    /// The same two when the cap was exceeded.
    before: (u64, u64),
}

impl Known for () {
    fn is_value(&self) -> bool {
        true
    }
}

impl<K: Known> ValueProfile<K> {
    /// Keeps up to `capacity` distinct values exactly.
    pub fn new(capacity: usize) -> Self {
        Self {
            table: Table::default(),
            capacity,
            hidden: 0,
            distinct: None,
            hits: 0,
            misses: 0,
            before: (0, 0),
        }
    }

    /// True while every value is in the table.
    pub fn is_exact(&self) -> bool {
        self.distinct.is_none()
    }

    /// Counts the value with this hash if it is in the table. Its share in other statistics is worked out by
    /// [`ValueProfile::settle`].
    #[inline]
    pub fn hit(&mut self, hash: u64) -> bool {
        let found = self.table.count(hash, 1);
        self.hits += u64::from(found);
        found
    }

    /// The same for many values; the places of those that may not be in the table go into
    /// `left`. Returns how many.
    #[inline]
    pub fn hit_first<const N: usize>(&mut self, hashes: &[u64], left: &mut [u16; N]) -> usize {
        let count = self.table.count_first(hashes, left);
        self.hits += (hashes.len() - count) as u64;
        count
    }

    /// Counts a value that is not in the table. True when it was taken in; then its share in other
    /// statistics is still open, else it must be settled at once.
    pub fn miss(&mut self, hash: u64, text: &str, known: K) -> bool {
        self.misses += 1;
        if let Some(distinct) = &mut self.distinct {
            if known.is_value() {
                distinct.add(hash);
            }
            if !splitmix64(self.misses).is_multiple_of(TAKEN_IN) || text.len() > LONGEST_KEPT {
                return false;
            }
        }
        self.take_in(hash, text, 1, 0, known);
        true
    }

    fn take_in(&mut self, hash: u64, text: &str, count: u64, settled: u64, known: K) {
        self.hidden += usize::from(!known.is_value());
        self.table.insert(hash, text, count, Seen { settled, known });
    }

    /// True when the table must be made smaller by [`ValueProfile::shrink`], after everything in it was
    /// settled.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.table.len() > self.limit() || self.table.text_len() > MOST_BYTES
    }

    fn limit(&self) -> usize {
        let (hits, misses) = (self.hits - self.before.0, self.misses - self.before.1);
        let poor = hits + misses > TRIAL && hits * 8 < hits + misses;
        if self.distinct.is_some() && poor {
            FEW.min(self.capacity)
        } else {
            self.capacity + self.hidden.min(self.capacity)
        }
    }

    /// Forgets the values seen least. All were settled before.
    pub fn shrink(&mut self) {
        self.sketch();
        let limit = self.limit() / 2;
        let mut least = 1;
        while self.table.len() > limit || self.table.text_len() > MOST_BYTES / 2 {
            self.table.keep_above(least);
            least *= 2;
        }
        self.hidden = self
            .table
            .iter()
            .filter(|(_, _, _, seen)| !seen.known.is_value())
            .count();
    }

    /// Counts distinct values by their hashes from now on.
    fn sketch(&mut self) {
        if self.distinct.is_none() {
            self.before = (self.hits, self.misses);
            self.distinct = Some(self.hashes());
        }
    }

    fn hashes(&self) -> Box<Distinct> {
        let mut distinct = self.distinct.clone().unwrap_or_default();
        self.values().for_each(|(hash, _, _)| distinct.add(hash));
        distinct
    }

    /// The values in the table: hash, text, count.
    fn values(&self) -> impl Iterator<Item = (u64, &str, u64)> {
        self.table
            .iter()
            .filter(|(_, _, _, seen)| seen.known.is_value())
            .map(|(hash, text, count, _)| (hash, text, count))
    }

    /// Calls `work` with every value, in the order in which they came, to settle its share in other
    /// statistics: the rows that are new since the last time.
    pub fn settle(&mut self, mut work: impl FnMut(&str, &K, u64)) {
        self.table.for_each_mut(|text, count, seen| {
            let times = count - seen.settled;
            if times > 0 {
                work(text, &seen.known, times);
                seen.settled = count;
            }
        });
    }

    /// Number of distinct values, and whether it is exact.
    pub fn distinct(&self) -> (u64, bool) {
        match &self.distinct {
            None => ((self.table.len() - self.hidden) as u64, true),
            Some(distinct) => (distinct.estimate(), false),
        }
    }

    /// The values with their counts, most frequent first, ties in byte order; all of them when exact,
    /// else those that are certainly frequent with a lower bound of their count.
    pub fn ranked(&self) -> Vec<(String, u64)> {
        let mut ranked: Vec<(&str, u64)> = self.counted().collect();
        ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        ranked
            .into_iter()
            .map(|(text, count)| (text.to_string(), count))
            .collect()
    }

    /// The first of them.
    pub fn most_frequent(&self) -> Option<(&str, u64)> {
        self.counted()
            .max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(a.0)))
    }

    fn counted(&self) -> impl Iterator<Item = (&str, u64)> {
        let least = if self.is_exact() {
            0
        } else {
            (self.hits + self.misses) / FREQUENT_SHARE
        };
        let values = self.values().map(|(_, text, count)| (text, count));
        values.filter(move |(_, count)| *count > least)
    }

    /// Adds everything another profile has seen. Both are settled.
    pub fn merge(&mut self, other: ValueProfile<K>) {
        if !other.is_exact() {
            self.sketch();
        }
        if let Some(distinct) = &mut self.distinct {
            distinct.merge(&other.hashes());
        }
        for (hash, text, count, seen) in other.table.iter() {
            if !self.table.count(hash, count) {
                self.take_in(hash, text, count, count, seen.known.clone());
            }
        }
        // Both are settled, so the whole is.
        self.settle(|_, _, _| {});
        self.hits += other.hits;
        self.misses += other.misses;
        if self.is_over() {
            self.shrink();
        }
    }
}

impl ValueProfile<()> {
    /// Counts one value of which nothing else is known.
    pub fn add(&mut self, value: &str) {
        let hash = hash_of(value.as_bytes());
        if !self.hit(hash) {
            self.miss(hash, value, ());
            if self.is_over() {
                self.shrink();
            }
        }
    }
}

impl<K: Known> std::fmt::Debug for ValueProfile<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (distinct, exact) = self.distinct();
        f.debug_struct("ValueProfile")
            .field("distinct", &distinct)
            .field("exact", &exact)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_counts_and_order() {
        let mut values: ValueProfile = ValueProfile::new(10);
        for value in ["b", "a", "b", "c"] {
            values.add(value);
        }
        assert_eq!(values.distinct(), (3, true));
        assert_eq!(
            values.ranked(),
            [("b".into(), 2), ("a".into(), 1), ("c".into(), 1)]
        );
    }

    #[test]
    fn sketches_stay_close_and_merge() {
        let build = |from: u32, to: u32| {
            let mut values: ValueProfile = ValueProfile::new(100);
            for i in from..to {
                values.add(&i.to_string());
                values.add("often");
            }
            values
        };
        let mut left = build(0, 30_000);
        left.merge(build(20_000, 50_000));
        let (distinct, exact) = left.distinct();
        assert!(!exact);
        assert!((distinct as f64 / 50_001.0 - 1.0).abs() < 0.03, "{distinct}");
        let (value, count) = left.ranked()[0].clone();
        assert_eq!(value, "often");
        assert!(count > 50_000 && count <= 60_000, "{count}");
    }

    /// Values of a Zipf-like column far beyond the cap: the frequent ones are found, and no count is too high.
    #[test]
    fn frequent_values_are_found_beyond_the_cap() {
        let mut values: ValueProfile = ValueProfile::new(1_000);
        let mut truth = std::collections::HashMap::new();
        for row in 0..400_000u64 {
            let unit = crate::ml::hash::unit(3, row);
            let value = format!("v{}", (1.0 / (unit + 1e-5)) as u64 * 7 + row % 7);
            values.add(&value);
            *truth.entry(value).or_insert(0u64) += 1;
        }
        let ranked = values.ranked();
        let first = values
            .most_frequent()
            .map(|(value, count)| (value.to_string(), count));
        assert_eq!(first.as_ref(), ranked.first());
        let mut known: Vec<(String, u64)> = truth.clone().into_iter().collect();
        known.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        for (value, count) in &ranked {
            assert!(*count <= truth[value], "{value}");
        }
        for (value, count) in known.iter().take(20) {
            let found = ranked.iter().find(|(found, _)| found == value).map_or(0, |f| f.1);
            assert!(found as f64 > 0.97 * *count as f64, "{value}: {found} of {count}");
        }
    }
}
