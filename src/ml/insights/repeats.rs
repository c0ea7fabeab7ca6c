//! How many pairs of equal rows chance would give.
//!
//! Tables of few categories repeat legitimately. How often is told by the pairs of rows that differ in one column or
//! in two: if differing in column a and differing in column b do not influence each other, then
//! `equal / only a differs = only b differs / both differ`. So `a · b / ab` pairs are to be expected. Copies add equal
//! pairs and no others. Columns that follow from the others never differ alone and are put aside first.

use rayon::prelude::*;

use super::lags::{expected, steps};
use super::material::Material;
use crate::ml::hash::splitmix64;
use crate::ml::schema::AttributeType;

/// Columns among which pairs are extrapolated.
const LEADING: usize = 4;
/// Groups of more equal rows are usual rows, not copies.
pub const USUAL: u64 = 20;
/// Expected contents on three rows below which their absence says nothing.
const LEAST_THREES: f64 = 2.0;

/// The pairs of equal rows among the sampled rows that need no copies to explain them.
pub fn by_chance(material: &Material) -> f64 {
    let (places, columns): (Vec<usize>, Vec<Vec<u64>>) = independent_columns(material).into_iter().unzip();
    let by_lags = places
        .par_iter()
        .enumerate()
        .filter_map(|(at, &column)| {
            let others = columns.iter().enumerate().filter(|(other, _)| *other != at);
            let others: Vec<&[u64]> = others.map(|(_, hashes)| hashes.as_slice()).collect();
            Some(expected(
                &steps(material, column)?,
                &summed(&others, material.rows.len()),
            ))
        })
        .reduce(|| 0.0, f64::max);
    if let [] | [_] = places[..] {
        let only = places.first().map(|&column| &material.decisions[column]);
        return match only.map(|only| (only.kind, only.date_format.is_some())) {
            Some((AttributeType::Numeric, _) | (_, true)) => by_lags,
            Some((AttributeType::Text, _))
                if !is_drawn_from_few(material.selected.contents.multiplicities()) =>
            {
                0.0
            }
            // A category repeats by itself, and nothing else tells whether the row does.
            _ => f64::INFINITY,
        };
    }
    let all: Vec<&[u64]> = columns.iter().map(Vec::as_slice).collect();
    let all = summed(&all, material.rows.len());
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
    let mut most = by_lags;
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

/// Each column that counts and a hash of each row's value, without columns that follow from the others: without
/// them, no more rows are equal.
fn independent_columns(material: &Material) -> Vec<(usize, Vec<u64>)> {
    let skipped = material.selected.contents.skipped();
    let columns: Vec<(usize, Vec<u64>)> = (0..material.names.len())
        .into_par_iter()
        .filter(|&column| !skipped.get(column).copied().unwrap_or(false))
        .map(|column| (column, hashes(material, column)))
        .collect();
    let all: Vec<&[u64]> = columns.iter().map(|(_, hashes)| hashes.as_slice()).collect();
    let mut keys = summed(&all, material.rows.len());
    let equal = pairs(keys.clone());
    let mut kept = Vec::new();
    let mut left = columns.len();
    for (column, hashes) in columns {
        let without: Vec<u64> = keys
            .iter()
            .zip(&hashes)
            .map(|(key, hash)| key.wrapping_sub(*hash))
            .collect();
        if left > 1 && pairs(without.clone()) == equal {
            keys = without;
            left -= 1;
        } else {
            kept.push((column, hashes));
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

fn summed(columns: &[&[u64]], rows: usize) -> Vec<u64> {
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
