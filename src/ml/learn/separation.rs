//! Whether weights tell the classes of the training rows apart without a mistake, and which attributes do so alone.
//!
//! Then no finite weights are the best without a penalty (Albert and Anderson 1984), and with one only the penalty keeps
//! them finite. Often a column is the cause that is known only once the target is.

use super::design::{Design, Targets};
use super::objective::{class_margins, single_margin};

/// Features that belong to no single attribute.
pub const SHARED: u32 = u32::MAX;

/// The classes are told apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Separation {
    /// Attributes that alone put every row on its side.
    pub alone: Vec<u32>,
}

/// Looks at every row that counts. `attribute_of` gives the attribute of each feature below `attributes`, or [`SHARED`].
/// `None` for numbers, and where one row is on the wrong side.
pub fn separation(
    design: &Design,
    targets: &Targets,
    weights: Option<&[f32]>,
    beta: &[f64],
    attribute_of: &[u32],
    attributes: usize,
) -> Option<Separation> {
    let Targets::Classes { classes, of_row } = targets else {
        return None;
    };
    let outputs = if *classes > 2 { *classes } else { 1 };
    let is_counted = |row: usize| weights.is_none_or(|weights| weights[row] > 0.0);
    let mut whole = Sides::new(1, outputs);
    let mut margins = vec![0.0; outputs];
    // Most often the first shard tells; then the others need not be read.
    for index in 0..design.shards.len() {
        design.shards.visit(index..index + 1, |index, shard| {
            let first = index * design.shard_rows();
            shard.for_each_row(design.dense, |row, numbers, active| {
                if !is_counted(first + row) {
                    return;
                }
                match outputs {
                    1 => margins[0] = single_margin(numbers, active, beta),
                    _ => class_margins(numbers, active, outputs, beta, &mut margins),
                }
                whole.add(of_row[first + row] as usize, &margins);
            });
        });
        if !whole.may_be_apart(0) {
            return None;
        }
    }
    if !whole.is_apart(0) {
        return None;
    }
    let mut each = Sides::new(attributes, outputs);
    let mut margins = vec![0.0; attributes * outputs];
    design.shards.for_each(|index, shard| {
        let first = index * design.shard_rows();
        shard.for_each_row(design.dense, |row, numbers, active| {
            if !is_counted(first + row) {
                return;
            }
            margins.fill(0.0);
            let mut add = |feature: usize, value: f64| {
                let attribute = attribute_of[feature] as usize;
                if let Some(of) = margins
                    .get_mut(attribute.saturating_mul(outputs)..)
                    .filter(|of| !of.is_empty())
                {
                    let weights = &beta[feature * outputs..(feature + 1) * outputs];
                    of.iter_mut()
                        .zip(weights)
                        .for_each(|(margin, weight)| *margin += value * weight);
                }
            };
            numbers
                .iter()
                .enumerate()
                .for_each(|(feature, &x)| add(feature, f64::from(x)));
            active.iter().for_each(|&id| add(design.dense + id as usize, 1.0));
            each.add(of_row[first + row] as usize, &margins);
        });
    });
    let alone = (0..attributes).filter(|&attribute| each.is_apart(attribute));
    Some(Separation {
        alone: alone.map(|attribute| attribute as u32).collect(),
    })
}

/// For each of several models what its scores say of the rows so far.
struct Sides {
    outputs: usize,
    /// With one score: the highest of the negative and the lowest of the positive rows.
    between: Vec<(f64, f64)>,
    /// With several scores: whether that of the class was the highest on every row.
    right: Vec<bool>,
}

impl Sides {
    fn new(models: usize, outputs: usize) -> Self {
        Self {
            outputs,
            between: vec![(f64::NEG_INFINITY, f64::INFINITY); models],
            right: vec![true; models],
        }
    }

