//! Evaluation of a model with several classes from probabilities and true classes.

use super::bootstrap::{MOST_RECORDS, percentiles, replicates};
use super::interval::{Interval, Method, one_sided};
use super::matrix::{
    ClassCounts, ConfusionMatrix, Pairs, class_counts, macro_f1, macro_f1_error, most_frequent,
};
use super::moments::Mean;
use super::notes;
use super::{PROBABILITY_FLOOR, log_loss_of};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The largest number of classes with a row of their own in the confusion matrix.
pub const MOST_MATRIX_CLASSES: usize = 100;

/// The largest number of classes with an entry of their own in the list of classes.
pub const MOST_LISTED_CLASSES: usize = 1_000;

/// The largest number of classes told apart that training had not seen.
const MOST_UNSEEN: usize = 10_000;

/// What a record really is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth<'a> {
    /// A class of the model, by its number.
    Known(usize),
    /// A label that did not occur in training.
    Unseen(&'a str),
}

/// The metrics of a model with several classes, each with its 95 % interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MulticlassMetrics {
    /// Unweighted mean of F1 over the classes that occur.
    pub macro_f1: Interval,
    /// Share of records answered rightly.
    pub accuracy: Interval,
    /// Mean negative log-likelihood, probabilities clipped to [1e-15, 1 - 1e-15].
    pub log_loss: Interval,
}

/// What always answering the most frequent class of the training data would reach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MulticlassBaseline {
    /// Its macro F1.
    pub macro_f1: Option<f64>,
    /// Its accuracy.
    pub accuracy: Option<f64>,
}

/// One class in the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassReport {
    /// The class.
    pub label: String,
    /// Records of this class.
    pub support: u64,
    /// Records for which it was answered.
    pub predicted: u64,
    /// Share of right answers among them; `None` if it was never answered.
    pub precision: Option<f64>,
    /// Share of its records answered rightly; `None` if it does not occur.
    pub recall: Option<f64>,
    /// F1; `None` if it neither occurs nor was answered.
    pub f1: Option<f64>,
}

/// How good a model with several classes is on rows it has not seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MulticlassReport {
    /// Records evaluated.
    pub records: u64,
    /// The metrics.
    pub metrics: MulticlassMetrics,
    /// What to compare them with.
    pub baseline: MulticlassBaseline,
    /// The confusion matrix; of more than 100 classes the most frequent ones.
    pub confusion: ConfusionMatrix,
    /// The classes in model order, then those never seen in training; of more than 1,000 the most
    /// frequent ones.
    pub classes: Vec<ClassReport>,
    /// Records whose class was never seen in training.
    pub unseen_records: u64,
    /// Records left out because a probability was not a number or the true class not one of the model.
    pub skipped: u64,
    /// Sentences on what is not defined or less certain here, and why.
    pub notes: Vec<String>,
}

/// Takes (probabilities, truth) pairs and makes a [`MulticlassReport`] of them.
#[derive(Debug)]
pub struct MulticlassEvaluator {
    classes: Vec<String>,
    baseline_class: usize,
    /// Labels not seen in training, with class numbers after the model's in order of arrival.
    unseen: BTreeMap<String, usize>,
    unseen_records: u64,
    pairs: Pairs,
    losses: Mean,
    /// Truth, answer and loss of each record, while there are few enough to resample.
    rows: Vec<(usize, usize, f64)>,
    records: u64,
    skipped: u64,
}

impl MulticlassEvaluator {
    /// An evaluation without records. `classes` are the model's, in its order; `baseline_class` is
    /// the number of the one most frequent in training.
    pub fn new(classes: &[String], baseline_class: usize) -> Self {
        MulticlassEvaluator {
            classes: classes.to_vec(),
            baseline_class,
            unseen: BTreeMap::new(),
            unseen_records: 0,
            pairs: Pairs::new(),
            losses: Mean::default(),
            rows: Vec::new(),
            records: 0,
            skipped: 0,
        }
    }

    /// Counts a record. The answer is the class of the highest probability, of equal ones the first.
    /// A record is skipped and reported if its probabilities are not one finite number for each
    /// class, or if its class number is not one of the model's.
    pub fn add(&mut self, probabilities: &[f64], truth: Truth) {
        let likelihood = match truth {
            Truth::Known(class) => probabilities.get(class).copied().unwrap_or(0.0),
            Truth::Unseen(_) => 0.0,
        };
        self.add_answer(answer(probabilities, self.classes.len()), likelihood, truth);
    }

