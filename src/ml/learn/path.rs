//! Tries factors of the penalty on divisions of the rows: finds the weights on one part, judges them on the other.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::calibration::{Calibration, Held};
use super::design::{Design, Targets};
use super::evidence::Strengths;
use super::fold::{FOLDS, Fold};
use super::gram::Gram;
use super::lbfgs::{Limits, Start, Stop, minimise};
use super::objective::{Objective, outputs};
use super::params::LearnError;
use super::search::Tried;
use crate::ml::observe::{Observer, Stage, Within};

/// Up to so many rows every part has its turn; beyond, one part says enough.
pub const FEW_ROWS: usize = 20_000;
/// Numbers and active features of all rows up to which every part has its turn; beyond, fewer and fewer.
const FEW_ENTRIES: usize = 10_000_000 * FOLDS;
/// Times the strengths follow from the evidence at the weights found with those before.
const ROUNDS: usize = 4;
/// How closely the weights are found that the evidence is taken from, relative to the objective.
const ROUGH: f64 = 1e-3;
/// Factors that are tried are a half of a power of ten apart.
pub(super) const STEP: f64 = 3.162_277_660_168_379_5;
/// A loss that is so many times the best is worse for certain, and what follows only worse still.
const CLEARLY: f64 = 1.005;
/// Losses on one part of many rows that differ by less than this share are taken for alike.
const ALIKE: f64 = 5e-4;
/// Smallest and largest factor.
const SMALLEST: f64 = 1e-4;
const LARGEST: f64 = 1e4;
/// How closely the weights of a try are found, relative to the objective: far closer than tries differ. Three times as much
/// cost messages 0.0013 of AUC.
const TOLERANCE: f64 = 1e-4;
/// Factors that are tried on each division in most cases, for people who wait.
const EXPECTED_TRIES: usize = 7;
/// Iterations for one try.
const ITERATIONS: u32 = 60;

/// The best try so far.
pub(super) struct Best {
    pub(super) tried: Tried,
    pub(super) calibration: Option<Calibration>,
    /// The weights of each fold.
    pub(super) weights: Vec<Vec<f64>>,
}

/// How a factor fared, whether the scores meant what they say, and what each row lost, where there are few.
type Attempted = (Tried, Option<Calibration>, Vec<f64>);

/// Factors that were tried with the same strengths.
pub(super) struct Path<'a> {
    pub(super) design: &'a Design,
    pub(super) targets: &'a Targets,
    pub(super) folds: Vec<Fold>,
    pub(super) tried: Vec<Tried>,
    /// For each of them what each row lost, where there are few.
    pub(super) losses: Vec<Vec<f64>>,
    pub(super) best: Option<Best>,
    pub(super) passes: u32,
    /// Fits that were begun.
    pub(super) fits: u64,
    folds_in_turn: usize,
}

impl<'a> Path<'a> {
    pub(super) fn new(
        design: &'a Design,
        targets: &'a Targets,
        weights: Option<&'a [f32]>,
        shape: Option<Arc<Vec<f64>>>,
    ) -> Self {
        let few = (FEW_ENTRIES / (design.bytes() / 4).max(1)).clamp(1, FOLDS);
        let turns = if design.rows <= FEW_ROWS { few } else { 1 };
        let fold = |fold| Fold::new(design, targets, weights, fold, shape.clone());
        Self {
            folds: (0..turns).map(fold).collect(),
            folds_in_turn: turns,
            ..Self::without_folds(design, targets)
        }
    }

    /// For rows of which none are held back.
    pub(super) fn without_folds(design: &'a Design, targets: &'a Targets) -> Self {
        Self {
            design,
            targets,
            folds: Vec::new(),
            tried: Vec::new(),
            losses: Vec::new(),
            best: None,
            passes: 0,
            fits: 0,
            folds_in_turn: 1,
        }
    }

    /// The same folds with one strength for all groups in each, and the best weights so far.
    pub(super) fn evened(&self) -> Self {
        let mut folds = self.folds.clone();
        let best = self.best.iter().flat_map(|best| &best.weights);
        for (fold, beta) in folds.iter_mut().zip(best) {
            fold.strengths = Strengths::even(self.design, fold.strengths.of_all);
            fold.beta.clone_from(beta);
        }
        Self {
            folds,
            tried: Vec::new(),
            losses: Vec::new(),
            best: None,
            ..*self
        }
    }

