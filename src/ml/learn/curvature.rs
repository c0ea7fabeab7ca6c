//! What the loss curves at some weights, without the penalty: enough to make an approximate inverse of the Hessian for any
//! penalty, also at weights nearby.

use super::design::Targets;
use super::objective::{Objective, Problem, single_margin};
use super::passes::{for_each_share, single_diagonal, softmax_diagonal};
use super::precondition::{Preconditioner, directions};
use crate::ml::hash::unit;

/// Rows from which the coarse part is taken, about: it has few numbers, so that more rows would not change it much, and
/// each row costs the square of its directions.
const COARSE_ROWS: f64 = 20_000.0;
/// Seed of the choice of those rows.
const SEED: u64 = 0x636f_6172_7365;

/// Second derivatives of the mean loss at some weights.
#[derive(Debug, Clone)]
pub struct Curvature {
    /// The diagonal.
    pub diagonal: Vec<f64>,
    /// For each output the second derivatives along coarse directions, row by row; empty where there are none.
    coarse: Vec<Vec<f64>>,
}

impl Objective<'_> {
    /// What the loss curves at `beta`. One pass over the data, and a look at some of the rows.
    pub fn curvature(&self, beta: &[f64]) -> Curvature {
        let coarse = match self.directions() {
            Some((of_feature, count)) => self.coarse(beta, &of_feature, count),
            None => Vec::new(),
        };
        Curvature {
            diagonal: self.loss_diagonal(beta),
            coarse,
        }
    }

    /// The approximate inverse of the Hessian with the penalty of this objective.
    pub fn preconditioner_of(&self, curvature: &Curvature) -> Preconditioner {
        let mut diagonal = curvature.diagonal.clone();
        self.add_penalties(&mut diagonal);
        let mut fine = Preconditioner::of_diagonal(diagonal);
        if let Some(sketch) = &self.design.sketch {
            fine = fine.with_sketch(sketch, self.outputs());
        }
        let Some((of_feature, count)) = self.directions().filter(|_| !curvature.coarse.is_empty()) else {
            return fine;
        };
        let mut coarse = curvature.coarse.clone();
        for hessian in &mut coarse {
            let penalties = self.penalties().step_by(self.outputs());
            for (penalty, &direction) in penalties.zip(&of_feature) {
                if let Some(h) = hessian.get_mut(direction as usize * (count + 1)) {
                    *h += penalty;
                }
            }
        }
        fine.with_coarse(of_feature, count, coarse)
    }

    fn directions(&self) -> Option<(Vec<u32>, usize)> {
        let groups = &self.design.groups;
        directions(
            &groups.of_feature,
            groups.names.len(),
            self.design.dense,
            self.outputs(),
        )
    }

    /// The diagonal of the Hessian of the mean loss.
    pub(super) fn loss_diagonal(&self, beta: &[f64]) -> Vec<f64> {
        let mut diagonal = vec![0.0; self.len()];
        let dense = self.design.dense;
        let wide = &*self.design.widen(beta, self.outputs());
        match self.targets {
            Targets::Classes { classes, .. } if *classes != 2 => self.sum_joined(
                |shard, first, sums| {
                    let weight = |row: usize| self.weight(first + row);
                    softmax_diagonal(shard, (dense, *classes), wide, sums, weight)
                },
                &mut diagonal,
            ),
            _ => self.sum_joined(
                |shard, first, sums| {
                    let curvature =
                        |row: usize, margin: f64| self.weight(first + row) * self.curvature_of(margin);
                    single_diagonal(shard, dense, wide, sums, curvature)
                },
                &mut diagonal,
            ),
        };
        diagonal.iter_mut().for_each(|d| *d /= self.total);
        diagonal
    }

    /// Adds to the diagonal of the Hessian what the penalty curves.
    pub(super) fn add_penalties(&self, diagonal: &mut [f64]) {
        diagonal
            .iter_mut()
            .zip(self.penalties())
            .for_each(|(d, l2)| *d += l2);
    }

    /// For each output the Hessian of the mean loss on coarse directions, row by row: all features of a direction move
    /// together, those without one stay. Outputs are taken as if they did not depend on each other.
    fn coarse(&self, beta: &[f64], of_feature: &[u32], count: usize) -> Vec<Vec<f64>> {
        let (dense, outputs) = (self.design.dense, self.outputs());
        let share = COARSE_ROWS / self.total;
        let wide = &*self.design.widen(beta, outputs);
        // The last number is how much the rows count that were looked at.
        let mut sums = vec![0.0; outputs * count * count + 1];
        let matrices = sums.len() - 1;
        self.sum(
            |shard, first, sums| {
                let (mut moves, mut row) = (vec![0.0; count], Vec::new());
                // Rows that count more are looked at more often, and then count as much as is left out.
                let weight = |row: usize| {
                    let weight = self.weight(first + row);
                    let chance = (share * weight).min(1.0);
                    match chance > 0.0 && (chance >= 1.0 || unit(SEED, (first + row) as u64) < chance) {
                        true => weight / chance,
                        false => 0.0,
                    }
                };
                let mut add = |active: &[u32], weight: f64, curvatures: &[f64]| {
                    moves.fill(0.0);
                    moves[count - 1] = 1.0;
                    let active = match &shard.joints {
                        None => active,
                        Some(joints) => joints.expand(active, &mut row),
                    };
                    active
                        .iter()
                        .for_each(|&id| moves[of_feature[dense + id as usize] as usize] += 1.0);
                    add_squares(&moves, curvatures, &mut sums[..matrices]);
                    sums[matrices] += weight;
                };
                if outputs > 1 {
                    for_each_share(
                        shard,
                        (dense, outputs),
                        wide,
                        weight,
                        |_| 0,
                        |row, shares| {
                            shares.iter_mut().for_each(|p| *p *= row.weight * (1.0 - *p));
                            add(row.active, row.weight, shares);
                        },
                    );
                    return 0.0;
                }
                shard.for_each_joined(dense, |row, numbers, active| {
                    let weight = weight(row);
                    if weight > 0.0 {
                        let curvature = weight * self.curvature_of(single_margin(numbers, active, wide));
                        add(active, weight, &[curvature]);
                    }
                });
                0.0
            },
            &mut sums,
        );
        let total = sums[matrices];
        if total <= 0.0 {
            return Vec::new();
        }
        sums[..matrices].iter_mut().for_each(|h| *h /= total);
        sums[..matrices]
            .chunks(count * count)
            .map(<[f64]>::to_vec)
            .collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::features::FeatureVector;
    use crate::ml::hash::Stream;
    use crate::ml::learn::pairs::dot;
    use crate::ml::learn::{DesignBuilder, Groups};

    /// Of more rows than are looked at, of which a few count as much as all others, the coarse part is near the exact one,
    /// and the diagonal is exact.
    #[test]
    fn some_rows_stand_for_all_in_the_coarse_part() {
        let rows = 3 * COARSE_ROWS as usize;
        let mut stream = Stream::new(6);
        let mut builder = DesignBuilder::new(0, 4).with_groups(Groups {
            names: vec!["first".into(), "second".into()],
            of_feature: vec![0, 0, 1, 1],
        });
        let (mut values, mut weights) = (Vec::new(), Vec::new());
        for row in 0..rows {
            let is_heavy = row % 6_000 == 17;
            // Only those that count much have a feature of the second group.
            let active = if is_heavy {
                vec![0, 3]
            } else {
                vec![u32::from(stream.next_unit() < 0.4)]
            };
            let dense = Vec::new();
            builder.push(&FeatureVector { dense, active });
            values.push(stream.next_unit());
            weights.push(if is_heavy { 6_000.0 } else { 1.0f32 });
        }
        let (design, targets) = (builder.build(), Targets::Values(values));
        let objective = Objective::weighted(&design, &targets, &weights, 0.0);
        let beta = vec![0.0; objective.len()];
        let (hessian, curvature) = (objective.hessian(&beta), objective.curvature(&beta));
        let along = |direction: &[f64]| {
            let mut product = vec![0.0; direction.len()];
            hessian.times(direction, &mut product);
            dot(direction, &product)
        };
        let directions = [
            [1.0, 1.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 1.0, 1.0, 0.0],
            [0.0, 0.0, 0.0, 0.0, 1.0],
        ];
        for (at, direction) in directions.iter().enumerate() {
            let (found, exact) = (curvature.coarse[0][at * 4], along(direction));
            assert!((found / exact - 1.0).abs() < 0.05, "{at}: {found} {exact}");
        }
        for (at, found) in curvature.diagonal.iter().enumerate() {
            let unit: Vec<f64> = (0..5).map(|of| f64::from(u8::from(of == at))).collect();
            assert!((found - along(&unit)).abs() < 1e-12);
        }
    }
}
