//! The penalty on absolute values, `l1 · |β|₁`: what it makes of gradients and steps, and how its minimum is found.
//!
//! At 0 it has a kink, which holds weights there that do not gain enough. The minimum is found in two stages:
//! orthant-wise L-BFGS (`owlqn.rs`) comes near and settles which weights are 0, Newton steps among the others
//! (`face.rs`) arrive. The duality gap (`dual.rs`) tells when.

use super::certificate::RELATIVE_GAP;
use super::dual;
use super::face;
use super::lbfgs::{Limits, Solution, Stop};
use super::objective::{Objective, Problem};
use super::owlqn;
use crate::ml::observe::Observer;

/// How near the first stage comes, relative to the objective and by its own estimate.
const NEAR: f64 = 1e-4;
/// How much closer than asked for the second stage goes while the duality gap does not prove enough: the gap shrinks with
/// the distance to the minimum, the objective with its square.
const CLOSER: [f64; 3] = [1.0, 1e-3, 1e-6];
/// Passes that the second stage takes for its first step.
const LEAST_PASSES: u32 = 5;
/// Closer than this, relative to the objective, is beyond floating point.
const CLOSEST: f64 = 1e-12;

/// A share of a weight that is left to rounding.
const ROUNDING: f64 = 1e-14;

/// The penalty on the first weights of a problem; the intercepts after them are free.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lasso {
    /// Its strength.
    pub l1: f64,
    /// Weights that it is on.
    pub penalised: usize,
}

impl Lasso {
    /// The penalty.
    pub fn value(&self, beta: &[f64]) -> f64 {
        self.l1 * beta[..self.penalised].iter().map(|b| b.abs()).sum::<f64>()
    }

    /// The shortest of the slopes that the whole objective has at `beta`, where the rest has the slope `gradient`. It is 0
    /// at the minimum, and steepest descent goes against it.
    pub fn subgradient(&self, beta: &[f64], gradient: &[f64]) -> Vec<f64> {
        let mut shortest = gradient.to_vec();
        for (slope, &b) in shortest.iter_mut().zip(beta).take(self.penalised) {
            *slope = match b {
                b if b > 0.0 => *slope + self.l1,
                b if b < 0.0 => *slope - self.l1,
                _ => shrunk(*slope, self.l1),
            };
        }
        shortest
    }

    /// Moves from `beta` by `size` times `direction`; weights that would change their sign, or leave 0 uphill, are put to 0.
    /// So all stay where the penalty is linear.
    pub fn moved(&self, beta: &[f64], direction: &[f64], size: f64, subgradient: &[f64]) -> Vec<f64> {
        let mut next: Vec<f64> = beta.iter().zip(direction).map(|(b, d)| b + size * d).collect();
        let before = beta.iter().zip(subgradient);
        for (b, (&before, &slope)) in next.iter_mut().zip(before).take(self.penalised) {
            let sign = if before == 0.0 { -slope } else { before };
            // A weight that goes just to 0 may miss it by rounding.
            if *b * sign <= 0.0 || b.abs() < ROUNDING * before.abs() {
                *b = 0.0;
            }
        }
        next
    }
}

/// `value` brought nearer to 0 by `by`.
pub fn shrunk(value: f64, by: f64) -> f64 {
    if value > by {
        value - by
    } else if value < -by {
        value + by
    } else {
        0.0
    }
}

/// The `c` with the smallest sum of `l1 · |b − c| + l2/2 · (b − c)²`: 0 if it is one of several, for `l1` alone a median.
fn middle(sorted: &[f64], l1: f64, l2: f64) -> f64 {
    let (count, sum) = (sorted.len() as f64, sorted.iter().sum::<f64>());
    // What the sum rises by at `c` with so many numbers below and the others above.
    let slope = |c: f64, below: usize| l2 * (count * c - sum) + l1 * (2.0 * below as f64 - count);
    let (below, at_most) = (
        sorted.partition_point(|b| *b < 0.0),
        sorted.partition_point(|b| *b <= 0.0),
    );
    if slope(0.0, below) <= 0.0 && slope(0.0, at_most) >= 0.0 {
        return 0.0;
    }
    for (at, &b) in sorted.iter().enumerate() {
        if slope(b, at) > 0.0 {
            return (sum + l1 / l2 * (count - 2.0 * at as f64)) / count;
        }
        if slope(b, at + 1) >= 0.0 {
            return b;
        }
    }
    // Beyond all of them there is no reason to be.
    0.0
}

