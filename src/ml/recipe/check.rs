//! A recipe and a schema into terms: what exactly becomes features, in which order.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::ast::{Expr, Recipe, quoted};
use super::parse::{RecipeError, parse_expression};
use super::term::{NumberSource, Term, TextSource, Tokens};
use crate::ml::schema::{AttributeType, Schema, nearest};

const FUNCTIONS: [&str; 4] = ["group", "group_remove", "normalize", "quantile_bin"];
/// Bins a `quantile_bin` may ask for.
const BINS: std::ops::RangeInclusive<u32> = 2..=1000;
/// Members that all groups and assignments together may have, so that a short text cannot fill the memory.
const MOST_NAMED: usize = 200_000;
/// Output terms a recipe may have.
const MOST_TERMS: usize = 10_000;

/// Resolves every output of `recipe` against `schema`.
///
/// Fails with the first expression that cannot be used, naming where it stands.
pub fn check(recipe: &Recipe, schema: &Schema) -> Result<Vec<Term>, RecipeError> {
    let mut scope = Scope {
        schema,
        names: HashMap::new(),
    };
    let mut named = 0;
    for (section, entries) in [("groups", &recipe.groups), ("assignments", &recipe.assignments)] {
        for (name, value) in entries {
            let place = format!("{section}.{name}");
            let Value::String(text) = value else {
                return Err(unusable(&place, "an expression in quotes is expected"));
            };
            let expression = parse_expression(text, &place)?;
            let terms = scope.resolve(&expression, &place)?;
            named += terms.len();
            if named > MOST_NAMED {
                return Err(unusable(
                    &place,
                    &format!(
                        "groups and assignments hold more than {MOST_NAMED} members in all; use fewer or smaller ones"
                    ),
                ));
            }
            scope.names.insert(name.clone(), terms);
        }
    }
    let mut distinct = Distinct::default();
    for (index, text) in recipe.outputs.iter().enumerate() {
        let place = format!("outputs[{index}]");
        distinct.add(scope.resolve(&parse_expression(text, &place)?, &place)?, &place)?;
    }
    let mut terms = distinct.terms;
    if terms.is_empty() {
        return Err(unusable(
            "outputs",
            "nothing is left to learn from; list at least one input attribute",
        ));
    }
    add_missing_indicators(&mut terms);
    Ok(terms)
}

/// Terms in order, each once. Refuses too many while they are collected, since a short text can ask for
/// millions.
#[derive(Default)]
struct Distinct {
    terms: Vec<Term>,
    seen: HashSet<Term>,
}

impl Distinct {
    fn add(&mut self, terms: Vec<Term>, place: &str) -> Result<(), RecipeError> {
        for term in terms {
            if self.seen.insert(term.clone()) {
                self.terms.push(term);
            }
        }
        if self.terms.len() > MOST_TERMS {
            let problem = format!("this makes more than the {MOST_TERMS} outputs allowed; list fewer");
            return Err(unusable(place, &problem));
        }
        Ok(())
    }
}

fn add_missing_indicators(terms: &mut Vec<Term>) {
    let mut attributes: Vec<usize> = terms
        .iter()
        .filter(|term| {
            matches!(
                term,
                Term::Number(_) | Term::Tokens(Tokens::Bin { .. }) | Term::Truth { .. }
            )
        })
        .flat_map(Term::attributes)
        .collect();
    attributes.sort_unstable();
    attributes.dedup();
    terms.extend(
        attributes
            .into_iter()
            .map(|attribute| Term::Missing { attribute }),
    );
}

fn unusable(place: &str, problem: &str) -> RecipeError {
    RecipeError::Unusable {
        place: place.to_string(),
        problem: problem.to_string(),
    }
}

struct Scope<'a> {
    schema: &'a Schema,
    names: HashMap<String, Vec<Term>>,
}

