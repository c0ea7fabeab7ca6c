//! What is wrong with a recipe: every problem with its place, so that all can be mended at once.

use std::fmt;

use super::ast::quoted;
use crate::ml::wording;

/// Problems that are kept; of the rest only the number is known.
const MOST_PROBLEMS: usize = 50;
/// Characters of a name that a message shows.
const MOST_SHOWN: usize = 64;

/// A recipe that cannot be understood or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct RecipeError {
    /// What is wrong, at least one problem and at most fifty.
    pub problems: Vec<Problem>,
    /// How many more problems there are.
    pub more: usize,
}

impl RecipeError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        "invalid_recipe"
    }
}

impl From<Problem> for RecipeError {
    fn from(problem: Problem) -> Self {
        RecipeError {
            problems: vec![problem],
            more: 0,
        }
    }
}

impl fmt::Display for RecipeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let ([problem], 0) = (self.problems.as_slice(), self.more) {
            return problem.fmt(f);
        }
        write!(f, "the recipe has {} problems", self.problems.len() + self.more)?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        if self.more > 0 {
            write!(f, "\n  and {} more", self.more)?;
        }
        Ok(())
    }
}

/// One thing that is wrong with a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The section and entry.
    pub place: Place,
    /// Character within the entry's expression, counted from 1.
    pub column: Option<usize>,
    /// Where that is in the recipe's JSON text, if this has several lines.
    pub position: Option<Position>,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.place, self.position) {
            (Place::Recipe, None) => f.write_str("the recipe")?,
            (Place::Recipe, Some(position)) => write!(f, "line {position}")?,
            (place, position) => {
                write!(f, "{place}")?;
                if let Some(column) = self.column {
                    write!(f, ", column {column}")?;
                }
                if let Some(position) = position {
                    write!(f, " (line {position})")?;
                }
            }
        }
        write!(f, ": {}", self.message)
    }
}

/// A part of a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The recipe as a whole.
    Recipe,
    /// A section by its name.
    Section(String),
    /// A group by its name.
    Group(String),
    /// An assignment by its name.
    Assignment(String),
    /// An output, counted from 0.
    Output(usize),
}

impl Place {
    /// The place as a JSON pointer into the recipe, for example `/outputs/2`; empty for the recipe itself.
    pub fn pointer(&self) -> String {
        let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
        match self {
            Place::Recipe => String::new(),
            Place::Section(name) => format!("/{}", escaped(name)),
            Place::Group(name) => format!("/groups/{}", escaped(name)),
            Place::Assignment(name) => format!("/assignments/{}", escaped(name)),
            Place::Output(index) => format!("/outputs/{index}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Recipe => f.write_str("the recipe"),
            Place::Section(name) => f.write_str(&shown(name)),
            Place::Group(name) => write!(f, "groups.{}", shown(&quoted(name))),
            Place::Assignment(name) => write!(f, "assignments.{}", shown(&quoted(name))),
            Place::Output(index) => write!(f, "outputs[{index}]"),
        }
    }
}

/// A place in a text of several lines. Both numbers count from 1; columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Problems as they are found. However many there are, only so many are kept.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
    more: usize,
}

impl Problems {
    /// Keeps the problem that `make` describes. Beyond the limit it is counted, but not even made.
    pub(super) fn add(&mut self, make: impl FnOnce() -> Problem) {
        if self.found.len() < MOST_PROBLEMS {
            self.found.push(make());
        } else {
            self.more += 1;
        }
    }

    /// True when nothing is wrong so far.
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Fails if there is any problem.
    pub(super) fn or_ok(self) -> Result<(), RecipeError> {
        if self.found.is_empty() {
            return Ok(());
        }
        Err(RecipeError {
            problems: self.found,
            more: self.more,
        })
    }
}

/// A name as a message shows it: cut when very long, without control characters.
pub(super) fn shown(name: &str) -> String {
    let mut text = String::new();
    for (count, c) in name.chars().enumerate() {
        if count == MOST_SHOWN {
            text.push('…');
            break;
        }
        if c.is_control() {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

/// A count with its noun, which takes an s in the plural.
pub(super) fn counted(count: usize, noun: &str) -> String {
    wording::counted(count as u64, noun)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(place: Place, column: Option<usize>, position: Option<Position>) -> Problem {
        Problem {
            place,
            column,
            position,
            message: "no".into(),
        }
    }

    #[test]
    fn problems_name_their_place() {
        let position = Some(Position { line: 7, column: 24 });
        for (problem, expected) in [
            (problem(Place::Recipe, None, None), "the recipe: no"),
            (problem(Place::Recipe, None, position), "line 7:24: no"),
            (
                problem(Place::Section("outputs".into()), None, None),
                "outputs: no",
            ),
            (
                problem(Place::Group("a b".into()), None, position),
                "groups.'a b' (line 7:24): no",
            ),
            (
                problem(Place::Assignment("x".into()), Some(3), None),
                "assignments.x, column 3: no",
            ),
            (
                problem(Place::Output(2), Some(5), position),
                "outputs[2], column 5 (line 7:24): no",
            ),
        ] {
            assert_eq!(problem.to_string(), expected);
        }
        assert_eq!(Place::Group("a/b~".into()).pointer(), "/groups/a~1b~0");
    }

    #[test]
    fn only_so_many_problems_are_kept() {
        let mut problems = Problems::default();
        for index in 0..60 {
            problems.add(|| problem(Place::Output(index), None, None));
        }
        let error = problems.or_ok().unwrap_err();
        assert_eq!((error.problems.len(), error.more), (50, 10));
        let text = error.to_string();
        assert!(text.starts_with("the recipe has 60 problems\n  outputs[0]: no\n"));
        assert!(text.ends_with("\n  and 10 more"));
    }

    #[test]
    fn names_are_cut_and_made_harmless() {
        assert_eq!(shown("a\u{1b}[2J\n"), "a\\u{1b}[2J\\n");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), MOST_SHOWN + 1);
    }
}
