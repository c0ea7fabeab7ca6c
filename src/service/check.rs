//! Checks of single fields that several use cases share. Nothing here looks anything up.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use super::error::{Error, FieldProblem};
use crate::domain::ids::{DatasetName, EntityId, InvalidName, check_name};
use crate::ml::recipe::{Problem, Recipe, RecipeError, Tree, resolve_text};
use crate::ml::schema::{Schema, SchemaError, shape, undeclared};
use crate::ml::split::{Split, SplitError};

/// An identifier in the field `pointer`.
pub(super) fn id(pointer: &str, text: &str) -> Result<EntityId, Error> {
    EntityId::new(text).map_err(|e| Error::field(pointer, "invalid_id", e.to_string()))
}

/// A dataset's name in the field `pointer`.
pub(super) fn dataset_name(pointer: &str, text: &str) -> Result<DatasetName, Error> {
    DatasetName::new(text).map_err(|e| Error::field(pointer, "invalid_id", e.to_string()))
}

/// A name that breaks a rule, in the field `pointer`.
pub(super) fn invalid_name(pointer: &str, error: &InvalidName) -> Error {
    Error::field(pointer, "invalid_id", error.to_string())
}

/// The free text name; empty when not given.
pub(super) fn name(text: Option<&String>) -> Result<String, Error> {
    let text = text.cloned().unwrap_or_default();
    check_name(&text).map_err(|e| Error::field("/name", "invalid_value", e.to_string()))?;
    Ok(text)
}

/// A text that, where given, says something.
pub(super) fn filled(pointer: &str, text: Option<&String>) -> Result<(), Error> {
    match text {
        Some(text) if text.trim().is_empty() => Err(Error::field(
            pointer,
            "invalid_value",
            format!("{} is empty; leave it out or fill it in", &pointer[1..]),
        )),
        _ => Ok(()),
    }
}

/// `auto`, `yes` or `no`.
pub(super) fn header(text: Option<&String>) -> Result<(), Error> {
    match text.map(String::as_str) {
        None | Some("auto" | "yes" | "no") => Ok(()),
        Some(other) => Err(Error::field(
            "/header",
            "invalid_value",
            format!("header is `{other}`; use auto, yes or no"),
        )),
    }
}

/// A document of the type `T`; what does not fit is named by its place.
fn document<T: DeserializeOwned>(pointer: &str, code: &'static str, value: &Value) -> Result<T, Error> {
    if !value.is_object() {
        // A derived reader would take a list of values without names too.
        let message = format!("`{pointer}` must be a JSON object");
        return Err(Error::field(pointer, code, message));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let at = format!("{pointer}{}", segments(error.path()));
        let message = format!("`{at}` cannot be read: {}", error.inner());
        Error::field(at, code, message)
    })
}

fn segments(path: &Path) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => text.push_str(&format!("/{index}")),
            Segment::Map { key } => text.push_str(&format!("/{}", escaped(key))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    text
}

/// A name as one segment of a JSON pointer.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The schema in the field `/schema`, in itself consistent.
pub(super) fn schema(value: Option<&Value>) -> Result<Option<Schema>, Error> {
    let Some(value) = value else { return Ok(None) };
    let problems = shape::problems(value).into_iter();
    all(problems
        .map(|(pointer, message)| FieldProblem::new(format!("/schema{pointer}"), "invalid_schema", message))
        .collect())?;
    let schema: Schema = document("/schema", "invalid_schema", value)?;
    if schema.attributes.is_empty() {
        let message = "the schema declares no attributes; list one for each column";
        return Err(Error::field("/schema/attributes", "invalid_schema", message));
    }
    schema
        .check()
        .map_err(|e| Error::field(schema_pointer(&e), e.code(), e.to_string()))?;
    Ok(Some(schema))
}

fn schema_pointer(error: &SchemaError) -> &'static str {
    match error {
        SchemaError::Duplicate(_) => "/schema/attributes",
        SchemaError::Undeclared { role: "target", .. } => "/schema/targetAttributeName",
        SchemaError::Undeclared { role: "rowId", .. } => "/schema/rowId",
        SchemaError::Undeclared { .. } => "/schema/excludedAttributeNames",
        _ => "/schema",
    }
}

