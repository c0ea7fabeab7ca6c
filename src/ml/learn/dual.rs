//! A bound on the minimum of the objective with a penalty on absolute values, by duality (Fenchel; Kim, Koh, Lustig, Boyd
//! and Gorinevsky 2007 for the lasso).
//!
//! For numbers `t` of the rows and outputs with `Σ w t = 0` (because the intercepts are free), the objective is nowhere
//! below
//!
//! `D(t) = −mean(loss*(t)) − Σ (|g| − l1)₊² / (2·l2)`, `g = mean(t x)`,
//!
//! where without an `l2` no `|g|` may be above `l1`. At the minimum `t` is the derivative of the losses and `D` is the
//! objective. Elsewhere the derivatives are made to fulfil both conditions: probabilities are mixed with a few of those
//! that make up for what classes have too much or too little, residuals lose their mean, and all are then made smaller by
//! a common factor. What of the first condition is left to rounding is neglected.

use super::design::Targets;
use super::objective::{Objective, class_margins, sigmoid, single_margin, softmax};
use super::shards::Shard;

/// A share of probabilities to be mixed in that is left to rounding.
const ROUNDING: f64 = 1e-13;

/// How far `value`, the objective at `beta`, is above the minimum at most; `gradient` is that of the part without `l1`. Up
/// to two passes over the data.
pub(super) fn gap(objective: &Objective<'_>, beta: &[f64], value: f64, gradient: &[f64]) -> f64 {
    let Some(point) = Point::at(objective, beta, gradient) else {
        return f64::INFINITY;
    };
    let pull = point.pull(gradient);
    let penalties: Vec<f64> = objective.penalties().collect();
    let only_l1 = pull.iter().zip(&penalties).filter(|(_, l2)| **l2 == 0.0);
    let most = |largest: f64, g: &f64| largest.max(g.abs());
    let largest = pull.iter().fold(0.0, most);
    let as_far = |largest: f64| (objective.l1 / largest).min(1.0);
    let longest = as_far(only_l1.map(|(g, _)| g).fold(0.0, most));
    let shortest = as_far(largest);
    let sizes = if longest > shortest {
        vec![longest, 0.5 * (longest + shortest), shortest]
    } else {
        vec![longest]
    };
    let lowest = sizes.iter().zip(point.losses(&sizes)).map(|(size, loss)| {
        let held_back = pull.iter().zip(&penalties).map(|(g, l2)| {
            let above = (size * g.abs() - objective.l1).max(0.0);
            // Without `l2` the sizes leave nothing but rounding.
            if *l2 > 0.0 { 0.5 * above * above / l2 } else { 0.0 }
        });
        loss - held_back.sum::<f64>()
    });
    (value - lowest.fold(f64::NEG_INFINITY, f64::max)).max(0.0)
}

/// Numbers of the rows that fulfil the first condition: `mean(t) = 0` for each output.
struct Point<'a> {
    objective: &'a Objective<'a>,
    beta: &'a [f64],
    /// The share of each probability that is replaced.
    share: f64,
    /// What it is replaced by, for each class; for numbers the mean of the residuals.
    by: Vec<f64>,
}

impl<'a> Point<'a> {
    /// `None` where there are no such numbers near the derivatives.
    fn at(objective: &'a Objective<'a>, beta: &'a [f64], gradient: &[f64]) -> Option<Self> {
        let off = &gradient[objective.penalised()..];
        let (share, by) = match objective.targets {
            Targets::Values(_) => (0.0, off.to_vec()),
            Targets::Classes { classes, of_row } => {
                let mut rows = vec![0.0; *classes];
                for (row, &class) in of_row.iter().enumerate() {
                    rows[class as usize] += objective.weight(row) / objective.total;
                }
                let off: Vec<f64> = match off {
                    [one] => vec![-one, *one],
                    _ => off.to_vec(),
                };
                mixture(&rows, &off)?
            }
        };
        Some(Self {
            objective,
            beta,
            share,
            by,
        })
    }

    fn is_exact(&self) -> bool {
        match self.objective.targets {
            Targets::Values(_) => self.by.iter().all(|mean| *mean == 0.0),
            Targets::Classes { .. } => self.share == 0.0,
        }
    }

