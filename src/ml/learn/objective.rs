//! The objective and its derivatives, summed over shards in an order that depends on the rows alone.
//!
//! Weights of one feature lie together: `beta[feature * outputs + output]`; the intercepts follow
//! after the last feature. Losses: logistic `ln(1 + e^−m)`, softmax `−ln p(class)`, half the squared
//! residual.

use std::ops::Range;

use rayon::prelude::*;

use super::design::{Design, Targets};
use super::exp::exp;
use super::pairs::SLICE;
use super::passes::{LogSum, Row, logistic, single_pass, softmax_pass};
use super::precondition::Preconditioner;
use super::shards::Shard;

pub use super::passes::{class_margins, sigmoid, single_margin, softmax};

/// Memory that the partial gradients may take together.
const PARTIALS_BYTES: usize = 256 << 20;
/// Partial gradients at most; more would not help any machine of ordinary size.
const MOST_PARTS: usize = 16;
/// Partial gradients at least where there is memory for them.
const LEAST_PARTS: usize = 4;
/// Numbers and active features that each has at least for each of its own: to clear it and to add it up takes time, too.
const ENTRIES_A_FEATURE: usize = 7;
/// What a solver sees of the data.
pub trait Problem {
    /// Number of parameters, intercepts included.
    fn len(&self) -> usize;
    /// True when there is nothing to find.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The objective at `beta`; its gradient is put into `gradient`.
    fn evaluate(&self, beta: &[f64], gradient: &mut [f64]) -> f64;
    /// The diagonal of the Hessian at `beta`.
    fn diagonal(&self, beta: &[f64]) -> Vec<f64>;
    /// An approximate inverse of the Hessian at `beta`.
    fn preconditioner(&self, beta: &[f64]) -> Preconditioner {
        Preconditioner::of_diagonal(self.diagonal(beta))
    }
    /// Whether the Hessian is the same everywhere.
    fn is_quadratic(&self) -> bool {
        false
    }
}

/// `sum(w · loss) / sum(w) + l2/2 · |β|² + l1 · |β|₁` over a design; without weights every row counts once.
#[derive(Debug, Clone, Copy)]
pub struct Objective<'a> {
    pub(super) design: &'a Design,
    pub(super) targets: &'a Targets,
    weights: Option<&'a [f32]>,
    /// The sum of the weights.
    pub(super) total: f64,
    /// Strength of the penalty.
    pub l2: f64,
    /// Strength of the penalty on absolute values. [`Problem`] leaves it out: it has no derivative at 0.
    pub l1: f64,
    /// What multiplies it for each feature; 1 when not given.
    factors: Option<&'a [f64]>,
}

impl<'a> Objective<'a> {
    /// Design and targets must have equally many rows.
    pub fn new(design: &'a Design, targets: &'a Targets, l2: f64) -> Self {
        Self {
            design,
            targets,
            weights: None,
            total: design.rows.max(1) as f64,
            l2,
            l1: 0.0,
            factors: None,
        }
    }

    /// The same with a penalty on absolute values.
    pub fn with_l1(self, l1: f64) -> Self {
        Self { l1, ..self }
    }

    /// The same with a factor of the penalty for each feature.
    pub fn shaped(self, factors: Option<&'a [f64]>) -> Self {
        Self { factors, ..self }
    }

