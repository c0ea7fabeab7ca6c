//! Chooses the solver, lets it work, and has its weights judged.

use std::ops::ControlFlow;

use linfa::DatasetBase;
use linfa::traits::{Fit, PredictInplace};
use ndarray::Array1;
use serde::{Deserialize, Serialize};

use super::certificate::{Certificate, RELATIVE_GAP};
use super::dense;
use super::design::{Design, Targets};
use super::earlier::Earlier;
use super::lbfgs::{Solution, Stop};
use super::objective::{Objective, outputs, single_margin};
use super::params::{CheckedLearnParams, Guarded, LearnError, LearnParams};
use super::penalty::Penalty;
use super::search::Search;
use super::shards::Shards;
use crate::ml::observe::{Observer, Silent, Stage};

/// What a report says of a fit that a time budget cut short.
pub const OUT_OF_TIME: &str = "time_budget";

/// Weights that were found, with the account of how.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// Weights of one feature lie together, the intercepts follow after the last feature.
    pub beta: Vec<f64>,
    /// Scores a row has.
    pub outputs: usize,
    /// What multiplied the penalty for each feature, where it was not the same for all.
    pub factors: Option<Vec<f64>>,
    /// What each row held back lost, where there are few rows and the search looked at them.
    pub losses: Option<Vec<f64>>,
    /// How they were found and how good they are.
    pub report: SolverReport,
}

/// The account of a fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SolverReport {
    /// `lbfgs` or, for narrow regressions, `gram` (ours), `linfa-linear` or `linfa-logistic`.
    pub learner: String,
    /// Penalty used; where groups of features have their own (see `search`), that of all features as one group.
    pub l2: f64,
    /// Strength of the penalty on absolute values, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub l1: Option<f64>,
    /// What that left of the features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<Used>,
    /// Iterations of our engine; 0 when linfa's answer was accepted.
    pub iterations: u32,
    /// Passes of our engine over the data, those of the certificate left out.
    pub passes: u32,
    /// Why it ended: `converged`, `stalled` (at the limit of floating point), `iterations`,
    /// `passes`, `time_budget`.
    pub stopped: String,
    /// What holds at the weights.
    pub certificate: Certificate,
    /// Remarks for people.
    pub notes: Vec<String>,
    /// How the penalty was chosen, when nobody gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
}

/// How many features have a weight other than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Those that have one.
    pub features: usize,
    /// All of them.
    pub of: usize,
}

/// Fits `params` to `data` and reports progress. The same as linfa's `fit`, which cannot report.
pub fn fit_observed(
    params: &LearnParams,
    data: &DatasetBase<Design, Targets>,
    observer: &mut dyn Observer,
) -> Result<Fitted, LearnError> {
    watched(&Guarded::try_from(params)?.0, data, None, observer)
}

/// The same, going on from a model that was found from other rows: with its weights to begin with, and its penalty where
/// `params` give none, so that nothing is tried on rows held back.
pub fn fit_from(
    params: &LearnParams,
    data: &Data,
    earlier: Option<&Earlier>,
    observer: &mut dyn Observer,
) -> Result<Fitted, LearnError> {
    watched(&Guarded::try_from(params)?.0, data, earlier, observer)
}

fn watched(
    params: &CheckedLearnParams,
    data: &Data,
    earlier: Option<&Earlier>,
    observer: &mut dyn Observer,
) -> Result<Fitted, LearnError> {
    let mut watch = Watch {
        shards: &data.records.shards,
        observer,
    };
    let fitted = params.fit_observed(data, earlier, &mut watch);
    data.records.partials.clear();
    // Nothing that was summed up without some of the rows may leave this place.
    data.records.check()?;
    fitted
}

/// Passes reports on, and ends the work once rows cannot be read.
struct Watch<'a> {
    shards: &'a Shards,
    observer: &'a mut dyn Observer,
}

impl Observer for Watch<'_> {
    fn report(&mut self, stage: Stage, done: u64, total: u64) -> ControlFlow<()> {
        match self.shards.failure() {
            Some(_) => ControlFlow::Break(()),
            None => self.observer.report(stage, done, total),
        }
    }

    fn note(&mut self, what: &str) {
        self.observer.note(what);
    }

    fn out_of_time(&self) -> bool {
        self.observer.out_of_time()
    }
}

/// A design with its targets: linfa's data set.
pub type Data = DatasetBase<Design, Targets>;

/// Puts a design and its targets together for [`fit_observed`].
pub fn dataset(design: Design, targets: Targets) -> Data {
    DatasetBase::new(design, targets)
}

/// The same rows with how much each counts: numbers of 0 or more with a mean of 1.
pub fn weighted(data: Data, weights: Vec<f32>) -> Data {
    data.with_weights(weights.into())
}

