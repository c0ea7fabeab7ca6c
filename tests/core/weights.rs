//! Weights as they are shown: against statsmodels and formulas worked out with numpy (`tests/golden/weights.json`),
//! and against what must hold of any.
//!
//! The featurizer rounds scaled numbers to single precision, 6e-8, which the stored solutions do not; a hundred times as
//! much is allowed for errors, which also depend on where the fit ends.

use serde_json::Value;
use yosoku::ml::model::Bundle;
use yosoku::ml::model::weights::{Estimate, Weight, Weights, WeightsError, WeightsWish};
use yosoku::ml::observe::Silent;
use yosoku::ml::pipeline::table::MemoryTable;
use yosoku::ml::pipeline::train;
use yosoku::ml::recipe::Recipe;
use yosoku::ml::split::Split;

use crate::support::{on_threads, request, sample};

const TOLERANCE: f64 = 1e-5;

fn golden() -> Value {
    let path = format!("{}/tests/golden/weights.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().unwrap().iter();
    items.map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// The columns of a case and its target, and the category by the bounds of the first column, if there are some.
fn table(case: &Value) -> String {
    let text = String::from_utf8(sample(case["data"].as_str().unwrap())).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let columns = texts(&case["columns"]);
    let numbers: Vec<&String> = columns.iter().filter(|name| !name.contains('=')).collect();
    let at = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let mut places: Vec<usize> = numbers.iter().map(|name| at(name)).collect();
    places.push(at("target"));
    let mut made = numbers.iter().map(|name| format!("{name},")).collect::<String>();
    made.push_str("target,size\n");
    for line in lines {
        places
            .iter()
            .for_each(|&place| made.push_str(&format!("{},", line[place])));
        let first: f64 = line[places[0]].parse().unwrap();
        let bounds = case["bounds"].as_array().into_iter().flatten();
        let above = bounds.filter(|bound| bound.as_f64().unwrap() <= first).count();
        made.push_str(["small\n", "middle\n", "large\n"][above]);
    }
    made
}

/// Trains on exactly the columns of a case.
fn fit(case: &Value, threads: usize) -> Bundle {
    let outputs = match case["bounds"].is_array() {
        true => r#"{"outputs": ["ALL_NUMERIC", "size"]}"#,
        false => r#"{"outputs": ["ALL_NUMERIC"]}"#,
    };
    let mut request = request("target", Split::all());
    request.recipe = Some(Recipe::from_json(outputs).unwrap());
    request.params.l2 = case["l2"].as_f64();
    if let [_, positive] = texts(&case["classes"]).as_slice() {
        request.target.positive = Some(positive.clone());
    }
    let table = MemoryTable::new(table(case));
    on_threads(threads, || train(&table, &request, &mut Silent).unwrap().bundle)
}

fn shown(bundle: &Bundle, class: Option<&str>, robust: bool) -> Weights {
    let wish = WeightsWish {
        class: class.map(str::to_owned),
        robust,
        limit: usize::MAX,
        ..WeightsWish::default()
    };
    Weights::of(bundle, &wish).unwrap()
}

fn find<'w>(weights: &'w Weights, feature: &str) -> &'w Weight {
    let mut found = weights
        .weights
        .iter()
        .filter(|weight| weight.feature() == feature);
    found.next().unwrap_or_else(|| panic!("{feature} is not shown"))
}

fn close(found: f64, expected: f64, scale: f64, what: &str) {
    let allowed = TOLERANCE * expected.abs().max(scale);
    assert!(
        (found - expected).abs() <= allowed,
        "{what}: expected {expected}, found {found}"
    );
}

