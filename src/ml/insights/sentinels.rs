//! Numbers that stand for missing: nines far outside the rest.

use rayon::prelude::*;
use serde_json::json;

use super::finding::{Code, Finding};
use super::material::{Cell, Material};
use crate::ml::Task;
use crate::ml::schema::AttributeType;

/// A number on fewer sampled rows may be a single slip.
const LEAST_ROWS: usize = 3;
/// Fewer other numbers do not show where the rest lies.
const LEAST_REST: usize = 20;

/// Numeric columns whose smallest or largest number is made of nines, repeats, and lies further from the rest than
/// the rest is wide.
pub fn find(material: &Material) -> Vec<Finding> {
    (0..material.names.len())
        .into_par_iter()
        .filter(|&column| {
            let is_target = material.target() == Some(column) && material.task == Some(Task::Regression);
            material.decisions[column].kind == AttributeType::Numeric
                && (material.is_input(column) || is_target)
        })
        .filter_map(|column| judge(material, column))
        .collect()
}

fn judge(material: &Material, column: usize) -> Option<Finding> {
    let mut numbers: Vec<(f64, u64)> = material
        .rows
        .iter()
        .filter_map(|row| match material.cell(row, column) {
            Cell::Number(value) => Some((value, row.position.line)),
            _ => None,
        })
        .collect();
    let least = numbers.iter().map(|number| number.0).min_by(f64::total_cmp)?;
    let most = numbers.iter().map(|number| number.0).max_by(f64::total_cmp)?;
    if !is_nines(least) && !is_nines(most) {
        return None;
    }
    numbers.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    [least, most]
        .into_iter()
        .filter(|value| is_nines(*value))
        .find_map(|value| far_outside(material, column, &numbers, value))
}

/// 99, -999, 9999.9 and the like; also -9.
fn is_nines(value: f64) -> bool {
    let text = format!("{}", value.abs());
    let digits = text.replace('.', "");
    digits.bytes().all(|b| b == b'9') && (digits.len() >= 2 || value < 0.0)
}

fn far_outside(material: &Material, column: usize, numbers: &[(f64, u64)], value: f64) -> Option<Finding> {
    let start = numbers.partition_point(|number| number.0 < value);
    let end = numbers.partition_point(|number| number.0 <= value);
    let rest = if start == 0 {
        &numbers[end..]
    } else {
        &numbers[..start]
    };
    if end - start < LEAST_ROWS || rest.len() < LEAST_REST {
        return None;
    }
    let (low, high) = (rest.first()?.0, rest.last()?.0);
    let gap = if start == 0 { low - value } else { value - high };
    if high <= low || gap < high - low {
        return None;
    }
    let lines: Vec<u64> = numbers[start..end]
        .iter()
        .map(|number| number.1)
        .take(5)
        .collect();
    let share = (end - start) as f64 / numbers.len() as f64;
    let message = format!(
        "column `{}` holds {value} on {:.2} % of the rows (first on line {}), far from the others, which lie between {low} and {high}; it may stand for missing",
        material.names[column],
        100.0 * share,
        lines.first()?
    );
    let evidence = json!({"value": value, "share": share, "lines": lines, "rest": {"min": low, "max": high}});
    Some(Finding::about(Code::SuspiciousMissingWord, column, message, evidence).weighing(share))
}

#[cfg(test)]
mod tests {
    use super::is_nines;

    #[test]
    fn nines() {
        assert!(
            [99.0, -9.0, -999.0, 99999.0, 99.9, -9999.9]
                .into_iter()
                .all(is_nines)
        );
        assert!(![9.0, 98.0, 0.0, -1.0, 990.0, 1e99].into_iter().any(is_nines));
    }
}
