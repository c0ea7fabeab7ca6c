//! How many pairs of equal rows chance would give.
//!
//! Tables of few categories repeat legitimately. How often is told by the pairs of rows that differ in one column or
//! in two: if differing in column a and differing in column b do not influence each other, then
//! `equal / only a differs = only b differs / both differ`. So `a · b / ab` pairs are to be expected. Copies add equal
//! pairs and no others. Columns that follow from the others never differ alone and are put aside first.

use rayon::prelude::*;

use super::material::Material;
use crate::ml::hash::splitmix64;

/// Columns among which pairs are extrapolated.
const LEADING: usize = 4;
/// Groups of more equal rows are usual rows, not copies.
pub const USUAL: u64 = 20;
/// Expected contents on three rows below which their absence says nothing.
const LEAST_THREES: f64 = 2.0;

/// The pairs of equal rows among the sampled rows that need no copies to explain them.
pub fn by_chance(material: &Material) -> f64 {
    let columns = independent_columns(material);
    if columns.len() < 2 {
        return match is_drawn_from_few(material.selected.contents.multiplicities()) {
            true => f64::INFINITY,
            false => 0.0,
        };
    }
    let all = summed(&columns, material.rows.len());
    let equal = pairs(all.clone());
    // Pairs that differ in nothing but these columns, or are equal.
    let without = |left_out: &[usize]| -> f64 {
        let keys = all.iter().enumerate().map(|(row, key)| {
            left_out
                .iter()
                .fold(*key, |key, &column| key.wrapping_sub(columns[column][row]))
        });
        pairs(keys.collect())
    };
    let mut alone: Vec<(f64, usize)> = (0..columns.len())
        .into_par_iter()
        .map(|column| (without(&[column]) - equal, column))
        .collect();
    alone.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    alone.truncate(LEADING);
    let mut most = 0.0f64;
    for (i, (a, in_a)) in alone.iter().enumerate() {
        for (b, in_b) in &alone[i + 1..] {
            let both = without(&[*in_a, *in_b]) - equal - a - b;
            most = most.max((a + 1.0) * (b + 1.0) / (both + 1.0));
        }
    }
    most
}

/// Whether contents repeat as when rows are drawn from a limited number of them: then contents on three rows stand
/// beside those on one and two, as `f3 = 2/3 · f2² / f1` for equally frequent ones, and more of them for others.
/// Copies made once leave no threes.
fn is_drawn_from_few([ones, twos, threes]: [u64; 3]) -> bool {
    let expected = 2.0 / 3.0 * (twos * twos) as f64 / ones.max(1) as f64;
    expected >= LEAST_THREES && threes as f64 >= expected / 2.0
}

/// For each column that counts, a hash of each row's value, without columns that follow from the others: without
/// them, no more rows are equal.
fn independent_columns(material: &Material) -> Vec<Vec<u64>> {
    let skipped = material.selected.contents.skipped();
    let columns: Vec<Vec<u64>> = (0..material.names.len())
        .into_par_iter()
        .filter(|&column| !skipped.get(column).copied().unwrap_or(false))
        .map(|column| hashes(material, column))
        .collect();
    let mut keys = summed(&columns, material.rows.len());
    let equal = pairs(keys.clone());
    let mut kept = Vec::new();
    let mut left = columns.len();
    for column in columns {
        let without: Vec<u64> = keys
            .iter()
            .zip(&column)
            .map(|(key, hash)| key.wrapping_sub(*hash))
            .collect();
        if left > 1 && pairs(without.clone()) == equal {
            keys = without;
            left -= 1;
        } else {
            kept.push(column);
        }
    }
    kept
}

fn hashes(material: &Material, column: usize) -> Vec<u64> {
    let salt = splitmix64(column as u64);
    let rows = material.rows.iter();
    rows.map(|row| splitmix64(material.cell(row, column).hash() ^ salt))
        .collect()
}

fn summed(columns: &[Vec<u64>], rows: usize) -> Vec<u64> {
    (0..rows)
        .map(|row| {
            columns
                .iter()
                .fold(0u64, |sum, column| sum.wrapping_add(column[row]))
        })
        .collect()
}

/// Pairs of equal keys.
fn pairs(mut keys: Vec<u64>) -> f64 {
    keys.sort_unstable();
    let groups = keys.chunk_by(|a, b| a == b);
    groups
        .map(|group| group.len() as f64 * (group.len() as f64 - 1.0) / 2.0)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawing_from_few_leaves_threes() {
        let mut drawn = [0u64; 900];
        (0..800).for_each(|i| drawn[(splitmix64(i) % 900) as usize] += 1);
        let count = |times: u64| drawn.iter().filter(|&&found| found == times).count() as u64;
        assert!(is_drawn_from_few([count(1), count(2), count(3)]));
        assert!(!is_drawn_from_few([500, 150, 0]));
        assert!(!is_drawn_from_few([2000, 60, 1]));
    }
}
