//! The recipe used when none is given.

use super::ast::quoted;
use super::text::{Definition, Recipe};
use crate::ml::date::DateFormat;
use crate::ml::profile::TableStatistics;
use crate::ml::schema::{Attribute, AttributeType, Schema};

/// Fewer rows do not carry bins beside the plain number.
const LEAST_ROWS: u64 = 2000;
/// Numbers with fewer distinct values gain nothing from bins.
const LEAST_DISTINCT: u64 = 5;

/// Everything the schema offers: binary, categorical and text attributes as they are, dates by their parts,
/// numbers scaled, and, where there are rows enough, numbers in quantile bins as well, which lets a linear
/// model follow a curve.
pub fn suggest(schema: &Schema, statistics: &TableStatistics) -> Recipe {
    let has = |kind: AttributeType| schema.inputs().any(|index| schema.attributes[index].kind == kind);
    let mut recipe = Recipe::default();
    if has(AttributeType::Binary) {
        recipe.outputs.push("ALL_BINARY".into());
    }
    let dates = dates(schema);
    // A date as a category would be one feature for each day.
    let categories = if dates.is_empty() {
        "ALL_CATEGORICAL"
    } else {
        "group_remove(ALL_CATEGORICAL, ALL_DATE)"
    };
    recipe.outputs.push(categories.into());
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
    add_dates(&mut recipe, &dates);
    if has(AttributeType::Text) {
        recipe.outputs.push("ALL_TEXT".into());
    }
    recipe
}

/// The inputs that are dates, with their formats.
fn dates(schema: &Schema) -> Vec<(&Attribute, DateFormat)> {
    let inputs = schema.inputs().map(|index| &schema.attributes[index]);
    inputs
        .filter_map(|attribute| {
            let format = DateFormat::new(attribute.date_format.as_deref()?).ok()?;
            Some((attribute, format))
        })
        .collect()
}

/// Dates by their month and day of the week, by the hour where they have a time, and as a number for what
/// changes slowly. Seconds since 1970 are a number already.
fn add_dates(recipe: &mut Recipe, dates: &[(&Attribute, DateFormat)]) {
    let mut add = |function: &str, wanted: &dyn Fn(&DateFormat) -> bool| {
        for (attribute, _) in dates.iter().filter(|(_, format)| wanted(format)) {
            let output = format!("{function}({})", quoted(&attribute.name));
            recipe.outputs.push(output.into());
        }
    };
    add("month", &|_| true);
    add("day_of_week", &|_| true);
    add("hour", &DateFormat::has_time);
    add("timestamp", &|format| !format.is_epoch());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::recipe::{resolve, term_expression};

    #[test]
    fn dates_are_learned_by_their_parts() {
        let schema = Schema::from_json(
            r#"{"version":"1.0","targetAttributeName":"y","dataFormat":"CSV","attributes":[
            {"attributeName":"day sold","attributeType":"CATEGORICAL","dateFormat":"%Y-%m-%d"},
            {"attributeName":"at","attributeType":"NUMERIC","dateFormat":"epoch_seconds"},
            {"attributeName":"shop","attributeType":"CATEGORICAL"},{"attributeName":"y","attributeType":"NUMERIC"}]}"#,
        )
        .unwrap();
        let statistics = TableStatistics {
            rows: 100,
            problems: Default::default(),
            association_rows: 0,
            target: None,
            columns: Vec::new(),
        };
        let terms = resolve(&suggest(&schema, &statistics), &schema).unwrap();
        let outputs: Vec<String> = terms.iter().map(|term| term_expression(term, &schema)).collect();
        assert_eq!(
            outputs,
            [
                "shop",
                "at",
                "month('day sold')",
                "month(at)",
                "day_of_week('day sold')",
                "day_of_week(at)",
                "hour(at)",
                "timestamp('day sold')",
                "missing('day sold')",
                "missing(at)",
            ]
        );
    }
}
