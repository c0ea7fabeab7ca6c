//! Newton steps with a penalty on absolute values: among the weights that are not 0, and those that want to leave it.
//!
//! Where no sign changes the penalty is linear, so the step is that of `newton.rs` with the other weights left out. It ends
//! where signs would change. Weights that even a step along their own axis would take to 0 go there, else they would hold
//! up the others (after Bertsekas 1982, whose two-metric projection this is). Where that does not help, all weights take
//! steps along their own axes.

use super::lasso::{Lasso, shrunk};
use super::lbfgs::{Limits, Stop, ended};
use super::newton::{Polished, SMALLEST, Step, step_within};
use super::objective::{Objective, Problem};
use super::pairs::{dot, minus};
use super::precondition::Preconditioner;
use crate::ml::observe::{Observer, Stage};

/// Halvings of a step before it is given up.
const MOST_HALVINGS: i32 = 20;
/// Sufficient decrease of a step, as a share of what its slope promises.
const DECREASE: f64 = 1e-4;
/// Damping of the first step, as a share of the Hessian's diagonal; it grows by a factor where steps turn out to be too
/// long, and shrinks by its square where they do not (after Levenberg and Marquardt). Values of one attribute can all
/// move against the intercept, and only the penalty notices, which is linear: there the Hessian is 0.
const DAMPING: f64 = 1e-4;
const LEAST_DAMPING: f64 = 1e-10;
const MOST_DAMPING: f64 = 1.0;
const CHANGE: f64 = 10.0;

/// Where a step of some size leads, and the sizes to try.
type Steps<'a> = (&'a dyn Fn(f64) -> Vec<f64>, &'a [(f64, Reach)]);

/// Which weights move at some point, and how.
struct Face {
    /// Those that take part in the Newton step.
    free: Vec<bool>,
    /// Those that go to 0.
    leaving: Vec<bool>,
    /// The shortest slope.
    slope: Vec<f64>,
    /// The Hessian's diagonal.
    diagonal: Vec<f64>,
}

impl Face {
    /// One pass over the data.
    fn at(objective: &Objective<'_>, lasso: Lasso, beta: &[f64], gradient: &[f64]) -> Self {
        let slope = lasso.subgradient(beta, gradient);
        let diagonal = objective.diagonal(beta);
        let all = beta.iter().zip(&slope).zip(&diagonal).enumerate();
        let leaving: Vec<bool> = all
            .map(|(at, ((b, slope), d))| {
                at < lasso.penalised && b * slope > 0.0 && b.abs() * d <= slope.abs()
            })
            .collect();
        let free = (0..beta.len())
            .map(|at| !leaving[at] && (at >= lasso.penalised || beta[at] != 0.0 || slope[at] != 0.0))
            .collect();
        Self {
            free,
            leaving,
            slope,
            diagonal,
        }
    }

    /// The Newton step and what it promises, that of the leaving weights included. Products are asked for by `stopped`.
    fn step(
        &self,
        objective: &Objective<'_>,
        beta: &[f64],
        (damping, tolerance): (f64, f64),
        stopped: &mut dyn FnMut() -> bool,
    ) -> Step {
        let only_free = |values: &[f64], else_: f64| -> Vec<f64> {
            let all = values.iter().zip(&self.free);
            all.map(|(value, free)| if *free { *value } else { else_ })
                .collect()
        };
        let slope = only_free(&self.slope, 0.0);
        let mut preconditioner = Preconditioner::of_diagonal(only_free(&self.diagonal, f64::INFINITY));
        if let Some(sketch) = &objective.design.sketch {
            preconditioner = preconditioner.with_sketch(sketch, objective.outputs());
        }
        let conditions = (&preconditioner, Some((self.free.as_slice(), damping)));
        let mut step = step_within(objective, beta, &slope, conditions, tolerance, stopped);
        for at in (0..beta.len()).filter(|&at| self.leaving[at]) {
            step.direction[at] = -beta[at];
            step.gap += (self.slope[at] * beta[at]).abs();
        }
        step
    }

    /// Each weight moved along its own axis, `size` times as far as it would go to its minimum there.
    fn along_axes(&self, lasso: Lasso, beta: &[f64], gradient: &[f64], size: f64) -> Vec<f64> {
        let floor = 1e-7 * self.diagonal.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let all = beta.iter().zip(gradient).zip(&self.diagonal).enumerate();
        all.map(|(at, ((b, g), d))| {
            let step = size / d.max(floor);
            let next = b - step * g;
            if at < lasso.penalised {
                shrunk(next, step * lasso.l1)
            } else {
                next
            }
        })
        .collect()
    }
}

/// How far the objective is above its minimum, by the quadratic model at `beta`.
pub(super) fn decrement(objective: &Objective<'_>, beta: &[f64], gradient: &[f64], tolerance: f64) -> f64 {
    Face::at(objective, objective.lasso(), beta, gradient)
        .step(objective, beta, (LEAST_DAMPING, tolerance), &mut || false)
        .gap
}