    /// A single group only has to start near: the walk does the rest.
    pub(super) fn rounds(&self) -> usize {
        if self.has_groups() { ROUNDS } else { 1 }
    }

    pub(super) fn has_groups(&self) -> bool {
        self.design.groups.names.len() > 1
    }

    pub(super) fn factor(&self) -> f64 {
        self.best.as_ref().map_or(1.0, |best| best.tried.factor)
    }

    pub(super) fn loss(&self) -> f64 {
        self.best
            .as_ref()
            .map_or(f64::INFINITY, |best| best.tried.judged())
    }

    /// Works out the strengths of each fold from the evidence in it; false when time is out.
    pub(super) fn weigh(&mut self, observer: &mut dyn Observer) -> Result<bool, LearnError> {
        let mut folds = std::mem::take(&mut self.folds);
        let rounds = self.rounds();
        for fold in &mut folds {
            if !self.weigh_fold(fold, rounds, observer)? {
                return Ok(false);
            }
        }
        self.folds = folds;
        Ok(true)
    }

    pub(super) fn weigh_fold(
        &mut self,
        fold: &mut Fold,
        rounds: usize,
        observer: &mut dyn Observer,
    ) -> Result<bool, LearnError> {
        for _ in 0..rounds {
            let factors = fold.strengths.of_features(self.design);
            if !self.fit(fold, &factors, 1.0, ROUGH, observer)? {
                return Ok(false);
            }
            let mut inside = Objective::weighted(self.design, self.targets, &fold.inside, 0.0);
            inside.l2 = 1.0 / inside.total();
            let inside = inside.shaped(Some(&factors));
            let mut diagonal = match fold.gram.get().and_then(Option::as_ref) {
                Some(gram) => gram.diagonal(),
                None => {
                    let curvature = fold.curvature.insert(Arc::new(inside.curvature(&fold.beta)));
                    curvature.diagonal.clone()
                }
            };
            inside.add_penalties(&mut diagonal);
            let strengths = fold
                .strengths
                .at(&inside, self.design, self.targets, &fold.beta, &diagonal);
            let is_settled = strengths.is_near(&fold.strengths);
            fold.strengths = strengths;
            let is_gram = fold.gram.get().is_some_and(Option::is_some);
            self.passes += u32::from(!is_gram) + u32::from(matches!(self.targets, Targets::Values(_)));
            // Few rows are soon gone through, and each round may change what is chosen.
            if is_settled && self.design.rows > FEW_ROWS {
                break;
            }
        }
        Ok(true)
    }

    /// Tries factors from `first` down, and up where less is not better, until they are worse; only the first when that
    /// does not do better than `rival`. False when time is out.
    pub(super) fn walk(
        &mut self,
        first: f64,
        rival: f64,
        observer: &mut dyn Observer,
    ) -> Result<bool, LearnError> {
        // Many rows leave little to chance: the first that is worse ends the way.
        let patience = if self.folds.len() == 1 { 1 } else { 2 };
        let mut folds = std::mem::take(&mut self.folds);
        let mut at_first = Vec::new();
        for step in [1.0 / STEP, STEP] {
            let (mut factor, mut worse) = (first, 0);
            if !at_first.is_empty() {
                factor = first * step;
                let back = folds.iter_mut().zip(&at_first);
                back.for_each(|(fold, beta): (&mut Fold, &Vec<f64>)| fold.beta.clone_from(beta));
            }
            while worse < patience && (SMALLEST..=LARGEST).contains(&factor) {
                let Some((tried, calibration, losses)) = self.attempt(&mut folds, factor, observer)? else {
                    self.folds = folds;
                    return Ok(false);
                };
                let is_clear = tried.judged() > CLEARLY * self.loss();
                worse = match self.add(tried, calibration, losses, &folds) {
                    true => 0,
                    false if is_clear => patience,
                    false => worse + 1,
                };
                if at_first.is_empty() {
                    at_first = folds.iter().map(|fold| fold.beta.clone()).collect();
                    if tried.judged() >= rival {
                        self.folds = folds;
                        return Ok(true);
                    }
                }
                factor *= step;
            }
            if self.factor() < first {
                break;
            }
        }
        self.folds = folds;
        Ok(true)
    }

