//! What is said about mistakes: all at once, each with its place, what is wrong and how to mend it.

use serde_json::json;
use yosoku::ml::recipe::{Recipe, resolve, resolve_text};

use super::{of_output, resolved, schema};

/// Compares what is said about one wrong output, without its place at the start.
fn said(output: &str, column: usize, expected: &str) {
    let error = match resolved(&of_output(output)) {
        Ok(terms) => panic!("{output} became {terms:?}"),
        Err(error) => error,
    };
    assert_eq!(error.code(), "invalid_recipe");
    let expected = format!("outputs[0], column {column}: {expected}");
    assert_eq!(error.to_string(), expected, "{output}");
}

#[test]
fn unknown_names() {
    for (output, column, expected) in [
        ("agee", 1, "unknown attribute `agee`; did you mean `age`?"),
        ("Age", 1, "unknown attribute `Age`; did you mean `age`?"),
        (
            "normalize( incme )",
            12,
            "unknown attribute `incme`; did you mean `income`?",
        ),
        (
            "ALL_NUMERICS",
            1,
            "unknown attribute `ALL_NUMERICS`; did you mean `ALL_NUMERIC`?",
        ),
        (
            "lowercse(subject)",
            1,
            "unknown function `lowercse`; did you mean `lowercase`?",
        ),
        (
            "normalise(age)",
            1,
            "unknown function `normalise`; did you mean `normalize`?",
        ),
        (
            "wibble(age)",
            1,
            "unknown function `wibble`; the functions are group, group_remove, ngram, osb, lowercase, no_punct, split_punct, normalize, quantile_bin, cartesian, month, day_of_month, day_of_week, hour, timestamp",
        ),
        (
            "zzzzzzzz",
            1,
            "unknown attribute `zzzzzzzz`; the inputs are age, income, hours-per-week, gender, colour, subject, topic, body, … 11 in all",
        ),
        (
            "gender colour",
            1,
            "unknown attribute `gender colour`; is a comma missing?",
        ),
        (
            "normalize",
            1,
            "`normalize` is a function; it takes one NUMERIC argument, as in `normalize(a)`",
        ),
    ] {
        said(output, column, expected);
    }
}

#[test]
fn what_is_not_learned_from() {
    for (output, column, expected) in [
        ("y", 1, "`y` is the target, so it cannot be learned from"),
        (
            "group(age, id)",
            12,
            "`id` is the row id, so it cannot be learned from",
        ),
        (
            "quantile_bin(secret, 5)",
            14,
            "`secret` is excluded in the schema, so it cannot be learned from; take it out of `excludedAttributeNames` or of the recipe",
        ),
        (
            "group(gender, ALL_INPUTS)",
            15,
            "`ALL_INPUTS` can be used in outputs only, not inside `group`; use ALL_TEXT, ALL_NUMERIC, ALL_CATEGORICAL and ALL_BINARY",
        ),
        (
            "group(group_remove('ALL_INPUTS', age))",
            20,
            "`ALL_INPUTS` can be used in outputs only, not inside `group`; use ALL_TEXT, ALL_NUMERIC, ALL_CATEGORICAL and ALL_BINARY",
        ),
    ] {
        said(output, column, expected);
    }
}

