//! Whether scores mean what they say, on rows that were not used to find the weights, and the line that mends them.
//!
//! A penalty pulls all weights towards 0, those that are much in evidence too, so new rows often get scores that are too
//! near the middle. The line multiplies scores by a slope and adds a shift (Cox 1958; Platt 1999; as a cure for shrinkage
//! van Houwelingen and le Cessie 1990); several classes have one slope and a shift each (Guo et al. 2017). It is found by
//! Newton's method on the loss of the rows held back, and is worth its numbers only where it lowers the deviance by more
//! than they would by chance: twice what the Bayesian information criterion asks for (Schwarz 1978).

use serde::{Deserialize, Serialize};

use super::design::Targets;
use super::passes::{logistic_loss, sigmoid, softmax};
use super::precondition::{cholesky, solve};

/// Newton steps at most.
const MOST_STEPS: usize = 30;
/// A step that promises less than this share of the loss is the last.
const NEGLIGIBLE: f64 = 1e-10;
/// Numbers that all Hessians of the rows have together, at most: of more rows, every second, third, ... is taken.
const MOST_ELEMENTS: usize = 1 << 26;
/// Slopes beyond say that something else is wrong.
const SLOPES: std::ops::RangeInclusive<f64> = 0.2..=5.0;

/// How scores of held-back rows were found, and what was done about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// What multiplies the scores of held-back rows at best: above 1 they were too near the middle, below too far out.
    pub slope: f64,
    /// What is added then: one number for each score.
    pub shifts: Vec<f64>,
    /// Rows held back that were looked at.
    pub rows: u64,
    /// Mean loss of those rows without the line.
    pub before: f64,
    /// Mean loss of those rows with the line.
    pub after: f64,
    /// Whether the line pays: then the weights were multiplied and the intercepts shifted.
    pub applied: bool,
}

/// Scores of rows that were not used, and their truths.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Row by row, a number for each output.
    pub scores: Vec<f64>,
    /// The row that each was.
    pub rows: Vec<usize>,
    /// How much each counts.
    pub weights: Vec<f64>,
}

impl Held {
    /// Appends the rows of another part.
    pub fn append(&mut self, mut other: Held) {
        self.scores.append(&mut other.scores);
        self.rows.append(&mut other.rows);
        self.weights.append(&mut other.weights);
    }

    /// The loss of each row, times what it counts.
    pub fn losses(&self, targets: &Targets, outputs: usize) -> Vec<f64> {
        let rows = self.rows.iter().zip(self.scores.chunks_exact(outputs));
        let losses = rows.map(|(&row, scores)| match targets {
            Targets::Classes { classes, of_row } if *classes > 2 => {
                softmax(&mut scores.to_vec()) - scores[of_row[row] as usize]
            }
            Targets::Classes { of_row, .. } => logistic_loss(scores[0], of_row[row] == 1),
            Targets::Values(values) => 0.5 * (scores[0] - values[row]) * (scores[0] - values[row]),
        });
        losses
            .zip(&self.weights)
            .map(|(loss, weight)| loss * weight)
            .collect()
    }
}

impl Calibration {
    /// The best line for held-back rows. `None` where there is none worth the name: scores that tell nothing or the wrong
    /// way round, or truths that they tell perfectly.
    pub(super) fn of(held: &Held, targets: &Targets, outputs: usize) -> Option<Self> {
        let every = (held.rows.len() * (outputs + 1) * (outputs + 1))
            .div_ceil(MOST_ELEMENTS)
            .max(1);
        let problem = Problem {
            held,
            targets,
            outputs,
            every,
        };
        let mut line = vec![0.0; outputs + 1];
        line[0] = 1.0;
        let (before, mut gradient, mut hessian) = problem.at(&line);
        let mut after = before;
        for _ in 0..MOST_STEPS {
            let mut step = gradient.clone();
            solve(&cholesky(hessian, outputs + 1), &mut step);
            let promise: f64 = step.iter().zip(&gradient).map(|(s, g)| s * g).sum();
            if promise.is_nan() || promise <= NEGLIGIBLE * after.abs() {
                break;
            }
            let mut size = 1.0;
            let next = loop {
                let moved: Vec<f64> = line.iter().zip(&step).map(|(l, s)| l - size * s).collect();
                let found = problem.at(&moved);
                if found.0 < after {
                    break Some((moved, found));
                }
                size *= 0.5;
                if size < 1e-3 {
                    break None;
                }
            };
            let Some((moved, found)) = next else { break };
            line = moved;
            (after, gradient, hessian) = found;
        }
        let is_sound = SLOPES.contains(&line[0]) && line.iter().all(|number| number.is_finite());
        let rows = held.rows.len().div_ceil(every) as u64;
        let mut calibration = Self {
            slope: line[0],
            shifts: line[1..].to_vec(),
            rows,
            before,
            after,
            applied: false,
        };
        calibration.applied = calibration.judged(targets).is_some();
        is_sound.then_some(calibration)
    }

