//! Chooses the strength of the penalty, on rows that were not used to find the weights.
//!
//! How strong the penalties of the groups of features are among each other follows from the evidence
//! (`evidence.rs`), which needs no held-back rows but counts features as if they did not overlap. So all strengths
//! are then multiplied by common factors, from 1 to where held-back rows are answered best, each try starting from the
//! weights of the one before. Few rows are judged by cross-validation, many by one part. Everything follows from the
//! rows, so the choice is the same on any machine; only a time budget cuts it short.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::design::{Design, Targets};
use super::evidence::Strengths;
use super::lbfgs::{Stop, minimise};
use super::objective::Objective;
use super::params::LearnError;
use crate::ml::hash::unit;
use crate::ml::observe::{Observer, Stage};

/// Parts into which the rows are divided.
const FOLDS: usize = 5;
/// Up to so many rows every part has its turn; beyond, one part says enough.
const FEW_ROWS: usize = 20_000;
/// Rows that are looked at, about: more would not choose better.
const MOST_ROWS: f64 = 250_000.0;
/// The strength of every group to begin with, times the rows.
const FIRST: f64 = 30.0;
/// Times the strengths follow from the evidence at the weights found with those before.
const ROUNDS: usize = 4;
/// The same on all rows, once it is known from a part of them.
const LAST_ROUNDS: usize = 2;
/// How closely the weights are found that the evidence is taken from, relative to the objective.
const ROUGH: f64 = 1e-3;
/// Factors that are tried are a half of a power of ten apart.
const STEP: f64 = 3.162_277_660_168_379_5;
/// Smallest and largest factor.
const SMALLEST: f64 = 1e-4;
const LARGEST: f64 = 1e4;
/// How closely the weights of a try are found, relative to the objective: far closer than tries differ.
const TOLERANCE: f64 = 1e-4;
/// Iterations for one try.
const ITERATIONS: u32 = 60;
/// Seed of the division of the rows.
const SEED: u64 = 0x7365_6172_6368;

/// How one factor fared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// What the strengths by the evidence were multiplied by.
    pub factor: f64,
    /// Mean loss on rows that were not used: logistic or softmax loss, or half the squared error.
    pub loss: f64,
    /// Standard error of that mean.
    pub error: f64,
}

/// The penalty of a group of features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupPenalty {
    /// The term of the recipe that the features come from, or what they have in common.
    pub group: String,
    /// Strength of their penalty.
    pub l2: f64,
}

/// How the penalty was chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Parts that had their turn as the rows to judge by, each a fifth of the rows.
    pub folds: u32,
    /// What was tried, the largest factor first.
    pub tried: Vec<Tried>,
    /// What was chosen for each group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupPenalty>,
    /// Passes over the data.
    pub passes: u32,
}

/// What the search settled on.
pub struct Choice {
    /// The strength, if all features were one group.
    pub l2: f64,
    /// What multiplies it for each feature; `None` where all features are one group.
    pub factors: Option<Vec<f64>>,
    /// Weights found with it on a part of the rows: a good start for all of them.
    pub start: Vec<f64>,
    /// How it was found.
    pub search: Search,
}

/// Chooses the strength of the penalty. `None` when there are too few rows to hold some back, or no time.
pub fn choose(
    design: &Design,
    targets: &Targets,
    observer: &mut dyn Observer,
) -> Result<Option<Choice>, LearnError> {
    if design.rows < 2 * FOLDS {
        return Ok(None);
    }
    let mut path = Path::new(design, targets);
    if !path.weigh(observer)? {
        return Ok(None);
    }
    if path.walk(1.0, f64::INFINITY, observer)? && path.has_groups() {
        // The evidence counts features as if they did not overlap. Where that misleads, one strength does better.
        let mut even = path.evened();
        even.walk(path.factor(), path.loss(), observer)?;
        if even.loss() < path.loss() {
            path = even;
        } else {
            path.passes = even.passes;
        }
    }
    path.settle(observer)
}

/// One division of the rows, with the weights found last.
#[derive(Clone)]
struct Fold {
    inside: Vec<f32>,
    outside: Vec<f32>,
    beta: Vec<f64>,
    strengths: Strengths,
}

