//! How the dense features go together, in few numbers: a factor `F` of low rank with `F F'` near `X'X / rows`.
//!
//! Numbers of one table tend to follow a few common causes; pixels and sensors most of all. A solver that knows only the
//! diagonal of the Hessian then needs hundreds of steps. The factor is a Nyström approximation from random directions `Ω`:
//! `Y = (X'X / rows) Ω`, `F = Y C⁻ᵀ` with `C C' = Ω'Y` (Williams and Seeger 2001; Frangella, Tropp and Udell 2021, whose
//! use of it as a preconditioner this follows). With as many directions as features it is exact.

use std::ops::Range;

use super::precondition::cholesky;
use super::shards::Shards;
use crate::ml::hash::Stream;

/// Directions at most.
const MOST_RANK: usize = 96;
/// Directions that are worth the effort, where there are more features.
const LEAST_RANK: usize = 8;
/// Numbers of the factor at most.
const MOST_NUMBERS: usize = 1 << 22;
/// Parts of the rows that are added up by themselves.
const PARTS: usize = 8;
/// Products that are spent on it, about: of more rows, every second, third, ... is taken.
const PRODUCTS: usize = 400_000_000;
/// What is added to the diagonal of `Ω'Y`, relative to its mean, so that rounding does not make it indefinite.
const RIDGE: f64 = 1e-6;
/// Seed of the directions.
const SEED: u64 = 0x736b_6574_6368;

/// The columns of a factor for so many dense features; `None` where it is not worth the effort.
fn rank_for(features: usize) -> Option<usize> {
    let rank = MOST_RANK.min(features).min(MOST_NUMBERS / features.max(1));
    (rank > 0 && rank >= LEAST_RANK.min(features)).then_some(rank)
}

/// Bytes of memory that the factor and what follows from it take at most, for so many scores.
pub fn bytes(features: usize, outputs: usize) -> usize {
    let rank = rank_for(features).unwrap_or(0);
    // Sums and directions, half as wide as the numbers that they become.
    let sums = 4 * (PARTS + 1) * features * rank;
    8 * features * rank + sums + 8 * outputs * (3 * features + rank * rank)
}

/// The factor.
#[derive(Debug, PartialEq)]
pub struct Sketch {
    /// Dense features.
    pub features: usize,
    /// Columns of the factor.
    pub rank: usize,
    /// The factor, feature by feature.
    pub factor: Vec<f64>,
}

impl Sketch {
    /// From so many rows with so many dense features. `None` where there are none, or too many.
    pub fn of(shards: &Shards, rows: usize, features: usize) -> Option<Self> {
        let rank = rank_for(features).filter(|_| rows > 0)?;
        let directions = directions(features, rank);
        let every = (rows.saturating_mul(2 * features * rank) / PRODUCTS).max(1);
        let size = shards.len().div_ceil(PARTS).max(1);
        let parts = 0..shards.len().div_ceil(size);
        let of_parts = shards.side_by_side(size, parts, |part| {
            products(shards, part, features, &directions, rank, every)
        });
        let mut taken = 0;
        let mut y = vec![0.0; features * rank];
        for (rows, part) in of_parts {
            taken += rows;
            y.iter_mut()
                .zip(&part)
                .for_each(|(y, part)| *y += f64::from(*part));
        }
        y.iter_mut().for_each(|y| *y /= taken.max(1) as f64);
        Some(Self {
            features,
            rank,
            factor: factor(y, &directions, rank),
        })
    }

    /// The numbers of one feature.
    pub fn of_feature(&self, feature: usize) -> &[f64] {
        &self.factor[feature * self.rank..(feature + 1) * self.rank]
    }
}

/// The identity where every feature has its own direction, else random signs, feature by feature.
fn directions(features: usize, rank: usize) -> Vec<f32> {
    let mut stream = Stream::new(SEED);
    let entry = |at: usize| {
        if rank == features {
            f32::from(u8::from(at / rank == at % rank))
        } else if stream.next_unit() < 0.5 {
            -1.0
        } else {
            1.0
        }
    };
    (0..features * rank).map(entry).collect()
}