#[test]
fn arguments_of_the_wrong_type() {
    for (output, column, expected) in [
        (
            "cartesian(gender, age)",
            19,
            "cartesian needs CATEGORICAL, TEXT or BINARY, and `age` is NUMERIC; bin it first: quantile_bin(age, 10)",
        ),
        (
            "cartesian(gender, timestamp(said))",
            19,
            "cartesian needs CATEGORICAL, TEXT or BINARY, and `timestamp(said)` is NUMERIC; bin it first: quantile_bin(timestamp(said), 10)",
        ),
        (
            "cartesian(gender, normalize(age))",
            19,
            "cartesian needs CATEGORICAL, TEXT or BINARY, and `age` in `normalize(age)` is NUMERIC; bin it first: quantile_bin(age, 10)",
        ),
        (
            "cartesian(ALL_NUMERIC, gender)",
            11,
            "cartesian needs CATEGORICAL, TEXT or BINARY, and `age` in `ALL_NUMERIC` and 2 others like it is NUMERIC; bin it first: quantile_bin(age, 10)",
        ),
        (
            "ngram(gender, 2)",
            7,
            "ngram needs TEXT, and `gender` is CATEGORICAL; declare it TEXT in the schema",
        ),
        (
            "osb(lowercase(gender), 2)",
            5,
            "osb needs TEXT, and `lowercase(gender)` is CATEGORICAL; declare it TEXT in the schema",
        ),
        (
            "split_punct(gender)",
            13,
            "split_punct needs TEXT, and `gender` is CATEGORICAL; declare it TEXT in the schema",
        ),
        (
            "no_punct(gender)",
            10,
            "no_punct needs TEXT, and `gender` is CATEGORICAL; declare it TEXT in the schema",
        ),
        (
            "no_punct(quantile_bin(age, 5))",
            10,
            "no_punct needs TEXT, and `quantile_bin(age, 5)` is CATEGORICAL; it has no words",
        ),
        (
            "lowercase(age)",
            11,
            "lowercase needs TEXT or CATEGORICAL, and `age` is NUMERIC; declare it TEXT in the schema if it holds words",
        ),
        (
            "lowercase(ngram(subject, 2))",
            11,
            "lowercase needs TEXT or CATEGORICAL, and `ngram(subject, 2)` is a set of tokens; apply lowercase to the TEXT attribute first, then make tokens of it",
        ),
        (
            "normalize(gender)",
            11,
            "normalize needs NUMERIC, and `gender` is CATEGORICAL; declare it NUMERIC in the schema if it holds numbers",
        ),
        (
            "normalize(ALL_INPUTS)",
            11,
            "normalize needs NUMERIC, and `gender` in `ALL_INPUTS` and 7 others like it is CATEGORICAL; declare it NUMERIC in the schema if it holds numbers",
        ),
        (
            "quantile_bin(quantile_bin(age, 5), 6)",
            14,
            "quantile_bin needs NUMERIC, and `quantile_bin(age, 5)` is CATEGORICAL; apply quantile_bin to the number itself",
        ),
        (
            "quantile_bin(member, 6)",
            14,
            "quantile_bin needs NUMERIC, and `member` is BINARY; it is a feature 0 or 1 already, list it as it is",
        ),
        (
            "quantile_bin(bought, 6)",
            14,
            "quantile_bin needs NUMERIC, and `bought` is CATEGORICAL; take timestamp of the date first",
        ),
        (
            "normalize(cartesian(gender, colour))",
            11,
            "normalize needs NUMERIC, and `cartesian(gender, colour)` is a set of tokens; tokens have no size",
        ),
        (
            "month(gender)",
            7,
            "month needs an attribute that holds dates, and `gender` has no `dateFormat`; say in the schema how its dates are written, for example \"dateFormat\": \"%Y-%m-%d\"",
        ),
        (
            "hour(lowercase(said))",
            6,
            "hour needs an attribute that holds dates, and `lowercase(said)` is no attribute as it is; apply hour to the date attribute itself",
        ),
    ] {
        said(output, column, expected);
    }
}

#[test]
fn arguments_of_the_wrong_number_or_range() {
    for (output, column, expected) in [
        (
            "quantile_bin(age)",
            1,
            "quantile_bin takes NUMERIC and the number of bins, a whole number from 2 to 1000, as in `quantile_bin(a, 10)`; here it has 1 argument",
        ),
        (
            "quantile_bin(age, 1)",
            19,
            "quantile_bin takes NUMERIC and the number of bins, a whole number from 2 to 1000, as in `quantile_bin(a, 10)`; `1` is given",
        ),
        (
            "quantile_bin(age, 1001)",
            19,
            "quantile_bin takes NUMERIC and the number of bins, a whole number from 2 to 1000, as in `quantile_bin(a, 10)`; `1001` is given",
        ),
        (
            "quantile_bin(10, age)",
            18,
            "quantile_bin takes NUMERIC and the number of bins, a whole number from 2 to 1000, as in `quantile_bin(a, 10)`; `age` is given",
        ),
        (
            "ngram(subject, 11)",
            16,
            "ngram takes TEXT and the most words in a run, a whole number from 2 to 10, as in `ngram(a, 2)`; `11` is given",
        ),
        (
            "ngram(subject, -2)",
            16,
            "ngram takes TEXT and the most words in a run, a whole number from 2 to 10, as in `ngram(a, 2)`; `-2` is given",
        ),
        (
            "osb(subject, 1)",
            14,
            "osb takes TEXT and the words in a window, a whole number from 2 to 10, as in `osb(a, 4)`; `1` is given",
        ),
        (
            "lowercase(subject, topic)",
            1,
            "lowercase takes one TEXT or CATEGORICAL argument, as in `lowercase(a)`; here it has 2 arguments",
        ),
        (
            "group()",
            1,
            "group takes one or more attributes or groups, as in `group(a, b)`; here it has 0 arguments",
        ),
        (
            "group_remove(ALL_TEXT)",
            1,
            "group_remove takes a group and what to remove from it, as in `group_remove(ALL_TEXT, a)`; here it has 1 argument",
        ),
        (
            "cartesian(gender)",
            1,
            "cartesian takes two or more CATEGORICAL, TEXT or BINARY arguments, as in `cartesian(a, b)`; here it has one",
        ),
        (
            "cartesian(group(gender, colour))",
            1,
            "cartesian takes two or more CATEGORICAL, TEXT or BINARY arguments, as in `cartesian(a, b)`; here it has one",
        ),
        (
            "group(gender, 5)",
            15,
            "`5` is a number where an attribute or group is expected",
        ),
        (
            "cartesian(gender, 5)",
            19,
            "`5` is a number where an attribute or group is expected",
        ),
        (
            "cartesian(gender, gender, gender, gender, gender, gender, gender, gender, gender, gender, gender, gender, gender, gender, gender, gender, gender)",
            1,
            "this product has 17 factors, 16 are allowed; use fewer",
        ),
    ] {
        said(output, column, expected);
    }
}

