//! What L-BFGS remembers: its latest steps with what they changed in the gradient, and the direction that follows.

use std::collections::VecDeque;

use rayon::prelude::*;

use super::precondition::Preconditioner;

/// Pairs of steps and gradient changes that are remembered.
const MEMORY: usize = 10;

/// The latest pairs, the oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Pairs(VecDeque<Pair>);

#[derive(Debug, Clone)]
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    rho: f64,
}

impl Pairs {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Remembers a step and the change of the gradient, if they tell of a curvature.
    pub(super) fn add(&mut self, step: Vec<f64>, change: Vec<f64>) {
        let curvature = dot(&step, &change);
        if curvature > f64::EPSILON * dot(&change, &change).sqrt() * dot(&step, &step).sqrt() {
            if self.0.len() == MEMORY {
                self.0.pop_front();
            }
            self.0.push_back(Pair {
                step,
                change,
                rho: 1.0 / curvature,
            });
        }
    }

    /// The quasi-Newton direction by the two-loop recursion.
    pub(super) fn direction(&self, gradient: &[f64], preconditioner: &Preconditioner) -> Vec<f64> {
        let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::with_capacity(self.0.len());
        for pair in self.0.iter().rev() {
            let alpha = pair.rho * dot(&pair.step, &q);
            add(&mut q, -alpha, &pair.change);
            alphas.push(alpha);
        }
        let scale = self.0.back().map_or(1.0, |pair| pair.scale(preconditioner));
        let mut q = preconditioner.times(&q);
        q.iter_mut().for_each(|q| *q *= scale);
        for (pair, alpha) in self.0.iter().zip(alphas.into_iter().rev()) {
            let beta = pair.rho * dot(&pair.change, &q);
            add(&mut q, alpha - beta, &pair.step);
        }
        q
    }
}

impl Pair {
    /// How far the preconditioner is off along this step (Nocedal and Wright, equation 7.20, in the metric of the
    /// preconditioner).
    fn scale(&self, preconditioner: &Preconditioner) -> f64 {
        let metric = preconditioner.square(&self.change);
        if metric > 0.0 {
            1.0 / (self.rho * metric)
        } else {
            1.0
        }
    }
}

/// Numbers that are added side by side.
const LANES: usize = 8;

/// Numbers of a vector that one thread works on at a time. The cut depends on the length alone, so that sums do not depend on
/// the number of threads.
pub(super) const SLICE: usize = 1 << 14;

/// The products of numbers at the same places, added up.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    if a.len() <= SLICE {
        return dot_in_lanes(a, b);
    }
    let slices = a.par_chunks(SLICE).zip(b.par_chunks(SLICE));
    let sums: Vec<f64> = slices.map(|(a, b)| dot_in_lanes(a, b)).collect();
    sums.iter().sum()
}

/// The same in lanes: one sum would wait for its last addition each time.
fn dot_in_lanes(a: &[f64], b: &[f64]) -> f64 {
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += a * b;
        }
    }
    let rest = rest_a.iter().zip(rest_b).map(|(a, b)| a * b);
    lanes.iter().sum::<f64>() + rest.sum::<f64>()
}

/// The sum of numbers, added up in the same way.
pub(super) fn total(numbers: &[f64]) -> f64 {
    if numbers.len() <= SLICE {
        return total_in_lanes(numbers);
    }
    let sums: Vec<f64> = numbers.par_chunks(SLICE).map(total_in_lanes).collect();
    sums.iter().sum()
}

fn total_in_lanes(numbers: &[f64]) -> f64 {
    let (all, rest) = numbers.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for numbers in all {
        lanes
            .iter_mut()
            .zip(numbers)
            .for_each(|(lane, number)| *lane += number);
    }
    lanes.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

/// Adds `times` times `what`.
pub(super) fn add(to: &mut [f64], times: f64, what: &[f64]) {
    together(to, what, |t, w| *t += times * w);
}

/// The sum of `from` and `times` times `what`.
pub(super) fn moved(from: &[f64], times: f64, what: &[f64]) -> Vec<f64> {
    let mut to = from.to_vec();
    add(&mut to, times, what);
    to
}

pub(super) fn minus(a: &[f64], b: &[f64]) -> Vec<f64> {
    moved(a, -1.0, b)
}

/// Does something to each number with the one at the same place of another vector.
pub(super) fn together(to: &mut [f64], other: &[f64], each: impl Fn(&mut f64, f64) + Sync) {
    let one = |(to, other): (&mut [f64], &[f64])| to.iter_mut().zip(other).for_each(|(t, o)| each(t, *o));
    if to.len() <= SLICE {
        return one((to, other));
    }
    to.par_chunks_mut(SLICE)
        .zip(other.par_chunks(SLICE))
        .for_each(one);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_and_slices_leave_nothing_out() {
        let long = [SLICE - 1, SLICE, SLICE + 1, 3 * SLICE + 5];
        for length in [0usize, 1, 7, 8, 9, 16, 27].into_iter().chain(long) {
            let a: Vec<f64> = (0..length).map(|at| at as f64 + 0.5).collect();
            let b: Vec<f64> = (0..length).map(|at| 3.0 - at as f64).collect();
            let by_hand: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            // Halves and whole numbers of this size are added without rounding.
            assert_eq!(dot(&a, &b), by_hand, "{length}");
            assert_eq!(total(&a), (length * length) as f64 / 2.0, "{length}");
            let by_hand: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a + 2.0 * b).collect();
            assert!(moved(&a, 2.0, &b) == by_hand && minus(&a, &a).iter().all(|x| *x == 0.0));
        }
    }
}
