//! Chooses the strength of the penalty: the one whose weights, found on a part of the rows, answer the other rows best.
//!
//! Strengths are tried from strong to weak, each starting from the weights of the one before (a path with warm
//! starts, Friedman, Hastie and Tibshirani 2010), until two in a row are worse than the best; when the first is the
//! best, stronger ones follow. Few rows are judged by cross-validation, many by one part. Everything follows from the
//! rows, so the choice is the same on any machine; only a time budget cuts it short.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::design::{Design, Targets};
use super::lbfgs::{Stop, minimise};
use super::objective::Objective;
use super::params::LearnError;
use crate::ml::hash::unit;
use crate::ml::observe::{Observer, Stage};

/// Parts into which the rows are divided.
const FOLDS: usize = 5;
/// Up to so many rows every part has its turn; beyond, one part says enough.
const FEW_ROWS: usize = 20_000;
/// Strengths are a half of a power of ten apart.
const STEP: f64 = 3.162_277_660_168_379_5;
/// Times the rows: the first strength, and the weakest and strongest.
const FIRST: f64 = 100.0;
const WEAKEST: f64 = 1e-3;
const STRONGEST: f64 = 1e6;
/// Strengths in a row that are worse than the best before the search ends.
const PATIENCE: usize = 2;
/// How closely the weights of a try are found, relative to the objective: far closer than tries differ.
const TOLERANCE: f64 = 1e-4;
/// Iterations for one try.
const ITERATIONS: u32 = 60;
/// Seed of the division of the rows.
const SEED: u64 = 0x7365_6172_6368;

/// How one strength fared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The strength for all rows.
    pub l2: f64,
    /// Mean loss on rows that were not used: logistic or softmax loss, or half the squared error.
    pub loss: f64,
    /// Standard error of that mean.
    pub error: f64,
}

/// How the penalty was chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Parts that had their turn as the rows to judge by, each a fifth of the rows.
    pub folds: u32,
    /// What was tried, strongest first.
    pub tried: Vec<Tried>,
    /// Passes over the data.
    pub passes: u32,
}

/// What the search settled on.
pub struct Choice {
    /// The strength.
    pub l2: f64,
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
    let turns = if design.rows <= FEW_ROWS { FOLDS } else { 1 };
    let mut folds: Vec<Fold> = (0..turns).map(|fold| Fold::new(design, targets, fold)).collect();
    let mut path = Path::default();
    let mut times_rows = FIRST;
    // From the first strength down, then up from it.
    for factor in [1.0 / STEP, STEP] {
        while (WEAKEST..=STRONGEST).contains(&times_rows) && path.goes_on(factor < 1.0) {
            let Some(tried) = path.attempt(design, targets, &mut folds, times_rows, observer)? else {
                return Ok(path.settle(design, turns));
            };
            path.add(tried, &folds, factor < 1.0);
            times_rows *= factor;
        }
        if !path.first_is_best() {
            break;
        }
        times_rows = FIRST * STEP;
        folds.iter_mut().for_each(Fold::back_to_first);
        path.since_best = 0;
    }
    Ok(path.settle(design, turns))
}

/// One division of the rows, with the weights found last.
struct Fold {
    inside: Vec<f32>,
    outside: Vec<f32>,
    beta: Vec<f64>,
    first: Vec<f64>,
}

impl Fold {
    fn new(design: &Design, targets: &Targets, fold: usize) -> Self {
        let is_outside = |row: usize| (unit(SEED, row as u64) * FOLDS as f64) as usize == fold;
        let outside: Vec<f32> = (0..design.rows)
            .map(|row| f32::from(u8::from(is_outside(row))))
            .collect();
        let inside: Vec<f32> = outside.iter().map(|weight| 1.0 - weight).collect();
        let beta = Objective::weighted(design, targets, &inside, 0.0).start();
        Self {
            inside,
            outside,
            beta,
            first: Vec::new(),
        }
    }

    fn back_to_first(&mut self) {
        self.beta.clone_from(&self.first);
    }
}

#[derive(Default)]
struct Path {
    tried: Vec<Tried>,
    best: Option<(Tried, Vec<f64>)>,
    since_best: usize,
    passes: u32,
}

impl Path {
    fn goes_on(&self, weaker: bool) -> bool {
        self.since_best < if weaker { PATIENCE } else { 1 }
    }