    /// The penalty of each parameter that has one.
    pub fn penalties(&self) -> impl Iterator<Item = f64> + '_ {
        let outputs = self.outputs();
        (0..self.design.features())
            .flat_map(move |feature| std::iter::repeat_n(self.penalty(feature), outputs))
    }

    /// The penalty of a feature.
    fn penalty(&self, feature: usize) -> f64 {
        self.l2 * self.factors.map_or(1.0, |factors| factors[feature])
    }

    /// The same with a weight for each row, where there are any.
    pub fn counting(design: &'a Design, targets: &'a Targets, weights: Option<&'a [f32]>, l2: f64) -> Self {
        match weights {
            Some(weights) => Self::weighted(design, targets, weights, l2),
            None => Self::new(design, targets, l2),
        }
    }

    /// The same with a weight for each row: 0 or more, and not all 0.
    pub fn weighted(design: &'a Design, targets: &'a Targets, weights: &'a [f32], l2: f64) -> Self {
        let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
        Self {
            weights: Some(weights),
            total: if total > 0.0 { total } else { 1.0 },
            ..Self::new(design, targets, l2)
        }
    }

    /// The sum of the weights.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// How much a row counts.
    #[inline]
    pub(super) fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |weights| f64::from(weights[row]))
    }

    /// Whether the truths are classes.
    pub fn is_of_classes(&self) -> bool {
        matches!(self.targets, Targets::Classes { .. })
    }

    /// Scores a row has: one, or one for each of more than two classes.
    pub fn outputs(&self) -> usize {
        outputs(self.targets)
    }

    /// Parameters that are penalised; the intercepts follow.
    pub fn penalised(&self) -> usize {
        self.design.features() * self.outputs()
    }

    /// A starting point: no weights, intercepts that answer the base rates.
    pub fn start(&self) -> Vec<f64> {
        let mut beta = vec![0.0; self.len()];
        let first = self.penalised();
        match self.targets {
            Targets::Values(values) => {
                let weighted = values
                    .iter()
                    .enumerate()
                    .map(|(row, value)| self.weight(row) * value);
                beta[first] = weighted.sum::<f64>() / self.total;
            }
            Targets::Classes { classes, of_row } => {
                let mut counts = vec![0.5; *classes];
                for (row, &class) in of_row.iter().enumerate() {
                    counts[class as usize] += self.weight(row);
                }
                if *classes == 2 {
                    beta[first] = libm::log(counts[1] / counts[0]);
                } else {
                    let mean = counts.iter().map(|&n| libm::log(n)).sum::<f64>() / *classes as f64;
                    beta[first..]
                        .iter_mut()
                        .zip(&counts)
                        .for_each(|(b, &n)| *b = libm::log(n) - mean);
                }
            }
        }
        beta
    }

    /// Runs `work` over fixed groups of shards and adds up what they return, in order.
    pub(super) fn sum(
        &self,
        work: impl Fn(&Shard, usize, &mut [f64]) -> f64 + Sync,
        into: &mut [f64],
    ) -> f64 {
        self.sum_within(PARTIALS_BYTES, work, into)
    }

    /// The same with so many bytes for the groups.
    pub(super) fn sum_within(
        &self,
        bytes: usize,
        work: impl Fn(&Shard, usize, &mut [f64]) -> f64 + Sync,
        into: &mut [f64],
    ) -> f64 {
        let paid = self.design.entries / (ENTRIES_A_FEATURE * self.design.features()).max(1);
        self.sum_paid((bytes, paid), work, into)
    }

    /// What is summed up over rows with joints, from weights that have a place for each ([`Design::widen`]).
    pub(super) fn sum_joined(
        &self,
        work: impl Fn(&Shard, usize, &mut [f64]) -> f64 + Sync,
        into: &mut [f64],
    ) -> f64 {
        let Some(joints) = &self.design.joints else {
            return self.sum(work, into);
        };
        let outputs = self.outputs();
        let mut wide = self.design.partials.take(into.len() + joints.len() * outputs);
        let paid = self.design.joined * outputs / (ENTRIES_A_FEATURE * wide.len());
        let loss = self.sum_paid((PARTIALS_BYTES, paid), work, &mut wide);
        joints.narrow(&wide, outputs, into);
        self.design.partials.give_back(wide);
        loss
    }

    /// The same with so many bytes for the groups, and as many groups as what they add up pays for.
    fn sum_paid(
        &self,
        (bytes, paid): (usize, usize),
        work: impl Fn(&Shard, usize, &mut [f64]) -> f64 + Sync,
        into: &mut [f64],
    ) -> f64 {
        let shards = &self.design.shards;
        // As many for each of 2, 4 or 8 threads.
        let parts = parts_within(bytes, into.len())
            .min(paid.max(LEAST_PARTS).next_power_of_two())
            .min(shards.len().max(1));
        let size = shards.len().div_ceil(parts).max(1);
        let parts = shards.len().div_ceil(size);
        // Rows on disk mean that memory is short: then no more partial sums at once than threads, in the same order.
        let at_once = if shards.is_on_disk() {
            rayon::current_num_threads()
        } else {
            parts
        };
        let length = into.len();
        let part = |range: Range<usize>| {
            let (mut sums, mut loss) = (self.design.partials.take(length), 0.0);
            shards.visit(range, |index, shard| {
                loss += work(shard, index * self.design.shard_rows(), &mut sums);
            });
            (loss, sums)
        };
        into.fill(0.0);
        let mut loss = 0.0;
        for first in (0..parts).step_by(at_once.max(1)) {
            let now = first..(first + at_once).min(parts);
            let found = shards.side_by_side(size, now, part);
            found.iter().for_each(|(part, _)| loss += part);
            // Each number is added up in the order of the parts, whichever thread does it.
            let slices = into.par_chunks_mut(SLICE).enumerate();
            slices.for_each(|(at, into)| {
                for (_, sums) in &found {
                    let part = into.iter_mut().zip(&sums[at * SLICE..]);
                    part.for_each(|(total, part)| *total += part);
                }
            });
            found
                .into_iter()
                .for_each(|(_, sums)| self.design.partials.give_back(sums));
        }
        loss
    }
}

