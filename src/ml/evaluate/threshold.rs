//! Chooses the threshold of a binary model by what people know: how sure they must be, how much they may miss, how many
//! cases they can look at, or what each kind of error costs.
//!
//! The thresholds to choose from are those of an evaluation: 0.00, 0.01, ... 1.00 and the points of the ROC curve, which
//! lie where the scores are. Counts at each are those of the evaluated records, so what is expected of
//! other records has the interval that a sample of that size allows.

use serde::Serialize;

use super::binary::BinaryReport;
use super::confusion::Confusion;
use super::interval::Interval;

/// What the threshold has to do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// At least this share of the records called positive is; among these thresholds the one that finds most.
    Precision(f64),
    /// At least this share of the positives is called so; among these thresholds the one with fewest false alarms.
    Recall(f64),
    /// At most this share of all records is called positive; as many as that allows.
    Rate(f64),
    /// The least cost of errors.
    Cost {
        /// What calling a negative positive costs.
        false_positive: f64,
        /// What calling a positive negative costs.
        false_negative: f64,
    },
}

/// What people ask by. One goal has to come of it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Wish {
    /// See [`Goal::Precision`].
    pub precision: Option<f64>,
    /// See [`Goal::Recall`].
    pub recall: Option<f64>,
    /// See [`Goal::Rate`].
    pub rate: Option<f64>,
    /// Records that can be looked at, of as many as `of` says.
    pub capacity: Option<f64>,
    /// See `capacity`.
    pub of: Option<f64>,
    /// See [`Goal::Cost`].
    pub false_positive_cost: Option<f64>,
    /// See [`Goal::Cost`].
    pub false_negative_cost: Option<f64>,
}

impl Wish {
    /// The one goal.
    pub fn goal(&self) -> Result<Goal, ThresholdError> {
        let mut goals = Vec::new();
        goals.extend(self.precision.map(Goal::Precision));
        goals.extend(self.recall.map(Goal::Recall));
        goals.extend(self.rate.map(Goal::Rate));
        match (self.capacity, self.of) {
            // Who can look at more than there are can look at all.
            (Some(capacity), Some(of)) if capacity >= 0.0 && of > 0.0 => {
                goals.push(Goal::Rate((capacity / of).min(1.0)));
            }
            (None, None) => {}
            _ => return Err(ThresholdError::Capacity),
        }
        match (self.false_positive_cost, self.false_negative_cost) {
            (Some(false_positive), Some(false_negative)) => goals.push(Goal::Cost {
                false_positive,
                false_negative,
            }),
            (None, None) => {}
            _ => return Err(ThresholdError::OneCost),
        }
        match goals.as_slice() {
            [goal] => Ok(*goal),
            some => Err(ThresholdError::Goals(some.len())),
        }
    }
}

/// What is to be expected of a threshold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// Records with this score or a higher one are called positive.
    pub threshold: f64,
    /// The counts on the evaluated records.
    pub confusion: Confusion,
    /// The share of positives among those called positive.
    pub precision: Interval,
    /// The share of the positives that are called positive.
    pub recall: Interval,
    /// The share of all records that are called positive.
    pub rate: Interval,
    /// What errors cost for each record on average; only where costs are the goal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Interval>,
}

/// Why no threshold was chosen.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ThresholdError {
    /// A share outside of its range.
    #[error("`{name}` is {value}; give a share from 0 to 1")]
    Share {
        /// The goal.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// Costs that cannot be compared.
    #[error("costs are numbers of 0 or more, one of them above 0; given are {0} and {1}")]
    Costs(f64, f64),
    /// Not one goal.
    #[error(
        "{0} goals are given; give one: a precision, a recall, a rate, a capacity and of how many, or the costs of a false \
         positive and of a false negative"
    )]
    Goals(usize),
    /// A capacity that says nothing.
    #[error("give a capacity of 0 or more together with `of`, above 0: of how many records")]
    Capacity,
    /// One cost without the other.
    #[error("give both costs, of a false positive and of a false negative")]
    OneCost,
    /// Nothing to choose by.
    #[error("the evaluation has {0}; a threshold needs records of both classes")]
    OneClass(&'static str),
    /// Too many records share the highest score.
    #[error(
        "no threshold calls {wanted} of the records positive or fewer: the fewest are {least}, at the threshold {threshold}, \
         because their scores are the same"
    )]
    Crowded {
        /// The share asked for.
        wanted: f64,
        /// The least share there is.
        least: f64,
        /// Where.
        threshold: f64,
    },
    /// The goal is out of reach.
    #[error(
        "no threshold has a {name} of {wanted} on these records: the highest is {best}, at the threshold {threshold}"
    )]
    Unreachable {
        /// The goal.
        name: &'static str,
        /// What was asked for.
        wanted: f64,
        /// The best there is.
        best: f64,
        /// Where.
        threshold: f64,
    },
}

