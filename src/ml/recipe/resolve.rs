//! A recipe and a schema into terms: what exactly becomes features, in which order.
//!
//! Every problem is found in one go. What a wrong entry would have stood for is not missed where it is used, so
//! that one mistake is one problem. A short text can ask for a great deal; all that is made on the way is
//! counted and refused before it is made.

use std::collections::HashSet;

use super::ast::{Expr, Offset};
use super::error::{Place, Problem, Problems, RecipeError};
use super::kind::{bare, weight};
use super::scope::{Entry, Found, Scope};
use super::term::{Term, Tokens};
use super::text::Recipe;
use crate::ml::schema::Schema;

/// Output terms a recipe may have.
pub(super) const MOST_TERMS: usize = 10_000;
/// Values that all groups and assignments together may hold, so that a short text cannot fill the memory.
const MOST_NAMED: usize = 200_000;
/// Values that may be made on the way, so that a short text cannot take much time.
const MOST_MADE: usize = 2_000_000;

/// Resolves every output of `recipe` against `schema` to terms in their normal form, each once, in the order
/// of the recipe. At the end come indicators of missing values, one for each attribute that needs it.
///
/// Fails with everything that is wrong.
pub fn resolve(recipe: &Recipe, schema: &Schema) -> Result<Vec<Term>, RecipeError> {
    run(recipe, schema, &[], &HashSet::new(), Problems::default())
}

/// Reads a recipe from its JSON text and resolves it: [`Recipe::from_json`] and [`resolve`] in one, so that
/// the problems of both are found at once.
pub fn resolve_text(text: &str, schema: &Schema) -> Result<(Recipe, Vec<Term>), RecipeError> {
    let reading = Recipe::read(text)?;
    let terms = run(
        &reading.recipe,
        schema,
        &reading.broken,
        &reading.broken_outputs,
        reading.problems,
    )?;
    Ok((reading.recipe, terms))
}

fn run(
    recipe: &Recipe,
    schema: &Schema,
    broken: &[String],
    broken_outputs: &HashSet<usize>,
    mut problems: Problems,
) -> Result<Vec<Term>, RecipeError> {
    let entries = Entry::all(recipe);
    let scope = Scope::new(schema, &entries, broken, &mut problems);
    let mut resolver = Resolver {
        scope,
        problems,
        made: 0,
        named: 0,
        stopped: false,
    };
    let mut outputs = Distinct::default();
    for (current, entry) in entries.iter().enumerate() {
        if matches!(entry.place, Place::Output(index) if broken_outputs.contains(&index)) {
            continue;
        }
        let terms = resolver.entry(current, entry);
        if !entry.is_output() {
            resolver.scope.define(terms);
        } else if outputs.add(terms.unwrap_or_default()).is_none() {
            resolver.stop(entry, Offset(0), too_many);
        }
        if resolver.stopped {
            break;
        }
    }
    if outputs.terms.is_empty() && resolver.problems.is_empty() {
        resolver.problems.add(|| Problem {
            place: Place::Section("outputs".into()),
            column: None,
            position: None,
            message: "nothing is left to learn from; list at least one input attribute".into(),
        });
    }
    resolver.problems.or_ok()?;
    let mut terms = outputs.terms;
    add_missing_indicators(&mut terms);
    Ok(terms)
}

pub(super) fn too_many() -> String {
    format!("this makes more than the {MOST_TERMS} outputs allowed; list fewer")
}

/// Where an expression stands, as far as that decides what is allowed.
#[derive(Clone, Copy, Default)]
pub(super) struct Inside {
    /// Somewhere inside `group(…)`.
    pub group: bool,
    /// Among what `group_remove` takes away, which need not be there.
    pub removal: bool,
}

/// Turns expressions into terms and collects what is wrong with them.
pub(super) struct Resolver<'a> {
    pub(super) scope: Scope<'a>,
    problems: Problems,
    made: usize,
    named: usize,
    /// The recipe asks for too much; what follows is not looked at.
    stopped: bool,
}

