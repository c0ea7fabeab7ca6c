//! L-BFGS (Nocedal 1980; Nocedal and Wright 2006, algorithm 7.4) with a preconditioner and a backtracking line search. One pass over the data for each evaluation.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::objective::Problem;
use super::precondition::Preconditioner;
use crate::ml::observe::{Observer, Stage};

/// Pairs of steps and gradient changes that are remembered.
const MEMORY: usize = 10;
/// Sufficient decrease of a step (Armijo).
const DECREASE: f64 = 1e-4;
/// Halvings of a step before the search gives up.
const MOST_HALVINGS: usize = 40;
/// Iterations after which the preconditioner is computed anew at the current point.
const REFRESH_AT: [u32; 2] = [4, 16];

/// Why the search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The expected decrease is negligible.
    Converged,
    /// No step decreases the objective any more: the limit of floating point.
    Stalled,
    /// The iterations allowed are used up.
    Iterations,
    /// The time allowed is used up.
    OutOfTime,
    /// The observer asked for it.
    Cancelled,
}

/// Where the search ended.
#[derive(Debug, Clone)]
pub struct Solution {
    /// The parameters.
    pub beta: Vec<f64>,
    /// Iterations done.
    pub iterations: u32,
    /// Passes over the data.
    pub passes: u32,
    /// Why it ended.
    pub stop: Stop,
}