impl Fold {
    fn new(design: &Design, targets: &Targets, fold: usize) -> Self {
        let parts = FOLDS as f64 * (design.rows as f64 / MOST_ROWS).max(1.0);
        // The part of a row; those from [`FOLDS`] on are not looked at.
        let part = |row: usize| (unit(SEED, row as u64) * parts) as usize;
        let weights = |is_in: &dyn Fn(usize) -> bool| -> Vec<f32> {
            let weight = |row| f32::from(u8::from(is_in(part(row))));
            (0..design.rows).map(weight).collect()
        };
        let inside = weights(&|part| part != fold && part < FOLDS);
        let beta = Objective::weighted(design, targets, &inside, 0.0).start();
        Self {
            inside,
            outside: weights(&|part| part == fold),
            beta,
            strengths: Strengths::even(design, FIRST),
        }
    }
}

/// Factors that were tried with the same strengths.
struct Path<'a> {
    design: &'a Design,
    targets: &'a Targets,
    folds: Vec<Fold>,
    tried: Vec<Tried>,
    /// The best of them, with the weights of each fold.
    best: Option<(Tried, Vec<Vec<f64>>)>,
    passes: u32,
}

impl<'a> Path<'a> {
    fn new(design: &'a Design, targets: &'a Targets) -> Self {
        let turns = if design.rows <= FEW_ROWS { FOLDS } else { 1 };
        Self {
            design,
            targets,
            folds: (0..turns).map(|fold| Fold::new(design, targets, fold)).collect(),
            tried: Vec::new(),
            best: None,
            passes: 0,
        }
    }

    /// The same folds with one strength for all groups in each, and the best weights so far.
    fn evened(&self) -> Self {
        let mut folds = self.folds.clone();
        let best = self.best.iter().flat_map(|(_, weights)| weights);
        for (fold, beta) in folds.iter_mut().zip(best) {
            fold.strengths = Strengths::even(self.design, fold.strengths.of_all);
            fold.beta.clone_from(beta);
        }
        Self {
            folds,
            tried: Vec::new(),
            best: None,
            ..*self
        }
    }

    fn has_groups(&self) -> bool {
        self.design.groups.names.len() > 1
    }

    fn factor(&self) -> f64 {
        self.best.as_ref().map_or(1.0, |(best, _)| best.factor)
    }

    fn loss(&self) -> f64 {
        self.best.as_ref().map_or(f64::INFINITY, |(best, _)| best.loss)
    }

    /// Works out the strengths of each fold from the evidence in it; false when time is out.
    fn weigh(&mut self, observer: &mut dyn Observer) -> Result<bool, LearnError> {
        let mut folds = std::mem::take(&mut self.folds);
        for fold in &mut folds {
            if !self.weigh_fold(fold, ROUNDS, observer)? {
                return Ok(false);
            }
        }
        self.folds = folds;
        Ok(true)
    }

