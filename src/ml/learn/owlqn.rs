//! Orthant-wise L-BFGS (Andrew and Gao 2007): while no weight changes its sign, the penalty on absolute values is linear,
//! so L-BFGS can be used on the rest, with the diagonal as preconditioner, and its steps end where a sign would change.

use super::lasso::Lasso;
use super::lbfgs::{DECREASE, Limits, MOST_HALVINGS, REFRESH_AT, Solution, Stop, ended};
use super::objective::Problem;
use super::pairs::{Pairs, dot, minus};
use super::precondition::Preconditioner;
use crate::ml::observe::Observer;

/// Searches the minimum of `problem` with the penalty from `start`, until the objective is by estimate within `tolerance`
/// times itself of its minimum. The first step takes three passes over the data.
pub(super) fn minimise(
    problem: &dyn Problem,
    lasso: Lasso,
    start: Vec<f64>,
    tolerance: f64,
    limits: Limits,
    observer: &mut dyn Observer,
) -> Solution {
    let mut state = State::new(problem, lasso, start, limits.passes);
    let stop = loop {
        let left = 0.5 * state.preconditioner.square(&state.slope);
        let wanted = tolerance * state.value.abs().max(1e-10);
        let done = (state.iterations, state.passes);
        if let Some(stop) = ended(left, wanted, done, limits, observer) {
            break stop;
        }
        if REFRESH_AT.contains(&state.iterations) && state.passes.saturating_add(2) <= limits.passes {
            state.refresh();
        }
        if !state.step() {
            break if state.passes < limits.passes {
                Stop::Stalled
            } else {
                Stop::Passes
            };
        }
    };
    Solution {
        beta: state.beta,
        iterations: state.iterations,
        passes: state.passes,
        stop,
    }
}

struct State<'a> {
    problem: &'a dyn Problem,
    lasso: Lasso,
    beta: Vec<f64>,
    /// The objective with the penalty.
    value: f64,
    /// The gradient without it.
    gradient: Vec<f64>,
    /// The shortest slope with it.
    slope: Vec<f64>,
    preconditioner: Preconditioner,
    pairs: Pairs,
    iterations: u32,
    passes: u32,
    most_passes: u32,
}

impl<'a> State<'a> {
    fn new(problem: &'a dyn Problem, lasso: Lasso, beta: Vec<f64>, most_passes: u32) -> Self {
        let mut gradient = vec![0.0; beta.len()];
        let value = problem.evaluate(&beta, &mut gradient) + lasso.value(&beta);
        let slope = lasso.subgradient(&beta, &gradient);
        let mut state = Self {
            problem,
            lasso,
            beta,
            value,
            gradient,
            slope,
            preconditioner: Preconditioner::default(),
            pairs: Pairs::default(),
            iterations: 0,
            passes: 1,
            most_passes,
        };
        state.refresh();
        state
    }

    fn refresh(&mut self) {
        self.preconditioner = Preconditioner::of_diagonal(self.problem.diagonal(&self.beta));
        self.passes += 1;
    }

    /// The quasi-Newton direction without the weights that it would move uphill.
    fn direction(&self) -> Vec<f64> {
        let mut direction = self.pairs.direction(&self.slope, &self.preconditioner);
        for (d, slope) in direction.iter_mut().zip(&self.slope) {
            if *d * slope >= 0.0 {
                *d = 0.0;
            }
        }
        direction
    }

    /// One iteration; false when no step along the direction decreases the objective.
    fn step(&mut self) -> bool {
        if self.search(&self.direction()) {
            return true;
        }
        // Old pairs may have misled the direction.
        let had_pairs = !self.pairs.is_empty();
        self.pairs.clear();
        had_pairs && self.search(&self.direction())
    }

    fn search(&mut self, direction: &[f64]) -> bool {
        let mut size = 1.0;
        let mut gradient = vec![0.0; self.beta.len()];
        for _ in 0..MOST_HALVINGS {
            if self.passes >= self.most_passes {
                return false;
            }
            let beta = self.lasso.moved(&self.beta, direction, size, &self.slope);
            let promised = dot(&self.slope, &minus(&beta, &self.beta));
            let value = self.problem.evaluate(&beta, &mut gradient) + self.lasso.value(&beta);
            self.passes += 1;
            if value.is_finite() && value <= self.value + DECREASE * promised && value < self.value {
                self.accept(beta, value, gradient);
                return true;
            }
            // The minimum of the parabola through what is known, kept within a sensible range.
            let fitted = -promised * size / (2.0 * (value - self.value - promised));
            size = if fitted.is_finite() {
                fitted.clamp(0.1 * size, 0.5 * size)
            } else {
                0.1 * size
            };
        }
        false
    }

    fn accept(&mut self, beta: Vec<f64>, value: f64, gradient: Vec<f64>) {
        self.pairs
            .add(minus(&beta, &self.beta), minus(&gradient, &self.gradient));
        self.slope = self.lasso.subgradient(&beta, &gradient);
        self.beta = beta;
        self.value = value;
        self.gradient = gradient;
        self.iterations += 1;
    }
}
