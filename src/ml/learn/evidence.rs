//! How strongly each group of features is to be held back, by the evidence (MacKay 1992, "Bayesian interpolation").
//!
//! A penalty is a normal prior of the weights. The evidence for it is greatest where, summed over the rows, the strength
//! of a group is `φ γ / |β|²`: `φ` the variance of what the model leaves (1 for classes), `γ` the number of the group's
//! weights that the data settle, `Σ h / (h + strength)` with the diagonal `h` of the Hessian. Groups of few features
//! say little about themselves, so each is taken together with [`PSEUDO`] weights of ordinary size.

use std::sync::Arc;

use super::design::{Design, Targets};
use super::objective::Objective;

/// Weights of ordinary size that each group is taken together with.
const PSEUDO: f64 = 2.0;
/// Weakest and strongest penalty of a group, summed over the rows.
const WEAKEST: f64 = 1e-3;
const STRONGEST: f64 = 1e8;

/// Strengths within such a factor are near each other: what is tried later differs by more.
const NEAR: f64 = 1.25;

/// The strength of each group's penalty, summed over the rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Strengths {
    /// One for each group.
    pub of_group: Vec<f64>,
    /// The strength if all features were one group.
    pub of_all: f64,
    /// What multiplies the strength of the group for each feature; 1 when not given.
    pub shape: Option<Arc<Vec<f64>>>,
}

/// Features of a group from which on how often they occur may tell how much they say.
const MANY: usize = 200;

/// Rare words say more than frequent ones: a penalty in proportion to `1 / idf²`, as if each feature were multiplied by
/// its inverse document frequency `1 + ln((1 + rows) / (1 + rows with it))` (Spärck Jones 1972), for groups of many
/// active-or-not features. `None` where there is no such group.
pub fn rarity(design: &Design) -> Option<Arc<Vec<f64>>> {
    let mut sizes = vec![0usize; design.groups.names.len()];
    design
        .groups
        .of_feature
        .iter()
        .for_each(|&group| sizes[group as usize] += 1);
    let is_many = |feature: usize| {
        let group = design.groups.of_feature.get(feature);
        group.is_some_and(|&group| sizes[group as usize] >= MANY)
    };
    if !(design.dense..design.features()).any(is_many) {
        return None;
    }
    let mut counts = vec![0u32; design.sparse + design.joints.as_ref().map_or(0, |joints| joints.len())];
    design.shards.for_each(|_, shard| {
        shard.for_each_joined(design.dense, |_, _, active| {
            active.iter().for_each(|&id| counts[id as usize] += 1);
        });
    });
    if let Some(joints) = &design.joints {
        joints.add_counts(&mut counts);
    }
    let idf = |rows: f64| 1.0 + libm::log((1.0 + design.rows as f64) / (1.0 + rows));
    let shape = |feature: usize| {
        if feature >= design.dense && is_many(feature) {
            let share = idf(f64::from(counts[feature - design.dense])) / ORDINARY_IDF;
            1.0 / (share * share)
        } else {
            1.0
        }
    };
    Some(Arc::new((0..design.features()).map(shape).collect()))
}

/// The inverse document frequency of a feature that keeps the strength of its group: about one on a row in fifty.
const ORDINARY_IDF: f64 = 5.0;

impl Strengths {
    /// The same strength for all groups of a design.
    pub fn even(design: &Design, strength: f64) -> Self {
        Self {
            of_group: vec![strength; design.groups.names.len().max(1)],
            of_all: strength,
            shape: None,
        }
    }

    /// The same with a shape.
    pub fn shaped(self, shape: Option<Arc<Vec<f64>>>) -> Self {
        Self { shape, ..self }
    }

    fn shape(&self, feature: usize) -> f64 {
        self.shape.as_ref().map_or(1.0, |shape| shape[feature])
    }

    /// Whether all groups have the same.
    pub fn is_even(&self) -> bool {
        self.shape.is_none() && self.of_group.iter().all(|&strength| strength == self.of_all)
    }

    /// Whether no group has a strength that differs much.
    pub fn is_near(&self, other: &Self) -> bool {
        let mut pairs = self.of_group.iter().zip(&other.of_group);
        pairs.all(|(mine, theirs)| (1.0 / NEAR..=NEAR).contains(&(mine / theirs)))
    }

    /// For each feature the strength of its group.
    pub fn of_features(&self, design: &Design) -> Vec<f64> {
        let group = |feature| {
            design
                .groups
                .of_feature
                .get(feature)
                .map_or(0, |&group| group as usize)
        };
        (0..design.features())
            .map(|feature| {
                let strength = self.of_group.get(group(feature)).copied().unwrap_or(self.of_all);
                strength * self.shape(feature)
            })
            .collect()
    }

