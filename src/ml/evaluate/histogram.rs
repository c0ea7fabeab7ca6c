//! Histograms: scores over 0..1, and residuals over a range that outliers do not stretch.

use super::bootstrap::quantile;
use serde::{Deserialize, Serialize};

/// The number of score bins, and the largest number of residual bins less one.
const BINS: usize = 20;

/// How the scores of the two actual classes are spread over 0..1, in twenty equal bins.
///
/// A bin holds its lower edge and not its upper one; the last bin holds both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreHistogram {
    /// The limits of the bins, one more than there are bins.
    pub edges: Vec<f64>,
    /// Records that are positive, by bin.
    pub positives: Vec<u64>,
    /// Records that are negative, by bin.
    pub negatives: Vec<u64>,
}

impl ScoreHistogram {
    /// An empty histogram.
    pub fn new() -> Self {
        let edges = (0..=BINS).map(|edge| edge as f64 / BINS as f64).collect();
        ScoreHistogram {
            edges,
            positives: vec![0; BINS],
            negatives: vec![0; BINS],
        }
    }

    /// Counts records that share a score.
    pub fn add(&mut self, score: f64, positives: u64, negatives: u64) {
        let bin = self
            .edges
            .partition_point(|&edge| edge <= score)
            .saturating_sub(1)
            .min(BINS - 1);
        if let (Some(p), Some(n)) = (self.positives.get_mut(bin), self.negatives.get_mut(bin)) {
            *p += positives;
            *n += negatives;
        }
    }
}

impl Default for ScoreHistogram {
    fn default() -> Self {
        ScoreHistogram::new()
    }
}

/// How residuals (true - predicted; positive where the model answers too low) are spread.
///
/// The edges are round numbers around the 0.5 % and 99.5 % quantiles; what lies beyond them is
/// counted in `below` and `above`, so that one wild record does not flatten the picture. A bin holds
/// its lower edge and not its upper one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResidualHistogram {
    /// The limits of the bins, one more than there are bins; empty without records.
    pub edges: Vec<f64>,
    /// Records by bin.
    pub counts: Vec<u64>,
    /// Records under the first edge.
    pub below: u64,
    /// Records at the last edge or over it.
    pub above: u64,
}

impl ResidualHistogram {
    /// A histogram whose edges suit these residuals, with the residuals counted.
    pub fn of(residuals: &[f64]) -> Self {
        let mut sorted = residuals.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let edges = match (quantile(&sorted, 0.005), quantile(&sorted, 0.995)) {
            (Some(low), Some(high)) => round_edges(low, high),
            _ => Vec::new(),
        };
        let counts = vec![0; edges.len().saturating_sub(1)];
        let mut histogram = ResidualHistogram {
            edges,
            counts,
            below: 0,
            above: 0,
        };
        sorted.iter().for_each(|&residual| histogram.add(residual));
        histogram
    }

    /// Counts one more residual in the bins there are.
    pub fn add(&mut self, residual: f64) {
        match self.edges.partition_point(|&edge| edge <= residual) {
            0 => self.below += 1,
            place => match self.counts.get_mut(place - 1) {
                Some(count) => *count += 1,
                None => self.above += 1,
            },
        }
    }
}

/// Edges at multiples of 1, 2, 2.5 or 5 times a power of ten that cover `low` and `high` with at most
/// one bin more than [`BINS`].
fn round_edges(low: f64, high: f64) -> Vec<f64> {
    let least = (high - low) / BINS as f64;
    // Without a spread that can be cut into distinct edges, one bin around the value holds it all.
    if !least.is_normal() || least < low.abs().max(high.abs()) * 1e-12 {
        let margin = low.abs().max(high.abs()).max(1e-9) * 0.5;
        return vec![(low - margin).max(f64::MIN), (high + margin).min(f64::MAX)];
    }
    let exponent = libm::log10(least).floor() as i32 - 1;
    let steps = (exponent..exponent + 4).flat_map(|power| [10, 20, 25, 50].map(|digits| (digits, power)));
    for (digits, power) in steps {
        let step = scaled(digits as f64, power);
        if step >= least {
            let first = (low / step).floor() as i64;
            // Strictly above: the largest residual belongs inside.
            let last = (high / step).floor() as i64 + 1;
            let edge = |place| scaled((place * digits) as f64, power).clamp(f64::MIN, f64::MAX);
            return (first..=last).map(edge).collect();
        }
    }
    vec![low, high]
}

/// `value` times ten to the power, by one rounding where the power of ten is exact.
fn scaled(value: f64, power: i32) -> f64 {
    let factor = (0..power.abs().min(308)).fold(1.0, |factor: f64, _| factor * 10.0);
    if power < 0 { value / factor } else { value * factor }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_score_on_an_edge_belongs_to_the_bin_above() {
        let mut histogram = ScoreHistogram::new();
        for edge in 0..=20 {
            histogram.add(edge as f64 / 20.0, 1, 0);
        }
        assert_eq!(histogram.positives[..19], [1; 19]);
        assert_eq!(histogram.positives[19], 2);
    }

    #[test]
    fn edges_are_round_and_outliers_stay_outside() {
        let mut residuals: Vec<f64> = (-500..500).map(|r| r as f64 / 100.0).collect();
        residuals.push(1e9);
        let histogram = ResidualHistogram::of(&residuals);
        assert_eq!(histogram.edges[0], -5.0);
        assert_eq!(histogram.edges[1], -4.5);
        assert!(histogram.edges.contains(&0.0));
        assert_eq!(
            (histogram.counts.as_slice(), histogram.above),
            ([50; 20].as_slice(), 1)
        );
        let small = ResidualHistogram::of(&[-0.1, 0.0, 0.3]);
        assert!(small.edges.contains(&0.3), "a clean decimal: {:?}", small.edges);
    }

    #[test]
    fn nothing_and_one_value_are_fine() {
        let empty = ResidualHistogram::of(&[]);
        assert_eq!((empty.edges.len(), empty.below + empty.above), (0, 0));
        for value in [0.0, 5.0, -1e300, 1e-300] {
            assert_eq!(ResidualHistogram::of(&[value, value]).counts, [2], "{value}");
        }
    }

    proptest! {
        #[test]
        fn every_residual_is_counted_once(
            residuals in prop::collection::vec(prop_oneof![-1e3..1e3f64, prop::num::f64::NORMAL], 1..200),
        ) {
            let histogram = ResidualHistogram::of(&residuals);
            let counted = histogram.counts.iter().sum::<u64>() + histogram.below + histogram.above;
            prop_assert_eq!(counted, residuals.len() as u64);
            prop_assert!(histogram.counts.len() <= BINS + 2);
            prop_assert!(histogram.edges.iter().all(|edge| edge.is_finite()));
            prop_assert!(histogram.edges.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