/// A weight with the errors of both kinds against stored numbers.
fn check(what: &str, classical: &Estimate, robust: &Estimate, expected: &[f64], expected_robust: f64) {
    let [weight, error] = [expected[0], expected[1]];
    // A weight that is nearly 0 is as exact as its error says.
    close(classical.weight, weight, error, &format!("{what}, weight"));
    close(classical.error.unwrap(), error, 0.0, &format!("{what}, error"));
    close(
        robust.error.unwrap(),
        expected_robust,
        0.0,
        &format!("{what}, robust error"),
    );
    assert_eq!(classical.weight, robust.weight);
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

#[test]
fn errors_are_those_of_statsmodels_and_of_the_formulas() {
    let golden = golden();
    for (name, case) in golden["cases"].as_object().unwrap() {
        let bundle = fit(case, 2);
        let classes = texts(&case["classes"]);
        let wanted: Vec<Option<&str>> = match classes.as_slice() {
            [] => vec![None],
            [_, positive] => vec![Some(positive)],
            several => several.iter().map(|class| Some(class.as_str())).collect(),
        };
        for (nth, class) in wanted.into_iter().enumerate() {
            let (classical, robust) = (shown(&bundle, class, false), shown(&bundle, class, true));
            assert_eq!(
                (classical.errors, robust.errors),
                ("classical", "robust"),
                "{name}: {:?}",
                classical.notes
            );
            close(
                classical.effective_weights.unwrap(),
                case["effective"].as_f64().unwrap(),
                0.0,
                name,
            );
            if let (Some(expected), true) = (case["residual"].as_f64(), classes.is_empty()) {
                close(classical.residual_deviation.unwrap(), expected, 0.0, name);
            }
            for (at, column) in texts(&case["columns"]).iter().enumerate() {
                let what = format!("{name}, {class:?}, {column}");
                let (weight, by_rows) = (find(&classical, column), find(&robust, column));
                let expected = numbers(&case["weights"][nth][at]);
                let (one, other) = (weight.per_unit.unwrap(), by_rows.per_unit.unwrap());
                check(
                    &what,
                    &one,
                    &other,
                    &expected,
                    case["robust"][nth][at].as_f64().unwrap(),
                );
                close(one.low.unwrap(), expected[2], expected[1], &what);
                close(one.high.unwrap(), expected[3], expected[1], &what);
                // The logarithm of a chance moves with the square of what is so many errors from 0.
                let (p, ratio) = (weight.p_value.unwrap(), expected[0] / expected[1]);
                assert!(
                    libm::log(p / expected[4]).abs() <= 4.0 * TOLERANCE * (1.0 + ratio * ratio),
                    "{what}: {p}"
                );
                if let Some(deviation) = case["deviation"][at].as_f64() {
                    close(weight.deviation.unwrap(), deviation, 0.0, &what);
                    close(
                        weight.effect.unwrap(),
                        expected[0].abs() * deviation,
                        expected[1] * deviation,
                        &what,
                    );
                }
            }
            let expected = numbers(&case["intercept"][nth]);
            let (one, other) = (classical.intercepts[0].at_zero, robust.intercepts[0].at_zero);
            check(
                &format!("{name}, {class:?}, intercept"),
                &one,
                &other,
                &expected,
                expected[2],
            );
        }
    }
}

#[test]
fn threads_do_not_matter_and_files_keep_the_errors() {
    let golden = golden();
    for name in ["ridge", "logistic_ridge", "softmax_ridge"] {
        let case = &golden["cases"][name];
        let (one, three) = (fit(case, 1), fit(case, 3));
        assert_eq!(one.provenance.weights, three.provenance.weights, "{name}");
        let again = Bundle::decode(&one.encode()).unwrap();
        assert_eq!(shown(&again, None, false), shown(&one, None, false));
        let mut without = one.clone();
        without.provenance.weights = None;
        assert_eq!(without.hash(), one.hash());
        let old = shown(&without, None, false);
        assert_eq!(
            (old.errors, old.weights.len()),
            ("none", shown(&one, None, false).weights.len())
        );
        assert!(old.notes[0].contains("train it again"), "{:?}", old.notes);
    }
}

#[test]
fn the_other_label_has_the_opposite_weights() {
    let bundle = fit(&golden()["cases"]["logistic_ridge"], 1);
    let (malignant, benign) = (shown(&bundle, None, false), shown(&bundle, Some("benign"), false));
    assert_eq!(malignant.weights[0].class.as_deref(), Some("malignant"));
    for (a, b) in malignant.weights.iter().zip(&benign.weights) {
        let (a, b) = (a.per_unit.unwrap(), b.per_unit.unwrap());
        assert_eq!(
            (a.weight, a.error, a.low),
            (-b.weight, b.error, b.high.map(|high| -high))
        );
        assert!((a.odds_low.unwrap() * b.odds_high.unwrap() - 1.0).abs() < 1e-12);
    }
    let unknown = |wish: WeightsWish| Weights::of(&bundle, &wish).unwrap_err();
    let class = unknown(WeightsWish {
        class: Some("benin".into()),
        ..WeightsWish::default()
    });
    assert!(
        matches!(class, WeightsError::UnknownClass { .. })
            && class.to_string().contains("did you mean `benign`")
    );
    let attribute = unknown(WeightsWish {
        attribute: Some("sizes".into()),
        ..WeightsWish::default()
    });
    assert!(
        attribute.to_string().contains("did you mean `size`"),
        "{attribute}"
    );
    let page = |offset, limit| WeightsWish {
        attribute: Some("size".into()),
        offset,
        limit,
        ..WeightsWish::default()
    };
    let of_size = Weights::of(&bundle, &page(0, 9)).unwrap();
    assert_eq!((of_size.total, of_size.weights.len()), (3, 3));
    assert!(of_size.weights.is_sorted_by(|a, b| a.effect >= b.effect));
    assert_eq!(
        Weights::of(&bundle, &page(1, 1)).unwrap().weights,
        of_size.weights[1..2]
    );
    assert!(Weights::of(&bundle, &page(7, 1)).unwrap().weights.is_empty());
}

/// Rows of two numbers and a number that depends on them, the first number times `times`; some are missing.
fn rows(times: f64, target: impl Fn(f64, usize) -> String) -> String {
    let mut text = String::from("a,b,y\n");
    for i in 0..300usize {
        let (a, b) = (((i * 37) % 101) as f64 / 7.0, ((i * 53) % 89) as f64);
        let noise = ((i * 71) % 97) as f64 / 97.0 - 0.5;
        let shown = if i % 11 == 3 {
            String::new()
        } else {
            format!("{}", a * times)
        };
        text.push_str(&format!(
            "{shown},{b},{}\n",
            target(a - b / 20.0 + 8.0 * noise, i)
        ));
    }
    text
}

#[test]
fn a_column_in_another_unit_scales_weight_and_error_and_nothing_else() {
    let targets: [fn(f64, usize) -> String; 2] = [
        |margin, _| format!("{margin:.4}"),
        |margin, _| if margin > 5.0 { "yes".into() } else { "no".into() },
    ];
    for target in targets {
        // A power of two loses no digits on the way.
        let fits = [1.0, 1024.0].map(|times| {
            let mut request = request("y", Split::all());
            request.recipe = Some(Recipe::from_json(r#"{"outputs": ["ALL_NUMERIC"]}"#).unwrap());
            request.params.l2 = Some(0.001);
            let bundle = train(&MemoryTable::new(rows(times, target)), &request, &mut Silent)
                .unwrap()
                .bundle;
            shown(&bundle, None, false)
        });
        let [before, after] = &fits;
        assert_eq!(before.errors, "classical");
        for feature in ["a", "b", "a is missing"] {
            let times = if feature == "a" { 1024.0 } else { 1.0 };
            let (one, other) = (find(before, feature), find(after, feature));
            let (unit, unit_after) = (one.per_unit.unwrap(), other.per_unit.unwrap());
            close(unit_after.weight * times, unit.weight, 0.0, feature);
            close(
                unit_after.error.unwrap() * times,
                unit.error.unwrap(),
                0.0,
                feature,
            );
            let (whole, whole_after) = (one.per_deviation.unwrap(), other.per_deviation.unwrap());
            close(whole_after.weight, whole.weight, 0.0, feature);
            close(whole_after.error.unwrap(), whole.error.unwrap(), 0.0, feature);
            close(other.p_value.unwrap(), one.p_value.unwrap(), 0.0, feature);
            assert_eq!(whole.odds_ratio.is_some(), unit.odds_ratio.is_some());
        }
        // What is missing counts as the mean, so the number deviates less than its values do.
        assert!(find(before, "a").deviation.unwrap() < 4.2);
        let share: f64 = 27.0 / 300.0;
        close(
            find(before, "a is missing").deviation.unwrap(),
            (share * (1.0 - share)).sqrt(),
            0.0,
            "share",
        );
        let (one, other) = (&before.intercepts[0], after.intercepts[0].at_zero);
        close(other.error.unwrap(), one.at_zero.error.unwrap(), 0.0, "intercept");
    }
}

#[test]
fn where_there_are_no_errors_a_note_says_why() {
    let why = |text: &str, l2: f64, recipe: &str| {
        let mut request = request("y", Split::all());
        request.recipe = Some(Recipe::from_json(recipe).unwrap());
        request.params.l2 = Some(l2);
        let weights = shown(
            &train(&MemoryTable::new(text), &request, &mut Silent)
                .unwrap()
                .bundle,
            None,
            false,
        );
        (weights.errors, weights.notes.join("; "))
    };
    const NUMBERS: &str = r#"{"outputs": ["ALL_NUMERIC"]}"#;
    let apart = rows(1.0, |_, i| {
        if (i * 53) % 89 > 40 {
            "yes".into()
        } else {
            "no".into()
        }
    });
    let (errors, note) = why(&apart, 0.0, NUMBERS);
    assert!(errors == "none" && note.contains("infinite"), "{errors}: {note}");
    let (errors, note) = why(&apart, 1e-6, NUMBERS);
    assert!(
        errors == "classical" && note.contains("only the penalty keeps them finite"),
        "{errors}: {note}"
    );
    // A copy of a column: no penalty, no way to tell.
    let copied: String = rows(1.0, |margin, _| format!("{margin:.4}"))
        .lines()
        .map(|line| format!("{},{line}\n", line.split(',').nth(1).unwrap().replace('b', "c")))
        .collect();
    let (errors, note) = why(&copied, 0.0, NUMBERS);
    assert!(
        errors == "none" && note.contains("copies or sums of others"),
        "{errors}: {note}"
    );
    assert_eq!(why(&copied, 1e-3, NUMBERS).0, "classical");
    // More values than errors are worked out for.
    let mut many = String::from("word,y\n");
    (0..5000u32).for_each(|i| many.push_str(&format!("w{},{}\n", i % 2100, (i * 37) % 101)));
    let (errors, note) = why(&many, 1e-3, r#"{"outputs": ["ALL_INPUTS"]}"#);
    assert!(
        errors == "none" && note.contains("up to 2000 weights"),
        "{errors}: {note}"
    );
}

/// A class that one value has alone: its weight grows without end, and so does its error.
#[test]
fn a_value_that_tells_a_class_perfectly_is_not_taken_at_its_word() {
    let text = rows(1.0, |margin, i| {
        if i % 10 == 0 || margin > 5.0 {
            "yes".into()
        } else {
            "no".into()
        }
    });
    let mut lines = text.lines();
    let mut made = format!("{},kind\n", lines.next().unwrap());
    for (i, line) in lines.enumerate() {
        made.push_str(&format!("{line},{}\n", if i % 10 == 0 { "sure" } else { "open" }));
    }
    let mut request = request("y", Split::all());
    request.recipe = Some(Recipe::from_json(r#"{"outputs": ["ALL_NUMERIC", "kind"]}"#).unwrap());
    request.params.l2 = Some(1e-8);
    let weights = shown(
        &train(&MemoryTable::new(&made), &request, &mut Silent)
            .unwrap()
            .bundle,
        None,
        false,
    );
    assert!(
        weights.notes.iter().any(|note| note.contains("separation")),
        "{weights:?}"
    );
    let sure = find(&weights, "kind = sure");
    assert!(
        sure.per_unit.unwrap().error.unwrap() > 10.0 && sure.p_value.unwrap() > 0.05,
        "{sure:?}"
    );
}