    /// For each weight the mean of the numbers times the feature.
    fn pull(&self, gradient: &[f64]) -> Vec<f64> {
        let objective = self.objective;
        let penalised = objective.penalised();
        let dense = objective.design.dense;
        let outputs = objective.outputs();
        if self.is_exact() {
            let all = gradient.iter().zip(self.beta).zip(objective.penalties());
            return all.map(|((g, b), l2)| g - l2 * b).collect();
        }
        let mut sums = vec![0.0; penalised];
        objective.sum(
            |shard, first, sums| {
                self.for_each_row(shard, first, |row, numbers, active, values| {
                    let weight = objective.weight(row);
                    let dense_sums = sums.chunks_exact_mut(outputs).zip(numbers);
                    for (sums, x) in dense_sums {
                        let times = weight * f64::from(*x);
                        sums.iter_mut().zip(values).for_each(|(s, v)| *s += times * *v);
                    }
                    for &id in active {
                        let at = (dense + id as usize) * outputs;
                        let sums = &mut sums[at..at + outputs];
                        sums.iter_mut().zip(values).for_each(|(s, v)| *s += weight * *v);
                    }
                });
                0.0
            },
            &mut sums,
        );
        sums.iter_mut().for_each(|s| *s /= objective.total);
        sums
    }

    /// `−mean(loss*)` of the numbers times each of `sizes`.
    fn losses(&self, sizes: &[f64]) -> Vec<f64> {
        let objective = self.objective;
        let outputs = objective.outputs();
        let mut sums = vec![0.0; sizes.len()];
        objective.sum(
            |shard, first, sums| {
                self.for_each_row(shard, first, |row, _, _, values| {
                    let weight = objective.weight(row);
                    for (sum, size) in sums.iter_mut().zip(sizes) {
                        *sum += weight * self.loss(row, outputs, size, values);
                    }
                });
                0.0
            },
            &mut sums,
        );
        sums.iter_mut().for_each(|s| *s /= objective.total);
        sums
    }

    /// `−loss*` of a row's numbers times `size`: the entropy of the probabilities that they stand for, or for numbers
    /// `−t²/2 − t y`.
    fn loss(&self, row: usize, outputs: usize, size: &f64, values: &[f64]) -> f64 {
        match self.objective.targets {
            Targets::Values(truths) => {
                let t = size * values[0];
                // Any constant may be taken off the truths, as the numbers sum to 0; this one leaves them small.
                let intercept = self.beta[self.objective.penalised()];
                -t * (0.5 * t + truths[row] - intercept)
            }
            Targets::Classes { of_row, .. } if outputs == 1 => {
                let truth = f64::from(of_row[row]);
                let p = size * values[0] + truth;
                entropy(p) + entropy(1.0 - p)
            }
            Targets::Classes { of_row, .. } => {
                let truth = of_row[row] as usize;
                let of_class =
                    |(class, t): (usize, &f64)| entropy(size * t + f64::from(u8::from(class == truth)));
                values.iter().enumerate().map(of_class).sum()
            }
        }
    }

    /// Calls `each` with the number of every row, its features and its numbers.
    fn for_each_row(&self, shard: &Shard, first: usize, mut each: impl FnMut(usize, &[f32], &[u32], &[f64])) {
        let objective = self.objective;
        let outputs = objective.outputs();
        let mut values = vec![0.0; outputs];
        let mixed = |p: f64, by: f64| (1.0 - self.share) * p + self.share * by;
        shard.for_each_row(objective.design.dense, |row, numbers, active| {
            let row = first + row;
            match objective.targets {
                Targets::Values(truths) => {
                    values[0] = single_margin(numbers, active, self.beta) - truths[row] - self.by[0];
                }
                Targets::Classes { of_row, .. } if outputs == 1 => {
                    let p = sigmoid(single_margin(numbers, active, self.beta));
                    values[0] = mixed(p, self.by[1]) - f64::from(of_row[row]);
                }
                Targets::Classes { of_row, .. } => {
                    class_margins(numbers, active, outputs, self.beta, &mut values);
                    softmax(&mut values);
                    values
                        .iter_mut()
                        .zip(&self.by)
                        .for_each(|(p, by)| *p = mixed(*p, *by));
                    values[of_row[row] as usize] -= 1.0;
                }
            }
            each(row, numbers, active, &values);
        });
    }
}

