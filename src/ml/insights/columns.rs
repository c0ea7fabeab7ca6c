//! Columns from which little or nothing can be learned.

use rayon::prelude::*;
use serde_json::json;

use super::finding::{Code, Finding};
use super::material::Material;
use crate::ml::decision::Role;
use crate::ml::infer::{counts_rows, names_rows};
use crate::ml::profile::examples::shortened;
use crate::ml::schema::AttributeType;

/// Fewer rows with another value than this make a column nearly constant,
const FEW_OTHERS: u64 = 10;
/// if they are fewer than one in so many rows.
const OTHERS_IN: u64 = 100;
/// A larger share of rows without a value is worth a word.
const MANY_MISSING: f64 = 0.5;

/// What is wrong with single columns.
pub fn find(material: &Material) -> Vec<Finding> {
    (0..material.names.len())
        .into_par_iter()
        .filter_map(|column| match material.decisions[column].role {
            Role::Target => constant_target(material, column),
            _ => judge(material, column),
        })
        .collect()
}

fn constant_target(material: &Material, column: usize) -> Option<Finding> {
    let mut finding = constant(material, column)?;
    finding
        .message
        .push_str("; it is the target, and there is nothing to tell apart");
    // More important than any other column that is constant.
    Some(finding.weighing(1.0))
}

fn judge(material: &Material, column: usize) -> Option<Finding> {
    let name = &material.names[column];
    if !material.known[column] {
        let message = format!("the schema does not have column `{name}`; it is left out");
        return Some(Finding::about(Code::NotInSchema, column, message, json!({})));
    }
    let rows = material.all.rows;
    if no_value(material, column) == rows {
        let message = format!("column `{name}` is empty on every row");
        return Some(Finding::about(
            Code::EmptyColumn,
            column,
            message,
            json!({"rows": rows}),
        ));
    }
    constant(material, column)
        .or_else(|| identifier(material, column))
        .or_else(|| near_constant(material, column))
        .or_else(|| many_missing(material, column))
}

/// Rows without a value.
fn no_value(material: &Material, column: usize) -> u64 {
    material.all.profiles[column].without_value(&material.decisions[column].missing_values)
}

fn constant(material: &Material, column: usize) -> Option<Finding> {
    let profile = &material.all.profiles[column];
    if profile.values.distinct() != (1, true) || no_value(material, column) > 0 {
        return None;
    }
    let value = shortened(&profile.values.ranked().first()?.0);
    let message = format!(
        "column `{}` has the same value on every row, `{value}`",
        material.names[column]
    );
    let evidence = json!({"value": value, "rows": material.all.rows});
    Some(Finding::about(Code::ConstantColumn, column, message, evidence))
}

/// A schema that was given learns from a column that only names rows.
fn identifier(material: &Material, column: usize) -> Option<Finding> {
    if !material.given || !material.is_input(column) || material.dated[column] {
        return None;
    }
    let name = &material.names[column];
    let profile = &material.all.profiles[column];
    let kind = match material.decisions[column].kind {
        AttributeType::Text => AttributeType::Categorical,
        kind => kind,
    };
    let reason = names_rows(name, profile, kind)?;
    // Inference learns from a column that counts rows, too, where no other is left.
    if material.inputs() == [column] && counts_rows(name, profile, kind) {
        return None;
    }
    let message = format!("column `{name}` is learned from, but it names rows: {reason}");
    let evidence =
        json!({"reason": reason, "distinct": profile.values.distinct().0, "rows": material.all.rows});
    Some(Finding::about(
        Code::IdentifierAsFeature,
        column,
        message,
        evidence,
    ))
}

fn near_constant(material: &Material, column: usize) -> Option<Finding> {
    if !material.is_input(column) {
        return None;
    }
    let rows = material.all.rows;
    let (value, count) = material.all.profiles[column].values.most_frequent()?;
    let others = rows - count.min(rows);
    if others == 0 || others >= FEW_OTHERS || others * OTHERS_IN >= rows {
        return None;
    }
    let value = shortened(value);
    let name = &material.names[column];
    let message = format!("column `{name}` is `{value}` on all but {others} of {rows} rows");
    let evidence = json!({"value": value, "other_rows": others, "rows": rows});
    Some(Finding::about(Code::NearConstantColumn, column, message, evidence).weighing(-(others as f64)))
}

fn many_missing(material: &Material, column: usize) -> Option<Finding> {
    let statistics = &material.statistics.columns[column];
    let rows = material.statistics.rows;
    let share = statistics.missing as f64 / rows.max(1) as f64;
    if !material.is_input(column) || share <= MANY_MISSING {
        return None;
    }
    let message = format!(
        "column `{}` has no value on {:.1} % of the rows ({} of {rows})",
        statistics.name,
        100.0 * share,
        statistics.missing
    );
    let evidence = json!({"missing": statistics.missing, "rows": rows, "share": share, "examples": statistics.missing_examples});
    Some(Finding::about(Code::ManyMissing, column, message, evidence).weighing(share))
}
