//! Evaluation of a two-class model from (score, is positive) pairs.

use super::auc::auc;
use super::bootstrap::{MOST_RECORDS, percentiles, replicates};
use super::confusion::Confusion;
use super::histogram::ScoreHistogram;
use super::interval::Interval;
use super::moments::Mean;
use super::notes;
use super::roc::{PrecisionRecallPoint, RocPoint, ThresholdPoint, confusion_at, curves, threshold_table};
use super::scores::{MOST_EXACT, ScoreStore, Scores};
use super::{PROBABILITY_FLOOR, log_loss_of};
use serde::{Deserialize, Serialize};

/// The metrics of a two-class model, each with its 95 % interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BinaryMetrics {
    /// Area under the ROC curve, ties counted half.
    pub auc: Interval,
    /// Mean negative log-likelihood, scores clipped to [1e-15, 1 - 1e-15].
    pub log_loss: Interval,
    /// Share of records called rightly at the threshold.
    pub accuracy: Interval,
    /// Harmonic mean of precision and recall at the threshold.
    pub f1: Interval,
    /// Mean squared distance of the score from 0 or 1.
    pub brier: Interval,
    /// Share of positives among those called positive at the threshold.
    pub precision: Interval,
    /// Share of the positives called positive at the threshold.
    pub recall: Interval,
}

/// What answers without a model would reach on the same records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BinaryBaseline {
    /// The area of any constant score.
    pub auc: f64,
    /// The log loss of always answering these records' own share of positives.
    pub log_loss: Option<f64>,
    /// The accuracy of always answering these records' more frequent class.
    pub accuracy: Option<f64>,
}

/// How good a two-class model is on rows it has not seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BinaryReport {
    /// Records evaluated.
    pub records: u64,
    /// The metrics.
    pub metrics: BinaryMetrics,
    /// What to compare them with.
    pub baseline: BinaryBaseline,
    /// Positives among the records.
    pub positives: u64,
    /// The score from which on a record is called positive.
    pub threshold: f64,
    /// The counts at that threshold.
    pub confusion: Confusion,
    /// The ROC curve, at most 200 points.
    pub roc: Vec<RocPoint>,
    /// The precision and recall curve, at most 200 points.
    pub precision_recall: Vec<PrecisionRecallPoint>,
    /// The counts at the thresholds 0.00, 0.01, ... 1.00.
    pub thresholds: Vec<ThresholdPoint>,
    /// The spread of the scores of actual positives and negatives.
    pub score_histogram: ScoreHistogram,
    /// True if there were too many records to keep each score: AUC, curves and counts then know a
    /// score to one part in a million.
    pub approximate: bool,
    /// Records left out because their score was not a number.
    pub skipped: u64,
    /// Sentences on what is not defined or less certain here, and why.
    pub notes: Vec<String>,
}

impl BinaryReport {
    /// The counts at the tabulated threshold nearest to `threshold`.
    pub fn at_threshold(&self, threshold: f64) -> Option<&ThresholdPoint> {
        let distance = |point: &&ThresholdPoint| (point.threshold - threshold).abs();
        self.thresholds
            .iter()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)))
    }
}

/// Takes (score, is positive) pairs and makes a [`BinaryReport`] of them.
///
/// Five million scores are kept exactly; beyond that memory stays at 16 MB.
#[derive(Debug)]
pub struct BinaryEvaluator {
    store: ScoreStore,
    losses: Mean,
    squares: Mean,
    skipped: u64,
}

impl Default for BinaryEvaluator {
    fn default() -> Self {
        BinaryEvaluator::new()
    }
}

impl BinaryEvaluator {
    /// An evaluation without records.
    pub fn new() -> Self {
        BinaryEvaluator::with_limit(MOST_EXACT)
    }

    fn with_limit(limit: usize) -> Self {
        let (losses, squares) = (Mean::default(), Mean::default());
        BinaryEvaluator {
            store: ScoreStore::new(limit),
            losses,
            squares,
            skipped: 0,
        }
    }

    /// Counts a record. The score is the probability of the positive class: it is cut to 0..1, and
    /// a record whose score is not a finite number is skipped and reported.
    pub fn add(&mut self, score: f64, positive: bool) {
        if !score.is_finite() {
            self.skipped += 1;
            return;
        }
        // Adding zero turns -0.0 into 0.0: whether a tie shows a sign must not depend on the order.
        let score = score.clamp(0.0, 1.0) + 0.0;
        let (loss, square) = losses_of(score, positive);
        self.losses.add(loss);
        self.squares.add(square);
        self.store.add(score, positive);
    }