impl Scope<'_> {
    fn resolve(&self, expression: &Expr, place: &str) -> Result<Vec<Term>, RecipeError> {
        match expression {
            Expr::Name(name) => self.name(name, place),
            Expr::Integer(value) => Err(unusable(
                place,
                &format!("`{value}` is a number where an attribute is expected"),
            )),
            Expr::Call { function, arguments } => self.call(function, arguments, place),
        }
    }

    fn name(&self, name: &str, place: &str) -> Result<Vec<Term>, RecipeError> {
        if let Some(terms) = self.names.get(name) {
            return Ok(terms.clone());
        }
        let of_kind = |kind: Option<AttributeType>| -> Vec<Term> {
            let wanted = |&index: &usize| kind.is_none_or(|kind| self.schema.attributes[index].kind == kind);
            self.schema
                .inputs()
                .filter(wanted)
                .map(|index| self.bare(index))
                .collect()
        };
        match name {
            "ALL_INPUTS" => return Ok(of_kind(None)),
            "ALL_TEXT" => return Ok(of_kind(Some(AttributeType::Text))),
            "ALL_NUMERIC" => return Ok(of_kind(Some(AttributeType::Numeric))),
            "ALL_CATEGORICAL" => return Ok(of_kind(Some(AttributeType::Categorical))),
            "ALL_BINARY" => return Ok(of_kind(Some(AttributeType::Binary))),
            _ => {}
        }
        match self.schema.index_of(name) {
            Some(index) if self.schema.is_input(index) => Ok(vec![self.bare(index)]),
            Some(_) => Err(unusable(
                place,
                &format!("`{name}` is the target, the row id or excluded, so it cannot be learned from"),
            )),
            None => {
                let names = self
                    .schema
                    .attributes
                    .iter()
                    .map(|a| a.name.as_str())
                    .chain(self.names.keys().map(String::as_str));
                let hint = nearest(name, names)
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                Err(unusable(
                    place,
                    &format!("unknown attribute or group `{name}`{hint}"),
                ))
            }
        }
    }

    fn bare(&self, attribute: usize) -> Term {
        match self.schema.attributes[attribute].kind {
            AttributeType::Numeric => Term::Number(NumberSource::Attribute(attribute)),
            AttributeType::Binary => Term::Truth { attribute },
            AttributeType::Categorical => Term::Tokens(Tokens::Level {
                attribute,
                lowercase: false,
            }),
            AttributeType::Text => Term::Tokens(Tokens::Words(TextSource {
                attribute,
                lowercase: false,
                no_punct: false,
            })),
        }
    }

    fn call(&self, function: &str, arguments: &[Expr], place: &str) -> Result<Vec<Term>, RecipeError> {
        match (function, arguments) {
            ("group", members) if !members.is_empty() => {
                let mut distinct = Distinct::default();
                for member in members {
                    distinct.add(self.resolve(member, place)?, place)?;
                }
                Ok(distinct.terms)
            }
            ("group_remove", [group, gone @ ..]) => {
                let mut terms = self.resolve(group, place)?;
                for member in gone {
                    let gone: HashSet<Term> = self.resolve(member, place)?.into_iter().collect();
                    terms.retain(|term| !gone.contains(term));
                }
                Ok(terms)
            }
            ("normalize", [of]) => self.numbers(of, function, place, Term::Number),
            ("quantile_bin", [of, Expr::Integer(bins)]) if BINS.contains(bins) => {
                self.numbers(of, function, place, |number| {
                    Term::Tokens(Tokens::Bin { number, bins: *bins })
                })
            }
            ("quantile_bin", _) => Err(unusable(
                place,
                &format!(
                    "quantile_bin takes a numeric attribute and a number of bins from {} to {}",
                    BINS.start(),
                    BINS.end()
                ),
            )),
            ("group" | "group_remove" | "normalize", _) => Err(unusable(
                place,
                &format!("{function} has too few or too many arguments"),
            )),
            _ => {
                let hint =
                    nearest(function, FUNCTIONS.into_iter()).map(|near| format!("; did you mean `{near}`?"));
                let known = format!("; the functions are {}", FUNCTIONS.join(", "));
                Err(unusable(
                    place,
                    &format!("unknown function `{function}`{}", hint.unwrap_or(known)),
                ))
            }
        }
    }

    /// Applies a function of one number to each member of a group of numbers.
    fn numbers(
        &self,
        of: &Expr,
        function: &str,
        place: &str,
        make: impl Fn(NumberSource) -> Term,
    ) -> Result<Vec<Term>, RecipeError> {
        let numeric = |term: Term| match term {
            Term::Number(number) => Ok(make(number)),
            other => {
                let name = quoted(&self.schema.attributes[other.attributes()[0]].name);
                Err(unusable(
                    place,
                    &format!("{function} needs a NUMERIC attribute, and {name} is none"),
                ))
            }
        };
        self.resolve(of, place)?.into_iter().map(numeric).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        Schema::from_json(
            r#"{"version":"1.0","targetAttributeName":"y","dataFormat":"CSV","attributes":[
            {"attributeName":"age","attributeType":"NUMERIC"},{"attributeName":"pay","attributeType":"NUMERIC"},
            {"attributeName":"city","attributeType":"CATEGORICAL"},{"attributeName":"y","attributeType":"BINARY"}]}"#,
        )
        .unwrap()
    }

    fn terms(text: &str) -> Result<Vec<Term>, String> {
        check(&Recipe::from_json(text).unwrap(), &schema()).map_err(|error| error.to_string())
    }

    #[test]
    fn groups_assignments_and_functions() {
        let found = terms(
            r#"{"groups":{"N":"group_remove(ALL_NUMERIC, pay)"},"assignments":{"band":"quantile_bin(N,5)"},
            "outputs":["ALL_CATEGORICAL","band","normalize(ALL_NUMERIC)","ALL_TEXT"]}"#,
        )
        .unwrap();
        assert_eq!(
            found[0],
            Term::Tokens(Tokens::Level {
                attribute: 2,
                lowercase: false
            })
        );
        assert_eq!(
            found[1],
            Term::Tokens(Tokens::Bin {
                number: NumberSource::Attribute(0),
                bins: 5
            })
        );
        assert_eq!(
            found[2..4],
            [
                Term::Number(NumberSource::Attribute(0)),
                Term::Number(NumberSource::Attribute(1))
            ]
        );
        assert_eq!(
            found[4..],
            [Term::Missing { attribute: 0 }, Term::Missing { attribute: 1 }]
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (output, expected) in [
            (
                "agee",
                "outputs[0]: unknown attribute or group `agee`; did you mean `age`?",
            ),
            (
                "y",
                "outputs[0]: `y` is the target, the row id or excluded, so it cannot be learned from",
            ),
            (
                "normalize(city)",
                "outputs[0]: normalize needs a NUMERIC attribute, and city is none",
            ),
            (
                "normalise(age)",
                "outputs[0]: unknown function `normalise`; did you mean `normalize`?",
            ),
        ] {
            assert_eq!(
                terms(&format!(r#"{{"outputs":["{output}"]}}"#)).unwrap_err(),
                expected
            );
        }
        assert!(
            terms(r#"{"outputs":["ALL_TEXT"]}"#)
                .unwrap_err()
                .contains("nothing is left")
        );
    }
}
