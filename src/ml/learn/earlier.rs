//! What a model that was found from other rows gives to a new training: a place to begin, and the penalty.

use std::collections::HashMap;

use super::design::Design;
use super::evidence::rarity;
use super::search::Search;

/// An earlier model.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// What to call it; empty for a fit of the same training, of which nothing is told.
    pub name: String,
    /// Its weights and intercepts for the features of the new rows, where they can be carried over.
    pub beta: Option<Vec<f64>>,
    /// The rows it was found from.
    pub rows: u64,
    /// Strength of its penalty, if all features were one group.
    pub l2: f64,
    /// Strength of its penalty on absolute values.
    pub l1: f64,
    /// How its penalty was chosen, when nobody gave one.
    pub search: Option<Search>,
    /// Whether its line still fits: it belongs to scores of the same classes in the same proportions.
    pub keeps_line: bool,
}

impl Earlier {
    /// The strength of the penalty for other rows, and what multiplies it for each feature. Summed over the rows a penalty
    /// stays what it is, since it says how large weights are; so its mean falls as rows are added.
    pub(super) fn penalty(&self, design: &Design) -> (f64, Option<Vec<f64>>) {
        let scale = self.rows as f64 / design.rows.max(1) as f64;
        let groups = self.search.as_ref().map_or(&[][..], |search| &search.groups);
        if groups.is_empty() || self.l2 == 0.0 {
            return (self.l2 * scale, None);
        }
        let of_group: HashMap<&str, f64> = groups.iter().map(|one| (one.group.as_str(), one.l2)).collect();
        // A group that is new is held back as all features are together.
        let factor = |group: u32| {
            let name = design.groups.names.get(group as usize);
            let l2 = name.and_then(|name| of_group.get(name.as_str()));
            l2.map_or(1.0, |l2| l2 / self.l2)
        };
        let shape = rarity(design);
        let factors = design.groups.of_feature.iter().enumerate();
        let factors = factors
            .map(|(feature, &group)| factor(group) * shape.as_ref().map_or(1.0, |shape| shape[feature]));
        (self.l2 * scale, Some(factors.collect()))
    }

    /// How the penalty was chosen, with its strengths for other rows.
    pub(super) fn search(&self, design: &Design) -> Option<Search> {
        let mut search = self.search.clone()?;
        let scale = self.rows as f64 / design.rows.max(1) as f64;
        search.groups.iter_mut().for_each(|group| group.l2 *= scale);
        if !self.keeps_line {
            search.calibration = None;
        }
        Some(search)
    }

    /// The same of the penalty on absolute values.
    pub(super) fn l1(&self, design: &Design) -> f64 {
        self.l1 * self.rows as f64 / design.rows.max(1) as f64
    }

    /// A remark for the report.
    pub(super) fn note(&self) -> Option<String> {
        (!self.name.is_empty()).then(|| {
            format!(
                "went on from the model {}: its penalty{} was chosen for its {} rows",
                self.name,
                if self.keeps_line {
                    ", and its line if there is one,"
                } else {
                    ""
                },
                self.rows
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::calibration::Calibration;
    use super::super::search::GroupPenalty;
    use super::*;
    use crate::ml::features::FeatureVector;
    use crate::ml::learn::{DesignBuilder, Groups};

    #[test]
    fn a_penalty_keeps_its_sum_over_the_rows() {
        let groups = Groups {
            names: vec!["numbers".into(), "city".into(), "new".into()],
            of_feature: vec![0, 1, 1, 2],
        };
        let mut builder = DesignBuilder::new(1, 3).with_groups(groups);
        (0..200).for_each(|row| {
            builder.push(&FeatureVector {
                dense: vec![1.0],
                active: vec![row % 3],
            })
        });
        let group = |group: &str, l2: f64| GroupPenalty {
            group: group.into(),
            l2,
        };
        let mut earlier = Earlier {
            name: "abc".into(),
            beta: None,
            rows: 100,
            l2: 0.5,
            l1: 0.25,
            search: Some(Search {
                folds: 1,
                tried: Vec::new(),
                groups: vec![group("city", 2.0), group("numbers", 0.25)],
                calibration: Some(Calibration {
                    slope: 1.2,
                    shifts: vec![0.1],
                    rows: 20,
                    before: 0.5,
                    after: 0.4,
                    applied: true,
                }),
                passes: 0,
            }),
            keeps_line: true,
        };
        let design = builder.build();
        assert_eq!(earlier.penalty(&design), (0.25, Some(vec![0.5, 4.0, 4.0, 1.0])));
        // The next model that goes on finds strengths for the rows of this one.
        let kept = earlier.search(&design).unwrap();
        assert_eq!(kept.groups[0].l2, 1.0);
        assert!(kept.calibration.is_some());
        earlier.keeps_line = false;
        assert!(earlier.search(&design).unwrap().calibration.is_none());
        earlier.search = None;
        assert_eq!(
            (earlier.penalty(&design), earlier.l1(&design)),
            ((0.25, None), 0.125)
        );
    }
}
