//! Our engine: which solver it gives an objective to, and how near to the minimum that goes.

use std::sync::Arc;

use super::certificate::by_chance;
use super::curvature::Curvature;
use super::gram::Gram;
use super::lasso;
use super::lbfgs::{Solution, Start, Stop, minimise_within};
use super::newton::polish;
use super::objective::{Objective, Problem};
use super::params::CheckedLearnParams;
use crate::ml::observe::Observer;

/// How near L-BFGS comes, relative to the objective and by its own estimate, before Newton steps take over.
const NEAR: f64 = 1e-4;

/// How near designs of up to [`SMALL_BYTES`] are solved, relative to the objective, and larger ones at most.
const CLOSE: f64 = 1e-12;
const CLOSEST_OF_LARGE: f64 = 1e-9;

/// Designs up to this size are solved more closely.
const SMALL_BYTES: usize = 16 << 20;

impl CheckedLearnParams {
    /// Goes to the minimum, from `start` where there is one; `curvature` is what the loss curves near there, if that is
    /// known. Gives the name of the solver, what it found, and how far the objective is above its minimum there, where that
    /// is known; `None` when it was stopped.
    pub(super) fn engine(
        &self,
        objective: &Objective<'_>,
        start: Option<Vec<f64>>,
        curvature: Option<Arc<Curvature>>,
        observer: &mut dyn Observer,
    ) -> Option<(&'static str, Solution, Option<f64>)> {
        let known = curvature.filter(|_| start.is_some());
        let start = Start {
            beta: start.unwrap_or_else(|| objective.start()),
            preconditioner: known.map(|curvature| objective.preconditioner_of(&curvature)),
        };
        let tolerance = tolerance(objective);
        let narrow = self.narrow(objective, &start.beta, tolerance, observer);
        let learner = if narrow.is_some() { "gram" } else { "lbfgs" };
        let found = narrow.or_else(|| self.solve(objective, start, tolerance, observer));
        let (solution, gap) = found.filter(|(solution, _)| solution.stop != Stop::Cancelled)?;
        Some((learner, solution, gap))
    }

    /// The exact step, where the table is narrow and the step leads to the minimum.
    fn narrow(
        &self,
        objective: &Objective<'_>,
        beta: &[f64],
        tolerance: f64,
        observer: &mut dyn Observer,
    ) -> Option<(Solution, Option<f64>)> {
        let gram = Gram::of(objective)?;
        let limits = self.limits.after(0, 1);
        let (mut solution, gap) = gram.minimise(objective, beta.to_vec(), tolerance, limits, observer);
        solution.passes += 1;
        (solution.stop != Stop::Stalled).then_some((solution, gap))
    }

    /// L-BFGS to where it slows down, then Newton steps to the minimum, and how far the objective is above it where that
    /// is known; `None` when it was stopped.
    fn solve(
        &self,
        objective: &Objective<'_>,
        start: Start,
        tolerance: f64,
        observer: &mut dyn Observer,
    ) -> Option<(Solution, Option<f64>)> {
        if objective.l1 > 0.0 {
            return lasso::solve(objective, start.beta, tolerance, self.limits, observer);
        }
        let (near, preconditioner) = minimise_within(objective, start, NEAR, self.limits, observer);
        match near.stop {
            Stop::Cancelled => return None,
            Stop::OutOfTime | Stop::Iterations | Stop::Passes => return Some((near, None)),
            Stop::Converged | Stop::Stalled => {}
        }
        let left = self.limits.after(near.iterations, near.passes);
        // What a Newton step takes to begin with.
        if left.passes < 5 {
            let stop = Stop::Passes;
            return Some((Solution { stop, ..near }, None));
        }
        let start = Start {
            beta: near.beta,
            // It was worked out on the way there, and a verdict needs what holds there.
            preconditioner: objective.is_quadratic().then_some(preconditioner),
        };
        let polished = polish(objective, start, tolerance, left, observer);
        let solution = Solution {
            beta: polished.beta,
            iterations: near.iterations + polished.steps,
            passes: near.passes + polished.passes,
            stop: polished.stop,
        };
        (solution.stop != Stop::Cancelled).then_some((solution, polished.gap))
    }
}

/// How near to the minimum the engine goes, relative to the objective. Small designs cost nothing, so
/// they go on to where the weights themselves have settled; large ones to where what is left does not matter beside
/// what chance does to the fit. The shape alone decides.
fn tolerance(objective: &Objective<'_>) -> f64 {
    if objective.design.plain_bytes() <= SMALL_BYTES {
        CLOSE
    } else {
        by_chance(objective).max(CLOSEST_OF_LARGE)
    }
}
