//! Properties: no text brings the language down, printing and parsing are inverse, short texts stay cheap.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use serde_json::json;
use yosoku::ml::recipe::parse::parse_expression;
use yosoku::ml::recipe::{Expr, Recipe, Tree, resolve, resolve_text};
use yosoku::ml::schema::Schema;

use super::{of_output, resolved, schema};
use crate::fuzz::recipe::{can_be_written, is_placed};

/// Pieces that make texts which are nearly expressions.
const PIECES: [&str; 43] = [
    "age",
    "income",
    "gender",
    "subject",
    "member",
    "bought",
    "id",
    "y",
    "secret",
    "G",
    "H",
    "a",
    "ALL_NUMERIC",
    "ALL_INPUTS",
    "ALL_TEXT",
    "ALL_DATE",
    "group(",
    "group_remove(",
    "normalize(",
    "quantile_bin(",
    "ngram(",
    "osb(",
    "lowercase(",
    "no_punct(",
    "split_punct(",
    "cartesian(",
    "hour(",
    "timestamp(",
    "(",
    ")",
    ")",
    ",",
    ", ",
    ",",
    "'",
    "\"",
    "//",
    " ",
    "3",
    "20",
    "99999999999",
    "\n",
    "\\",
];

fn nearly() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..14).prop_map(|pieces| pieces.concat())
}

/// One of some expressions.
fn one_of(expressions: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    prop::sample::select(expressions).prop_map(str::to_string)
}

/// Expressions of the right types.
fn sensible() -> impl Strategy<Value = String> {
    let date = one_of(&["bought", "said", "ALL_DATE"]);
    let text = one_of(&["subject", "\"topic\"", "ALL_TEXT", "group_remove(ALL_TEXT, body)"]);
    let text = text.prop_recursive(3, 6, 2, |inner| {
        let changed = (one_of(&["lowercase", "no_punct", "split_punct"]), inner.clone());
        let both = (inner.clone(), inner);
        prop_oneof![
            changed.prop_map(|(function, of)| format!("{function}({of})")),
            both.prop_map(|(a, b)| format!("group( {a},{b} )")),
        ]
    });
    let number = prop_oneof![
        one_of(&["age", "'hours-per-week'", "ALL_NUMERIC", "normalize(income)"]),
        date.clone().prop_map(|date| format!("timestamp({date})")),
    ];
    let part = (one_of(&["month", "day_of_month", "day_of_week", "hour"]), date);
    let tokens = prop_oneof![
        one_of(&[
            "gender",
            "ALL_CATEGORICAL",
            "member",
            "lowercase(colour)",
            "bought"
        ]),
        part.prop_map(|(function, of)| format!("{function}({of})")),
        (one_of(&["ngram", "osb"]), text.clone(), 2..11).prop_map(|(f, of, n)| format!("{f}({of}, {n})")),
        (number.clone(), 2..1001).prop_map(|(of, n)| format!("quantile_bin({of},{n})")),
        text,
    ];
    let tokens = tokens.prop_recursive(3, 6, 2, |inner| {
        (one_of(&["cartesian", "group"]), inner.clone(), inner).prop_map(|(f, a, b)| format!("{f}({a},{b})"))
    });
    prop_oneof![4 => tokens, 1 => number]
}

/// Names that hold everything that means something, and any other character.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9_ '\"(),/\\\\\t\n\r.-]{0,12}",
        any::<String>(),
        prop::sample::select(vec![
            "",
            "'",
            "\"",
            "'\"",
            "''",
            "\"'\"",
            "//",
            "12",
            "a//",
            "/",
            "ünï",
            "\u{a0}x\u{2028}",
            "\u{feff}"
        ])
        .prop_map(str::to_string),
    ]
}

fn expression() -> impl Strategy<Value = Expr> {
    let function = prop_oneof![
        "[a-z_]{1,8}",
        "[a-zé][A-Z0-9 .-]{0,5}[a-z]",
        Just("12".to_string())
    ];
    name()
        .prop_map(|name| Expr::name(&name))
        .prop_recursive(6, 24, 4, move |inner| {
            let argument = prop_oneof![4 => inner, 1 => any::<u32>().prop_map(Expr::integer)];
            (function.clone(), prop::collection::vec(argument, 0..4))
                .prop_map(|(function, arguments)| Expr::call(&function, arguments))
        })
}

