//! A recipe as it was written: sections of expressions in text form, which know where they stood.

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};
use serde_json::Value;

use super::ast::Offset;
use super::error::{Place, Position, Problem, RecipeError};
use super::json::{self, Reading};

/// Longest recipe in characters.
const MOST_CHARACTERS: usize = 131_071;

/// A recipe: names for groups and intermediate results, and what is learned from.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(try_from = "Value")]
pub struct Recipe {
    /// Names for lists of attributes, in order.
    pub groups: Vec<Definition>,
    /// Names for intermediate results, in order.
    pub assignments: Vec<Definition>,
    /// What is learned from.
    pub outputs: Vec<Source>,
}

/// A name for an expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The name.
    pub name: String,
    /// What it stands for.
    pub expression: Source,
}

impl Definition {
    /// A definition that stands nowhere in particular.
    pub fn new(name: impl Into<String>, expression: impl Into<Source>) -> Self {
        Definition {
            name: name.into(),
            expression: expression.into(),
        }
    }
}

/// The text of one expression. Equal to another when the text is, wherever it stands.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// The expression as written, with its comment.
    pub text: String,
    /// Where it stands in a JSON text of several lines.
    pub(super) origin: Option<Origin>,
}

/// Where a string stands in a JSON text.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// Its first character, behind the opening quote.
    pub start: Position,
    /// The string as JSON writes it, if that differs from what it says.
    pub raw: Option<String>,
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<T: Into<String>> From<T> for Source {
    fn from(text: T) -> Self {
        Source {
            text: text.into(),
            origin: None,
        }
    }
}

impl Source {
    /// A problem at `at` in this expression, which is the one at `place`.
    pub(super) fn problem(&self, place: Place, at: Offset, message: impl Into<String>) -> Problem {
        let before = self.text.get(..at.0).unwrap_or(&self.text).chars().count();
        let position = self.origin.as_ref().map(|origin| {
            let written = origin
                .raw
                .as_deref()
                .map_or(before, |raw| json::written(raw, at.0));
            Position {
                line: origin.start.line,
                // No string of JSON goes over several lines.
                column: origin.start.column + written,
            }
        });
        Problem {
            place,
            column: Some(before + 1),
            position,
            message: message.into(),
        }
    }
}

impl Recipe {
    /// Reads a recipe from its JSON text. What is wrong with its sections and entries is found here, all at
    /// once; its expressions are left for [`Tree::parse`](super::Tree::parse) and
    /// [`resolve`](super::resolve::resolve).
    pub fn from_json(text: &str) -> Result<Self, RecipeError> {
        let reading = Recipe::read(text)?;
        reading.problems.or_ok()?;
        Ok(reading.recipe)
    }

    /// Reads a recipe from a JSON value, as [`from_json`](Recipe::from_json) does from text.
    pub fn from_value(value: &Value) -> Result<Self, RecipeError> {
        Recipe::from_json(&value.to_string())
    }

    /// What can be understood of a text, and what is wrong with the rest.
    pub(super) fn read(text: &str) -> Result<Reading, RecipeError> {
        if text.chars().nth(MOST_CHARACTERS).is_some() {
            return Err(RecipeError::from(Problem {
                place: Place::Recipe,
                column: None,
                position: None,
                message: format!(
                    "the text is longer than {MOST_CHARACTERS} characters; use groups, or fewer outputs"
                ),
            }));
        }
        json::read(text)
    }
}

impl TryFrom<Value> for Recipe {
    type Error = RecipeError;

    /// The recipe of a stored document. It was judged when it came, so that its length no longer matters.
    fn try_from(value: Value) -> Result<Self, RecipeError> {
        let reading = json::read(&value.to_string())?;
        reading.problems.or_ok()?;
        Ok(reading.recipe)
    }
}

impl Serialize for Recipe {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sections = serializer.serialize_struct("Recipe", 3)?;
        sections.serialize_field("groups", &Section(&self.groups))?;
        sections.serialize_field("assignments", &Section(&self.assignments))?;
        let outputs: Vec<&str> = self.outputs.iter().map(|source| source.text.as_str()).collect();
        sections.serialize_field("outputs", &outputs)?;
        sections.end()
    }
}

struct Section<'a>(&'a [Definition]);

impl Serialize for Section<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries = serializer.serialize_map(Some(self.0.len()))?;
        for definition in self.0 {
            entries.serialize_entry(&definition.name, &definition.expression.text)?;
        }
        entries.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_is_written_as_it_was_read() {
        let text = r#"{"groups":{"G":"group(a)"},"assignments":{},"outputs":["G // both","b"]}"#;
        let recipe = Recipe::from_json(text).unwrap();
        assert_eq!(serde_json::to_string(&recipe).unwrap(), text);
        let again: Recipe = serde_json::from_str(text).unwrap();
        assert_eq!(again, recipe);
        let value = serde_json::from_str(text).unwrap();
        assert_eq!(Recipe::from_value(&value).unwrap(), recipe);
        assert!(serde_json::from_str::<Recipe>(r#"{"outputs":[1]}"#).is_err());
    }

    #[test]
    fn columns_count_what_is_written() {
        let text = "{\n\"outputs\": [\"é\\u00e9\\\"\\ud83d\\ude00x(\"]\n}";
        let recipe = Recipe::from_json(text).unwrap();
        let source = &recipe.outputs[0];
        assert_eq!(source.text, "éé\"😀x(");
        for (offset, column, written) in [
            (0, 1, 14),
            (2, 2, 15),
            (4, 3, 21),
            (5, 4, 23),
            (9, 5, 35),
            (11, 7, 37),
        ] {
            let problem = source.problem(Place::Output(0), Offset(offset), "no");
            assert_eq!(problem.column, Some(column));
            let position = Position {
                line: 2,
                column: written,
            };
            assert_eq!(problem.position, Some(position), "{offset}");
        }
    }

    #[test]
    fn too_long_a_text_is_refused() {
        let text = format!(r#"{{"outputs":["{}"]}}"#, "é".repeat(MOST_CHARACTERS));
        let error = Recipe::from_json(&text).unwrap_err().to_string();
        assert!(error.starts_with("the recipe: the text is longer than 131071 characters"));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(
            Recipe::try_from(value).is_ok(),
            "a stored recipe is not judged again"
        );
    }
}
