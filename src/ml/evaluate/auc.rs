//! The area under the ROC curve, with ties counted half, and DeLong's interval for it.
//!
//! The area is the share of (positive, negative) pairs that are in the right order, so its variance
//! comes from how that share differs from positive to positive and from negative to negative
//! (DeLong, DeLong and Clarke-Pearson 1988). Sorting gives those shares in O(n log n) instead of
//! O(n²): X. Sun and W. Xu, "Fast implementation of DeLong's algorithm for comparing the areas under
//! correlated receiver operating characteristic curves", IEEE Signal Processing Letters 21 (2014).
//! The interval is made on the logit scale, so it stays between 0 and 1.

use super::interval::{Interval, Method, Z, one_sided};
use super::scores::{Group, Scores};

/// The area and its interval; undefined if all records are of one class.
///
/// An area of exactly 0 or 1 shows no spread: the far limit is then the one-sided bound for never
/// having seen a wrong pair, with the rarer class as the number of trials. Where DeLong's variance
/// is zero or needs more records than there are, the largest possible one, A (1 - A) / min(m, n)
/// (Birnbaum and Klose 1957), takes its place. Both are marked [`Method::Bound`].
pub fn auc(scores: &Scores) -> Interval {
    let (m, n) = (scores.positives(), scores.negatives());
    if m == 0 || n == 0 {
        return Interval::UNDEFINED;
    }
    let rarer = m.min(n);
    let won = half_pairs(scores);
    let pairs = 2 * u128::from(m) * u128::from(n);
    let area = won as f64 / pairs as f64;
    if won == 0 {
        return Interval::new(0.0, 0.0, one_sided(rarer), Method::Bound);
    }
    if won == pairs {
        return Interval::new(1.0, 1.0 - one_sided(rarer), 1.0, Method::Bound);
    }
    match variance(scores, area).filter(|&variance| variance > 0.0) {
        Some(variance) => logit_interval(area, variance, Method::Delong),
        None => logit_interval(area, area * (1.0 - area) / rarer as f64, Method::Bound),
    }
}

/// Twice the number of pairs in the right order, a tie counting one; exact.
fn half_pairs(scores: &Scores) -> u128 {
    let mut won = 0;
    for_each_placement(scores, |group, below, _| {
        won += u128::from(group.positives) * u128::from(below)
    });
    won
}

/// DeLong's variance of the area; `None` with fewer than two records of a class.
fn variance(scores: &Scores, area: f64) -> Option<f64> {
    let (m, n) = (scores.positives() as f64, scores.negatives() as f64);
    if m < 2.0 || n < 2.0 {
        return None;
    }
    let (mut over_positives, mut over_negatives) = (0.0, 0.0);
    for_each_placement(scores, |group, below, above| {
        let (won, beaten) = (below as f64 / (2.0 * n) - area, above as f64 / (2.0 * m) - area);
        over_positives += group.positives as f64 * won * won;
        over_negatives += group.negatives as f64 * beaten * beaten;
    });
    Some(over_positives / (m - 1.0) / m + over_negatives / (n - 1.0) / n)
}

/// Visits each group with twice the negatives below it and twice the positives above it, those
/// within the group counting one.
fn for_each_placement(scores: &Scores, mut visit: impl FnMut(Group, u64, u64)) {
    let (mut negatives_below, mut positives_above) = (0, scores.positives());
    scores.for_each_group(|group| {
        positives_above -= group.positives;
        visit(
            group,
            2 * negatives_below + group.negatives,
            2 * positives_above + group.positives,
        );
        negatives_below += group.negatives;
    });
}

