//! How exactly the rows determine the weights: standard errors from the Hessian at the solution.
//!
//! With the Hessian of the summed loss `J` and that of the whole objective `A = J + rows · l2`, the covariance of the
//! penalised weights is `A⁻¹ J A⁻¹` (Hoerl and Kennard 1970 for numbers, le Cessie and van Houwelingen 1992 for
//! classes), for numbers times the variance of the residuals; without a penalty it is the inverse of the information.
//! The robust covariance has in the place of `J` the sum of `g g'` over the rows, where `g` is the slope of a row's loss
//! (Huber 1967; White 1980), times `rows / (rows − k)` (HC1, MacKinnon and White 1985), where `k = trace(A⁻¹ J)` is the
//! effective number of weights.

use ndarray::{Array1, Array2, ArrayView1};
use serde::{Deserialize, Serialize};

use super::information::{Information, PARTIALS_BYTES, triangle};
use super::inverse::inverse;
use super::learner::Data;
use super::objective::{Objective, Problem};
use super::{Fitted, SolverReport};
use crate::ml::wording::counted;

/// Weights and intercepts up to which errors are worked out: the matrices take 32 MB each then.
pub const MOST_PARAMETERS: usize = 2_000;
/// Products that go into the matrices at most, so that errors never take much of a training: rows times the square of the
/// entries of a row and the square of its scores.
pub const MOST_PRODUCTS: f64 = 2e9;

/// Standard errors of weights and intercepts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Errors {
    /// Rows that were learned from.
    pub rows: u64,
    /// Weights that the rows determine, intercepts included; fewer than there are where a penalty holds some back.
    pub effective: f64,
    /// Standard deviation of the residuals, for numbers.
    pub residual: Option<f64>,
    /// By the information, as if the model were true.
    pub classical: StandardErrors,
    /// By what the slopes of the rows vary (HC1), whether the model is true or not.
    pub robust: StandardErrors,
    /// How far a weight is from the optimum at most, in standard errors.
    pub distance: f64,
    /// True where every row has the class that the weights make most probable.
    pub separated: bool,
}

/// Standard errors by one of the covariances; none where nothing is known of a weight.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StandardErrors {
    /// In the layout of the weights: of one feature together, the intercepts last.
    pub weights: Vec<Option<f64>>,
    /// Of the intercepts where all numbers are 0 instead of their means.
    pub origins: Vec<Option<f64>>,
}

impl Errors {
    /// The errors of a fit; else why there are none. Where rows count unequally, the classical errors take a row
    /// that counts twice for one that is twice as exact; the robust ones hold whatever the weights mean.
    /// `shifts` says of each dense feature how many deviations its mean
    /// is from 0.
    pub fn of(fitted: &Fitted, data: &Data, shifts: &[f64]) -> Result<Self, String> {
        let (design, report) = (&data.records, &fitted.report);
        let objective = Objective::counting(design, &data.targets, data.weights(), report.l2)
            .shaped(fitted.factors.as_deref());
        if report.l1.is_some() {
            return Err(
                "there are no standard errors: a penalty on absolute values (l1) leaves weights at 0, of which errors tell nothing; train with l2 alone".into(),
            );
        }
        if objective.len() > MOST_PARAMETERS {
            return Err(format!(
                "there are no standard errors: they are worked out for up to {MOST_PARAMETERS} weights, here are {}; fewer features (a shorter recipe, or the parameter max_features) would give them",
                objective.len()
            ));
        }
        if products(&objective) > MOST_PRODUCTS {
            return Err(format!(
                "there are no standard errors: with {} of {} they would take too long; fewer rows or features would give them",
                counted(design.rows as u64, "row"),
                counted(design.features() as u64, "feature")
            ));
        }
        let (beta, slope) = before_calibration(fitted);
        let information = Information::at(&objective, &beta);
        let is_penalised = objective.penalties().all(|l2| l2 > 0.0);
        let separated = objective.is_of_classes() && information.wrong == 0;
        if separated && !is_penalised {
            return Err(
                "there are no standard errors: some columns tell the classes of all training rows perfectly, so that without a penalty the best weights are infinite; leave the choice of the penalty (l2) to the program, or look for leakage".into(),
            );
        }
        if !report.certificate.certified {
            return Err(
                "there are no standard errors: the weights are not certified to be near the optimum; allow more iterations (max_iterations) or a stronger penalty (l2)".into(),
            );
        }
        let covariance = Covariance::of(&objective, &information)?;
        let mut errors = covariance.errors(information.residuals, shifts)?;
        errors.distance = covariance.distance(&objective, &beta, &errors.classical);
        errors.separated = separated;
        errors.multiply(slope);
        Ok(errors)
    }

