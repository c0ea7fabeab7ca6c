//! Answers from one column alone: what the other rows with the same value say, or the nearest numbers.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::material::Cell;
use crate::ml::hash::splitmix64;

/// Rows are answered from the rows of the other folds.
const FOLDS: u64 = 5;
/// Neighbours asked.
const NEIGHBOURS: usize = 5;
/// Numbers on so many rows answer for themselves.
const REPEATED: usize = 10;

/// What is to be answered.
pub enum Truths {
    /// Classes by number.
    Classes {
        /// The class of each row.
        of: Vec<u32>,
        /// How many classes there are.
        count: usize,
        /// Rows of the largest class.
        largest: u64,
    },
    /// Numbers.
    Numbers(Vec<f64>),
}

impl Truths {
    /// Rows of `count` classes.
    pub fn classes(of: Vec<u32>, count: usize) -> Self {
        let mut rows = vec![0u64; count];
        of.iter().for_each(|&class| rows[class as usize] += 1);
        let largest = rows.into_iter().max().unwrap_or(0);
        Truths::Classes { of, count, largest }
    }
}

/// How good the answers were.
#[derive(Debug, Default)]
pub struct Answers {
    /// Wrong classes.
    pub errors: u64,
    /// The squared error of each number.
    pub squares: Vec<f64>,
}

fn fold(row: usize) -> u64 {
    splitmix64(row as u64) % FOLDS
}

/// Rows that are answered together, and rows with rare numbers in ascending order.
struct Groups {
    together: Vec<Vec<usize>>,
    rare: Vec<(f64, usize)>,
}

impl Groups {
    fn of(cells: &[Cell]) -> Self {
        let mut by_value: HashMap<u64, (Vec<usize>, Option<f64>), FixedState> = HashMap::default();
        for (row, cell) in cells.iter().enumerate() {
            let number = match cell {
                Cell::Number(value) => Some(*value),
                _ => None,
            };
            let group = by_value.entry(cell.hash()).or_insert((Vec::new(), number));
            group.0.push(row);
        }
        let (mut together, mut rare) = (Vec::new(), Vec::new());
        for (rows, number) in by_value.into_values() {
            match number {
                Some(value) if rows.len() < REPEATED => rare.extend(rows.into_iter().map(|row| (value, row))),
                _ => together.push(rows),
            }
        }
        // The order of a map is not to be seen in any sum.
        together.sort_unstable();
        rare.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        Self { together, rare }
    }

    /// Calls `answer` with each row of a rare number and its nearest neighbours of other folds.
    fn for_each_rare(&self, mut answer: impl FnMut(usize, &[usize])) {
        let mut near = Vec::with_capacity(NEIGHBOURS);
        for (place, &(value, row)) in self.rare.iter().enumerate() {
            near.clear();
            let (mut below, mut above) = (place, place + 1);
            while near.len() < NEIGHBOURS && (below > 0 || above < self.rare.len()) {
                let down = below.checked_sub(1).map(|at| value - self.rare[at].0);
                let up = self.rare.get(above).map(|other| other.0 - value);
                let next = match (down, up) {
                    (Some(down), Some(up)) if down > up => above,
                    (None, _) => above,
                    _ => below - 1,
                };
                if next >= place {
                    above += 1
                } else {
                    below -= 1
                }
                let other = self.rare[next].1;
                if fold(other) != fold(row) {
                    near.push(other);
                }
            }
            answer(row, &near);
        }
    }
}

/// Answers classes; the blind answer is the largest class.
pub fn class_answers(cells: &[Cell], truths: &Truths) -> Answers {
    let Truths::Classes { of, count, .. } = truths else {
        return Answers::default();
    };
    let mut totals = vec![0u64; *count];
    of.iter().for_each(|&class| totals[class as usize] += 1);
    let blind = largest(&totals).unwrap_or(0);
    let groups = Groups::of(cells);
    let mut errors = 0;
    // Of each class the rows in each fold, and in all; and which classes there are in a group.
    let (mut counts, mut classes) = (vec![[0u64; FOLDS as usize + 1]; *count], Vec::new());
    for rows in &groups.together {
        for &row in rows {
            let of_class = &mut counts[of[row] as usize];
            if of_class[FOLDS as usize] == 0 {
                classes.push(of[row]);
            }
            of_class[fold(row) as usize] += 1;
            of_class[FOLDS as usize] += 1;
        }
        classes.sort_unstable();
        for fold in 0..FOLDS as usize {
            let mut answer = (0, blind as u32);
            for &class in &classes {
                let rows = &counts[class as usize];
                let seen = rows[FOLDS as usize] - rows[fold];
                if seen > answer.0 {
                    answer = (seen, class);
                }
            }
            let wrong = classes.iter().filter(|&&class| class != answer.1);
            errors += wrong.map(|&class| counts[class as usize][fold]).sum::<u64>();
        }
        let used = classes.drain(..);
        used.for_each(|class| counts[class as usize] = [0; FOLDS as usize + 1]);
    }
    groups.for_each_rare(|row, near| {
        let answer = vote(near, of).unwrap_or(blind as u32);
        errors += u64::from(answer != of[row]);
    });
    Answers {
        errors,
        squares: Vec::new(),
    }
}

