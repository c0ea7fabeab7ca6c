//! Classes of the target that have too few rows, or nearly all.

use serde_json::json;

use super::finding::{Code, Finding};
use super::material::Material;
use crate::ml::Task;
use crate::ml::profile::examples::shortened;

/// Fewer rows say nothing about a class.
const LEAST_ROWS: u64 = 5;
/// Classes shown.
const SHOWN: usize = 5;
/// All classes but the largest together have a smaller share when the imbalance is heavy.
const HEAVY: f64 = 0.01;

/// What is wrong with the distribution of a target of classes.
pub fn find(material: &Material) -> Vec<Finding> {
    let (Some(column), Some(Task::Binary | Task::Multiclass)) = (material.target(), material.task) else {
        return Vec::new();
    };
    few_rows(material, column)
        .into_iter()
        .chain(imbalance(material, column))
        .collect()
}

fn few_rows(material: &Material, column: usize) -> Option<Finding> {
    let target = material.statistics.target.as_ref()?;
    let mut few: Vec<(u64, &str)> = target
        .values
        .iter()
        .filter(|value| value.count < LEAST_ROWS)
        .map(|value| (value.count, value.value.as_str()))
        .collect();
    few.sort_unstable();
    let (rows, rarest) = few.first()?;
    let more = match few.len() - 1 {
        0 => String::new(),
        1 => ", and another class has fewer than 5, too".to_string(),
        more => format!(", and {more} more classes have fewer than 5, too"),
    };
    let plural = if *rows == 1 { "" } else { "s" };
    let message = format!(
        "class `{}` of `{}` has only {rows} row{plural}{more}",
        shortened(rarest),
        target.name
    );
    let classes: Vec<_> = few
        .iter()
        .take(SHOWN)
        .map(|(rows, value)| json!({"value": shortened(value), "rows": rows}))
        .collect();
    let evidence = json!({"classes": classes, "count": few.len()});
    Some(Finding::about(Code::FewRowsInClass, column, message, evidence))
}

fn imbalance(material: &Material, column: usize) -> Option<Finding> {
    let target = material.statistics.target.as_ref()?;
    let total = target.other + target.values.iter().map(|value| value.count).sum::<u64>();
    let largest = target.values.first()?;
    let share = (total - largest.count) as f64 / total as f64;
    if target.values.len() < 2 || share >= HEAVY {
        return None;
    }
    let message = format!(
        "{} of {total} rows have `{}` for `{}`: answering so without looking is right on {:.2} %",
        largest.count,
        shortened(&largest.value),
        target.name,
        100.0 * (1.0 - share)
    );
    let evidence = json!({"value": shortened(&largest.value), "rows": largest.count, "of": total, "share_of_others": share});
    Some(Finding::about(Code::ClassImbalance, column, message, evidence))
}
