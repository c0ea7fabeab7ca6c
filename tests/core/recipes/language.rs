//! The rules of the language and worked examples: which outputs a recipe becomes.

use serde_json::json;
use yosoku::ml::date::DatePart;
use yosoku::ml::recipe::term::{NumberSource, Term, TextSource, Tokens};
use yosoku::ml::recipe::{Recipe, Tree, resolve, term_expression, term_meaning};
use yosoku::ml::schema::Schema;

use super::{of_output, resolved, schema};

const AGE: usize = 1;
const GENDER: usize = 4;
const SUBJECT: usize = 6;
const MEMBER: usize = 9;
const BOUGHT: usize = 12;

/// Compares what one output becomes; names are separated by ` | `.
fn becomes(output: &str, expected: &str) {
    let found = resolved(&of_output(output)).unwrap_or_else(|error| panic!("{output}: {error}"));
    assert_eq!(found.join(" | "), expected, "{output}");
}

#[test]
fn attributes_and_built_in_groups() {
    for (output, expected) in [
        ("age", "age | missing(age)"),
        ("gender", "gender"),
        ("subject", "subject"),
        ("member", "member | missing(member)"),
        ("bought", "bought"),
        ("hours-per-week", "'hours-per-week' | missing('hours-per-week')"),
        ("ALL_TEXT", "subject | topic | body | said"),
        (
            "ALL_NUMERIC",
            "age | income | hours-per-week | missing(age) | missing(income) | missing(hours-per-week)",
        ),
        ("ALL_CATEGORICAL", "gender | colour | bought"),
        ("ALL_BINARY", "member | missing(member)"),
        ("ALL_DATE", "bought | said"),
        (
            "ALL_INPUTS",
            "age | income | hours-per-week | gender | colour | subject | topic | body | member | bought | said | missing(age) | missing(income) | missing(hours-per-week) | missing(member)",
        ),
    ] {
        becomes(output, &expected.replace("'hours-per-week'", "hours-per-week"));
    }
}

#[test]
fn quotes_comments_and_white_space() {
    for (output, expected) in [
        ("'gender'", "gender"),
        ("\"gender\"", "gender"),
        ("'ALL_TEXT'", "subject | topic | body | said"),
        ("gender // \"what they said (", "gender"),
        ("gender//", "gender"),
        (" group ( 'gender' ,\n\t\"colour\" ) ", "gender | colour"),
        ("ngram(subject,2)", "ngram(subject, 2)"),
        ("'hours-per-week'", "hours-per-week | missing(hours-per-week)"),
    ] {
        becomes(output, expected);
    }
}

#[test]
fn functions_of_text() {
    for (output, expected) in [
        ("lowercase(subject)", "lowercase(subject)"),
        ("no_punct(subject)", "no_punct(subject)"),
        ("lowercase(no_punct(subject))", "lowercase(no_punct(subject))"),
        ("no_punct(lowercase(subject))", "lowercase(no_punct(subject))"),
        ("lowercase(lowercase(subject))", "lowercase(subject)"),
        ("no_punct(no_punct(no_punct(subject)))", "no_punct(subject)"),
        ("lowercase(gender)", "lowercase(gender)"),
        ("lowercase(lowercase(gender))", "lowercase(gender)"),
        ("lowercase(month(bought))", "month(bought) | missing(bought)"),
        (
            "lowercase(quantile_bin(age, 5))",
            "quantile_bin(age, 5) | missing(age)",
        ),
        ("ngram(subject, 10)", "ngram(subject, 10)"),
        ("osb(subject, 2)", "osb(subject, 2)"),
        ("osb(lowercase(subject), 10)", "osb(lowercase(subject), 10)"),
        (
            "ngram(lowercase(no_punct(subject)), 3)",
            "ngram(lowercase(no_punct(subject)), 3)",
        ),
        (
            "ngram(ALL_TEXT, 2)",
            "ngram(subject, 2) | ngram(topic, 2) | ngram(body, 2) | ngram(said, 2)",
        ),
        (
            "lowercase(group(gender, subject))",
            "lowercase(gender) | lowercase(subject)",
        ),
    ] {
        becomes(output, expected);
    }
}

