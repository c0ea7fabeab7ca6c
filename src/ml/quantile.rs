//! Quantiles of a stream of numbers in bounded memory: exact up to a cap, a t-digest beyond it.
//!
//! The t-digest (Dunning, Ertl 2019) has no random part, so the same stream gives the same digest.

use datasketches::tdigest::TDigestMut;

/// Numbers a collector keeps exactly when it serves one of `columns` columns.
pub fn exact_capacity(columns: usize) -> usize {
    (4_000_000 / columns.max(1)).clamp(512, 100_000)
}

/// Collects numbers and answers for their quantiles.
#[derive(Debug, Clone)]
pub struct Quantiles {
    exact: Vec<f64>,
    digest: Option<TDigestMut>,
    capacity: usize,
    sorted: bool,
}

impl Quantiles {
    /// A collector that is exact for up to `capacity` numbers.
    pub fn new(capacity: usize) -> Self {
        Self {
            exact: Vec::new(),
            digest: None,
            capacity,
            sorted: true,
        }
    }

    /// Adds a finite number.
    pub fn add(&mut self, value: f64) {
        match &mut self.digest {
            Some(digest) => digest.update(value),
            None => {
                self.exact.push(value);
                self.sorted = false;
                if self.exact.len() > self.capacity {
                    self.condense();
                }
            }
        }
    }

    fn condense(&mut self) {
        // Fewer centroids where many columns share the memory; a digest holds about 160 k bytes each.
        let k = if self.capacity >= 40_000 {
            400
        } else if self.capacity >= 4_000 {
            100
        } else {
            30
        };
        let mut digest = TDigestMut::new(k).unwrap_or_default();
        self.exact.drain(..).for_each(|value| digest.update(value));
        self.exact.shrink_to_fit();
        self.digest = Some(digest);
    }

    /// Adds everything another collector has seen.
    pub fn merge(&mut self, mut other: Quantiles) {
        match (&mut self.digest, &mut other.digest) {
            (_, None) => other.exact.iter().for_each(|&value| self.add(value)),
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (None, Some(_)) => {
                self.condense();
                self.merge(other);
            }
        }
    }

    /// How many numbers were added.
    pub fn count(&self) -> u64 {
        self.digest
            .as_ref()
            .map_or(self.exact.len() as u64, TDigestMut::total_weight)
    }

    /// True when the answers are exact.
    pub fn is_exact(&self) -> bool {
        self.digest.is_none()
    }

    fn sort(&mut self) {
        if !self.sorted {
            self.exact.sort_unstable_by(f64::total_cmp);
            self.sorted = true;
        }
    }

    /// The number at position `floor(share · count)` of the sorted stream, `share` in 0..=1; `None`
    /// when nothing was added.
    pub fn at(&mut self, share: f64) -> Option<f64> {
        self.sort();
        match &mut self.digest {
            Some(digest) => digest.quantile(share.clamp(0.0, 1.0)).ok().flatten(),
            None => {
                let position = (share * self.exact.len() as f64) as usize;
                self.exact
                    .get(position.min(self.exact.len().saturating_sub(1)))
                    .copied()
            }
        }
    }

    /// How many numbers are at most `value` (an estimate beyond the cap).
    pub fn count_at_most(&mut self, value: f64) -> f64 {
        self.sort();
        match &mut self.digest {
            Some(digest) => {
                let weight = digest.total_weight() as f64;
                digest.rank(value).ok().flatten().unwrap_or(0.0) * weight
            }
            None => self.exact.partition_point(|&other| other <= value) as f64,
        }
    }

    /// Boundaries of `bins` bins of equal population. Boundary j is the number at position
    /// `floor(j · count / bins)`; equal boundaries merge, so fewer bins may result. A value belongs to
    /// the bin whose index is the number of boundaries that are at most the value.
    pub fn bin_bounds(&mut self, bins: usize) -> Vec<f64> {
        self.sort();
        let count = self.exact.len();
        let mut bounds: Vec<f64> = (1..bins)
            .filter_map(|j| match self.digest {
                None => self.exact.get(j * count / bins).copied(),
                Some(_) => self.at(j as f64 / bins as f64),
            })
            .collect();
        bounds.dedup();
        bounds
    }
}

/// Counts of `bins` equal-width cells between the smallest and the largest number.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Histogram {
    /// The `bins + 1` edges, ascending.
    pub edges: Vec<f64>,
    /// The count of each cell; the upper edge belongs to the cell.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// The histogram of everything in `quantiles`, from `low` to `high`.
    pub fn of(quantiles: &mut Quantiles, low: f64, high: f64, bins: usize) -> Self {
        if quantiles.count() == 0 || low >= high {
            return Self {
                edges: vec![low, high],
                counts: vec![quantiles.count()],
            };
        }
        let edges: Vec<f64> = (0..=bins)
            .map(|i| low + (high - low) * (i as f64 / bins as f64))
            .collect();
        let mut below = 0.0;
        let counts = (1..=bins)
            .map(|i| {
                let upto = if i == bins {
                    quantiles.count() as f64
                } else {
                    quantiles.count_at_most(edges[i]).round()
                };
                let cell = (upto - below).max(0.0);
                below = below.max(upto);
                cell as u64
            })
            .collect();
        Self { edges, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(values: impl IntoIterator<Item = f64>, capacity: usize) -> Quantiles {
        let mut quantiles = Quantiles::new(capacity);
        values.into_iter().for_each(|value| quantiles.add(value));
        quantiles
    }

    #[test]
    fn five_bins_of_one_to_ten() {
        let mut quantiles = collect((1..=10).map(f64::from), 100);
        assert_eq!(quantiles.bin_bounds(5), [3.0, 5.0, 7.0, 9.0]);
    }

    #[test]
    fn equal_boundaries_merge() {
        let mut quantiles = collect([1.0, 1.0, 1.0, 1.0, 2.0], 100);
        assert_eq!(quantiles.bin_bounds(5), [1.0, 2.0]);
    }

    #[test]
    fn digest_is_close_and_merge_is_close() {
        let mut left = collect((0..50_000).map(f64::from), 5_000);
        left.merge(collect((50_000..100_000).map(f64::from), 5_000));
        assert!(!left.is_exact());
        assert_eq!(left.count(), 100_000);
        for share in [0.01, 0.25, 0.5, 0.75, 0.99] {
            let value = left.at(share).unwrap();
            assert!((value / 100_000.0 - share).abs() < 0.01, "{share}: {value}");
        }
    }

    #[test]
    fn histogram_counts_everything_once() {
        let mut quantiles = collect([0.0, 0.5, 1.0, 9.9, 10.0], 100);
        let histogram = Histogram::of(&mut quantiles, 0.0, 10.0, 10);
        assert_eq!(histogram.counts.iter().sum::<u64>(), 5);
        assert_eq!(histogram.counts[0], 3);
        assert_eq!(histogram.counts[9], 2);
    }
}
