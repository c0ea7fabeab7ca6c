//! An approximate inverse of the Hessian: cheap, and near enough to make the solvers' directions good.
//!
//! Its first part is the inverse diagonal (Jacobi); for dense features that of a diagonal and a factor of low rank
//! (`sketch.rs`). Where every row has one value of an attribute, all weights of that
//! attribute can move together against the intercept and no score changes: directions in which only the penalty
//! curves, and which a diagonal does not see. The second part solves for those, one for each group of active-or-not
//! features and one for the intercept, exactly (an additive coarse correction, as in two-level methods of domain
//! decomposition: Nabben and Vuik 2006).

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::pairs::{SLICE, dot, together, total};
use super::sketch::Sketch;

/// Groups up to which they are solved for together.
const MOST_GROUPS: usize = 64;
/// Elements of all coarse matrices together, one for each output: they are added up row by row.
const MOST_ELEMENTS: usize = 20_000;
/// Features whose squares one thread adds up at a time.
const TOGETHER: usize = 512;
/// A pivot below this share of its diagonal element is taken for 0.
const SMALLEST_PIVOT: f64 = 1e-10;

/// The approximate inverse.
#[derive(Debug, Clone, Default)]
pub struct Preconditioner {
    /// The inverse of the Hessian's diagonal.
    pub inverse_diagonal: Vec<f64>,
    /// For the dense features, one for each output.
    dense: Vec<LowRank>,
    coarse: Option<Coarse>,
}

/// The inverse of `D + s F F'` for the dense features of one output, with `D` the whole diagonal of the Hessian: what the
/// factor explains is not taken out of it, since rows curve differently and too little is worse than too much. By the
/// Woodbury identity it is
/// `D⁻¹ − D⁻¹ F (I/s + F' D⁻¹ F)⁻¹ F' D⁻¹`.
#[derive(Debug, Clone)]
struct LowRank {
    /// `F`.
    sketch: Arc<Sketch>,
    /// The diagonal of `D⁻¹`.
    inverse: Vec<f64>,
    /// The Cholesky factor of the matrix in brackets.
    factor: Vec<f64>,
}

impl LowRank {
    /// From the Hessian's diagonal on the dense features.
    fn new(sketch: &Arc<Sketch>, diagonal: &[f64]) -> Self {
        let curvature = ordinary_curvature(sketch, diagonal);
        let rank = sketch.rank;
        let inverse: Vec<f64> = diagonal
            .iter()
            .map(|whole| 1.0 / whole.max(f64::MIN_POSITIVE))
            .collect();
        let squares = |(part, inverse): (usize, &[f64])| {
            let mut inner = vec![0.0; rank * rank];
            for (feature, rest) in (part * TOGETHER..).zip(inverse) {
                let row = sketch.of_feature(feature);
                for (inner, f) in inner.chunks_exact_mut(rank).zip(row) {
                    let times = rest * f;
                    inner.iter_mut().zip(row).for_each(|(sum, g)| *sum += times * g);
                }
            }
            inner
        };
        let parts = inverse.par_chunks(TOGETHER).enumerate().map(squares);
        let mut inner = vec![0.0; rank * rank];
        for part in parts.collect::<Vec<_>>() {
            inner.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
        }
        (0..rank).for_each(|at| inner[at * rank + at] += 1.0 / curvature.max(f64::MIN_POSITIVE));
        Self {
            sketch: Arc::clone(sketch),
            inverse,
            factor: cholesky(inner, rank),
        }
    }

    /// The inverse times the numbers of the dense features. The factor does not fit a processor's cache, so that threads
    /// share it.
    fn times(&self, vector: &[f64]) -> Vec<f64> {
        let mut result: Vec<f64> = vector.iter().zip(&self.inverse).map(|(v, d)| v * d).collect();
        let rank = self.sketch.rank;
        let along = |(part, values): (usize, &[f64])| {
            let mut along = vec![0.0; rank];
            for (feature, value) in (part * TOGETHER..).zip(values) {
                let row = along.iter_mut().zip(self.sketch.of_feature(feature));
                row.for_each(|(a, f)| *a += value * f);
            }
            along
        };
        let parts = result.par_chunks(TOGETHER).enumerate().map(along);
        let mut along = vec![0.0; rank];
        for part in parts.collect::<Vec<_>>() {
            along.iter_mut().zip(&part).for_each(|(sum, part)| *sum += part);
        }
        solve(&self.factor, &mut along);
        let parts = result.par_chunks_mut(TOGETHER).enumerate();
        parts.for_each(|(part, values)| {
            let inverse = &self.inverse[part * TOGETHER..];
            for (feature, (value, d)) in (part * TOGETHER..).zip(values.iter_mut().zip(inverse)) {
                *value -= d * dot(&along, self.sketch.of_feature(feature));
            }
        });
        result
    }
}