impl Objective<'_> {
    /// The second derivative of the loss of a row with one score by its margin.
    pub(super) fn curvature_of(&self, margin: f64) -> f64 {
        match self.targets {
            Targets::Values(_) => 1.0,
            Targets::Classes { .. } => {
                // `p (1 − p)` without the loss of digits near 1.
                let e = exp(-margin.abs());
                e / ((1.0 + e) * (1.0 + e))
            }
        }
    }

    /// Makes a sum of gradients their mean and adds that of the penalty, twice of which it gives.
    fn penalise(&self, beta: &[f64], gradient: &mut [f64]) -> f64 {
        let (outputs, penalised) = (self.outputs(), self.penalised());
        let (gradient, intercepts) = gradient.split_at_mut(penalised);
        intercepts.iter_mut().for_each(|g| *g /= self.total);
        let slice = SLICE * outputs;
        let slices = gradient
            .par_chunks_mut(slice)
            .zip(beta[..penalised].par_chunks(slice));
        let of_slice = |(at, (gradient, beta)): (usize, (&mut [f64], &[f64]))| {
            let mut penalty = 0.0;
            let features = gradient.chunks_exact_mut(outputs).zip(beta.chunks_exact(outputs));
            for (feature, (gradient, beta)) in features.enumerate() {
                let l2 = self.penalty(at * SLICE + feature);
                for (g, &b) in gradient.iter_mut().zip(beta) {
                    *g = *g / self.total + l2 * b;
                    penalty += l2 * b * b;
                }
            }
            penalty
        };
        let parts: Vec<f64> = slices.enumerate().map(of_slice).collect();
        parts.iter().sum()
    }

    /// The losses of some rows with one score each, times their weights and but for what goes to `logs`; their margins
    /// become the derivatives by them.
    fn slopes(&self, first: usize, rows: &[Row<'_>], margins: &mut [f64], logs: &mut LogSum) -> f64 {
        match self.targets {
            Targets::Values(values) => {
                let mut total = 0.0;
                for (row, margin) in rows.iter().zip(margins) {
                    *margin -= values[first + row.index];
                    total += 0.5 * row.weight * *margin * *margin;
                }
                total
            }
            Targets::Classes { of_row, .. } => logistic(rows, margins, |row| of_row[first + row] == 1, logs),
        }
    }
}

/// Partial sums at most, of so many numbers each.
pub fn most_parts(numbers: usize) -> usize {
    parts_within(PARTIALS_BYTES, numbers)
}

fn parts_within(bytes: usize, numbers: usize) -> usize {
    (bytes / (8 * numbers).max(1)).clamp(1, MOST_PARTS)
}