    /// The same for who knows the answer ([`answer`]) and the probability that the true class had.
    pub fn add_answer(&mut self, answered: Option<usize>, likelihood: f64, truth: Truth) {
        let known = match truth {
            Truth::Known(class) => class < self.classes.len(),
            Truth::Unseen(_) => true,
        };
        let Some(predicted) = answered.filter(|_| known) else {
            self.skipped += 1;
            return;
        };
        let class = match truth {
            Truth::Known(class) => class,
            Truth::Unseen(label) => self.unseen_class(label),
        };
        let loss = log_loss_of(likelihood);
        *self.pairs.entry((class, predicted)).or_default() += 1;
        self.losses.add(loss);
        self.records += 1;
        if self.records <= MOST_RECORDS {
            self.rows.push((class, predicted, loss));
        } else {
            self.rows = Vec::new();
        }
    }

    /// The number of a label not seen in training; those after the ten thousandth share one.
    fn unseen_class(&mut self, label: &str) -> usize {
        self.unseen_records += 1;
        let next = self.classes.len() + self.unseen.len();
        match self.unseen.get(label) {
            Some(&class) => class,
            None if self.unseen.len() >= MOST_UNSEEN => next,
            None => {
                self.unseen.insert(label.to_string(), next);
                next
            }
        }
    }

    /// The report; `seed` decides the resampling.
    pub fn finish(self, seed: u64) -> MulticlassReport {
        let (labels, pairs) = self.in_label_order();
        let counts = class_counts(&pairs, labels.len());
        let hits = counts.iter().map(|class| class.hits).sum();
        let (macro_f1, log_loss) = self.resampled(&pairs, &counts, seed);
        let listed = most_frequent(&counts, MOST_LISTED_CLASSES);
        let entry = |&class: &usize| Some(class_report(labels.get(class)?, counts.get(class)?));
        MulticlassReport {
            records: self.records,
            metrics: MulticlassMetrics {
                macro_f1,
                accuracy: Interval::wilson(hits, self.records),
                log_loss,
            },
            baseline: baseline(&counts, self.baseline_class, self.records),
            confusion: ConfusionMatrix::new(&labels, &pairs, &counts, MOST_MATRIX_CLASSES),
            classes: listed.iter().filter_map(entry).collect(),
            unseen_records: self.unseen_records,
            skipped: self.skipped,
            notes: self.notes(labels.len()),
        }
    }

    /// All labels, those not seen in training in byte order, and the pairs numbered accordingly: the
    /// report does not show in which order the records came.
    fn in_label_order(&self) -> (Vec<String>, Pairs) {
        let known = self.classes.len();
        let mut labels = self.classes.clone();
        let mut numbers = vec![0; self.unseen.len()];
        for (label, &class) in &self.unseen {
            if let Some(number) = numbers.get_mut(class - known) {
                *number = labels.len();
            }
            labels.push(label.clone());
        }
        let pooled = labels.len();
        if self.pairs.keys().any(|&(truth, _)| truth == pooled) {
            labels.push("other labels not seen in training".to_string());
        }
        let number = |class: usize| {
            class
                .checked_sub(known)
                .map_or(class, |unseen| numbers.get(unseen).copied().unwrap_or(pooled))
        };
        let pairs = self
            .pairs
            .iter()
            .map(|(&(truth, predicted), &n)| ((number(truth), predicted), n))
            .collect();
        (labels, pairs)
    }

    /// Macro F1 and log loss with their intervals.
    fn resampled(&self, pairs: &Pairs, counts: &[ClassCounts], seed: u64) -> (Interval, Interval) {
        let value = macro_f1(counts).unwrap_or(f64::NAN);
        let loss = self.losses.mean();
        let (f1, log_loss) = if self.records > MOST_RECORDS {
            let f1 = Interval::normal(value, macro_f1_error(pairs, counts), (0.0, 1.0));
            (
                f1,
                Interval::normal(
                    loss,
                    self.losses.standard_error(),
                    (0.0, log_loss_of(PROBABILITY_FLOOR)),
                ),
            )
        } else {
            let [f1s, losses] = self.replicates(counts.len(), seed);
            (percentiles(value, f1s), percentiles(loss, losses))
        };
        (without_spread(counts, value).unwrap_or(f1), log_loss)
    }

    fn replicates(&self, classes: usize, seed: u64) -> [Vec<f64>; 2] {
        let mut counts = vec![ClassCounts::default(); classes];
        replicates(seed, |stream| {
            counts.fill(ClassCounts::default());
            let (mut weight, mut sum) = (0.0, 0.0);
            for &(truth, predicted, loss) in &self.rows {
                let times = stream.poisson1();
                weight += times as f64;
                sum += times as f64 * loss;
                if let Some(class) = counts.get_mut(truth) {
                    class.support += times;
                    class.hits += if truth == predicted { times } else { 0 };
                }
                if let Some(class) = counts.get_mut(predicted) {
                    class.predicted += times;
                }
            }
            [macro_f1(&counts).unwrap_or(f64::NAN), sum / weight]
        })
    }

