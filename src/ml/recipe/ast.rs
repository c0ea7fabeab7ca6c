//! The parts of a recipe as plain data, and how they are printed.

use std::fmt;

use super::error::{Place, RecipeError};
use super::parse::parse_expression;
use super::scope::BUILT_IN;
use super::text::{Definition, Recipe, Source};

/// One expression of a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// An attribute, a group or an assignment.
    Name(String, Offset),
    /// The name of a built-in group in quotes: the attribute of that name, or the group where there is none.
    Quoted(String, Offset),
    /// A whole number, as a parameter. Never an expression of its own.
    Integer(u32, Offset),
    /// A function of other expressions.
    Call {
        /// The function's name.
        function: String,
        /// Its arguments.
        arguments: Vec<Expr>,
        /// Where it stands.
        at: Offset,
    },
}

/// Where something stands in the text of its expression, in bytes. Equal to every other, so that expressions
/// are equal when they say the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct Offset(pub usize);

impl PartialEq for Offset {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Offset {}

impl Expr {
    /// A name that stands nowhere in particular. That of a built-in group means the group.
    pub fn name(name: &str) -> Self {
        Expr::Name(name.to_string(), Offset::default())
    }

    /// The name of an attribute, whatever else has that name; it stands nowhere in particular.
    pub fn attribute(name: &str) -> Self {
        Expr::in_quotes(name.to_string(), Offset::default())
    }

    /// A name that is written in quotes at `at`.
    pub(super) fn in_quotes(name: String, at: Offset) -> Self {
        if BUILT_IN.contains(&name.as_str()) {
            Expr::Quoted(name, at)
        } else {
            Expr::Name(name, at)
        }
    }

    /// A parameter that stands nowhere in particular.
    pub fn integer(value: u32) -> Self {
        Expr::Integer(value, Offset::default())
    }

    /// A function that stands nowhere in particular.
    pub fn call(function: &str, arguments: Vec<Expr>) -> Self {
        Expr::Call {
            function: function.to_string(),
            arguments,
            at: Offset::default(),
        }
    }

    /// Where the expression begins.
    pub fn at(&self) -> Offset {
        match self {
            Expr::Name(_, at) | Expr::Quoted(_, at) | Expr::Integer(_, at) | Expr::Call { at, .. } => *at,
        }
    }

    /// Calls `each` with every name of an attribute, group or assignment in it.
    pub fn for_each_name<'a>(&'a self, each: &mut impl FnMut(&'a str)) {
        match self {
            Expr::Name(name, _) | Expr::Quoted(name, _) => each(name),
            Expr::Integer(..) => {}
            Expr::Call { arguments, .. } => {
                arguments.iter().for_each(|argument| argument.for_each_name(each))
            }
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Name(name, _) => f.write_str(&quoted(name)),
            Expr::Quoted(name, _) => write!(f, "'{name}'"),
            Expr::Integer(value, _) => write!(f, "{value}"),
            Expr::Call {
                function, arguments, ..
            } => {
                write!(f, "{function}(")?;
                for (index, argument) in arguments.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{argument}")?;
                }
                f.write_str(")")
            }
        }
    }
}

/// A whole recipe as expressions. Printed, it is the recipe's canonical JSON text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// Names for lists of attributes, in order.
    pub groups: Vec<(String, Expr)>,
    /// Names for intermediate results, in order.
    pub assignments: Vec<(String, Expr)>,
    /// What is learned from.
    pub outputs: Vec<Expr>,
}

impl Tree {
    /// Parses every expression of a recipe. Fails with a problem for each that is not well formed.
    pub fn parse(recipe: &Recipe) -> Result<Self, RecipeError> {
        let mut problems = super::error::Problems::default();
        let mut parsed = |source: &Source, place: Place| match parse_expression(&source.text) {
            Ok(expression) => Some(expression),
            Err(error) => {
                problems.add(|| source.problem(place, error.at, error.message));
                None
            }
        };
        let mut named = |definitions: &[Definition], place: fn(String) -> Place| {
            definitions
                .iter()
                .filter_map(|definition| {
                    let expression = parsed(&definition.expression, place(definition.name.clone()))?;
                    Some((definition.name.clone(), expression))
                })
                .collect()
        };
        let groups = named(&recipe.groups, Place::Group);
        let assignments = named(&recipe.assignments, Place::Assignment);
        let outputs = recipe.outputs.iter().enumerate();
        let outputs = outputs
            .filter_map(|(index, source)| parsed(source, Place::Output(index)))
            .collect();
        problems.or_ok()?;
        Ok(Tree {
            groups,
            assignments,
            outputs,
        })
    }