/// The target in the field `/target` is a column of the schema, where one is given.
pub(super) fn target(target: Option<&String>, schema: Option<&Schema>) -> Result<(), Error> {
    filled("/target", target)?;
    let (Some(target), Some(schema)) = (target, schema) else {
        return Ok(());
    };
    if schema.index_of(target).is_some() {
        return Ok(());
    }
    let names = schema.attributes.iter().map(|a| a.name.as_str());
    let error = undeclared("target", target, names);
    Err(Error::field("/target", error.code(), error.to_string()))
}

/// The split in the field `/split`: in itself, and its column where the schema is known. `target` is the
/// column to predict, if there is one.
pub(super) fn split(
    value: Option<&Value>,
    schema: Option<&Schema>,
    target: Option<&String>,
) -> Result<(), Error> {
    let Some(value) = value else { return Ok(()) };
    let named = target.or(schema.and_then(|schema| schema.target.as_ref()));
    let split = readable_split(value)?;
    let applied = split.for_target(named.map(String::as_str));
    match (&applied.column, schema) {
        (None, _) if applied.strategy.uses_column() => {
            let problem =
                "a stratified split goes by the target if it names no column; name a column, or the target";
            Err(split_error(SplitError::invalid("/column", problem)))
        }
        (Some(column), Some(schema)) if schema.index_of(column).is_none() => {
            let names = schema.attributes.iter().map(|a| a.name.as_str());
            Err(split_error(SplitError::unknown_column(column, names)))
        }
        _ => Ok(()),
    }
}

/// The split in the field `/split`, in itself.
pub(super) fn readable_split(value: &Value) -> Result<Split, Error> {
    Split::from_json(value).map_err(split_error)
}

fn split_error(error: SplitError) -> Error {
    let at = format!("/split{}", error.field());
    Error::field(at.clone(), error.code(), format!("`{at}`: {error}"))
}

/// The recipe in the field `/recipe`: its expressions, and the names in them where the schema is known. Every
/// problem gets a place of its own.
pub(super) fn recipe(value: Option<&Value>, schema: Option<&Schema>) -> Result<(), Error> {
    let Some(value) = value else { return Ok(()) };
    let judged = match schema {
        Some(schema) => resolve_text(&value.to_string(), schema).map(drop),
        None => Recipe::from_value(value).and_then(|recipe| Tree::parse(&recipe).map(drop)),
    };
    judged.or_else(|error| all(recipe_problems(&error)))
}

fn recipe_problems(error: &RecipeError) -> Vec<FieldProblem> {
    let field = |problem: &Problem| {
        let pointer = format!("/recipe{}", problem.place.pointer());
        let told = problem.to_string();
        let told = told.strip_prefix("the recipe: ").unwrap_or(&told);
        FieldProblem::new(pointer, error.code(), format!("recipe: {told}"))
    };
    error.problems.iter().map(field).collect()
}

/// Problems of several fields of one request as one error.
pub(super) fn all(problems: Vec<FieldProblem>) -> Result<(), Error> {
    let Some(first) = problems.first() else {
        return Ok(());
    };
    Err(Error::InvalidInput {
        code: first.code,
        message: first.detail.clone(),
        problems,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Where the problems of a recipe are.
    fn pointers(value: &Value, schema: Option<&Schema>) -> Vec<String> {
        match recipe(Some(value), schema) {
            Err(Error::InvalidInput { code, problems, .. }) => {
                assert_eq!(code, "invalid_recipe");
                problems.into_iter().map(|problem| problem.pointer).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_problem_of_a_recipe_has_a_place_of_its_own() {
        let schema = r#"{"version": "1.0", "dataFormat": "CSV", "attributes": [{"attributeName": "a", "attributeType": "TEXT"}]}"#;
        let schema = Schema::from_json(schema).unwrap();
        let value = json!({"groups": {"x/y": "group(b)"}, "assignments": {"z": "f("}, "outputs": ["a", 5, "normalize(a)"]});
        let with_schema = [
            "/recipe/outputs/1",
            "/recipe/groups/x~1y",
            "/recipe/assignments/z",
            "/recipe/outputs/2",
        ];
        assert_eq!(pointers(&value, Some(&schema)), with_schema);
        assert_eq!(pointers(&value, None), ["/recipe/outputs/1"]);
        let value = json!({"assignments": {"z": "f("}, "outputs": ["'a"]});
        assert_eq!(
            pointers(&value, None),
            ["/recipe/assignments/z", "/recipe/outputs/0"]
        );
        assert_eq!(pointers(&json!([1]), None), ["/recipe"]);
    }
}