fn tree() -> impl Strategy<Value = Tree> {
    // As keys of JSON objects, names must differ.
    let section = || {
        let key = any::<String>().prop_map(|key| key.chars().take(64).collect::<String>());
        prop::collection::btree_map(
            key.prop_filter("a name", |key| !key.is_empty()),
            expression(),
            0..3,
        )
        .prop_map(|entries| entries.into_iter().collect::<Vec<_>>())
    };
    (section(), section(), prop::collection::vec(expression(), 1..4)).prop_map(
        |(groups, assignments, outputs)| Tree {
            groups,
            assignments,
            outputs,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_brings_the_language_down(text in "\\PC{0,60}", expression in any::<String>()) {
        if let Err(error) = resolve_text(&text, &schema()) {
            is_placed(&error, &text);
        }
        let _ = resolved(&of_output(&expression));
    }

    #[test]
    fn nearly_right_texts_are_used_or_refused_with_a_place(
        outputs in prop::collection::vec(nearly(), 0..4), groups in prop::collection::vec(nearly(), 2), a in nearly()
    ) {
        let recipe = json!({"groups": {"G": groups[0], "H": groups[1]}, "assignments": {"a": a}, "outputs": outputs});
        for text in [recipe.to_string(), serde_json::to_string_pretty(&recipe).unwrap()] {
            match resolve_text(&text, &schema()) {
                Ok((_, terms)) => prop_assert!(!terms.is_empty()),
                Err(error) => {
                    is_placed(&error, &text);
                    let several_lines = text.contains('\n');
                    for problem in &error.problems {
                        let place = problem.place.to_string();
                        prop_assert!(["groups.", "assignments.", "outputs"].iter().any(|p| place.starts_with(p)));
                        prop_assert_eq!(problem.position.is_some(), several_lines && problem.column.is_some());
                    }
                }
            }
        }
    }

    /// A well-formed JSON text with anything anywhere.
    #[test]
    fn any_json_is_read_or_refused(groups in any_json(), outputs in any_json(), key in any::<String>(), value in any_json()) {
        let recipe = json!({"groups": groups, key: value, "outputs": outputs});
        let text = serde_json::to_string_pretty(&recipe).unwrap();
        if let Err(error) = resolve_text(&text, &schema()) {
            is_placed(&error, &text);
        }
    }

    #[test]
    fn what_is_printed_is_parsed_again(tree in tree()) {
        let printed = tree.to_string();
        let again = Tree::parse(&Recipe::from_json(&printed).unwrap()).unwrap();
        prop_assert_eq!(&again, &tree, "{}", printed);
        prop_assert_eq!(again.to_string(), printed);
    }

    #[test]
    fn what_is_parsed_prints_the_same_for_ever(text in nearly()) {
        if let Ok(expression) = parse_expression(&text) {
            let printed = expression.to_string();
            let again = parse_expression(&printed).unwrap();
            prop_assert_eq!(&again, &expression);
            prop_assert_eq!(again.to_string(), printed);
        }
    }

    #[test]
    fn every_term_can_be_written(outputs in prop::collection::vec(sensible(), 1..4)) {
        let schema = schema();
        if let Ok((_, terms)) = resolve_text(&json!({ "outputs": outputs }).to_string(), &schema) {
            can_be_written(&terms, &schema);
        }
    }
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<i32>().prop_map(|n| json!(n)),
        any::<String>().prop_map(|text| json!(text)),
        sensible().prop_map(|text| json!(text)),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| json!(list)),
            prop::collection::btree_map(any::<String>(), inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

#[test]
fn sensible_expressions_do_make_sense_often() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let used = (0..300).filter(|_| {
        let output = sensible().new_tree(&mut runner).unwrap().current();
        resolved(&of_output(&output)).is_ok()
    });
    assert!(used.count() > 200, "too few to say anything about terms");
}

/// A schema with `count` attributes of each type.
fn wide(count: usize) -> Schema {
    let kinds = ["NUMERIC", "CATEGORICAL", "TEXT"];
    let attributes: Vec<serde_json::Value> = (0..3 * count)
        .map(|i| json!({"attributeName": format!("{}{i}", "n".repeat(50)), "attributeType": kinds[i % 3]}))
        .collect();
    let schema = json!({"version": "1.0", "dataFormat": "CSV", "attributes": attributes});
    Schema::from_json(&schema.to_string()).unwrap()
}

/// Recipes that would make millions of things, if they were made before they are counted.
#[test]
fn a_recipe_that_explodes_is_refused() {
    let bins: Vec<String> = (2..=900)
        .map(|bins| format!("quantile_bin(ALL_NUMERIC, {bins})"))
        .collect();
    let everything = vec!["ALL_NUMERIC"; 9_000].join(", ");
    let nested = format!("{}ALL_TEXT{}", "lowercase(".repeat(60), ")".repeat(60));
    let doubled: serde_json::Map<String, serde_json::Value> = (0..60)
        .map(|i| {
            let before = if i == 0 {
                "ALL_CATEGORICAL".to_string()
            } else {
                format!("a{}", i - 1)
            };
            (format!("a{i}"), json!(format!("cartesian({before}, {before})")))
        })
        .collect();
    let named: serde_json::Map<String, serde_json::Value> = (0..3_000)
        .map(|i| (format!("a{i}"), json!("ALL_NUMERIC")))
        .collect();
    for (recipe, expected) in [
        (json!({ "outputs": bins }), "more than the 10000 outputs allowed"),
        (
            json!({"outputs": ["cartesian(ALL_TEXT, ALL_CATEGORICAL)"]}),
            "this makes 1000000 combinations of members, 10000 are allowed",
        ),
        (
            json!({"outputs": [format!("cartesian({})", ["ALL_TEXT"; 16].join(","))]}),
            "11 combinations",
        ),
        (
            json!({"assignments": doubled, "outputs": ["a59"]}),
            "combinations of members",
        ),
        (
            json!({"outputs": [format!("group({everything})")]}),
            "more than 2000000 values on the way",
        ),
        (
            json!({"outputs": vec![nested; 150]}),
            "more than 2000000 values on the way",
        ),
        (
            json!({"assignments": named, "outputs": ["a1"]}),
            "hold more than 200000 members in all",
        ),
    ] {
        let recipe = Recipe::from_json(&recipe.to_string()).unwrap();
        let error = resolve(&recipe, &wide(1000)).unwrap_err();
        let expected = expected.replace("11 combinations", "far more than the 10000 combinations");
        assert!(error.to_string().contains(&expected), "{error}");
    }
}

/// Products that double with each definition are refused by their factors, although each has one member.
#[test]
fn a_product_has_a_limited_number_of_factors() {
    let mut assignments = serde_json::Map::new();
    assignments.insert("a0".into(), json!("cartesian(gender, colour)"));
    for i in 1..60 {
        assignments.insert(format!("a{i}"), json!(format!("cartesian(a{0}, a{0})", i - 1)));
    }
    let error = resolved(&json!({"assignments": assignments, "outputs": ["a59"]}).to_string()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "assignments.a4, column 1: this product has 32 factors, 16 are allowed; use fewer"
    );
}

/// Texts as long as allowed, of what costs most to parse or to judge.
#[test]
fn the_longest_texts_are_judged_in_reasonable_time() {
    let schema = wide(1000);
    let filled = |piece: &str, around: (&str, &str)| {
        let count = (131_000 - 100) / piece.len().max(1);
        format!("{}{}{}", around.0, piece.repeat(count), around.1)
    };
    for output in [
        filled("a,", ("group(", "a)")),
        filled("/", ("", "")),
        filled("''", ("'", "'")),
        filled("(", ("f", "")),
        filled("f(", ("", "")),
        filled("a ", ("", "")),
        filled(
            "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnx,",
            ("cartesian(", "a)"),
        ),
        filled("ALL_TEXT,", ("group_remove(", "a)")),
    ] {
        assert!(resolve_text(&of_output(&output), &schema).is_err());
    }
    let later: serde_json::Map<String, serde_json::Value> = (0..6_000)
        .map(|i| (format!("a{i}"), json!(format!("a{}", i + 1))))
        .collect();
    let chain = json!({"assignments": later, "outputs": ["a0"]}).to_string();
    let error = resolve_text(&chain, &schema).unwrap_err();
    assert_eq!(error.problems.len() + error.more, 6_000);
}