impl Objective<'_> {
    /// The penalty on absolute values.
    pub fn lasso(&self) -> Lasso {
        Lasso {
            l1: self.l1,
            penalised: self.penalised(),
        }
    }

    /// Scores of several classes do not change when all weights of a feature move together, so these move to where their
    /// penalties are smallest. Keeps the gradient right, and gives what the objective changes by.
    pub(super) fn centre(&self, beta: &mut [f64], gradient: &mut [f64]) -> f64 {
        let outputs = self.outputs();
        if outputs == 1 {
            return 0.0;
        }
        let mut change = 0.0;
        let mut sorted = vec![0.0; outputs];
        let penalty =
            |b: &[f64], l2: f64| -> f64 { b.iter().map(|b| self.l1 * b.abs() + 0.5 * l2 * b * b).sum() };
        let features = beta[..self.penalised()].chunks_exact_mut(outputs);
        let penalties = self.penalties().step_by(outputs);
        for ((b, g), l2) in features.zip(gradient.chunks_exact_mut(outputs)).zip(penalties) {
            sorted.copy_from_slice(b);
            sorted.sort_unstable_by(f64::total_cmp);
            let middle = middle(&sorted, self.l1, l2);
            if middle != 0.0 {
                change -= penalty(b, l2);
                b.iter_mut().for_each(|b| *b -= middle);
                g.iter_mut().for_each(|g| *g -= l2 * middle);
                change += penalty(b, l2);
            }
        }
        change
    }

    /// Features with a weight other than 0.
    pub fn used(&self, beta: &[f64]) -> usize {
        let of_features = beta[..self.penalised()].chunks(self.outputs());
        of_features.filter(|of| of.iter().any(|b| *b != 0.0)).count()
    }
}

/// Searches the minimum from `start`, and tells how far above it the objective may be, where that is known; `None` when it
/// was stopped.
pub(super) fn solve(
    objective: &Objective<'_>,
    start: Vec<f64>,
    tolerance: f64,
    limits: Limits,
    observer: &mut dyn Observer,
) -> Option<(Solution, Option<f64>)> {
    let lasso = objective.lasso();
    let mut solution = owlqn::minimise(objective, lasso, start, NEAR, limits, observer);
    let mut gap = None;
    for closer in CLOSER {
        match solution.stop {
            Stop::Cancelled => return None,
            Stop::OutOfTime | Stop::Iterations | Stop::Passes => break,
            Stop::Converged | Stop::Stalled => {}
        }
        let left = limits.after(solution.iterations, solution.passes);
        if left.passes < LEAST_PASSES {
            solution.stop = Stop::Passes;
            break;
        }
        let closer = (closer * tolerance).max(CLOSEST);
        let polished = face::polish(objective, solution.beta, closer, left, observer);
        gap = polished.gap;
        solution = Solution {
            beta: polished.beta,
            iterations: solution.iterations + polished.steps,
            passes: solution.passes + polished.passes,
            stop: polished.stop,
        };
        if solution.stop == Stop::Stalled || closer == CLOSEST || is_proven(objective, &solution.beta) {
            break;
        }
    }
    (solution.stop != Stop::Cancelled).then_some((solution, gap))
}

fn is_proven(objective: &Objective<'_>, beta: &[f64]) -> bool {
    let mut gradient = vec![0.0; beta.len()];
    let value = objective.evaluate(beta, &mut gradient) + objective.lasso().value(beta);
    dual::gap(objective, beta, value, &gradient) <= RELATIVE_GAP * value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_where_the_penalty_is_smallest() {
        assert_eq!(middle(&[1.0, 2.0, 5.0], 1.0, 0.0), 2.0);
        assert_eq!(middle(&[-1.0, 2.0], 1.0, 0.0), 0.0);
        assert_eq!(middle(&[1.0, 2.0], 1.0, 0.0), 1.0);
        for sorted in [[0.2, 0.9, 1.7], [-1.0, 0.1, 0.3], [-3.0, -2.0, 0.5]] {
            for (l1, l2) in [(1.0, 1e-3), (1e-3, 1.0), (0.3, 0.7), (0.0, 1.0)] {
                let penalty = |c: f64| -> f64 {
                    let moved = sorted.iter().map(|b| (b - c).abs());
                    moved.map(|b| l1 * b + 0.5 * l2 * b * b).sum()
                };
                let found = middle(&sorted, l1, l2);
                for other in (-4000..4000).map(|at| f64::from(at) / 1000.0) {
                    assert!(
                        penalty(found) <= penalty(other) + 1e-12,
                        "{sorted:?} {l1} {l2}: {found} {other}"
                    );
                }
            }
        }
    }

    #[test]
    fn steps_end_where_signs_would_change() {
        let lasso = Lasso {
            l1: 0.5,
            penalised: 4,
        };
        let (beta, gradient) = ([1.0, -1.0, 0.0, 0.0, 2.0], [0.1, 0.1, 0.4, -2.0, 3.0]);
        let slope = lasso.subgradient(&beta, &gradient);
        assert_eq!(slope, [0.6, -0.4, 0.0, -1.5, 3.0]);
        assert_eq!(lasso.value(&beta), 1.0);
        let next = lasso.moved(&beta, &[-2.0, 0.5, 1.0, 1.0, -3.0], 1.0, &slope);
        assert_eq!(next, [0.0, -0.5, 0.0, 1.0, -1.0]);
        // Uphill from 0.
        assert_eq!(
            lasso.moved(&beta, &[0.0, 0.0, 0.0, -1.0, 0.0], 1.0, &slope)[3],
            0.0
        );
    }
}