impl CheckedLearnParams {
    fn fit_observed(
        &self,
        data: &Data,
        earlier: Option<&Earlier>,
        observer: &mut dyn Observer,
    ) -> Result<Fitted, LearnError> {
        let (design, targets, weights) = (&data.records, &data.targets, data.weights());
        if design.rows == 0 || targets.len() != design.rows {
            return Err(LearnError::NoRows);
        }
        let mut penalty = Penalty::of(self, data, earlier, observer)?;
        // Said here, because not every solver gets as far as our engine, which reports each iteration.
        if let ControlFlow::Break(()) = observer.report(Stage::Solve, 0, self.limits.iterations.into()) {
            return Err(LearnError::Stopped);
        }
        let (l2, mut start, factors) = (penalty.l2, penalty.start.take(), penalty.factors.take());
        // linfa knows only one penalty for all features, rows that count alike, and counts no passes.
        let l1 = self.l1_after(earlier, design);
        let is_plain = factors.is_none() && weights.is_none() && l1 == 0.0;
        let by_linfa = if is_plain && self.limits.passes == u32::MAX {
            dense::fit(design, targets, l2)
        } else {
            None
        };
        if let Some(found) = by_linfa {
            let certificate = Certificate::within(
                RELATIVE_GAP,
                &Objective::new(design, targets, l2),
                &found.beta,
                None,
            );
            if certificate.certified {
                let (learner, mut beta) = (found.learner, found.beta);
                penalty.mend(&mut beta);
                let losses = penalty.losses.take();
                let report = penalty.report(learner, "converged", certificate);
                return Ok(fitted(beta, losses, report, targets));
            }
            penalty.notes.push(format!(
                "{} left a gap of {:.1e}; the engine went on from there",
                found.learner, certificate.gap
            ));
            start = certificate.objective.is_finite().then_some(found.beta);
        }
        let objective = Objective::counting(design, targets, weights, l2)
            .shaped(factors.as_deref())
            .with_l1(l1);
        let found = self.engine(&objective, start, penalty.curvature.take(), observer);
        let (learner, mut solution, mut gap) = found.ok_or(LearnError::Stopped)?;
        if solution.stop == Stop::Passes {
            // Those who count passes do not want many more of them for a closer verdict.
            gap = gap.or(Some(f64::INFINITY));
        }
        centre(&mut solution.beta, objective.outputs(), l2 == 0.0 && l1 == 0.0);
        let certificate = Certificate::at(&objective, &solution.beta, gap);
        if !certificate.objective.is_finite() || !certificate.gap.is_finite() {
            return Err(LearnError::NotFinite);
        }
        if !certificate.certified {
            penalty.notes.push(uncertified(&solution, &certificate));
        }
        let used = (l1 > 0.0).then(|| Used {
            features: objective.used(&solution.beta),
            of: design.features(),
        });
        penalty.mend(&mut solution.beta);
        let losses = penalty.losses.take();
        let report = SolverReport {
            iterations: solution.iterations,
            passes: solution.passes,
            l1: used.map(|_| l1),
            used,
            ..penalty.report(learner, reason(solution.stop), certificate)
        };
        Ok(Fitted {
            factors,
            ..fitted(solution.beta, losses, report, targets)
        })
    }

    /// The penalty on absolute values: that of the earlier model where no penalty is given.
    fn l1_after(&self, earlier: Option<&Earlier>, design: &Design) -> f64 {
        match earlier {
            Some(earlier) if self.l2.is_none() => earlier.l1(design),
            _ => self.l1,
        }
    }
}

fn fitted(beta: Vec<f64>, losses: Option<Vec<f64>>, report: SolverReport, targets: &Targets) -> Fitted {
    Fitted {
        beta,
        outputs: outputs(targets),
        factors: None,
        losses,
        report,
    }
}

/// Scores of several classes do not change when all intercepts move together; they are made to sum to
/// zero so that the same model has the same numbers. A penalty does that for the weights of a feature.
fn centre(beta: &mut [f64], outputs: usize, weights_too: bool) {
    if outputs > 1 {
        let first = if weights_too { 0 } else { beta.len() - outputs };
        for of_one in beta[first..].chunks_exact_mut(outputs) {
            let mean = of_one.iter().sum::<f64>() / outputs as f64;
            of_one.iter_mut().for_each(|b| *b -= mean);
        }
    }
}

/// The name of why the engine ended.
fn reason(stop: Stop) -> &'static str {
    match stop {
        Stop::Converged => "converged",
        Stop::Stalled => "stalled",
        Stop::OutOfTime => OUT_OF_TIME,
        Stop::Passes => "passes",
        Stop::Iterations | Stop::Cancelled => "iterations",
    }
}

fn uncertified(solution: &Solution, certificate: &Certificate) -> String {
    let (after, advice) = match solution.stop {
        Stop::Passes => (
            format!("{} passes over the data", solution.passes),
            "more passes (max_passes, sgd.maxPasses)",
        ),
        Stop::OutOfTime => (
            format!("{} passes over the data", solution.passes),
            "more time (--time-budget)",
        ),
        _ => (
            format!("{} iterations", solution.iterations),
            "more iterations (max_iterations) or a stronger penalty (l2)",
        ),
    };
    format!(
        "the weights are not certified: after {after} the objective may still be {:.1e} above its minimum; allow {advice}",
        certificate.gap
    )
}

impl Fit<Design, Targets, LearnError> for CheckedLearnParams {
    type Object = Fitted;

    fn fit(&self, dataset: &DatasetBase<Design, Targets>) -> Result<Fitted, LearnError> {
        watched(self, dataset, None, &mut Silent)
    }
}

/// The scores of models with one output: log-odds, or the predicted number.
impl PredictInplace<Design, Array1<f64>> for Fitted {
    fn predict_inplace<'a>(&'a self, design: &'a Design, scores: &mut Array1<f64>) {
        let mut row = 0;
        design.shards.for_each(|_, shard| {
            shard.for_each_row(design.dense, |_, numbers, active| {
                if let Some(score) = scores.get_mut(row) {
                    *score = single_margin(numbers, active, &self.beta);
                }
                row += 1;
            });
        });
    }

    fn default_target(&self, design: &Design) -> Array1<f64> {
        Array1::zeros(design.rows)
    }
}

#[cfg(test)]
#[path = "learner_tests.rs"]
mod tests;
