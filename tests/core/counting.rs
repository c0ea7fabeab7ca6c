//! Rows and classes that count more than others.

use yosoku::ml::Task;
use yosoku::ml::learn::LearnParams;
use yosoku::ml::model::Bundle;
use yosoku::ml::observe::Silent;
use yosoku::ml::pipeline::table::MemoryTable;
use yosoku::ml::pipeline::{PipelineError, train};
use yosoku::ml::predict::{Predictor, Scratch};
use yosoku::ml::record::Record;
use yosoku::ml::split::Split;

use crate::support::request;

fn trained(text: &str, params: &[(&str, &str)]) -> Result<Bundle, PipelineError> {
    let params = params
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()));
    let mut request = request("y", Split::all());
    request.params = LearnParams::from_map(&params.collect())?;
    train(&MemoryTable::new(text), &request, &mut Silent).map(|trained| trained.bundle)
}

/// The score of a record with these fields.
fn score(bundle: &Bundle, fields: &[&str]) -> f64 {
    let predictor = Predictor::new(bundle).unwrap();
    let mut scratch = Scratch::default();
    predictor.score(&Record::from_fields(fields.iter().copied()), &mut scratch);
    scratch.scores[0]
}

/// Two columns, weights from 1 to 3, and a target: a class or a number.
fn tables(of_target: impl Fn(f64, usize) -> String) -> (String, String) {
    let (mut weighted, mut repeated) = (String::from("a,b,w,y\n"), String::from("a,b,w,y\n"));
    for row in 0..300 {
        let (a, b) = (
            (row * 31 % 97) as f64 / 97.0,
            ["red", "green", "blue"][row * 7 % 3 % 3],
        );
        let times = 1 + row % 3;
        let target = of_target(a + if b == "red" { 0.4 } else { 0.0 }, row);
        weighted.push_str(&format!("{a:.5},{b},{times},{target}\n"));
        (0..times).for_each(|_| repeated.push_str(&format!("{a:.5},{b},1,{target}\n")));
    }
    (weighted, repeated)
}

#[test]
fn a_weight_is_as_good_as_as_many_rows() {
    let noise = |row: usize| (row * 53 % 89) as f64 / 89.0 - 0.5;
    let number = |x: f64, row: usize| format!("{:.4}", 3.0 * x + noise(row));
    let class = |x: f64, row: usize| if x + 2.0 * noise(row) > 0.6 { "yes" } else { "no" }.to_string();
    for (weighted, repeated) in [tables(number), tables(class)] {
        let none = [("l2", "0"), ("row_weight", "w")];
        let (weighted, unweighted, repeated) = (
            trained(&weighted, &none).unwrap(),
            trained(&weighted, &none[..1]).unwrap(),
            trained(&repeated, &none).unwrap(),
        );
        let mut apart = 0.0f64;
        for fields in [
            ["0.1", "red", "", ""],
            ["0.9", "green", "1", ""],
            ["0.5", "blue", "9", ""],
        ] {
            let (w, r) = (score(&weighted, &fields), score(&repeated, &fields));
            assert!((w - r).abs() < 2e-5, "{fields:?}: {w} {r}");
            apart = apart.max((w - score(&unweighted, &fields)).abs());
        }
        assert!(apart > 1e-3, "the weights change nothing: {apart}");
        assert_eq!(weighted.document.schema.row_weight.as_deref(), Some("w"));
        assert!(
            weighted.document.featurizer.recipe_terms().len()
                < unweighted.document.featurizer.recipe_terms().len()
        );
    }
}

/// Weights are relative, also where the penalty is searched for.
#[test]
fn four_times_the_weights_give_the_same_model() {
    let class = |x: f64, row: usize| {
        if x > (row * 53 % 89) as f64 / 60.0 {
            "yes"
        } else {
            "no"
        }
        .to_string()
    };
    let (once, _) = tables(class);
    let times = |factor: usize| {
        let lines = once.lines().map(|line| {
            let mut fields: Vec<String> = line.split(',').map(String::from).collect();
            if let Ok(weight) = fields[2].parse::<usize>() {
                fields[2] = (weight * factor).to_string();
            }
            fields.join(",") + "\n"
        });
        trained(&lines.collect::<String>(), &[("row_weight", "w")]).unwrap()
    };
    let (one, four) = (times(1), times(4));
    assert_eq!(four.document.schema.row_weight.as_deref(), Some("w"));
    assert_eq!(one.beta, four.beta);
    let even = trained(&once, &[]).unwrap();
    assert_ne!(one.beta.last(), even.beta.last());
}

