//! Who was taken for whom: counts by true and predicted class, and F1 from them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How often a class occurs, is answered, and both at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClassCounts {
    /// Records of this class.
    pub support: u64,
    /// Records for which this class was answered.
    pub predicted: u64,
    /// Records for which both hold.
    pub hits: u64,
}

impl ClassCounts {
    /// F1 = 2 hits / (support + predicted); `None` for a class that neither occurs nor is answered.
    pub fn f1(&self) -> Option<f64> {
        let either = self.support + self.predicted;
        (either > 0).then(|| 2.0 * self.hits as f64 / either as f64)
    }
}

/// The unweighted mean of F1 over the classes that occur; `None` if none does.
pub fn macro_f1(classes: &[ClassCounts]) -> Option<f64> {
    let present = classes.iter().filter(|class| class.support > 0);
    let (sum, count) = present.fold((0.0, 0u64), |(sum, count), class| {
        (sum + class.f1().unwrap_or(0.0), count + 1)
    });
    (count > 0).then(|| sum / count as f64)
}

/// Records by (true class, predicted class), as class numbers.
pub type Pairs = BTreeMap<(usize, usize), u64>;

/// The counts of each of `classes` classes.
pub fn class_counts(pairs: &Pairs, classes: usize) -> Vec<ClassCounts> {
    let mut counts = vec![ClassCounts::default(); classes];
    for (&(truth, predicted), &records) in pairs {
        if let Some(class) = counts.get_mut(truth) {
            class.support += records;
            class.hits += if truth == predicted { records } else { 0 };
        }
        if let Some(class) = counts.get_mut(predicted) {
            class.predicted += records;
        }
    }
    counts
}

/// The standard error of [`macro_f1`], by the delta method.
///
/// With D the support plus the answers of a class and C the classes that occur, a record of class t
/// answered as p moves macro F1 by (2 [t = p] / D_t - F_t / D_t - F_p / D_p) / C, where the last
/// term counts only if p occurs. These sum to zero, so the root of the sum of their squares is the
/// standard error.
pub fn macro_f1_error(pairs: &Pairs, classes: &[ClassCounts]) -> f64 {
    let occurring = classes.iter().filter(|class| class.support > 0).count() as f64;
    let share = |class: usize| -> (f64, f64) {
        let counts = classes.get(class).copied().unwrap_or_default();
        if counts.support == 0 {
            return (0.0, 0.0);
        }
        let either = (counts.support + counts.predicted) as f64;
        (1.0 / either, counts.f1().unwrap_or(0.0) / either)
    };
    let squares = pairs.iter().map(|(&(truth, predicted), &records)| {
        let hit = if truth == predicted {
            2.0 * share(truth).0
        } else {
            0.0
        };
        let influence = (hit - share(truth).1 - share(predicted).1) / occurring;
        records as f64 * influence * influence
    });
    squares.sum::<f64>().sqrt()
}

/// A confusion matrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfusionMatrix {
    /// The classes of the rows and columns: in model order, then those never seen in training.
    pub labels: Vec<String>,
    /// True if the last row and column hold all classes that did not fit.
    pub others: bool,
    /// Records: one row for each true class, one column for each predicted class.
    pub counts: Vec<Vec<u64>>,
}

impl ConfusionMatrix {
    /// The matrix of the `limit` classes with the most records, the rest pooled as "others".
    pub fn new(labels: &[String], pairs: &Pairs, classes: &[ClassCounts], limit: usize) -> Self {
        let kept = most_frequent(classes, limit);
        let others = kept.len() < labels.len();
        let mut shown: Vec<String> = kept
            .iter()
            .filter_map(|&class| labels.get(class).cloned())
            .collect();
        if others {
            shown.push("others".to_string());
        }
        let place = |class: usize| kept.binary_search(&class).unwrap_or(kept.len());
        let mut counts = vec![vec![0; shown.len()]; shown.len()];
        for (&(truth, predicted), &records) in pairs {
            if let Some(cell) = counts
                .get_mut(place(truth))
                .and_then(|row| row.get_mut(place(predicted)))
            {
                *cell += records;
            }
        }
        ConfusionMatrix {
            labels: shown,
            others,
            counts,
        }
    }
}

/// The numbers of the `limit` classes with the most records, in class order; of equally frequent
/// ones the first.
pub fn most_frequent(classes: &[ClassCounts], limit: usize) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..classes.len()).collect();
    numbers.sort_by_key(|&class| std::cmp::Reverse(classes.get(class).map_or(0, |counts| counts.support)));
    numbers.truncate(limit);
    numbers.sort_unstable();
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::hash::Stream;

    #[test]
    fn rare_classes_are_pooled_and_no_record_is_lost() {
        let labels: Vec<String> = ["a", "b", "c", "d"].map(String::from).to_vec();
        let pairs = Pairs::from([((0, 0), 1), ((1, 1), 5), ((1, 2), 2), ((2, 0), 3), ((3, 1), 9)]);
        let classes = class_counts(&pairs, 4);
        let matrix = ConfusionMatrix::new(&labels, &pairs, &classes, 2);
        assert_eq!(matrix.labels, ["b", "d", "others"]);
        assert_eq!(matrix.counts, [[5, 0, 2], [9, 0, 0], [0, 0, 4]]);
        let whole = ConfusionMatrix::new(&labels, &pairs, &classes, 4);
        assert!(!whole.others && whole.labels == labels);
    }

    #[test]
    fn a_class_that_occurs_counts_even_if_never_answered() {
        let pairs = Pairs::from([((0, 0), 4), ((1, 0), 4), ((0, 2), 2)]);
        let classes = class_counts(&pairs, 4);
        assert_eq!(
            classes.iter().map(ClassCounts::f1).collect::<Vec<_>>(),
            [Some(8.0 / 14.0), Some(0.0), Some(0.0), None]
        );
        assert_eq!(
            macro_f1(&classes),
            Some(4.0 / 14.0),
            "the third class does not occur"
        );
        assert_eq!(macro_f1(&[]), None);
    }

    #[test]
    fn the_closed_standard_error_is_the_spread_of_samples() {
        // Nine outcomes of equal chance, true macro F1 1/3; predicted class 3 never occurs.
        let (rows, samples) = (900, 800);
        let mut stream = Stream::new(2);
        let (mut sum, mut squares, mut closed) = (0.0, 0.0, 0.0);
        for _ in 0..samples {
            let mut pairs = Pairs::new();
            for _ in 0..rows {
                let truth = (stream.next_unit() * 3.0) as usize;
                let predicted = if stream.next_unit() < 0.5 {
                    truth
                } else {
                    (stream.next_unit() * 4.0) as usize
                };
                *pairs.entry((truth, predicted)).or_default() += 1;
            }
            let classes = class_counts(&pairs, 4);
            let value = macro_f1(&classes).unwrap();
            sum += value;
            squares += value * value;
            closed += macro_f1_error(&pairs, &classes) / samples as f64;
        }
        let mean = sum / samples as f64;
        let spread = (squares / samples as f64 - mean * mean).sqrt();
        // 800 samples know their spread to about 2.5 %.
        assert!((closed / spread - 1.0).abs() < 0.08, "{closed} against {spread}");
    }
}
