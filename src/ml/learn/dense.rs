//! linfa's solvers, for small dense designs. The only file that calls them: it checks shapes first
//! (they would panic), reads the labels (linfa calls the majority class positive), and leaves the
//! verdict on the weights to the certificate (linfa returns `Ok` unconverged).
//!
//! Used: `linfa-linear` without penalty, `linfa-logistic` for two classes. Not used: linfa 0.8's
//! multinomial fit, which is wrong on ordinary data.

use std::panic::{AssertUnwindSafe, catch_unwind};

use linfa::Dataset;
use linfa::traits::Fit;
use linfa_linear::LinearRegression;
use linfa_logistic::LogisticRegression;
use ndarray::{Array1, Array2};

use super::design::{Design, Targets};

/// Cells (rows × columns) up to which linfa answers in well under a second.
const MOST_CELLS: usize = 200_000;
/// A pivot below this share of its column's sum of squares means that the column depends on others; the
/// columns themselves are rounded to `f32`, about 1e-7.
const SMALLEST_PIVOT: f64 = 1e-9;
/// Iterations allowed to linfa-logistic.
const ITERATIONS: u64 = 1000;

/// What linfa found, in our layout, and which of its learners found it.
pub struct DenseFit {
    /// The learner's name.
    pub learner: &'static str,
    /// Weights and intercept.
    pub beta: Vec<f64>,
}

/// Tries linfa where it is right and quick. `None` means: not a case for it, or it failed.
pub fn fit(design: &Design, targets: &Targets, l2: f64) -> Option<DenseFit> {
    if !is_small(design) || targets.len() != design.rows {
        return None;
    }
    // A panic inside linfa counts as a failure; nothing of ours is shared with it.
    match targets {
        Targets::Values(values) if l2 == 0.0 && design.rows > design.dense && has_full_rank(design) => {
            catch_unwind(AssertUnwindSafe(|| linear(design, values)))
                .ok()
                .flatten()
        }
        Targets::Classes { classes: 2, of_row } if l2 > 0.0 => {
            catch_unwind(AssertUnwindSafe(|| logistic(design, of_row, l2)))
                .ok()
                .flatten()
        }
        _ => None,
    }
}

/// Whether a design is dense and small enough for linfa.
pub fn is_small(design: &Design) -> bool {
    design.sparse == 0 && design.dense > 0 && design.rows * design.dense <= MOST_CELLS
}

/// Whether no column is (nearly) a sum of others and a constant: Cholesky of the centred Gram matrix with
/// every pivot well above rounding. linfa itself only notices a pivot that is exactly zero.
pub fn has_full_rank(design: &Design) -> bool {
    let d = design.dense;
    let Some(cells) = matrix(design) else { return false };
    let Some(means) = cells.mean_axis(ndarray::Axis(0)) else {
        return false;
    };
    let centred = cells - means;
    let mut gram = centred.t().dot(&centred);
    for column in 0..d {
        let before = gram[[column, column]];
        let taken: f64 = (0..column).map(|k| gram[[column, k]] * gram[[column, k]]).sum();
        let pivot = before - taken;
        if pivot.is_nan() || pivot <= SMALLEST_PIVOT * before {
            return false;
        }
        gram[[column, column]] = pivot.sqrt();
        for row in column + 1..d {
            let taken: f64 = (0..column).map(|k| gram[[row, k]] * gram[[column, k]]).sum();
            gram[[row, column]] = (gram[[row, column]] - taken) / gram[[column, column]];
        }
    }
    true
}

fn matrix(design: &Design) -> Option<Array2<f64>> {
    let mut cells = Vec::with_capacity(design.rows * design.dense);
    design.shards.for_each(|_, shard| {
        cells.extend(shard.dense.iter().copied().map(f64::from));
    });
    Array2::from_shape_vec((design.rows, design.dense), cells).ok()
}

fn linear(design: &Design, values: &[f64]) -> Option<DenseFit> {
    let data = Dataset::new(matrix(design)?, Array1::from_vec(values.to_vec()));
    let model = LinearRegression::new().fit(&data).ok()?;
    let mut beta = model.params().to_vec();
    beta.push(model.intercept());
    beta.iter().all(|b| b.is_finite()).then_some(DenseFit {
        learner: "linfa-linear",
        beta,
    })
}

fn logistic(design: &Design, of_row: &[u32], l2: f64) -> Option<DenseFit> {
    let rows = design.rows as f64;
    let data = Dataset::new(matrix(design)?, Array1::from_vec(of_row.to_vec()));
    // linfa sums losses where we average them, and its tolerance is on the gradient of that sum.
    let model = LogisticRegression::default()
        .alpha(rows * l2)
        .max_iterations(ITERATIONS)
        .gradient_tolerance(rows * 1e-8)
        .fit(&data)
        .ok()?;
    let sign = if model.labels().pos.class == 1 { 1.0 } else { -1.0 };
    let mut beta: Vec<f64> = model.params().iter().map(|w| sign * w).collect();
    beta.push(sign * model.intercept());
    beta.iter().all(|b| b.is_finite()).then_some(DenseFit {
        learner: "linfa-logistic",
        beta,
    })
}