    /// By what the line multiplies the loss, what its numbers count against it included; `None` where it does not pay.
    pub(super) fn judged(&self, targets: &Targets) -> Option<f64> {
        let rows = self.rows.max(2) as f64;
        let cost = (self.shifts.len() + 1) as f64 * libm::log(rows) / rows;
        let counted = match targets {
            Targets::Classes { .. } => self.after + cost,
            // Half the deviance is half the logarithm of the mean square.
            Targets::Values(_) => self.after * libm::exp(2.0 * cost),
        };
        (counted < self.before).then_some(counted / self.before)
    }

    /// Puts weights through the line, if it pays: those of the features are multiplied, the intercepts shifted as well.
    pub(super) fn apply(&self, beta: &mut [f64]) {
        if self.applied {
            beta.iter_mut().for_each(|weight| *weight *= self.slope);
            let intercepts = beta.iter_mut().rev().zip(self.shifts.iter().rev());
            intercepts.for_each(|(intercept, shift)| *intercept += shift);
        }
    }

    /// What was done, for people.
    pub(super) fn note(&self) -> Option<String> {
        self.applied.then(|| {
            format!(
                "the scores of held-back rows were too {}, so all weights were multiplied by {:.3}",
                if self.slope > 1.0 { "cautious" } else { "bold" },
                self.slope
            )
        })
    }
}

/// The mean loss of held-back rows by slope and shifts.
struct Problem<'a> {
    held: &'a Held,
    targets: &'a Targets,
    outputs: usize,
    every: usize,
}

impl Problem<'_> {
    /// The loss at a line, its gradient and its Hessian row by row.
    fn at(&self, line: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
        let size = line.len();
        let (mut loss, mut total) = (0.0, 0.0);
        let (mut gradient, mut hessian) = (vec![0.0; size], vec![0.0; size * size]);
        let mut shares = vec![0.0; self.outputs];
        let rows = self.held.rows.iter().zip(&self.held.weights);
        let rows = rows.zip(self.held.scores.chunks_exact(self.outputs));
        for ((&row, &weight), scores) in rows.step_by(self.every) {
            total += weight;
            for ((share, score), shift) in shares.iter_mut().zip(scores).zip(&line[1..]) {
                *share = line[0] * score + shift;
            }
            match self.targets {
                Targets::Classes { classes, of_row } if *classes > 2 => {
                    let truth = of_row[row] as usize;
                    let margin = shares[truth];
                    loss += weight * (softmax(&mut shares) - margin);
                    add_classes(scores, &shares, truth, weight, &mut gradient, &mut hessian);
                }
                Targets::Classes { of_row, .. } => {
                    let is_positive = of_row[row] == 1;
                    let p = sigmoid(shares[0]);
                    loss += weight * logistic_loss(shares[0], is_positive);
                    let slope = weight * (p - f64::from(u8::from(is_positive)));
                    add_single(
                        scores[0],
                        slope,
                        weight * p * (1.0 - p),
                        &mut gradient,
                        &mut hessian,
                    );
                }
                Targets::Values(values) => {
                    let residual = shares[0] - values[row];
                    loss += 0.5 * weight * residual * residual;
                    add_single(scores[0], weight * residual, weight, &mut gradient, &mut hessian);
                }
            }
        }
        let total = if total > 0.0 { total } else { 1.0 };
        gradient
            .iter_mut()
            .chain(&mut hessian)
            .for_each(|number| *number /= total);
        (loss / total, gradient, hessian)
    }
}

/// Adds what a row with one score gives: its slope and its curvature by the score.
fn add_single(score: f64, slope: f64, curvature: f64, gradient: &mut [f64], hessian: &mut [f64]) {
    gradient[0] += slope * score;
    gradient[1] += slope;
    hessian[0] += curvature * score * score;
    hessian[1] += curvature * score;
    hessian[2] += curvature * score;
    hessian[3] += curvature;
}