/// Searches the minimum of `problem` from `start`, until the objective is known to be within
/// `tolerance` times itself of its minimum.
pub fn minimise(
    problem: &dyn Problem,
    start: Vec<f64>,
    tolerance: f64,
    most_iterations: u32,
    observer: &mut dyn Observer,
) -> Solution {
    let mut state = State::new(problem, start);
    let stop = loop {
        let left = 0.5 * state.preconditioner.square(&state.gradient);
        if left <= tolerance * state.value.abs().max(1e-10) {
            break Stop::Converged;
        }
        if !left.is_finite() {
            break Stop::Stalled;
        }
        if state.iterations >= most_iterations {
            break Stop::Iterations;
        }
        if let ControlFlow::Break(()) =
            observer.report(Stage::Solve, state.iterations.into(), most_iterations.into())
        {
            break Stop::Cancelled;
        }
        if observer.out_of_time() {
            break Stop::OutOfTime;
        }
        if REFRESH_AT.contains(&state.iterations) {
            state.refresh();
        }
        if !state.step() {
            break Stop::Stalled;
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
    beta: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    preconditioner: Preconditioner,
    pairs: VecDeque<Pair>,
    iterations: u32,
    passes: u32,
}

struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    rho: f64,
}

impl<'a> State<'a> {
    fn new(problem: &'a dyn Problem, beta: Vec<f64>) -> Self {
        let mut gradient = vec![0.0; beta.len()];
        let value = problem.evaluate(&beta, &mut gradient);
        let mut state = Self {
            problem,
            beta,
            value,
            gradient,
            preconditioner: Preconditioner::default(),
            pairs: VecDeque::with_capacity(MEMORY),
            iterations: 0,
            passes: 1,
        };
        state.refresh();
        state
    }

    fn refresh(&mut self) {
        self.preconditioner = self.problem.preconditioner(&self.beta);
        // Its diagonal and its coarse part.
        self.passes += 2;
    }

    /// The quasi-Newton direction by the two-loop recursion.
    fn direction(&self) -> Vec<f64> {
        let mut q: Vec<f64> = self.gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let alpha = pair.rho * dot(&pair.step, &q);
            add(&mut q, -alpha, &pair.change);
            alphas.push(alpha);
        }
        let scale = self.pairs.back().map_or(1.0, |pair| self.scale(pair));
        let mut q = self.preconditioner.times(&q);
        q.iter_mut().for_each(|q| *q *= scale);
        for (pair, alpha) in self.pairs.iter().zip(alphas.into_iter().rev()) {
            let beta = pair.rho * dot(&pair.change, &q);
            add(&mut q, alpha - beta, &pair.step);
        }
        q
    }

    /// How far the preconditioner is off along the latest step (Nocedal and Wright, equation 7.20, in
    /// the metric of the preconditioner).
    fn scale(&self, latest: &Pair) -> f64 {
        let metric = self.preconditioner.square(&latest.change);
        if metric > 0.0 {
            1.0 / (latest.rho * metric)
        } else {
            1.0
        }
    }

    /// One iteration; false when no step along the direction decreases the objective.
    fn step(&mut self) -> bool {
        let mut direction = self.direction();
        let mut slope = dot(&direction, &self.gradient);
        if slope.is_nan() || slope >= 0.0 {
            self.pairs.clear();
            direction = self.direction();
            slope = dot(&direction, &self.gradient);
        }
        if self.search(&direction, slope) {
            return true;
        }
        // Old pairs may have misled the direction; try once from the preconditioned gradient alone.
        let had_pairs = !self.pairs.is_empty();
        self.pairs.clear();
        had_pairs && {
            let direction = self.direction();
            let slope = dot(&direction, &self.gradient);
            self.search(&direction, slope)
        }
    }

    fn search(&mut self, direction: &[f64], slope: f64) -> bool {
        let mut size = 1.0;
        let mut gradient = vec![0.0; self.beta.len()];
        for _ in 0..MOST_HALVINGS {
            let beta: Vec<f64> = self
                .beta
                .iter()
                .zip(direction)
                .map(|(b, d)| b + size * d)
                .collect();
            let value = self.problem.evaluate(&beta, &mut gradient);
            self.passes += 1;
            if value.is_finite() && value <= self.value + DECREASE * size * slope && value < self.value {
                self.accept(beta, value, gradient);
                return true;
            }
            // The minimum of the parabola through what is known, kept within a sensible range.
            let fitted = -slope * size * size / (2.0 * (value - self.value - slope * size));
            size = if fitted.is_finite() {
                fitted.clamp(0.1 * size, 0.5 * size)
            } else {
                0.1 * size
            };
        }
        false
    }

    fn accept(&mut self, beta: Vec<f64>, value: f64, gradient: Vec<f64>) {
        let step: Vec<f64> = beta.iter().zip(&self.beta).map(|(new, old)| new - old).collect();
        let change: Vec<f64> = gradient
            .iter()
            .zip(&self.gradient)
            .map(|(new, old)| new - old)
            .collect();
        let curvature = dot(&step, &change);
        if curvature > f64::EPSILON * dot(&change, &change).sqrt() * dot(&step, &step).sqrt() {
            if self.pairs.len() == MEMORY {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair {
                step,
                change,
                rho: 1.0 / curvature,
            });
        }
        self.beta = beta;
        self.value = value;
        self.gradient = gradient;
        self.iterations += 1;
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], times: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(t, w)| *t += times * w);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::observe::Silent;

    /// A badly scaled quadratic with a known minimum at (1, 2, 3).
    struct Quadratic;

    impl Problem for Quadratic {
        fn len(&self) -> usize {
            3
        }

        fn evaluate(&self, beta: &[f64], gradient: &mut [f64]) -> f64 {
            let scale = [1.0, 1e4, 1e-2];
            (0..3)
                .map(|i| {
                    let off = beta[i] - (i + 1) as f64;
                    gradient[i] = scale[i] * off;
                    0.5 * scale[i] * off * off
                })
                .sum::<f64>()
                + 1.0
        }

        fn diagonal(&self, _: &[f64]) -> Vec<f64> {
            vec![1.0, 1e4, 1e-2]
        }
    }

    #[test]
    fn finds_the_minimum_of_a_badly_scaled_quadratic() {
        let solution = minimise(&Quadratic, vec![0.0; 3], 1e-13, 100, &mut Silent);
        assert!(
            matches!(solution.stop, Stop::Converged | Stop::Stalled),
            "{:?}",
            solution.stop
        );
        for (found, expected) in solution.beta.iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-6, "{found}");
        }
    }

    #[test]
    fn stops_when_told_to() {
        struct Impatient;
        impl Observer for Impatient {
            fn report(&mut self, _: Stage, _: u64, _: u64) -> ControlFlow<()> {
                ControlFlow::Break(())
            }
        }
        assert_eq!(
            minimise(&Quadratic, vec![0.0; 3], 1e-13, 100, &mut Impatient).stop,
            Stop::Cancelled
        );
        assert_eq!(
            minimise(&Quadratic, vec![0.0; 3], 1e-13, 0, &mut Silent).stop,
            Stop::Iterations
        );
    }
}
