//! Where to cut a stream of keys so that a percentage of them lies before: exact for a few thousand
//! keys, in bounded memory for any number.
//!
//! Beyond 16,383 keys it is a compactor sketch (Karnin, Lang, Liberty 2016): of a full level every other
//! key in order goes up with twice the weight. The cut is then off by about one in twenty thousand of
//! the keys, far more rarely by one in two thousand. Keys that are equal are never parted.

use crate::ml::hash::Stream;

/// Keys that a level holds before it is thinned; even, so that no weight is lost.
const KEPT: usize = 16_384;
/// Seed of the choice between odd and even places.
const SEED: u64 = 1;

/// A place in an order of keys: before it are all keys below a bound, or all keys there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut(Option<u64>);

impl Cut {
    /// Before every key.
    pub const START: Cut = Cut(Some(0));
    /// After every key.
    pub const END: Cut = Cut(None);

    /// Right before `key`.
    pub fn at(key: u64) -> Self {
        Cut(Some(key))
    }

    /// Whether `key` lies before this place.
    pub fn is_after(self, key: u64) -> bool {
        self.0.is_none_or(|bound| key < bound)
    }
}

/// Keys between two places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// Where it begins.
    pub begin: Cut,
    /// Where it ends.
    pub end: Cut,
}

impl Range {
    /// Whether `key` lies within.
    pub fn holds(self, key: u64) -> bool {
        self.end.is_after(key) && !self.begin.is_after(key)
    }
}

/// A number as a key: the larger the number, the larger the key, and none is 0.
pub fn key_of(number: f64) -> u64 {
    // Adding zero makes the negative zero the ordinary one.
    let bits = (number + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
}

/// A summary of a stream of keys.
#[derive(Debug, Clone)]
pub struct Ranks {
    /// Level i holds keys that stand for 2^i keys each.
    levels: Vec<Vec<u64>>,
    coins: Stream,
    /// Keys seen.
    pub count: u64,
}

impl Default for Ranks {
    fn default() -> Self {
        Self {
            levels: vec![Vec::new()],
            coins: Stream::new(SEED),
            count: 0,
        }
    }
}

impl Ranks {
    /// Adds a key.
    pub fn add(&mut self, key: u64) {
        self.count += 1;
        self.levels[0].push(key);
        let mut level = 0;
        while self.levels[level].len() >= KEPT {
            self.thin(level);
            level += 1;
        }
    }

    fn thin(&mut self, level: usize) {
        let mut full = std::mem::take(&mut self.levels[level]);
        full.sort_unstable();
        let first = (self.coins.next_u64() & 1) as usize;
        if self.levels.len() == level + 1 {
            self.levels.push(Vec::new());
        }
        self.levels[level + 1].extend(full.iter().skip(first).step_by(2));
        full.clear();
        self.levels[level] = full;
    }

    /// The place nearest to `percent` of all keys, where `earliest` more keys come before those that were
    /// added. Of two places that are equally near it is the earlier one.
    pub fn cut(&self, percent: f64, earliest: u64) -> Cut {
        if percent <= 0.0 {
            return Cut::START;
        }
        if percent >= 100.0 {
            return Cut::END;
        }
        let wanted = (self.count + earliest) as f64 * percent / 100.0;
        let mut best = (wanted, Cut::START);
        let mut before = earliest;
        let mut offer = |before: u64, cut: Cut| {
            let off = (before as f64 - wanted).abs();
            if off < best.0 {
                best = (off, cut);
            }
        };
        for (key, weight) in self.weighted() {
            offer(before, Cut::at(key));
            before += weight;
        }
        offer(before, Cut::END);
        best.1
    }

    /// Distinct keys in order with the number of keys that each stands for.
    fn weighted(&self) -> Vec<(u64, u64)> {
        let mut all: Vec<(u64, u64)> = Vec::new();
        for (level, keys) in self.levels.iter().enumerate() {
            all.extend(keys.iter().map(|&key| (key, 1u64 << level)));
        }
        all.sort_unstable();
        all.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::hash::splitmix64;

    #[test]
    fn keys_keep_the_order_of_numbers() {
        let numbers = [-1e150, -2.5, -1e-300, 0.0, 5e-324, 1.0, 1.5, 1e150];
        assert!(numbers.windows(2).all(|pair| key_of(pair[0]) < key_of(pair[1])));
        assert_eq!(key_of(-0.0), key_of(0.0));
        assert!(key_of(f64::MIN) > 0 && key_of(f64::MAX) < u64::MAX);
    }

    #[test]
    fn a_few_keys_are_cut_exactly_and_equal_ones_stay_together() {
        let mut ranks = Ranks::default();
        [5, 3, 3, 3, 9].into_iter().for_each(|key| ranks.add(key));
        for (percent, expected) in [
            (0.0, Cut::START),
            (29.0, Cut::START),
            // Both ends of the three equal keys are as near: the earlier.
            (30.0, Cut::START),
            (31.0, Cut::at(5)),
            (70.0, Cut::at(5)),
            (71.0, Cut::at(9)),
            (91.0, Cut::END),
            (100.0, Cut::END),
        ] {
            assert_eq!(ranks.cut(percent, 0), expected, "{percent}");
        }
        // Five earlier keys: half of the ten come before all that were added.
        assert_eq!(ranks.cut(50.0, 5), Cut::at(3));
        assert_eq!(ranks.cut(20.0, 5), Cut::START);
    }

    #[test]
    fn many_keys_are_cut_nearly_exactly_in_bounded_memory() {
        let count = 3_000_000u64;
        for order in [|i| i, |i: u64| 2_999_999 - i, splitmix64 as fn(u64) -> u64] {
            let mut ranks = Ranks::default();
            let mut keys: Vec<u64> = (0..count).map(order).collect();
            keys.iter().for_each(|&key| ranks.add(key));
            assert_eq!(ranks.weighted().iter().map(|pair| pair.1).sum::<u64>(), count);
            assert!(ranks.levels.iter().map(Vec::capacity).sum::<usize>() < 20 * KEPT);
            keys.sort_unstable();
            for percent in [1.0, 20.0, 33.3, 50.0, 70.0, 99.0] {
                let cut = ranks.cut(percent, 0);
                let before = keys.partition_point(|&key| cut.is_after(key)) as f64 / count as f64;
                assert!((before * 100.0 - percent).abs() < 0.05, "{percent}: {before}");
            }
        }
    }
}
