//! `yosoku recipe`: what it prints about a recipe that fits, and all that it says about one that does not.

use std::fs;

use serde_json::json;

use crate::support::{Ran, run, text, yosoku};

const SCHEMA: &str = r#"{"version": "1.0", "targetAttributeName": "late", "dataFormat": "CSV", "attributes": [
    {"attributeName": "age", "attributeType": "NUMERIC"}, {"attributeName": "ship to", "attributeType": "CATEGORICAL"},
    {"attributeName": "note", "attributeType": "TEXT"}, {"attributeName": "late", "attributeType": "BINARY"}]}"#;

fn checked(recipe: &str, flags: &[&str]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("schema.json"), SCHEMA).unwrap();
    fs::write(folder.path().join("recipe.json"), recipe).unwrap();
    let args = ["recipe", "check", "schema.json", "recipe.json"];
    run(yosoku(args.iter().chain(flags)).current_dir(folder.path()))
}

const RECIPE: &str = r#"{"outputs": ["ngram(lowercase('note'),2) // runs", "band", "cartesian(band, 'ship to')"],
    "assignments": {"band": "quantile_bin(age,10)"}}"#;

#[test]
fn a_recipe_that_fits_is_printed_with_what_it_becomes() {
    let printed = text(&checked(RECIPE, &[]).ok());
    let expected = r#"{
  "groups": {},
  "assignments": {
    "band": "quantile_bin(age, 10)"
  },
  "outputs": [
    "ngram(lowercase(note), 2)",
    "band",
    "cartesian(band, 'ship to')"
  ]
}

4 outputs

output                                      what it becomes                                            reads
ngram(lowercase(note), 2)                   one feature for each run of 1 to 2 words seen              note
quantile_bin(age, 10)                       one feature for each of up to 10 bins of equal population  age
cartesian(quantile_bin(age, 10), 'ship to')  one feature for each combination seen of 2 tokens          age, 'ship to'
missing(age)                                one feature that is 1 where the value is missing or unreadable  age
"#;
    // Only the order of lines and cells matters, not how wide the columns are.
    let cells = |text: &str| -> Vec<String> {
        text.lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    };
    assert_eq!(cells(&printed), cells(expected), "{printed}");
}

#[test]
fn the_same_comes_as_one_json_document() {
    let document = checked(RECIPE, &["--json"]).json();
    assert_eq!(document["recipe"]["outputs"][0], "ngram(lowercase(note), 2)");
    assert_eq!(
        document["outputs"][2],
        json!({
            "expression": "cartesian(quantile_bin(age, 10), 'ship to')",
            "meaning": "one feature for each combination seen of 2 tokens",
            "attributes": ["age", "ship to"],
        })
    );
    assert_eq!(document["outputs"].as_array().unwrap().len(), 4);
}

#[test]
fn everything_wrong_is_said_with_line_and_column() {
    let recipe = "{\n  \"groups\": {\"G\": \"group(noet)\"},\n  \"outputs\": [\n    \"lowercase(G\",\n    \"cartesian('ship to', age)\"\n  ]\n}\n";
    let ran = checked(recipe, &[]);
    assert_eq!(ran.code, Some(4), "{}", ran.err);
    assert!(ran.out.is_empty());
    assert_eq!(
        ran.err,
        "error: `recipe.json`: the recipe has 3 problems
  groups.G, column 7 (line 2:26): unknown attribute `noet`; did you mean `note`?
  outputs[0], column 12 (line 4:17): a comma or a closing parenthesis is expected here
  outputs[1], column 22 (line 5:27): cartesian needs CATEGORICAL, TEXT or BINARY, and `age` is NUMERIC; bin it first: quantile_bin(age, 10) [invalid_recipe]
"
    );
}

#[test]
fn a_text_that_is_no_recipe_is_refused() {
    for (recipe, expected) in [
        (
            "{\"outputs\": [",
            "error: `recipe.json`: line 1:13: the text is not JSON",
        ),
        ("{}", "error: `recipe.json`: outputs: the section is missing"),
    ] {
        let ran = checked(recipe, &["--json"]);
        assert_eq!(ran.code, Some(4));
        assert!(ran.err.starts_with(expected), "{}", ran.err);
    }
}