    fn multiply(&mut self, slope: f64) {
        for errors in [&mut self.classical, &mut self.robust] {
            let all = errors.weights.iter_mut().chain(&mut errors.origins);
            all.flatten().for_each(|error| *error *= slope);
        }
    }
}

/// The weights that were at the optimum, and what they were multiplied by afterwards.
fn before_calibration(fitted: &Fitted) -> (Vec<f64>, f64) {
    let SolverReport { search, .. } = &fitted.report;
    let line = search.as_ref().and_then(|search| search.calibration.as_ref());
    let mut beta = fitted.beta.clone();
    match line.filter(|line| line.applied) {
        None => (beta, 1.0),
        Some(line) => {
            let intercepts = beta.iter_mut().rev().zip(line.shifts.iter().rev());
            intercepts.for_each(|(intercept, shift)| *intercept -= shift);
            beta.iter_mut().for_each(|weight| *weight /= line.slope);
            (beta, line.slope)
        }
    }
}

/// Products that go into the matrices.
fn products(objective: &Objective<'_>) -> f64 {
    let design = objective.design;
    let mut sum = 0.0;
    design.shards.for_each(|_, shard| {
        shard.for_each_row(0, |_, _, active| {
            let entries = (design.dense + active.len() + 1) as f64;
            sum += entries * entries;
        });
    });
    let outputs = objective.outputs() as f64;
    sum * outputs * outputs
}

/// Bytes that working out the errors of so many weights and intercepts takes at most, about: ten matrices beside the
/// partial sums.
pub fn bytes(parameters: usize) -> u64 {
    if parameters > MOST_PARAMETERS {
        return 0;
    }
    let square = (8 * parameters * parameters) as u64;
    10 * square + (16 * square).min(PARTIALS_BYTES as u64)
}

/// The inverse of the whole Hessian, and what lies between it and the covariances.
struct Covariance {
    inverse: Array2<f64>,
    squares: Array2<f64>,
    /// The penalties of the summed loss; 0 for the intercepts.
    penalties: Vec<f64>,
    /// Added along the common direction of the scores of each feature; empty for a single score.
    held: Vec<f64>,
    outputs: usize,
    rows: f64,
    /// False for parameters of which the rows say nothing.
    is_known: Vec<bool>,
    is_of_numbers: bool,
}

impl Covariance {
    fn of(objective: &Objective<'_>, information: &Information) -> Result<Self, String> {
        let (size, outputs) = (objective.len(), objective.outputs());
        let rows = objective.total();
        let mut hessian = symmetric(&information.hessian, size);
        let is_known: Vec<bool> = hessian.diag().iter().map(|&h| h > 0.0 && h.is_finite()).collect();
        let mut penalties: Vec<f64> = objective.penalties().map(|l2| l2 * rows).collect();
        penalties.resize(size, 0.0);
        let mut held = Vec::new();
        if outputs > 1 {
            // The loss does not change when the scores of all classes move together. The penalty and the centring keep
            // such sums at 0; holding them there changes no covariance, and the matrix can be inverted.
            for first in (0..size).step_by(outputs) {
                let mean = (first..first + outputs).map(|at| hessian[[at, at]]).sum::<f64>() / outputs as f64;
                for a in first..first + outputs {
                    for b in first..first + outputs {
                        hessian[[a, b]] += mean / outputs as f64;
                    }
                }
                held.push(mean);
            }
        }
        for (at, penalty) in penalties.iter().enumerate() {
            hessian[[at, at]] += penalty;
        }
        let scale: Vec<f64> = hessian
            .diag()
            .iter()
            .zip(&is_known)
            .map(|(h, &is_known)| if is_known { 1.0 / h.sqrt() } else { 0.0 })
            .collect();
        let scaled = |matrix: &Array2<f64>| {
            Array2::from_shape_fn((size, size), |(i, j)| matrix[[i, j]] * scale[i] * scale[j])
        };
        let mut unit = scaled(&hessian);
        unit.diag_mut().fill(1.0);
        let inverse = inverse(unit.view()).ok_or(
            "there are no standard errors: some columns are copies or sums of others, or tell a class from all others, so that the rows alone do not determine the weights; leave the choice of the penalty (l2) to the program, or leave such columns out",
        )?;
        Ok(Self {
            inverse: scaled(&inverse),
            squares: symmetric(&information.squares, size),
            penalties,
            held,
            outputs,
            rows,
            is_known,
            is_of_numbers: !objective.is_of_classes(),
        })
    }