fn logit_interval(area: f64, variance: f64, method: Method) -> Interval {
    let centre = libm::log(area / (1.0 - area));
    let reach = Z * variance.sqrt() / (area * (1.0 - area));
    let back = |x: f64| 1.0 / (1.0 + libm::exp(-x));
    Interval::new(area, back(centre - reach), back(centre + reach), method)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::evaluate::scores::ScoreStore;
    use crate::ml::hash::Stream;
    use proptest::prelude::*;

    fn scores_of(rows: &[(f64, bool)]) -> Scores {
        let mut store = ScoreStore::new(1_000_000);
        rows.iter()
            .for_each(|&(score, positive)| store.add(score, positive));
        store.sort()
    }

    /// The area and its variance from every pair, as DeLong and others wrote it down.
    fn by_every_pair(rows: &[(f64, bool)]) -> (f64, f64) {
        let side = |wanted| -> Vec<f64> {
            rows.iter()
                .filter(|row| row.1 == wanted)
                .map(|row| row.0)
                .collect()
        };
        let (positives, negatives) = (side(true), side(false));
        let psi = |p: f64, n: f64| {
            if p > n {
                1.0
            } else if p == n {
                0.5
            } else {
                0.0
            }
        };
        let (m, n) = (positives.len() as f64, negatives.len() as f64);
        let v10: Vec<f64> = positives
            .iter()
            .map(|&p| negatives.iter().map(|&q| psi(p, q)).sum::<f64>() / n)
            .collect();
        let v01: Vec<f64> = negatives
            .iter()
            .map(|&q| positives.iter().map(|&p| psi(p, q)).sum::<f64>() / m)
            .collect();
        let area = v10.iter().sum::<f64>() / m;
        let spread =
            |v: &[f64]| v.iter().map(|x| (x - area) * (x - area)).sum::<f64>() / (v.len() as f64 - 1.0);
        (area, spread(&v10) / m + spread(&v01) / n)
    }

    #[test]
    fn no_spread_gives_a_bound() {
        let perfect = auc(&scores_of(&[(0.9, true), (0.8, true), (0.1, false)]));
        assert_eq!(
            (perfect.value, perfect.high, perfect.method),
            (Some(1.0), Some(1.0), Some(Method::Bound))
        );
        assert!(
            (perfect.low.unwrap() - 0.05).abs() < 1e-12,
            "one negative says next to nothing"
        );
        let wrong = auc(&scores_of(&[(0.1, true), (0.8, false), (0.9, false)]));
        assert_eq!((wrong.value, wrong.low), (Some(0.0), Some(0.0)));
        let tied = auc(&scores_of(&[
            (0.5, true),
            (0.5, false),
            (0.5, true),
            (0.5, false),
        ]));
        assert_eq!((tied.value, tied.method), (Some(0.5), Some(Method::Bound)));
        assert!(tied.low.unwrap() < 0.25 && tied.high.unwrap() > 0.75);
        let single = auc(&scores_of(&[(0.5, true), (0.7, false), (0.3, false)]));
        assert_eq!((single.value, single.method), (Some(0.5), Some(Method::Bound)));
        assert_eq!(auc(&scores_of(&[(0.5, true)])), Interval::UNDEFINED);
    }

    #[test]
    fn the_interval_holds_the_true_area_in_about_95_of_100_samples() {
        // Negatives are uniform and positives the larger of two uniforms: the true area is 2/3.
        let mut stream = Stream::new(20);
        let held = (0..1_000)
            .filter(|_| {
                let rows: Vec<(f64, bool)> = (0..120)
                    .map(|row| match row % 3 {
                        0 => (stream.next_unit().max(stream.next_unit()), true),
                        _ => (stream.next_unit(), false),
                    })
                    .collect();
                let interval = auc(&scores_of(&rows));
                interval.low.unwrap() <= 2.0 / 3.0 && 2.0 / 3.0 <= interval.high.unwrap()
            })
            .count();
        assert!((930..=970).contains(&held), "{held} of 1000");
    }

    fn rows(ties: u32) -> impl Strategy<Value = Vec<(f64, bool)>> {
        let score = (0..=ties).prop_map(move |step| f64::from(step) / f64::from(ties));
        prop::collection::vec((score, any::<bool>()), 4..80)
    }

    proptest! {
        #[test]
        fn area_and_variance_are_those_of_every_pair(rows in prop_oneof![rows(7), rows(1000)]) {
            let scores = scores_of(&rows);
            prop_assume!(scores.positives() >= 2 && scores.negatives() >= 2);
            let (area, expected) = by_every_pair(&rows);
            prop_assert!((auc(&scores).value.unwrap() - area).abs() < 1e-12);
            prop_assert!((variance(&scores, area).unwrap() - expected).abs() < 1e-13);
        }

        #[test]
        fn a_rising_transform_of_the_scores_changes_nothing(rows in rows(50)) {
            let moved: Vec<(f64, bool)> = rows.iter().map(|&(s, p)| (0.2 + 0.5 * s * s * s, p)).collect();
            prop_assert_eq!(auc(&scores_of(&rows)), auc(&scores_of(&moved)));
        }

        #[test]
        fn the_order_of_the_records_changes_nothing(rows in rows(50), seed in any::<u64>()) {
            let mut shuffled = rows.clone();
            shuffled.sort_by_key(|row| crate::ml::hash::splitmix64(seed ^ row.0.to_bits()));
            shuffled.rotate_left(rows.len() / 3);
            prop_assert_eq!(auc(&scores_of(&rows)), auc(&scores_of(&shuffled)));
        }

        #[test]
        fn swapping_the_classes_mirrors_the_area(rows in rows(50)) {
            let swapped: Vec<(f64, bool)> = rows.iter().map(|&(s, p)| (s, !p)).collect();
            let (one, other) = (auc(&scores_of(&rows)), auc(&scores_of(&swapped)));
            prop_assert_eq!(one.value.is_some(), other.value.is_some());
            if let (Some(a), Some(b)) = (one.value, other.value) {
                prop_assert!((a + b - 1.0).abs() < 1e-12);
                prop_assert!((one.low.unwrap() + other.high.unwrap() - 1.0).abs() < 1e-9);
            }
        }
    }
}
