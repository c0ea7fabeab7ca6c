//! One sweep over the rows of a shard: margins, losses, gradients, curvature.
//!
//! Weights of one feature lie together: `beta[feature * outputs + output]`; the intercepts follow after the last
//! feature. Everything is added in the order of the rows.

use super::shards::Shard;

/// `1 / (1 + e^−x)` without overflow.
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + libm::exp(-x))
    } else {
        let e = libm::exp(x);
        e / (1.0 + e)
    }
}

/// A sum of `ln(1 + e)` for many `e` from 0 to 1, with one logarithm for many of them: that of their product.
#[derive(Debug)]
pub(super) struct LogSum {
    product: f64,
    sum: f64,
}

/// Products are taken as logarithms before they come near the largest number.
const LARGE: f64 = 1e290;

impl LogSum {
    pub(super) fn new() -> Self {
        Self {
            product: 1.0,
            sum: 0.0,
        }
    }

    fn add(&mut self, e: f64, weight: f64) {
        if weight == 1.0 {
            self.product *= 1.0 + e;
            if self.product > LARGE {
                self.sum += libm::log(self.product);
                self.product = 1.0;
            }
        } else {
            self.sum += weight * libm::log1p(e);
        }
    }

    fn total(&self) -> f64 {
        self.sum + libm::log(self.product)
    }
}

/// Weight times logistic loss `ln(1 + e^−s)`, and the derivative of the loss by the margin. A part of the loss goes to
/// `logs`: written so, the exponential never overflows and is taken once.
pub(super) fn logistic(margin: f64, positive: bool, weight: f64, logs: &mut LogSum) -> (f64, f64) {
    let signed = if positive { margin } else { -margin };
    let e = libm::exp(-margin.abs());
    logs.add(e, weight);
    let chance = if margin >= 0.0 {
        1.0 / (1.0 + e)
    } else {
        e / (1.0 + e)
    };
    let slope = chance - if positive { 1.0 } else { 0.0 };
    (weight * (-signed).max(0.0), slope)
}

/// Logistic loss of one row.
pub(super) fn logistic_loss(margin: f64, positive: bool) -> f64 {
    let signed = if positive { margin } else { -margin };
    (-signed).max(0.0) + libm::log1p(libm::exp(-signed.abs()))
}

/// Margins, loss and gradient of one shard in one sweep, for one score a row. `loss_of` a row with its margin and
/// weight gives its loss times its weight, but for what it adds to the logarithms, and its slope.
pub(super) fn single_pass(
    shard: &Shard,
    dense: usize,
    beta: &[f64],
    gradient: &mut [f64],
    weight_of: impl Fn(usize) -> f64,
    loss_of: impl Fn(usize, f64, f64, &mut LogSum) -> (f64, f64),
) -> f64 {
    let intercept = beta.len() - 1;
    let mut total = 0.0;
    let mut logs = LogSum::new();
    shard.for_each_row(dense, |row, numbers, active| {
        let weight = weight_of(row);
        if weight == 0.0 {
            return;
        }
        let (loss, slope) = loss_of(row, single_margin(numbers, active, beta), weight, &mut logs);
        let slope = weight * slope;
        total += loss;
        add_row(numbers, active, slope, gradient);
        gradient[intercept] += slope;
    });
    total + logs.total()
}

/// Adds a slope times each feature of a row.
fn add_row(numbers: &[f32], active: &[u32], slope: f64, sums: &mut [f64]) {
    let (dense, sparse) = sums.split_at_mut(numbers.len());
    let block = dense.iter_mut().zip(numbers);
    block.for_each(|(s, &x)| *s += slope * f64::from(x));
    active.iter().for_each(|&id| sparse[id as usize] += slope);
}

/// Numbers that are added side by side.
const LANES: usize = 8;

/// Intercept plus weights times features, always added in the same order.
pub fn single_margin(numbers: &[f32], active: &[u32], beta: &[f64]) -> f64 {
    let (dense, sparse) = beta.split_at(numbers.len());
    let mut margin = sparse[sparse.len() - 1];
    // Many numbers are added in lanes, which a processor does at once.
    let (some, rest) = numbers.split_at(numbers.len() / LANES * LANES);
    let mut lanes = [0.0; LANES];
    for (xs, bs) in some.chunks_exact(LANES).zip(dense.chunks_exact(LANES)) {
        for (lane, (&x, &b)) in lanes.iter_mut().zip(xs.iter().zip(bs)) {
            *lane += f64::from(x) * b;
        }
    }
    for (&x, &b) in rest.iter().zip(&dense[some.len()..]) {
        margin += f64::from(x) * b;
    }
    margin += lanes.iter().sum::<f64>();
    for &id in active {
        margin += sparse[id as usize];
    }
    margin
}

pub(super) fn single_diagonal(
    shard: &Shard,
    dense: usize,
    beta: &[f64],
    sums: &mut [f64],
    curvature: impl Fn(usize, f64) -> f64,
) -> f64 {
    let intercept = beta.len() - 1;
    shard.for_each_row(dense, |row, numbers, active| {
        let h = curvature(row, single_margin(numbers, active, beta));
        sums[..dense]
            .iter_mut()
            .zip(numbers)
            .for_each(|(s, &x)| *s += h * f64::from(x) * f64::from(x));
        active.iter().for_each(|&id| sums[dense + id as usize] += h);
        sums[intercept] += h;
    });
    0.0
}

