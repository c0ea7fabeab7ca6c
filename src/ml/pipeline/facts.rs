//! What training finds out about the features and the weights besides the weights themselves.

use super::memory::MemoryPlan;
use crate::ml::features::{FeaturizerState, TermState};
use crate::ml::learn::joints::Joints;
use crate::ml::learn::learner::Data;
use crate::ml::learn::{Design, Errors, Fitted, errors};
use crate::ml::model::facts::{Spread, WeightFacts};

/// Sums of the features over the training rows.
pub(super) struct Sums {
    /// Of each feature; for active-or-not features, the rows on which they are.
    pub totals: Vec<f64>,
    /// Of the squares of each dense feature.
    squares: Vec<f64>,
}

impl Sums {
    /// One pass over the rows.
    pub fn of(design: &Design) -> Self {
        let joints = design.joints.as_deref();
        // With a place for each joint, and one that no feature has.
        let mut totals = vec![0.0; design.features() + joints.map_or(0, Joints::len) + 1];
        let mut squares = vec![0.0; design.dense];
        design.shards.for_each(|_, shard| {
            shard.for_each_joined(design.dense, |_, numbers, active| {
                let sums = totals.iter_mut().zip(&mut squares);
                sums.zip(numbers).for_each(|((total, square), &x)| {
                    *total += f64::from(x);
                    *square += f64::from(x) * f64::from(x);
                });
                active
                    .iter()
                    .for_each(|&id| totals[design.dense + id as usize] += 1.0);
            });
        });
        if let Some(joints) = joints {
            let mut narrow = vec![0.0; design.features() + 1];
            joints.narrow(&totals, 1, &mut narrow);
            totals = narrow;
        }
        totals.truncate(design.features());
        Self { totals, squares }
    }

    fn spread(&self, state: &FeaturizerState, rows: usize) -> Spread {
        let rows = rows.max(1) as f64;
        let dense = self.totals.iter().zip(&self.squares);
        let deviation = |(total, square): (&f64, &f64)| {
            let mean = total / rows;
            (square / rows - mean * mean).max(0.0).sqrt()
        };
        let active: Vec<u64> = self.totals[self.squares.len()..]
            .iter()
            .map(|&count| count as u64)
            .collect();
        Spread::new(dense.map(deviation).collect(), &active, state)
    }
}

/// What is known of the weights of a fit.
pub(super) fn of_weights(
    fitted: &Fitted,
    data: &Data,
    sums: &Sums,
    state: &FeaturizerState,
    plan: Option<&MemoryPlan>,
) -> WeightFacts {
    let scaling = state.terms.iter().filter_map(TermState::scaling);
    let shifts: Vec<f64> = scaling
        .map(|(mean, scale)| if scale > 0.0 { mean / scale } else { 0.0 })
        .collect();
    let needed = errors::bytes(fitted.beta.len());
    let (errors, why_none) = match plan.map_or(0, |plan| plan.lacks(needed)) {
        0 => match Errors::of(fitted, data, &shifts) {
            Ok(errors) => (Some(errors), None),
            Err(why) => (None, Some(why)),
        },
        lacking => (
            None,
            Some(format!(
                "there are no standard errors: working them out takes {} MiB of memory more than are allowed; allow more (--memory)",
                lacking.div_ceil(1 << 20)
            )),
        ),
    };
    WeightFacts {
        spread: sums.spread(state, data.records.rows),
        errors,
        why_none,
    }
}
