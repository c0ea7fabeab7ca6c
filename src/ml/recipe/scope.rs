//! What the names in a recipe stand for: groups and assignments, built-in groups, attributes.

use std::collections::{HashMap, HashSet, VecDeque};

use super::ast::{Expr, Offset};
use super::error::{Place, Problem, Problems, shown};
use super::function::Function;
use super::hint::did_you_mean;
use super::kind::bare;
use super::parse::{SyntaxError, parse_expression};
use super::term::Term;
use super::text::{Recipe, Source};
use crate::ml::schema::{AttributeType, Schema};

/// The built-in groups. `ALL_DATE` is an extension.
pub(super) const BUILT_IN: [&str; 6] = [
    "ALL_INPUTS",
    "ALL_TEXT",
    "ALL_NUMERIC",
    "ALL_CATEGORICAL",
    "ALL_BINARY",
    "ALL_DATE",
];
/// Names that a message lists where it can suggest none.
const MOST_LISTED: usize = 8;

/// One expression of a recipe with its place.
pub(super) struct Entry<'a> {
    /// The name it defines; empty for an output.
    pub name: &'a str,
    /// The section and entry.
    pub place: Place,
    /// Its text.
    pub source: &'a Source,
    /// What the text says.
    pub expression: Result<Expr, SyntaxError>,
}

impl<'a> Entry<'a> {
    fn new(name: &'a str, place: Place, source: &'a Source) -> Self {
        Entry {
            name,
            place,
            source,
            expression: parse_expression(&source.text),
        }
    }

    /// Groups and assignments in the order in which they are resolved, then outputs.
    pub(super) fn all(recipe: &'a Recipe) -> Vec<Self> {
        let groups = recipe.groups.iter().map(|definition| {
            let place = Place::Group(definition.name.clone());
            Entry::new(&definition.name, place, &definition.expression)
        });
        let assignments = recipe.assignments.iter().map(|definition| {
            let place = Place::Assignment(definition.name.clone());
            Entry::new(&definition.name, place, &definition.expression)
        });
        let outputs = recipe.outputs.iter().enumerate();
        let outputs = outputs.map(|(index, source)| Entry::new("", Place::Output(index), source));
        groups.chain(assignments).chain(outputs).collect()
    }

    /// True for what is learned from, false for what is defined.
    pub(super) fn is_output(&self) -> bool {
        matches!(self.place, Place::Output(_))
    }

    /// Whether a quote stands at `at` in the expression.
    pub(super) fn is_quote(&self, at: Offset) -> bool {
        let rest = self.source.text.get(at.0..).unwrap_or_default();
        rest.starts_with(['\'', '"'])
    }

    /// A problem at `at` in the expression.
    pub(super) fn problem(&self, at: Offset, message: impl Into<String>) -> Problem {
        self.source.problem(self.place.clone(), at, message)
    }
}

/// What a name stands for.
pub(super) enum Found {
    /// These terms.
    Terms(Vec<Term>),
    /// An attribute that is not learned from, at this position of the schema.
    Withheld(usize),
    /// A definition that comes too late, by its position among the entries.
    Later(usize),
    /// Something that is reported elsewhere already.
    Broken,
    /// Nothing.
    Unknown,
}

/// The names of a recipe and its schema.
pub(super) struct Scope<'a> {
    pub(super) schema: &'a Schema,
    entries: &'a [Entry<'a>],
    attributes: HashMap<&'a str, usize>,
    inputs: Vec<usize>,
    defined: HashMap<&'a str, usize>,
    /// What the entries resolved so far stand for; nothing where that failed.
    resolved: Vec<Option<Vec<Term>>>,
    /// Names whose definitions could not even be read.
    broken: HashSet<&'a str>,
}

