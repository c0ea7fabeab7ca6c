//! Columns that differ strongly between the described part and the other rows.

use std::collections::HashMap;

use rayon::prelude::*;
use serde_json::{Value, json};

use super::bounds::{chi_square_z, distance_by_chance};
use super::finding::{Code, Finding};
use super::material::Material;
use crate::ml::infer::Role;
use crate::ml::infer::dates::not_understood;
use crate::ml::profile::ColumnProfile;
use crate::ml::profile::examples::shortened;
use crate::ml::schema::AttributeType;
use crate::ml::value::is_missing;

/// A smaller difference is no strong one: 20 percentage points.
const STRONG: f64 = 0.2;
/// Chance may give the difference with this probability at most, all columns together.
const BY_CHANCE: f64 = 1e-6;
/// Standard errors above what chance gives, for shares.
const SURE: f64 = 6.0;
/// Values compared one by one; the others count together.
const VALUES: usize = 30;
/// Where the distributions of numbers are compared.
const POINTS: usize = 200;

/// What differs between the parts.
pub fn find(material: &Material) -> Vec<Finding> {
    if material.selected.rows == 0 || material.others.rows == 0 {
        return Vec::new();
    }
    (0..material.names.len())
        .into_par_iter()
        .filter(|&column| matches!(material.decisions[column].role, Role::Input | Role::Target))
        .filter(|&column| !differs_by_construction(material, column))
        .filter_map(|column| judge(material, column))
        .collect()
}

/// Whether the column is what the parts were made by, or, in parts of time, tells time as well: such a difference is
/// what was asked for, and no news.
fn differs_by_construction(material: &Material, column: usize) -> bool {
    let is_date = || {
        material.dated[column]
            || not_understood(&material.names[column], &material.all.profiles[column]).is_some()
    };
    material.part.column() == Some(column) || (material.part.is_by_time() && is_date())
}

fn judge(material: &Material, column: usize) -> Option<Finding> {
    let (mine, theirs) = (
        &material.selected.profiles[column],
        &material.others.profiles[column],
    );
    let words = &material.decisions[column].missing_values;
    let found = match material.decisions[column].kind {
        AttributeType::Numeric => numbers(mine, theirs, material.names.len()),
        AttributeType::Text => None,
        AttributeType::Binary | AttributeType::Categorical => values(mine, theirs, words),
    };
    let (effect, what, evidence) = found.or_else(|| missing(mine, theirs, words))?;
    let message = format!(
        "column `{}` differs between this part and the other rows: {what}",
        material.names[column]
    );
    Some(Finding::about(Code::PartDrift, column, message, evidence).weighing(effect))
}

type Difference = (f64, String, Value);

/// The largest distance between the distribution functions.
fn numbers(mine: &ColumnProfile, theirs: &ColumnProfile, columns: usize) -> Option<Difference> {
    let (mut left, mut right) = (mine.numbers.quantiles.clone(), theirs.numbers.quantiles.clone());
    let (n, m) = (left.count(), right.count());
    if n == 0 || m == 0 {
        return None;
    }
    let points: Vec<f64> = (0..=POINTS)
        .map(|i| i as f64 / POINTS as f64)
        .flat_map(|share| [left.at(share), right.at(share)])
        .flatten()
        .collect();
    let mut below = |value: f64| {
        (
            left.count_at_most(value) / n as f64,
            right.count_at_most(value) / m as f64,
        )
    };
    let (value, (in_mine, in_theirs)) = points
        .into_iter()
        .map(|point| (point, below(point)))
        .max_by(|a, b| (a.1.0 - a.1.1).abs().total_cmp(&(b.1.0 - b.1.1).abs()))?;
    let distance = (in_mine - in_theirs).abs();
    let by_chance = distance_by_chance(n, m, BY_CHANCE / columns as f64);
    if distance < STRONG || distance <= by_chance {
        return None;
    }
    let what = format!(
        "{:.0} % of its values are at most {value} here, {:.0} % there (medians {} and {})",
        100.0 * in_mine,
        100.0 * in_theirs,
        left.at(0.5)?,
        right.at(0.5)?
    );
    let evidence = json!({"distance": distance, "by_chance": by_chance, "at": value, "share_here": in_mine,
        "share_there": in_theirs, "median_here": left.at(0.5), "median_there": right.at(0.5)});
    Some((distance, what, evidence))
}

