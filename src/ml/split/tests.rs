//! Descriptions: what they say, what is refused, and that old ones still read the same.

use serde_json::{Value, json};

use super::*;
use crate::ml::hash::unit;
use crate::ml::record::Record;

fn at(row: u64) -> Record {
    let mut record = Record::new();
    record.position.record = row;
    record
}

fn selector(split: &Split) -> Selector {
    Survey::new(split, 0, "").finish().unwrap()
}

#[test]
fn a_number_as_seed_selects_the_rows_that_it_always_selected() {
    for (seed, begin, end) in [(1, 0.0, 70.0), (7, 20.0, 40.0), (u64::MAX, 33.3, 100.0)] {
        let split = Split {
            percent_begin: begin,
            percent_end: end,
            seed: Seed::Number(seed),
            ..Split::all()
        };
        let (part, others) = (selector(&split), selector(&split.others()));
        for row in 0..2_000 {
            let share = unit(seed, row) * 100.0;
            assert_eq!(part.selects(&at(row)), begin <= share && share < end, "{row}");
            assert_ne!(part.selects(&at(row)), others.selects(&at(row)), "{row}");
        }
    }
    // Numbers that were written down when the rule was made.
    let part = selector(&Split::training(30.0, 1));
    let left_out: Vec<u64> = (0..30).filter(|&row| !part.selects(&at(row))).collect();
    assert_eq!(left_out, LEFT_OUT);
}

const LEFT_OUT: &[u64] = &[1, 3, 5, 11, 13, 14, 16, 17, 22, 23];

#[test]
fn everything_is_everything_and_its_complement_is_nothing() {
    for split in [
        Split::all(),
        Split {
            strategy: Strategy::Sequential,
            ..Split::all()
        },
    ] {
        let (all, none) = (selector(&split), selector(&split.others()));
        assert!((0..100).all(|row| all.selects(&at(row)) && !none.selects(&at(row))));
        assert!(all.is_all() && !none.is_all() && split.is_all() && !split.others().is_all());
    }
}

#[test]
fn documents_of_earlier_versions_read_and_write_the_same() {
    let old = r#"{"strategy":"random","percent_begin":0.0,"percent_end":70.0,"complement":false,"seed":1}"#;
    let split: Split = serde_json::from_str(old).unwrap();
    assert_eq!(split, Split::training(30.0, 1));
    assert_eq!(serde_json::to_string(&split).unwrap(), old);
}

#[test]
fn documents_of_every_strategy_survive() {
    for strategy in Strategy::ALL {
        let split = Split {
            strategy,
            percent_end: 12.5,
            column: strategy.uses_column().then(|| "when".to_string()),
            ..Split::all()
        };
        assert_eq!(Split::from_json(&json!(split)), Ok(split));
    }
    let by_text = Split {
        seed: Seed::Text("s3://bucket/key".into()),
        ..Split::all()
    };
    assert_eq!(Split::from_json(&json!(by_text)), Ok(by_text));
    assert_eq!(Split::from_json(&json!({})), Ok(Split::all()));
}