    fn notes(&self, classes: usize) -> Vec<String> {
        let mut all = notes::common(self.records, self.skipped);
        let mut note = |wanted: bool, text: String| all.extend(wanted.then_some(text));
        note(
            self.unseen_records > 0,
            format!(
                "{} of {} records hold a class that training never saw ({} such classes): they count as wrong, and \
                 each of these classes has F1 0.",
                self.unseen_records,
                self.records,
                classes - self.classes.len()
            ),
        );
        note(
            classes > self.classes.len() + MOST_UNSEEN,
            format!(
                "Of the classes never seen in training only {MOST_UNSEEN} are told apart; macro F1 is lower in truth."
            ),
        );
        note(
            classes > MOST_LISTED_CLASSES,
            format!("The list of classes holds the {MOST_LISTED_CLASSES} most frequent of {classes}."),
        );
        all
    }
}

/// The class of the highest probability, of equal ones the first; none unless there is a finite number for each
/// class.
pub fn answer(probabilities: &[f64], classes: usize) -> Option<usize> {
    let sound = probabilities.len() == classes && probabilities.iter().all(|p| p.is_finite());
    first_highest(probabilities).filter(|_| sound)
}

fn first_highest(values: &[f64]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (place, &value) in values.iter().enumerate() {
        if best.is_none_or(|(_, highest)| value > highest) {
            best = Some((place, value));
        }
    }
    best.map(|(place, _)| place)
}

/// The interval of a macro F1 of exactly 0 or 1, which resampling would give no width.
///
/// Never having seen an error (or a hit), its chance in the rarest class may still be the one-sided
/// bound; macro F1 would then differ by what that does to the F1 of this one class.
fn without_spread(counts: &[ClassCounts], value: f64) -> Option<Interval> {
    if value != 0.0 && value != 1.0 {
        return None;
    }
    let present = counts.iter().filter(|class| class.support > 0);
    let (rarest, number) = present.fold((u64::MAX, 0.0), |(least, n), class| {
        (least.min(class.support), n + 1.0)
    });
    let f1_of = |recall: f64| 2.0 * recall / (1.0 + recall);
    let chance = one_sided(rarest);
    Some(if value == 1.0 {
        Interval::new(
            1.0,
            1.0 - (1.0 - f1_of(1.0 - chance)) / number,
            1.0,
            Method::Bound,
        )
    } else {
        Interval::new(0.0, 0.0, f1_of(chance) / number, Method::Bound)
    })
}

fn class_report(label: &str, counts: &ClassCounts) -> ClassReport {
    let share = |of: u64| (of > 0).then(|| counts.hits as f64 / of as f64);
    ClassReport {
        label: label.to_string(),
        support: counts.support,
        predicted: counts.predicted,
        precision: share(counts.predicted),
        recall: share(counts.support),
        f1: counts.f1(),
    }
}