/// The same for several scores, from the probabilities of the classes.
fn add_classes(
    scores: &[f64],
    shares: &[f64],
    truth: usize,
    weight: f64,
    gradient: &mut [f64],
    hessian: &mut [f64],
) {
    let size = gradient.len();
    let mean: f64 = shares.iter().zip(scores).map(|(p, m)| p * m).sum();
    gradient[0] += weight * (mean - scores[truth]);
    gradient[truth + 1] -= weight;
    for (at, (p, m)) in (1..).zip(shares.iter().zip(scores)) {
        gradient[at] += weight * p;
        let along = weight * p * (m - mean);
        hessian[0] += along * m;
        hessian[at] += along;
        hessian[at * size] += along;
        let row = hessian[at * size + 1..(at + 1) * size].iter_mut();
        row.zip(shares).for_each(|(h, q)| *h -= weight * p * q);
        hessian[at * size + at] += weight * p;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::hash::Stream;

    /// Scores of `outputs` numbers a row, from -1 to 1.
    fn held(rows: usize, outputs: usize) -> Held {
        let mut stream = Stream::new(4);
        Held {
            scores: (0..rows * outputs)
                .map(|_| 2.0 * stream.next_unit() - 1.0)
                .collect(),
            rows: (0..rows).collect(),
            weights: vec![1.0; rows],
        }
    }

    /// Truths drawn with the probabilities that scores mean once they are put through a line.
    fn drawn(held: &Held, outputs: usize, slope: f64, shift: f64) -> Targets {
        let mut stream = Stream::new(6);
        let mut draw = |scores: &[f64]| {
            let mut shares: Vec<f64> = scores.iter().map(|m| slope * m).collect();
            shares[0] += shift;
            if outputs == 1 {
                return u32::from(stream.next_unit() < sigmoid(shares[0]));
            }
            softmax(&mut shares);
            let mut left = stream.next_unit();
            let hit = shares.iter().position(|share| {
                left -= share;
                left < 0.0
            });
            hit.unwrap_or(0) as u32
        };
        Targets::Classes {
            classes: outputs.max(2),
            of_row: held.scores.chunks(outputs).map(&mut draw).collect(),
        }
    }

    #[test]
    fn finds_the_line_that_the_truths_were_drawn_with() {
        for outputs in [1, 3] {
            let held = held(20_000, outputs);
            let targets = drawn(&held, outputs, 2.0, 0.5);
            let found = Calibration::of(&held, &targets, outputs).unwrap();
            assert!((found.slope - 2.0).abs() < 0.1, "{found:?}");
            let others = if outputs > 1 { found.shifts[1] } else { 0.0 };
            assert!((found.shifts[0] - others - 0.5).abs() < 0.1, "{found:?}");
            assert!(found.applied && found.after < found.before - 0.01);
            let mut beta = vec![1.0; 2 * outputs];
            found.apply(&mut beta);
            assert_eq!(beta[..outputs], vec![found.slope; outputs]);
            let shifted: Vec<f64> = found.shifts.iter().map(|shift| found.slope + shift).collect();
            assert_eq!(beta[outputs..], shifted);
            assert!(found.note().unwrap().contains("cautious"));
        }
    }

    #[test]
    fn scores_that_mean_what_they_say_are_left_alone() {
        for (rows, outputs, slope) in [(20_000, 1, 1.0), (20_000, 4, 1.0), (60, 1, 1.3)] {
            let held = held(rows, outputs);
            let found = Calibration::of(&held, &drawn(&held, outputs, slope, 0.0), outputs);
            let found = found.unwrap();
            assert!(!found.applied && found.note().is_none(), "{found:?}");
            let mut beta = vec![1.0; 2 * outputs];
            found.apply(&mut beta);
            assert_eq!(beta, vec![1.0; 2 * outputs]);
        }
    }

    #[test]
    fn scores_that_tell_nothing_have_no_line() {
        let held = held(1000, 1);
        assert_eq!(Calibration::of(&held, &drawn(&held, 1, -3.0, 0.0), 1), None);
    }

    /// Least squares by the closed form.
    #[test]
    fn numbers_are_put_through_the_line_of_least_squares() {
        let held = held(500, 1);
        let mut stream = Stream::new(9);
        let values: Vec<f64> = held
            .scores
            .iter()
            .map(|m| 3.0 + 1.5 * m + stream.next_unit())
            .collect();
        let mean = |numbers: &mut dyn Iterator<Item = f64>| numbers.sum::<f64>() / 500.0;
        let (x, y) = (
            mean(&mut held.scores.iter().copied()),
            mean(&mut values.iter().copied()),
        );
        let both = held.scores.iter().zip(&values);
        let slope = mean(&mut both.map(|(a, b)| (a - x) * (b - y)))
            / mean(&mut held.scores.iter().map(|a| (a - x) * (a - x)));
        let found = Calibration::of(&held, &Targets::Values(values), 1).unwrap();
        assert!((found.slope / slope - 1.0).abs() < 1e-9 && found.applied);
        assert!((found.shifts[0] - (y - slope * x)).abs() < 1e-9);
    }

    #[test]
    fn derivatives_agree_with_differences() {
        let mut held = held(50, 3);
        held.weights
            .iter_mut()
            .enumerate()
            .for_each(|(at, weight)| *weight = (at % 3) as f64);
        let targets = drawn(&held, 3, 2.0, 0.5);
        let problem = Problem {
            held: &held,
            targets: &targets,
            outputs: 3,
            every: 1,
        };
        let line = [1.2, 0.1, -0.3, 0.2];
        let (_, gradient, hessian) = problem.at(&line);
        for at in 0..4 {
            let moved = |by: f64| {
                let mut line = line;
                line[at] += by;
                problem.at(&line)
            };
            let (up, down) = (moved(1e-5), moved(-1e-5));
            assert!(((up.0 - down.0) / 2e-5 - gradient[at]).abs() < 1e-8);
            for other in 0..4 {
                let difference = (up.1[other] - down.1[other]) / 2e-5;
                assert!(
                    (difference - hessian[at * 4 + other]).abs() < 1e-8,
                    "{at} {other}"
                );
            }
        }
    }
}