    /// The strengths that the evidence at `beta` asks for, where `beta` was found with the penalties of `objective`.
    ///
    /// `diagonal` is that of the Hessian there.
    pub fn at(
        &self,
        objective: &Objective<'_>,
        design: &Design,
        targets: &Targets,
        beta: &[f64],
        diagonal: &[f64],
    ) -> Self {
        let groups = design.groups.names.len().max(1);
        let (rows, outputs) = (objective.total(), objective.outputs());
        let (mut settled, mut squares) = (vec![0.0; groups], vec![0.0; groups]);
        let weights = beta.iter().zip(diagonal).zip(objective.penalties());
        for (at, ((weight, curvature), penalty)) in weights.enumerate() {
            let group = design
                .groups
                .of_feature
                .get(at / outputs)
                .map_or(0, |&g| g as usize);
            if let (Some(settled), Some(squares)) = (settled.get_mut(group), squares.get_mut(group)) {
                *settled += (1.0 - penalty / curvature).max(0.0);
                *squares += self.shape(at / outputs) * weight * weight;
            }
        }
        let all: (f64, f64) = (settled.iter().sum(), squares.iter().sum());
        let variance = match targets {
            Targets::Values(_) => 2.0 * objective.losses(beta).0 * rows / (rows - all.0).max(1.0),
            Targets::Classes { .. } => 1.0,
        };
        let strength = |settled: f64, squares: f64| {
            let strength = variance * settled / squares;
            if strength.is_nan() {
                STRONGEST
            } else {
                strength.clamp(WEAKEST, STRONGEST)
            }
        };
        let ordinary = PSEUDO * ordinary(&settled, &squares);
        let of_all = strength(all.0, all.1);
        if groups == 1 {
            return Self::even(design, of_all).shaped(self.shape.clone());
        }
        let of_group = settled.iter().zip(&squares);
        Self {
            of_group: of_group
                .map(|(s, q)| strength(s + PSEUDO, q + ordinary))
                .collect(),
            of_all,
            shape: self.shape.clone(),
        }
    }

    /// The mean of several, on the scale of logarithms.
    pub fn mean(all: &[&Strengths]) -> Self {
        let mean = |values: &mut dyn Iterator<Item = f64>| {
            libm::exp(values.map(libm::log).sum::<f64>() / all.len().max(1) as f64)
        };
        let groups = all.first().map_or(0, |first| first.of_group.len());
        Self {
            of_group: (0..groups)
                .map(|group| mean(&mut all.iter().map(|one| one.of_group[group])))
                .collect(),
            of_all: mean(&mut all.iter().map(|one| one.of_all)),
            shape: all.first().and_then(|first| first.shape.clone()),
        }
    }
}

