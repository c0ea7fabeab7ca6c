//! The recipe used when none is given, and others worth trying beside it.

use std::collections::{BTreeMap, HashMap};

use super::ast::Expr;
use super::text::{Definition, Recipe};
use crate::ml::date::DateFormat;
use crate::ml::profile::{ColumnStatistics, TableStatistics};
use crate::ml::schema::{Attribute, AttributeType, Schema};

/// For classes, numbers in so many bins are not learned as numbers too: within a bin a line adds nothing, and a single odd
/// value would carry it far. Where a number is predicted, the outer bins are wide and the line goes on beyond them.
const FINE: u32 = 50;

/// Bins of a number that does not deserve a certain number of them, in tables of many rows and of few.
const ORDINARY_BINS: u32 = 10;
const FEW_BINS: u32 = 5;
/// Rows up to which a table has few.
const FEW_ROWS: u64 = 500;

/// What a suggestion may hold.
#[derive(Clone, Copy)]
struct Choice {
    bins: Bins,
    words: Words,
}

/// What becomes of texts.
#[derive(Clone, Copy)]
enum Words {
    /// Words without punctuation around them.
    Single,
    /// Pairs of them as well.
    Pairs,
    /// What is between punctuation, and the marks.
    Parts,
}

/// Which numbers are put into bins.
#[derive(Clone, Copy, PartialEq)]
enum Bins {
    None,
    /// Those that deserve it by themselves, beside the numbers.
    Deserved,
    /// All, beside the numbers.
    All,
    /// All, in place of the numbers.
    Alone,
}

/// Everything the schema offers: binary and categorical attributes as they are; numbers scaled and, where that tells
/// clearly more about the target than a straight line, in quantile bins as well (or alone, where they are fine), which
/// lets a linear model follow a curve; dates by their parts, and by the point in time as if that were a number;
/// words without case and punctuation.
pub fn suggest(schema: &Schema, statistics: &TableStatistics) -> Recipe {
    let choice = Choice {
        bins: Bins::Deserved,
        words: Words::Single,
    };
    recipe(schema, statistics, choice)
}

/// What the recipe without bins is called.
pub const PLAIN: &str = "plain";

/// Recipes that do better than the suggested one on some tables, by name: without bins (`plain`), with bins beside all
/// numbers (`bins`) or in their place (`bins_alone`), with pairs of words (`word_pairs`), which multiply the features, and
/// with words cut at punctuation, whose marks are words too (`word_parts`): addresses, tags and exclamation marks often tell
/// something. Those that come to the suggested recipe are left out.
pub fn alternatives(schema: &Schema, statistics: &TableStatistics) -> Vec<(&'static str, Recipe)> {
    let suggested = suggest(schema, statistics);
    [
        (PLAIN, Bins::None, Words::Single),
        ("bins", Bins::All, Words::Single),
        ("bins_alone", Bins::Alone, Words::Single),
        ("word_pairs", Bins::Deserved, Words::Pairs),
        ("word_parts", Bins::Deserved, Words::Parts),
    ]
    .into_iter()
    .map(|(name, bins, words)| (name, recipe(schema, statistics, Choice { bins, words })))
    .filter(|(_, recipe)| *recipe != suggested)
    .collect()
}

fn recipe(schema: &Schema, statistics: &TableStatistics, choice: Choice) -> Recipe {
    let inputs = || schema.inputs().map(|index| &schema.attributes[index]);
    let has = |kind: AttributeType| inputs().any(|attribute| attribute.kind == kind);
    let has_text = inputs().any(|of| of.kind == AttributeType::Text && of.date_format.is_none());
    let dates = dates(schema);
    // A date as it stands would be one feature for each day.
    let without_dates = |kind: AttributeType, group: &str| {
        if dates.iter().any(|(attribute, _)| attribute.kind == kind) {
            format!("group_remove({group}, ALL_DATE)")
        } else {
            group.to_string()
        }
    };
    let mut recipe = Recipe::default();
    if has(AttributeType::Binary) {
        recipe.outputs.push("ALL_BINARY".into());
    }
    let categories = without_dates(AttributeType::Categorical, "ALL_CATEGORICAL");
    recipe.outputs.push(categories.into());
    if has(AttributeType::Numeric) {
        let binned = bins(schema, statistics, choice.bins);
        let of_target = schema.target_index().map(|index| schema.attributes[index].kind);
        let alone_from = match choice.bins {
            Bins::Alone => 0,
            _ if of_target == Some(AttributeType::Numeric) => u32::MAX,
            _ => FINE,
        };
        add_numbers(&mut recipe, schema, binned, alone_from);
    }
    let binned = time_bins(&dates, statistics, choice.bins);
    add_dates(&mut recipe, &dates, &binned, choice.bins == Bins::Alone);
    if has_text {
        let texts = without_dates(AttributeType::Text, "ALL_TEXT");
        let words = match choice.words {
            Words::Single => format!("lowercase(no_punct({texts}))"),
            Words::Pairs => format!("ngram(lowercase(no_punct({texts})), 2)"),
            Words::Parts => format!("lowercase(split_punct({texts}))"),
        };
        recipe.outputs.push(words.into());
    }
    recipe
}