/// The share of all probabilities that has to be replaced, and by what, so that they add up to `rows` for each class
/// where they are `off` now. `None` where that is all of them.
fn mixture(rows: &[f64], off: &[f64]) -> Option<(f64, Vec<f64>)> {
    let all = || rows.iter().zip(off);
    let kept = all()
        .filter(|(_, off)| **off > 0.0)
        .map(|(rows, off)| rows / (rows + off))
        .fold(1.0, f64::min);
    let share = 1.0 - kept;
    if share <= ROUNDING {
        return Some((0.0, vec![0.0; rows.len()]));
    }
    let by: Vec<f64> = all()
        .map(|(rows, off)| ((rows - kept * (rows + off)) / share).max(0.0))
        .collect();
    (kept > 0.0 && by.iter().all(|by| by.is_finite())).then_some((share, by))
}

/// `−p ln p`.
fn entropy(p: f64) -> f64 {
    if p > 0.0 { -p * libm::log(p) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::features::FeatureVector;
    use crate::ml::hash::Stream;
    use crate::ml::learn::DesignBuilder;
    use crate::ml::learn::lasso::solve;
    use crate::ml::learn::lbfgs::Limits;
    use crate::ml::learn::objective::Problem;
    use crate::ml::observe::Silent;

    /// The gap covers the true one wherever it is asked for, also where intercepts are off, with rows that count more than
    /// others, and with groups that have no `l2`; and it vanishes at the minimum.
    #[test]
    fn the_gap_covers_the_true_one() {
        let mut stream = Stream::new(17);
        let mut builder = DesignBuilder::new(2, 6);
        for _ in 0..200 {
            builder.push(&FeatureVector {
                dense: (0..2).map(|_| stream.next_unit() as f32 - 0.5).collect(),
                active: (0..6).filter(|_| stream.next_unit() < 0.3).collect(),
            });
        }
        let design = builder.build();
        let weights: Vec<f32> = (0..200).map(|row| (row % 4) as f32).collect();
        let mut classes = |classes: usize| Targets::Classes {
            classes,
            of_row: (0..200)
                .map(|_| (stream.next_unit() * stream.next_unit() * classes as f64) as u32)
                .collect(),
        };
        let values = Targets::Values((0..200).map(|i| f64::from(i % 17)).collect());
        let factors = [1.0, 0.0, 2.0, 1.0, 0.0, 0.5, 1.0, 1.0];
        for targets in [classes(2), classes(3), values] {
            for (l1, l2) in [(1e-2, 0.0), (1e-2, 1e-2), (1e-3, 0.3)] {
                let objective = Objective::weighted(&design, &targets, &weights, l2)
                    .shaped(Some(&factors))
                    .with_l1(l1);
                let at = |beta: &[f64]| {
                    let mut gradient = vec![0.0; beta.len()];
                    let value = objective.evaluate(beta, &mut gradient) + objective.lasso().value(beta);
                    (value, gap(&objective, beta, value, &gradient))
                };
                let limits = Limits {
                    iterations: 500,
                    passes: u32::MAX,
                };
                let best = solve(&objective, objective.start(), 1e-12, limits, &mut Silent)
                    .unwrap()
                    .0
                    .beta;
                let (lowest, left) = at(&best);
                assert!(left < 1e-6 * lowest, "{l1} {l2}: {left}");
                for size in [1e-6, 1e-3, 0.1, 1.0] {
                    let beta: Vec<f64> = best
                        .iter()
                        .map(|b| b + size * (stream.next_unit() - 0.5))
                        .collect();
                    let (value, told) = at(&beta);
                    let gap = value - lowest;
                    assert!(
                        told >= gap - 1e-12 * lowest && told.is_finite(),
                        "{size}: {told} {gap}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_mixture_makes_up_for_what_classes_have_too_much() {
        let (rows, off) = ([0.5, 0.3, 0.2], [0.1, -0.04, -0.06]);
        let (share, by) = mixture(&rows, &off).unwrap();
        assert!(share > 0.0 && share < 0.2, "{share}");
        assert!((by.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for ((rows, off), by) in rows.iter().zip(off).zip(&by) {
            assert!(((1.0 - share) * (rows + off) + share * by - rows).abs() < 1e-15);
        }
        assert_eq!(mixture(&rows, &[0.0; 3]).unwrap().0, 0.0);
        assert!(mixture(&[0.0, 1.0], &[0.1, -0.1]).is_none());
    }
}
