//! Recipes: no text whatever brings the parser down, and the suggested recipe can always be used.

use proptest::prelude::*;
use yosoku::ml::ingest::{HeaderMode, Options};
use yosoku::ml::observe::Silent;
use yosoku::ml::pipeline::train;
use yosoku::ml::recipe::term::{NumberSource, Tokens};
use yosoku::ml::recipe::{Recipe, Term, check};
use yosoku::ml::schema::Schema;
use yosoku::ml::split::Split;

use crate::support::{MadeTable, request};

fn schema() -> Schema {
    Schema::from_json(
        r#"{"version":"1.0","targetAttributeName":"y","rowId":"id","dataFormat":"CSV","attributes":[
        {"attributeName":"age","attributeType":"NUMERIC"},{"attributeName":"pay","attributeType":"NUMERIC"},
        {"attributeName":"city","attributeType":"CATEGORICAL"},{"attributeName":"note","attributeType":"TEXT"},
        {"attributeName":"member","attributeType":"BINARY"},{"attributeName":"id","attributeType":"CATEGORICAL"},
        {"attributeName":"y","attributeType":"BINARY"}]}"#,
    )
    .unwrap()
}

fn checked(outputs: &[String], groups: &[(String, String)]) -> Result<Vec<Term>, String> {
    let groups: serde_json::Map<String, serde_json::Value> = groups
        .iter()
        .map(|(name, text)| (name.clone(), text.clone().into()))
        .collect();
    let text = serde_json::json!({"groups": groups, "outputs": outputs}).to_string();
    let recipe = Recipe::from_json(&text).map_err(|error| error.to_string())?;
    check(&recipe, &schema()).map_err(|error| {
        assert_eq!(error.code(), "invalid_recipe");
        error.to_string()
    })
}

/// Pieces that make texts which are nearly recipes.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "age",
        "pay",
        "city",
        "note",
        "member",
        "id",
        "y",
        "G",
        "ALL_NUMERIC",
        "ALL_INPUTS",
        "ALL_TEXT",
        "group",
        "group_remove",
        "normalize",
        "quantile_bin",
        "(",
        ")",
        ",",
        "(",
        ")",
        ",",
        "'",
        "\"",
        "//",
        " ",
        "3",
        "20",
        "99999999999",
        "-",
        "é",
        "\n",
        "\\",
    ]);
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_brings_the_parser_down(text in "\\PC{0,60}", expression in "\\PC{0,40}") {
        let _ = Recipe::from_json(&text);
        let _ = checked(&[expression], &[]);
    }

    #[test]
    fn nearly_right_texts_are_used_or_refused_with_a_place(outputs in prop::collection::vec(nearly(), 0..4), group in nearly()) {
        match checked(&outputs, &[("G".into(), group)]) {
            Ok(terms) => {
                prop_assert!(!terms.is_empty());
                prop_assert!(terms.iter().all(|term| term.attributes().iter().all(|&attribute| attribute < 5)), "{terms:?}");
            }
            Err(message) => prop_assert!(message.starts_with("groups.G") || message.starts_with("outputs"), "{message}"),
        }
    }
}

#[test]
fn what_cannot_be_used_is_named_with_its_place() {
    let error = |output: &str| checked(&[output.to_string()], &[]).unwrap_err();
    for (output, expected) in [
        (
            "agee",
            "outputs[0]: unknown attribute or group `agee`; did you mean `age`?",
        ),
        ("id", "outputs[0]: `id` is the target, the row id or excluded"),
        ("quantile_bin(age)", "outputs[0]: quantile_bin takes"),
        ("quantile_bin(age, 1)", "outputs[0]: quantile_bin takes"),
        (
            "quantile_bin(city, 5)",
            "outputs[0]: quantile_bin needs a NUMERIC attribute",
        ),
        (
            "normalize(age",
            "outputs[0], column 14: a comma or a closing parenthesis",
        ),
        (
            "normalise(age)",
            "outputs[0]: unknown function `normalise`; did you mean `normalize`?",
        ),
    ] {
        assert!(error(output).starts_with(expected), "{output}: {}", error(output));
    }
    assert!(
        Recipe::from_json("{\"outputs\": [\"a\"")
            .unwrap_err()
            .to_string()
            .contains("line 1 column")
    );
    assert!(
        Recipe::from_json("{}")
            .unwrap_err()
            .to_string()
            .contains("outputs")
    );
}

/// Outputs that multiply are refused once they are too many, not collected first.
#[test]
fn a_recipe_that_explodes_is_refused() {
    let attributes: Vec<serde_json::Value> = (0..1000)
        .map(|i| serde_json::json!({"attributeName": format!("n{i}"), "attributeType": "NUMERIC"}))
        .collect();
    let schema =
        serde_json::json!({"version": "1.0", "dataFormat": "CSV", "attributes": attributes}).to_string();
    let schema = Schema::from_json(&schema).unwrap();
    let outputs: Vec<String> = (2..=900)
        .map(|bins| format!("quantile_bin(ALL_NUMERIC, {bins})"))
        .collect();
    let recipe = Recipe::from_json(&serde_json::json!({"outputs": outputs}).to_string()).unwrap();
    let message = check(&recipe, &schema).unwrap_err().to_string();
    assert!(
        message.contains("more than the 10000 outputs allowed"),
        "{message}"
    );
}

/// Column names may hold anything a header can; the recipe suggested for them must still be usable.
#[test]
fn the_suggested_recipe_can_be_used_whatever_the_columns_are_called() {
    for name in [
        "age",
        "hours-per-week",
        "sepal width",
        "a,b",
        "it's",
        "say \"\"hi\"\"",
        "both ' and \"\"",
        "12",
        "a//b",
        "(x)",
        "NUMERIC_VARS_QB_10",
        "ALL_NUMERIC",
        "ünï",
        "a\nb",
        "-",
        "back\\slash",
        "quantile_bin(age, 3)",
    ] {
        let rows: String = (0..2500)
            .map(|i| format!("{},{},{}\n", i * 7 % 90, i % 11, i * 7 % 90 > 45))
            .collect();
        let text = format!("\"{name}\",other,y\n{rows}");
        let table = MadeTable {
            make: || std::io::Cursor::new(text.clone().into_bytes()),
            options: Options {
                header: HeaderMode::Yes,
                ..Options::default()
            },
        };
        let trained = train(&table, &request("y", Split::all()), &mut Silent)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let (recipe, schema) = (&trained.bundle.document.recipe, &trained.bundle.document.schema);
        let terms = check(recipe, schema).unwrap();
        assert!(
            terms.contains(&Term::Number(NumberSource::Attribute(0))),
            "{name}: {recipe:?}"
        );
        assert!(
            terms.contains(&Term::Tokens(Tokens::Bin {
                number: NumberSource::Attribute(1),
                bins: 10
            })),
            "{name}: {recipe:?}"
        );
        let again = Recipe::from_json(&serde_json::to_string(recipe).unwrap()).unwrap();
        assert_eq!(check(&again, schema).unwrap(), terms, "{name}");
    }
}