#[test]
fn texts_that_are_no_expressions() {
    for (output, column, expected) in [
        (
            "normalize(age",
            14,
            "a comma or a closing parenthesis is expected here",
        ),
        ("", 1, "a name, a number or a function is expected here"),
        ("'age", 1, "the quote is never closed"),
        (
            "lowercase(subject) topic",
            20,
            "unexpected text after the expression",
        ),
    ] {
        said(output, column, expected);
    }
}

#[test]
fn groups_and_assignments() {
    let cases = [
        (
            json!({"groups": {"SHORT": "group(subject)"}, "outputs": ["SHRT"]}),
            "outputs[0], column 1: unknown attribute `SHRT`; did you mean `SHORT`?",
        ),
        (
            json!({"groups": {"A": "group(B)", "B": "group(age)"}, "outputs": ["A"]}),
            "groups.A, column 7: `B` is defined later; move `groups.B` before this entry",
        ),
        (
            json!({"assignments": {"a": "normalize(b)", "b": "normalize(age)"}, "outputs": ["a", "b"]}),
            "assignments.a, column 11: `b` is defined later; move `assignments.b` before this entry",
        ),
        (
            json!({"groups": {"G": "group(age, band)"}, "assignments": {"band": "quantile_bin(age, 5)"}, "outputs": ["G"]}),
            "groups.G, column 12: `band` is an assignment, and groups are made before assignments; move this entry to `assignments`",
        ),
        (
            json!({"assignments": {"a": "normalize(a)"}, "outputs": ["a"]}),
            "assignments.a, column 11: `a` is defined by itself; use attributes or what is defined before",
        ),
        (
            json!({"assignments": {"a": "normalize(b)", "b": "normalize(a)"}, "outputs": ["a"]}),
            "assignments.a, column 11: `a` and `b` are defined by each other (a → b → a); one must do without the other",
        ),
        (
            json!({"assignments": {"a": "normalize(b)", "b": "group(age, c)", "c": "group(income, a)"}, "outputs": ["a"]}),
            "assignments.a, column 11: `a` and `b` are defined by each other (a → b → c → a); one must do without the other",
        ),
        (
            json!({"groups": {"ALL_TEXT": "group(subject)"}, "outputs": ["age"]}),
            "groups.ALL_TEXT: a built-in group has this name already; choose another",
        ),
        (
            json!({"assignments": {"age": "quantile_bin(age, 5)"}, "outputs": ["age"]}),
            "assignments.age: an attribute has this name already; choose another",
        ),
        (
            json!({"groups": {"x": "group(age)"}, "assignments": {"x": "age"}, "outputs": ["x"]}),
            "assignments.x: groups.x has this name already; choose another",
        ),
        (
            json!({"groups": {"ALL": "group(ALL_INPUTS)"}, "outputs": ["ALL"]}),
            "groups.ALL, column 7: `ALL_INPUTS` can be used in outputs only, not inside `group`; use ALL_TEXT, ALL_NUMERIC, ALL_CATEGORICAL and ALL_BINARY",
        ),
        (
            json!({"assignments": {"all": "ALL_INPUTS"}, "outputs": ["all"]}),
            "assignments.all, column 1: `ALL_INPUTS` can be used in outputs only, not in groups and assignments; use ALL_TEXT, ALL_NUMERIC, ALL_CATEGORICAL and ALL_BINARY",
        ),
        (
            json!({"outputs": ["group_remove(ALL_TEXT, ALL_TEXT)"]}),
            "outputs: nothing is left to learn from; list at least one input attribute",
        ),
    ];
    for (recipe, expected) in cases {
        assert_eq!(resolved(&recipe.to_string()).unwrap_err().to_string(), expected);
    }
}