    fn add(&mut self, class: usize, margins: &[f64]) {
        let models = margins
            .chunks_exact(self.outputs)
            .zip(&mut self.between)
            .zip(&mut self.right);
        for ((margins, (negative, positive)), right) in models {
            match margins {
                [margin] if class == 0 => *negative = negative.max(*margin),
                [margin] => *positive = positive.min(*margin),
                _ => {
                    let of_class = margins[class];
                    let mut others = margins.iter().enumerate().filter(|(other, _)| *other != class);
                    *right &= others.all(|(_, &margin)| margin < of_class);
                }
            }
        }
    }

    /// Whether nothing speaks against it yet.
    fn may_be_apart(&self, model: usize) -> bool {
        self.right[model] && self.between[model].0 < self.between[model].1
    }

    fn is_apart(&self, model: usize) -> bool {
        let (negative, positive) = self.between[model];
        let are_both_there = self.outputs > 1 || (negative.is_finite() && positive.is_finite());
        are_both_there && self.may_be_apart(model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::features::FeatureVector;
    use crate::ml::learn::DesignBuilder;

    fn design(rows: &[(f32, f32, u32)]) -> Design {
        let mut builder = DesignBuilder::new(2, 2);
        for &(a, b, flag) in rows {
            builder.push(&FeatureVector {
                dense: vec![a, b],
                active: vec![flag],
            });
        }
        builder.build()
    }

    fn classes(classes: usize, of_row: &[u32]) -> Targets {
        Targets::Classes {
            classes,
            of_row: of_row.to_vec(),
        }
    }

    const OWN: [u32; 4] = [0, 1, 2, 2];

    #[test]
    fn finds_what_tells_two_classes_apart() {
        // The first number and the flags alone put every row on its side, the second does not.
        let rows = [(-1.0, 5.0, 0), (-2.0, -3.0, 0), (0.5, 2.0, 1), (3.0, -4.0, 1)];
        let (design, targets) = (design(&rows), classes(2, &[0, 0, 1, 1]));
        let found =
            |beta: &[f64], weights: Option<&[f32]>| separation(&design, &targets, weights, beta, &OWN, 3);
        let both = found(&[2.0, 0.1, -1.0, 1.0, 0.0], None).unwrap();
        assert_eq!(both.alone, [0, 2]);
        assert_eq!(found(&[0.0, 2.0, -0.1, 0.1, 0.0], None), None);
        // 2a + b is 3 and -7 on the negative rows, 3 and 2 on the positive ones.
        assert_eq!(found(&[2.0, 1.0, 0.0, 0.0, 0.0], None), None);
        let without_first = found(&[2.0, 1.0, 0.0, 0.0, 0.0], Some(&[0.0, 1.0, 1.0, 1.0])).unwrap();
        assert_eq!(without_first.alone, [0]);
        let shared = separation(
            &design,
            &targets,
            None,
            &[2.0, 0.1, -1.0, 1.0, 0.0],
            &[SHARED, 0, SHARED, SHARED],
            1,
        );
        assert_eq!(shared, Some(Separation { alone: vec![] }));
        let one_class = classes(2, &[0, 0, 0, 0]);
        assert_eq!(separation(&design, &one_class, None, &[0.0; 5], &OWN, 3), None);
        let numbers = Targets::Values(vec![0.0; 4]);
        assert_eq!(separation(&design, &numbers, None, &[0.0; 5], &OWN, 3), None);
    }

    #[test]
    fn finds_what_tells_several_classes_apart() {
        let rows = [(-1.0, 1.0, 0), (1.0, -1.0, 0), (0.0, 0.0, 1)];
        let (design, targets) = (design(&rows), classes(3, &[0, 1, 2]));
        // The flag lifts the third class, the first number tells the others apart.
        let mut beta = vec![0.0; 15];
        (beta[0], beta[1]) = (-1.0, 1.0);
        beta[11] = 2.0;
        let found = separation(&design, &targets, None, &beta, &OWN, 3).unwrap();
        assert_eq!(found.alone, Vec::<u32>::new());
        beta[11] = 0.0;
        assert_eq!(separation(&design, &targets, None, &beta, &OWN, 3), None);
    }
}
