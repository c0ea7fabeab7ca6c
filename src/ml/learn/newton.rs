//! Newton's method with preconditioned conjugate gradients (Nocedal and Wright 2006, section 7.1).
//!
//! One step tells how far the objective is above its minimum: half of `g' H⁻¹ g`, the decrease that the quadratic
//! model promises (the Newton decrement, Boyd and Vandenberghe 2004, section 9.5). Conjugate gradients sum it up term
//! by term. What is left of it is at most `|r|² / l2` for the residual `r`, because the Hessian is at least `l2`; where
//! that is too careful, it is judged by how fast the latest terms grew smaller (after Strakoš and Tichý 2002).

use super::lbfgs::{Limits, Start, Stop, ended};
use super::objective::{Objective, Problem};
use super::pairs::{add, dot};
use super::precondition::Preconditioner;
use crate::ml::observe::{Observer, Stage};

/// Products with the Hessian that one step may take.
const MOST_PRODUCTS: u32 = 200;
/// Terms that are held against as many before them to judge those to come.
const WINDOW: usize = 6;
/// Times what is judged to be left is taken.
const CAREFUL: f64 = 2.0;
/// A step is worked out until so much of its promise is left: a closer one would not lead closer.
const FORCING: f64 = 0.1;
/// Halvings of a step before it is given up.
const MOST_HALVINGS: u32 = 20;
/// An objective below this counts as this.
pub(super) const SMALLEST: f64 = 1e-10;

/// A Newton step that was worked out.
#[derive(Debug)]
pub struct Step {
    /// Where it leads, from the weights that it was worked out at.
    pub direction: Vec<f64>,
    /// The decrease that it promises, and what is judged to be left of it: the distance to the minimum by the
    /// quadratic model.
    pub gap: f64,
    /// Products with the Hessian: passes over the data.
    pub products: u32,
}

/// Works out the Newton step at `beta`, whose gradient is given, so closely that it is known whether the gap is at most
/// `tolerance`. Ends early when `stopped` says so, which it is asked before each pass.
pub fn step(
    objective: &Objective<'_>,
    beta: &[f64],
    gradient: &[f64],
    preconditioner: &Preconditioner,
    tolerance: f64,
    stopped: &mut dyn FnMut() -> bool,
) -> Step {
    step_within(
        objective,
        beta,
        gradient,
        (preconditioner, None),
        tolerance,
        stopped,
    )
}

/// The same with parameters that stay: where `face` names those that are free to move, gradient and preconditioner are 0
/// for the others. Its number is the damping, a share of the Hessian's diagonal that is added to the Hessian, without
/// which steps would be endless where the objective is flat.
pub(super) fn step_within(
    objective: &Objective<'_>,
    beta: &[f64],
    gradient: &[f64],
    (preconditioner, face): (&Preconditioner, Option<(&[bool], f64)>),
    tolerance: f64,
    stopped: &mut dyn FnMut() -> bool,
) -> Step {
    let hessian = objective.hessian(beta);
    let mut residual: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut direction = vec![0.0; beta.len()];
    let mut conditioned = preconditioner.times(&residual);
    let mut search = conditioned.clone();
    let mut product = vec![0.0; beta.len()];
    let mut rho = dot(&residual, &conditioned);
    let (mut decrease, mut products, mut terms) = (0.0, 0, Vec::new());
    loop {
        let left = objective
            .bound(&residual, &preconditioner.inverse_diagonal)
            .min(still_to_come(&terms));
        // What is left does not matter beside the tolerance, or beside what is known.
        let is_known = left <= 0.25 * tolerance || left <= FORCING * decrease;
        if is_known || products >= MOST_PRODUCTS || rho.is_nan() || rho <= 0.0 || stopped() {
            return Step {
                direction,
                gap: decrease + left,
                products,
            };
        }
        hessian.times(&search, &mut product);
        products += 1;
        if let Some((free, damping)) = face {
            let moves = search.iter().zip(&preconditioner.inverse_diagonal);
            for ((p, free), (s, inverse)) in product.iter_mut().zip(free).zip(moves) {
                *p = if *free { *p + damping * s / inverse } else { 0.0 };
            }
        }
        let size = rho / dot(&search, &product);
        add(&mut direction, size, &search);
        add(&mut residual, -size, &product);
        terms.push(0.5 * size * rho);
        decrease += 0.5 * size * rho;
        conditioned = preconditioner.times(&residual);
        let next = dot(&residual, &conditioned);
        let keep = next / rho;
        search
            .iter_mut()
            .zip(&conditioned)
            .for_each(|(s, c)| *s = c + keep * *s);
        rho = next;
    }
}