/// Scores a row has for these targets.
pub fn outputs(targets: &Targets) -> usize {
    match targets {
        Targets::Classes { classes, .. } if *classes > 2 => *classes,
        _ => 1,
    }
}

impl Problem for Objective<'_> {
    fn len(&self) -> usize {
        (self.design.features() + 1) * self.outputs()
    }

    fn evaluate(&self, beta: &[f64], gradient: &mut [f64]) -> f64 {
        let dense = self.design.dense;
        let wide = &*self.design.widen(beta, self.outputs());
        let loss = match self.targets {
            Targets::Classes { classes, of_row } if *classes != 2 => self.sum_joined(
                |shard, first, sums| {
                    let weight = |row: usize| self.weight(first + row);
                    let class = |row: usize| of_row[first + row] as usize;
                    softmax_pass(shard, (dense, *classes), wide, sums, weight, class)
                },
                gradient,
            ),
            _ => self.sum_joined(
                |shard, first, sums| {
                    let weight = |row: usize| self.weight(first + row);
                    single_pass(shard, dense, wide, sums, weight, |rows, margins, logs| {
                        self.slopes(first, rows, margins, logs)
                    })
                },
                gradient,
            ),
        };
        loss / self.total + 0.5 * self.penalise(beta, gradient)
    }

    fn diagonal(&self, beta: &[f64]) -> Vec<f64> {
        let mut diagonal = self.loss_diagonal(beta);
        self.add_penalties(&mut diagonal);
        diagonal
    }

    fn preconditioner(&self, beta: &[f64]) -> Preconditioner {
        self.preconditioner_of(&self.curvature(beta))
    }

    fn is_quadratic(&self) -> bool {
        matches!(self.targets, Targets::Values(_))
    }
}

#[cfg(test)]
mod tests {
    use super::super::passes::logistic_loss;
    use super::*;
    use crate::ml::features::FeatureVector;
    use crate::ml::hash::Stream;
    use crate::ml::learn::design::{DesignBuilder, Groups};

    fn design(rows: usize) -> Design {
        let mut stream = Stream::new(7);
        let mut builder = DesignBuilder::new(2, 3);
        for _ in 0..rows {
            let dense = vec![stream.next_unit() as f32, stream.next_unit() as f32 - 0.5];
            let active = (0..3).filter(|_| stream.next_unit() < 0.4).collect();
            builder.push(&FeatureVector { dense, active });
        }
        builder.build()
    }

    /// Central differences of the objective must agree with its gradient, and those of the gradient
    /// with the diagonal.
    fn check_derivatives(targets: Targets) {
        let design = design(targets.len());
        let weights: Vec<f32> = (0..targets.len()).map(|row| (row % 3) as f32).collect();
        check_objective(&Objective::new(&design, &targets, 0.1));
        let weighted = Objective::weighted(&design, &targets, &weights, 0.1);
        check_objective(&weighted);
        check_objective(&weighted.shaped(Some(&[1.0, 0.5, 3.0, 0.0, 2.0])));
    }

