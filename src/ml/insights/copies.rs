//! Columns that hold the same as another one, and columns that hold the target.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::finding::{Code, Finding};
use super::material::{Cell, Material};
use crate::ml::Task;
use crate::ml::hash::splitmix64;

/// Fewer rows agree by chance.
const LEAST_ROWS: usize = 20;
/// Fewer rows beside the most frequent value agree by chance.
const LEAST_OTHERS: usize = 5;
/// Distinct numbers that a straight line must go through.
const LEAST_NUMBERS: usize = 10;
/// The share of the target's variance that a copy may miss, from rounding.
const LEFT_BY_ROUNDING: f64 = 1e-6;
/// Pairs of values shown.
const SHOWN: usize = 5;

/// What a column holds on the sampled rows.
struct Content {
    /// Equal for columns that hold the same.
    same: u64,
    /// Equal for columns whose values correspond one to one.
    coding: u64,
    /// Rows with another value than the most frequent one.
    others: usize,
}

/// Copies of the target, and copies of other columns.
pub fn find(material: &Material) -> Vec<Finding> {
    if material.rows.len() < LEAST_ROWS {
        return Vec::new();
    }
    let contents: Vec<Content> = (0..material.names.len())
        .into_par_iter()
        .map(|column| content(material, column))
        .collect();
    let mut found: Vec<Finding> = material
        .inputs()
        .into_iter()
        .filter_map(|column| target_copy(material, column, &contents))
        .collect();
    let known: Vec<Option<usize>> = found.iter().map(|finding| finding.column).collect();
    let inputs = material.inputs().into_iter();
    let rest: Vec<usize> = inputs.filter(|column| !known.contains(&Some(*column))).collect();
    found.extend(duplicate_columns(material, &rest, &contents));
    found
}

fn content(material: &Material, column: usize) -> Content {
    let mut codes: HashMap<u64, (u64, usize), FixedState> = HashMap::default();
    let (mut same, mut coding) = (0u64, 0u64);
    for row in material.rows {
        let hash = material.cell(row, column).hash();
        let next = codes.len() as u64;
        let code = codes.entry(hash).or_insert((next, 0));
        code.1 += 1;
        same = splitmix64(same ^ hash);
        coding = splitmix64(coding ^ splitmix64(code.0));
    }
    let largest = codes.values().map(|code| code.1).max().unwrap_or(0);
    Content {
        same,
        coding,
        others: material.rows.len() - largest,
    }
}

fn target_copy(material: &Material, column: usize, contents: &[Content]) -> Option<Finding> {
    let target = material.target()?;
    let (mine, truth) = (&contents[column], &contents[target]);
    let name = &material.names[column];
    let says = |how: &str| format!("column `{name}` is the target `{}` {how}", material.names[target]);
    if truth.others < LEAST_OTHERS {
        return None;
    }
    if mine.same == truth.same {
        let evidence = json!({"rows": material.rows.len(), "examples": pairs(material, column, target)});
        return Some(Finding::about(
            Code::TargetCopy,
            column,
            says("under another name"),
            evidence,
        ));
    }
    match material.task? {
        Task::Regression => {
            let (slope, intercept) = straight_line(material, column, target)?;
            let how = format!(
                "on another scale: about {slope:.6} * `{name}`{}",
                offset(intercept)
            );
            let evidence =
                json!({"slope": slope, "intercept": intercept, "examples": pairs(material, column, target)});
            Some(Finding::about(Code::TargetCopy, column, says(&how), evidence))
        }
        Task::Binary | Task::Multiclass if mine.coding == truth.coding => {
            let evidence = json!({"rows": material.rows.len(), "examples": pairs(material, column, target)});
            let how = format!(
                "in another coding: each value stands for one answer on all {} rows examined",
                material.rows.len()
            );
            Some(Finding::about(Code::TargetCopy, column, says(&how), evidence))
        }
        Task::Binary | Task::Multiclass => None,
    }
}

/// What a formula adds, unless it would read as nothing.
fn offset(intercept: f64) -> String {
    let size = format!("{:.6}", intercept.abs());
    match (size.as_str(), intercept < 0.0) {
        ("0.000000", _) => String::new(),
        (_, true) => format!(" - {size}"),
        (_, false) => format!(" + {size}"),
    }
}

/// Some rows with both values.
fn pairs(material: &Material, column: usize, target: usize) -> Vec<Value> {
    let rows = material.rows.iter().take(SHOWN);
    rows.map(|row| json!({"line": row.position.line, "value": row.get(column).trim(), "target": row.get(target).trim()}))
        .collect()
}

/// The straight line from the column to the target, if all rows lie on it.
fn straight_line(material: &Material, column: usize, target: usize) -> Option<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = material
        .rows
        .iter()
        .filter_map(
            |row| match (material.cell(row, column), material.cell(row, target)) {
                (Cell::Number(x), Cell::Number(y)) => Some((x, y)),
                _ => None,
            },
        )
        .collect();
    let n = points.len() as f64;
    let (mean_x, mean_y) = (
        points.iter().map(|point| point.0 / n).sum::<f64>(),
        points.iter().map(|point| point.1 / n).sum::<f64>(),
    );
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in &points {
        let (dx, dy) = (x - mean_x, y - mean_y);
        (xx, xy, yy) = (xx + dx * dx, xy + dx * dy, yy + dy * dy);
    }
    if points.len() < LEAST_ROWS || xx <= 0.0 || yy <= 0.0 {
        return None;
    }
    let left = 1.0 - (xy / xx) * (xy / yy);
    points.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    points.dedup_by(|a, b| a.0 == b.0);
    let slope = xy / xx;
    let is_line = left.abs() <= LEFT_BY_ROUNDING && points.len() >= LEAST_NUMBERS && slope.is_finite();
    is_line.then_some((slope, mean_y - slope * mean_x))
}

fn duplicate_columns(material: &Material, columns: &[usize], contents: &[Content]) -> Vec<Finding> {
    let mut first_with: HashMap<u64, usize> = HashMap::new();
    let mut found = Vec::new();
    for &column in columns {
        if contents[column].others < LEAST_OTHERS {
            continue;
        }
        let first = *first_with.entry(contents[column].same).or_insert(column);
        if first != column && agree_on_all_rows(material, first, column) {
            let (name, other) = (&material.names[column], &material.names[first]);
            let rows = material.rows.len();
            let message = format!("column `{name}` holds the same as `{other}` on all {rows} rows examined");
            found.push(Finding::about(
                Code::DuplicateColumns,
                column,
                message,
                json!({"same_as": other, "rows": rows}),
            ));
        }
    }
    found
}

/// What was counted over all rows speaks for equality, too.
fn agree_on_all_rows(material: &Material, left: usize, right: usize) -> bool {
    let [a, b] = [left, right].map(|column| &material.selected.profiles[column]);
    let [a_missing, b_missing] = [(a, left), (b, right)]
        .map(|(profile, column)| profile.without_value(&material.decisions[column].missing_values));
    let close = |x: f64, y: f64| (x - y).abs() <= 1e-9 * x.abs().max(y.abs());
    a_missing == b_missing
        && a.numbers.moments.count == b.numbers.moments.count
        && close(a.numbers.moments.mean, b.numbers.moments.mean)
}
