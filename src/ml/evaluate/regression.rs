//! Evaluation of a regression model from (prediction, truth) pairs.

use super::bootstrap::{MOST_RECORDS, percentiles, replicates};
use super::histogram::ResidualHistogram;
use super::interval::Interval;
use super::moments::{ErrorMoments, Mean};
use super::notes;
use crate::ml::hash::Stream;
use serde::{Deserialize, Serialize};

/// The metrics of a regression model, each with its 95 % interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegressionMetrics {
    /// Square root of the mean squared error, in units of the target.
    pub rmse: Interval,
    /// Mean absolute error, in units of the target.
    pub mae: Interval,
    /// One minus the squared error over that of always answering these records' own mean.
    pub r2: Interval,
}

/// What always answering the mean of the training data would reach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegressionBaseline {
    /// Its RMSE.
    pub rmse: Option<f64>,
    /// Its mean absolute error.
    pub mae: Option<f64>,
}

/// How good a regression model is on rows it has not seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegressionReport {
    /// Records evaluated.
    pub records: u64,
    /// The metrics.
    pub metrics: RegressionMetrics,
    /// What to compare them with.
    pub baseline: RegressionBaseline,
    /// The mean of true - predicted; positive where the model answers too low on the whole.
    pub mean_residual: Option<f64>,
    /// How the residuals are spread.
    pub residuals: ResidualHistogram,
    /// Records left out because prediction or truth was not a number.
    pub skipped: u64,
    /// Sentences on what is not defined or less certain here, and why.
    pub notes: Vec<String>,
}

/// Takes (prediction, truth) pairs and makes a [`RegressionReport`] of them.
///
/// The first 200,000 pairs are kept. When more come, those kept fix the bins of the histogram and
/// the centre of the sums, and everything is counted as it passes.
#[derive(Debug)]
pub struct RegressionEvaluator {
    baseline_mean: f64,
    baseline_abs: Mean,
    baseline_square: Mean,
    range: (f64, f64),
    rows: Vec<(f64, f64)>,
    passing: Option<(ErrorMoments, ResidualHistogram)>,
    limit: usize,
    records: u64,
    skipped: u64,
}

impl RegressionEvaluator {
    /// An evaluation without records; `baseline_mean` is the mean target of the training data.
    pub fn new(baseline_mean: f64) -> Self {
        RegressionEvaluator::with_limit(baseline_mean, MOST_RECORDS as usize)
    }

    fn with_limit(baseline_mean: f64, limit: usize) -> Self {
        RegressionEvaluator {
            baseline_mean,
            baseline_abs: Mean::default(),
            baseline_square: Mean::default(),
            range: (f64::INFINITY, f64::NEG_INFINITY),
            rows: Vec::new(),
            passing: None,
            limit,
            records: 0,
            skipped: 0,
        }
    }

    /// Counts a record; it is skipped and reported if prediction, truth or their difference is not a
    /// finite number.
    pub fn add(&mut self, prediction: f64, truth: f64) {
        // A difference is finite only if both numbers are.
        if !(truth - prediction).is_finite() {
            self.skipped += 1;
            return;
        }
        self.records += 1;
        let distance = truth - self.baseline_mean;
        self.baseline_abs.add(distance.abs());
        self.baseline_square.add(distance * distance);
        self.range = (self.range.0.min(truth), self.range.1.max(truth));
        if let Some((moments, histogram)) = &mut self.passing {
            moments.add(prediction, truth);
            histogram.add(truth - prediction);
            return;
        }
        self.rows.push((prediction, truth));
        if self.rows.len() > self.limit {
            self.passing = Some(summed(&self.rows));
            self.rows = Vec::new();
        }
    }

    /// The report; `seed` decides the resampling.
    pub fn finish(self, seed: u64) -> RegressionReport {
        let passing = self.passing.is_some();
        let (moments, residuals) = match self.passing {
            Some(passed) => passed,
            None => summed(&self.rows),
        };
        let mut metrics = if passing {
            normal_metrics(&moments)
        } else {
            resampled_metrics(&self.rows, &moments, seed)
        };
        if self.range.0 >= self.range.1 {
            metrics.r2 = Interval::UNDEFINED;
        }
        let finite = |value: f64| Some(value).filter(|value| value.is_finite());
        let notes = notes_on(&metrics, self.range, self.records, self.skipped);
        RegressionReport {
            records: self.records,
            metrics,
            baseline: RegressionBaseline {
                rmse: finite(self.baseline_square.mean().sqrt()),
                mae: finite(self.baseline_abs.mean()),
            },
            mean_residual: finite(moments.mean_error()),
            residuals,
            skipped: self.skipped,
            notes,
        }
    }
}