/// Structure, syntax, names and types are judged together; one mistake is one problem, however often it is used.
#[test]
fn all_problems_come_at_once_with_line_and_column() {
    let text = r#"{
  "groups": {
    "SHORT": "group(subjct, topic)",
    "NUMBER": 5,
    "OPEN": "group(age",
    "SHORT": "group(body)"
  },
  "assignments": {
    "pair": "cartesian(SHORT, \"age\", \u0067ender,  'a''b')"
  },
  "outputs": [
    "pair", "SHORT", "NUMBER", "OPEN",
    7,
    "ngram(gender, 2)", "y"
  ]
}"#;
    let error = resolve_text(text, &schema()).unwrap_err();
    let found: Vec<String> = error.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "groups.NUMBER (line 4:15): an expression in quotes is expected, not a number",
            "groups.SHORT (line 6:14): the name is defined twice; give one of them another name",
            "outputs[4] (line 13:5): an expression in quotes is expected, not a number",
            "groups.SHORT, column 7 (line 3:21): unknown attribute `subjct`; did you mean `subject`?",
            "groups.OPEN, column 10 (line 5:23): a comma or a closing parenthesis is expected here",
            "assignments.pair, column 18 (line 9:31): cartesian needs CATEGORICAL, TEXT or BINARY, and `age` is NUMERIC; bin it first: quantile_bin(age, 10)",
            "assignments.pair, column 34 (line 9:54): unknown attribute `a'b`; the inputs are age, income, hours-per-week, gender, colour, subject, topic, body, … 11 in all",
            "outputs[5], column 7 (line 14:12): ngram needs TEXT, and `gender` is CATEGORICAL; declare it TEXT in the schema",
            "outputs[6], column 1 (line 14:26): `y` is the target, so it cannot be learned from",
        ]
    );
    let whole = error.to_string();
    assert!(
        whole.starts_with("the recipe has 9 problems\n  groups.NUMBER (line 4:15): "),
        "{whole}"
    );
    // The positions are those of the text.
    let lines: Vec<&str> = text.lines().collect();
    for problem in &error.problems {
        let position = problem.position.unwrap();
        assert!(
            position.column <= lines[position.line - 1].chars().count(),
            "{problem}"
        );
    }
    assert_eq!(&lines[8][53..58], "'a''b");
}

#[test]
fn a_wrong_definition_is_one_problem_wherever_it_is_used() {
    let recipe = json!({
        "groups": {"A": "group(nothing_like_it)"},
        "assignments": {"b": "lowercase(A)", "c": "cartesian(b, gender)"},
        "outputs": ["c", "b", "A", "ngram(A, 2)", "group_remove(ALL_TEXT, A)"],
    });
    let error = resolved(&recipe.to_string()).unwrap_err();
    assert_eq!(error.problems.len(), 1, "{error}");
}

#[test]
fn only_so_many_problems_are_listed() {
    let outputs: Vec<String> = (0..3000).map(|i| format!("unknown_{i}")).collect();
    let error = resolved(&json!({ "outputs": outputs }).to_string()).unwrap_err();
    assert_eq!((error.problems.len(), error.more), (50, 2950));
    assert!(
        error
            .to_string()
            .starts_with("the recipe has 3000 problems\n  outputs[0]")
    );
}

#[test]
fn names_in_messages_are_short_and_harmless() {
    let long = "x".repeat(100_000);
    let error = resolved(&of_output(&format!("quantile_bin(age, '{long}\u{1b}')"))).unwrap_err();
    assert!(error.to_string().len() < 400, "{error}");
    let error = resolved(&of_output("'\u{1b}[2J'")).unwrap_err();
    assert!(error.to_string().contains("`\\u{1b}[2J`"), "{error}");
}

/// A recipe that came as a value has no lines; its problems have a column only.
#[test]
fn a_recipe_without_lines_has_columns() {
    let recipe = Recipe::from_value(&json!({"outputs": ["normalize(gender)"]})).unwrap();
    let error = resolve(&recipe, &schema()).unwrap_err();
    assert_eq!(
        (error.problems[0].column, error.problems[0].position),
        (Some(11), None)
    );
}