    /// `direction' A⁻¹ J A⁻¹ direction`, where `solved` is `A⁻¹ direction` and `square` is `direction' A⁻¹ direction`.
    fn variance(&self, square: f64, solved: ArrayView1<'_, f64>) -> f64 {
        let mut taken: f64 = solved.iter().zip(&self.penalties).map(|(s, p)| p * s * s).sum();
        for (feature, held) in self.held.iter().enumerate() {
            let of_feature = (0..self.outputs).map(|output| solved[feature * self.outputs + output]);
            let sum: f64 = of_feature.sum();
            taken += held * sum * sum / self.outputs as f64;
        }
        (square - taken).max(0.0)
    }

    /// The effective number of weights, `trace(A⁻¹ J)`.
    fn effective(&self) -> f64 {
        let known = self.is_known.iter().filter(|&&is_known| is_known).count() as f64;
        let diagonal = self.inverse.diag();
        let mut taken: f64 = diagonal.iter().zip(&self.penalties).map(|(d, p)| d * p).sum();
        for (feature, held) in self.held.iter().enumerate() {
            let places = || feature * self.outputs..(feature + 1) * self.outputs;
            let pairs = places().flat_map(|a| places().map(move |b| (a, b)));
            let sum: f64 = pairs.map(|pair| self.inverse[pair]).sum();
            taken += held * sum / self.outputs as f64;
        }
        known - taken
    }

    fn errors(&self, residuals: f64, shifts: &[f64]) -> Result<Errors, String> {
        let effective = self.effective();
        let freedom = self.rows - effective;
        if freedom < 1.0 {
            return Err(format!(
                "there are no standard errors: {} are not enough for {effective:.1} effective weights; bring more rows, or fewer features",
                counted(self.rows as u64, "row")
            ));
        }
        let residual = self.is_of_numbers.then(|| (residuals / freedom).sqrt());
        let spread = residual.unwrap_or(1.0);
        let inflation = (self.rows / freedom).sqrt();
        let product = self.squares.dot(&self.inverse);
        let (mut classical, mut robust) = (StandardErrors::default(), StandardErrors::default());
        for (at, &is_known) in self.is_known.iter().enumerate() {
            let solved = self.inverse.column(at);
            let known = |error: f64| Some(error).filter(|error| is_known && error.is_finite());
            let variance = self.variance(solved[at], solved);
            classical.weights.push(known(spread * variance.sqrt()));
            let variance = solved.dot(&product.column(at)).max(0.0);
            robust.weights.push(known(inflation * variance.sqrt()));
        }
        for output in 0..self.outputs {
            let direction = self.origin(shifts, output);
            let solved = self.inverse.dot(&direction);
            let known = |error: f64| Some(error).filter(|error| error.is_finite());
            let variance = self.variance(direction.dot(&solved), solved.view());
            classical.origins.push(known(spread * variance.sqrt()));
            let variance = solved.dot(&self.squares.dot(&solved)).max(0.0);
            robust.origins.push(known(inflation * variance.sqrt()));
        }
        Ok(Errors {
            rows: self.rows as u64,
            effective,
            residual,
            classical,
            robust,
            distance: 0.0,
            separated: false,
        })
    }

    /// The intercept where all numbers are 0, as a sum of parameters.
    fn origin(&self, shifts: &[f64], output: usize) -> Array1<f64> {
        let size = self.penalties.len();
        let mut direction = Array1::zeros(size);
        direction[size - self.outputs + output] = 1.0;
        for (feature, shift) in shifts.iter().enumerate() {
            direction[feature * self.outputs + output] = -shift;
        }
        direction
    }

    /// How far the optimum is by a Newton step, in standard errors of the weight that is furthest from it.
    fn distance(&self, objective: &Objective<'_>, beta: &[f64], errors: &StandardErrors) -> f64 {
        let mut gradient = vec![0.0; beta.len()];
        objective.evaluate(beta, &mut gradient);
        let step = self.inverse.dot(&(Array1::from_vec(gradient) * self.rows));
        let relative = |(step, error): (&f64, &Option<f64>)| match error {
            Some(error) if *error > 0.0 => step.abs() / error,
            _ => 0.0,
        };
        step.iter().zip(&errors.weights).map(relative).fold(0.0, f64::max)
    }
}

