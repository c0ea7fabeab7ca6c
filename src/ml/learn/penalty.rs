//! The strength of the penalty: the one given, that of an earlier model, none where none is needed, or the one that answers
//! rows held back best.

use std::sync::Arc;

use super::certificate::Certificate;
use super::curvature::Curvature;
use super::dense;
use super::design::{Design, Targets};
use super::earlier::Earlier;
use super::learner::{Data, SolverReport};
use super::objective::outputs;
use super::params::{CheckedLearnParams, LearnError};
use super::search::{Search, choose};
use crate::ml::observe::Observer;

/// Rows for each column from which on a dense regression needs no penalty.
const ROWS_A_COLUMN: usize = 10;

/// The strength of the penalty and what is known of it.
pub(super) struct Penalty {
    pub(super) l2: f64,
    /// Weights found on a part of the rows.
    pub(super) start: Option<Vec<f64>>,
    /// What the loss curves near there.
    pub(super) curvature: Option<Arc<Curvature>>,
    /// What multiplies it for each feature.
    pub(super) factors: Option<Vec<f64>>,
    pub(super) search: Option<Search>,
    pub(super) losses: Option<Vec<f64>>,
    pub(super) notes: Vec<String>,
}

impl Penalty {
    /// The penalty: the one given, none where none is needed, or the one that answers held-back rows best.
    pub(super) fn of(
        params: &CheckedLearnParams,
        data: &Data,
        earlier: Option<&Earlier>,
        observer: &mut dyn Observer,
    ) -> Result<Self, LearnError> {
        let (design, targets) = (&data.records, &data.targets);
        let mut penalty = Self {
            l2: 1.0 / design.rows as f64,
            start: None,
            curvature: None,
            factors: None,
            search: None,
            losses: None,
            notes: params.shuffle.iter().map(|shuffle| shuffle.note()).collect(),
        };
        if let Some(l2) = params.l2 {
            penalty.l2 = l2;
        } else if let Some(earlier) = earlier {
            (penalty.l2, penalty.factors) = earlier.penalty(design);
            penalty.search = earlier.search(design);
            penalty.notes.extend(earlier.note());
        } else if data.weights().is_none() && needs_no_penalty(design, targets, &mut penalty.notes) {
            penalty.l2 = 0.0;
        } else if let Some(choice) = choose(design, targets, data.weights(), observer)? {
            penalty.l2 = choice.l2;
            penalty.start = Some(choice.start);
            penalty.curvature = choice.curvature;
            penalty.factors = choice.factors;
            penalty.losses = Some(choice.losses);
            penalty.search = Some(choice.search);
        }
        let parameters = (design.features() + 1) * outputs(targets);
        let known = earlier.and_then(|earlier| earlier.beta.clone());
        penalty.start = penalty.start.or(known.filter(|beta| beta.len() == parameters));
        Ok(penalty)
    }

    /// Puts the weights through the line that the search found, if it pays, and says so.
    pub(super) fn mend(&mut self, beta: &mut [f64]) {
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
    pub(super) fn report(self, learner: &str, stopped: &str, certificate: Certificate) -> SolverReport {
        SolverReport {
            learner: learner.into(),
            l2: self.l2,
            l1: None,
            used: None,
            iterations: 0,
            passes: 0,
            stopped: stopped.into(),
            certificate,
            notes: self.notes,
            search: self.search,
        }
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
