//! Recipes: every text is resolved or refused with a place; printing and parsing are inverse, and neither changes
//! what a recipe means.

use std::collections::HashSet;

use serde_json::{Value, json};
use yosoku::ml::recipe::{
    Recipe, RecipeError, Term, Tree, resolve, resolve_text, term_attributes, term_expression, term_meaning,
};
use yosoku::ml::schema::Schema;

/// Reads a text as a recipe and resolves it against [`schema`].
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let schema = schema();
    let at_once = resolve_text(text, &schema);
    if let Err(error) = &at_once {
        is_placed(error, text);
    }
    let recipe = match Recipe::from_json(text) {
        Ok(recipe) => recipe,
        Err(error) => {
            is_placed(&error, text);
            assert!(at_once.is_err(), "{text}");
            return;
        }
    };
    let written = serde_json::to_string(&recipe).unwrap();
    assert_eq!(Recipe::from_json(&written).as_ref(), Ok(&recipe), "{written}");
    let tree = match Tree::parse(&recipe) {
        Ok(tree) => tree,
        Err(error) => {
            is_placed(&error, text);
            assert!(at_once.is_err(), "{text}");
            return;
        }
    };
    let canonical = printed(&tree);
    let terms = resolve(&recipe, &schema);
    match (at_once, &terms) {
        (Ok((read, at_once)), Ok(terms)) => {
            assert_eq!((&read, &at_once), (&recipe, terms), "{text}");
            can_be_written(terms, &schema);
        }
        (at_once, terms) => assert_eq!(at_once.err().as_ref(), terms.as_ref().err(), "{text}"),
    }
    let meant = resolve(&canonical, &schema);
    assert_eq!(meant.ok(), terms.ok(), "{text}");
}

/// The canonical form of a recipe, which must be stable.
fn printed(tree: &Tree) -> Recipe {
    let printed = tree.to_string();
    let recipe = Recipe::from_json(&printed).unwrap();
    let again = Tree::parse(&recipe).unwrap();
    assert_eq!(&again, tree, "{printed}");
    assert_eq!(again.to_string(), printed);
    recipe
}

/// A term's expression is the term, and so may serve as its identity.
pub fn can_be_written(terms: &[Term], schema: &Schema) {
    assert!(!terms.is_empty());
    let mut seen = HashSet::new();
    for term in terms {
        let written = term_expression(term, schema);
        assert!(!term_meaning(term).is_empty());
        let attributes = term_attributes(term, schema);
        assert!(
            attributes
                .iter()
                .all(|name| schema.index_of(name).is_some_and(|index| schema.is_input(index)))
        );
        if !matches!(term, Term::Missing { .. }) {
            let recipe = Recipe::from_json(&json!({ "outputs": [written] }).to_string()).unwrap();
            assert_eq!(&resolve(&recipe, schema).unwrap()[0], term, "{written}");
        }
        assert!(!seen.contains(&written), "{written} stands for two terms");
        seen.insert(written);
    }
}

/// An error says what is wrong and where, within bounds, at places that there are.
pub fn is_placed(error: &RecipeError, text: &str) {
    assert_eq!(error.code(), "invalid_recipe");
    assert!(!error.problems.is_empty() && error.problems.len() <= 50);
    let lines: Vec<&str> = text.split('\n').collect();
    for problem in &error.problems {
        assert!(problem.message.chars().count() < 1000, "{problem}");
        if let Some(position) = problem.position {
            let line = lines[position.line - 1];
            assert!(position.column <= line.chars().count() + 1, "{problem}");
        }
    }
}

/// A schema with attributes of every kind, and one for each reason not to learn from an attribute.
pub fn schema() -> Schema {
    let attribute = |name: &str, kind: &str| json!({"attributeName": name, "attributeType": kind});
    let mut attributes: Vec<Value> = [
        ("id", "CATEGORICAL"),
        ("age", "NUMERIC"),
        ("income", "NUMERIC"),
        ("hours-per-week", "NUMERIC"),
        ("gender", "CATEGORICAL"),
        ("colour", "CATEGORICAL"),
        ("subject", "TEXT"),
        ("topic", "TEXT"),
        ("body", "TEXT"),
        ("member", "BINARY"),
        ("secret", "NUMERIC"),
        ("y", "BINARY"),
    ]
    .map(|(name, kind)| attribute(name, kind))
    .to_vec();
    for (name, kind) in [("bought", "CATEGORICAL"), ("said", "TEXT")] {
        let mut date = attribute(name, kind);
        date["dateFormat"] = json!("%Y-%m-%d %H:%M");
        attributes.push(date);
    }
    let schema = json!({
        "version": "1.0", "targetAttributeName": "y", "rowId": "id", "dataFormat": "CSV",
        "attributes": attributes, "excludedAttributeNames": ["secret"],
    });
    Schema::from_json(&schema.to_string()).unwrap()
}