/// What the terms after these add up to, if they go on growing smaller as they did. Infinite while they do not.
fn still_to_come(terms: &[f64]) -> f64 {
    let Some(start) = terms.len().checked_sub(2 * WINDOW) else {
        return f64::INFINITY;
    };
    let (before, latest) = terms[start..].split_at(WINDOW);
    let (before, latest): (f64, f64) = (before.iter().sum(), latest.iter().sum());
    let ratio = latest / before;
    if ratio < 1.0 {
        CAREFUL * latest * ratio / (1.0 - ratio)
    } else {
        f64::INFINITY
    }
}

/// Weights near the minimum, and how they got there.
#[derive(Debug)]
pub struct Polished {
    /// The weights.
    pub beta: Vec<f64>,
    /// Steps taken.
    pub steps: u32,
    /// Passes over the data.
    pub passes: u32,
    /// Why it ended.
    pub stop: Stop,
    /// How far the objective is above its minimum there, where that is known.
    pub gap: Option<f64>,
}

/// Takes Newton steps from `beta` until the gap is known to be at most `tolerance` times the objective.
pub fn polish(
    objective: &Objective<'_>,
    start: impl Into<Start>,
    tolerance: f64,
    limits: Limits,
    observer: &mut dyn Observer,
) -> Polished {
    let most_steps = limits.iterations;
    let Start {
        mut beta,
        preconditioner: mut known,
    } = start.into();
    let mut gradient = vec![0.0; beta.len()];
    let mut value = objective.evaluate(&beta, &mut gradient);
    let (mut steps, mut passes) = (0, 1);
    let mut gap = None;
    let stop = loop {
        passes += u32::from(known.is_none());
        let preconditioner = known.take().unwrap_or_else(|| objective.preconditioner(&beta));
        let wanted = tolerance * value.abs().max(SMALLEST);
        // For what the rows curve.
        passes += 1;
        let mut used = passes;
        let mut stopped = || {
            let told = observer.report(Stage::Solve, steps.into(), most_steps.into());
            used += 1;
            used > limits.passes || told.is_break() || observer.out_of_time()
        };
        let found = step(objective, &beta, &gradient, &preconditioner, wanted, &mut stopped);
        passes += found.products;
        if found.gap <= wanted {
            gap = Some(found.gap);
            break Stop::Converged;
        }
        if let Some(stop) = ended(f64::MAX, wanted, (steps, passes), limits, observer) {
            break stop;
        }
        let Some((next, lower)) = descend(
            objective,
            &beta,
            value,
            &found.direction,
            &mut gradient,
            (&mut passes, limits.passes),
        ) else {
            break if passes < limits.passes {
                Stop::Stalled
            } else {
                Stop::Passes
            };
        };
        (beta, value) = (next, lower);
        steps += 1;
        known = objective.is_quadratic().then_some(preconditioner);
    };
    Polished {
        beta,
        steps,
        passes,
        stop,
        gap,
    }
}

