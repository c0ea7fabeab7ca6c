//! Chooses the strength of the penalty, on rows that were not used to find the weights.
//!
//! How strong the penalties of the groups of features are among each other follows from the evidence
//! (`evidence.rs`), which needs no held-back rows but counts features as if they did not overlap. So all strengths
//! are then multiplied by common factors, from 1 to where held-back rows are answered best, each try starting from the
//! weights of the one before. Few rows are judged by cross-validation, many by one part. Everything follows from the
//! rows, so the choice is the same on any machine; only a time budget cuts it short.

use std::cell::OnceCell;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::curvature::Curvature;
use super::design::{Design, Targets};
use super::evidence::{Strengths, rarity};
use super::fold::{FOLDS, Fold, looked_at};
use super::params::LearnError;
use super::path::{Path, STEP};
use super::sample::Sample;
use crate::ml::moments::Moments;
use crate::ml::observe::Observer;

/// A factor that makes a strength next to nothing.
const NEXT_TO_NOTHING: f64 = 1e-9;
/// Times the strengths follow from the evidence on all rows, once they are known from a part of them.
const LAST_ROUNDS: usize = 2;
/// Standard errors of a difference in loss up to which a stronger penalty is taken, where rows are few.
const BY_CHANCE: f64 = 1.0;

/// How one factor fared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// What the strengths by the evidence were multiplied by.
    pub factor: f64,
    /// Mean loss on rows that were not used: logistic or softmax loss, or half the squared error.
    pub loss: f64,
    /// Standard error of that mean.
    pub error: f64,
    /// The loss once the scores are put through a line, with what the line's numbers count against it; only where that
    /// pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mended: Option<f64>,
}

impl Tried {
    /// What it is judged by.
    pub(super) fn judged(&self) -> f64 {
        self.mended.unwrap_or(self.loss)
    }
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
    /// Whether the scores of the rows to judge by meant what they say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// Passes over the data.
    pub passes: u32,
}

/// How much less the second of two ways loses on the same rows than the first, in standard errors of that difference.
pub fn advantage(first: &[f64], second: &[f64]) -> f64 {
    let mut changes = Moments::default();
    let pairs = first.iter().zip(second);
    pairs.for_each(|(first, second)| changes.add(first - second));
    let error = changes.deviation() / (changes.count.max(1) as f64).sqrt();
    if error > 0.0 { changes.mean / error } else { 0.0 }
}

/// What each row held back loses by weights that were found with next to no penalty. `None` when there are too few rows to
/// hold some back, or no time.
pub fn unpenalised_losses(
    design: &Design,
    targets: &Targets,
    weights: Option<&[f32]>,
    observer: &mut dyn Observer,
) -> Result<Option<Vec<f64>>, LearnError> {
    if design.rows < 2 * FOLDS {
        return Ok(None);
    }
    let mut path = Path::new(design, targets, weights, rarity(design));
    let mut folds = std::mem::take(&mut path.folds);
    let tried = path.attempt(&mut folds, NEXT_TO_NOTHING, observer)?;
    Ok(tried.map(|(.., losses)| losses))
}

/// What the search settled on.
pub struct Choice {
    /// The strength, if all features were one group.
    pub l2: f64,
    /// What multiplies it for each feature; `None` where all features are one group.
    pub factors: Option<Vec<f64>>,
    /// Weights found with it on a part of the rows: a good start for all of them.
    pub start: Vec<f64>,
    /// What the loss curves near there.
    pub curvature: Option<Arc<Curvature>>,
    /// What each row held back lost by the best try, where there are few rows.
    pub losses: Vec<f64>,
    /// How it was found.
    pub search: Search,
}

/// Chooses the strength of the penalty. `None` when there are too few rows to hold some back, or no time.
pub fn choose(
    design: &Design,
    targets: &Targets,
    weights: Option<&[f32]>,
    observer: &mut dyn Observer,
) -> Result<Option<Choice>, LearnError> {
    if design.rows < 2 * FOLDS {
        return Ok(None);
    }
    let all = All {
        design,
        targets,
        weights,
    };
    let sample = Sample::of(design, targets, weights);
    let choice = chosen(&all, sample.as_ref(), observer);
    if let Some(sample) = &sample {
        sample.design.check()?;
    }
    choice
}

fn chosen(
    all: &All<'_>,
    sample: Option<&Sample>,
    observer: &mut dyn Observer,
) -> Result<Option<Choice>, LearnError> {
    let shape = rarity(all.design);
    let mut path = match sample {
        Some(some) => Path::new(&some.design, &some.targets, some.weights.as_deref(), shape),
        None => Path::new(all.design, all.targets, all.weights, shape),
    };
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
    path.settle(all, observer)
}