impl Goal {
    /// Fails when the goal is none.
    pub fn check(self) -> Result<(), ThresholdError> {
        let share = |name, value: f64| match (0.0..=1.0).contains(&value) {
            true => Ok(()),
            false => Err(ThresholdError::Share { name, value }),
        };
        match self {
            Goal::Precision(value) => share("precision", value),
            Goal::Recall(value) => share("recall", value),
            Goal::Rate(value) => share("rate", value),
            Goal::Cost {
                false_positive: a,
                false_negative: b,
            } => {
                let is_sound = a.is_finite() && b.is_finite() && a >= 0.0 && b >= 0.0 && a + b > 0.0;
                is_sound.then_some(()).ok_or(ThresholdError::Costs(a, b))
            }
        }
    }

    /// The costs of a false alarm and of a miss.
    fn costs(self) -> Option<(f64, f64)> {
        match self {
            Goal::Cost {
                false_positive,
                false_negative,
            } => Some((false_positive, false_negative)),
            _ => None,
        }
    }

    /// How well a threshold does, more being better; `None` where it misses the goal. Ties are won by the second number.
    fn merit(self, counts: &Confusion) -> Option<(f64, f64)> {
        let (found, alarms) = (counts.true_positives as f64, counts.false_positives as f64);
        let (called, all) = (found + alarms, total(counts) as f64);
        let precision = if called > 0.0 { found / called } else { 0.0 };
        let recall = found / (found + counts.false_negatives as f64);
        match self {
            Goal::Precision(least) => (called > 0.0 && precision >= least).then_some((recall, precision)),
            Goal::Recall(least) => (recall >= least).then_some((-alarms, recall)),
            Goal::Rate(most) => (called / all <= most).then_some((called, precision)),
            Goal::Cost {
                false_positive: a,
                false_negative: b,
            } => Some((-(a * alarms + b * counts.false_negatives as f64), precision)),
        }
    }
}

fn total(counts: &Confusion) -> u64 {
    counts.true_positives + counts.false_positives + counts.true_negatives + counts.false_negatives
}

impl BinaryReport {
    /// The threshold that reaches a goal best.
    pub fn threshold_for(&self, goal: Goal) -> Result<Outcome, ThresholdError> {
        goal.check()?;
        match self.positives {
            0 => return Err(ThresholdError::OneClass("no positives")),
            all if all == self.records => return Err(ThresholdError::OneClass("no negatives")),
            _ => {}
        }
        let candidates = self.candidates();
        let best = candidates
            .iter()
            .filter_map(|(threshold, counts)| Some((goal.merit(counts)?, *threshold, counts)))
            // Among equals the highest threshold: it calls no more records positive.
            .max_by(|a, b| {
                let ((a, second_a), (b, second_b)) = (a.0, b.0);
                a.total_cmp(&b).then(second_a.total_cmp(&second_b))
            });
        match best {
            Some((_, threshold, counts)) => Ok(Outcome::of(threshold, counts, goal)),
            None => Err(self.unreachable(goal, &candidates)),
        }
    }

    /// What is to be expected of the threshold that the evaluation was made with.
    pub fn as_it_is(&self, goal: Goal) -> Outcome {
        Outcome::of(self.threshold, &self.confusion, goal)
    }

    /// Thresholds with their counts, the lowest first.
    fn candidates(&self) -> Vec<(f64, Confusion)> {
        let (positives, negatives) = (self.positives, self.records - self.positives);
        let of_curve = self.roc.iter().filter_map(|point| {
            // Both shares come from whole numbers.
            let found = ((point.true_positive_rate * positives as f64).round() as u64).min(positives);
            let alarms = ((point.false_positive_rate * negatives as f64).round() as u64).min(negatives);
            let counts = Confusion {
                true_positives: found,
                false_positives: alarms,
                true_negatives: negatives - alarms,
                false_negatives: positives - found,
            };
            Some((point.threshold?, counts))
        });
        let tabulated = self
            .thresholds
            .iter()
            .map(|point| (point.threshold, point.confusion));
        let mut all: Vec<(f64, Confusion)> = of_curve.chain(tabulated).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all
    }

