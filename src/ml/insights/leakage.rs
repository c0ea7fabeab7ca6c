//! One column that nearly decides the target.
//!
//! The target is answered from one column alone and the answers are held against rows that were not used for them
//! (five folds): a value that repeats answers with the most frequent class, or the mean, of its other rows; rarer
//! numbers with their five nearest neighbours; a value that no other row has with the blind answer. So a column of many
//! values tells nothing by chance, and a bound on the errors keeps small tables quiet. Of a text the presence of its
//! most prominent word answers, under a wider bound, because that word was chosen among many.

use std::collections::HashMap;

use rayon::prelude::*;
use serde_json::json;

use super::bounds::share_at_most;
use super::finding::{Code, Finding};
use super::material::{Cell, Material};
use super::nearest::{Answers, Truths, class_answers, number_answers};
use crate::ml::Task;
use crate::ml::decision::Role;
use crate::ml::profile::prominence::bare;
use crate::ml::schema::AttributeType;
use crate::ml::value::words;

/// Of the errors of the blind answer, so many may be left.
const ERRORS_LEFT: f64 = 0.05;
/// Of the variance of a number, so much may be left.
const VARIANCE_LEFT: f64 = 0.01;
/// Standard errors of the bounds: one in 200 by chance.
const SURE: f64 = 2.576;
/// The same for the best of a thousand words.
const SURE_OF_BEST: f64 = 4.4;
/// Fewer rows say nothing.
const LEAST_ROWS: usize = 50;

/// Columns that nearly decide the target; those in `copied` are known to hold it.
pub fn find(material: &Material, copied: &[usize]) -> Vec<Finding> {
    let Some(truth) = truth(material) else {
        return Vec::new();
    };
    let inputs: Vec<usize> = material
        .inputs()
        .into_iter()
        .filter(|column| !copied.contains(column))
        .collect();
    let found = inputs.into_par_iter().filter_map(|column| match &truth.truths {
        Truths::Classes { .. } if material.decisions[column].kind == AttributeType::Text => {
            one_word(material, column, &truth)
        }
        Truths::Classes { .. } => classes(material, column, &truth),
        Truths::Numbers(_) => numbers(material, column, &truth),
    });
    found.collect()
}

/// The sampled rows whose target is known, with it.
struct Truth {
    rows: Vec<usize>,
    truths: Truths,
}

fn truth(material: &Material) -> Option<Truth> {
    let target = material.target()?;
    let task = material.task?;
    let mut rows = Vec::new();
    let mut numbers = Vec::new();
    let mut classes: Vec<u32> = Vec::new();
    let mut codes: HashMap<u64, u32> = HashMap::new();
    for (index, row) in material.rows.iter().enumerate() {
        let cell = material.cell(row, target);
        match (task, cell) {
            (_, Cell::Missing) | (Task::Regression, Cell::Word(_)) => continue,
            (Task::Regression, Cell::Number(value)) => numbers.push(value),
            _ => {
                let next = codes.len() as u32;
                classes.push(*codes.entry(cell.hash()).or_insert(next));
            }
        }
        rows.push(index);
    }
    let truths = match task {
        Task::Regression => Truths::Numbers(numbers),
        Task::Binary | Task::Multiclass => Truths::classes(classes, codes.len()),
    };
    (rows.len() >= LEAST_ROWS).then_some(Truth { rows, truths })
}

/// What the rows hold in a column, for those whose target is known.
fn cells<'m>(material: &'m Material, column: usize, truth: &Truth) -> Vec<Cell<'m>> {
    let rows = truth.rows.iter();
    rows.map(|&row| material.cell(&material.rows[row], column))
        .collect()
}

fn classes(material: &Material, column: usize, truth: &Truth) -> Option<Finding> {
    let Truths::Classes { of, largest, .. } = &truth.truths else {
        return None;
    };
    let Answers { errors, .. } = class_answers(&cells(material, column, truth), &truth.truths);
    decided(material, column, of.len() as u64, errors, *largest, SURE, "")
}

/// The finding, if the errors are certainly few.
fn decided(
    material: &Material,
    column: usize,
    count: u64,
    errors: u64,
    largest: u64,
    sure: f64,
    how: &str,
) -> Option<Finding> {
    let blind = 1.0 - largest as f64 / count as f64;
    let at_most = share_at_most(errors, count, sure);
    if blind <= 0.0 || at_most > ERRORS_LEFT * blind {
        return None;
    }
    let right = 1.0 - errors as f64 / count as f64;
    let message = format!(
        "knowing `{}` alone{how} answers {} of held-out rows; the best blind answer is right on {}",
        material.names[column],
        percent(right),
        percent(1.0 - blind)
    );
    let evidence = json!({"right": right, "right_at_least": 1.0 - at_most, "blind_right": 1.0 - blind,
        "errors": errors, "rows": count, "examples": examples(material, column)});
    Some(Finding::about(Code::TargetLeakage, column, message, evidence).weighing(right))
}