/// Which coarse direction each parameter belongs to; [`NONE`] where to none.
const NONE: u32 = u32::MAX;

#[derive(Debug, Clone)]
struct Coarse {
    /// Runs of features, and last the intercept, that have the same direction; those without one are left out.
    runs: Vec<(Range<usize>, usize)>,
    directions: usize,
    /// For each output the Cholesky factor of the Hessian on the coarse directions.
    factors: Vec<Vec<f64>>,
}

impl Preconditioner {
    /// From the Hessian's diagonal alone. What curves infinitely stays where it is.
    pub fn of_diagonal(diagonal: Vec<f64>) -> Self {
        let finite = diagonal.iter().copied().filter(|d| d.is_finite());
        let floor = 1e-7 * finite.fold(f64::MIN_POSITIVE, f64::max);
        Self {
            inverse_diagonal: diagonal.into_iter().map(|d| 1.0 / d.max(floor)).collect(),
            dense: Vec::new(),
            coarse: None,
        }
    }

    /// Adds what is known of how the dense features go together. They come first, the intercepts last.
    pub fn with_sketch(mut self, sketch: &Arc<Sketch>, outputs: usize) -> Self {
        let of_output = |output: usize| {
            let diagonal = self.inverse_diagonal.iter().skip(output).step_by(outputs);
            let diagonal = diagonal.take(sketch.features).map(|inverse| 1.0 / inverse);
            LowRank::new(sketch, &diagonal.collect::<Vec<f64>>())
        };
        self.dense = (0..outputs).into_par_iter().map(of_output).collect();
        self
    }

    /// Adds the coarse part: the direction of each feature and of the intercept, and for each output the Hessian on
    /// those directions, row by row.
    pub fn with_coarse(mut self, of_feature: Vec<u32>, directions: usize, hessians: Vec<Vec<f64>>) -> Self {
        let factors = hessians
            .into_iter()
            .map(|hessian| cholesky(hessian, directions))
            .collect();
        self.coarse = Some(Coarse {
            runs: runs(&of_feature, directions),
            directions,
            factors,
        });
        self
    }

    /// The approximate inverse times `vector`.
    pub fn times(&self, vector: &[f64]) -> Vec<f64> {
        let mut result = vector.to_vec();
        together(&mut result, &self.inverse_diagonal, |v, d| *v *= d);
        let outputs = self.dense.len();
        for (output, low_rank) in self.dense.iter().enumerate() {
            let features = low_rank.sketch.features;
            let of_output = vector.iter().skip(output).step_by(outputs).take(features);
            let better = low_rank.times(&of_output.copied().collect::<Vec<f64>>());
            let of_output = result.iter_mut().skip(output).step_by(outputs);
            of_output.zip(better).for_each(|(value, better)| *value = better);
        }
        if let Some(coarse) = &self.coarse {
            coarse.add(vector, &mut result);
        }
        result
    }

    /// `vector' M⁻¹ vector`.
    pub fn square(&self, vector: &[f64]) -> f64 {
        dot(vector, &self.times(vector))
    }
}

/// What a row curves: the median over the features of how their diagonal compares with their squares.
fn ordinary_curvature(sketch: &Sketch, diagonal: &[f64]) -> f64 {
    let mut ratios: Vec<f64> = diagonal
        .iter()
        .enumerate()
        .map(|(feature, whole)| whole / sketch.of_feature(feature).iter().map(|f| f * f).sum::<f64>())
        .filter(|ratio| ratio.is_finite())
        .collect();
    ratios.sort_unstable_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().unwrap_or(0.0)
}

/// Where which direction begins and ends.
fn runs(of_feature: &[u32], directions: usize) -> Vec<(Range<usize>, usize)> {
    let mut runs = Vec::new();
    let mut first = 0;
    for run in of_feature.chunk_by(|a, b| a == b) {
        let end = first + run.len();
        let direction = run.first().map_or(directions, |&direction| direction as usize);
        if direction < directions {
            runs.push((first..end, direction));
        }
        first = end;
    }
    runs
}