#[test]
fn functions_of_numbers() {
    for (output, expected) in [
        ("normalize(age)", "age | missing(age)"),
        ("normalize(normalize(age))", "age | missing(age)"),
        ("quantile_bin(age, 2)", "quantile_bin(age, 2) | missing(age)"),
        (
            "quantile_bin(age, 1000)",
            "quantile_bin(age, 1000) | missing(age)",
        ),
        (
            "quantile_bin(normalize(age), 7)",
            "quantile_bin(age, 7) | missing(age)",
        ),
        (
            "quantile_bin(group(age, income), 50)",
            "quantile_bin(age, 50) | quantile_bin(income, 50) | missing(age) | missing(income)",
        ),
    ] {
        becomes(output, expected);
    }
}

#[test]
fn functions_of_groups() {
    for (output, expected) in [
        ("group(gender)", "gender"),
        ("group(gender, gender, 'gender')", "gender"),
        (
            "group(ALL_CATEGORICAL, ALL_BINARY)",
            "gender | colour | bought | member | missing(member)",
        ),
        (
            "group(group(gender, subject), group(subject, colour))",
            "gender | subject | colour",
        ),
        ("group_remove(ALL_TEXT, subject, said)", "topic | body"),
        ("group_remove(ALL_TEXT, group(subject, body), said)", "topic"),
        (
            "group_remove(ALL_TEXT, gender, age)",
            "subject | topic | body | said",
        ),
        (
            "group_remove(ALL_CATEGORICAL, id, y, secret)",
            "gender | colour | bought",
        ),
        (
            "group_remove(ALL_INPUTS, ALL_NUMERIC, ALL_TEXT, ALL_BINARY)",
            "gender | colour | bought",
        ),
        (
            "group_remove(lowercase(ALL_TEXT), lowercase(said), subject)",
            "lowercase(subject) | lowercase(topic) | lowercase(body)",
        ),
        (
            "ngram(group_remove(ALL_TEXT, said), 2)",
            "ngram(subject, 2) | ngram(topic, 2) | ngram(body, 2)",
        ),
    ] {
        becomes(output, expected);
    }
}

#[test]
fn products() {
    for (output, expected) in [
        ("cartesian(gender, colour)", "cartesian(gender, colour)"),
        ("cartesian(subject, gender)", "cartesian(subject, gender)"),
        ("cartesian(gender, gender)", "cartesian(gender, gender)"),
        (
            "cartesian(gender, member)",
            "cartesian(gender, member) | missing(member)",
        ),
        (
            "cartesian(gender, quantile_bin(age, 10))",
            "cartesian(gender, quantile_bin(age, 10)) | missing(age)",
        ),
        (
            "cartesian(ngram(lowercase(no_punct(subject)), 2), osb(topic, 3))",
            "cartesian(ngram(lowercase(no_punct(subject)), 2), osb(topic, 3))",
        ),
        (
            "cartesian(gender, cartesian(colour, cartesian(subject, topic)))",
            "cartesian(gender, colour, subject, topic)",
        ),
        (
            "cartesian(cartesian(gender, colour))",
            "cartesian(gender, colour)",
        ),
        (
            "cartesian(group(gender, colour), group(subject, topic))",
            "cartesian(gender, subject) | cartesian(gender, topic) | cartesian(colour, subject) | cartesian(colour, topic)",
        ),
        (
            "cartesian(group(cartesian(gender, colour), subject), topic)",
            "cartesian(gender, colour, topic) | cartesian(subject, topic)",
        ),
        (
            "cartesian(day_of_week(bought), hour(bought), member)",
            "cartesian(day_of_week(bought), hour(bought), member) | missing(member) | missing(bought)",
        ),
        (
            "cartesian(quantile_bin(timestamp(said), 4), colour)",
            "cartesian(quantile_bin(timestamp(said), 4), colour) | missing(said)",
        ),
    ] {
        becomes(output, expected);
    }
}

