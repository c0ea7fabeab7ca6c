//! L-BFGS (Nocedal 1980; Nocedal and Wright 2006, algorithm 7.4) with a preconditioner and a backtracking line search. One pass over the data for each evaluation.

use std::ops::ControlFlow;

use super::objective::Problem;
use super::pairs::{Pairs, dot, minus, moved};
use super::precondition::Preconditioner;
use crate::ml::observe::{Observer, Stage};

/// Sufficient decrease of a step (Armijo).
pub(super) const DECREASE: f64 = 1e-4;
/// Halvings of a step before the search gives up.
pub(super) const MOST_HALVINGS: usize = 40;
/// Iterations after which the preconditioner is computed anew at the current point.
pub(super) const REFRESH_AT: [u32; 2] = [4, 16];

/// Why the search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The expected decrease is negligible.
    Converged,
    /// No step decreases the objective any more: the limit of floating point.
    Stalled,
    /// The iterations allowed are used up.
    Iterations,
    /// The passes over the data allowed are used up.
    Passes,
    /// The time allowed is used up.
    OutOfTime,
    /// The observer asked for it.
    Cancelled,
}

/// How long a search may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Iterations at most.
    pub iterations: u32,
    /// Passes over the data at most.
    pub passes: u32,
}

impl Limits {
    /// So many iterations, and passes as they need.
    pub fn of_iterations(iterations: u32) -> Self {
        Self {
            iterations,
            passes: u32::MAX,
        }
    }

    /// What is left after some iterations and passes.
    pub fn after(self, iterations: u32, passes: u32) -> Self {
        Self {
            iterations: self.iterations.saturating_sub(iterations),
            passes: self.passes.saturating_sub(passes),
        }
    }
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

/// Where a search begins.
#[derive(Debug, Clone)]
pub struct Start {
    /// The parameters.
    pub beta: Vec<f64>,
    /// An approximate inverse of the Hessian near there, where it is known already.
    pub preconditioner: Option<Preconditioner>,
}

impl From<Vec<f64>> for Start {
    fn from(beta: Vec<f64>) -> Self {
        Self {
            beta,
            preconditioner: None,
        }
    }
}

/// Searches the minimum of `problem` from `start`, until the objective is known to be within
/// `tolerance` times itself of its minimum.
pub fn minimise(
    problem: &dyn Problem,
    start: impl Into<Start>,
    tolerance: f64,
    most_iterations: u32,
    observer: &mut dyn Observer,
) -> Solution {
    let limits = Limits::of_iterations(most_iterations);
    minimise_within(problem, start, tolerance, limits, observer).0
}

/// The same with a limit of the passes over the data; also gives the latest approximate inverse of the Hessian. The first
/// step takes three passes.
pub fn minimise_within(
    problem: &dyn Problem,
    start: impl Into<Start>,
    tolerance: f64,
    limits: Limits,
    observer: &mut dyn Observer,
) -> (Solution, Preconditioner) {
    let mut state = State::new(problem, start.into(), limits.passes);
    let stop = loop {
        let left = 0.5 * state.preconditioner.square(&state.gradient);
        let wanted = tolerance * state.value.abs().max(1e-10);
        let done = (state.iterations, state.passes);
        // What was known from elsewhere is not believed when it says that nothing is left.
        if left <= wanted && state.is_borrowed && state.passes.saturating_add(1) <= limits.passes {
            state.refresh();
            continue;
        }
        if let Some(stop) = ended(left, wanted, done, limits, observer) {
            break stop;
        }
        // The pass that it takes, and the step that it is for.
        let is_settled = state.is_borrowed || problem.is_quadratic();
        let is_due = REFRESH_AT.contains(&state.iterations) && !is_settled;
        if is_due && state.passes.saturating_add(2) <= limits.passes {
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
    let solution = Solution {
        beta: state.beta,
        iterations: state.iterations,
        passes: state.passes,
        stop,
    };
    (solution, state.preconditioner)
}

/// Whether to stop: because no more than `wanted` is left to gain, by what was done (iterations and passes), or because
/// somebody said so.
pub(super) fn ended(
    left: f64,
    wanted: f64,
    (iterations, passes): (u32, u32),
    limits: Limits,
    observer: &mut dyn Observer,
) -> Option<Stop> {
    if left <= wanted {
        return Some(Stop::Converged);
    }
    if !left.is_finite() {
        return Some(Stop::Stalled);
    }
    if iterations >= limits.iterations {
        return Some(Stop::Iterations);
    }
    if passes >= limits.passes {
        return Some(Stop::Passes);
    }
    if let ControlFlow::Break(()) = observer.report(Stage::Solve, iterations.into(), limits.iterations.into())
    {
        return Some(Stop::Cancelled);
    }
    observer.out_of_time().then_some(Stop::OutOfTime)
}

struct State<'a> {
    problem: &'a dyn Problem,
    beta: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    preconditioner: Preconditioner,
    pairs: Pairs,
    iterations: u32,
    passes: u32,
    most_passes: u32,
    /// Whether the preconditioner comes from weights elsewhere.
    is_borrowed: bool,
}

impl<'a> State<'a> {
    fn new(problem: &'a dyn Problem, start: Start, most_passes: u32) -> Self {
        let Start { beta, preconditioner } = start;
        let mut gradient = vec![0.0; beta.len()];
        let value = problem.evaluate(&beta, &mut gradient);
        let mut state = Self {
            problem,
            beta,
            value,
            gradient,
            preconditioner: Preconditioner::default(),
            pairs: Pairs::default(),
            iterations: 0,
            passes: 1,
            most_passes,
            is_borrowed: preconditioner.is_some() && !problem.is_quadratic(),
        };
        match preconditioner {
            Some(known) => state.preconditioner = known,
            None => state.refresh(),
        }
        state
    }

    fn refresh(&mut self) {
        self.preconditioner = self.problem.preconditioner(&self.beta);
        self.passes += 1;
        self.is_borrowed = false;
    }

    fn direction(&self) -> Vec<f64> {
        self.pairs.direction(&self.gradient, &self.preconditioner)
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
            if self.passes >= self.most_passes {
                return false;
            }
            let beta = moved(&self.beta, size, direction);
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
        self.pairs
            .add(minus(&beta, &self.beta), minus(&gradient, &self.gradient));
        self.beta = beta;
        self.value = value;
        self.gradient = gradient;
        self.iterations += 1;
    }
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