fn summed(rows: &[(f64, f64)]) -> (ErrorMoments, ResidualHistogram) {
    let count = rows.len() as f64;
    // Divided before summing, so that a sum of large numbers stays finite.
    let mut moments = ErrorMoments::around(rows.iter().map(|row| row.1 / count).sum());
    rows.iter()
        .for_each(|&(prediction, truth)| moments.add(prediction, truth));
    let residuals: Vec<f64> = rows
        .iter()
        .map(|&(prediction, truth)| truth - prediction)
        .collect();
    (moments, ResidualHistogram::of(&residuals))
}

fn normal_metrics(moments: &ErrorMoments) -> RegressionMetrics {
    let positive = (0.0, f64::INFINITY);
    RegressionMetrics {
        rmse: Interval::normal(moments.rmse(), moments.rmse_error(), positive),
        mae: Interval::normal(moments.mae(), moments.mae_error(), positive),
        r2: Interval::normal(moments.r2(), moments.r2_error(), (f64::NEG_INFINITY, 1.0)),
    }
}

fn resampled_metrics(rows: &[(f64, f64)], moments: &ErrorMoments, seed: u64) -> RegressionMetrics {
    let centre = moments.centre();
    let [rmses, maes, r2s] = replicates(seed, |stream| replicate(rows, centre, stream));
    RegressionMetrics {
        rmse: percentiles(moments.rmse(), rmses),
        mae: percentiles(moments.mae(), maes),
        r2: percentiles(moments.r2(), r2s),
    }
}

/// RMSE, MAE and R² of one weighted sample.
fn replicate(rows: &[(f64, f64)], centre: f64, stream: &mut Stream) -> [f64; 3] {
    let (mut weight, mut square, mut absolute, mut truth, mut truth2) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for &(prediction, value) in rows {
        let times = stream.poisson1() as f64;
        let (error, distance) = (value - prediction, value - centre);
        weight += times;
        square += times * error * error;
        absolute += times * error.abs();
        truth += times * distance;
        truth2 += times * distance * distance;
    }
    let total = truth2 - truth * truth / weight;
    // A sample of equal truths has no R²; what rounding leaves of its spread must not pass for one.
    let r2 = if total > truth2 * 1e-12 {
        1.0 - square / total
    } else {
        f64::NAN
    };
    [(square / weight).sqrt(), absolute / weight, r2]
}