/// The class of most neighbours; of equally frequent ones that of the nearest.
fn vote(near: &[usize], of: &[u32]) -> Option<u32> {
    let votes = |class: u32| near.iter().filter(|&&row| of[row] == class).count();
    let mut best = None;
    for &row in near {
        let found = votes(of[row]);
        if best.is_none_or(|(most, _)| found > most) {
            best = Some((found, of[row]));
        }
    }
    best.map(|(_, class)| class)
}

fn largest(counts: &[u64]) -> Option<usize> {
    (0..counts.len()).max_by_key(|&class| (counts[class], std::cmp::Reverse(class)))
}

/// Answers numbers; the blind answer is their mean.
pub fn number_answers(cells: &[Cell], values: &[f64]) -> Answers {
    let mean = |rows: &mut dyn Iterator<Item = usize>| {
        let (mut sum, mut count) = (0.0, 0.0);
        rows.for_each(|row| (sum, count) = (sum + values[row], count + 1.0));
        (count > 0.0).then(|| sum / count)
    };
    let blind = mean(&mut (0..values.len())).unwrap_or(0.0);
    let groups = Groups::of(cells);
    let mut squares = vec![0.0; values.len()];
    for rows in &groups.together {
        for fold_number in 0..FOLDS {
            let mut others = rows.iter().copied().filter(|&row| fold(row) != fold_number);
            let answer = mean(&mut others).unwrap_or(blind);
            let held_out = rows.iter().filter(|&&row| fold(row) == fold_number);
            held_out.for_each(|&row| squares[row] = (values[row] - answer).powi(2));
        }
    }
    groups.for_each_rare(|row, near| {
        let answer = mean(&mut near.iter().copied()).unwrap_or(blind);
        squares[row] = (values[row] - answer).powi(2);
    });
    Answers { errors: 0, squares }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(of: Vec<u32>) -> Truths {
        let count = of.iter().max().map_or(0, |&max| max as usize + 1);
        Truths::classes(of, count)
    }

    #[test]
    fn values_that_never_repeat_answer_blindly() {
        let names: Vec<String> = (0..200).map(|i| format!("u{i}")).collect();
        let cells: Vec<Cell> = names.iter().map(|name| Cell::Word(name)).collect();
        let truths = classes((0..200).map(|i| u32::from(i % 4 == 0)).collect());
        assert_eq!(class_answers(&cells, &truths).errors, 50);
    }

    #[test]
    fn a_threshold_is_found_to_a_row_or_two() {
        let cells: Vec<Cell> = (0..1000)
            .map(|i| Cell::Number(f64::from(i * 7919 % 1000) + 0.5))
            .collect();
        let truths = classes((0..1000).map(|i| u32::from(i * 7919 % 1000 >= 990)).collect());
        assert!(class_answers(&cells, &truths).errors <= 3);
    }

    #[test]
    fn noise_is_no_better_than_blind() {
        let cells: Vec<Cell> = (0..2000)
            .map(|i| Cell::Number((splitmix64(i) % 1000) as f64))
            .collect();
        let truths = classes((0..2000).map(|i| (splitmix64(i + 9999) % 2) as u32).collect());
        assert!(class_answers(&cells, &truths).errors > 850);
    }

    #[test]
    fn smooth_curves_are_followed() {
        let x = |i: u64| (splitmix64(i) % 100_000) as f64 / 1000.0;
        let cells: Vec<Cell> = (0..2000).map(|i| Cell::Number(x(i))).collect();
        let values: Vec<f64> = (0..2000).map(|i| (x(i) - 50.0).powi(2)).collect();
        let squares = number_answers(&cells, &values).squares;
        assert!(
            squares.iter().sum::<f64>() / 2000.0 < 100.0,
            "the variance is about 555,000"
        );
    }
}