/// The Hessian times a direction, from the curvature of each row.
pub(super) fn single_curve(
    shard: &Shard,
    dense: usize,
    curvatures: &[f64],
    direction: &[f64],
    sums: &mut [f64],
) -> f64 {
    let intercept = direction.len() - 1;
    shard.for_each_row(dense, |row, numbers, active| {
        let curvature = curvatures[row];
        if curvature == 0.0 {
            return;
        }
        let slope = curvature * single_margin(numbers, active, direction);
        add_row(numbers, active, slope, sums);
        sums[intercept] += slope;
    });
    0.0
}

/// Intercepts plus weights times features for several scores, always added in the same order.
pub fn class_margins(numbers: &[f32], active: &[u32], classes: usize, beta: &[f64], margins: &mut [f64]) {
    margins.copy_from_slice(&beta[beta.len() - classes..]);
    for (&x, weights) in numbers.iter().zip(beta.chunks_exact(classes)) {
        let x = f64::from(x);
        margins.iter_mut().zip(weights).for_each(|(m, &w)| *m += x * w);
    }
    for &id in active {
        let at = (numbers.len() + id as usize) * classes;
        margins
            .iter_mut()
            .zip(&beta[at..at + classes])
            .for_each(|(m, &w)| *m += w);
    }
}

/// Turns scores into probabilities in place and returns the logarithm of the sum of their exponentials.
pub fn softmax(scores: &mut [f64]) -> f64 {
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = libm::exp(*score - top);
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
    top + libm::log(sum)
}

pub(super) fn softmax_pass(
    shard: &Shard,
    dense: usize,
    classes: usize,
    beta: &[f64],
    gradient: &mut [f64],
    truth_of: impl Fn(usize) -> (f64, usize),
) -> f64 {
    let mut slopes = vec![0.0; classes];
    let mut total = 0.0;
    let intercepts = beta.len() - classes;
    shard.for_each_row(dense, |row, numbers, active| {
        let (weight, class) = truth_of(row);
        if weight == 0.0 {
            return;
        }
        class_margins(numbers, active, classes, beta, &mut slopes);
        let of_truth = slopes[class];
        total += weight * (softmax(&mut slopes) - of_truth);
        slopes[class] -= 1.0;
        slopes.iter_mut().for_each(|slope| *slope *= weight);
        scatter(numbers, active, classes, intercepts, &slopes, gradient, |x| x);
    });
    total
}

pub(super) fn softmax_diagonal(
    shard: &Shard,
    dense: usize,
    classes: usize,
    beta: &[f64],
    sums: &mut [f64],
    weight_of: impl Fn(usize) -> f64,
) -> f64 {
    let mut slopes = vec![0.0; classes];
    let intercepts = beta.len() - classes;
    shard.for_each_row(dense, |row, numbers, active| {
        class_margins(numbers, active, classes, beta, &mut slopes);
        softmax(&mut slopes);
        let weight = weight_of(row);
        slopes.iter_mut().for_each(|p| *p *= weight * (1.0 - *p));
        scatter(numbers, active, classes, intercepts, &slopes, sums, |x| x * x);
    });
    0.0
}

/// With `p` the probabilities, which `shares_of` a row puts into its last argument, and `u` the scores of the direction:
/// `p · u − p · (p' u)`, scattered.
pub(super) fn softmax_curve(
    shard: &Shard,
    dense: usize,
    classes: usize,
    shares_of: impl Fn(usize, &[f32], &[u32], &mut [f64]),
    direction: &[f64],
    sums: &mut [f64],
    weight_of: impl Fn(usize) -> f64,
) -> f64 {
    let (mut shares, mut slopes) = (vec![0.0; classes], vec![0.0; classes]);
    let intercepts = direction.len() - classes;
    shard.for_each_row(dense, |row, numbers, active| {
        let weight = weight_of(row);
        if weight == 0.0 {
            return;
        }
        shares_of(row, numbers, active, &mut shares);
        class_margins(numbers, active, classes, direction, &mut slopes);
        let mean: f64 = shares.iter().zip(&slopes).map(|(p, u)| p * u).sum();
        let both = slopes.iter_mut().zip(&shares);
        both.for_each(|(u, p)| *u = weight * p * (*u - mean));
        scatter(numbers, active, classes, intercepts, &slopes, sums, |x| x);
    });
    0.0
}

/// Adds each slope times each feature (through `power`) to the sums of that feature.
pub(super) fn scatter(
    numbers: &[f32],
    active: &[u32],
    classes: usize,
    intercepts: usize,
    slopes: &[f64],
    sums: &mut [f64],
    power: impl Fn(f64) -> f64,
) {
    for (&x, sums) in numbers.iter().zip(sums.chunks_exact_mut(classes)) {
        let x = power(f64::from(x));
        sums.iter_mut().zip(slopes).for_each(|(s, &g)| *s += x * g);
    }
    for &id in active {
        let at = (numbers.len() + id as usize) * classes;
        sums[at..at + classes]
            .iter_mut()
            .zip(slopes)
            .for_each(|(s, &g)| *s += g);
    }
    sums[intercepts..]
        .iter_mut()
        .zip(slopes)
        .for_each(|(s, &g)| *s += g);
}