/// Rows taken, and the sum of `x (x'Ω)` over them.
fn products(
    shards: &Shards,
    part: Range<usize>,
    features: usize,
    directions: &[f32],
    rank: usize,
    every: usize,
) -> (usize, Vec<f32>) {
    let mut sums = vec![0.0; features * rank];
    let mut taken = 0;
    let mut along = vec![0.0f32; rank];
    shards.visit(part, |_, shard| {
        for numbers in shard.dense.chunks_exact(features).step_by(every) {
            along.fill(0.0);
            for (x, direction) in numbers.iter().zip(directions.chunks_exact(rank)) {
                along.iter_mut().zip(direction).for_each(|(a, d)| *a += x * d);
            }
            for (x, sums) in numbers.iter().zip(sums.chunks_exact_mut(rank)) {
                sums.iter_mut().zip(&along).for_each(|(s, a)| *s += x * a);
            }
            taken += 1;
        }
    });
    (taken, sums)
}

/// `Y C⁻ᵀ` with `C C' = Ω'Y`.
fn factor(mut y: Vec<f64>, directions: &[f32], rank: usize) -> Vec<f64> {
    let mut core = vec![0.0; rank * rank];
    for (y, direction) in y.chunks_exact(rank).zip(directions.chunks_exact(rank)) {
        for (row, d) in core.chunks_exact_mut(rank).zip(direction) {
            row.iter_mut().zip(y).for_each(|(c, y)| *c += f64::from(*d) * y);
        }
    }
    let ridge = RIDGE * (0..rank).map(|at| core[at * rank + at]).sum::<f64>() / rank as f64;
    (0..rank).for_each(|at| core[at * rank + at] += ridge);
    let lower = cholesky(core, rank);
    // Each row of the factor solves `C f = y`.
    for row in y.chunks_exact_mut(rank) {
        for at in 0..rank {
            let taken: f64 = (0..at).map(|k| lower[at * rank + k] * row[k]).sum();
            let pivot = lower[at * rank + at];
            row[at] = if pivot > 0.0 {
                (row[at] - taken) / pivot
            } else {
                0.0
            };
        }
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::features::FeatureVector;
    use crate::ml::learn::{Design, DesignBuilder};

    fn gram(rows: &[Vec<f32>], a: usize, b: usize) -> f64 {
        rows.iter()
            .map(|row| f64::from(row[a]) * f64::from(row[b]))
            .sum::<f64>()
            / rows.len() as f64
    }

    fn table(rows: usize, features: usize, causes: usize) -> Vec<Vec<f32>> {
        let mut stream = Stream::new(5);
        let loads: Vec<f32> = (0..features * causes)
            .map(|_| stream.next_unit() as f32 - 0.5)
            .collect();
        let row = |_| {
            let causes: Vec<f32> = (0..causes).map(|_| stream.next_unit() as f32 - 0.5).collect();
            let sum = |loads: &[f32]| loads.iter().zip(&causes).map(|(l, c)| l * c).sum();
            loads.chunks(causes.len()).map(sum).collect()
        };
        (0..rows).map(row).collect()
    }

    fn design(rows: &[Vec<f32>]) -> Design {
        let mut builder = DesignBuilder::new(rows.first().map_or(0, Vec::len), 0);
        for row in rows {
            builder.push(&FeatureVector {
                dense: row.clone(),
                active: Vec::new(),
            });
        }
        builder.build()
    }

    fn sketch(rows: &[Vec<f32>]) -> Sketch {
        let design = design(rows);
        Sketch::of(&design.shards, design.rows, design.dense).unwrap()
    }

    fn is_near(rows: &[Vec<f32>]) {
        let sketch = sketch(rows);
        let largest = (0..rows[0].len())
            .map(|at| gram(rows, at, at))
            .fold(0.0, f64::max);
        for (a, b) in [(0, 0), (0, 3), (4, 2), (5, 5)] {
            let dot = sketch.of_feature(a).iter().zip(sketch.of_feature(b));
            let dot: f64 = dot.map(|(x, y)| x * y).sum();
            assert!((dot - gram(rows, a, b)).abs() < 1e-3 * largest, "{a} {b} {dot}");
        }
    }

    #[test]
    fn few_features_are_exact() {
        is_near(&table(200, 6, 6));
    }

    #[test]
    fn many_features_of_few_causes_are_near() {
        let rows = table(200, 300, 20);
        assert_eq!(sketch(&rows).rank, MOST_RANK);
        is_near(&rows);
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(Sketch::of(&design(&[]).shards, 0, 5), None);
        assert_eq!(Sketch::of(&design(&vec![Vec::new(); 3]).shards, 3, 0), None);
    }
}