#[test]
fn dates() {
    for (output, expected) in [
        ("month(bought)", "month(bought) | missing(bought)"),
        (
            "day_of_week(ALL_DATE)",
            "day_of_week(bought) | day_of_week(said) | missing(bought) | missing(said)",
        ),
        (
            "group(day_of_month(bought), hour(bought))",
            "day_of_month(bought) | hour(bought) | missing(bought)",
        ),
        (
            "normalize(timestamp(bought))",
            "timestamp(bought) | missing(bought)",
        ),
        (
            "quantile_bin(timestamp(bought), 12)",
            "quantile_bin(timestamp(bought), 12) | missing(bought)",
        ),
    ] {
        becomes(output, expected);
    }
}

/// The shapes of the normal form behind the expressions.
#[test]
fn terms_are_in_normal_form() {
    let text = TextSource {
        attribute: SUBJECT,
        lowercase: true,
        no_punct: true,
        split_punct: false,
    };
    let cases = [
        ("age", Term::Number(NumberSource::Attribute(AGE))),
        ("timestamp(bought)", Term::Number(NumberSource::Timestamp(BOUGHT))),
        ("member", Term::Truth { attribute: MEMBER }),
        (
            "gender",
            Term::Tokens(Tokens::Level {
                attribute: GENDER,
                lowercase: false,
            }),
        ),
        (
            "lowercase(gender)",
            Term::Tokens(Tokens::Level {
                attribute: GENDER,
                lowercase: true,
            }),
        ),
        (
            "subject",
            Term::Tokens(Tokens::Words(TextSource {
                attribute: SUBJECT,
                lowercase: false,
                no_punct: false,
                split_punct: false,
            })),
        ),
        ("no_punct(lowercase(subject))", Term::Tokens(Tokens::Words(text))),
        (
            "ngram(lowercase(no_punct(subject)), 4)",
            Term::Tokens(Tokens::Ngrams { text, longest: 4 }),
        ),
        (
            "split_punct(lowercase(subject))",
            Term::Tokens(Tokens::Words(TextSource {
                no_punct: false,
                split_punct: true,
                ..text
            })),
        ),
        (
            "no_punct(lowercase(split_punct(split_punct(subject))))",
            Term::Tokens(Tokens::Words(TextSource {
                split_punct: true,
                ..text
            })),
        ),
        (
            "osb(lowercase(no_punct(subject)), 5)",
            Term::Tokens(Tokens::SparseBigrams { text, window: 5 }),
        ),
        (
            "quantile_bin(normalize(age), 6)",
            Term::Tokens(Tokens::Bin {
                number: NumberSource::Attribute(AGE),
                bins: 6,
            }),
        ),
        (
            "hour(bought)",
            Term::Tokens(Tokens::DatePart {
                attribute: BOUGHT,
                part: DatePart::Hour,
            }),
        ),
        (
            "cartesian(member, cartesian(lowercase(gender), quantile_bin(age, 2)))",
            Term::Tokens(Tokens::Product(vec![
                Tokens::Truth { attribute: MEMBER },
                Tokens::Level {
                    attribute: GENDER,
                    lowercase: true,
                },
                Tokens::Bin {
                    number: NumberSource::Attribute(AGE),
                    bins: 2,
                },
            ])),
        ),
    ];
    for (output, expected) in cases {
        let recipe = Recipe::from_json(&of_output(output)).unwrap();
        assert_eq!(resolve(&recipe, &schema()).unwrap()[0], expected, "{output}");
    }
}

#[test]
fn groups_then_assignments_then_outputs() {
    let recipe = json!({
        "outputs": ["ALL_BINARY", "ALL_CATEGORICAL", "who", "ngram(lowercase(no_punct(SHORT)), 2)", "lowercase(LONG)",
            "normalize(income) // keep as a number"],
        "assignments": {"age_band": "quantile_bin(age, 20)", "who": "cartesian(age_band, gender)"},
        "groups": {"SHORT": "group(subject, topic) // brief ones", "LONG": "group_remove(ALL_TEXT, subject, topic)"},
        "dependencies": {"anything": [1, {}]},
    });
    assert_eq!(
        resolved(&recipe.to_string()).unwrap().join(" | "),
        "member | gender | colour | bought | cartesian(quantile_bin(age, 20), gender) | ngram(lowercase(no_punct(subject)), 2) \
        | ngram(lowercase(no_punct(topic)), 2) | lowercase(body) | lowercase(said) | income | missing(age) | missing(income) | missing(member)"
    );
}