    /// The report at a threshold; `seed` decides the resampling.
    pub fn finish(self, threshold: f64, seed: u64) -> BinaryReport {
        let (losses, squares) = (self.losses, self.squares);
        let scores = self.store.sort();
        let records = scores.positives() + scores.negatives();
        let confusion = confusion_at(&scores, threshold);
        let (log_loss, brier) = mean_losses(&scores, losses, squares, seed);
        let metrics = BinaryMetrics {
            auc: auc(&scores),
            log_loss,
            accuracy: confusion.accuracy(),
            f1: confusion.f1(),
            brier,
            precision: confusion.precision(),
            recall: confusion.recall(),
        };
        let mut score_histogram = ScoreHistogram::new();
        scores.for_each_group(|group| score_histogram.add(group.score, group.positives, group.negatives));
        let (roc, precision_recall) = curves(&scores);
        BinaryReport {
            records,
            baseline: baseline(scores.positives(), records),
            notes: notes_on(&metrics, &scores, records, self.skipped),
            metrics,
            positives: scores.positives(),
            threshold,
            confusion,
            roc,
            precision_recall,
            thresholds: threshold_table(&scores),
            score_histogram,
            approximate: scores.approximate(),
            skipped: self.skipped,
        }
    }
}

fn losses_of(score: f64, positive: bool) -> (f64, f64) {
    let likelihood = if positive { score } else { 1.0 - score };
    (log_loss_of(likelihood), (1.0 - likelihood) * (1.0 - likelihood))
}