#[test]
fn what_a_document_cannot_say_is_refused_by_field() {
    for (document, field, word) in [
        (json!([]), "", "object"),
        (json!("random"), "", "object"),
        (json!({"percent_begin": "x"}), "/percent_begin", "f64"),
        (json!({"percent_begin": -1}), "/percent_begin", "0 to 100"),
        (json!({"percent_end": 100.5}), "/percent_end", "0 to 100"),
        (
            json!({"percent_begin": 9, "percent_end": 3}),
            "/percent_end",
            "from 9 to 3",
        ),
        (json!({"complement": "yes"}), "/complement", "boolean"),
        (json!({"strategy": "stratify"}), "/strategy", "stratified"),
        (json!({"strategy": "time"}), "/column", "name it"),
        (json!({"strategy": "group", "column": " "}), "/column", "empty"),
        (json!({"column": "x"}), "/column", "leave it out"),
        (
            json!({"strategy": "sequential", "column": "x"}),
            "/column",
            "leave it out",
        ),
        (json!({"seed": -1}), "/seed", "whole number"),
        (json!({"seed": 1.5}), "/seed", "whole number"),
        (
            json!({"strategy": "stratified", "seed": "x"}),
            "/seed",
            "whole number",
        ),
        (json!({"percent": 3}), "/percent", "unknown field"),
        (json!({"splitting": []}), "/splitting", "object"),
        (
            json!({"splitting": {"percentEnd": 101}}),
            "/splitting/percentEnd",
            "0 to 100",
        ),
    ] {
        let error = Split::from_json(&document).unwrap_err();
        assert_eq!(
            (error.field(), error.code()),
            (field, "invalid_split"),
            "{document}: {error}"
        );
        assert!(error.to_string().contains(word), "{document}: {error}");
    }
}

fn part(strategy: Strategy, begin: f64, end: f64, complement: bool) -> Split {
    Split {
        strategy,
        percent_begin: begin,
        percent_end: end,
        complement,
        ..Split::all()
    }
}

fn seeded(begin: f64, end: f64, seed: &str) -> Split {
    Split {
        seed: Seed::Text(seed.to_string()),
        ..part(Strategy::Random, begin, end, false)
    }
}

