//! Curves over all thresholds: ROC, precision and recall, and the counts at fixed thresholds.

use super::confusion::Confusion;
use super::scores::Scores;
use serde::{Deserialize, Serialize};

/// The largest number of points of a curve.
pub const MOST_POINTS: usize = 200;

/// One point of the ROC curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// Records with this score or a higher one are called positive; `None` at the curve's start,
    /// where none is.
    pub threshold: Option<f64>,
    /// The share of the negatives called positive.
    pub false_positive_rate: f64,
    /// The share of the positives called positive (recall).
    pub true_positive_rate: f64,
}

/// One point of the precision and recall curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecallPoint {
    /// Records with this score or a higher one are called positive.
    pub threshold: f64,
    /// The share of positives among the records called positive.
    pub precision: f64,
    /// The share of the positives called positive.
    pub recall: f64,
}

/// The four counts at one threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ThresholdPoint {
    /// Records with this score or a higher one are called positive.
    pub threshold: f64,
    /// What that leads to.
    #[serde(flatten)]
    pub confusion: Confusion,
}

/// The counts when every score of at least `threshold` is called positive.
pub fn confusion_at(scores: &Scores, threshold: f64) -> Confusion {
    let (true_positives, false_positives) = scores.at_least(threshold);
    Confusion {
        true_positives,
        false_positives,
        true_negatives: scores.negatives() - false_positives,
        false_negatives: scores.positives() - true_positives,
    }
}

/// The counts at 0.00, 0.01, ... 1.00: enough to choose a threshold later, without the scores.
pub fn threshold_table(scores: &Scores) -> Vec<ThresholdPoint> {
    let point = |threshold| ThresholdPoint {
        threshold,
        confusion: confusion_at(scores, threshold),
    };
    (0..=100)
        .map(|percent| point(f64::from(percent) / 100.0))
        .collect()
}

/// Both curves, from the highest threshold to the lowest; empty if all records are of one class.
///
/// With more distinct scores than [`MOST_POINTS`] allows, points are dropped so that those left lie
/// evenly along the ROC curve; the first and the last stay. Between two points the curve may be
/// drawn straight.
pub fn curves(scores: &Scores) -> (Vec<RocPoint>, Vec<PrecisionRecallPoint>) {
    let (m, n) = (scores.positives(), scores.negatives());
    if m == 0 || n == 0 {
        return (Vec::new(), Vec::new());
    }
    let start = RocPoint {
        threshold: None,
        false_positive_rate: 0.0,
        true_positive_rate: 0.0,
    };
    let (mut roc, mut precision_recall) = (vec![start], Vec::new());
    for (threshold, tp, fp) in thinned(scores).into_iter().rev() {
        roc.push(RocPoint {
            threshold: Some(threshold),
            false_positive_rate: fp as f64 / n as f64,
            true_positive_rate: tp as f64 / m as f64,
        });
        let (precision, recall) = (tp as f64 / (tp + fp) as f64, tp as f64 / m as f64);
        precision_recall.push(PrecisionRecallPoint {
            threshold,
            precision,
            recall,
        });
    }
    (roc, precision_recall)
}

/// Thresholds with the positives and negatives at or over them, in rising order.
fn thinned(scores: &Scores) -> Vec<(f64, u64, u64)> {
    let mut groups = 0;
    scores.for_each_group(|_| groups += 1);
    let room = MOST_POINTS - 1;
    // The curve is two long (its way right plus its way up); both ends are kept beside the steps.
    let step = if groups <= room {
        0.0
    } else {
        2.0 / (room - 2) as f64
    };
    let (m, n) = (scores.positives() as f64, scores.negatives() as f64);
    let (mut tp, mut fp) = (scores.positives(), scores.negatives());
    let (mut points, mut seen, mut kept_at) = (Vec::with_capacity(room), 0, f64::INFINITY);
    scores.for_each_group(|group| {
        seen += 1;
        let place = tp as f64 / m + fp as f64 / n;
        if kept_at - place >= step || seen == groups {
            points.push((group.score, tp, fp));
            kept_at = place;
        }
        tp -= group.positives;
        fp -= group.negatives;
    });
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::evaluate::scores::ScoreStore;
    use crate::ml::hash::Stream;

    fn random_scores(rows: usize, levels: f64) -> Scores {
        let mut store = ScoreStore::new(rows);
        let mut stream = Stream::new(4);
        for _ in 0..rows {
            let score = (stream.next_unit() * levels).floor() / levels;
            store.add(score, stream.next_unit() < 0.2 + 0.6 * score);
        }
        store.sort()
    }

    #[test]
    fn every_threshold_is_kept_while_there_is_room() {
        let scores = random_scores(3_000, 199.0);
        let (roc, precision_recall) = curves(&scores);
        assert_eq!((roc.len(), precision_recall.len()), (200, 199));
        for point in &precision_recall {
            let confusion = confusion_at(&scores, point.threshold);
            assert_eq!(confusion.precision().value, Some(point.precision));
            assert_eq!(confusion.recall().value, Some(point.recall));
        }
    }

    #[test]
    fn thinning_keeps_the_ends_and_nearly_the_whole_area() {
        let scores = random_scores(20_000, 1e9);
        let (roc, _) = curves(&scores);
        assert!((150..=MOST_POINTS).contains(&roc.len()), "{} points", roc.len());
        assert_eq!((roc[0].threshold, roc[0].true_positive_rate), (None, 0.0));
        let mut highest = 0.0;
        scores.for_each_group(|group| highest = group.score);
        assert_eq!(roc[1].threshold, Some(highest));
        let last = roc[roc.len() - 1];
        assert_eq!((last.false_positive_rate, last.true_positive_rate), (1.0, 1.0));
        let area: f64 = roc
            .windows(2)
            .map(|w| {
                let width = w[1].false_positive_rate - w[0].false_positive_rate;
                width * (w[0].true_positive_rate + w[1].true_positive_rate) / 2.0
            })
            .sum();
        let exact = crate::ml::evaluate::auc::auc(&scores).value.unwrap();
        assert!((area - exact).abs() < 1e-4, "{area} against {exact}");
        assert!(
            roc.windows(2)
                .all(|w| w[1].true_positive_rate >= w[0].true_positive_rate)
        );
    }

    #[test]
    fn the_table_counts_every_record_at_every_threshold() {
        let scores = random_scores(500, 100.0);
        let table = threshold_table(&scores);
        assert_eq!(table.len(), 101);
        for ThresholdPoint { confusion: c, .. } in &table {
            assert_eq!(c.true_positives + c.false_negatives, scores.positives());
            assert_eq!(c.false_positives + c.true_negatives, scores.negatives());
        }
        assert_eq!(table[0].confusion.false_negatives, 0);
        let falls = |w: &[ThresholdPoint]| w[1].confusion.true_positives <= w[0].confusion.true_positives;
        assert!(table.windows(2).all(falls));
    }
}