#[test]
fn definitions_use_what_comes_before_them() {
    let recipe = json!({
        "groups": {"A": "group('age', 'income')", "B-1": "group_remove(A, income)", "both of it": "group(A, 'B-1')"},
        "assignments": {"normalized": "normalize('both of it')", "binned": "quantile_bin(normalized, 500)", "again": "binned"},
        "outputs": ["again", "\"binned\"", "B-1"],
    });
    assert_eq!(
        resolved(&recipe.to_string()).unwrap(),
        [
            "quantile_bin(age, 500)",
            "quantile_bin(income, 500)",
            "age",
            "missing(age)",
            "missing(income)"
        ]
    );
}

/// A product does not bring its inputs along, and only outputs are learned from.
#[test]
fn only_what_is_listed_is_learned_from() {
    let recipe = json!({
        "groups": {"UNUSED": "group(ALL_TEXT)"},
        "assignments": {"unused": "normalize(age)"},
        "outputs": ["cartesian(gender, colour)", "gender", "gender", "group(gender)"],
    });
    assert_eq!(
        resolved(&recipe.to_string()).unwrap(),
        ["cartesian(gender, colour)", "gender"]
    );
}

/// Recipes as the original service made and documented them, on tables that lack some of the types.
#[test]
fn captured_shapes() {
    let attribute = |name: &str, kind: &str| json!({"attributeName": name, "attributeType": kind});
    let schema = json!({"version": "1.0", "targetAttributeName": "t", "dataFormat": "CSV", "attributes": [
        attribute("a", "NUMERIC"), attribute("b", "NUMERIC"), attribute("c", "NUMERIC"), attribute("t", "CATEGORICAL"),
    ]});
    let schema = Schema::from_json(&schema.to_string()).unwrap();
    for (recipe, expected) in [
        (
            r#"{"groups":{"NUMERIC_VARS_QB_50":"group('a','b')","NUMERIC_VARS_QB_10":"group('c')"},"assignments":{},
            "outputs":["ALL_BINARY","ALL_CATEGORICAL","quantile_bin(NUMERIC_VARS_QB_50,50)","quantile_bin(NUMERIC_VARS_QB_10,10)","ALL_TEXT"]}"#,
            "quantile_bin(a, 50) | quantile_bin(b, 50) | quantile_bin(c, 10)",
        ),
        (
            r#"{"groups":{"NUMERIC_VARS_NORM":"group('a','b','c')"},"assignments":{},"outputs":["ALL_CATEGORICAL","normalize(NUMERIC_VARS_NORM)"]}"#,
            "a | b | c",
        ),
        (
            r#"{"groups":{},"assignments":{},"dependencies":{},"outputs":["ALL_INPUTS"]}"#,
            "a | b | c",
        ),
        (
            r#"{"outputs":["ALL_CATEGORICAL","'a'","quantile_bin('b',200)","cartesian(quantile_bin(a,5),quantile_bin(b,5))"]}"#,
            "a | quantile_bin(b, 200) | cartesian(quantile_bin(a, 5), quantile_bin(b, 5))",
        ),
    ] {
        let parsed = Recipe::from_json(recipe).unwrap();
        let terms = resolve(&parsed, &schema).unwrap();
        let found: Vec<String> = terms.iter().map(|term| term_expression(term, &schema)).collect();
        let (found, missing): (Vec<String>, Vec<String>) =
            found.into_iter().partition(|e| !e.starts_with("missing("));
        assert_eq!(found.join(" | "), expected);
        assert!(!missing.is_empty());
        // In canonical form it says the same.
        let canonical = Tree::parse(&parsed).unwrap().to_string();
        assert_eq!(
            resolve(&Recipe::from_json(&canonical).unwrap(), &schema).unwrap(),
            terms
        );
    }
}