    fn unreachable(&self, goal: Goal, candidates: &[(f64, Confusion)]) -> ThresholdError {
        if let Goal::Rate(wanted) = goal {
            let share = |counts: &Confusion| {
                (counts.true_positives + counts.false_positives) as f64 / self.records as f64
            };
            let shares = candidates
                .iter()
                .map(|(threshold, counts)| (share(counts), *threshold));
            let (least, threshold) = shares.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((1.0, 1.0));
            return ThresholdError::Crowded {
                wanted,
                least,
                threshold,
            };
        }
        let (name, wanted) = match goal {
            Goal::Recall(wanted) => ("recall", wanted),
            Goal::Precision(wanted) | Goal::Rate(wanted) => ("precision", wanted),
            Goal::Cost { false_negative, .. } => ("cost", false_negative),
        };
        let share = |counts: &Confusion| match goal {
            Goal::Precision(_) => counts.precision().value,
            _ => counts.recall().value,
        };
        let known = candidates
            .iter()
            .filter_map(|(threshold, counts)| Some((share(counts)?, *threshold)));
        let (best, threshold) = known.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, 1.0));
        ThresholdError::Unreachable {
            name,
            wanted,
            best,
            threshold,
        }
    }
}

impl Outcome {
    fn of(threshold: f64, counts: &Confusion, goal: Goal) -> Self {
        let called = counts.true_positives + counts.false_positives;
        Self {
            threshold,
            confusion: *counts,
            precision: counts.precision(),
            recall: counts.recall(),
            rate: Interval::wilson(called, total(counts)),
            cost: goal.costs().map(|(a, b)| cost(counts, a, b)),
        }
    }
}

/// The mean cost of a record: the normal interval with the variance of the costs.
fn cost(counts: &Confusion, false_positive: f64, false_negative: f64) -> Interval {
    let all = total(counts).max(1) as f64;
    let (alarms, misses) = (counts.false_positives as f64, counts.false_negatives as f64);
    let mean = (alarms * false_positive + misses * false_negative) / all;
    let squares = (alarms * false_positive * false_positive + misses * false_negative * false_negative) / all;
    let deviation = (squares - mean * mean).max(0.0).sqrt();
    let most = false_positive.max(false_negative);
    Interval::normal(mean, deviation / (all - 1.0).max(1.0).sqrt(), (0.0, most))
}

#[cfg(test)]
mod tests {
    use super::super::binary::BinaryEvaluator;
    use super::*;
    use crate::ml::hash::Stream;

    /// Scores that are as likely as they say, most of them small, with few different values.
    fn sample(rows: usize) -> Vec<(f64, bool)> {
        let mut stream = Stream::new(9);
        (0..rows)
            .map(|_| {
                let score = (stream.next_unit() * stream.next_unit() * 150.0).round() / 150.0;
                (score, stream.next_unit() < score)
            })
            .collect()
    }

    fn report(rows: &[(f64, bool)]) -> BinaryReport {
        let mut evaluator = BinaryEvaluator::new();
        rows.iter()
            .for_each(|(score, positive)| evaluator.add(*score, *positive));
        evaluator.finish(0.5, 1)
    }

    fn counts(rows: &[(f64, bool)], threshold: f64) -> Confusion {
        let count = |called: bool, positive: bool| {
            let is = |(score, truth): &&(f64, bool)| (*score >= threshold) == called && *truth == positive;
            rows.iter().filter(is).count() as u64
        };
        Confusion {
            true_positives: count(true, true),
            false_positives: count(true, false),
            true_negatives: count(false, false),
            false_negatives: count(false, true),
        }
    }

    /// Every score of the records as a threshold, counted one by one.
    #[test]
    fn each_goal_is_met_as_well_as_any_threshold_can() {
        let rows = sample(3_000);
        let report = report(&rows);
        let goals = [
            Goal::Precision(0.6),
            Goal::Recall(0.7),
            Goal::Rate(0.1),
            Goal::Cost {
                false_positive: 1.0,
                false_negative: 7.0,
            },
        ];
        for goal in goals {
            let outcome = report.threshold_for(goal).unwrap();
            assert_eq!(outcome.confusion, counts(&rows, outcome.threshold), "{goal:?}");
            let found = goal.merit(&outcome.confusion).unwrap().0;
            let best = rows
                .iter()
                .filter_map(|(score, _)| goal.merit(&counts(&rows, *score)))
                .map(|merit| merit.0)
                .fold(f64::NEG_INFINITY, f64::max);
            assert_eq!(found, best, "{goal:?}: {outcome:?}");
        }
    }