/// All rows to learn from, of which the path may have seen a part.
struct All<'a> {
    design: &'a Design,
    targets: &'a Targets,
    weights: Option<&'a [f32]>,
}

impl Path<'_> {
    /// The strongest factor, if another than the best, that rows speak against so little that it may be chance: with few
    /// rows too weak a penalty costs more than too strong a one.
    fn cautious(&self, best: &Tried) -> Option<f64> {
        let at = self.tried.iter().position(|one| one.factor == best.factor)?;
        let of_best = &self.losses[at];
        if self.folds.len() == 1 {
            return None;
        }
        let is_alike = |losses: &[f64]| advantage(losses, of_best) <= BY_CHANCE;
        let stronger = self.tried.iter().zip(&self.losses).take(at);
        let mut alike = stronger.filter(|(one, losses)| one.mended.is_none() && is_alike(losses));
        alike.next().map(|(one, _)| one.factor)
    }

    fn settle(mut self, all: &All<'_>, observer: &mut dyn Observer) -> Result<Option<Choice>, LearnError> {
        let Some(best) = self.best.take() else {
            return Ok(None);
        };
        let start = best.weights.into_iter().next().unwrap_or_default();
        let strengths: Vec<&Strengths> = self.folds.iter().map(|fold| &fold.strengths).collect();
        let mut whole = Fold {
            inside: Arc::new(
                all.weights
                    .map_or_else(|| vec![1.0; all.design.rows], <[f32]>::to_vec),
            ),
            outside: Arc::default(),
            beta: start,
            strengths: Strengths::mean(&strengths),
            curvature: self.folds.first().and_then(|fold| fold.curvature.clone()),
            gram: OnceCell::new(),
        };
        let is_even = whole.strengths.is_even();
        // A line belongs to the scores that one penalty gives: where one is drawn, the penalty stays what it was for each
        // row of the part that it was drawn for.
        let is_mended = best.tried.mended.is_some();
        let share = match self.folds.first().filter(|_| is_mended && self.folds.len() == 1) {
            Some(fold) => sum(&whole.inside) / sum(&fold.inside),
            None => 1.0,
        };
        if looked_at(all.design.rows) < all.design.rows && !is_even && !is_mended {
            let mut last = Path::without_folds(all.design, all.targets);
            last.fits = self.fits;
            last.weigh_fold(&mut whole, LAST_ROUNDS, observer)?;
            self.passes += last.passes;
        }
        let at = self.tried.iter().position(|one| one.factor == best.tried.factor);
        let losses = at.map(|at| self.losses[at].clone()).unwrap_or_default();
        let factor = match is_mended {
            true => best.tried.factor * share,
            false => self
                .cautious(&best.tried)
                .unwrap_or_else(|| finest(&self.tried, best.tried)),
        };
        let l2_of = |strength: f64| factor * strength / all.design.rows as f64;
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
                calibration: best.calibration,
                passes: self.passes,
                tried: self.tried,
            },
            losses,
            start: whole.beta,
            curvature: whole.curvature,
        }))
    }
}