impl Coarse {
    fn add(&self, vector: &[f64], result: &mut [f64]) {
        let outputs = self.factors.len();
        let of_run = |features: &Range<usize>| features.start * outputs..features.end * outputs;
        // For each direction the sums of all outputs.
        let mut sums = vec![0.0; self.directions * outputs];
        for (features, direction) in &self.runs {
            let sums = &mut sums[direction * outputs..(direction + 1) * outputs];
            let vector = &vector[of_run(features)];
            match sums {
                [sum] => *sum += total(vector),
                _ => vector.chunks_exact(outputs).for_each(|of_feature| {
                    sums.iter_mut().zip(of_feature).for_each(|(sum, v)| *sum += v);
                }),
            }
        }
        for (output, factor) in self.factors.iter().enumerate() {
            let of_output = sums.iter().skip(output).step_by(outputs);
            let mut of_output: Vec<f64> = of_output.copied().collect();
            solve(factor, &mut of_output);
            let places = sums.iter_mut().skip(output).step_by(outputs);
            places.zip(of_output).for_each(|(place, solved)| *place = solved);
        }
        for (features, direction) in &self.runs {
            let more = &sums[direction * outputs..(direction + 1) * outputs];
            let slices = result[of_run(features)].par_chunks_mut(SLICE * outputs);
            slices.for_each(|slice| {
                for of_feature in slice.chunks_exact_mut(outputs) {
                    of_feature
                        .iter_mut()
                        .zip(more)
                        .for_each(|(value, more)| *value += more);
                }
            });
        }
    }
}

/// The directions of features: one for each group among `of_group` from feature `dense` on, and the last one for the
/// intercept. `None` where there are no groups, or too many, also for so many outputs.
pub fn directions(
    of_group: &[u32],
    groups: usize,
    dense: usize,
    outputs: usize,
) -> Option<(Vec<u32>, usize)> {
    let sparse = of_group.get(dense..).filter(|sparse| !sparse.is_empty())?;
    let mut number = vec![NONE; groups];
    let mut count = 0;
    for &group in sparse {
        let number = number.get_mut(group as usize)?;
        if *number == NONE {
            *number = count;
            count += 1;
        }
    }
    let size = count as usize + 1;
    if count as usize > MOST_GROUPS || size * size * outputs > MOST_ELEMENTS {
        return None;
    }
    let mut of_feature = vec![NONE; dense];
    of_feature.extend(sparse.iter().map(|&group| number[group as usize]));
    of_feature.push(count);
    Some((of_feature, size))
}

/// The lower triangle `L` with `L L' = matrix`, row by row; a row that depends on others is left out.
pub(super) fn cholesky(mut matrix: Vec<f64>, size: usize) -> Vec<f64> {
    for column in 0..size {
        let dot = |matrix: &[f64], a: usize, b: usize| -> f64 {
            (0..column)
                .map(|k| matrix[a * size + k] * matrix[b * size + k])
                .sum()
        };
        let before = matrix[column * size + column];
        let pivot = before - dot(&matrix, column, column);
        if pivot.is_nan() || pivot <= SMALLEST_PIVOT * before {
            (0..size).for_each(|row| matrix[row * size + column] = 0.0);
            continue;
        }
        matrix[column * size + column] = pivot.sqrt();
        for row in column + 1..size {
            let rest = matrix[row * size + column] - dot(&matrix, row, column);
            matrix[row * size + column] = rest / matrix[column * size + column];
        }
    }
    matrix
}

/// Solves `L L' x = b` in place; where the diagonal of `L` is 0, so is `x`.
pub(super) fn solve(factor: &[f64], b: &mut [f64]) {
    let size = b.len();
    for row in 0..size {
        let taken: f64 = (0..row).map(|k| factor[row * size + k] * b[k]).sum();
        b[row] = divided(b[row] - taken, factor[row * size + row]);
    }
    for row in (0..size).rev() {
        let taken: f64 = (row + 1..size).map(|k| factor[k * size + row] * b[k]).sum();
        b[row] = divided(b[row] - taken, factor[row * size + row]);
    }
}

