//! The four counts of a binary decision and the shares that follow from them.

use super::interval::Interval;
use serde::{Deserialize, Serialize};

/// How many records were decided rightly and wrongly at one threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Positives called positive.
    #[serde(rename = "tp")]
    pub true_positives: u64,
    /// Negatives called positive.
    #[serde(rename = "fp")]
    pub false_positives: u64,
    /// Negatives called negative.
    #[serde(rename = "tn")]
    pub true_negatives: u64,
    /// Positives called negative.
    #[serde(rename = "fn")]
    pub false_negatives: u64,
}

impl Confusion {
    /// The share of all records decided rightly, with Wilson's interval.
    pub fn accuracy(&self) -> Interval {
        let right = self.true_positives + self.true_negatives;
        Interval::wilson(right, right + self.false_positives + self.false_negatives)
    }

    /// The share of positives among the records called positive; undefined if there are none.
    pub fn precision(&self) -> Interval {
        Interval::wilson(self.true_positives, self.true_positives + self.false_positives)
    }

    /// The share of the positives that were called positive; undefined if there are none.
    pub fn recall(&self) -> Interval {
        Interval::wilson(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// The share of the negatives that were called positive; undefined if there are none.
    pub fn false_positive_rate(&self) -> Interval {
        Interval::wilson(self.false_positives, self.true_negatives + self.false_positives)
    }

    /// F1, the harmonic mean of precision and recall: 2 tp / (2 tp + fp + fn); undefined if there
    /// are neither positives nor records called positive.
    ///
    /// With J = tp / (tp + fp + fn), F1 = 2 J / (1 + J) rises with J, and J is a plain share. So
    /// the limits are those of Wilson's interval for J, mapped; they stay sensible at 0 and at 1.
    pub fn f1(&self) -> Interval {
        let all = self.true_positives + self.false_positives + self.false_negatives;
        Interval::wilson(self.true_positives, all).map(|j| 2.0 * j / (1.0 + j))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::hash::Stream;

    fn confusion(tp: u64, fp: u64, tn: u64, missed: u64) -> Confusion {
        Confusion {
            true_positives: tp,
            false_positives: fp,
            true_negatives: tn,
            false_negatives: missed,
        }
    }

    #[test]
    fn shares_without_a_denominator_are_undefined() {
        let nothing_called = confusion(0, 0, 5, 3);
        assert_eq!(nothing_called.precision(), Interval::UNDEFINED);
        assert_eq!(nothing_called.recall().value, Some(0.0));
        assert_eq!(nothing_called.f1().value, Some(0.0));
        assert_eq!(confusion(0, 0, 5, 0).f1(), Interval::UNDEFINED);
        assert_eq!(confusion(0, 0, 0, 0).accuracy(), Interval::UNDEFINED);
    }

    #[test]
    fn the_f1_interval_holds_the_true_f1_in_about_95_of_100_samples() {
        // Shares of the four outcomes: 0.3, 0.1, 0.4, 0.2; the true F1 is 0.6 / 0.9.
        let mut stream = Stream::new(8);
        let held = (0..2_000)
            .filter(|_| {
                let mut counts = confusion(0, 0, 0, 0);
                for _ in 0..60 {
                    match stream.next_unit() {
                        u if u < 0.3 => counts.true_positives += 1,
                        u if u < 0.4 => counts.false_positives += 1,
                        u if u < 0.8 => counts.true_negatives += 1,
                        _ => counts.false_negatives += 1,
                    }
                }
                let f1 = counts.f1();
                f1.low.unwrap() <= 2.0 / 3.0 && 2.0 / 3.0 <= f1.high.unwrap()
            })
            .count();
        assert!((1_860..=1_950).contains(&held), "{held} of 2000");
    }
}