/// Half the sum of the differences between the shares of the values; `words` stand for missing.
fn values(mine: &ColumnProfile, theirs: &ColumnProfile, words: &[String]) -> Option<Difference> {
    let counts: [HashMap<String, u64>; 2] = [mine, theirs].map(|profile| {
        let ranked = profile.values.ranked().into_iter();
        ranked.filter(|(value, _)| !is_missing(value, words)).collect()
    });
    let totals = [mine, theirs].map(|profile| profile.with_value(words));
    let count = |side: usize, value: &str| counts[side].get(value).copied().unwrap_or(0);
    let mut ranked: Vec<(u64, &str)> = counts
        .iter()
        .flat_map(|counts| counts.keys())
        .map(|value| (count(0, value) + count(1, value), value.as_str()))
        .collect();
    ranked.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    ranked.dedup();
    let mut cells: Vec<[u64; 2]> = ranked
        .iter()
        .take(VALUES)
        .map(|(_, value)| [count(0, value), count(1, value)])
        .collect();
    cells.push(
        [0, 1].map(|side| totals[side] - cells.iter().map(|cell| cell[side]).sum::<u64>().min(totals[side])),
    );
    let share = |cell: &[u64; 2], side: usize| cell[side] as f64 / totals[side].max(1) as f64;
    let difference = |cell: &[u64; 2]| share(cell, 0) - share(cell, 1);
    let distance = cells.iter().map(|cell| difference(cell).abs()).sum::<f64>() / 2.0;
    if distance < STRONG || sureness(&cells, totals)? < SURE {
        return None;
    }
    let most = (0..ranked.len().min(VALUES)).max_by(|&a, &b| {
        let size = |at: usize| difference(&cells[at]).abs();
        size(a).total_cmp(&size(b)).then(b.cmp(&a))
    })?;
    let value = shortened(ranked[most].1);
    let (here, there) = (share(&cells[most], 0), share(&cells[most], 1));
    let what = format!(
        "`{value}` on {:.0} % of the rows here, {:.0} % there",
        100.0 * here,
        100.0 * there
    );
    let evidence = json!({"distance": distance, "value": value, "share_here": here, "share_there": there});
    Some((distance, what, evidence))
}

/// How far the chi-square statistic of the counts lies above what chance gives; cells in which little is
/// expected count together.
fn sureness(cells: &[[u64; 2]], totals: [u64; 2]) -> Option<f64> {
    let all = (totals[0] + totals[1]) as f64;
    let expected = |cell: &[u64; 2], side: usize| (cell[0] + cell[1]) as f64 * totals[side] as f64 / all;
    let (large, small): (Vec<[u64; 2]>, Vec<[u64; 2]>) = cells
        .iter()
        .partition(|cell| expected(cell, 0) >= 5.0 && expected(cell, 1) >= 5.0);
    let rest = small
        .iter()
        .fold([0, 0], |sum, cell| [sum[0] + cell[0], sum[1] + cell[1]]);
    let kept: Vec<[u64; 2]> = large
        .into_iter()
        .chain([rest])
        .filter(|cell| cell[0] + cell[1] > 0)
        .collect();
    let terms = kept.iter().flat_map(|cell| {
        [0, 1].map(|side| (cell[side] as f64 - expected(cell, side)).powi(2) / expected(cell, side))
    });
    (kept.len() > 1 && totals[0] > 0 && totals[1] > 0)
        .then(|| chi_square_z(terms.sum(), kept.len() as f64 - 1.0))
}

/// The shares of rows without a value; `words` stand for missing.
fn missing(mine: &ColumnProfile, theirs: &ColumnProfile, words: &[String]) -> Option<Difference> {
    let without = [mine, theirs].map(|profile| profile.without_value(words));
    let with = [mine, theirs].map(|profile| profile.with_value(words));
    let share = |side: usize| without[side] as f64 / (without[side] + with[side]).max(1) as f64;
    let (here, there) = (share(0), share(1));
    let distance = (here - there).abs();
    let cells = [without, with];
    if distance < STRONG || sureness(&cells, [mine.rows, theirs.rows])? < SURE {
        return None;
    }
    let what = format!(
        "{:.0} % of its values are missing here, {:.0} % there",
        100.0 * here,
        100.0 * there
    );
    let evidence = json!({"distance": distance, "missing_here": here, "missing_there": there});
    Some((distance, what, evidence))
}
