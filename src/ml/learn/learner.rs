//! Chooses the solver, lets it work, and has its weights judged.

use std::ops::ControlFlow;

use linfa::DatasetBase;
use linfa::traits::{Fit, PredictInplace};
use ndarray::Array1;
use serde::{Deserialize, Serialize};

use super::certificate::{Certificate, RELATIVE_GAP};
use super::dense;
use super::design::{Design, Targets};
use super::lbfgs::{Solution, Stop, minimise};
use super::newton::polish;
use super::objective::{Objective, outputs, single_margin};
use super::params::{CheckedLearnParams, Guarded, LearnError, LearnParams};
use super::search::{Search, choose};
use super::shards::Shards;
use crate::ml::observe::{Observer, Silent, Stage};

/// Rows for each column from which on a dense regression needs no penalty.
const ROWS_A_COLUMN: usize = 10;

/// How near L-BFGS comes, relative to the objective and by its own estimate, before Newton steps take over.
const NEAR: f64 = 1e-4;

/// Designs up to this size are solved more closely.
const SMALL_BYTES: usize = 16 << 20;

/// What a report says of a fit that a time budget cut short.
pub const OUT_OF_TIME: &str = "time_budget";

/// Weights that were found, with the account of how.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// Weights of one feature lie together, the intercepts follow after the last feature.
    pub beta: Vec<f64>,
    /// Scores a row has.
    pub outputs: usize,
    /// What each row held back lost, where there are few rows and the search looked at them.
    pub losses: Option<Vec<f64>>,
    /// How they were found and how good they are.
    pub report: SolverReport,
}

/// The account of a fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SolverReport {
    /// `lbfgs` (ours), `linfa-linear` or `linfa-logistic`.
    pub learner: String,
    /// Penalty used; where groups of features have their own (see `search`), that of all features as one group.
    pub l2: f64,
    /// Iterations of our engine; 0 when linfa's answer was accepted.
    pub iterations: u32,
    /// Passes of our engine over the data, those of the certificate left out.
    pub passes: u32,
    /// Why it ended: `converged`, `stalled` (at the limit of floating point), `iterations`,
    /// `time_budget`.
    pub stopped: String,
    /// What holds at the weights.
    pub certificate: Certificate,
    /// Remarks for people.
    pub notes: Vec<String>,
    /// How the penalty was chosen, when nobody gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
}

/// Fits `params` to `data` and reports progress. The same as linfa's `fit`, which cannot report.
pub fn fit_observed(
    params: &LearnParams,
    data: &DatasetBase<Design, Targets>,
    observer: &mut dyn Observer,
) -> Result<Fitted, LearnError> {
    watched(&Guarded::try_from(params)?.0, data, observer)
}