    /// Finds the weights of a fold; false when time is out.
    fn fit(
        &mut self,
        fold: &mut Fold,
        factors: &[f64],
        factor: f64,
        tolerance: f64,
        observer: &mut dyn Observer,
    ) -> Result<bool, LearnError> {
        let expected = self.folds_in_turn * (self.rounds() + EXPECTED_TRIES);
        let mut observer = Within {
            observer,
            stage: Stage::Search,
            done: self.fits,
            total: (expected as u64).max(self.fits + 1),
        };
        self.fits += 1;
        if let ControlFlow::Break(()) = observer.report(Stage::Search, 0, 0) {
            return Err(LearnError::Stopped);
        }
        let mut inside = Objective::weighted(self.design, self.targets, &fold.inside, 0.0);
        inside.l2 = factor / inside.total();
        let inside = inside.shaped(Some(factors));
        let beta = std::mem::take(&mut fold.beta);
        let is_new = fold.gram.get().is_none();
        let gram = fold.gram.get_or_init(|| Gram::of(&inside).map(Arc::new));
        self.passes += u32::from(is_new && gram.is_some());
        let found = match gram {
            Some(gram) => {
                gram.minimise(
                    &inside,
                    beta,
                    tolerance,
                    Limits::of_iterations(ITERATIONS),
                    &mut observer,
                )
                .0
            }
            None => {
                let known = fold.curvature.as_ref();
                let preconditioner = known.map(|known| inside.preconditioner_of(known));
                let start = Start { beta, preconditioner };
                minimise(&inside, start, tolerance, ITERATIONS, &mut observer)
            }
        };
        self.passes += found.passes;
        fold.beta = found.beta;
        match found.stop {
            Stop::Cancelled => Err(LearnError::Stopped),
            Stop::OutOfTime => Ok(false),
            Stop::Converged | Stop::Stalled | Stop::Iterations | Stop::Passes => Ok(true),
        }
    }

    /// Finds weights on each fold and judges them on its other rows; `None` when time is out.
    pub(super) fn attempt(
        &mut self,
        folds: &mut [Fold],
        factor: f64,
        observer: &mut dyn Observer,
    ) -> Result<Option<Attempted>, LearnError> {
        let mut held = Held::default();
        let (mut loss, mut squares, mut count) = (0.0, 0.0, 0.0);
        for fold in folds {
            let factors = fold.strengths.of_features(self.design);
            if !self.fit(fold, &factors, factor, TOLERANCE, observer)? {
                return Ok(None);
            }
            let outside = Objective::weighted(self.design, self.targets, &fold.outside, 0.0);
            let (mean, square) = outside.losses(&fold.beta);
            held.append(outside.held(&fold.beta));
            self.passes += 2;
            loss += mean * outside.total();
            squares += square * outside.total();
            count += outside.total();
        }
        let loss = loss / count;
        let calibration = Calibration::of(&held, self.targets, outputs(self.targets));
        let mended = calibration.as_ref().and_then(|line| line.judged(self.targets));
        let tried = Tried {
            factor,
            loss,
            error: ((squares / count - loss * loss).max(0.0) / count).sqrt(),
            mended: mended.map(|change| loss * change),
        };
        let losses = if self.design.rows <= FEW_ROWS {
            held.losses(self.targets, outputs(self.targets))
        } else {
            Vec::new()
        };
        Ok(Some((tried, calibration, losses)))
    }

    /// Whether a try takes the place of the best one. Where one part of many rows judges, what differs by less than chance
    /// goes to the stronger penalty: rows that are yet to come differ more from those at hand than those among each other.
    fn is_better(&self, tried: &Tried) -> bool {
        let is_many = self.design.rows > FEW_ROWS;
        let Some(best) = self.best.as_ref().filter(|_| is_many) else {
            return tried.judged() < self.loss();
        };
        let least = self.tried.iter().map(Tried::judged).fold(f64::INFINITY, f64::min);
        match tried.factor > best.tried.factor {
            true => tried.judged() < least * (1.0 + ALIKE),
            false => tried.judged() < self.loss() * (1.0 - ALIKE),
        }
    }

    /// Notes a try; true when it is the best so far.
    fn add(
        &mut self,
        tried: Tried,
        calibration: Option<Calibration>,
        losses: Vec<f64>,
        folds: &[Fold],
    ) -> bool {
        let is_better = self.is_better(&tried);
        if is_better {
            self.best = Some(Best {
                tried,
                calibration,
                weights: folds.iter().map(|fold| fold.beta.clone()).collect(),
            });
        }
        let at = self.tried.partition_point(|other| other.factor > tried.factor);
        self.tried.insert(at, tried);
        self.losses.insert(at, losses);
        is_better
    }
}