fn divided(value: f64, by: f64) -> f64 {
    if by > 0.0 { value / by } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_what_has_full_rank_and_leaves_the_rest_out() {
        let matrix = vec![4.0, 2.0, 1.0, 2.0, 3.0, 0.5, 1.0, 0.5, 2.0];
        let mut x = vec![7.0, 5.5, 3.5];
        solve(&cholesky(matrix, 3), &mut x);
        x.iter().for_each(|x| assert!((x - 1.0).abs() < 1e-12, "{x}"));
        let mut x = vec![2.0, 2.0];
        solve(&cholesky(vec![1.0; 4], 2), &mut x);
        assert_eq!(x, [2.0, 0.0]);
    }

    #[test]
    fn groups_are_numbered_and_too_many_are_none() {
        let (of_feature, count) = directions(&[5, 3, 3, 1], 6, 1, 1).unwrap();
        assert_eq!((of_feature, count), (vec![NONE, 0, 0, 1, 2], 3));
        let many: Vec<u32> = (0..=MOST_GROUPS as u32).collect();
        assert!(directions(&many, many.len(), 0, 1).is_none());
        assert!(directions(&[], 0, 0, 1).is_none());
        assert!(directions(&[0, 1], 2, 0, 2_000).is_some() && directions(&[0, 1], 2, 0, 3_000).is_none());
    }

    /// Two factors of three features: `(D + s F F') M⁻¹ v` is `v`, for each of two outputs.
    #[test]
    fn the_low_rank_part_inverts_its_matrix() {
        let sketch = Arc::new(Sketch {
            features: 3,
            rank: 2,
            factor: vec![1.0, 0.5, -0.3, 2.0, 0.7, -1.1],
        });
        // The last two numbers are those of the intercepts.
        let diagonal = vec![3.0, 1.0, 5.0, 2.0, 4.0, 0.5, 9.0, 9.0];
        let inverse = Preconditioner::of_diagonal(diagonal.clone()).with_sketch(&sketch, 2);
        let vector = [1.0, -2.0, 0.5, 3.0, -1.5, 0.25, 4.0, 5.0];
        let found = inverse.times(&vector);
        for output in 0..2 {
            let whole: Vec<f64> = (0..3).map(|feature| diagonal[2 * feature + output]).collect();
            let curvature = ordinary_curvature(&sketch, &whole);
            for row in 0..3 {
                let product = |column: usize| -> f64 {
                    let (a, b) = (sketch.of_feature(row), sketch.of_feature(column));
                    curvature * a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>()
                };
                let times: f64 = (0..3)
                    .map(|column| product(column) * found[2 * column + output])
                    .sum();
                let back = times + whole[row] * found[2 * row + output];
                assert!((back - vector[2 * row + output]).abs() < 1e-12, "{back}");
            }
        }
        assert!((found[6] - 4.0 / 9.0).abs() < 1e-15 && (found[7] - 5.0 / 9.0).abs() < 1e-15);
    }

    /// More features than one thread takes at a time, of which every tenth is 0: `(D + s F F') M⁻¹ v` is `v`.
    #[test]
    fn the_low_rank_part_is_put_together_from_its_parts() {
        let (features, rank) = (2 * TOGETHER + 37, 3);
        let number = |at: usize| ((at * 7919 % 1009) as f64 / 1009.0) - 0.4;
        let factor = (0..features * rank).map(number).collect();
        let sketch = Arc::new(Sketch {
            features,
            rank,
            factor,
        });
        let diagonal: Vec<f64> = (0..=features).map(|at| 1.0 + number(at * 3).abs()).collect();
        let curvature = ordinary_curvature(&sketch, &diagonal[..features]);
        let inverse = Preconditioner::of_diagonal(diagonal.clone()).with_sketch(&sketch, 1);
        let vector: Vec<f64> = (0..=features)
            .map(|at| if at % 10 == 0 { 0.0 } else { number(at + 5) })
            .collect();
        let found = inverse.times(&vector);
        let mut along = vec![0.0; rank];
        for (feature, value) in found[..features].iter().enumerate() {
            let row = along.iter_mut().zip(sketch.of_feature(feature));
            row.for_each(|(sum, f)| *sum += f * value);
        }
        for feature in 0..features {
            let product = dot(&along, sketch.of_feature(feature));
            let back = curvature * product + diagonal[feature] * found[feature];
            assert!((back - vector[feature]).abs() < 1e-10, "{feature}: {back}");
        }
    }

    /// Groups of several runs, and features without one, for one output and for three.
    #[test]
    fn coarse_directions_are_those_of_their_features() {
        let of_feature = [NONE, 0, 0, 1, 0, 2];
        for outputs in [1usize, 3] {
            let hessian = |output: usize| {
                let size = 2.0 + output as f64;
                vec![size, 0.5, 0.1, 0.5, size, 0.2, 0.1, 0.2, size]
            };
            let plain = Preconditioner::of_diagonal(vec![2.0; 6 * outputs]);
            let hessians = (0..outputs).map(hessian).collect();
            let whole = plain.clone().with_coarse(of_feature.to_vec(), 3, hessians);
            let vector: Vec<f64> = (0..6 * outputs).map(|at| (at * at) as f64 - 7.0).collect();
            let (fine, found) = (plain.times(&vector), whole.times(&vector));
            for output in 0..outputs {
                let mut sums = vec![0.0; 3];
                for (feature, &direction) in of_feature.iter().enumerate().skip(1) {
                    sums[direction as usize] += vector[feature * outputs + output];
                }
                solve(&cholesky(hessian(output), 3), &mut sums);
                for (feature, &direction) in of_feature.iter().enumerate() {
                    let more = if direction == NONE {
                        0.0
                    } else {
                        sums[direction as usize]
                    };
                    let at = feature * outputs + output;
                    assert!((found[at] - fine[at] - more).abs() < 1e-12, "{at}");
                }
            }
        }
    }
}