    fn weigh_fold(
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
            fold.strengths = Strengths::at(&inside, self.design, self.targets, &fold.beta);
            self.passes += 1 + u32::from(matches!(self.targets, Targets::Values(_)));
        }
        Ok(true)
    }

    /// Tries factors from `first` down, and up where less is not better, until they are worse; only the first when that
    /// does not do better than `rival`. False when time is out.
    fn walk(&mut self, first: f64, rival: f64, observer: &mut dyn Observer) -> Result<bool, LearnError> {
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
                let Some(tried) = self.attempt(&mut folds, factor, observer)? else {
                    self.folds = folds;
                    return Ok(false);
                };
                worse = if self.add(tried, &folds) { 0 } else { worse + 1 };
                if at_first.is_empty() {
                    at_first = folds.iter().map(|fold| fold.beta.clone()).collect();
                    if tried.loss >= rival {
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
        if let ControlFlow::Break(()) = observer.report(Stage::Solve, self.tried.len() as u64, 0) {
            return Err(LearnError::Stopped);
        }
        let mut inside = Objective::weighted(self.design, self.targets, &fold.inside, 0.0);
        inside.l2 = factor / inside.total();
        let inside = inside.shaped(Some(factors));
        let start = std::mem::take(&mut fold.beta);
        let found = minimise(&inside, start, tolerance, ITERATIONS, observer);
        self.passes += found.passes;
        fold.beta = found.beta;
        match found.stop {
            Stop::Cancelled => Err(LearnError::Stopped),
            Stop::OutOfTime => Ok(false),
            Stop::Converged | Stop::Stalled | Stop::Iterations => Ok(true),
        }
    }

    /// Finds weights on each fold and judges them on its other rows; `None` when time is out.
    fn attempt(
        &mut self,
        folds: &mut [Fold],
        factor: f64,
        observer: &mut dyn Observer,
    ) -> Result<Option<Tried>, LearnError> {
        let (mut loss, mut squares, mut count) = (0.0, 0.0, 0.0);
        for fold in folds {
            let factors = fold.strengths.of_features(self.design);
            if !self.fit(fold, &factors, factor, TOLERANCE, observer)? {
                return Ok(None);
            }
            let outside = Objective::weighted(self.design, self.targets, &fold.outside, 0.0);
            let (mean, square) = outside.losses(&fold.beta);
            self.passes += 1;
            loss += mean * outside.total();
            squares += square * outside.total();
            count += outside.total();
        }
        let loss = loss / count;
        Ok(Some(Tried {
            factor,
            loss,
            error: ((squares / count - loss * loss).max(0.0) / count).sqrt(),
        }))
    }

    /// Notes a try; true when it is the best so far.
    fn add(&mut self, tried: Tried, folds: &[Fold]) -> bool {
        let is_better = tried.loss < self.loss();
        if is_better {
            self.best = Some((tried, folds.iter().map(|fold| fold.beta.clone()).collect()));
        }
        let at = self.tried.partition_point(|other| other.factor > tried.factor);
        self.tried.insert(at, tried);
        is_better
    }

    fn settle(mut self, observer: &mut dyn Observer) -> Result<Option<Choice>, LearnError> {
        let Some((best, weights)) = self.best.take() else {
            return Ok(None);
        };
        let start = weights.into_iter().next().unwrap_or_default();
        let all: Vec<&Strengths> = self.folds.iter().map(|fold| &fold.strengths).collect();
        let mut whole = Fold {
            inside: vec![1.0; self.design.rows],
            outside: Vec::new(),
            beta: start,
            strengths: Strengths::mean(&all),
        };
        let is_even = whole.strengths.is_even();
        if self.design.rows as f64 > MOST_ROWS && !is_even {
            self.weigh_fold(&mut whole, LAST_ROUNDS, observer)?;
        }
        let factor = finest(&self.tried, best);
        let l2_of = |strength: f64| factor * strength / self.design.rows as f64;
        let groups = self.design.groups.names.iter().zip(&whole.strengths.of_group);
        let groups = groups.filter(|_| !is_even).map(|(name, &strength)| GroupPenalty {
            group: name.clone(),
            l2: l2_of(strength),
        });
        let factors = (!is_even).then(|| {
            let mut factors = whole.strengths.of_features(self.design);
            factors.iter_mut().for_each(|f| *f /= whole.strengths.of_all);
            factors
        });
        let l2 = l2_of(whole.strengths.of_all);
        Ok(Some(Choice {
            l2,
            factors,
            search: Search {
                folds: self.folds.len() as u32,
                groups: groups.collect(),
                passes: self.passes,
                tried: self.tried,
            },
            start: whole.beta,
        }))
    }
}

/// The lowest point of the parabola through the best factor and its neighbours, on the scale of logarithms.
fn finest(tried: &[Tried], best: Tried) -> f64 {
    let at = tried
        .iter()
        .position(|one| one.factor == best.factor)
        .unwrap_or_default();
    let neighbours = at
        .checked_sub(1)
        .and_then(|at| tried.get(at))
        .zip(tried.get(at + 1));
    let Some((stronger, weaker)) = neighbours else {
        return best.factor;
    };
    let (up, down) = (stronger.loss - best.loss, weaker.loss - best.loss);
    // Both are 0 or more; where both are 0, the loss is flat and the best stays.
    let shift = if up + down > 0.0 {
        0.5 * (down - up) / (up + down)
    } else {
        0.0
    };
    best.factor * libm::pow(STEP, shift.clamp(-0.5, 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::features::FeatureVector;
    use crate::ml::hash::Stream;
    use crate::ml::learn::DesignBuilder;
    use crate::ml::learn::objective::sigmoid;
    use crate::ml::observe::Silent;

    fn tried(factor: f64, loss: f64) -> Tried {
        Tried {
            factor,
            loss,
            error: 0.0,
        }
    }

    /// Thirty numbers of which the first `telling` move the target, beside noise.
    fn table(rows: usize, telling: usize) -> (Design, Targets) {
        let mut stream = Stream::new(11);
        let mut builder = DesignBuilder::new(30, 0);
        let mut of_row = Vec::new();
        for _ in 0..rows {
            let dense: Vec<f32> = (0..30).map(|_| 3.4 * (stream.next_unit() as f32 - 0.5)).collect();
            let margin: f32 = dense[..telling].iter().sum();
            of_row.push(u32::from(stream.next_unit() < sigmoid(f64::from(margin))));
            let active = Vec::new();
            builder.push(&FeatureVector { dense, active });
        }
        (builder.build(), Targets::Classes { classes: 2, of_row })
    }

    fn times_rows(rows: usize, telling: usize) -> f64 {
        let (design, targets) = table(rows, telling);
        choose(&design, &targets, &mut Silent).unwrap().unwrap().l2 * rows as f64
    }

    #[test]
    fn noise_is_held_back_and_what_tells_is_not() {
        let (noise, signal) = (times_rows(300, 0), times_rows(300, 8));
        assert!(noise > 300.0 && signal < 30.0, "{noise} {signal}");
    }

    #[test]
    fn few_rows_take_turns_and_many_do_not() {
        for (rows, folds) in [(300, 5), (FEW_ROWS + 1, 1)] {
            let (design, targets) = table(rows, 3);
            let choice = choose(&design, &targets, &mut Silent).unwrap().unwrap();
            assert_eq!(choice.search.folds, folds);
            assert!(
                choice
                    .search
                    .tried
                    .iter()
                    .all(|tried| tried.loss > 0.0 && tried.error > 0.0)
            );
        }
        let (design, targets) = table(9, 1);
        assert!(choose(&design, &targets, &mut Silent).unwrap().is_none());
    }

    /// The losses are those of fits to the rows of each fold, found here from scratch.
    #[test]
    fn losses_are_those_of_rows_that_were_not_used() {
        let (design, targets) = table(200, 4);
        let search = choose(&design, &targets, &mut Silent).unwrap().unwrap().search;
        let tried = search.tried[search.tried.len() / 2];
        let (mut loss, mut rows) = (0.0, 0.0);
        for fold in 0..FOLDS {
            let mut fold = Fold::new(&design, &targets, fold);
            let mut path = Path::new(&design, &targets);
            path.weigh_fold(&mut fold, ROUNDS, &mut Silent).unwrap();
            let mut inside = Objective::weighted(&design, &targets, &fold.inside, 0.0);
            inside.l2 = tried.factor * fold.strengths.of_group[0] / inside.total();
            let found = minimise(&inside, inside.start(), 1e-12, 500, &mut Silent);
            let outside = Objective::weighted(&design, &targets, &fold.outside, 0.0);
            loss += outside.losses(&found.beta).0 * outside.total();
            rows += outside.total();
        }
        assert_eq!(rows, 200.0);
        assert!(
            (loss / rows / tried.loss - 1.0).abs() < 2e-3,
            "{} {}",
            loss / rows,
            tried.loss
        );
    }

    #[test]
    fn the_parabola_leans_to_the_better_neighbour() {
        let path = [tried(STEP, 2.0), tried(1.0, 1.0), tried(1.0 / STEP, 1.5)];
        let found = finest(&path, path[1]);
        assert!(found < 1.0 && found > 1.0 / STEP);
        let even = [tried(STEP, 2.0), tried(1.0, 1.0), tried(1.0 / STEP, 2.0)];
        assert_eq!(finest(&even, even[1]), 1.0);
        assert_eq!(finest(&path, path[0]), STEP);
    }
}