/// Log loss and Brier score: resampled where every score is at hand and they are not too many.
fn mean_losses(scores: &Scores, losses: Mean, squares: Mean, seed: u64) -> (Interval, Interval) {
    let most_loss = log_loss_of(PROBABILITY_FLOOR);
    if scores.approximate() || scores.positives() + scores.negatives() > MOST_RECORDS {
        let log_loss = Interval::normal(losses.mean(), losses.standard_error(), (0.0, most_loss));
        let brier = Interval::normal(squares.mean(), squares.standard_error(), (0.0, 1.0));
        return (log_loss, brier);
    }
    let rows: Vec<(f64, f64)> = scores
        .exact()
        .map(|(score, positive)| losses_of(score, positive))
        .collect();
    let [log_losses, briers] = replicates(seed, |stream| {
        let (mut weight, mut loss, mut square) = (0.0, 0.0, 0.0);
        for row in &rows {
            let times = stream.poisson1() as f64;
            weight += times;
            loss += times * row.0;
            square += times * row.1;
        }
        [loss / weight, square / weight]
    });
    // Summed again in the order of the scores, so that the order of the records does not show.
    let n = rows.len() as f64;
    let (loss, square) = rows
        .iter()
        .fold((0.0, 0.0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    (percentiles(loss / n, log_losses), percentiles(square / n, briers))
}

fn baseline(positives: u64, records: u64) -> BinaryBaseline {
    if records == 0 {
        return BinaryBaseline {
            auc: 0.5,
            log_loss: None,
            accuracy: None,
        };
    }
    let share = positives as f64 / records as f64;
    let part = |p: f64| if p == 0.0 { 0.0 } else { -p * libm::log(p) };
    BinaryBaseline {
        auc: 0.5,
        log_loss: Some(part(share) + part(1.0 - share)),
        accuracy: Some(share.max(1.0 - share)),
    }
}

fn notes_on(metrics: &BinaryMetrics, scores: &Scores, records: u64, skipped: u64) -> Vec<String> {
    let mut all = notes::common(records, skipped);
    if records == 0 {
        return all;
    }
    let mut note = |wanted: bool, text: &str| all.extend(wanted.then(|| text.to_string()));
    note(
        scores.positives() == 0,
        "AUC and recall are not defined: no record is positive.",
    );
    note(
        scores.negatives() == 0,
        "AUC is not defined: no record is negative.",
    );
    note(
        metrics.precision.value.is_none(),
        "Precision is not defined: no record reaches the threshold.",
    );
    note(
        metrics.f1.value.is_none(),
        "F1 is not defined: no record is positive and none is called so.",
    );
    note(
        scores.approximate(),
        "There were too many records to keep every score: AUC, curves and counts at thresholds know a score to one \
         part in a million.",
    );
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::evaluate::interval::Method;
    use crate::ml::hash::{Stream, unit};
    use proptest::prelude::*;

    fn sample(rows: u64, limit: usize) -> BinaryReport {
        let mut evaluator = BinaryEvaluator::with_limit(limit);
        let mut stream = Stream::new(1);
        for _ in 0..rows {
            let score = stream.next_unit();
            evaluator.add(score, stream.next_unit() < score);
        }
        evaluator.finish(0.5, 9)
    }

    #[test]
    fn one_class_only_is_said_and_not_a_number_that_is_none() {
        let mut evaluator = BinaryEvaluator::new();
        [0.1, 0.2, 0.4]
            .iter()
            .for_each(|&score| evaluator.add(score, false));
        let report = evaluator.finish(0.5, 1);
        assert_eq!(report.metrics.auc, Interval::UNDEFINED);
        assert_eq!(report.metrics.recall, Interval::UNDEFINED);
        assert_eq!(report.metrics.accuracy.value, Some(1.0));
        assert!(report.metrics.log_loss.value.is_some() && report.roc.is_empty());
        assert_eq!(
            (report.baseline.log_loss, report.baseline.accuracy),
            (Some(0.0), Some(1.0))
        );
        assert!(
            report
                .notes
                .iter()
                .any(|note| note.contains("no record is positive")),
            "{:?}",
            report.notes
        );
    }

    #[test]
    fn no_records_give_an_empty_report() {
        let report = BinaryEvaluator::default().finish(0.5, 1);
        assert_eq!(
            (report.records, report.metrics.log_loss),
            (0, Interval::UNDEFINED)
        );
        assert_eq!(report.metrics.brier, Interval::UNDEFINED);
        assert!(
            report.notes.iter().any(|note| note.contains("no records")),
            "{:?}",
            report.notes
        );
        assert!(!serde_json::to_string(&report).unwrap().contains("NaN"));
    }

    #[test]
    fn scores_that_are_not_numbers_are_skipped_and_counted() {
        let mut evaluator = BinaryEvaluator::new();
        for score in [f64::NAN, f64::INFINITY, 0.5, 1.0 + 1e-15, -0.0] {
            evaluator.add(score, score >= 0.5);
        }
        let report = evaluator.finish(0.5, 1);
        assert_eq!(
            (report.records, report.skipped, report.confusion.true_positives),
            (3, 2, 2)
        );
        let lowest = report.precision_recall.last().unwrap().threshold;
        assert!(lowest == 0.0 && lowest.is_sign_positive());
        assert!(
            report.notes.iter().any(|note| note.contains("2 records")),
            "{:?}",
            report.notes
        );
    }

    #[test]
    fn fine_cells_and_exact_scores_agree_closely() {
        let (exact, cells) = (sample(20_000, 20_000), sample(20_000, 19_999));
        assert!(cells.approximate && !exact.approximate);
        let distance = |a: Interval, b: Interval| (a.value.unwrap() - b.value.unwrap()).abs();
        assert!(distance(exact.metrics.auc, cells.metrics.auc) < 1e-5);
        assert!(distance(exact.metrics.log_loss, cells.metrics.log_loss) < 1e-12);
        assert_eq!(exact.confusion, cells.confusion);
        assert_eq!(cells.metrics.log_loss.method, Some(Method::Normal));
        let (a, b) = (exact.metrics.log_loss, cells.metrics.log_loss);
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

    #[test]
    fn the_same_seed_gives_the_same_bits_and_another_one_other_limits() {
        let report = |seed| {
            let mut evaluator = BinaryEvaluator::new();
            (0..300).for_each(|row| evaluator.add(unit(1, row), unit(2, row) < 0.4));
            evaluator.finish(0.5, seed)
        };
        assert_eq!(report(3), report(3));
        assert_ne!(report(3).metrics.brier.low, report(4).metrics.brier.low);
        assert_eq!(report(3).metrics.brier.value, report(4).metrics.brier.value);
    }

    #[test]
    fn the_nearest_tabulated_threshold_is_found() {
        let report = sample(100, 100);
        assert_eq!(report.at_threshold(0.333).unwrap().threshold, 0.33);
        assert_eq!(report.at_threshold(7.0).unwrap().threshold, 1.0);
        assert_eq!(report.at_threshold(0.5).unwrap().confusion, report.confusion);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn counts_add_up_and_order_does_not_matter(
            rows in prop::collection::vec((0.0..=1.0f64, any::<bool>()), 1..60),
            threshold in 0.0..1.0f64,
        ) {
            let report = |rows: &mut dyn Iterator<Item = &(f64, bool)>| {
                let mut evaluator = BinaryEvaluator::new();
                rows.for_each(|&(score, positive)| evaluator.add(score, positive));
                evaluator.finish(threshold, 5)
            };
            let forward = report(&mut rows.iter());
            prop_assert_eq!(&forward, &report(&mut rows.iter().rev()));
            let c = forward.confusion;
            prop_assert_eq!(c.true_positives + c.false_negatives, forward.positives);
            prop_assert_eq!(c.true_positives + c.false_positives + c.true_negatives + c.false_negatives, forward.records);
            let histogram = &forward.score_histogram;
            prop_assert_eq!(histogram.positives.iter().sum::<u64>(), forward.positives);
            prop_assert_eq!(histogram.negatives.iter().sum::<u64>(), forward.records - forward.positives);
        }
    }
}