    fn check_objective(objective: &Objective<'_>) {
        let mut stream = Stream::new(3);
        let beta: Vec<f64> = (0..objective.len()).map(|_| stream.next_unit() - 0.5).collect();
        let mut gradient = vec![0.0; beta.len()];
        objective.evaluate(&beta, &mut gradient);
        let diagonal = objective.diagonal(&beta);
        let penalty = beta
            .iter()
            .zip(objective.penalties())
            .map(|(b, l2)| 0.5 * l2 * b * b);
        let penalty: f64 = penalty.sum();
        let value = objective.evaluate(&beta, &mut gradient.clone());
        assert!((objective.losses(&beta).0 - (value - penalty)).abs() < 1e-12);
        let step = 1e-5;
        for i in 0..beta.len() {
            let at = |shift: f64| {
                let mut moved = beta.clone();
                moved[i] += shift;
                let mut gradient = vec![0.0; beta.len()];
                (objective.evaluate(&moved, &mut gradient), gradient[i])
            };
            let (up, down) = (at(step), at(-step));
            assert!(
                ((up.0 - down.0) / (2.0 * step) - gradient[i]).abs() < 1e-8,
                "gradient {i}"
            );
            assert!(
                ((up.1 - down.1) / (2.0 * step) - diagonal[i]).abs() < 1e-7,
                "diagonal {i}"
            );
        }
        let direction: Vec<f64> = beta.iter().map(|_| stream.next_unit() - 0.5).collect();
        let along = |size: f64| {
            let moved: Vec<f64> = beta.iter().zip(&direction).map(|(b, d)| b + size * d).collect();
            let mut gradient = vec![0.0; beta.len()];
            objective.evaluate(&moved, &mut gradient);
            gradient
        };
        let (up, down, mut product) = (along(step), along(-step), vec![0.0; beta.len()]);
        objective.hessian(&beta).times(&direction, &mut product);
        for i in 0..beta.len() {
            assert!(
                ((up[i] - down[i]) / (2.0 * step) - product[i]).abs() < 1e-7,
                "product {i}"
            );
        }
    }

    #[test]
    fn derivatives_agree_with_differences() {
        check_derivatives(Targets::Values((0..40).map(|i| f64::from(i % 7)).collect()));
        check_derivatives(Targets::Classes {
            classes: 2,
            of_row: (0..40).map(|i| i % 2).collect(),
        });
        check_derivatives(Targets::Classes {
            classes: 4,
            of_row: (0..40).map(|i| i % 4).collect(),
        });
    }

    /// Also where there are so many that threads share them.
    #[test]
    fn every_weight_is_penalised_by_its_own_strength() {
        for (sparse, outputs) in [(5, 1), (2 * SLICE + 9, 1), (2 * SLICE + 9, 3)] {
            let mut builder = DesignBuilder::new(0, sparse);
            (0..6).for_each(|row| {
                builder.push(&FeatureVector {
                    dense: Vec::new(),
                    active: vec![row % 5],
                });
            });
            let design = builder.build();
            let targets = Targets::Classes {
                classes: outputs.max(2),
                of_row: (0..6).map(|row| row % outputs.max(2) as u32).collect(),
            };
            let factors: Vec<f64> = (0..sparse).map(|feature| (feature % 7) as f64).collect();
            let at = |l2: f64| {
                let objective = Objective::new(&design, &targets, l2).shaped(Some(&factors));
                let beta: Vec<f64> = (0..objective.len()).map(|at| (at % 11) as f64 * 0.1).collect();
                let mut gradient = vec![0.0; beta.len()];
                let value = objective.evaluate(&beta, &mut gradient);
                (value, gradient, beta)
            };
            let ((without, plain, beta), (with, penalised, _)) = (at(0.0), at(0.5));
            let of = |place: usize| factors.get(place / outputs).map_or(0.0, |factor| 0.5 * factor);
            let squares: f64 = beta.iter().enumerate().map(|(at, b)| of(at) * b * b).sum();
            assert!((with - without - 0.5 * squares).abs() < 1e-9 * (1.0 + squares));
            for (at, b) in beta.iter().enumerate() {
                let expected = plain[at] + of(at) * b;
                assert!((penalised[at] - expected).abs() < 1e-12, "{at} of {outputs}");
            }
        }
    }

