//! How much one column tells about the target: normalised mutual information on a sample of rows.
//!
//! `I(X;Y) / min(H(X), H(Y))`, in 0..=1, with the Miller–Madow correction for the number of cells, so
//! that a column of many values does not seem to tell much by chance. Numbers are cut into ten
//! quantile bins; text counts through its single most prominent word ([`super::prominence`]).

use std::collections::HashMap;

use crate::ml::record::Record;
use crate::ml::schema::AttributeType;
use crate::ml::value::{Number, binary, content, number};

const BINS: usize = 10;
/// Values with codes of their own; the others share one.
pub const MOST_LEVELS: usize = 100;

/// Each row's target as a small integer: numbers in bins, other values one by one.
pub fn truth_codes(rows: &[Record], target: usize, is_number: bool, missing: &[String]) -> Vec<u32> {
    let kind = if is_number {
        AttributeType::Numeric
    } else {
        AttributeType::Categorical
    };
    codes(rows, target, kind, missing)
}

/// The association of a column that is no text with the target; `None` where one of them does not vary.
pub fn association(
    rows: &[Record],
    column: usize,
    kind: AttributeType,
    missing: &[String],
    truth: &[u32],
) -> Option<f64> {
    normalised_information(&codes(rows, column, kind, missing), truth)
}

/// Each row's field as a small integer.
fn codes(rows: &[Record], column: usize, kind: AttributeType, missing: &[String]) -> Vec<u32> {
    let fields = rows.iter().map(|row| content(row.get(column), missing));
    match kind {
        AttributeType::Numeric => numeric_codes(rows, column, missing),
        AttributeType::Binary => fields
            .map(|field| match binary(field) {
                Some(true) => 1,
                Some(false) => 0,
                None => 2,
            })
            .collect(),
        AttributeType::Categorical | AttributeType::Text => level_codes(fields),
    }
}

/// Each row's field as a number, where it is one.
pub fn numbers_of(rows: &[Record], column: usize, missing: &[String]) -> Vec<Option<f64>> {
    rows.iter()
        .map(|row| match number(content(row.get(column), missing)) {
            Number::Value(value) => Some(value),
            Number::Missing | Number::Invalid => None,
        })
        .collect()
}

fn numeric_codes(rows: &[Record], column: usize, missing: &[String]) -> Vec<u32> {
    let values = numbers_of(rows, column, missing);
    let mut sorted: Vec<f64> = values.iter().flatten().copied().collect();
    sorted.sort_unstable_by(f64::total_cmp);
    // A value as frequent as a whole bin gets a code of its own; the others share the bins. Without
    // this a column of mostly zeros would be one bin.
    let heavy: Vec<f64> = sorted
        .chunk_by(|a, b| a == b)
        .filter(|run| run.len() * BINS >= sorted.len())
        .filter_map(|run| run.first().copied())
        .collect();
    sorted.retain(|value| !heavy.contains(value));
    let mut bounds: Vec<f64> = (1..BINS)
        .filter_map(|j| sorted.get(j * sorted.len() / BINS).copied())
        .collect();
    bounds.dedup();
    let code = |value: f64| match heavy.iter().position(|&known| known == value) {
        Some(position) => BINS + 1 + position,
        None => bounds.partition_point(|&bound| bound <= value),
    };
    values
        .iter()
        .map(|value| value.map_or(BINS as u32, |value| code(value) as u32))
        .collect()
}

/// The most frequent values get codes of their own, the others share one.
fn level_codes<'a>(values: impl Iterator<Item = &'a str> + Clone) -> Vec<u32> {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    values
        .clone()
        .for_each(|value| *counts.entry(value).or_default() += 1);
    let mut ranked: Vec<(&str, u64)> = counts.into_iter().collect();
    ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let codes: HashMap<&str, u32> = ranked
        .iter()
        .take(MOST_LEVELS)
        .enumerate()
        .map(|(code, (value, _))| (*value, code as u32))
        .collect();
    values
        .map(|value| codes.get(value).copied().unwrap_or(MOST_LEVELS as u32))
        .collect()
}

/// Normalised mutual information of two columns of codes; `None` when one of them does not vary.
pub fn normalised_information(x: &[u32], y: &[u32]) -> Option<f64> {
    let width = |codes: &[u32]| codes.iter().max().map_or(0, |&max| max as usize + 1);
    let (columns, rows) = (width(x), width(y));
    let mut joint = vec![0u64; columns * rows];
    x.iter()
        .zip(y)
        .for_each(|(&a, &b)| joint[a as usize * rows + b as usize] += 1);
    let sums = |count: usize, index: &dyn Fn(usize) -> usize| {
        let mut sums = vec![0u64; count];
        joint
            .iter()
            .enumerate()
            .for_each(|(cell, &n)| sums[index(cell)] += n);
        sums
    };
    let of_x = sums(columns, &|cell| cell / rows.max(1));
    let of_y = sums(rows, &|cell| cell % rows.max(1));
    let (h_x, h_y, h_xy) = (entropy(&of_x), entropy(&of_y), entropy(&joint));
    let least = h_x.min(h_y);
    if least <= 0.0 {
        return None;
    }
    let chance = chance(&of_x, &of_y, x.len());
    Some(((h_x + h_y - h_xy - chance) / least).clamp(0.0, 1.0))
}

/// The information that two columns without relation seem to share on so many rows (Miller, Madow).
pub fn chance(of_x: &[u64], of_y: &[u64], rows: usize) -> f64 {
    let levels = |counts: &[u64]| counts.iter().filter(|&&n| n > 0).count() as f64 - 1.0;
    levels(of_x) * levels(of_y) / (2.0 * rows as f64)
}

/// Entropy in nats.
pub fn entropy(counts: &[u64]) -> f64 {
    let total = counts.iter().sum::<u64>() as f64;
    counts
        .iter()
        .filter(|&&n| n > 0)
        .map(|&n| n as f64 / total)
        .map(|p| -p * libm::log(p))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_columns_tell_all_and_independent_ones_nothing() {
        let x: Vec<u32> = (0..1000).map(|i| i % 4).collect();
        let y: Vec<u32> = (0..1000).map(|i| (i / 4) % 5).collect();
        assert!(normalised_information(&x, &x).unwrap() > 0.99);
        assert!(normalised_information(&x, &y).unwrap() < 0.01);
        assert_eq!(normalised_information(&x, &vec![0; 1000]), None);
    }

    #[test]
    fn many_values_do_not_seem_to_tell_much() {
        let x: Vec<u32> = (0..400)
            .map(|i| (crate::ml::hash::splitmix64(i) % 100) as u32)
            .collect();
        let y: Vec<u32> = (0..400)
            .map(|i| (crate::ml::hash::splitmix64(i + 7_000) % 2) as u32)
            .collect();
        assert!(normalised_information(&x, &y).unwrap() < 0.1);
    }

    #[test]
    fn mostly_zeros_still_tell() {
        let rows: Vec<Record> = (0..1000)
            .map(|i| {
                if i % 20 == 0 {
                    Record::from_fields([&i.to_string() as &str, "1"])
                } else {
                    Record::from_fields(["0", "0"])
                }
            })
            .collect();
        let truth = truth_codes(&rows, 1, false, &[]);
        let found = association(&rows, 0, AttributeType::Numeric, &[], &truth);
        assert!(found.unwrap() > 0.9, "{found:?}");
    }
}