/// One category and a class: without a penalty the score of each category is its share of the positive class.
#[test]
fn class_weights_leave_scores_that_are_probabilities() {
    let mut text = String::from("g,y\n");
    for (group, yes, no) in [("a", 10, 90), ("b", 3, 97), ("c", 40, 160)] {
        (0..yes).for_each(|_| text.push_str(&format!("{group},yes\n")));
        (0..no).for_each(|_| text.push_str(&format!("{group},no\n")));
    }
    let balanced = [
        ("l2", "0"),
        ("class_weights", "balanced"),
        ("prior_correction", "false"),
    ];
    let corrected = trained(&text, &balanced[..2]).unwrap();
    let left = trained(&text, &balanced).unwrap();
    let given = trained(
        &text,
        &[
            ("l2", "0"),
            ("class_weights", r#"{"yes": 20}"#),
            ("prior_correction", "false"),
        ],
    )
    .unwrap();
    // 347 rows are not, 53 are positive.
    for (group, share) in [("a", 0.1f64), ("b", 0.03), ("c", 0.2)] {
        let odds = share / (1.0 - share);
        let of_odds = |odds: f64| odds / (1.0 + odds);
        for (model, times) in [(&corrected, 1.0), (&left, 347.0 / 53.0), (&given, 20.0)] {
            let found = score(model, &[group, ""]);
            assert!(
                (found - of_odds(times * odds)).abs() < 2e-4,
                "{group} {times}: {found}"
            );
        }
    }
    let note = |bundle: &Bundle| {
        bundle
            .document
            .solver
            .notes
            .iter()
            .any(|note| note.contains("prior_correction"))
    };
    assert!(note(&corrected) && !note(&left));
}

#[test]
fn what_cannot_count_is_named() {
    let fails = |weight: &str, params: &[(&str, &str)]| {
        let mut text = String::from("x,w,y\n");
        (0..40).for_each(|row| {
            text.push_str(&format!(
                "{},{},{}\n",
                row % 7,
                if row == 20 { weight } else { "1" },
                row % 2
            ))
        });
        let error = trained(&text, params).unwrap_err();
        (error.code().to_string(), error.to_string())
    };
    for weight in ["-1", "", "much"] {
        let (code, message) = fails(weight, &[("row_weight", "w")]);
        assert_eq!(code, "invalid_row_weight");
        assert!(
            message.contains("line 22") && message.contains("`w`"),
            "{message}"
        );
    }
    let mut nothing = String::from("x,w,y\n");
    (0..40).for_each(|row| nothing.push_str(&format!("{},0,{}\n", row % 7, row % 2)));
    let none = trained(&nothing, &[("row_weight", "w")]).unwrap_err();
    assert_eq!(none.code(), "invalid_row_weight");
    let (code, message) = fails("1", &[("row_weight", "ww")]);
    assert!(
        code == "undeclared_attribute" || message.contains("did you mean `w`?"),
        "{code} {message}"
    );
    assert!(fails("1", &[("row_weight", "y")]).1.contains("is the target"));
    let (_, message) = fails("1", &[("class_weights", r#"{"2": 3}"#)]);
    assert!(message.contains("`2` is no label"), "{message}");
    for bad in ["unbalanced", r#"{"1": 0}"#, r#"{"1": -2}"#, "{}"] {
        assert_eq!(fails("1", &[("class_weights", bad)]).0, "invalid_parameter");
    }
    assert_eq!(fails("1", &[("prior_correction", "true")]).0, "invalid_parameter");
}

/// Nearly all weights are 1: worth a remark of a column that is learned from, none of one that counts rows.
#[test]
fn a_column_of_weights_is_no_trouble() {
    let mut text = String::from("a,w,y\n");
    for row in 0..2000 {
        let weight = if row == 700 { 3 } else { 1 };
        text.push_str(&format!("{},{weight},{}\n", row * 31 % 97, row * 13 % 2));
    }
    let told = |params: LearnParams| {
        let mut request = request("y", Split::all());
        request.params = params;
        let warnings = train(&MemoryTable::new(&text), &request, &mut Silent)
            .unwrap()
            .warnings;
        warnings.iter().any(|warning| warning.contains("`w`"))
    };
    assert!(told(LearnParams::default()));
    let row_weight = Some("w".to_string());
    assert!(!told(LearnParams {
        row_weight,
        ..LearnParams::default()
    }));
}

/// One flag: its weight is the difference of two weighted means, of which the variances are `Σ w² r² / (Σ w)²` (the sandwich,
/// times `rows / (rows − 2)` for HC1).
#[test]
fn robust_errors_hold_whatever_the_weights_mean() {
    let mut text = String::from("flag,w,y\n");
    let rows: Vec<(bool, f64, f64)> = (0..60)
        .map(|row| (row % 3 == 0, f64::from(row * 7 % 5), f64::from(row * 31 % 17)))
        .collect();
    for (flag, weight, y) in &rows {
        text.push_str(&format!(
            "{},{weight},{y}\n",
            if *flag { "true" } else { "false" }
        ));
    }
    let params = [("l2", "0"), ("row_weight", "w")];
    let mut request = request("y", Split::all());
    request.target.task = Some(Task::Regression);
    request.params =
        LearnParams::from_map(&params.map(|(a, b)| (a.to_string(), b.to_string())).into()).unwrap();
    let bundle = train(&MemoryTable::new(&text), &request, &mut Silent)
        .unwrap()
        .bundle;
    assert_eq!(bundle.beta.len(), 2);
    let variance = |flag: bool| {
        let of_group = || rows.iter().filter(|row| row.0 == flag);
        let total: f64 = of_group().map(|row| row.1).sum();
        let mean = of_group().map(|row| row.1 * row.2).sum::<f64>() / total;
        of_group()
            .map(|row| (row.1 * (row.2 - mean)).powi(2))
            .sum::<f64>()
            / (total * total)
    };
    let errors = bundle.provenance.weights.unwrap().errors.unwrap();
    let expected = ((variance(true) + variance(false)) * 60.0 / 58.0).sqrt();
    let found = errors.robust.weights[0].unwrap();
    assert!((found / expected - 1.0).abs() < 1e-6, "{found} {expected}");
}