fn baseline(counts: &[ClassCounts], class: usize, records: u64) -> MulticlassBaseline {
    if records == 0 {
        return MulticlassBaseline {
            macro_f1: None,
            accuracy: None,
        };
    }
    let support = counts.get(class).map_or(0, |class| class.support);
    let constant: Vec<ClassCounts> = (0..counts.len())
        .zip(counts)
        .map(|(number, counts)| {
            let hit = number == class;
            ClassCounts {
                support: counts.support,
                predicted: if hit { records } else { 0 },
                hits: if hit { support } else { 0 },
            }
        })
        .collect();
    MulticlassBaseline {
        macro_f1: macro_f1(&constant),
        accuracy: Some(support as f64 / records as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::hash::Stream;
    use proptest::prelude::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("c{class}")).collect()
    }

    fn sure(classes: usize, answer: usize) -> Vec<f64> {
        (0..classes)
            .map(|class| {
                if class == answer {
                    0.9
                } else {
                    0.1 / (classes - 1) as f64
                }
            })
            .collect()
    }

    #[test]
    fn perfect_and_hopeless_models_still_have_an_interval() {
        let (mut perfect, mut hopeless) = (
            MulticlassEvaluator::new(&names(3), 0),
            MulticlassEvaluator::new(&names(3), 0),
        );
        for row in 0..45 {
            perfect.add(&sure(3, row % 3), Truth::Known(row % 3));
            hopeless.add(&sure(3, (row + 1) % 3), Truth::Known(row % 3));
        }
        let (perfect, hopeless) = (
            perfect.finish(1).metrics.macro_f1,
            hopeless.finish(1).metrics.macro_f1,
        );
        assert_eq!(
            (perfect.value, perfect.high, perfect.method),
            (Some(1.0), Some(1.0), Some(Method::Bound))
        );
        assert!((0.95..0.99).contains(&perfect.low.unwrap()), "{perfect:?}");
        assert_eq!((hopeless.value, hopeless.low), (Some(0.0), Some(0.0)));
        assert!((0.05..0.15).contains(&hopeless.high.unwrap()), "{hopeless:?}");
    }

    #[test]
    fn records_that_do_not_fit_the_model_are_skipped() {
        let mut evaluator = MulticlassEvaluator::new(&names(2), 0);
        evaluator.add(&[0.5], Truth::Known(0));
        evaluator.add(&[0.5, f64::NAN], Truth::Known(0));
        evaluator.add(&[0.5, 0.5], Truth::Known(2));
        evaluator.add(&[0.5, 0.5], Truth::Known(1));
        let report = evaluator.finish(1);
        assert_eq!((report.records, report.skipped), (1, 3));
        assert!(
            report.notes[0].starts_with("3 records were left out"),
            "{:?}",
            report.notes
        );
    }

    #[test]
    fn many_classes_are_pooled_in_the_matrix_and_told_apart_in_the_metric() {
        let mut evaluator = MulticlassEvaluator::new(&names(2), 0);
        evaluator.add(&sure(2, 0), Truth::Known(0));
        for label in 0..MOST_UNSEEN + 5 {
            evaluator.add(&sure(2, 1), Truth::Unseen(&format!("u{label}")));
        }
        let report = evaluator.finish(1);
        assert_eq!(report.unseen_records, MOST_UNSEEN as u64 + 5);
        assert_eq!(
            report.metrics.macro_f1.value,
            Some(1.0 / (MOST_UNSEEN + 2) as f64)
        );
        assert_eq!(
            (report.confusion.labels.len(), report.confusion.others),
            (MOST_MATRIX_CLASSES + 1, true)
        );
        assert_eq!(
            report.confusion.counts.iter().flatten().sum::<u64>(),
            report.records
        );
        assert_eq!(report.classes.len(), MOST_LISTED_CLASSES);
        assert_eq!(report.notes.len(), 3, "{:?}", report.notes);
    }

    #[test]
    fn the_normal_approximation_takes_over_without_a_jump() {
        let report = |rows: u64| {
            let mut evaluator = MulticlassEvaluator::new(&names(3), 0);
            let mut stream = Stream::new(6);
            for _ in 0..rows {
                let truth = (stream.next_unit() * 2.5) as usize;
                let answer = if stream.next_unit() < 0.7 {
                    truth
                } else {
                    (stream.next_unit() * 3.0) as usize
                };
                evaluator.add(&sure(3, answer), Truth::Known(truth));
            }
            evaluator.finish(1).metrics
        };
        let (resampled, normal) = (report(MOST_RECORDS), report(MOST_RECORDS + 1));
        for (a, b) in [
            (resampled.macro_f1, normal.macro_f1),
            (resampled.log_loss, normal.log_loss),
        ] {
            assert_eq!(
                (a.method, b.method),
                (Some(Method::Bootstrap), Some(Method::Normal))
            );
            let width = b.high.unwrap() - b.low.unwrap();
            assert!(
                (a.low.unwrap() - b.low.unwrap()).abs() < 0.12 * width,
                "{a:?} {b:?}"
            );
            assert!(
                (a.high.unwrap() - b.high.unwrap()).abs() < 0.12 * width,
                "{a:?} {b:?}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]
        #[test]
        fn counts_add_up_and_order_does_not_matter(rows in prop::collection::vec((0usize..6, 0usize..4), 1..60)) {
            let labels = ["zoe", "ada"];
            let report = |rows: &mut dyn Iterator<Item = &(usize, usize)>| {
                let mut evaluator = MulticlassEvaluator::new(&names(4), 2);
                for &(truth, answer) in rows {
                    let truth = labels.get(truth.wrapping_sub(4)).map_or(Truth::Known(truth), |label| Truth::Unseen(label));
                    evaluator.add(&sure(4, answer), truth);
                }
                evaluator.finish(3)
            };
            let (forward, backward) = (report(&mut rows.iter()), report(&mut rows.iter().rev()));
            prop_assert_eq!(forward.metrics.macro_f1.value, backward.metrics.macro_f1.value);
            prop_assert_eq!(&forward.confusion, &backward.confusion);
            prop_assert_eq!(&forward.classes, &backward.classes);
            prop_assert_eq!(forward.confusion.counts.iter().flatten().sum::<u64>(), forward.records);
            prop_assert_eq!(forward.classes.iter().map(|class| class.support).sum::<u64>(), forward.records);
            prop_assert_eq!(forward.classes.iter().map(|class| class.predicted).sum::<u64>(), forward.records);
        }
    }
}