/// Takes Newton steps from `beta` until the gap is by estimate at most `tolerance` times the objective.
pub(super) fn polish(
    objective: &Objective<'_>,
    beta: Vec<f64>,
    tolerance: f64,
    limits: Limits,
    observer: &mut dyn Observer,
) -> Polished {
    let lasso = objective.lasso();
    let mut gradient = vec![0.0; beta.len()];
    let value = objective.evaluate(&beta, &mut gradient) + lasso.value(&beta);
    let mut point = Point {
        beta,
        value,
        gradient,
    }
    .centred(objective);
    let (mut steps, mut passes, mut gap, mut damping) = (0, 1u32, None, DAMPING);
    let stop = loop {
        let wanted = tolerance * point.value.abs().max(SMALLEST);
        let face = Face::at(objective, lasso, &point.beta, &point.gradient);
        // One for the diagonal, one for what the rows curve.
        passes += 2;
        let mut used = passes;
        let mut stopped = || {
            let told = observer.report(Stage::Solve, steps.into(), limits.iterations.into());
            used += 1;
            used > limits.passes || told.is_break() || observer.out_of_time()
        };
        let found = face.step(objective, &point.beta, (damping, wanted), &mut stopped);
        passes += found.products;
        if found.gap <= wanted {
            gap = Some(found.gap);
            break Stop::Converged;
        }
        if let Some(stop) = ended(f64::MAX, wanted, (steps, passes), limits, observer) {
            break stop;
        }
        let mut counted = (&mut passes, limits.passes);
        let next = point
            .along(objective, lasso, &face, &found.direction, &mut counted)
            .or_else(|| point.along_axes(objective, lasso, &face, &mut counted));
        let Some((next, reach)) = next else {
            break if passes < limits.passes {
                Stop::Stalled
            } else {
                Stop::Passes
            };
        };
        point = next.centred(objective);
        steps += 1;
        damping = match reach {
            Reach::Full => (damping / (CHANGE * CHANGE)).max(LEAST_DAMPING),
            Reach::Kink => damping,
            Reach::Short => (damping * CHANGE).min(MOST_DAMPING),
        };
    };
    Polished {
        beta: point.beta,
        steps,
        passes,
        stop,
        gap,
    }
}

/// How far a step led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Where it was to lead.
    Full,
    /// To where the first weight became 0.
    Kink,
    /// Not so far.
    Short,
}

/// Weights, the objective with the penalty, and the gradient without it.
struct Point {
    beta: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

impl Point {
    /// The same scores with the smallest penalty: see [`Objective::centre`].
    fn centred(mut self, objective: &Objective<'_>) -> Self {
        self.value += objective.centre(&mut self.beta, &mut self.gradient);
        self
    }

    /// A lower point in `direction`.
    fn along(
        &self,
        objective: &Objective<'_>,
        lasso: Lasso,
        face: &Face,
        direction: &[f64],
        passes: &mut (&mut u32, u32),
    ) -> Option<(Self, Reach)> {
        // Losses are 0 or more, so no step gains more than the objective: a longer one comes from a flat place.
        let promised = dot(&face.slope, direction).abs();
        let first = (2.0 * self.value / promised).min(1.0);
        let step = |size| lasso.moved(&self.beta, direction, size, &face.slope);
        let signs = self.beta.iter().zip(direction).take(lasso.penalised);
        let kink = signs
            .filter(|(b, d)| *b * *d < 0.0)
            .map(|(b, d)| -b / d)
            .fold(f64::INFINITY, f64::min);
        let mut sizes: Vec<(f64, Reach)> = vec![(first, Reach::Full)];
        sizes.extend([0.5, 0.25].map(|size| (first * size, Reach::Short)));
        let mut size = 0.25 * first;
        if kink < size {
            sizes.push((kink, Reach::Kink));
            size = kink;
        }
        sizes.extend((0..MOST_HALVINGS).map(|halvings| (size * 0.5f64.powi(halvings + 1), Reach::Short)));
        self.lower(objective, lasso, face, (&step, &sizes), passes)
    }

    /// A lower point by steps along the axes.
    fn along_axes(
        &self,
        objective: &Objective<'_>,
        lasso: Lasso,
        face: &Face,
        passes: &mut (&mut u32, u32),
    ) -> Option<(Self, Reach)> {
        let step = |size| face.along_axes(lasso, &self.beta, &self.gradient, size);
        let sizes: Vec<(f64, Reach)> = (0..MOST_HALVINGS)
            .map(|halvings| (0.5f64.powi(halvings), Reach::Short))
            .collect();
        self.lower(objective, lasso, face, (&step, &sizes), passes)
    }

    /// The first point among the steps of some sizes that lowers the objective enough.
    fn lower(
        &self,
        objective: &Objective<'_>,
        lasso: Lasso,
        face: &Face,
        (step, sizes): Steps<'_>,
        (passes, most): &mut (&mut u32, u32),
    ) -> Option<(Self, Reach)> {
        let mut gradient = vec![0.0; self.beta.len()];
        for &(size, reach) in sizes {
            if **passes >= *most {
                return None;
            }
            let beta = step(size);
            let promised = dot(&face.slope, &minus(&beta, &self.beta)).min(0.0);
            let value = objective.evaluate(&beta, &mut gradient) + lasso.value(&beta);
            **passes += 1;
            if value.is_finite() && value < self.value && value <= self.value + DECREASE * promised {
                let point = Self {
                    beta,
                    value,
                    gradient,
                };
                return Some((point, reach));
            }
        }
        None
    }
}
