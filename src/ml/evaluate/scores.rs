//! The scores of a binary evaluation, kept exactly up to a limit and in fine cells beyond it.
//!
//! Eight bytes a record: positives and negatives lie in two lists, so no label is stored. Readers
//! see neither form, only [`Group`]s of equal scores in rising order, which is all that ranks, curves
//! and counts at thresholds need. Results do not depend on the order of the records.

use rayon::prelude::*;

/// How many scores are kept exactly: 40 MB of numbers.
pub const MOST_EXACT: usize = 5_000_000;

/// The number of cells over 0..1 beyond that (16 MB); a score is then known to one part in a million.
const CELLS: usize = 1 << 20;

/// All records that share a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    /// The score.
    pub score: f64,
    /// How many of the records are positive.
    pub positives: u64,
    /// How many are negative.
    pub negatives: u64,
}

/// Scores as they arrive.
#[derive(Debug)]
pub struct ScoreStore {
    limit: usize,
    positives: Vec<f64>,
    negatives: Vec<f64>,
    /// Positives and negatives by cell; empty while the scores are kept exactly.
    cells: Vec<[u64; 2]>,
}

impl ScoreStore {
    /// A store that keeps up to `limit` scores exactly.
    pub fn new(limit: usize) -> Self {
        ScoreStore {
            limit,
            positives: Vec::new(),
            negatives: Vec::new(),
            cells: Vec::new(),
        }
    }

    /// Counts one score within 0..1.
    pub fn add(&mut self, score: f64, positive: bool) {
        if !self.cells.is_empty() {
            return add_to_cell(&mut self.cells, score, positive);
        }
        if positive {
            &mut self.positives
        } else {
            &mut self.negatives
        }
        .push(score);
        if self.positives.len() + self.negatives.len() > self.limit {
            // One cell more than equal widths ask for: it holds the score 1 alone.
            let mut cells = vec![[0; 2]; CELLS + 1];
            self.positives
                .drain(..)
                .for_each(|score| add_to_cell(&mut cells, score, true));
            self.negatives
                .drain(..)
                .for_each(|score| add_to_cell(&mut cells, score, false));
            (self.positives, self.negatives) = (Vec::new(), Vec::new());
            self.cells = cells;
        }
    }

    /// Ends the collection and sorts.
    pub fn sort(mut self) -> Scores {
        self.positives.par_sort_unstable_by(f64::total_cmp);
        self.negatives.par_sort_unstable_by(f64::total_cmp);
        let exact = [self.positives.len() as u64, self.negatives.len() as u64];
        let totals = self
            .cells
            .iter()
            .fold(exact, |[p, n], cell| [p + cell[0], n + cell[1]]);
        Scores {
            positives: self.positives,
            negatives: self.negatives,
            cells: self.cells,
            totals,
        }
    }
}

fn add_to_cell(cells: &mut [[u64; 2]], score: f64, positive: bool) {
    let last = cells.len().saturating_sub(1);
    if let Some(cell) = cells.get_mut(((score * CELLS as f64) as usize).min(last)) {
        cell[usize::from(!positive)] += 1;
    }
}

/// All scores of an evaluation, sorted.
#[derive(Debug)]
pub struct Scores {
    positives: Vec<f64>,
    negatives: Vec<f64>,
    cells: Vec<[u64; 2]>,
    totals: [u64; 2],
}

impl Scores {
    /// How many records are positive.
    pub fn positives(&self) -> u64 {
        self.totals[0]
    }

    /// How many records are negative.
    pub fn negatives(&self) -> u64 {
        self.totals[1]
    }

    /// True if scores are known to their cell only; a cell's score is then its lower edge.
    pub fn approximate(&self) -> bool {
        !self.cells.is_empty()
    }

    /// The exact scores, each with whether it is positive; none if they are approximate.
    pub fn exact(&self) -> impl Iterator<Item = (f64, bool)> {
        let positives = self.positives.iter().map(|&score| (score, true));
        positives.chain(self.negatives.iter().map(|&score| (score, false)))
    }

    /// Visits the groups of equal scores, lowest score first.
    pub fn for_each_group(&self, mut visit: impl FnMut(Group)) {
        for (cell, &[positives, negatives]) in self.cells.iter().enumerate() {
            if positives + negatives > 0 {
                visit(Group {
                    score: cell as f64 / CELLS as f64,
                    positives,
                    negatives,
                });
            }
        }
        let (mut positives, mut negatives) = (self.positives.as_slice(), self.negatives.as_slice());
        loop {
            let score = match (positives.first(), negatives.first()) {
                (Some(p), Some(n)) => p.min(*n),
                (Some(only), None) | (None, Some(only)) => *only,
                (None, None) => return,
            };
            let (p, n) = (take_run(&mut positives, score), take_run(&mut negatives, score));
            visit(Group {
                score,
                positives: p,
                negatives: n,
            });
        }
    }

    /// The positives and negatives whose score is at least `threshold`.
    pub fn at_least(&self, threshold: f64) -> (u64, u64) {
        if self.approximate() {
            let first = self
                .cells
                .iter()
                .enumerate()
                .skip_while(|(cell, _)| (*cell as f64 / CELLS as f64) < threshold);
            return first.fold((0, 0), |(p, n), (_, cell)| (p + cell[0], n + cell[1]));
        }
        let count =
            |sorted: &[f64]| (sorted.len() - sorted.partition_point(|&score| score < threshold)) as u64;
        (count(&self.positives), count(&self.negatives))
    }
}

/// Removes the leading values equal to `score` and counts them.
fn take_run(sorted: &mut &[f64], score: f64) -> u64 {
    let run = sorted.iter().take_while(|&&value| value == score).count();
    *sorted = sorted.get(run..).unwrap_or_default();
    run as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(limit: usize) -> Scores {
        let mut store = ScoreStore::new(limit);
        for (score, positive) in [
            (0.5, true),
            (0.25, false),
            (1.0, true),
            (0.5, false),
            (0.5, true),
            (0.0, false),
        ] {
            store.add(score, positive);
        }
        store.sort()
    }

    #[test]
    fn cells_tell_the_same_as_exact_scores_when_scores_lie_on_edges() {
        let (exact, cells) = (stored(6), stored(5));
        assert!(!exact.approximate() && cells.approximate());
        let groups = |scores: &Scores| {
            let mut all = Vec::new();
            scores.for_each_group(|group| all.push(group));
            all
        };
        assert_eq!(groups(&exact), groups(&cells));
        assert_eq!(
            groups(&exact)[2],
            Group {
                score: 0.5,
                positives: 2,
                negatives: 1
            }
        );
        for threshold in [0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.1] {
            assert_eq!(
                exact.at_least(threshold),
                cells.at_least(threshold),
                "{threshold}"
            );
        }
        assert_eq!(exact.at_least(1.0), (1, 0));
        assert_eq!((cells.positives(), cells.negatives()), (3, 3));
        assert_eq!((exact.exact().count(), cells.exact().count()), (6, 0));
    }
}