fn watched(
    params: &CheckedLearnParams,
    data: &DatasetBase<Design, Targets>,
    observer: &mut dyn Observer,
) -> Result<Fitted, LearnError> {
    let mut watch = Watch {
        shards: &data.records.shards,
        observer,
    };
    let fitted = params.fit_observed(data, &mut watch);
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

impl CheckedLearnParams {
    fn fit_observed(
        &self,
        data: &DatasetBase<Design, Targets>,
        observer: &mut dyn Observer,
    ) -> Result<Fitted, LearnError> {
        let (design, targets) = (&data.records, &data.targets);
        if design.rows == 0 || targets.len() != design.rows {
            return Err(LearnError::NoRows);
        }
        // Said here, because not every solver gets as far as our engine, which reports each iteration.
        if let ControlFlow::Break(()) = observer.report(Stage::Solve, 0, self.max_iterations.into()) {
            return Err(LearnError::Stopped);
        }
        let mut penalty = self.penalty(design, targets, observer)?;
        let (l2, mut start, factors) = (penalty.l2, penalty.start.take(), penalty.factors.take());
        // linfa knows only one penalty for all features.
        let by_linfa = if factors.is_none() {
            dense::fit(design, targets, l2)
        } else {
            None
        };
        if let Some(found) = by_linfa {
            let certificate = Certificate::at(&Objective::new(design, targets, l2), &found.beta, None);
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
        let objective = Objective::new(design, targets, l2).shaped(factors.as_deref());
        let start = start.unwrap_or_else(|| objective.start());
        let solution = self.solve(&objective, start, tolerance(design), observer);
        let (mut solution, gap) = solution.ok_or(LearnError::Stopped)?;
        centre_intercepts(&mut solution.beta, objective.outputs());
        let certificate = Certificate::at(&objective, &solution.beta, gap);
        if !certificate.objective.is_finite() || !certificate.gap.is_finite() {
            return Err(LearnError::NotFinite);
        }
        if !certificate.certified {
            penalty.notes.push(uncertified(solution.iterations, &certificate));
        }
        penalty.mend(&mut solution.beta);
        let stopped = match solution.stop {
            Stop::Converged => "converged",
            Stop::Stalled => "stalled",
            Stop::OutOfTime => OUT_OF_TIME,
            Stop::Iterations | Stop::Cancelled => "iterations",
        };
        let losses = penalty.losses.take();
        let report = SolverReport {
            iterations: solution.iterations,
            passes: solution.passes,
            ..penalty.report("lbfgs", stopped, certificate)
        };
        Ok(fitted(solution.beta, losses, report, targets))
    }

    /// L-BFGS to where it slows down, then Newton steps to the minimum, and how far the objective is above it where that
    /// is known; `None` when it was stopped.
    fn solve(
        &self,
        objective: &Objective<'_>,
        start: Vec<f64>,
        tolerance: f64,
        observer: &mut dyn Observer,
    ) -> Option<(Solution, Option<f64>)> {
        let near = minimise(objective, start, NEAR, self.max_iterations, observer);
        match near.stop {
            Stop::Cancelled => return None,
            Stop::OutOfTime | Stop::Iterations => return Some((near, None)),
            Stop::Converged | Stop::Stalled => {}
        }
        let left = self.max_iterations - near.iterations;
        let polished = polish(objective, near.beta, tolerance, left, observer);
        let solution = Solution {
            beta: polished.beta,
            iterations: near.iterations + polished.steps,
            passes: near.passes + polished.passes,
            stop: polished.stop,
        };
        (solution.stop != Stop::Cancelled).then_some((solution, polished.gap))
    }

    /// The penalty: the one given, none where none is needed, or the one that answers held-back rows best.
    fn penalty(
        &self,
        design: &Design,
        targets: &Targets,
        observer: &mut dyn Observer,
    ) -> Result<Penalty, LearnError> {
        let mut penalty = Penalty {
            l2: 1.0 / design.rows as f64,
            start: None,
            factors: None,
            search: None,
            losses: None,
            notes: Vec::new(),
        };
        if let Some(l2) = self.l2 {
            penalty.l2 = l2;
        } else if needs_no_penalty(design, targets, &mut penalty.notes) {
            penalty.l2 = 0.0;
        } else if let Some(choice) = choose(design, targets, observer)? {
            penalty.l2 = choice.l2;
            penalty.start = Some(choice.start);
            penalty.factors = choice.factors;
            penalty.losses = Some(choice.losses);
            penalty.search = Some(choice.search);
        }
        Ok(penalty)
    }
}

/// The strength of the penalty and what is known of it.
struct Penalty {
    l2: f64,
    /// Weights found on a part of the rows.
    start: Option<Vec<f64>>,
    /// What multiplies it for each feature.
    factors: Option<Vec<f64>>,
    search: Option<Search>,
    losses: Option<Vec<f64>>,
    notes: Vec<String>,
}

impl Penalty {
    /// Puts the weights through the line that the search found, if it pays, and says so.
    fn mend(&mut self, beta: &mut [f64]) {
        let Some(calibration) = self
            .search
            .as_ref()
            .and_then(|search| search.calibration.as_ref())
        else {
            return;
        };
        calibration.apply(beta);
        self.notes.extend(calibration.note());
    }

    /// The report of a fit that took no iterations of ours.
    fn report(self, learner: &str, stopped: &str, certificate: Certificate) -> SolverReport {
        SolverReport {
            learner: learner.into(),
            l2: self.l2,
            iterations: 0,
            passes: 0,
            stopped: stopped.into(),
            certificate,
            notes: self.notes,
            search: self.search,
        }
    }
}

fn fitted(beta: Vec<f64>, losses: Option<Vec<f64>>, report: SolverReport, targets: &Targets) -> Fitted {
    Fitted {
        beta,
        outputs: outputs(targets),
        losses,
        report,
    }
}

/// How near to the minimum the engine goes, relative to the objective. Small designs cost nothing, so
/// they go on to where the weights themselves have settled; large ones to where what is left is less than chance
/// makes of a single weight. The size alone decides.
fn tolerance(design: &Design) -> f64 {
    if design.bytes() <= SMALL_BYTES {
        1e-12
    } else {
        RELATIVE_GAP
    }
}

/// Whether a small regression over few dense columns, of which none is a sum of others, does without a penalty.
fn needs_no_penalty(design: &Design, targets: &Targets, notes: &mut Vec<String>) -> bool {
    let narrow = dense::is_small(design) && design.rows >= ROWS_A_COLUMN * design.dense;
    if !narrow || !matches!(targets, Targets::Values(_)) {
        return false;
    }
    if dense::has_full_rank(design) {
        return true;
    }
    notes.push(
        "some columns are copies or sums of others; a small penalty (l2) shares the weight among them".into(),
    );
    false
}

/// Scores of several classes do not change when all intercepts move together; they are made to sum to
/// zero so that the same model has the same numbers.
fn centre_intercepts(beta: &mut [f64], outputs: usize) {
    if outputs > 1 {
        let first = beta.len() - outputs;
        let mean = beta[first..].iter().sum::<f64>() / outputs as f64;
        beta[first..].iter_mut().for_each(|b| *b -= mean);
    }
}

fn uncertified(iterations: u32, certificate: &Certificate) -> String {
    format!(
        "the weights are not certified: after {iterations} iterations the objective may still be {:.1e} above its minimum; allow more iterations (max_iterations) or a stronger penalty (l2)",
        certificate.gap
    )
}

impl Fit<Design, Targets, LearnError> for CheckedLearnParams {
    type Object = Fitted;

    fn fit(&self, dataset: &DatasetBase<Design, Targets>) -> Result<Fitted, LearnError> {
        watched(self, dataset, &mut Silent)
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
