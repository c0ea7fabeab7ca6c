//! The documentation of the language: every example in it is resolved and becomes what is written beside it.

use std::path::Path;

use yosoku::ml::recipe::{Recipe, Tree, resolve_text, term_expression};
use yosoku::ml::schema::Schema;

/// The fenced blocks of a document: the word behind the fence, and the lines.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(kind) => {
                inside = !inside;
                if inside {
                    found.push((kind.to_string(), String::new()));
                }
            }
            None if inside => {
                let block = &mut found.last_mut().unwrap().1;
                block.push_str(line);
                block.push('\n');
            }
            None => {}
        }
    }
    found
}

fn becomes(recipe: &str, schema: &Schema) -> Result<String, String> {
    let (_, terms) = resolve_text(recipe, schema).map_err(|error| error.to_string())?;
    let written: Vec<String> = terms.iter().map(|term| term_expression(term, schema)).collect();
    let told: Vec<String> = written
        .into_iter()
        .filter(|e| !e.starts_with("missing("))
        .collect();
    Ok(told.join(" | "))
}

#[test]
fn every_example_becomes_what_is_written_beside_it() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/recipes.md")).unwrap();
    let blocks = blocks(&text);
    let schema = &blocks
        .iter()
        .find(|(_, block)| block.contains("attributeName"))
        .unwrap()
        .1;
    let schema = Schema::from_json(schema).unwrap();
    let (mut recipes, mut lines) = (0, 0);
    for (kind, block) in &blocks {
        if kind == "json" && block.contains("outputs") {
            recipes += 1;
            becomes(block, &schema).unwrap_or_else(|error| panic!("{block}\n{error}"));
            Tree::parse(&Recipe::from_json(block).unwrap()).unwrap();
        }
        if kind == "text" {
            for line in block.lines() {
                let (output, expected) = line.split_once('→').unwrap_or_else(|| panic!("{line}"));
                let recipe = super::of_output(output.trim());
                match (becomes(&recipe, &schema), expected.trim().strip_prefix("error: ")) {
                    (Ok(found), None) => assert_eq!(found, expected.trim(), "{line}"),
                    (Err(error), Some(message)) => assert!(error.ends_with(message), "{line}\n{error}"),
                    (found, _) => panic!("{line}\n{found:?}"),
                }
                lines += 1;
            }
        }
    }
    assert!(
        recipes >= 2 && lines >= 20,
        "the examples went missing: {recipes}, {lines}"
    );
}