#[test]
fn empty_groups_give_nothing() {
    let attribute = |name: &str| json!({"attributeName": name, "attributeType": "CATEGORICAL"});
    let schema =
        json!({"version": "1.0", "dataFormat": "CSV", "attributes": [attribute("a"), attribute("b")]});
    let schema = Schema::from_json(&schema.to_string()).unwrap();
    let recipe = json!({"groups": {"NONE": "group_remove(ALL_CATEGORICAL, ALL_CATEGORICAL)", "G": "group(NONE, ALL_TEXT)"},
        "outputs": ["ALL_NUMERIC", "ngram(ALL_TEXT, 2)", "quantile_bin(ALL_NUMERIC, 5)", "cartesian(NONE, a)", "G",
            "normalize(G)", "hour(ALL_DATE)", "b"]});
    let terms = resolve(&Recipe::from_json(&recipe.to_string()).unwrap(), &schema).unwrap();
    assert_eq!(terms.len(), 1);
    assert_eq!(term_expression(&terms[0], &schema), "b");
}

#[test]
fn attributes_of_any_name_can_be_written() {
    for (name, written) in [
        ("12", "'12'"),
        ("2ndFlr", "2ndFlr"),
        ("sepal width", "sepal width"),
        ("a.b/c", "a.b/c"),
        ("it's", "\"it's\""),
        ("it's", "'it''s'"),
        ("'\"", "'''\"'"),
        ("a,b", "'a,b'"),
        ("back\\slash", "'back\\slash'"),
        ("line\nbreak", "'line\nbreak'"),
        ("", "''"),
        ("group", "group"),
        ("x // y", "'x // y'"),
    ] {
        let schema = json!({"version": "1.0", "dataFormat": "CSV", "attributes": [{"attributeName": name, "attributeType": "TEXT"}]});
        let schema = Schema::from_json(&schema.to_string()).unwrap();
        let output = format!("ngram({written}, 2)");
        let recipe = Recipe::from_json(&of_output(&output)).unwrap();
        let terms = resolve(&recipe, &schema).unwrap_or_else(|error| panic!("{output}: {error}"));
        let canonical = Recipe::from_json(&of_output(&term_expression(&terms[0], &schema))).unwrap();
        assert_eq!(resolve(&canonical, &schema).unwrap(), terms, "{name}");
    }
}

#[test]
fn functions_nest_to_any_reasonable_depth() {
    let nested = |depth: usize| {
        let output = format!("{}age{}", "normalize(".repeat(depth), ")".repeat(depth));
        resolved(&of_output(&output))
    };
    assert_eq!(nested(64).unwrap(), ["age", "missing(age)"]);
    assert!(
        nested(65)
            .unwrap_err()
            .to_string()
            .contains("nested more than 64 deep")
    );
}

#[test]
fn every_term_is_told_in_words() {
    for (output, expected) in [
        ("age", "one number, scaled to mean 0 and deviation 1"),
        (
            "timestamp(said)",
            "one number, the days since 1970-01-01, scaled to mean 0 and deviation 1",
        ),
        ("member", "one feature that is 0 or 1"),
        ("gender", "one feature for each value seen"),
        ("subject", "one feature for each word seen"),
        (
            "ngram(subject, 3)",
            "one feature for each run of 1 to 3 words seen",
        ),
        (
            "osb(subject, 2)",
            "one feature for each pair of neighbouring words seen",
        ),
        (
            "osb(subject, 4)",
            "one feature for each pair of words seen within 4 words",
        ),
        (
            "quantile_bin(age, 20)",
            "one feature for each of up to 20 bins of equal population",
        ),
        ("month(said)", "one feature for each month seen"),
        (
            "cartesian(gender, member)",
            "one feature for each combination seen of 2 tokens",
        ),
    ] {
        let recipe = Recipe::from_json(&of_output(output)).unwrap();
        assert_eq!(term_meaning(&resolve(&recipe, &schema()).unwrap()[0]), expected);
    }
    let missing = Term::Missing { attribute: AGE };
    assert_eq!(
        term_meaning(&missing),
        "one feature that is 1 where the value is missing or unreadable"
    );
}
