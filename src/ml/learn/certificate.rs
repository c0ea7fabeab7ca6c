//! Judges weights wherever they come from: loss and gradient are recomputed there, and the gap to the
//! optimum is bounded.

use serde::{Deserialize, Serialize};

use super::dual;
use super::face;
use super::newton::step;
use super::objective::{Objective, Problem};
use super::precondition::Preconditioner;

/// Weights are certified when the gap is at most this share of the objective, or what [`by_chance`] allows beyond.
pub const RELATIVE_GAP: f64 = 1e-5;
/// The largest share that chance can allow.
const LARGEST_GAP: f64 = 1e-4;
/// Share of what chance does to a fit that does not matter beside it.
const NEGLIGIBLE: f64 = 0.01;

/// A hundredth of what chance does to the mean loss of a fit: half a parameter over the rows, for each parameter.
pub fn by_chance(objective: &Objective<'_>) -> f64 {
    (NEGLIGIBLE * 0.5 * objective.len() as f64 / objective.total().max(1.0)).min(LARGEST_GAP)
}

/// What holds at the returned weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Objective: mean loss and penalty.
    pub objective: f64,
    /// Mean loss alone.
    pub loss: f64,
    /// Euclidean norm of the gradient of the objective; with `l1` of the shortest of its subgradients.
    pub gradient_norm: f64,
    /// How far the objective is from its minimum at most. With a penalty this is the bound by strong
    /// convexity, `|g|² / (2·l2)` over the penalised weights plus `g² / (2h)` for the intercepts, where that is
    /// small enough; else the Newton decrement, by conjugate gradients that judge what they leave.
    /// Without a penalty the Hessian's diagonal takes the place of `l2`, an estimate. With `l1` this is the duality gap,
    /// which strong convexity is a part of, where that is small enough; else the Newton decrement among the weights that
    /// are not 0 or want to leave it, an estimate.
    pub gap: f64,
    /// Whether the gap is small enough to trust the weights.
    pub certified: bool,
}

impl Certificate {
    /// Recomputes objective and gradient at `beta` and judges them. A few passes over the data, more where the
    /// penalty is weak and the Newton decrement at `beta` is not known.
    pub fn at(objective: &Objective<'_>, beta: &[f64], decrement: Option<f64>) -> Self {
        Self::within(by_chance(objective).max(RELATIVE_GAP), objective, beta, decrement)
    }

    /// The same with another share of the objective.
    pub fn within(share: f64, objective: &Objective<'_>, beta: &[f64], decrement: Option<f64>) -> Self {
        let lasso = objective.lasso();
        let mut gradient = vec![0.0; beta.len()];
        let value = objective.evaluate(beta, &mut gradient) + lasso.value(beta);
        let squares: f64 = beta
            .iter()
            .zip(objective.penalties())
            .map(|(b, l2)| 0.5 * l2 * b * b)
            .sum();
        // Where the fit is perfect the objective itself vanishes; then the gap is held against the
        // objective of the base rates.
        let allowed = share * value.abs().max(1e-9 * objective.of_base_rates());
        let (gap, slope) = if lasso.l1 > 0.0 {
            // Losses are 0 or more, and so is the minimum.
            let mut gap = dual::gap(objective, beta, value, &gradient).min(value);
            if gap > allowed {
                gap = gap
                    .min(decrement.unwrap_or_else(|| face::decrement(objective, beta, &gradient, allowed)));
            }
            (gap, lasso.subgradient(beta, &gradient))
        } else {
            (
                smooth_gap(objective, beta, &gradient, allowed, decrement),
                gradient,
            )
        };
        Self {
            objective: value,
            loss: value - squares - lasso.value(beta),
            gradient_norm: slope.iter().map(|g| g * g).sum::<f64>().sqrt(),
            gap,
            certified: value.is_finite() && gap.is_finite() && gap <= allowed,
        }
    }
}

/// The gap without `l1`.
fn smooth_gap(
    objective: &Objective<'_>,
    beta: &[f64],
    gradient: &[f64],
    allowed: f64,
    decrement: Option<f64>,
) -> f64 {
    let inverse_diagonal = Preconditioner::of_diagonal(objective.diagonal(beta)).inverse_diagonal;
    let gap = objective.bound(gradient, &inverse_diagonal);
    if gap <= allowed || !gap.is_finite() {
        return gap;
    }
    // The bound is far too careful for weak penalties; the Newton step tells more.
    gap.min(decrement.unwrap_or_else(|| {
        let preconditioner = objective.preconditioner(beta);
        step(objective, beta, gradient, &preconditioner, allowed, &mut || false).gap
    }))
}
impl Objective<'_> {
    /// How far the objective is above its minimum at most: with a penalty, strong convexity gives
    /// `|g|² / (2·l2)` over the penalised weights; the intercepts, and everything without a penalty, go by the
    /// diagonal.
    pub fn bound(&self, gradient: &[f64], inverse_diagonal: &[f64]) -> f64 {
        let penalties = self.penalties().chain(std::iter::repeat(0.0));
        let part = |((g, d), l2): ((&f64, &f64), f64)| {
            if *g == 0.0 {
                0.0
            } else if l2 > 0.0 {
                0.5 * g * g / l2
            } else {
                0.5 * g * g * d
            }
        };
        gradient
            .iter()
            .zip(inverse_diagonal)
            .zip(penalties)
            .map(part)
            .sum()
    }
}