#[test]
fn data_rearrangements_are_read_as_documented() {
    use Strategy::Sequential;
    let cases: Vec<(&str, Split)> = vec![
        ("", Split::all()),
        (" \n", Split::all()),
        ("{}", Split::all()),
        (r#"{"other": 1}"#, Split::all()),
        (r#"{"splitting": null}"#, Split::all()),
        (r#"{"splitting": {}}"#, part(Sequential, 0.0, 100.0, false)),
        (
            r#"{"splitting": {"complement": true}}"#,
            part(Sequential, 0.0, 100.0, false),
        ),
        (
            r#"{"splitting": {"percentBegin": 70}}"#,
            part(Sequential, 70.0, 100.0, false),
        ),
        (
            r#"{"splitting": {"percentEnd": 12.5}}"#,
            part(Sequential, 0.0, 12.5, false),
        ),
        (
            r#"{"splitting": {"percentBegin": 50, "percentEnd": 50}}"#,
            part(Sequential, 50.0, 50.0, false),
        ),
        (
            r#"{"splitting": {"percentBegin": 0, "percentEnd": 70, "strategy": "sequential", "complement": true}}"#,
            part(Sequential, 0.0, 70.0, true),
        ),
        (
            r#"{"splitting": {"percentEnd": 70, "complement": "true"}}"#,
            part(Sequential, 0.0, 70.0, true),
        ),
        (
            r#"{"splitting": {"percentEnd": 70, "complement": "False"}}"#,
            part(Sequential, 0.0, 70.0, false),
        ),
        (
            r#"{"splitting": {"percentBegin": 0, "percentEnd": 80, "complement": false,
                "strategy": "random", "strategyParams": {"randomSeed": "s3://bucket/key"}}}"#,
            seeded(0.0, 80.0, "s3://bucket/key"),
        ),
        (
            r#"{"splitting": {"percentEnd": 80, "strategy": "random", "randomSeed": "abc"}}"#,
            seeded(0.0, 80.0, "abc"),
        ),
        (
            r#"{"splitting": {"percentEnd": 80, "strategy": "random", "strategyParams": {}}, "randomSeed": "unknown"}"#,
            seeded(0.0, 80.0, ""),
        ),
        (
            r#"{"splitting": {"percentEnd": 80, "strategy": "random", "colour": "blue"}, "version": 2}"#,
            seeded(0.0, 80.0, ""),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(rearrangement(text), Ok(expected.clone()), "{text}");
        if let Ok(document @ Value::Object(_)) = serde_json::from_str::<Value>(text)
            && document.get("splitting").is_some()
        {
            assert_eq!(Split::from_json(&document), Ok(expected), "{text}");
        }
    }
}

#[test]
fn malformed_data_rearrangements_are_refused_by_field() {
    for (text, field) in [
        ("{", ""),
        ("splitting", ""),
        ("[]", ""),
        ("7", ""),
        (r#"{"splitting": "0-70"}"#, "/splitting"),
        (
            r#"{"splitting": {"percentBegin": "0"}}"#,
            "/splitting/percentBegin",
        ),
        (
            r#"{"splitting": {"percentBegin": -1}}"#,
            "/splitting/percentBegin",
        ),
        (r#"{"splitting": {"percentEnd": 100.1}}"#, "/splitting/percentEnd"),
        (
            r#"{"splitting": {"percentBegin": 70, "percentEnd": 30}}"#,
            "/splitting/percentEnd",
        ),
        (
            r#"{"splitting": {"percentEnd": 7, "complement": "yes"}}"#,
            "/splitting/complement",
        ),
        (
            r#"{"splitting": {"percentEnd": 7, "complement": 1}}"#,
            "/splitting/complement",
        ),
        (
            r#"{"splitting": {"percentEnd": 7, "strategy": "time"}}"#,
            "/splitting/strategy",
        ),
        (
            r#"{"splitting": {"strategy": "random", "strategyParams": "x"}}"#,
            "/splitting/strategyParams",
        ),
        (
            r#"{"splitting": {"strategy": "random", "strategyParams": {"randomSeed": 7}}}"#,
            "/splitting/strategyParams/randomSeed",
        ),
        (
            r#"{"splitting": {"strategy": "random", "randomSeed": 7}}"#,
            "/splitting/randomSeed",
        ),
    ] {
        let error = rearrangement(text).unwrap_err();
        assert_eq!(
            (error.field(), error.code()),
            (field, "invalid_split"),
            "{text}: {error}"
        );
    }
}

#[test]
fn whether_a_document_says_how_large_the_part_is() {
    for (document, expected) in [
        (json!({}), false),
        (json!({"strategy": "time", "column": "x"}), false),
        (json!({"percent_begin": null}), false),
        (json!({"percent_begin": 0}), true),
        (json!({"percent_end": 70}), true),
        (json!({"splitting": {}}), false),
        (json!({"splitting": {"percentEnd": 70}}), true),
        (json!([]), false),
    ] {
        assert_eq!(Split::names_percentages(&document), expected, "{document}");
    }
}

#[test]
fn a_stratified_split_goes_by_the_target_unless_it_names_a_column() {
    let split = part(Strategy::Stratified, 0.0, 70.0, false);
    assert_eq!(split.for_target(Some("y")).column.as_deref(), Some("y"));
    assert_eq!(split.for_target(None).column, None);
    let named = split.for_target(Some("region"));
    assert_eq!(named.for_target(Some("y")), named);
    let random = Split::training(30.0, 1);
    assert_eq!(random.for_target(Some("y")), random);
}

#[test]
fn a_share_is_not_taken_for_a_percentage() {
    for percent in [0.0, 1.0, 30.0, 99.9] {
        assert_eq!(Split::check_holdout(percent), Ok(()));
    }
    for percent in [-1.0, 0.005, 100.0, f64::NAN, f64::INFINITY] {
        let error = Split::check_holdout(percent).unwrap_err();
        assert!(error.to_string().contains("cannot be held out"), "{error}");
    }
    for (share, percent) in [(0.3, "give 30 to"), (0.07, "give 7 to")] {
        let error = Split::check_holdout(share).unwrap_err();
        assert!(error.to_string().contains(percent), "{error}");
    }
}

#[test]
fn a_part_is_named_for_people() {
    let split = Split {
        column: Some("when".into()),
        ..part(Strategy::Time, 0.0, 70.0, true)
    };
    assert_eq!(split.to_string(), "all but time by `when` from 0 to 70 percent");
}