/// The numbers that are put into bins, by how many.
fn bins(schema: &Schema, statistics: &TableStatistics, wanted: Bins) -> BTreeMap<u32, Vec<String>> {
    let columns = statistics.columns.iter();
    let binned: HashMap<&str, u32> = columns
        .filter_map(|column| {
            let deserved = column.numeric.as_ref()?.bins;
            Some((
                column.name.as_str(),
                wanted.of(deserved, column, statistics.rows)?,
            ))
        })
        .collect();
    let mut groups: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for attribute in schema.inputs().map(|index| &schema.attributes[index]) {
        let bins = binned.get(attribute.name.as_str());
        if let (AttributeType::Numeric, Some(&bins)) = (attribute.kind, bins) {
            groups
                .entry(bins)
                .or_default()
                .push(Expr::attribute(&attribute.name).to_string());
        }
    }
    groups
}

impl Bins {
    /// How many bins a column gets that deserves so many.
    fn of(self, deserved: Option<u32>, column: &ColumnStatistics, rows: u64) -> Option<u32> {
        let ordinary = if rows <= FEW_ROWS { FEW_BINS } else { ORDINARY_BINS };
        let is_date = column.decision.date_format.is_some();
        match self {
            Bins::None => None,
            Bins::Deserved => deserved,
            // What spans of time seem to tell, tried on rows held back by chance, need not hold for days to come.
            Bins::All | Bins::Alone if is_date => deserved,
            // A number of few values has no use for more bins than values.
            Bins::All | Bins::Alone => {
                deserved.or_else(|| (column.distinct.value > u64::from(ordinary)).then_some(ordinary))
            }
        }
    }
}