/// A matrix from its lower triangle.
fn symmetric(lower: &[f64], size: usize) -> Array2<f64> {
    Array2::from_shape_fn((size, size), |(i, j)| {
        let (high, low) = if i >= j { (i, j) } else { (j, i) };
        lower[triangle(high) + low]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::features::FeatureVector;
    use crate::ml::hash::Stream;
    use crate::ml::learn::calibration::Calibration;
    use crate::ml::learn::learner::dataset;
    use crate::ml::learn::{DesignBuilder, LearnParams, Search, Targets, fit_observed};
    use crate::ml::observe::Silent;

    /// Numbers and flags that say something of two classes, and a flag that no row has.
    fn data(rows: usize, dense: usize) -> Data {
        let mut stream = Stream::new(11);
        let mut builder = DesignBuilder::new(dense, 4);
        let mut of_row = Vec::new();
        for _ in 0..rows {
            let numbers: Vec<f32> = (0..dense).map(|_| stream.next_unit() as f32 - 0.5).collect();
            let active: Vec<u32> = (0..3).filter(|_| stream.next_unit() < 0.4).collect();
            let chance = 0.5 + f64::from(numbers[0]) * 0.6 + if active.contains(&1) { 0.15 } else { -0.1 };
            of_row.push(u32::from(stream.next_unit() < chance));
            builder.push(&FeatureVector {
                dense: numbers,
                active,
            });
        }
        dataset(builder.build(), Targets::Classes { classes: 2, of_row })
    }

    fn fit(data: &Data, l2: f64) -> Fitted {
        let params = LearnParams {
            l2: Some(l2),
            ..LearnParams::default()
        };
        fit_observed(&params, data, &mut Silent).unwrap()
    }

    /// What the line that mends scores does to weights, it does to their errors.
    #[test]
    fn the_line_after_the_fit_multiplies_the_errors() {
        let data = data(400, 2);
        let fitted = fit(&data, 0.01);
        let before = Errors::of(&fitted, &data, &[0.0, 3.0]).unwrap();
        let line = Calibration {
            slope: 1.5,
            shifts: vec![0.7],
            rows: 400,
            before: 0.6,
            after: 0.5,
            applied: true,
        };
        let mut mended = fitted.clone();
        line.apply(&mut mended.beta);
        mended.report.search = Some(Search {
            folds: 5,
            tried: Vec::new(),
            groups: Vec::new(),
            calibration: Some(line),
            passes: 0,
        });
        let after = Errors::of(&mended, &data, &[0.0, 3.0]).unwrap();
        for (before, after) in [
            (&before.classical, &after.classical),
            (&before.robust, &after.robust),
        ] {
            let pairs = before.weights.iter().chain(&before.origins);
            let pairs = pairs.zip(after.weights.iter().chain(&after.origins));
            for (before, after) in pairs.filter_map(|(a, b)| Some(((*a)?, (*b)?))) {
                assert!((after / before - 1.5).abs() < 1e-9, "{before} {after}");
            }
        }
        // Nothing is known of a flag that no row has.
        assert_eq!(
            (before.classical.weights[5], before.robust.weights[5]),
            (None, None)
        );
        assert!(before.classical.weights.iter().flatten().count() == 6 && before.distance < 1e-3);
    }

    /// A penalty of its own for each feature is the same as scaling the features: weights and errors go along.
    #[test]
    fn factors_of_the_penalty_count() {
        let data = data(300, 2);
        let mut fitted = fit(&data, 0.02);
        let alike = Errors::of(&fitted, &data, &[0.0, 0.0]).unwrap();
        fitted.factors = Some(vec![1.0; 6]);
        assert_eq!(Errors::of(&fitted, &data, &[0.0, 0.0]).unwrap(), alike);
        fitted.factors = Some(vec![50.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        let held = Errors::of(&fitted, &data, &[0.0, 0.0]).unwrap();
        assert!(held.classical.weights[0].unwrap() < 0.7 * alike.classical.weights[0].unwrap());
        assert!(
            held.effective < alike.effective - 0.3 && held.distance > 0.1,
            "{held:?}"
        );
    }

    #[test]
    fn what_would_take_too_long_is_not_begun() {
        let data = data(200, 2);
        let mut wide = DesignBuilder::new(0, MOST_PARAMETERS);
        (0..200).for_each(|row| {
            wide.push(&FeatureVector {
                dense: Vec::new(),
                active: vec![row],
            });
        });
        let wide = dataset(wide.build(), data.targets.clone());
        let why = Errors::of(&fit(&wide, 0.1), &wide, &[]).unwrap_err();
        assert!(why.contains("here are 2001"), "{why}");
        let products = products(&Objective::new(&data.records, &data.targets, 0.1));
        let mut entries: Vec<usize> = Vec::new();
        data.records.shards.for_each(|_, shard| {
            shard.for_each_row(2, |_, _, active| entries.push(active.len() + 3));
        });
        assert_eq!(products, entries.iter().map(|n| (n * n) as f64).sum::<f64>());
    }
}
