//! The recipe used when none is given.

use super::ast::quoted;
use super::text::{Definition, Recipe};
use crate::ml::profile::TableStatistics;
use crate::ml::schema::{AttributeType, Schema};

/// Fewer rows do not carry bins beside the plain number.
const LEAST_ROWS: u64 = 2000;
/// Numbers with fewer distinct values gain nothing from bins.
const LEAST_DISTINCT: u64 = 5;

/// Everything the schema offers: binary, categorical and text attributes as they are, numbers scaled,
/// and, where there are rows enough, numbers in quantile bins as well, which lets a linear model
/// follow a curve.
pub fn suggest(schema: &Schema, statistics: &TableStatistics) -> Recipe {
    let has = |kind: AttributeType| schema.inputs().any(|index| schema.attributes[index].kind == kind);
    let mut recipe = Recipe::default();
    if has(AttributeType::Binary) {
        recipe.outputs.push("ALL_BINARY".into());
    }
    recipe.outputs.push("ALL_CATEGORICAL".into());
    if has(AttributeType::Numeric) {
        recipe.outputs.push("normalize(ALL_NUMERIC)".into());
    }
    let bins = bins_for(statistics.rows);
    let binned: Vec<String> = schema
        .inputs()
        .filter(|&index| schema.attributes[index].kind == AttributeType::Numeric)
        .map(|index| schema.attributes[index].name.as_str())
        .filter(|name| distinct(statistics, name) >= LEAST_DISTINCT)
        .map(quoted)
        .collect();
    if statistics.rows >= LEAST_ROWS && !binned.is_empty() {
        let mut group = format!("NUMERIC_VARS_QB_{bins}");
        while schema.index_of(&group).is_some() {
            group.push('_');
        }
        let members = format!("group({})", binned.join(", "));
        recipe.groups.push(Definition::new(&group, members));
        let output = format!("quantile_bin({group}, {bins})");
        recipe.outputs.push(output.into());
    }
    if has(AttributeType::Text) {
        recipe.outputs.push("ALL_TEXT".into());
    }
    recipe
}

/// More rows carry finer bins.
fn bins_for(rows: u64) -> u32 {
    match rows {
        0..=9_999 => 10,
        10_000..=99_999 => 20,
        _ => 50,
    }
}

fn distinct(statistics: &TableStatistics, name: &str) -> u64 {
    statistics
        .columns
        .iter()
        .find(|column| column.name == name)
        .map_or(0, |column| column.distinct.value)
}
