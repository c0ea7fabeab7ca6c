//! How often numbers are equal by themselves, told by how often they are nearly so.
//!
//! Measurements are rounded, so some of them coincide. If they are spread smoothly over the steps of their scale, as
//! many pairs are one step apart as there are ordered pairs that are equal; heaps at round numbers show at ten or a
//! hundred steps. Copies add equal pairs and no others.

use super::material::{Cell, Material};
use crate::ml::date::DateFormat;

/// Distances in steps at which pairs are counted.
const LAGS: [i64; 9] = [1, 2, 3, 5, 10, 20, 50, 100, 1000];
/// Decimals after which numbers count as unrounded.
const MOST_DECIMALS: i32 = 9;
/// Whole numbers up to this are exact.
const LARGEST: f64 = 9e15;

/// The numbers or dates of a column as steps of its scale: equal ones are equal, neighbours differ by one. `None` where
/// a row has no number, and for columns that hold other things or are not rounded.
pub fn steps(material: &Material, column: usize) -> Option<Vec<Option<i64>>> {
    let format = material.decisions[column].date_format.as_deref();
    let format = format.and_then(|format| DateFormat::new(format).ok());
    let read = |row| match (material.cell(row, column), &format) {
        (Cell::Word(text), Some(format)) => format.parse(text).map(|moment| moment.days()),
        (Cell::Number(value), _) => Some(value),
        _ => None,
    };
    let values: Vec<Option<f64>> = material.rows.iter().map(read).collect();
    let decimals = (0..=MOST_DECIMALS).find(|&decimals| {
        let scale = libm::pow(10.0, f64::from(decimals));
        values.iter().flatten().all(|value| is_whole(value * scale))
    })?;
    let scale = libm::pow(10.0, f64::from(decimals));
    let whole: Vec<Option<i64>> = values
        .iter()
        .map(|value| value.map(|value| (value * scale).round() as i64))
        .collect();
    let least = whole.iter().flatten().min().copied()?;
    let step = whole
        .iter()
        .flatten()
        .fold(0, |step, value| divisor(step, value - least));
    let in_steps = |value: i64| (value - least) / step.max(1);
    Some(whole.into_iter().map(|value| value.map(in_steps)).collect())
}

fn is_whole(value: f64) -> bool {
    value.abs() < LARGEST && (value - value.round()).abs() <= 1e-6
}

/// The greatest common divisor.
fn divisor(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Pairs of rows with the same key that are to be expected to be equal in `steps` by themselves.
pub fn expected(steps: &[Option<i64>], keys: &[u64]) -> f64 {
    let mut rows: Vec<(u64, i64)> = keys
        .iter()
        .zip(steps)
        .filter_map(|(key, step)| step.map(|step| (*key, step)))
        .collect();
    rows.sort_unstable();
    let count = |row: &(u64, i64)| {
        let first = rows.partition_point(|other| other < row);
        rows[first..].partition_point(|other| other <= row) as f64
    };
    let distinct = || rows.chunk_by(|a, b| a == b);
    let apart = |lag: i64| -> f64 {
        distinct()
            .map(|equal| {
                let (key, step) = equal[0];
                equal.len() as f64 * count(&(key, step + lag))
            })
            .sum()
    };
    LAGS.into_iter().map(|lag| 0.5 * apart(lag)).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::hash::unit;

    #[test]
    fn coincidences_are_foretold_and_copies_are_not() {
        let values: Vec<i64> = (0..3000).map(|i| (unit(5, i) * 20_000.0) as i64).collect();
        let steps = |values: &[i64]| values.iter().map(|&value| Some(value)).collect::<Vec<_>>();
        let equal = |values: &[i64]| {
            let mut sorted = values.to_vec();
            sorted.sort_unstable();
            let groups = sorted.chunk_by(|a, b| a == b);
            groups.map(|g| (g.len() * (g.len() - 1) / 2) as f64).sum::<f64>()
        };
        let foretold = expected(&steps(&values), &vec![0; values.len()]);
        assert!(
            (foretold / equal(&values) - 1.0).abs() < 0.3,
            "{foretold} {}",
            equal(&values)
        );
        let mut copied: Vec<i64> = (0..3000).map(|i| (unit(6, i) * 1e12) as i64).collect();
        copied.extend_from_within(..300);
        assert_eq!(equal(&copied), 300.0);
        assert!(expected(&steps(&copied), &vec![0; copied.len()]) < 3.0);
    }

    #[test]
    fn divisors() {
        assert_eq!((divisor(0, 12), divisor(12, 18), divisor(7, 0)), (12, 6, 7));
    }
}