    fn first_is_best(&self) -> bool {
        let first = self.tried.first().map(|tried| tried.l2);
        first.is_some() && self.best.as_ref().map(|(tried, _)| tried.l2) == first
    }

    /// Finds weights on each fold and judges them on its other rows; `None` when time is out.
    fn attempt(
        &mut self,
        design: &Design,
        targets: &Targets,
        folds: &mut [Fold],
        times_rows: f64,
        observer: &mut dyn Observer,
    ) -> Result<Option<Tried>, LearnError> {
        let (mut loss, mut squares, mut count) = (0.0, 0.0, 0.0);
        for fold in folds {
            if let ControlFlow::Break(()) = observer.report(Stage::Solve, self.tried.len() as u64, 0) {
                return Err(LearnError::Stopped);
            }
            let mut inside = Objective::weighted(design, targets, &fold.inside, 0.0);
            inside.l2 = times_rows / inside.total();
            let start = std::mem::take(&mut fold.beta);
            let found = minimise(&inside, start, TOLERANCE, ITERATIONS, observer);
            self.passes += found.passes + 1;
            fold.beta = found.beta;
            match found.stop {
                Stop::Cancelled => return Err(LearnError::Stopped),
                Stop::OutOfTime => return Ok(None),
                Stop::Converged | Stop::Stalled | Stop::Iterations => {}
            }
            if fold.first.is_empty() {
                fold.first.clone_from(&fold.beta);
            }
            let outside = Objective::weighted(design, targets, &fold.outside, 0.0);
            let (mean, square) = outside.losses(&fold.beta);
            loss += mean * outside.total();
            squares += square * outside.total();
            count += outside.total();
        }
        let loss = loss / count;
        Ok(Some(Tried {
            l2: times_rows / design.rows as f64,
            loss,
            error: ((squares / count - loss * loss).max(0.0) / count).sqrt(),
        }))
    }

    fn add(&mut self, tried: Tried, folds: &[Fold], weaker: bool) {
        let is_better = self.best.as_ref().is_none_or(|(best, _)| tried.loss < best.loss);
        if is_better {
            let start = folds.first().map(|fold| fold.beta.clone()).unwrap_or_default();
            self.best = Some((tried, start));
            self.since_best = 0;
        } else {
            self.since_best += 1;
        }
        if weaker {
            self.tried.push(tried);
        } else {
            self.tried.insert(0, tried);
        }
    }

    fn settle(self, design: &Design, turns: usize) -> Option<Choice> {
        let (best, start) = self.best?;
        if !best.loss.is_finite() {
            return None;
        }
        let search = Search {
            folds: turns as u32,
            passes: self.passes,
            tried: self.tried,
        };
        let l2 =
            finest(&search.tried, best).clamp(WEAKEST / design.rows as f64, STRONGEST / design.rows as f64);
        Some(Choice { l2, start, search })
    }
}

/// The lowest point of the parabola through the best strength and its neighbours, on the scale of logarithms.
fn finest(tried: &[Tried], best: Tried) -> f64 {
    let at = tried.iter().position(|one| one.l2 == best.l2).unwrap_or_default();
    let neighbours = at
        .checked_sub(1)
        .and_then(|at| tried.get(at))
        .zip(tried.get(at + 1));
    let Some((stronger, weaker)) = neighbours else {
        return best.l2;
    };
    let (up, down) = (stronger.loss - best.loss, weaker.loss - best.loss);
    // Both are 0 or more; where both are 0, the loss is flat and the best stays.
    let shift = if up + down > 0.0 {
        0.5 * (down - up) / (up + down)
    } else {
        0.0
    };
    best.l2 * libm::pow(STEP, shift.clamp(-0.5, 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::features::FeatureVector;
    use crate::ml::hash::Stream;
    use crate::ml::learn::DesignBuilder;
    use crate::ml::learn::objective::sigmoid;
    use crate::ml::observe::Silent;

    fn tried(l2: f64, loss: f64) -> Tried {
        Tried { l2, loss, error: 0.0 }
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
            let fold = Fold::new(&design, &targets, fold);
            let mut inside = Objective::weighted(&design, &targets, &fold.inside, 0.0);
            inside.l2 = tried.l2 * 200.0 / inside.total();
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