/// Numbers scaled, in bins, or both; those in bins not scaled from `alone_from` bins on.
fn add_numbers(recipe: &mut Recipe, schema: &Schema, binned: BTreeMap<u32, Vec<String>>, alone_from: u32) {
    let (mut outputs, mut unscaled) = (Vec::new(), String::new());
    for (bins, members) in binned {
        let mut group = format!("NUMERIC_VARS_QB_{bins}");
        while schema.index_of(&group).is_some() {
            group.push('_');
        }
        if bins >= alone_from {
            unscaled.push_str(&format!(", {group}"));
        }
        outputs.push(format!("quantile_bin({group}, {bins})"));
        let members = format!("group({})", members.join(", "));
        recipe.groups.push(Definition::new(&group, members));
    }
    let scaled = match unscaled.as_str() {
        "" => "normalize(ALL_NUMERIC)".to_string(),
        unscaled => format!("normalize(group_remove(ALL_NUMERIC{unscaled}))"),
    };
    recipe.outputs.push(scaled.into());
    recipe.outputs.extend(outputs.into_iter().map(Into::into));
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

/// The dates whose point in time is put into bins, and into how many. Seconds since 1970 are among the numbers.
fn time_bins(
    dates: &[(&Attribute, DateFormat)],
    statistics: &TableStatistics,
    wanted: Bins,
) -> HashMap<String, u32> {
    let dates = dates.iter().filter(|(_, format)| !format.is_epoch());
    let columns = dates.filter_map(|(attribute, _)| {
        let mut columns = statistics.columns.iter();
        let column = columns.find(|column| column.name == attribute.name)?;
        let bins = wanted.of(column.dates.as_ref()?.bins, column, statistics.rows)?;
        Some((attribute.name.clone(), bins))
    });
    columns.collect()
}

/// Dates by their month and day of the week, by the hour where they have a time, and as a number for what
/// changes slowly, in bins as well, or alone. Seconds since 1970 are a number already.
fn add_dates(
    recipe: &mut Recipe,
    dates: &[(&Attribute, DateFormat)],
    binned: &HashMap<String, u32>,
    alone: bool,
) {
    let mut add = |function: &str, wanted: &dyn Fn(&Attribute, &DateFormat) -> bool| {
        for (attribute, _) in dates
            .iter()
            .filter(|(attribute, format)| wanted(attribute, format))
        {
            let output = Expr::call(function, vec![Expr::attribute(&attribute.name)]).to_string();
            recipe.outputs.push(output.into());
        }
    };
    add("month", &|_, _| true);
    add("day_of_week", &|_, _| true);
    add("hour", &|_, format| format.has_time());
    let is_bins_alone = |attribute: &Attribute| alone && binned.contains_key(&attribute.name);
    add("timestamp", &|attribute, format| {
        !format.is_epoch() && !is_bins_alone(attribute)
    });
    for (attribute, _) in dates {
        if let Some(bins) = binned.get(&attribute.name) {
            let time = Expr::call("timestamp", vec![Expr::attribute(&attribute.name)]);
            recipe
                .outputs
                .push(format!("quantile_bin({time}, {bins})").into());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ml::recipe::{resolve, term_expression};

    /// Statistics of numeric columns with these numbers of bins.
    fn with_bins(schema: &Schema, bins: &[(&str, u32)]) -> TableStatistics {
        let columns = schema.attributes.iter().map(|attribute| {
            let found = bins.iter().find(|(name, _)| *name == attribute.name);
            serde_json::json!({
                "name": attribute.name, "kind": "NUMERIC", "role": "input", "reason": "", "forced_by": null,
                "missing_values": [], "missing": 0, "invalid": 0, "distinct": {"value": 100, "exact": true},
                "association": null, "numeric": {"min": 0.0, "max": 1.0, "mean": 0.5, "median": 0.5, "deviation": 0.3, "quantiles": [],
                    "exact": true, "histogram": {"low": 0.0, "high": 1.0, "cells": [1]}, "bins": found.map(|(_, bins)| bins)},
            })
        });
        TableStatistics {
            rows: 5000,
            problems: Default::default(),
            association_rows: 5000,
            target: None,
            columns: columns
                .map(|column| serde_json::from_value(column).unwrap())
                .collect(),
        }
    }

    fn schema(attributes: &[(&str, &str)]) -> Schema {
        let attributes: Vec<_> = attributes
            .iter()
            .map(|(name, kind)| serde_json::json!({"attributeName": name, "attributeType": kind}))
            .collect();
        let schema = serde_json::json!({"version": "1.0", "targetAttributeName": "y", "dataFormat": "CSV",
            "attributes": attributes});
        Schema::from_json(&schema.to_string()).unwrap()
    }

    fn outputs(recipe: &Recipe) -> Vec<String> {
        recipe.outputs.iter().map(|output| output.text.clone()).collect()
    }

    #[test]
    fn numbers_get_the_bins_they_deserve_and_words_lose_their_case() {
        let schema = schema(&[
            ("age", "NUMERIC"),
            ("NUMERIC_VARS_QB_5", "NUMERIC"),
            ("km", "NUMERIC"),
            ("height", "NUMERIC"),
            ("note", "TEXT"),
            ("y", "BINARY"),
        ]);
        let statistics = with_bins(&schema, &[("age", 5), ("km", 50), ("height", 5), ("y", 10)]);
        let recipe = suggest(&schema, &statistics);
        assert_eq!(
            outputs(&recipe),
            [
                "ALL_CATEGORICAL",
                "normalize(group_remove(ALL_NUMERIC, NUMERIC_VARS_QB_50))",
                "quantile_bin(NUMERIC_VARS_QB_5_, 5)",
                "quantile_bin(NUMERIC_VARS_QB_50, 50)",
                "lowercase(no_punct(ALL_TEXT))",
            ]
        );
        let terms = resolve(&recipe, &schema).unwrap();
        let numbers: Vec<String> = terms
            .iter()
            .map(|term| term_expression(term, &schema))
            .take_while(|term| !term.contains("note"))
            .collect();
        assert_eq!(
            numbers,
            [
                "age",
                "NUMERIC_VARS_QB_5",
                "height",
                "quantile_bin(age, 5)",
                "quantile_bin(height, 5)",
                "quantile_bin(km, 50)"
            ]
        );
        let others = alternatives(&schema, &statistics);
        let names: Vec<&str> = others.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["plain", "bins", "bins_alone", "word_pairs", "word_parts"]);
        assert!(others[0].1.groups.is_empty());
        assert_eq!(
            outputs(&others[2].1)[1..5],
            [
                "normalize(group_remove(ALL_NUMERIC, NUMERIC_VARS_QB_5_, NUMERIC_VARS_QB_10, NUMERIC_VARS_QB_50))",
                "quantile_bin(NUMERIC_VARS_QB_5_, 5)",
                "quantile_bin(NUMERIC_VARS_QB_10, 10)",
                "quantile_bin(NUMERIC_VARS_QB_50, 50)",
            ]
        );
        assert_eq!(
            outputs(&others[4].1).last().unwrap(),
            "lowercase(split_punct(ALL_TEXT))"
        );
        assert_eq!(
            outputs(&others[3].1).last().unwrap(),
            "ngram(lowercase(no_punct(ALL_TEXT)), 2)"
        );
        for (name, other) in &others {
            assert!(resolve(other, &schema).is_ok(), "{name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_attribute_is_learned_from_whatever_its_name(
            attributes in prop::collection::btree_map(
                prop_oneof![
                    prop::sample::select(super::super::scope::BUILT_IN.to_vec()).prop_map(str::to_string),
                    "[aA'\"/( ,)\\\\\n0-9]{1,5}",
                    prop::sample::select(vec!["group", "NUMERIC_VARS_QB_5", "a b", "'ALL_TEXT'", "12"]).prop_map(str::to_string),
                ],
                (prop::sample::select(vec!["NUMERIC", "CATEGORICAL", "TEXT", "BINARY"]), prop::option::of(prop::sample::select(vec![5_u32, 50]))),
                1..7,
            ),
        ) {
            let named: Vec<(&str, &str)> = attributes.iter().map(|(name, (kind, _))| (name.as_str(), *kind)).collect();
            let schema = schema(&[&named[..], &[("y", "BINARY")]].concat());
            let bins: Vec<(&str, u32)> = attributes.iter().filter_map(|(name, (_, bins))| Some((name.as_str(), (*bins)?))).collect();
            let statistics = with_bins(&schema, &bins);
            let all = alternatives(&schema, &statistics).into_iter().map(|(_, recipe)| recipe);
            for recipe in all.chain([suggest(&schema, &statistics)]) {
                let terms = resolve(&recipe, &schema).unwrap();
                for (index, attribute) in named.iter().enumerate() {
                    prop_assert!(terms.iter().any(|term| term.attributes().contains(&index)), "{:?} in {:?}", attribute, recipe);
                }
                for (index, (kind, _)) in attributes.values().enumerate() {
                    let binned = terms.iter().any(|term| term_expression(term, &schema).starts_with("quantile_bin(") && term.attributes() == [index]);
                    prop_assert!(!binned || *kind == "NUMERIC");
                }
            }
        }
    }

    #[test]
    fn fine_bins_take_the_place_of_numbers_for_classes_alone() {
        let outputs = |target: &str| -> Vec<String> {
            let schema = schema(&[("age", "NUMERIC"), ("y", target)]);
            let terms = resolve(&suggest(&schema, &with_bins(&schema, &[("age", 100)])), &schema).unwrap();
            terms.iter().map(|term| term_expression(term, &schema)).collect()
        };
        for target in ["BINARY", "CATEGORICAL"] {
            assert_eq!(outputs(target)[0], "quantile_bin(age, 100)");
            assert!(!outputs(target).contains(&"age".to_string()));
        }
        assert!(
            ["age", "quantile_bin(age, 100)"]
                .iter()
                .all(|term| outputs("NUMERIC").contains(&term.to_string()))
        );
    }

    #[test]
    fn alternatives_differ_from_what_is_suggested() {
        let schema = schema(&[("age", "NUMERIC"), ("y", "BINARY")]);
        let names = |bins: &[(&str, u32)]| -> Vec<&str> {
            let others = alternatives(&schema, &with_bins(&schema, bins));
            others.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(&[]), ["bins", "bins_alone"]);
        assert_eq!(names(&[("age", 3)]), ["plain", "bins_alone"]);
    }

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
        let found: Vec<String> = terms.iter().map(|term| term_expression(term, &schema)).collect();
        assert_eq!(
            found,
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
        let statistics = |bins: Option<u32>| {
            let mut statistics = with_bins(&schema, &[]);
            let dates = serde_json::json!({"min": "2023-01-01", "max": "2024-01-01", "bins": bins});
            statistics.columns[0].decision.date_format = Some("%Y-%m-%d".into());
            statistics.columns[1].decision.date_format = Some("epoch_seconds".into());
            statistics.columns[0].dates = serde_json::from_value(dates).unwrap();
            statistics
        };
        let times = |recipe: &Recipe| -> Vec<String> {
            let of_time = |output: &String| output.contains("timestamp");
            outputs(recipe).into_iter().filter(of_time).collect()
        };
        let (line, bins) = ("timestamp('day sold')", "quantile_bin(timestamp('day sold'), ");
        assert_eq!(times(&suggest(&schema, &statistics(None))), [line]);
        let some = statistics(Some(20));
        assert_eq!(times(&suggest(&schema, &some)), [line, &format!("{bins}20)")]);
        assert!(resolve(&suggest(&schema, &some), &schema).is_ok());
        let others = |statistics: &TableStatistics| -> Vec<Vec<String>> {
            let others = alternatives(&schema, statistics).into_iter();
            others.map(|(_, recipe)| times(&recipe)).collect()
        };
        // Spans of time that do not deserve it are not even tried.
        assert_eq!(others(&statistics(None)), Vec::<Vec<String>>::new());
        let twenty = format!("{bins}20)");
        assert_eq!(others(&some), [vec![line.to_string()], vec![twenty]]);
    }
}