fn sum(weights: &[f32]) -> f64 {
    weights.iter().map(|&weight| f64::from(weight)).sum()
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
    let (up, down) = (stronger.judged() - best.loss, weaker.judged() - best.loss);
    // Where both are 0 the loss is flat, and where a weaker one is a little better the best was chosen for being stronger.
    let shift = if down >= 0.0 && up + down > 0.0 {
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
    use crate::ml::learn::lbfgs::minimise;
    use crate::ml::learn::objective::Objective;
    use crate::ml::learn::objective::sigmoid;
    use crate::ml::observe::Silent;

    fn tried(factor: f64, loss: f64) -> Tried {
        Tried {
            factor,
            loss,
            error: 0.0,
            mended: None,
        }
    }

    /// A weaker penalty that is a little better than the chosen one does not draw the factor to its side.
    #[test]
    fn the_finest_factor_does_not_lie_beyond_one_that_was_passed_over() {
        let three =
            |stronger: f64, weaker: f64| [tried(STEP, stronger), tried(1.0, 0.4), tried(1.0 / STEP, weaker)];
        let factor = |stronger, weaker| finest(&three(stronger, weaker), tried(1.0, 0.4));
        assert_eq!(factor(0.401, 0.3999), 1.0);
        assert_eq!(factor(0.401, 0.401), 1.0);
        assert!(factor(0.401, 0.402) > 1.0 && factor(0.402, 0.401) < 1.0);
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
        choose(&design, &targets, None, &mut Silent).unwrap().unwrap().l2 * rows as f64
    }

    #[test]
    fn noise_is_held_back_and_what_tells_is_not() {
        let (noise, signal) = (times_rows(300, 0), times_rows(300, 8));
        assert!(noise > 300.0 && signal < 30.0, "{noise} {signal}");
    }

    #[test]
    fn few_rows_take_turns_and_many_do_not() {
        for (rows, folds) in [(300, 5), (crate::ml::learn::path::FEW_ROWS + 1, 1)] {
            let (design, targets) = table(rows, 3);
            let choice = choose(&design, &targets, None, &mut Silent).unwrap().unwrap();
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
        assert!(choose(&design, &targets, None, &mut Silent).unwrap().is_none());
    }

    /// The losses are those of fits to the rows of each fold, found here from scratch.
    #[test]
    fn losses_are_those_of_rows_that_were_not_used() {
        let (design, targets) = table(200, 4);
        let search = choose(&design, &targets, None, &mut Silent)
            .unwrap()
            .unwrap()
            .search;
        let tried = search.tried[search.tried.len() / 2];
        let (mut loss, mut rows) = (0.0, 0.0);
        for fold in 0..FOLDS {
            let mut fold = Fold::new(&design, &targets, None, fold, None);
            let mut path = Path::new(&design, &targets, None, None);
            let rounds = path.rounds();
            path.weigh_fold(&mut fold, rounds, &mut Silent).unwrap();
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

    #[test]
    fn an_advantage_is_counted_in_standard_errors() {
        // Differences 1, 2, 3, 4: mean 2.5, deviation with n - 1 1.291.
        let second = [0.5, 0.1, 0.7, 0.3];
        let first: Vec<f64> = second.iter().zip(1..).map(|(s, at)| s + f64::from(at)).collect();
        let moments = {
            let mut moments = Moments::default();
            (1..=4).for_each(|at| moments.add(f64::from(at)));
            moments
        };
        let expected = 2.5 / (moments.deviation() / 2.0);
        assert!((advantage(&first, &second) - expected).abs() < 1e-9);
        assert!((advantage(&second, &first) + expected).abs() < 1e-9);
        assert_eq!(advantage(&second, &second), 0.0);
    }

    /// Of the stronger factors, the strongest whose rows lose no more beyond one standard error; with one part of many
    /// rows the best stays.
    #[test]
    fn with_few_rows_the_strongest_that_is_no_worse_beyond_chance_is_taken() {
        let (design, targets) = table(200, 4);
        let mut path = Path::new(&design, &targets, None, None);
        let of_row = |row: usize| (row * 37 % 101) as f64 / 101.0;
        let losses = |shift: f64, noise: f64| -> Vec<f64> {
            (0..200)
                .map(|row| 1.0 + shift + noise * (of_row(row) - 0.5))
                .collect()
        };
        path.tried = vec![
            tried(9.0, 1.5),
            tried(3.0, 1.01),
            tried(1.0, 1.0),
            tried(0.3, 1.0),
        ];
        path.losses = vec![
            losses(0.5, 0.1),
            losses(0.01, 0.9),
            losses(0.0, 0.0),
            losses(0.0, 0.0),
        ];
        let best = path.tried[2];
        assert_eq!(path.cautious(&best), Some(3.0));
        path.losses[1] = losses(0.01, 0.01);
        assert_eq!(path.cautious(&best), None);
        path.losses[1] = losses(0.01, 0.9);
        path.tried[1].mended = Some(1.0);
        assert_eq!(path.cautious(&best), None);
        path.tried[1].mended = None;
        path.folds.truncate(1);
        assert_eq!(path.cautious(&best), None);
    }

    #[test]
    fn parts_count_rows_by_their_weights() {
        let (design, targets) = table(50, 2);
        let weights: Vec<f32> = (0..50u8).map(f32::from).collect();
        for fold in 0..FOLDS {
            let fold = Fold::new(&design, &targets, Some(&weights), fold, None);
            let both = fold.inside.iter().zip(fold.outside.iter());
            let sums: Vec<f32> = both.map(|(inside, outside)| inside + outside).collect();
            assert_eq!(sums, weights);
            assert!(fold.inside.iter().any(|&weight| weight > 0.0));
            assert!(fold.outside.iter().any(|&weight| weight > 0.0));
        }
    }
}