/// A share with so many decimals that nearly all is not shown as all.
fn percent(share: f64) -> String {
    let digits = if share > 0.999 && share < 1.0 { 2 } else { 1 };
    format!(
        "{:.digits$} %",
        (100.0 * share).min(if share < 1.0 { 99.99 } else { 100.0 })
    )
}

fn examples(material: &Material, column: usize) -> Vec<serde_json::Value> {
    let Some(target) = material
        .decisions
        .iter()
        .position(|decision| decision.role == Role::Target)
    else {
        return Vec::new();
    };
    let shown = |row: &crate::ml::record::Record, column: usize| {
        crate::ml::profile::examples::shortened(row.get(column).trim())
    };
    let rows = material.rows.iter().take(3);
    rows.map(
        |row| json!({"line": row.position.line, "value": shown(row, column), "target": shown(row, target)}),
    )
    .collect()
}

fn numbers(material: &Material, column: usize, truth: &Truth) -> Option<Finding> {
    let Truths::Numbers(values) = &truth.truths else {
        return None;
    };
    if material.decisions[column].kind != AttributeType::Text {
        return explained(
            material,
            column,
            values,
            &cells(material, column, truth),
            SURE,
            "",
        );
    }
    let (word, present) = best_word(material, column, truth)?;
    let with = present.iter().filter(|present| **present).count();
    // A few rows far away from all others vary more than the rest together, and some word is on them alone.
    if with.min(present.len() - with) < LEAST_ROWS {
        return None;
    }
    let sides: Vec<Cell> = present
        .iter()
        .map(|present| Cell::Word(if *present { "with" } else { "without" }))
        .collect();
    explained(material, column, values, &sides, SURE_OF_BEST, &containing(word))
}

/// The finding, if the answers of `cells` certainly leave little of the variance.
fn explained(
    material: &Material,
    column: usize,
    values: &[f64],
    cells: &[Cell],
    sure: f64,
    how: &str,
) -> Option<Finding> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
    let Answers { squares, .. } = number_answers(cells, values);
    let left = squares.iter().sum::<f64>() / n;
    let spread = squares.iter().map(|square| (square - left).powi(2)).sum::<f64>() / n;
    let at_most = left + sure * (spread / n).sqrt();
    // Not a number when the target does not vary.
    let share = at_most / variance;
    if share.is_nan() || share > VARIANCE_LEFT {
        return None;
    }
    let explained = 1.0 - left / variance;
    let message = format!(
        "knowing `{}` alone{how} explains {} of the variance of the target on held-out rows",
        material.names[column],
        percent(explained)
    );
    let evidence = json!({"explained": explained, "explained_at_least": 1.0 - share, "rows": values.len(),
        "examples": examples(material, column)});
    Some(Finding::about(Code::TargetLeakage, column, message, evidence).weighing(explained))
}

/// Whether the presence of the most prominent word decides the target.
fn one_word(material: &Material, column: usize, truth: &Truth) -> Option<Finding> {
    let Truths::Classes { of, count, largest } = &truth.truths else {
        return None;
    };
    let (word, present) = best_word(material, column, truth)?;
    let mut counts = vec![[0u64; 2]; *count];
    for (present, &class) in present.into_iter().zip(of) {
        counts[class as usize][usize::from(present)] += 1;
    }
    let right: u64 = (0..2)
        .map(|side| counts.iter().map(|count| count[side]).max().unwrap_or(0))
        .sum();
    let rows = of.len() as u64;
    let how = containing(word);
    decided(material, column, rows, rows - right, *largest, SURE_OF_BEST, &how)
}

/// The most prominent word of a text, and on which rows it is.
fn best_word<'m>(material: &'m Material, column: usize, truth: &Truth) -> Option<(&'m str, Vec<bool>)> {
    let text = material.statistics.columns[column].text.as_ref()?;
    let word = text.prominent_words.first()?.word.as_str();
    let has = |row: &usize| {
        words(material.rows[*row].get(column)).any(|found| bare(found).is_some_and(|found| found == word))
    };
    Some((word, truth.rows.iter().map(has).collect()))
}

fn containing(word: &str) -> String {
    format!(" (whether it contains the word `{word}`)")
}