/// The square of a weight of ordinary size: the mean over the groups on the scale of logarithms, so that one group of
/// large weights does not speak for all.
fn ordinary(settled: &[f64], squares: &[f64]) -> f64 {
    let groups = settled
        .iter()
        .zip(squares)
        .filter(|(s, q)| **s > 0.0 && **q > 0.0);
    let (sum, count) = groups.fold((0.0, 0.0), |(sum, count), (s, q)| {
        (sum + s * libm::log(q / s), count + s)
    });
    if count > 0.0 { libm::exp(sum / count) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::features::FeatureVector;
    use crate::ml::hash::Stream;
    use crate::ml::learn::lbfgs::minimise;
    use crate::ml::learn::objective::Problem;
    use crate::ml::learn::{DesignBuilder, Groups};
    use crate::ml::observe::Silent;

    fn normal(stream: &mut Stream) -> f64 {
        (0..12).map(|_| stream.next_unit()).sum::<f64>() - 6.0
    }

    /// Two attributes of 100 values each: the weights of the first have a variance of 4, those of the second of 0.01,
    /// the noise one of 1. With the variance of the noise over that of the weights, strengths are 0.25 and 100.
    #[test]
    fn strengths_are_those_of_the_weights_that_made_the_numbers() {
        let mut stream = Stream::new(8);
        let weights: Vec<f64> = (0..200)
            .map(|at| normal(&mut stream) * if at < 100 { 2.0 } else { 0.1 })
            .collect();
        let mut builder = DesignBuilder::new(0, 200).with_groups(Groups {
            names: vec!["strong".into(), "weak".into()],
            of_feature: (0..200).map(|at| u32::from(at >= 100)).collect(),
        });
        let mut values = Vec::new();
        for _ in 0..20_000 {
            let mut pick = || (stream.next_unit() * 100.0) as u32;
            let active = vec![pick(), 100 + pick()];
            let sum: f64 = active.iter().map(|&id| weights[id as usize]).sum();
            values.push(sum + normal(&mut stream));
            builder.push(&FeatureVector {
                dense: Vec::new(),
                active,
            });
        }
        let (design, targets) = (builder.build(), Targets::Values(values));
        let mut strengths = Strengths::even(&design, 30.0);
        for _ in 0..6 {
            let factors = strengths.of_features(&design);
            let objective = Objective::new(&design, &targets, 1.0 / 20_000.0).shaped(Some(&factors));
            let beta = minimise(&objective, objective.start(), 1e-9, 200, &mut Silent).beta;
            strengths = strengths.at(&objective, &design, &targets, &beta, &objective.diagonal(&beta));
        }
        let [strong, weak] = strengths.of_group[..] else {
            panic!("two groups")
        };
        assert!((0.17..0.37).contains(&strong), "{strong}");
        assert!((40.0..200.0).contains(&weak), "{weak}");
        assert!(strong < strengths.of_all && strengths.of_all < weak);
    }

    #[test]
    fn nothing_to_learn_from_is_held_back_most() {
        let mut builder = DesignBuilder::new(0, 3);
        (0..30).for_each(|row| {
            builder.push(&FeatureVector {
                dense: Vec::new(),
                active: vec![row % 3],
            })
        });
        let (design, targets) = (builder.build(), Targets::Values(vec![1.0; 30]));
        let objective = Objective::new(&design, &targets, 0.1);
        let beta = [0.0, 0.0, 0.0, 1.0];
        let diagonal = objective.diagonal(&beta);
        let strengths = Strengths::even(&design, 1.0).at(&objective, &design, &targets, &beta, &diagonal);
        assert_eq!(strengths.of_group, [STRONGEST]);
        let two = Strengths {
            of_group: vec![1.0],
            of_all: 1.0,
            shape: None,
        };
        let eight = Strengths {
            of_group: vec![16.0],
            of_all: 4.0,
            shape: None,
        };
        let mean = Strengths::mean(&[&two, &eight]);
        assert!((mean.of_group[0] - 4.0).abs() < 1e-12 && (mean.of_all - 2.0).abs() < 1e-12);
    }

    /// A group of 200 values, of which one is on half of the rows and the others on one in 400 each, beside a small group.
    #[test]
    fn rare_values_of_large_groups_are_held_back_less() {
        let groups = |large: u32| Groups {
            names: vec!["number".into(), "large".into(), "small".into()],
            of_feature: std::iter::once(0)
                .chain((0..large).map(|_| 1))
                .chain([2, 2])
                .collect(),
        };
        let design = |large: u32| {
            let mut builder = DesignBuilder::new(1, large as usize + 2).with_groups(groups(large));
            for row in 0..400 {
                let value = if row % 2 == 0 {
                    0
                } else {
                    1 + row / 2 % (large - 1)
                };
                builder.push(&FeatureVector {
                    dense: vec![1.0],
                    active: vec![value, large + row % 2],
                });
            }
            builder.build()
        };
        let shape = rarity(&design(200)).unwrap();
        let factor = |rows: f64| {
            let idf = 1.0 + libm::log(401.0 / (1.0 + rows));
            (ORDINARY_IDF / idf).powi(2)
        };
        assert_eq!((shape[0], &shape[201..]), (1.0, &[1.0, 1.0][..]));
        assert!((shape[1] - factor(200.0)).abs() < 1e-12);
        assert!((shape[150] - factor(1.0)).abs() < 1e-12 && shape[150] < 1.0 && shape[1] > 5.0);
        assert!(rarity(&design(199)).is_none());
        // The evidence counts a weight by its shape: the same weights with a shape of 4 ask for a fourth.
        let design = design(200);
        let targets = Targets::Values((0..400).map(f64::from).collect());
        let objective = Objective::new(&design, &targets, 1e-6);
        let beta = vec![1.0; objective.len()];
        let strengths = |shape: f64| {
            let shape = Arc::new(vec![shape; design.features()]);
            let even = Strengths::even(&design, 1.0).shaped(Some(shape));
            even.at(&objective, &design, &targets, &beta, &objective.diagonal(&beta))
                .of_all
        };
        assert!((strengths(1.0) / strengths(4.0) - 4.0).abs() < 1e-9);
    }
}
