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
            if *b * sign <= 0.0 {
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

impl Objective<'_> {
    /// The penalty on absolute values.
    pub fn lasso(&self) -> Lasso {
        Lasso {
            l1: self.l1,
            penalised: self.penalised(),
        }
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
