//! Narrow regressions: the products of all pairs of features, added up in one pass, give the weights for any penalty.
//!
//! With `H` the sum of `x x'` over the rows, divided by how much they count, plus the penalties, a step `−H⁻¹ g` from any
//! weights with the gradient `g` ends at the minimum but for rounding (Newton's method where the Hessian is the same
//! everywhere), and half of `g' H⁻¹ g` is how far the objective was above it.

use super::design::Targets;
use super::lbfgs::{Limits, Solution, Stop, ended};
use super::newton::SMALLEST;
use super::objective::{Objective, Problem};
use super::pairs::dot;
use super::precondition::{cholesky, solve};
use crate::ml::observe::Observer;

/// Features up to which a table is narrow: the factorisation takes the cube of them.
pub const MOST_FEATURES: usize = 300;
/// Numbers and active features of a row, on average, up to which it is: the pass takes the square of them for each row.
const MOST_A_ROW: usize = 64;

/// Means of the products of all pairs of features; the intercept is the last, always 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gram {
    /// Row by row, the lower triangle.
    products: Vec<f64>,
    size: usize,
}

impl Gram {
    /// From the rows of a regression without `l1`, in one pass; `None` where it is not narrow.
    pub(super) fn of(objective: &Objective<'_>) -> Option<Self> {
        let design = objective.design;
        let is_narrow =
            design.features() <= MOST_FEATURES && design.entries <= MOST_A_ROW.saturating_mul(design.rows);
        if !is_narrow || objective.l1 > 0.0 || !matches!(objective.targets, Targets::Values(_)) {
            return None;
        }
        let (dense, size) = (design.dense, objective.len());
        let mut products = vec![0.0; size * size];
        objective.sum(
            |shard, first, sums| {
                let mut entries: Vec<(usize, f64)> = Vec::new();
                shard.for_each_row(dense, |row, numbers, active| {
                    let weight = objective.weight(first + row);
                    if weight == 0.0 {
                        return;
                    }
                    entries.clear();
                    entries.extend(numbers.iter().map(|&x| f64::from(x)).enumerate());
                    entries.extend(active.iter().map(|&id| (dense + id as usize, 1.0)));
                    entries.push((size - 1, 1.0));
                    for (at, (row, x)) in entries.iter().enumerate() {
                        let sums = &mut sums[row * size..];
                        let times = weight * x;
                        entries[..=at]
                            .iter()
                            .for_each(|(column, y)| sums[*column] += times * y);
                    }
                });
                0.0
            },
            &mut products,
        );
        let total = objective.total();
        products.iter_mut().for_each(|product| *product /= total);
        Some(Self { products, size })
    }

    /// The diagonal: that of the Hessian of the mean loss.
    pub(super) fn diagonal(&self) -> Vec<f64> {
        self.products.iter().step_by(self.size + 1).copied().collect()
    }

    /// The factor of the Hessian with the penalties of an objective.
    fn factor(&self, objective: &Objective<'_>) -> Vec<f64> {
        let mut hessian = self.products.clone();
        for (at, l2) in objective.penalties().enumerate() {
            hessian[at * (self.size + 1)] += l2;
        }
        cholesky(hessian, self.size)
    }

