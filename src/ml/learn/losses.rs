//! What rows score and lose at some weights, without gradient and penalty.

use super::calibration::Held;
use super::design::Targets;
use super::objective::{Objective, class_margins, single_margin, softmax};
use super::passes::logistic_loss;
use super::shards::Shard;

impl Objective<'_> {
    /// The scores of the rows that count at `beta`, in the order of the rows.
    pub(super) fn held(&self, beta: &[f64]) -> Held {
        let (dense, outputs) = (self.design.dense, self.outputs());
        let wide = &*self.design.widen(beta, outputs);
        let of_shard = |held: &mut Held, index: usize, shard: &Shard| {
            let first = index * self.design.shard_rows();
            shard.for_each_joined(dense, |row, numbers, active| {
                let weight = self.weight(first + row);
                if weight > 0.0 {
                    let at = held.scores.len();
                    held.scores.resize(at + outputs, 0.0);
                    match outputs {
                        1 => held.scores[at] = single_margin(numbers, active, wide),
                        _ => class_margins(numbers, active, outputs, wide, &mut held.scores[at..]),
                    }
                    held.rows.push(first + row);
                    held.weights.push(weight);
                }
            });
        };
        let shards = &self.design.shards;
        let of_shards = shards.side_by_side(1, 0..shards.len(), |range| {
            let mut held = Held::default();
            shards.visit(range, |index, shard| of_shard(&mut held, index, shard));
            held
        });
        let mut all = Held::default();
        of_shards.into_iter().for_each(|held| all.append(held));
        all
    }

    /// The weighted mean of the losses at `beta` and that of their squares, without penalty and gradient.
    pub fn losses(&self, beta: &[f64]) -> (f64, f64) {
        let (dense, outputs) = (self.design.dense, self.outputs());
        let wide = &*self.design.widen(beta, outputs);
        let mut squares = [0.0];
        let mean = self.sum(
            |shard, first, squares| {
                let (mut total, mut scores) = (0.0, vec![0.0; outputs]);
                shard.for_each_joined(dense, |row, numbers, active| {
                    let weight = self.weight(first + row);
                    if weight > 0.0 {
                        let loss = self.loss(first + row, numbers, active, wide, &mut scores);
                        total += weight * loss;
                        squares[0] += weight * loss * loss;
                    }
                });
                total
            },
            &mut squares,
        );
        (mean / self.total, squares[0] / self.total)
    }

    /// The mean loss of answering every row with the base rates.
    pub(super) fn of_base_rates(&self) -> f64 {
        let (start, mut scores) = (self.start(), vec![0.0; self.outputs()]);
        let intercepts = &start[self.penalised()..];
        let loss = |row| self.weight(row) * self.loss(row, &[], &[], intercepts, &mut scores);
        (0..self.targets.len()).map(loss).sum::<f64>() / self.total
    }

    fn loss(&self, row: usize, numbers: &[f32], active: &[u32], beta: &[f64], scores: &mut [f64]) -> f64 {
        match self.targets {
            Targets::Classes { classes, of_row } if *classes != 2 => {
                class_margins(numbers, active, *classes, beta, scores);
                let of_truth = scores[of_row[row] as usize];
                softmax(scores) - of_truth
            }
            Targets::Classes { of_row, .. } => {
                logistic_loss(single_margin(numbers, active, beta), of_row[row] == 1)
            }
            Targets::Values(values) => {
                let residual = single_margin(numbers, active, beta) - values[row];
                0.5 * residual * residual
            }
        }
    }
}
