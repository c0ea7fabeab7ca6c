//! The distinct values of one column: exact while they are few, sketched beyond.

use std::collections::HashMap;

use datasketches::frequencies::{ErrorType, FrequentItemsSketch};
use datasketches::hll::{HllSketch, HllType, HllUnion};
use foldhash::fast::FixedState;

/// Values longer than this are counted as distinct but never kept as frequent ones.
const LONGEST_KEPT: usize = 256;
/// Bytes of text that one column may keep exactly.
const MOST_BYTES: usize = 4 << 20;
/// Log2 of the number of registers: a standard error of about 0.8 %.
const LG_REGISTERS: u8 = 14;
/// Counters of the heavy-hitter sketch.
const FREQUENT_COUNTERS: usize = 2048;

/// Distinct values a column keeps exactly when the table has `columns` columns.
pub fn exact_capacity(columns: usize) -> usize {
    (2_000_000 / columns.max(1)).clamp(256, 20_000)
}

/// Counts of values, exact or sketched.
#[derive(Clone)]
pub enum ValueProfile {
    /// Every value with its count.
    Exact {
        /// Counts by value.
        counts: HashMap<Box<str>, u64, FixedState>,
        /// Bytes of all values.
        bytes: usize,
        /// Largest number of values kept.
        capacity: usize,
    },
    /// Heavy hitters and a distinct count.
    Sketched {
        /// Values seen often.
        frequent: Option<Box<FrequentItemsSketch<String>>>,
        /// Registers for the distinct count.
        distinct: Option<Box<HllSketch>>,
    },
}

impl ValueProfile {
    /// Keeps up to `capacity` distinct values exactly.
    pub fn new(capacity: usize) -> Self {
        ValueProfile::Exact {
            counts: HashMap::default(),
            bytes: 0,
            capacity,
        }
    }

    /// Counts one value.
    pub fn add(&mut self, value: &str) {
        self.add_many(value, 1);
    }

    fn add_many(&mut self, value: &str, times: u64) {
        match self {
            ValueProfile::Exact {
                counts,
                bytes,
                capacity,
            } => {
                if let Some(count) = counts.get_mut(value) {
                    *count += times;
                    return;
                }
                *bytes += value.len();
                counts.insert(value.into(), times);
                if counts.len() > *capacity || *bytes > MOST_BYTES {
                    self.condense();
                }
            }
            ValueProfile::Sketched { frequent, distinct } => {
                if let Some(distinct) = distinct {
                    distinct.update(value);
                }
                if let Some(frequent) = frequent.as_mut().filter(|_| value.len() <= LONGEST_KEPT) {
                    frequent.update_with_count_ref(value, times);
                }
            }
        }
    }

    fn condense(&mut self) {
        let sketched = ValueProfile::Sketched {
            frequent: FrequentItemsSketch::new(FREQUENT_COUNTERS).ok().map(Box::new),
            distinct: HllSketch::new(LG_REGISTERS, HllType::Hll8).ok().map(Box::new),
        };
        if let ValueProfile::Exact { counts, .. } = std::mem::replace(self, sketched) {
            let mut counts: Vec<_> = counts.into_iter().collect();
            counts.sort_unstable();
            counts
                .iter()
                .for_each(|(value, count)| self.add_many(value, *count));
        }
    }

    /// Number of distinct values, and whether it is exact.
    pub fn distinct(&self) -> (u64, bool) {
        match self {
            ValueProfile::Exact { counts, .. } => (counts.len() as u64, true),
            ValueProfile::Sketched { distinct, .. } => (
                distinct
                    .as_ref()
                    .map_or(0, |distinct| distinct.estimate().round() as u64),
                false,
            ),
        }
    }

    /// The values with their counts, most frequent first, ties in byte order; all of them when exact,
    /// else those that are certainly frequent with a lower bound of their count.
    pub fn ranked(&self) -> Vec<(String, u64)> {
        let mut ranked: Vec<(String, u64)> = match self {
            ValueProfile::Exact { counts, .. } => counts
                .iter()
                .map(|(value, count)| (value.to_string(), *count))
                .collect(),
            ValueProfile::Sketched { frequent, .. } => frequent.as_ref().map_or_else(Vec::new, |frequent| {
                let rows = frequent.frequent_items(ErrorType::NoFalsePositives);
                rows.iter()
                    .map(|row| (row.item().clone(), row.lower_bound()))
                    .collect()
            }),
        };
        ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        ranked
    }

    /// Adds everything another profile has seen.
    pub fn merge(&mut self, other: ValueProfile) {
        match other {
            ValueProfile::Exact { counts, .. } => {
                let mut counts: Vec<_> = counts.into_iter().collect();
                counts.sort_unstable();
                counts
                    .iter()
                    .for_each(|(value, count)| self.add_many(value, *count));
            }
            ValueProfile::Sketched {
                frequent: theirs,
                distinct: their_distinct,
            } => {
                if matches!(self, ValueProfile::Exact { .. }) {
                    self.condense();
                }
                if let ValueProfile::Sketched { frequent, distinct } = self {
                    if let (Some(mine), Some(theirs)) = (frequent.as_mut(), theirs) {
                        mine.merge(&theirs);
                    }
                    *distinct = union(distinct.take(), their_distinct);
                }
            }
        }
    }
}

fn union(left: Option<Box<HllSketch>>, right: Option<Box<HllSketch>>) -> Option<Box<HllSketch>> {
    let mut union = HllUnion::new(LG_REGISTERS).ok()?;
    [left, right]
        .into_iter()
        .flatten()
        .for_each(|sketch| union.update(&sketch));
    Some(Box::new(union.to_sketch(HllType::Hll8)))
}

impl std::fmt::Debug for ValueProfile {
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
        let mut values = ValueProfile::new(10);
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
            let mut values = ValueProfile::new(100);
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
}
