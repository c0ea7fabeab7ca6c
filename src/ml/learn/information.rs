//! What the rows tell about the weights, summed in one pass: the Hessian of the loss and the squares of its slopes.

use super::design::Targets;
use super::objective::{Objective, class_margins, single_margin, softmax};
use super::passes::sigmoid;
use super::shards::Shard;

/// Memory that partial sums may take together.
pub(super) const PARTIALS_BYTES: usize = 64 << 20;

/// Sums over the rows at some weights; matrices as lower triangles, row by row. Parameters are in the order of the
/// weights: outputs of one feature together, intercepts last.
pub(super) struct Information {
    /// The Hessian of the sum of the losses; for numbers without their variance.
    pub hessian: Vec<f64>,
    /// The sum of `g g'` over the rows, where `g` is the gradient of a row's loss.
    pub squares: Vec<f64>,
    /// The sum of the squared residuals, for numbers.
    pub residuals: f64,
    /// For classes: rows of which the truth is not strictly the most probable class.
    pub wrong: u64,
}

/// Numbers in the lower triangle of a matrix.
pub(super) fn triangle(size: usize) -> usize {
    size * (size + 1) / 2
}

impl Information {
    /// One pass over the data.
    pub fn at(objective: &Objective<'_>, beta: &[f64]) -> Self {
        let size = triangle(beta.len());
        let mut sums = vec![0.0; 2 * size + 1];
        let wrong = objective.sum_within(
            PARTIALS_BYTES,
            |shard, first, sums| {
                let (hessian, rest) = sums.split_at_mut(size);
                let (squares, residuals) = rest.split_at_mut(size);
                if objective.outputs() == 1 {
                    single(objective, shard, first, beta, hessian, squares, &mut residuals[0])
                } else {
                    classes(objective, shard, first, beta, hessian, squares)
                }
            },
            &mut sums,
        );
        let residuals = sums.pop().unwrap_or_default();
        let squares = sums.split_off(size);
        Self {
            hessian: sums,
            squares,
            residuals,
            wrong: wrong as u64,
        }
    }
}

/// The rows of a shard with one score each; gives how many classes are answered wrongly.
fn single(
    objective: &Objective<'_>,
    shard: &Shard,
    first: usize,
    beta: &[f64],
    hessian: &mut [f64],
    squares: &mut [f64],
    residuals: &mut f64,
) -> f64 {
    let mut wrong = 0.0;
    let mut numbers = vec![0.0; objective.design.dense];
    shard.for_each_row(objective.design.dense, |row, dense, active| {
        let (weight, at) = (objective.weight(first + row), first + row);
        if weight == 0.0 {
            return;
        }
        let margin = single_margin(dense, active, beta);
        let slope = match objective.targets {
            Targets::Values(values) => {
                let residual = margin - values[at];
                *residuals += weight * residual * residual;
                residual
            }
            Targets::Classes { of_row, .. } => {
                let is_positive = of_row[at] == 1;
                // A margin of 0 answers neither.
                if (is_positive && margin <= 0.0) || (!is_positive && margin >= 0.0) {
                    wrong += 1.0;
                }
                sigmoid(margin) - f64::from(u8::from(is_positive))
            }
        };
        numbers
            .iter_mut()
            .zip(dense)
            .for_each(|(to, &x)| *to = f64::from(x));
        add_square(
            &numbers,
            active,
            beta.len() - 1,
            weight * objective.curvature_of(margin),
            hessian,
        );
        // The slope of a row that counts twice is twice as long.
        let slope = weight * slope;
        add_square(&numbers, active, beta.len() - 1, slope * slope, squares);
    });
    wrong
}

/// Adds `factor · x x'` to a triangle, where `x` has the numbers, 1 for active features and 1 for the intercept.
fn add_square(numbers: &[f64], active: &[u32], intercept: usize, factor: f64, triangle_: &mut [f64]) {
    if factor == 0.0 {
        return;
    }
    let dense = numbers.len();
    for (at, x) in numbers.iter().enumerate() {
        let times = factor * x;
        let row = &mut triangle_[triangle(at)..][..=at];
        row.iter_mut().zip(numbers).for_each(|(sum, y)| *sum += times * y);
    }
    let place = |&id: &u32| dense + id as usize;
    for (nth, id) in active.iter().map(place).chain([intercept]).enumerate() {
        let row = &mut triangle_[triangle(id)..][..=id];
        row.iter_mut()
            .zip(numbers)
            .for_each(|(sum, y)| *sum += factor * y);
        active[..nth]
            .iter()
            .map(place)
            .for_each(|other| row[other] += factor);
        row[id] += factor;
    }
}

/// The rows of a shard with a score for each class.
fn classes(
    objective: &Objective<'_>,
    shard: &Shard,
    first: usize,
    beta: &[f64],
    hessian: &mut [f64],
    squares: &mut [f64],
) -> f64 {
    let Targets::Classes { of_row, .. } = objective.targets else {
        return 0.0;
    };
    let outputs = objective.outputs();
    let dense = objective.design.dense;
    let mut wrong = 0.0;
    let mut shares = vec![0.0; outputs];
    let (mut curve, mut slopes) = (vec![0.0; outputs * outputs], vec![0.0; outputs * outputs]);
    let mut entries: Vec<(usize, f64)> = Vec::new();
    shard.for_each_row(dense, |row, numbers, active| {
        let weight = objective.weight(first + row);
        if weight == 0.0 {
            return;
        }
        class_margins(numbers, active, outputs, beta, &mut shares);
        let truth = of_row[first + row] as usize;
        let others = (0..outputs).filter(|&class| class != truth);
        if others
            .map(|class| shares[class])
            .any(|margin| margin >= shares[truth])
        {
            wrong += 1.0;
        }
        softmax(&mut shares);
        for a in 0..outputs {
            for b in 0..outputs {
                let (p, q) = (shares[a], shares[b]);
                let same = f64::from(u8::from(a == b));
                let is = |class: usize| f64::from(u8::from(class == truth));
                curve[a * outputs + b] = weight * p * (same - q);
                slopes[a * outputs + b] = weight * weight * (p - is(a)) * (q - is(b));
            }
        }
        entries.clear();
        entries.extend(numbers.iter().map(|&x| f64::from(x)).enumerate());
        entries.extend(active.iter().map(|&id| (dense + id as usize, 1.0)));
        entries.push((beta.len() / outputs - 1, 1.0));
        add_blocks(&entries, &curve, outputs, hessian);
        add_blocks(&entries, &slopes, outputs, squares);
    });
    wrong
}

/// Adds to a triangle the product of `x x'` with a block for each pair of features.
fn add_blocks(entries: &[(usize, f64)], block: &[f64], outputs: usize, triangle_: &mut [f64]) {
    for (nth, &(at, x)) in entries.iter().enumerate() {
        for (output, of_output) in block.chunks_exact(outputs).enumerate() {
            let place = at * outputs + output;
            let row = &mut triangle_[triangle(place)..][..=place];
            for &(other, y) in &entries[..nth] {
                let sums = row[other * outputs..][..outputs].iter_mut();
                sums.zip(of_output).for_each(|(sum, b)| *sum += x * y * b);
            }
            let sums = row[at * outputs..].iter_mut();
            sums.zip(of_output).for_each(|(sum, b)| *sum += x * x * b);
        }
    }
}
