//! The second derivatives of the objective: the Hessian times a direction.

use std::borrow::Cow;

use rayon::prelude::*;

use super::objective::{Objective, class_margins, single_margin, softmax};
use super::passes::{single_curve, softmax_curve};
use super::shards::Shard;

/// Memory that the probabilities of all rows may take; beyond, each product works them out anew.
pub const SHARES_BYTES: usize = 128 << 20;

impl Objective<'_> {
    /// The Hessian at `beta`, ready to be multiplied with directions.
    pub fn hessian<'h>(&'h self, beta: &'h [f64]) -> Hessian<'h> {
        let (dense, outputs) = (self.design.dense, self.outputs());
        let size = self.design.shard_rows() * outputs;
        // One number a row is little beside the row itself.
        let is_kept = outputs == 1 || self.design.rows * outputs <= SHARES_BYTES / 8;
        let mut shares = vec![0.0; if is_kept { self.design.rows * outputs } else { 0 }];
        let wide = self.design.widen(beta, outputs);
        let fill = |shares: &mut [f64], index: usize, shard: &Shard| {
            let first = index * self.design.shard_rows();
            shard.for_each_joined(dense, |row, numbers, active| {
                let of_row = &mut shares[row * outputs..(row + 1) * outputs];
                match of_row {
                    [one] => {
                        let margin = single_margin(numbers, active, &wide);
                        *one = self.weight(first + row) * self.curvature_of(margin);
                    }
                    _ => {
                        class_margins(numbers, active, outputs, &wide, of_row);
                        softmax(of_row);
                    }
                }
            });
        };
        shares
            .par_chunks_mut(size)
            .enumerate()
            .for_each(|(index, shares)| {
                let one = index..index + 1;
                self.design
                    .shards
                    .visit(one, |index, shard| fill(shares, index, shard));
            });
        Hessian {
            objective: self,
            shares,
            beta: wide,
        }
    }
}

/// The Hessian of an objective at some weights.
pub struct Hessian<'a> {
    objective: &'a Objective<'a>,
    /// With a place for each joint.
    beta: Cow<'a, [f64]>,
    /// For each row what its loss curves, where it has one score; else the probabilities of its classes; empty where those
    /// are too many to keep.
    shares: Vec<f64>,
}

impl Hessian<'_> {
    /// The Hessian times `direction`, put into `product`. One pass over the data.
    pub fn times(&self, direction: &[f64], product: &mut [f64]) {
        let objective = self.objective;
        let (dense, outputs) = (objective.design.dense, objective.outputs());
        let wide = &*objective.design.widen(direction, outputs);
        objective.sum_joined(
            |shard, first, sums| {
                let kept = self.shares.get(first * outputs..(first + shard.rows) * outputs);
                if outputs == 1 {
                    return single_curve(shard, dense, kept.unwrap_or_default(), wide, sums);
                }
                let weight = |row: usize| objective.weight(first + row);
                let shares = |row: usize, numbers: &[f32], active: &[u32], shares: &mut [f64]| match kept {
                    Some(kept) => shares.copy_from_slice(&kept[row * outputs..(row + 1) * outputs]),
                    None => {
                        class_margins(numbers, active, outputs, &self.beta, shares);
                        softmax(shares);
                    }
                };
                softmax_curve(shard, dense, outputs, shares, wide, sums, weight)
            },
            product,
        );
        product.iter_mut().for_each(|p| *p /= objective.total);
        let penalised = product.iter_mut().zip(direction).zip(objective.penalties());
        penalised.for_each(|((p, d), l2)| *p += l2 * d);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::features::FeatureVector;
    use crate::ml::learn::objective::Problem;
    use crate::ml::learn::{DesignBuilder, Targets};

    #[test]
    fn probabilities_that_are_not_kept_are_worked_out_anew() {
        let mut builder = DesignBuilder::new(1, 2);
        (0..50u32).for_each(|row| {
            builder.push(&FeatureVector {
                dense: vec![row as f32 / 50.0],
                active: vec![row % 2],
            });
        });
        let design = builder.build();
        let targets = Targets::Classes {
            classes: 3,
            of_row: (0..50).map(|row| row % 3).collect(),
        };
        let objective = Objective::new(&design, &targets, 0.1);
        let beta: Vec<f64> = (0..objective.len()).map(|at| at as f64 / 10.0).collect();
        let kept = objective.hessian(&beta);
        let anew = Hessian {
            shares: Vec::new(),
            ..objective.hessian(&beta)
        };
        let product = |hessian: &Hessian| {
            let mut product = vec![0.0; beta.len()];
            hessian.times(&beta, &mut product);
            product
        };
        assert_eq!(product(&kept), product(&anew));
        assert!(product(&kept).iter().any(|p| *p != 0.0) && kept.shares.len() == 150);
    }
}
