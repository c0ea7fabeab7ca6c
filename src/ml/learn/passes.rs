//! One sweep over the rows of a shard: margins, losses, gradients, curvature.
//!
//! Weights of one feature lie together: `beta[feature * outputs + output]`; the intercepts follow after the last
//! feature. Everything is added in the order of the rows. Where features that come together are joined, sweeps go over
//! the joints, with weights and sums that have a place for each.

use super::exp::exp_all;
use super::shards::Shard;
use super::widths::scatter;

pub use super::widths::class_margins;

/// `1 / (1 + e^−x)` without overflow.
pub fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + libm::exp(-x))
    } else {
        let e = libm::exp(x);
        e / (1.0 + e)
    }
}

/// A sum of `ln(1 + e)` for many `e` of 0 or more and ordinary size, with one logarithm for many of them: that of their product.
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

/// Rows that are worked on together step by step, so that a processor need not wait for the end of one row before it
/// begins the next.
const BLOCK: usize = 32;

/// A row that counts.
pub(super) struct Row<'a> {
    /// Its number in the shard.
    pub(super) index: usize,
    /// How much it counts.
    pub(super) weight: f64,
    numbers: &'a [f32],
    /// Ids of its active features.
    pub(super) active: &'a [u32],
}

/// Calls `each` with blocks of the rows that count, in order.
fn for_each_block<'a>(
    shard: &'a Shard,
    dense: usize,
    weight_of: impl Fn(usize) -> f64,
    mut each: impl FnMut(&[Row<'a>]),
) {
    let mut block = Vec::with_capacity(BLOCK);
    shard.for_each_joined(dense, |index, numbers, active| {
        let weight = weight_of(index);
        if weight == 0.0 {
            return;
        }
        block.push(Row {
            index,
            weight,
            numbers,
            active,
        });
        if block.len() == BLOCK {
            each(&block);
            block.clear();
        }
    });
    each(&block);
}

/// Logistic losses `ln(1 + e^−s)` of some rows, times their weights and but for what goes to `logs`; their margins become
/// the derivatives by them. Written so, the exponential never overflows and is taken once.
pub(super) fn logistic(
    rows: &[Row<'_>],
    margins: &mut [f64],
    is_positive: impl Fn(usize) -> bool,
    logs: &mut LogSum,
) -> f64 {
    let mut exponentials = [0.0; BLOCK];
    let exponentials = &mut exponentials[..rows.len()];
    exponentials
        .iter_mut()
        .zip(&*margins)
        .for_each(|(e, margin)| *e = -margin.abs());
    exp_all(exponentials);
    let mut total = 0.0;
    for ((row, margin), &e) in rows.iter().zip(margins).zip(&*exponentials) {
        let positive = is_positive(row.index);
        let signed = if positive { *margin } else { -*margin };
        logs.add(e, row.weight);
        total += row.weight * (-signed).max(0.0);
        let chance = if *margin >= 0.0 { 1.0 } else { e } / (1.0 + e);
        *margin = chance - if positive { 1.0 } else { 0.0 };
    }
    total
}

/// Logistic loss of one row.
pub(super) fn logistic_loss(margin: f64, positive: bool) -> f64 {
    let signed = if positive { margin } else { -margin };
    (-signed).max(0.0) + libm::log1p(libm::exp(-signed.abs()))
}

/// Margins, loss and gradient of one shard in one sweep, for one score a row. `slopes_of` some rows puts the derivatives
/// of their losses in the place of their margins, and gives the losses times the weights, but for what it adds to the
/// logarithms.
pub(super) fn single_pass(
    shard: &Shard,
    dense: usize,
    beta: &[f64],
    gradient: &mut [f64],
    weight_of: impl Fn(usize) -> f64,
    slopes_of: impl Fn(&[Row<'_>], &mut [f64], &mut LogSum) -> f64,
) -> f64 {
    let intercept = beta.len() - 1;
    let mut total = 0.0;
    let mut logs = LogSum::new();
    let mut slopes = [0.0; BLOCK];
    for_each_block(shard, dense, weight_of, |rows| {
        let slopes = &mut slopes[..rows.len()];
        for (margin, row) in slopes.iter_mut().zip(rows) {
            *margin = single_margin(row.numbers, row.active, beta);
        }
        total += slopes_of(rows, slopes, &mut logs);
        for (slope, row) in slopes.iter().zip(rows) {
            let slope = row.weight * slope;
            add_row(row.numbers, row.active, slope, gradient);
            gradient[intercept] += slope;
        }
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
    shard.for_each_joined(dense, |row, numbers, active| {
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
    shard.for_each_joined(dense, |row, numbers, active| {
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

/// Calls `each` with every row that counts and the probabilities of its classes, which it may change. Gives the losses
/// times the weights, for the classes that `class_of` a row gives.
pub(super) fn for_each_share(
    shard: &Shard,
    (dense, classes): (usize, usize),
    beta: &[f64],
    weight_of: impl Fn(usize) -> f64,
    class_of: impl Fn(usize) -> usize,
    mut each: impl FnMut(&Row<'_>, &mut [f64]),
) -> f64 {
    let mut shares = vec![0.0; BLOCK * classes];
    let mut total = 0.0;
    let mut logs = LogSum::new();
    for_each_block(shard, dense, weight_of, |rows| {
        let shares = &mut shares[..rows.len() * classes];
        for (row, scores) in rows.iter().zip(shares.chunks_exact_mut(classes)) {
            class_margins(row.numbers, row.active, classes, beta, scores);
            let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            total += row.weight * (top - scores[class_of(row.index)]);
            scores.iter_mut().for_each(|score| *score -= top);
        }
        exp_all(shares);
        for (row, shares) in rows.iter().zip(shares.chunks_exact_mut(classes)) {
            let sum: f64 = shares.iter().sum();
            logs.add(sum - 1.0, row.weight);
            let scale = 1.0 / sum;
            shares.iter_mut().for_each(|share| *share *= scale);
            each(row, shares);
        }
    });
    total + logs.total()
}

/// Margins, loss and gradient of one shard in one sweep, for several scores a row.
pub(super) fn softmax_pass(
    shard: &Shard,
    (dense, classes): (usize, usize),
    beta: &[f64],
    gradient: &mut [f64],
    weight_of: impl Fn(usize) -> f64,
    class_of: impl Fn(usize) -> usize,
) -> f64 {
    let slopes = |row: &Row<'_>, shares: &mut [f64]| {
        shares[class_of(row.index)] -= 1.0;
        shares.iter_mut().for_each(|share| *share *= row.weight);
        scatter(row.numbers, row.active, shares, gradient, |x| x);
    };
    for_each_share(shard, (dense, classes), beta, weight_of, &class_of, slopes)
}

pub(super) fn softmax_diagonal(
    shard: &Shard,
    (dense, classes): (usize, usize),
    beta: &[f64],
    sums: &mut [f64],
    weight_of: impl Fn(usize) -> f64,
) -> f64 {
    for_each_share(
        shard,
        (dense, classes),
        beta,
        weight_of,
        |_| 0,
        |row, shares| {
            shares.iter_mut().for_each(|p| *p *= row.weight * (1.0 - *p));
            scatter(row.numbers, row.active, shares, sums, |x| x * x);
        },
    );
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
    shard.for_each_joined(dense, |row, numbers, active| {
        let weight = weight_of(row);
        if weight == 0.0 {
            return;
        }
        shares_of(row, numbers, active, &mut shares);
        class_margins(numbers, active, classes, direction, &mut slopes);
        let mean: f64 = shares.iter().zip(&slopes).map(|(p, u)| p * u).sum();
        let both = slopes.iter_mut().zip(&shares);
        both.for_each(|(u, p)| *u = weight * p * (*u - mean));
        scatter(numbers, active, &slopes, sums, |x| x);
    });
    0.0
}