    /// With scores that mean what they say, a miss that costs seven times a false alarm asks for a threshold of 1/8.
    #[test]
    fn costs_lead_to_the_threshold_of_theory() {
        let report = report(&sample(60_000));
        let goal = Goal::Cost {
            false_positive: 1.0,
            false_negative: 7.0,
        };
        let outcome = report.threshold_for(goal).unwrap();
        assert!((outcome.threshold - 0.125).abs() < 0.03, "{outcome:?}");
        let (cost, as_it_is) = (outcome.cost.unwrap(), report.as_it_is(goal).cost.unwrap());
        assert!(cost.high.unwrap() < as_it_is.low.unwrap());
        let by_hand = (outcome.confusion.false_positives + 7 * outcome.confusion.false_negatives) as f64;
        assert_eq!(cost.value, Some(by_hand / 60_000.0));
    }

    #[test]
    fn one_goal_comes_of_a_wish() {
        let wish = Wish {
            capacity: Some(200.0),
            of: Some(5_000.0),
            ..Wish::default()
        };
        assert_eq!(wish.goal(), Ok(Goal::Rate(0.04)));
        let two = Wish {
            recall: Some(0.5),
            ..wish
        };
        assert_eq!(two.goal(), Err(ThresholdError::Goals(2)));
        assert_eq!(Wish::default().goal(), Err(ThresholdError::Goals(0)));
        for of in [None, Some(0.0), Some(f64::NAN)] {
            assert_eq!(Wish { of, ..wish }.goal(), Err(ThresholdError::Capacity));
        }
        let cost = Wish {
            false_positive_cost: Some(1.0),
            ..Wish::default()
        };
        assert_eq!(cost.goal(), Err(ThresholdError::OneCost));
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_can() {
        let report = report(&sample(500));
        let share = report.threshold_for(Goal::Recall(1.5)).unwrap_err();
        assert_eq!(share.to_string(), "`recall` is 1.5; give a share from 0 to 1");
        for (a, b) in [(-1.0, 1.0), (0.0, 0.0), (f64::INFINITY, 1.0), (f64::NAN, 1.0)] {
            let goal = Goal::Cost {
                false_positive: a,
                false_negative: b,
            };
            assert!(matches!(
                report.threshold_for(goal),
                Err(ThresholdError::Costs(..))
            ));
        }
        let rows: Vec<(f64, bool)> = (0..100).map(|row| (0.5, row % 4 == 0)).collect();
        let flat = self::report(&rows);
        let error = flat.threshold_for(Goal::Precision(0.9)).unwrap_err();
        assert!(
            matches!(&error, ThresholdError::Unreachable { best, .. } if *best == 0.25),
            "{error}"
        );
        // To call nobody positive is the only way to call a tenth at most.
        let nobody = flat.threshold_for(Goal::Rate(0.1)).unwrap();
        assert_eq!(
            nobody.confusion.true_positives + nobody.confusion.false_positives,
            0
        );
        let crowd: Vec<(f64, bool)> = (0..100).map(|row| (f64::from(row / 50), row % 3 == 0)).collect();
        let crowd = self::report(&crowd).threshold_for(Goal::Rate(0.1)).unwrap_err();
        assert!(
            matches!(crowd, ThresholdError::Crowded { least: 0.5, .. }),
            "{crowd}"
        );
        // 0.29 of 100 is a hair below 29.
        let all: Vec<(f64, bool)> = (0..100)
            .map(|row| (f64::from(row) / 100.0, row % 2 == 0))
            .collect();
        let called = self::report(&all)
            .threshold_for(Goal::Rate(0.29))
            .unwrap()
            .confusion;
        assert_eq!(called.true_positives + called.false_positives, 29);
        let one = self::report(&[(0.3, false), (0.4, false)]);
        assert!(matches!(
            one.threshold_for(Goal::Rate(0.1)),
            Err(ThresholdError::OneClass(_))
        ));
    }
}
