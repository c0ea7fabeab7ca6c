//! Counts what is true of the training rows: classes, or numbers.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ml::features::Room;
use crate::ml::moments::Moments;
use crate::ml::target::{Target, Truth};

/// A label: on how many rows it is, and how many labels came before it.
#[derive(Default)]
pub(super) struct Label {
    rows: u64,
    number: u32,
}

/// What is true of each row.
#[derive(Default)]
pub(super) enum OfRows {
    /// It is only counted.
    #[default]
    Counted,
    /// The class of each row; while classes are not settled, the number of its label.
    Classes(Vec<u32>),
    /// The number of each row.
    Values(Vec<f64>),
}

impl OfRows {
    /// What is true of a row; nothing where that was only counted.
    pub(super) fn get(&self, row: usize) -> Truth<'static> {
        let found = match self {
            Self::Counted => None,
            Self::Classes(classes) => classes.get(row).map(|&class| Truth::Class(class as usize)),
            Self::Values(values) => values.get(row).map(|&value| Truth::Value(value)),
        };
        found.unwrap_or(Truth::Unknown)
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Counted => 0,
            Self::Classes(classes) => size_of_val(classes.as_slice()),
            Self::Values(values) => size_of_val(values.as_slice()),
        }
    }
}

/// What is counted of the target.
#[derive(Default)]
pub(super) struct Truths {
    pub(super) labels: HashMap<String, Label>,
    pub(super) counts: [u64; 2],
    pub(super) numbers: Moments,
    pub(super) rows: u64,
    pub(super) unknown: u64,
    /// Row by row, without those of which nothing is known.
    pub(super) of_rows: OfRows,
    room: Arc<Room>,
}

impl Truths {
    /// Counts the truths of a target, and keeps them while `room` is open.
    pub(super) fn new(target: &Target, room: Arc<Room>) -> Self {
        let of_rows = match target {
            Target::Regression => OfRows::Values(Vec::new()),
            Target::Binary { .. } | Target::Multiclass { .. } => OfRows::Classes(Vec::new()),
        };
        Self {
            of_rows,
            room,
            ..Self::default()
        }
    }

    /// Counts a truth.
    pub(super) fn add(&mut self, truth: Truth<'_>) {
        if !self.room.is_open() {
            self.of_rows = OfRows::Counted;
        }
        match truth {
            Truth::Unknown => return,
            Truth::Class(class) => {
                self.counts[class.min(1)] += 1;
                self.keep_class(class as u32);
            }
            Truth::UnseenClass(label) => {
                let number = self.number_of(label);
                self.keep_class(number);
            }
            Truth::Value(value) => {
                self.numbers.add(value);
                if let OfRows::Values(values) = &mut self.of_rows {
                    values.push(value);
                    self.room.take(size_of::<f64>());
                }
            }
        }
        self.rows += 1;
    }

    fn keep_class(&mut self, class: u32) {
        if let OfRows::Classes(classes) = &mut self.of_rows {
            classes.push(class);
            self.room.take(size_of::<u32>());
        }
    }

    /// Counts a label; gives its number.
    fn number_of(&mut self, label: &str) -> u32 {
        if let Some(known) = self.labels.get_mut(label) {
            known.rows += 1;
            return known.number;
        }
        let number = self.labels.len() as u32;
        self.labels.insert(label.to_string(), Label { rows: 1, number });
        number
    }
}

/// The target with its final classes, the most frequent first, ties in byte order; and the rows of each. Where truths
/// were kept, labels become classes.
pub(super) fn settle_classes(
    target: Target,
    counts: [u64; 2],
    labels: HashMap<String, Label>,
    of_rows: &mut OfRows,
) -> (Target, Vec<u64>) {
    match target {
        Target::Multiclass { .. } => {
            let mut ranked: Vec<(String, Label)> = labels.into_iter().collect();
            ranked.sort_unstable_by(|a, b| b.1.rows.cmp(&a.1.rows).then_with(|| a.0.cmp(&b.0)));
            if let OfRows::Classes(classes) = of_rows {
                let mut class_of = vec![0; ranked.len()];
                for ((_, label), class) in ranked.iter().zip(0..) {
                    class_of[label.number as usize] = class;
                }
                let settled = |number: &mut u32| *number = class_of[*number as usize];
                classes.iter_mut().for_each(settled);
            }
            let split = ranked.into_iter().map(|(name, label)| (name, label.rows));
            let (classes, rows) = split.unzip();
            (Target::Multiclass { classes }, rows)
        }
        binary @ Target::Binary { .. } => (binary, counts.to_vec()),
        Target::Regression => (Target::Regression, Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tallied(target: &Target, truths: &[Truth<'_>], room: usize) -> Truths {
        let mut all = Truths::new(target, Arc::new(Room::new(room)));
        truths.iter().for_each(|truth| all.add(*truth));
        all
    }

    #[test]
    fn truths_are_kept_while_there_is_room() {
        let values = [
            Truth::Value(1.5),
            Truth::Unknown,
            Truth::Value(2.5),
            Truth::Value(3.5),
        ];
        let all = tallied(&Target::Regression, &values, 24);
        assert_eq!((all.rows, all.unknown, all.of_rows.bytes()), (3, 0, 24));
        assert_eq!(all.of_rows.get(1), Truth::Value(2.5));
        assert_eq!(all.of_rows.get(3), Truth::Unknown);
        let all = tallied(&Target::Regression, &[values, values].concat(), 23);
        assert_eq!((all.rows, all.of_rows.bytes()), (6, 0));
    }

    #[test]
    fn labels_become_classes_when_these_are_settled() {
        let target = Target::Multiclass { classes: Vec::new() };
        let labels = ["a", "c", "b", "b", "c", "b"].map(Truth::UnseenClass);
        let Truths {
            counts,
            labels,
            mut of_rows,
            ..
        } = tallied(&target, &labels, 1000);
        let (target, rows) = settle_classes(target, counts, labels, &mut of_rows);
        assert_eq!((target.labels(), rows), (vec!["b", "c", "a"], vec![3, 2, 1]));
        let found: Vec<Truth<'_>> = (0..6).map(|row| of_rows.get(row)).collect();
        assert_eq!(found, [2, 1, 0, 0, 1, 0].map(Truth::Class));
    }
}