    /// A weight of two is the same as the row twice, and a weight of zero as no row.
    #[test]
    fn weights_count_rows() {
        let build = |times: &dyn Fn(usize) -> usize| {
            let (whole, mut builder, mut values) = (design(50), DesignBuilder::new(2, 3), Vec::new());
            let mut row = 0;
            whole.shards.for_each(|_, shard| {
                shard.for_each_row(2, |_, dense, active| {
                    for _ in 0..times(row) {
                        builder.push(&FeatureVector {
                            dense: dense.to_vec(),
                            active: active.to_vec(),
                        });
                        values.push(row as f64 % 5.0);
                    }
                    row += 1;
                });
            });
            (builder.build(), Targets::Values(values))
        };
        let weights: Vec<f32> = (0..50).map(|row| (row % 3) as f32).collect();
        let (one, targets) = build(&|_| 1);
        let weighted = Objective::weighted(&one, &targets, &weights, 0.1);
        let (many, repeated) = build(&|row| row % 3);
        let plain = Objective::new(&many, &repeated, 0.1);
        let beta = [0.3, -0.2, 0.5, 0.1, -0.4, 0.7];
        let (mut left, mut right) = ([0.0; 6], [0.0; 6]);
        let values = (
            weighted.evaluate(&beta, &mut left),
            plain.evaluate(&beta, &mut right),
        );
        assert!((values.0 - values.1).abs() < 1e-12);
        assert!(left.iter().zip(right).all(|(a, b)| (a - b).abs() < 1e-12));
        assert_eq!(weighted.start()[5], plain.start()[5]);
    }

    /// Where each row has one value of an attribute, the weights of the attribute and the intercept can move against
    /// each other; the approximate inverse knows what that costs, the diagonal alone does not.
    #[test]
    fn the_preconditioner_sees_groups_move_together() {
        let mut builder = DesignBuilder::new(1, 4).with_groups(Groups {
            names: vec!["number".into(), "value".into()],
            of_feature: vec![0, 1, 1, 1, 1],
        });
        let mut stream = Stream::new(5);
        for row in 0..200 {
            builder.push(&FeatureVector {
                dense: vec![stream.next_unit() as f32 - 0.5],
                active: vec![row % 4],
            });
        }
        let design = builder.build();
        for (targets, outputs) in [
            (Targets::Values((0..200).map(|i| f64::from(i % 7)).collect()), 1),
            (
                Targets::Classes {
                    classes: 3,
                    of_row: (0..200).map(|i| i % 3).collect(),
                },
                3,
            ),
        ] {
            let objective = Objective::new(&design, &targets, 1e-4);
            let beta = vec![0.1; objective.len()];
            let direction: Vec<f64> = (0..6).map(|at| [0.0, 1.0, 1.0, 1.0, 1.0, -1.0][at]).collect();
            // The same for one of the outputs.
            let mut of_output = vec![0.0; 6 * outputs];
            of_output
                .iter_mut()
                .step_by(outputs)
                .zip(&direction)
                .for_each(|(to, d)| *to = *d);
            let mut product = vec![0.0; of_output.len()];
            objective.hessian(&beta).times(&of_output, &mut product);
            let preconditioner = objective.preconditioner(&beta);
            let back = preconditioner.times(&product);
            let length = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
            let (true_length, with_groups) = (length(&of_output), length(&back));
            let alone = Preconditioner::of_diagonal(objective.diagonal(&beta)).times(&product);
            assert!(
                (0.5..2.5).contains(&(with_groups / true_length)),
                "{}",
                with_groups / true_length
            );
            assert!(length(&alone) < 0.05 * true_length);
        }
    }

    #[test]
    fn sums_are_the_same_on_any_number_of_threads() {
        let rows = 3 * 4096 + 17;
        let design = design(rows);
        let targets = Targets::Classes {
            classes: 3,
            of_row: (0..rows as u32).map(|i| i % 3).collect(),
        };
        let objective = Objective::new(&design, &targets, 0.1);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let mut gradient = vec![0.0; objective.len()];
            let value = pool.install(|| objective.evaluate(&vec![0.1; objective.len()], &mut gradient));
            (
                value.to_bits(),
                gradient.iter().map(|g| g.to_bits()).collect::<Vec<_>>(),
            )
        };
        assert_eq!(run(1), run(2));
        assert_eq!(run(1), run(7));
    }

    #[test]
    fn extreme_scores_stay_finite() {
        assert_eq!(sigmoid(-1e4), 0.0);
        assert_eq!(logistic_loss(1e4, false), 1e4);
        let mut scores = [1e4, -1e4];
        assert_eq!(softmax(&mut scores), 1e4);
        assert_eq!(scores, [1.0, 0.0]);
    }
}