/// The longest of the halved steps that lowers the objective; its gradient is put into `gradient`.
fn descend(
    objective: &Objective<'_>,
    beta: &[f64],
    value: f64,
    direction: &[f64],
    gradient: &mut [f64],
    (passes, most): (&mut u32, u32),
) -> Option<(Vec<f64>, f64)> {
    let mut size = 1.0;
    for _ in 0..MOST_HALVINGS {
        if *passes >= most {
            break;
        }
        let next: Vec<f64> = beta.iter().zip(direction).map(|(b, d)| b + size * d).collect();
        let lower = objective.evaluate(&next, gradient);
        *passes += 1;
        if lower.is_finite() && lower < value {
            return Some((next, lower));
        }
        size *= 0.5;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::features::FeatureVector;
    use crate::ml::hash::Stream;
    use crate::ml::learn::lbfgs::minimise;
    use crate::ml::learn::{Design, DesignBuilder, Targets};
    use crate::ml::observe::Silent;

    fn table() -> Design {
        let mut stream = Stream::new(2);
        let mut builder = DesignBuilder::new(3, 40);
        for _ in 0..500 {
            let dense: Vec<f32> = (0..3).map(|_| stream.next_unit() as f32 - 0.5).collect();
            let active = (0..40)
                .filter(|id| stream.next_unit() < 1.0 / f64::from(id + 2))
                .collect();
            builder.push(&FeatureVector { dense, active });
        }
        builder.build()
    }

    fn problems() -> [Targets; 3] {
        let mut stream = Stream::new(3);
        let mut classes = |classes: usize| Targets::Classes {
            classes,
            of_row: (0..500)
                .map(|_| (stream.next_unit() * classes as f64) as u32)
                .collect(),
        };
        [
            classes(2),
            classes(3),
            Targets::Values((0..500).map(|i| f64::from(i % 17)).collect()),
        ]
    }

    /// Far from the minimum and near it, the gap that a step tells covers the true one. The quadratic model is exact for
    /// numbers and near enough for classes here.
    #[test]
    fn the_gap_of_a_step_covers_the_true_one() {
        let design = table();
        for targets in problems() {
            let objective = Objective::new(&design, &targets, 1e-3);
            let least = minimise(&objective, objective.start(), 1e-14, 500, &mut Silent).beta;
            let lowest = objective.evaluate(&least, &mut vec![0.0; least.len()]);
            for rounds in [2, 5, 9] {
                let beta = minimise(&objective, objective.start(), 0.0, rounds, &mut Silent).beta;
                let mut gradient = vec![0.0; beta.len()];
                let gap = objective.evaluate(&beta, &mut gradient) - lowest;
                let preconditioner = objective.preconditioner(&beta);
                let told = step(
                    &objective,
                    &beta,
                    &gradient,
                    &preconditioner,
                    1e-3 * gap,
                    &mut || false,
                )
                .gap;
                assert!(
                    told > 0.95 * gap && told < 1.5 * gap + 1e-12,
                    "{rounds}: {told} {gap}"
                );
            }
        }
    }

    /// Terms that shrink by the same ratio add up to a geometric series, of which twice the rest is told.
    #[test]
    fn what_is_still_to_come_is_told_twice() {
        for ratio in [0.5f64, 0.9] {
            let terms: Vec<f64> = (0..20).map(|at| ratio.powi(at)).collect();
            let rest = ratio.powi(20) / (1.0 - ratio);
            assert!((still_to_come(&terms) / (2.0 * rest) - 1.0).abs() < 1e-9);
        }
        assert_eq!(still_to_come(&[1.0; 20]), f64::INFINITY);
        assert_eq!(still_to_come(&[0.5; 11]), f64::INFINITY);
        assert_eq!(still_to_come(&[0.0; 12]), f64::INFINITY);
    }

    #[test]
    fn both_solvers_end_at_the_same_weights() {
        let design = table();
        for targets in problems() {
            let objective = Objective::new(&design, &targets, 1e-3);
            let first = minimise(&objective, objective.start(), 1e-15, 500, &mut Silent).beta;
            let limits = Limits {
                iterations: 50,
                passes: u32::MAX,
            };
            let second = polish(&objective, objective.start(), 1e-12, limits, &mut Silent);
            assert_eq!(second.stop, Stop::Converged);
            let value = |beta: &[f64]| objective.evaluate(beta, &mut vec![0.0; beta.len()]);
            assert!((value(&first) / value(&second.beta) - 1.0).abs() < 1e-9);
            // Where the objective is flat, weights may differ more.
            for (a, b) in first.iter().zip(&second.beta) {
                assert!((a - b).abs() < 2e-3, "{a} {b}");
            }
        }
    }
}