fn notes_on(metrics: &RegressionMetrics, range: (f64, f64), records: u64, skipped: u64) -> Vec<String> {
    let mut all = notes::common(records, skipped);
    if records == 0 {
        return all;
    }
    if range.0 >= range.1 {
        all.push("R² is not defined: all records have the same true value.".to_string());
    } else if metrics.r2.value.is_none() || metrics.rmse.value.is_none() {
        all.push("RMSE or R² is not defined: the numbers are too large to be squared.".to_string());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::evaluate::interval::Method;
    use proptest::prelude::*;

    fn sample(rows: usize, limit: usize) -> RegressionReport {
        let mut evaluator = RegressionEvaluator::with_limit(1_000.0, limit);
        let mut stream = Stream::new(12);
        for _ in 0..rows {
            let truth = 1_000.0 + 30.0 * stream.next_unit();
            evaluator.add(truth + 8.0 * (stream.next_unit() - 0.4), truth);
        }
        evaluator.finish(2)
    }

    #[test]
    fn passing_records_by_gives_what_keeping_them_gives() {
        let (kept, passed) = (sample(6_000, 6_000), sample(6_000, 3_000));
        let pairs = [
            (kept.metrics.rmse, passed.metrics.rmse),
            (kept.metrics.mae, passed.metrics.mae),
            (kept.metrics.r2, passed.metrics.r2),
        ];
        for (a, b) in pairs {
            assert_eq!(
                (a.method, b.method),
                (Some(Method::Bootstrap), Some(Method::Normal))
            );
            assert!((a.value.unwrap() - b.value.unwrap()).abs() < 1e-9);
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
        let counted = |h: &ResidualHistogram| h.counts.iter().sum::<u64>() + h.below + h.above;
        assert_eq!(
            (counted(&kept.residuals), counted(&passed.residuals)),
            (6_000, 6_000)
        );
        assert_eq!(kept.baseline, passed.baseline);
        // Predictions are too high by 8 * 0.1 on average.
        assert!((kept.mean_residual.unwrap() + 0.8).abs() < 0.2);
    }

    #[test]
    fn a_replicate_is_the_metrics_of_the_records_it_repeats() {
        let rows: Vec<(f64, f64)> = (0..12)
            .map(|row| (f64::from(row % 5), f64::from(row * row % 7)))
            .collect();
        let measured = replicate(&rows, 100.0, &mut Stream::new(3));
        let mut stream = Stream::new(3);
        let drawn: Vec<(f64, f64)> = rows
            .iter()
            .flat_map(|&row| vec![row; stream.poisson1() as usize])
            .collect();
        let (moments, _) = summed(&drawn);
        for (a, b) in measured
            .into_iter()
            .zip([moments.rmse(), moments.mae(), moments.r2()])
        {
            assert!((a - b).abs() < 1e-9, "{a} against {b}");
        }
        assert!(replicate(&[(1.0, 0.1); 3], 7.0, &mut Stream::new(3))[2].is_nan());
    }

    #[test]
    fn equal_truths_have_no_r2_and_say_so() {
        let mut evaluator = RegressionEvaluator::new(0.0);
        [1.0, 2.0]
            .iter()
            .for_each(|&prediction| evaluator.add(prediction, 0.1));
        let report = evaluator.finish(1);
        assert_eq!(report.metrics.r2, Interval::UNDEFINED);
        assert!(
            report.notes.iter().any(|note| note.contains("same true value")),
            "{:?}",
            report.notes
        );
    }

    #[test]
    fn numbers_without_bounds_never_reach_the_report() {
        let mut evaluator = RegressionEvaluator::new(f64::NAN);
        for (prediction, truth) in [
            (f64::NAN, 1.0),
            (1.0, f64::INFINITY),
            (-1e308, 1e308),
            (1e200, 2.0),
            (5.0, -1e300),
        ] {
            evaluator.add(prediction, truth);
        }
        let report = evaluator.finish(1);
        assert_eq!((report.records, report.skipped), (2, 3));
        assert_eq!((report.metrics.rmse.value, report.baseline.rmse), (None, None));
        assert!(
            report.notes.iter().any(|note| note.contains("too large")),
            "{:?}",
            report.notes
        );
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<RegressionReport>(&text).unwrap(), report);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn metrics_move_with_the_unit_and_not_with_the_origin(
            rows in prop::collection::vec((-10.0..10.0f64, -10.0..10.0f64), 2..50),
            shift in -1e3..1e3f64,
        ) {
            let report = |scale: f64, shift: f64| {
                let mut evaluator = RegressionEvaluator::new(shift);
                rows.iter().for_each(|&(p, t)| evaluator.add(p * scale + shift, t * scale + shift));
                evaluator.finish(1)
            };
            let (plain, moved) = (report(1.0, 0.0), report(4.0, shift));
            let near = |a: f64, b: f64| (a - b).abs() < 1e-7 * a.abs().max(1.0);
            prop_assert!(near(4.0 * plain.metrics.rmse.value.unwrap(), moved.metrics.rmse.value.unwrap()));
            prop_assert!(near(4.0 * plain.metrics.mae.value.unwrap(), moved.metrics.mae.value.unwrap()));
            prop_assert!(near(4.0 * plain.baseline.rmse.unwrap(), moved.baseline.rmse.unwrap()));
            if let (Some(a), Some(b)) = (plain.metrics.r2.value, moved.metrics.r2.value) {
                prop_assert!(near(a, b), "{a} {b}");
            }
        }
    }
}