impl Resolver<'_> {
    fn entry(&mut self, current: usize, entry: &Entry) -> Option<Vec<Term>> {
        let terms = match &entry.expression {
            Ok(expression) => {
                let site = Site { current, entry };
                self.expression(site, expression, Inside::default())
            }
            Err(error) => {
                self.problems.add(|| entry.problem(error.at, &*error.message));
                None
            }
        }?;
        if !entry.is_output() {
            self.named += terms.iter().map(weight).sum::<usize>();
            if self.named > MOST_NAMED {
                self.stop(entry, Offset(0), || {
                    format!(
                        "groups and assignments hold more than {MOST_NAMED} members in all; use fewer or smaller ones"
                    )
                });
                return None;
            }
        }
        Some(terms)
    }

    /// The terms of an expression; nothing if something is wrong with it, which is then reported.
    pub(super) fn expression(&mut self, site: Site, expression: &Expr, inside: Inside) -> Option<Vec<Term>> {
        if self.stopped {
            return None;
        }
        let terms = match expression {
            Expr::Name(name, at) => self.name(site, name, *at, inside),
            Expr::Quoted(name, at) => match self.scope.attribute(name) {
                Some(found) => self.found(site, name, *at, inside, found),
                None => self.name(site, name, *at, inside),
            },
            Expr::Integer(value, at) => {
                self.report(site, *at, |scope| {
                    let hint = match scope.find(&value.to_string()) {
                        Found::Unknown => String::new(),
                        _ => format!("; write '{value}' for the attribute of that name"),
                    };
                    format!("`{value}` is a number where an attribute or group is expected{hint}")
                });
                None
            }
            Expr::Call {
                function,
                arguments,
                at,
            } => self.call(site, function, arguments, *at, inside),
        }?;
        self.made += 1 + terms.iter().map(weight).sum::<usize>();
        if self.made > MOST_MADE {
            self.stop(site.entry, expression.at(), || {
                format!(
                    "the recipe makes more than {MOST_MADE} values on the way; use fewer or smaller groups"
                )
            });
            return None;
        }
        Some(terms)
    }

    fn name(&mut self, site: Site, name: &str, at: Offset, inside: Inside) -> Option<Vec<Term>> {
        if name == "ALL_INPUTS" && (inside.group || !site.entry.is_output()) {
            let place = if inside.group {
                "not inside `group`"
            } else {
                "not in groups and assignments"
            };
            self.report(site, at, |_| {
                format!(
                    "`ALL_INPUTS` can be used in outputs only, {place}; use ALL_TEXT, ALL_NUMERIC, ALL_CATEGORICAL and ALL_BINARY"
                )
            });
            return None;
        }
        let found = self.scope.find(name);
        self.found(site, name, at, inside, found)
    }

    fn found(
        &mut self,
        site: Site,
        name: &str,
        at: Offset,
        inside: Inside,
        found: Found,
    ) -> Option<Vec<Term>> {
        match found {
            Found::Terms(terms) => return Some(terms),
            Found::Withheld(index) if inside.removal => return Some(vec![bare(self.scope.schema, index)]),
            Found::Withheld(index) => self.report(site, at, |scope| scope.withheld(index)),
            Found::Later(used) => self.report(site, at, |scope| scope.too_late(used, site.current)),
            Found::Unknown => self.report(site, at, |scope| scope.unknown(name)),
            Found::Broken => {}
        }
        None
    }

    /// Reports a problem at `at` in the entry at `site`.
    pub(super) fn report(&mut self, site: Site, at: Offset, message: impl FnOnce(&Scope) -> String) {
        let scope = &self.scope;
        self.problems.add(|| site.entry.problem(at, message(scope)));
    }

    fn stop(&mut self, entry: &Entry, at: Offset, message: impl FnOnce() -> String) {
        self.problems.add(|| entry.problem(at, message()));
        self.stopped = true;
    }
}

/// The entry that is being resolved.
#[derive(Clone, Copy)]
pub(super) struct Site<'s> {
    /// Its position among the entries.
    pub current: usize,
    /// The entry.
    pub entry: &'s Entry<'s>,
}

/// Terms in order, each once, and not too many.
#[derive(Default)]
pub(super) struct Distinct {
    pub(super) terms: Vec<Term>,
    seen: HashSet<Term>,
}

impl Distinct {
    /// Adds those that are new; nothing if they become too many.
    pub(super) fn add(&mut self, terms: Vec<Term>) -> Option<()> {
        for term in terms {
            if self.seen.insert(term.clone()) {
                self.terms.push(term);
            }
        }
        (self.terms.len() <= MOST_TERMS).then_some(())
    }
}

fn add_missing_indicators(terms: &mut Vec<Term>) {
    let mut attributes = Vec::new();
    for term in terms.iter() {
        match term {
            Term::Number(number) => attributes.push(number.attribute()),
            Term::Truth { attribute } => attributes.push(*attribute),
            Term::Tokens(tokens) => may_be_missing(tokens, &mut attributes),
            Term::Missing { .. } => {}
        }
    }
    attributes.sort_unstable();
    attributes.dedup();
    let indicators = attributes
        .into_iter()
        .map(|attribute| Term::Missing { attribute });
    terms.extend(indicators);
}

/// Attributes whose missing values give no token.
fn may_be_missing(tokens: &Tokens, attributes: &mut Vec<usize>) {
    match tokens {
        Tokens::Bin { number, .. } => attributes.push(number.attribute()),
        Tokens::Truth { attribute } | Tokens::DatePart { attribute, .. } => attributes.push(*attribute),
        Tokens::Product(factors) => factors
            .iter()
            .for_each(|factor| may_be_missing(factor, attributes)),
        Tokens::Level { .. } | Tokens::Words(_) | Tokens::Ngrams { .. } | Tokens::SparseBigrams { .. } => {}
    }
}