    /// The recipe with every expression in its canonical form.
    pub fn recipe(&self) -> Recipe {
        let named = |entries: &[(String, Expr)]| {
            entries
                .iter()
                .map(|(name, expression)| Definition::new(name, expression.to_string()))
                .collect()
        };
        Recipe {
            groups: named(&self.groups),
            assignments: named(&self.assignments),
            outputs: self.outputs.iter().map(|e| e.to_string().into()).collect(),
        }
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string_pretty(&self.recipe()).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

/// A name as it must be written in an expression: in quotes unless it starts with a letter and holds none
/// of the characters that mean something. A name that holds quotes of both kinds is written between single
/// quotes, with each single quote in it doubled.
pub fn quoted(name: &str) -> String {
    let means_something = |c: char| matches!(c, ',' | '\'' | '"' | '(' | ')' | '\\');
    let plain = name.starts_with(char::is_alphabetic)
        && !name.contains(|c: char| means_something(c) || c.is_whitespace() || c.is_control())
        && !name.contains("//");
    if plain {
        name.to_string()
    } else if name.contains('\'') && !name.contains('"') {
        format!("\"{name}\"")
    } else {
        format!("'{}'", name.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_must_be() {
        for (name, expected) in [
            ("age", "age"),
            ("hours-per-week", "hours-per-week"),
            ("a.b/c", "a.b/c"),
            ("ünï", "ünï"),
            ("", "''"),
            ("1st", "'1st'"),
            ("12", "'12'"),
            ("-", "'-'"),
            ("a b", "'a b'"),
            ("a\u{a0}b", "'a\u{a0}b'"),
            ("a//b", "'a//b'"),
            ("f(x)", "'f(x)'"),
            ("back\\slash", "'back\\slash'"),
            ("it's", "\"it's\""),
            ("say \"hi\"", "'say \"hi\"'"),
            ("both ' and \"", "'both '' and \"'"),
            ("'\"", "'''\"'"),
        ] {
            assert_eq!(quoted(name), expected);
            assert_eq!(
                parse_expression(expected).unwrap(),
                Expr::name(name),
                "{expected}"
            );
        }
    }

    #[test]
    fn attributes_are_quoted_where_a_group_has_their_name() {
        for name in BUILT_IN {
            let (attribute, group) = (Expr::attribute(name), Expr::name(name));
            assert_eq!(attribute.to_string(), format!("'{name}'"));
            assert_eq!(group.to_string(), name);
            assert_ne!(attribute, group);
            for expression in [attribute, group] {
                assert_eq!(parse_expression(&expression.to_string()).unwrap(), expression);
            }
        }
        assert_eq!(Expr::attribute("age"), Expr::name("age"));
    }

    #[test]
    fn a_recipe_prints_with_all_sections_in_order() {
        let recipe =
            Recipe::from_json(r#"{"outputs":["ngram(  x,2)//c"],"groups":{"G":"group('a','b c')"}}"#)
                .unwrap();
        let printed = Tree::parse(&recipe).unwrap().to_string();
        assert_eq!(
            printed,
            "{\n  \"groups\": {\n    \"G\": \"group(a, 'b c')\"\n  },\n  \"assignments\": {},\n  \"outputs\": [\n    \"ngram(x, 2)\"\n  ]\n}"
        );
    }

    #[test]
    fn every_expression_that_is_not_well_formed_is_named() {
        let recipe =
            Recipe::from_json(r#"{"groups":{"G":"group("},"assignments":{"a":""},"outputs":["x","'y"]}"#)
                .unwrap();
        let error = Tree::parse(&recipe).unwrap_err();
        let places: Vec<String> = error.problems.iter().map(|p| p.place.to_string()).collect();
        assert_eq!(places, ["groups.G", "assignments.a", "outputs[1]"]);
    }
}
