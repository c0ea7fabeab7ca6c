//! Judges weights wherever they come from: loss and gradient are recomputed there, and the gap to the
//! optimum is bounded.

use serde::{Deserialize, Serialize};

use super::objective::{Objective, Problem};

/// Weights are certified when the gap is at most this share of the objective.
const RELATIVE_GAP: f64 = 1e-6;

/// What holds at the returned weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Objective: mean loss and penalty.
    pub objective: f64,
    /// Mean loss alone.
    pub loss: f64,
    /// Euclidean norm of the gradient of the objective.
    pub gradient_norm: f64,
    /// How far the objective is from its minimum at most. With a penalty this is the bound by strong
    /// convexity, `|g|² / (2·l2)` over the penalised weights plus `g² / (2h)` for the intercepts;
    /// without one, the same with the Hessian's diagonal, an estimate.
    pub gap: f64,
    /// Whether the gap is small enough to trust the weights.
    pub certified: bool,
}

impl Certificate {
    /// Recomputes objective and gradient at `beta` and judges them. One or two passes over the data.
    pub fn at(objective: &Objective<'_>, beta: &[f64]) -> Self {
        let mut gradient = vec![0.0; beta.len()];
        let value = objective.evaluate(beta, &mut gradient);
        let penalised = objective.penalised();
        let diagonal = objective.diagonal(beta);
        let inverse_diagonal: Vec<f64> = diagonal.iter().map(|d| 1.0 / d).collect();
        let gap = objective.gap(&gradient, &inverse_diagonal);
        let squares: f64 = beta[..penalised].iter().map(|b| b * b).sum();
        let worst = {
            let mut gradient = vec![0.0; beta.len()];
            objective.evaluate(&objective.start(), &mut gradient)
        };
        // Where the fit is perfect the objective itself vanishes; then the gap is held against the
        // objective of the base rates.
        let scale = value.abs().max(1e-9 * worst.abs());
        Self {
            objective: value,
            loss: value - 0.5 * objective.l2 * squares,
            gradient_norm: gradient.iter().map(|g| g * g).sum::<f64>().sqrt(),
            gap,
            certified: value.is_finite() && gap.is_finite() && gap <= RELATIVE_GAP * scale,
        }
    }
}
