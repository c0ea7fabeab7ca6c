//! Counts what is true of the training rows: classes, or numbers.

use std::collections::HashMap;

use crate::ml::moments::Moments;
use crate::ml::target::{Target, Truth};

/// What is counted of the target.
#[derive(Default)]
pub(super) struct Truths {
    pub(super) labels: HashMap<String, u64>,
    pub(super) counts: [u64; 2],
    pub(super) numbers: Moments,
    pub(super) rows: u64,
    pub(super) unknown: u64,
}

impl Truths {
    /// Counts a truth.
    pub(super) fn add(&mut self, truth: Truth<'_>) {
        match truth {
            Truth::Unknown => return,
            Truth::Class(class) => self.counts[class.min(1)] += 1,
            Truth::UnseenClass(label) => match self.labels.get_mut(label) {
                Some(count) => *count += 1,
                None => {
                    self.labels.insert(label.to_string(), 1);
                }
            },
            Truth::Value(value) => self.numbers.add(value),
        }
        self.rows += 1;
    }
}

/// The target with its final classes, the most frequent first, ties in byte order; and the rows of each.
pub(super) fn settle_classes(
    target: Target,
    counts: [u64; 2],
    labels: HashMap<String, u64>,
) -> (Target, Vec<u64>) {
    match target {
        Target::Multiclass { .. } => {
            let mut ranked: Vec<(String, u64)> = labels.into_iter().collect();
            ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            let (classes, rows) = ranked.into_iter().unzip();
            (Target::Multiclass { classes }, rows)
        }
        binary @ Target::Binary { .. } => (binary, counts.to_vec()),
        Target::Regression => (Target::Regression, Vec::new()),
    }
}
