//! Recipes: what the language means, what is said about mistakes, that no text whatever brings it down, and that
//! the suggested recipe can always be used.

mod documentation;
mod language;
mod mistakes;
mod properties;

use serde_json::json;
use yosoku::ml::ingest::{HeaderMode, Options};
use yosoku::ml::observe::Silent;
use yosoku::ml::pipeline::train;
use yosoku::ml::recipe::term::{NumberSource, Tokens};
use yosoku::ml::recipe::{Recipe, RecipeError, Term, resolve, resolve_text, term_expression};
use yosoku::ml::schema::Schema;
use yosoku::ml::split::Split;

use crate::fuzz::recipe::schema;
use crate::support::{MadeTable, request};

/// The canonical expressions of what a recipe becomes, or what is wrong with it.
fn resolved(recipe: &str) -> Result<Vec<String>, RecipeError> {
    let schema = schema();
    let (recipe, terms) = resolve_text(recipe, &schema)?;
    assert_eq!(resolve(&recipe, &schema).unwrap(), terms);
    Ok(terms.iter().map(|term| term_expression(term, &schema)).collect())
}

/// A recipe of one output.
fn of_output(output: &str) -> String {
    json!({ "outputs": [output] }).to_string()
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
    let message = resolve(&recipe, &schema).unwrap_err().to_string();
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
        "'\"\"'",
        "ALL_NUMERIC",
        "ünï",
        "a\nb",
        "-",
        "back\\slash",
        "quantile_bin(age, 3)",
    ] {
        let rows: String = (0..2500)
            .map(|i| (i, i * 7 % 90, i % 11))
            .map(|(i, a, b)| format!("{a},{b},{}\n", ((a > 30 && a < 60) != (b == 5)) != (i % 13 == 0)))
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
        let terms = resolve(recipe, schema).unwrap();
        let of_all: Vec<usize> = terms.iter().flat_map(Term::attributes).collect();
        assert!(of_all.contains(&0) && of_all.contains(&1), "{name}: {recipe:?}");
        assert!(
            terms.contains(&Term::Tokens(Tokens::Bin {
                number: NumberSource::Attribute(0),
                bins: 20
            })),
            "{name}: {recipe:?}"
        );
        let bins = terms
            .iter()
            .filter(|term| matches!(term, Term::Tokens(Tokens::Bin { .. })));
        assert_eq!(bins.count(), 2, "{name}: {recipe:?}");
        let again = Recipe::from_json(&serde_json::to_string(recipe).unwrap()).unwrap();
        assert_eq!(resolve(&again, schema).unwrap(), terms, "{name}");
    }
}