    /// Goes from `beta` to where the objective is within `tolerance` times itself of its minimum. Also gives how far
    /// above it is.
    pub(super) fn minimise(
        &self,
        objective: &Objective<'_>,
        mut beta: Vec<f64>,
        tolerance: f64,
        limits: Limits,
        observer: &mut dyn Observer,
    ) -> (Solution, Option<f64>) {
        let factor = self.factor(objective);
        let mut gradient = vec![0.0; beta.len()];
        let (mut iterations, mut passes, mut last) = (0, 0, f64::INFINITY);
        let (stop, gap) = loop {
            let value = objective.evaluate(&beta, &mut gradient);
            passes += 1;
            let mut step = gradient.clone();
            solve(&factor, &mut step);
            let gap = 0.5 * dot(&gradient, &step);
            let wanted = tolerance * value.abs().max(SMALLEST);
            if let Some(stop) = ended(gap, wanted, (iterations, passes), limits, observer) {
                break (stop, gap);
            }
            // Where features are sums of others, the factor leaves some out; rounding may stand in the way, too.
            if gap >= 0.5 * last {
                break (Stop::Stalled, gap);
            }
            last = gap;
            beta.iter_mut().zip(&step).for_each(|(b, s)| *b -= s);
            iterations += 1;
        };
        let solution = Solution {
            beta,
            iterations,
            passes,
            stop,
        };
        (solution, gap.is_finite().then_some(gap))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::features::FeatureVector;
    use crate::ml::hash::Stream;
    use crate::ml::learn::lbfgs::minimise;
    use crate::ml::learn::{Design, DesignBuilder};
    use crate::ml::observe::Silent;

    const LIMITS: Limits = Limits {
        iterations: 10,
        passes: 10,
    };

    fn table(rows: usize) -> (Design, Targets) {
        let mut stream = Stream::new(4);
        let mut builder = DesignBuilder::new(3, 12);
        let mut values = Vec::new();
        for _ in 0..rows {
            let dense: Vec<f32> = (0..3).map(|_| stream.next_unit() as f32 - 0.5).collect();
            let active: Vec<u32> = (0..12).filter(|_| stream.next_unit() < 0.2).collect();
            let noise = stream.next_unit();
            values.push(1e3 + f64::from(dense[0]) * 3.0 + active.len() as f64 + noise);
            builder.push(&FeatureVector { dense, active });
        }
        (builder.build(), Targets::Values(values))
    }

    #[test]
    fn it_ends_where_the_other_solver_does() {
        let (design, targets) = table(400);
        let weights: Vec<f32> = (0..400).map(|row| (row % 4) as f32).collect();
        let factors: Vec<f64> = (0..15).map(|at| f64::from(at) / 7.0 + 0.1).collect();
        let weighted = Objective::weighted(&design, &targets, &weights, 1e-2);
        let plain = Objective::new(&design, &targets, 1e-3);
        for objective in [plain, weighted.shaped(Some(&factors))] {
            let gram = Gram::of(&objective).unwrap();
            let (found, gap) = gram.minimise(&objective, objective.start(), 1e-13, LIMITS, &mut Silent);
            assert!(gap.is_some_and(|gap| gap >= 0.0) && found.passes <= 3);
            let other = minimise(&objective, objective.start(), 1e-15, 500, &mut Silent);
            for (a, b) in found.beta.iter().zip(&other.beta) {
                assert!((a - b).abs() < 1e-5, "{a} {b}");
            }
            let whole: Vec<f64> = gram
                .diagonal()
                .iter()
                .zip(objective.penalties().chain([0.0]))
                .map(|(d, l2)| d + l2)
                .collect();
            for (a, b) in whole.iter().zip(objective.diagonal(&found.beta)) {
                assert!((a - b).abs() < 1e-12);
            }
        }
    }

    /// What is left at the first weights, as it is told, is what the objective then goes down by.
    #[test]
    fn the_gap_is_what_the_step_gains() {
        let (design, targets) = table(300);
        let objective = Objective::new(&design, &targets, 1e-2);
        let gram = Gram::of(&objective).unwrap();
        let value = |beta: &[f64]| objective.evaluate(beta, &mut vec![0.0; beta.len()]);
        let begin = vec![0.5; objective.len()];
        let (ended, _) = gram.minimise(&objective, begin.clone(), 1e-13, LIMITS, &mut Silent);
        let mut gradient = vec![0.0; begin.len()];
        objective.evaluate(&begin, &mut gradient);
        let mut step = gradient.clone();
        solve(&gram.factor(&objective), &mut step);
        let told = 0.5 * dot(&gradient, &step);
        let gained = value(&begin) - value(&ended.beta);
        assert!((told / gained - 1.0).abs() < 1e-9, "{told} {gained}");
    }

    #[test]
    fn classes_and_wide_tables_have_none() {
        let (design, _) = table(20);
        let classes = Targets::Classes {
            classes: 2,
            of_row: (0..20).map(|row| row % 2).collect(),
        };
        assert!(Gram::of(&Objective::new(&design, &classes, 0.1)).is_none());
        let targets = Targets::Values(vec![0.0; 20]);
        let with_l1 = Objective::new(&design, &targets, 0.1).with_l1(0.1);
        assert!(Gram::of(&with_l1).is_none());
        let mut wide = DesignBuilder::new(0, 301);
        (0..20).for_each(|row| {
            wide.push(&FeatureVector {
                dense: Vec::new(),
                active: vec![row],
            });
        });
        assert!(Gram::of(&Objective::new(&wide.build(), &targets, 0.1)).is_none());
    }
}
