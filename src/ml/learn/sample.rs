//! Some of the rows, by chance, put together anew: passes over them touch no others.

use super::design::{Design, DesignBuilder, Targets};
use super::fold::{MOST_ROWS, looked_at};
use crate::ml::hash::unit;

/// Bytes that the copy may take, about.
pub const MOST_BYTES: f64 = (256u32 << 20) as f64;
/// Seed of the choice.
const SEED: u64 = 0x7361_6d70_6c65;

/// The rows that were chosen.
pub(super) struct Sample {
    pub(super) design: Design,
    pub(super) targets: Targets,
    pub(super) weights: Option<Vec<f32>>,
}

/// The share that is copied of so many rows, which take so many bytes; `None` where they are looked at as they are.
pub fn share(rows: usize, bytes: usize) -> Option<f64> {
    let share = MOST_ROWS as f64 / rows as f64;
    (looked_at(rows) < rows && share * bytes as f64 <= MOST_BYTES).then_some(share)
}

impl Sample {
    /// About [`MOST_ROWS`] rows; `None` where there are not many more of them. They lie on disk where all rows do.
    pub(super) fn of(design: &Design, targets: &Targets, weights: Option<&[f32]>) -> Option<Self> {
        let share = share(design.rows, design.bytes())?;
        let is_in = |row: usize| unit(SEED, row as u64) < share;
        let rows: Vec<usize> = (0..design.rows).filter(|&row| is_in(row)).collect();
        let mut builder = DesignBuilder::new(design.dense, design.sparse)
            .with_groups(design.groups.clone())
            .with_known(design.joints.clone())
            .with_overflow(design.shards.overflow())
            .with_sketch(design.sketch.clone());
        design.shards.for_each(|index, shard| {
            let first = index * design.shard_rows();
            shard.for_each_joined(design.dense, |row, dense, active| {
                if is_in(first + row) {
                    builder.push_joined(dense, active);
                }
            });
        });
        let copy = builder.build();
        // Where there is no space for it, the rows are looked at where they lie.
        copy.check().ok()?;
        Some(Self {
            design: copy,
            targets: match targets {
                Targets::Classes { classes, of_row } => Targets::Classes {
                    classes: *classes,
                    of_row: rows.iter().map(|&row| of_row[row]).collect(),
                },
                Targets::Values(values) => Targets::Values(rows.iter().map(|&row| values[row]).collect()),
            },
            weights: weights.map(|weights| rows.iter().map(|&row| weights[row]).collect()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::features::FeatureVector;

    /// Each row carries its number: as a feature, as its target and as what it counts.
    #[test]
    fn rows_keep_their_targets_and_weights() {
        let rows = MOST_ROWS * 5 / 4 + 1;
        let mut builder = DesignBuilder::new(1, 0);
        (0..rows).for_each(|row| {
            builder.push(&FeatureVector {
                dense: vec![row as f32],
                active: Vec::new(),
            });
        });
        let design = builder.build();
        let targets = Targets::Values((0..rows).map(|row| row as f64).collect());
        let weights: Vec<f32> = (0..rows).map(|row| row as f32).collect();
        let sample = Sample::of(&design, &targets, Some(&weights)).unwrap();
        let wanted = MOST_ROWS as f64;
        assert!((sample.design.rows as f64 / wanted - 1.0).abs() < 0.01);
        let (Targets::Values(values), Some(weights)) = (&sample.targets, &sample.weights) else {
            panic!("the kind of the targets and the weights are kept");
        };
        assert_eq!(
            (values.len(), weights.len()),
            (sample.design.rows, sample.design.rows)
        );
        sample.design.shards.for_each(|index, shard| {
            let first = index * sample.design.shard_rows();
            shard.for_each_row(1, |row, numbers, _| {
                let at = first + row;
                assert_eq!((f64::from(numbers[0]), numbers[0]), (values[at], weights[at]));
            });
        });
    }

    #[test]
    fn few_rows_and_wide_ones_are_looked_at_as_they_are() {
        assert_eq!(share(MOST_ROWS, 0), None);
        assert_eq!(share(2 * MOST_ROWS, 1 << 20), Some(0.5));
        assert_eq!(share(2 * MOST_ROWS, 1 << 30), None);
    }
}