impl<'a> Scope<'a> {
    /// Takes up all names. One that is taken already is a problem.
    pub(super) fn new(
        schema: &'a Schema,
        entries: &'a [Entry<'a>],
        broken: &'a [String],
        problems: &mut Problems,
    ) -> Self {
        let names = schema.attributes.iter().enumerate();
        let mut scope = Scope {
            schema,
            entries,
            attributes: names.map(|(index, a)| (a.name.as_str(), index)).collect(),
            inputs: schema.inputs().collect(),
            defined: HashMap::new(),
            resolved: Vec::new(),
            broken: broken.iter().map(String::as_str).collect(),
        };
        for (index, entry) in entries.iter().enumerate().filter(|(_, entry)| !entry.is_output()) {
            match scope.taken(entry.name) {
                None => {
                    scope.defined.insert(entry.name, index);
                }
                Some(by) => problems.add(|| Problem {
                    column: None,
                    ..entry.problem(Offset(0), format!("{by} has this name already; choose another"))
                }),
            }
        }
        scope
    }

    fn taken(&self, name: &str) -> Option<String> {
        if BUILT_IN.contains(&name) {
            return Some("a built-in group".into());
        }
        if self.attributes.contains_key(name) {
            return Some("an attribute".into());
        }
        self.defined
            .get(name)
            .map(|&index| self.entries[index].place.to_string())
    }

    /// Remembers what the next entry stands for.
    pub(super) fn define(&mut self, terms: Option<Vec<Term>>) {
        self.resolved.push(terms);
    }

    /// What `name` stands for in the entry that is resolved now.
    pub(super) fn find(&self, name: &str) -> Found {
        if let Some(&index) = self.defined.get(name) {
            return match self.resolved.get(index) {
                Some(Some(terms)) => Found::Terms(terms.clone()),
                Some(None) => Found::Broken,
                None if self.is_told(index) => Found::Broken,
                None => Found::Later(index),
            };
        }
        if self.broken.contains(name) {
            return Found::Broken;
        }
        if BUILT_IN.contains(&name) {
            return Found::Terms(self.built_in(name));
        }
        self.attribute(name).unwrap_or(Found::Unknown)
    }

    /// The attribute called `name`, whatever else has that name.
    pub(super) fn attribute(&self, name: &str) -> Option<Found> {
        let index = *self.attributes.get(name)?;
        Some(match self.inputs.binary_search(&index) {
            Ok(_) => Found::Terms(vec![bare(self.schema, index)]),
            Err(_) => Found::Withheld(index),
        })
    }

    /// Whether the use of entry `used` in the entry that is resolved now is part of a circle of which an earlier entry
    /// has told already.
    fn is_told(&self, used: usize) -> bool {
        let current = self.resolved.len();
        let circle = self.cycle(used, current);
        circle.is_some_and(|circle| circle.iter().any(|&index| index < current))
    }

    fn built_in(&self, name: &str) -> Vec<Term> {
        let belongs = |index: usize| {
            let attribute = &self.schema.attributes[index];
            match name {
                "ALL_TEXT" => attribute.kind == AttributeType::Text,
                "ALL_NUMERIC" => attribute.kind == AttributeType::Numeric,
                "ALL_CATEGORICAL" => attribute.kind == AttributeType::Categorical,
                "ALL_BINARY" => attribute.kind == AttributeType::Binary,
                "ALL_DATE" => attribute.date_format.is_some(),
                _ => true,
            }
        };
        let members = self.inputs.iter().copied().filter(|&index| belongs(index));
        members.map(|index| bare(self.schema, index)).collect()
    }

    /// Why the attribute at `index` is not learned from.
    pub(super) fn withheld(&self, index: usize) -> String {
        let name = self.schema.attributes[index].name.as_str();
        let known = shown(name);
        if self.schema.target.as_deref() == Some(name) {
            format!("`{known}` is the target, so it cannot be learned from")
        } else if self.schema.row_id.as_deref() == Some(name) {
            format!("`{known}` is the row id, so it cannot be learned from")
        } else {
            format!(
                "`{known}` is excluded in the schema, so it cannot be learned from; take it out of `excludedAttributeNames` or of the recipe"
            )
        }
    }

    /// What is wrong with a name that nobody knows.
    pub(super) fn unknown(&self, name: &str) -> String {
        let known = shown(name);
        if let Some(function) = Function::named(name) {
            return format!("`{known}` is a function; it takes {}", function.takes());
        }
        let defined = self.entries[..].iter().map(|entry| entry.name);
        let inputs = self
            .inputs
            .iter()
            .map(|&index| self.schema.attributes[index].name.as_str());
        let names = inputs
            .clone()
            .chain(BUILT_IN)
            .chain(defined.filter(|name| !name.is_empty()));
        let hint = self.comma(name).or_else(|| did_you_mean(name, names));
        let hint = hint.unwrap_or_else(|| {
            let mut listed: Vec<String> = inputs
                .take(MOST_LISTED)
                .map(|name| shown(&Expr::attribute(name).to_string()))
                .collect();
            if self.inputs.len() > MOST_LISTED {
                listed.push(format!("… {} in all", self.inputs.len()));
            }
            format!("; the inputs are {}", listed.join(", "))
        });
        format!("unknown attribute `{known}`{hint}")
    }

    /// A hint for names that are known, but stand side by side.
    fn comma(&self, name: &str) -> Option<String> {
        let mut words = name.split_whitespace();
        let is_several = words.clone().nth(1).is_some();
        (is_several && words.all(|word| !matches!(self.find(word), Found::Unknown)))
            .then(|| "; is a comma missing?".to_string())
    }

    /// What is wrong with a use of entry `used` in an entry that does not come after it.
    pub(super) fn too_late(&self, used: usize, current: usize) -> String {
        let (name, place) = (shown(self.entries[used].name), &self.entries[used].place);
        if let Some(path) = self.cycle(used, current) {
            let path: Vec<String> = path
                .iter()
                .map(|&index| shown(self.entries[index].name))
                .collect();
            return match path.as_slice() {
                [] | [_] => {
                    format!("`{name}` is defined by itself; use attributes or what is defined before")
                }
                [first, second, .., before, last] if path.len() > MOST_LISTED => format!(
                    "`{last}` and `{first}` are defined by each other ({last} → {first} → {second} → … → {before} → {last}, {} names); one must do without the other",
                    path.len()
                ),
                [first, .., last] => format!(
                    "`{last}` and `{first}` are defined by each other ({last} → {}); one must do without the other",
                    path.join(" → ")
                ),
            };
        }
        match (&self.entries[current].place, place) {
            (Place::Group(_), Place::Assignment(_)) => format!(
                "`{name}` is an assignment, and groups are made before assignments; move this entry to `assignments`"
            ),
            _ => format!("`{name}` is defined later; move `{place}` before this entry"),
        }
    }

    /// The shortest way from entry `from` through definitions to entry `to`, both included.
    fn cycle(&self, from: usize, to: usize) -> Option<Vec<usize>> {
        let mut came_from: HashMap<usize, usize> = HashMap::from([(from, from)]);
        let mut waiting = VecDeque::from([from]);
        while let Some(index) = waiting.pop_front() {
            if index == to {
                let mut path = vec![index];
                let mut at = index;
                while let Some(&before) = came_from.get(&at).filter(|&&before| before != at) {
                    path.push(before);
                    at = before;
                }
                path.reverse();
                return Some(path);
            }
            let Ok(expression) = &self.entries[index].expression else {
                continue;
            };
            expression.for_each_name(&mut |name| {
                if let Some(&next) = self.defined.get(name)
                    && let std::collections::hash_map::Entry::Vacant(vacant) = came_from.entry(next)
                {
                    vacant.insert(index);
                    waiting.push_back(next);
                }
            });
        }
        None
    }
}
