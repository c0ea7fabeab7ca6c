//! Recipes as text: what is understood, and that every mistake is named with its place.

use super::*;

fn problems(text: &str) -> String {
    match Recipe::from_json(text) {
        Ok(recipe) => format!("{recipe:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn sections_come_in_any_order_and_some_may_be_missing() {
    let text = "\u{feff} {\"outputs\" : [ \"a\" , \"b\" ], \"dependencies\": {\"x\": [{\"]\": \"}\\\"\"}, 1]}, \
            \"assignments\":{ }, \"groups\": {\"\\u0047\": \"group(a)\"} } ";
    let recipe = Recipe::from_json(text).unwrap();
    assert_eq!(recipe.groups, [Definition::new("G", "group(a)")]);
    assert!(recipe.assignments.is_empty());
    assert_eq!(recipe.outputs, ["a".into(), "b".into()]);
}

#[test]
fn all_that_is_wrong_is_named_with_its_line() {
    let text = "{\n  \"groups\": {\"A\": 1,\n    \"B\": \"x\", \"B\": \"y\", \"\": \"z\"},\n  \"outputs\": [\"é\", null,\n   {\"a\": [1]}],\n  \"output\": [],\n  \"groups\": {}\n}";
    assert_eq!(
        problems(text),
        "the recipe has 6 problems
  groups.A (line 2:19): an expression in quotes is expected, not a number
  groups.B (line 3:20): the name is defined twice; give one of them another name
  groups.'' (line 3:29): a name has 1 to 64 characters; choose another
  outputs[1] (line 4:20): an expression in quotes is expected, not null
  outputs[2] (line 5:4): an expression in quotes is expected, not an object
  output (line 6:13): there is no such section; did you mean `outputs`?
  groups (line 7:13): the section is given twice; put both into one"
            .replace("6 problems", "7 problems")
    );
}

#[test]
fn what_is_no_recipe_is_said() {
    for (text, expected) in [
        (
            "{\"outputs\": [\"é\" 1]}",
            "line 1:18: the text is not JSON: expected `,` or `]`; a recipe is a JSON object with `groups`, `assignments` and `outputs`",
        ),
        (
            "[1]",
            "the recipe: this is a list; a recipe is a JSON object with `groups`, `assignments` and `outputs`",
        ),
        (
            "{}",
            "outputs: the section is missing; list what is learned from, for example [\"ALL_INPUTS\"]",
        ),
        (
            "{\"outputs\": []}",
            "outputs: the list is empty; list what is learned from, for example [\"ALL_INPUTS\"]",
        ),
        (
            "{\"outputs\": \"x\"}",
            "outputs: a list of expressions in quotes is expected, not a text",
        ),
        (
            "{\"groups\": [], \"outputs\": [\"x\"]}",
            "groups: an object is expected, not a list",
        ),
        (
            "{\"outputs\": [\"\\ud800\"]}",
            "outputs[0]: the text is not Unicode",
        ),
    ] {
        assert_eq!(problems(text), expected, "{text}");
    }
    assert!(problems("").contains("line 1:1: the text is not JSON: EOF"));
}
