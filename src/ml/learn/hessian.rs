//! The second derivatives of the objective: the Hessian times a direction, and the Hessian on coarse directions.

use rayon::prelude::*;

use super::objective::{Objective, class_margins, single_margin, softmax};
use super::passes::{single_curve, softmax_curve};

impl Objective<'_> {
    /// The Hessian at `beta`, ready to be multiplied with directions.
    pub fn hessian(&self, beta: &[f64]) -> Hessian<'_> {
        let (dense, outputs) = (self.design.dense, self.outputs());
        let size = self.design.shard_rows() * outputs;
        let mut shares = vec![0.0; self.design.rows * outputs];
        shares
            .par_chunks_mut(size)
            .zip(&self.design.shards)
            .enumerate()
            .for_each(|(index, (shares, shard))| {
                let first = index * self.design.shard_rows();
                shard.for_each_row(dense, |row, numbers, active| {
                    let of_row = &mut shares[row * outputs..(row + 1) * outputs];
                    match of_row {
                        [one] => {
                            let margin = single_margin(numbers, active, beta);
                            *one = self.weight(first + row) * self.curvature(margin);
                        }
                        _ => {
                            class_margins(numbers, active, outputs, beta, of_row);
                            softmax(of_row);
                        }
                    }
                });
            });
        Hessian {
            objective: self,
            shares,
        }
    }
}

impl Objective<'_> {
    /// For each output the Hessian on coarse directions, row by row: all features of a direction move together, those
    /// without one stay. Outputs are taken as if they did not depend on each other.
    pub(super) fn coarse(&self, beta: &[f64], of_feature: &[u32], count: usize) -> Vec<Vec<f64>> {
        let (dense, outputs) = (self.design.dense, self.outputs());
        let mut sums = vec![0.0; outputs * count * count];
        self.sum(
            |shard, first, sums| {
                let (mut moves, mut curvatures) = (vec![0.0; count], vec![0.0; outputs]);
                shard.for_each_row(dense, |row, numbers, active| {
                    let weight = self.weight(first + row);
                    if weight == 0.0 {
                        return;
                    }
                    if outputs == 1 {
                        curvatures[0] = weight * self.curvature(single_margin(numbers, active, beta));
                    } else {
                        class_margins(numbers, active, outputs, beta, &mut curvatures);
                        softmax(&mut curvatures);
                        curvatures.iter_mut().for_each(|p| *p *= weight * (1.0 - *p));
                    }
                    moves.fill(0.0);
                    moves[count - 1] = 1.0;
                    active
                        .iter()
                        .for_each(|&id| moves[of_feature[dense + id as usize] as usize] += 1.0);
                    add_squares(&moves, &curvatures, sums);
                });
                0.0
            },
            &mut sums,
        );
        let mut hessians: Vec<Vec<f64>> = sums.chunks(count * count).map(<[f64]>::to_vec).collect();
        for hessian in &mut hessians {
            hessian.iter_mut().for_each(|h| *h /= self.total);
            let penalties = self.penalties().step_by(outputs);
            for (penalty, &direction) in penalties.zip(of_feature) {
                if let Some(h) = hessian.get_mut(direction as usize * (count + 1)) {
                    *h += penalty;
                }
            }
        }
        hessians
    }
}

/// Adds to the matrix of each output its curvature times `moves moves'`.
fn add_squares(moves: &[f64], curvatures: &[f64], sums: &mut [f64]) {
    let size = moves.len();
    for (matrix, curvature) in sums.chunks_exact_mut(size * size).zip(curvatures) {
        for (row, a) in matrix.chunks_exact_mut(size).zip(moves) {
            if *a != 0.0 {
                let times = a * curvature;
                row.iter_mut().zip(moves).for_each(|(sum, b)| *sum += times * b);
            }
        }
    }
}

/// The Hessian of an objective at some weights.
pub struct Hessian<'a> {
    objective: &'a Objective<'a>,
    /// For each row what its loss curves, where it has one score; else the probabilities of its classes.
    shares: Vec<f64>,
}

impl Hessian<'_> {
    /// The Hessian times `direction`, put into `product`. One pass over the data.
    pub fn times(&self, direction: &[f64], product: &mut [f64]) {
        let objective = self.objective;
        let (dense, outputs) = (objective.design.dense, objective.outputs());
        objective.sum(
            |shard, first, sums| {
                let shares = &self.shares[first * outputs..(first + shard.rows) * outputs];
                if outputs == 1 {
                    single_curve(shard, dense, shares, direction, sums)
                } else {
                    let weight = |row: usize| objective.weight(first + row);
                    softmax_curve(shard, dense, outputs, shares, direction, sums, weight)
                }
            },
            product,
        );
        product.iter_mut().for_each(|p| *p /= objective.total);
        let penalised = product.iter_mut().zip(direction).zip(objective.penalties());
        penalised.for_each(|((p, d), l2)| *p += l2 * d);
    }
}
