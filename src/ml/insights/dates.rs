//! Dates that are read as categories.

use serde_json::json;

use super::finding::{Code, Finding};
use super::material::{Cell, Material};
use crate::ml::infer::Role;
use crate::ml::infer::dates::doubt;
use crate::ml::profile::datelike::looks_like_date;
use crate::ml::profile::examples::shortened;
use crate::ml::schema::AttributeType;

/// Values looked at.
const LOOKED_AT: usize = 1000;
/// Fewer say nothing.
const LEAST: usize = 10;
/// At least this share of them must be written like dates.
const SHARE: f64 = 0.95;
/// Values shown.
const SHOWN: usize = 3;

/// Columns whose values are written like dates, but whose dates are not understood.
pub fn find(material: &Material) -> Vec<Finding> {
    let columns = 0..material.names.len();
    columns.filter_map(|column| judge(material, column)).collect()
}

fn judge(material: &Material, column: usize) -> Option<Finding> {
    let decision = &material.decisions[column];
    let is_read = matches!(decision.role, Role::Input | Role::Id);
    let is_word = matches!(decision.kind, AttributeType::Categorical | AttributeType::Text);
    if !is_read || !is_word || material.dated[column] {
        return None;
    }
    if let Some(doubt) = doubt(&material.names[column], &material.all.profiles[column]) {
        let message = format!("column `{}`: {doubt}", material.names[column]);
        return Some(Finding::about(Code::DatesAsCategories, column, message, json!({})).weighing(1.0));
    }
    let words: Vec<(&str, u64)> = material
        .rows
        .iter()
        .filter_map(|row| match material.cell(row, column) {
            Cell::Word(text) => Some((text, row.position.line)),
            _ => None,
        })
        .take(LOOKED_AT)
        .collect();
    let dates = words.iter().filter(|(text, _)| looks_like_date(text)).count();
    let share = dates as f64 / words.len().max(1) as f64;
    if words.len() < LEAST || share < SHARE {
        return None;
    }
    let used = match decision.role {
        Role::Id => "names for rows",
        _ => "categories",
    };
    let (example, line) = words.iter().find(|(text, _)| looks_like_date(text))?;
    let message = format!(
        "column `{}` holds dates, such as `{}` on line {line}, but they are read as {used}",
        material.names[column],
        shortened(example)
    );
    let examples: Vec<_> = words
        .iter()
        .take(SHOWN)
        .map(|(text, line)| json!({"line": line, "value": shortened(text)}))
        .collect();
    let evidence = json!({"share_like_dates": share, "examples": examples});
    Some(Finding::about(Code::DatesAsCategories, column, message, evidence).weighing(share))
}
