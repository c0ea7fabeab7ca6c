//! The JSON text of a recipe, read so that every string's place is known.
//!
//! The text is first judged by the JSON parser; what is left to do here may trust that it is well formed.

use std::collections::HashSet;

use serde::de::IgnoredAny;

use super::error::{Place, Position, Problem, Problems, RecipeError, shown};
use super::hint::did_you_mean;
use super::text::{Definition, Origin, Recipe, Source};

/// What a recipe looks like, for those who sent something else.
const SHAPE: &str = "a recipe is a JSON object with `groups`, `assignments` and `outputs`";
const SECTIONS: [&str; 4] = ["groups", "assignments", "outputs", "dependencies"];
/// Characters that the name of a group or an assignment may have.
const MOST_NAME: usize = 64;

/// What could be understood of a recipe's text, and what is wrong with the rest.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The entries that are strings.
    pub recipe: Recipe,
    /// Names of groups and assignments whose value is no string.
    pub broken: Vec<String>,
    /// Outputs that are no strings; in the recipe, their text is empty.
    pub broken_outputs: HashSet<usize>,
    /// What is wrong.
    pub problems: Problems,
}

/// Reads the sections of a recipe. Fails at once only where the text is no JSON object.
pub(super) fn read(text: &str) -> Result<Reading, RecipeError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| unreadable(text, &error))?;
    let mut reader = Reader {
        text,
        at: 0,
        counted: 0,
        position: Position { line: 1, column: 1 },
        several_lines: text.trim_end().contains('\n'),
        reading: Reading::default(),
    };
    reader.skip_space();
    if reader.peek() != Some(b'{') {
        let what = reader.kind();
        return Err(reader
            .problem(Place::Recipe, format!("this is {what}; {SHAPE}"))
            .into());
    }
    reader.recipe();
    Ok(reader.reading)
}

/// How many characters of `raw`, the inside of a JSON string, say the first `length` bytes of its text.
pub(super) fn written(raw: &str, length: usize) -> usize {
    let (mut said, mut count) = (0, 0);
    let mut chars = raw.chars();
    while said < length {
        let Some(first) = chars.next() else { break };
        let (bytes, further) = match first {
            '\\' if chars.as_str().starts_with('u') => escape(chars.as_str()),
            '\\' => (1, 1),
            plain => (plain.len_utf8(), 0),
        };
        said += bytes;
        count += 1 + further;
        chars.by_ref().take(further).for_each(drop);
    }
    count
}

/// Bytes of the character that `rest`, behind the backslash, stands for, and its length as written.
fn escape(rest: &str) -> (usize, usize) {
    let unit = rest.get(1..5).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    match unit.map(char::from_u32) {
        Some(Some(c)) => (c.len_utf8(), 5),
        // Half a pair: the other half follows.
        _ => (4, 11),
    }
}

fn unreadable(text: &str, error: &serde_json::Error) -> RecipeError {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    // The parser counts bytes, an editor characters.
    let line = text
        .lines()
        .nth(error.line().saturating_sub(1))
        .unwrap_or_default();
    let bytes = line.as_bytes();
    let before = &bytes[..error.column().saturating_sub(1).min(bytes.len())];
    let position = Position {
        line: error.line().max(1),
        column: String::from_utf8_lossy(before).chars().count() + 1,
    };
    RecipeError::from(Problem {
        place: Place::Recipe,
        column: None,
        position: Some(position),
        message: format!("the text is not JSON: {message}; {SHAPE}"),
    })
}

/// Walks over a text that is known to be JSON.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Up to where `position` has been counted.
    counted: usize,
    position: Position,
    several_lines: bool,
    reading: Reading,
}

impl<'a> Reader<'a> {
    fn recipe(&mut self) {
        let mut seen = HashSet::new();
        self.object(|reader, key| {
            let place = || Place::Section(key.clone());
            if !seen.insert(key.clone()) {
                let problem = reader.problem(place(), "the section is given twice; put both into one");
                reader.reading.problems.add(|| problem);
                return reader.skip();
            }
            match key.as_str() {
                "groups" | "assignments" => reader.definitions(&key),
                "outputs" => reader.outputs(),
                "dependencies" => reader.skip(),
                _ => {
                    let hint =
                        did_you_mean(&key, SECTIONS.into_iter()).unwrap_or_else(|| format!("; {SHAPE}"));
                    let problem = reader.problem(place(), format!("there is no such section{hint}"));
                    reader.reading.problems.add(|| problem);
                    reader.skip();
                }
            }
        });
        if !seen.contains("outputs") {
            self.no_outputs("the section is missing");
        }
    }

    fn no_outputs(&mut self, what: &str) {
        let message = format!("{what}; list what is learned from, for example [\"ALL_INPUTS\"]");
        self.reading.problems.add(|| Problem {
            place: Place::Section("outputs".into()),
            column: None,
            position: None,
            message,
        });
    }

    fn definitions(&mut self, section: &str) {
        if self.peek() != Some(b'{') {
            let message = format!("an object is expected, not {}", self.kind());
            return self.refuse(Place::Section(section.to_string()), message);
        }
        let groups = section == "groups";
        let mut found: Vec<Definition> = Vec::new();
        let mut names = HashSet::new();
        self.object(|reader, name| {
            let place = |name: String| match groups {
                true => Place::Group(name),
                false => Place::Assignment(name),
            };
            if !names.insert(name.clone()) {
                let message = "the name is defined twice; give one of them another name";
                return reader.refuse(place(name), message);
            }
            if name.is_empty() || name.chars().nth(MOST_NAME).is_some() {
                let message = format!("a name has 1 to {MOST_NAME} characters; choose another");
                let problem = reader.problem(place(name.clone()), message);
                reader.reading.problems.add(|| problem);
            }
            match reader.expression(&place, &name) {
                Some(expression) => found.push(Definition { name, expression }),
                None => reader.reading.broken.push(name),
            }
        });
        match groups {
            true => self.reading.recipe.groups = found,
            false => self.reading.recipe.assignments = found,
        }
    }

    fn outputs(&mut self) {
        if self.peek() != Some(b'[') {
            let message = format!("a list of expressions in quotes is expected, not {}", self.kind());
            return self.refuse(Place::Section("outputs".into()), message);
        }
        let mut found = Vec::new();
        let mut index = 0;
        self.list(|reader| {
            // An entry that is no string keeps its place, so that those behind it keep theirs.
            let source = reader.expression(&|_| Place::Output(index), "");
            if source.is_none() {
                reader.reading.broken_outputs.insert(index);
            }
            found.push(source.unwrap_or_default());
            index += 1;
        });
        if found.is_empty() {
            self.no_outputs("the list is empty");
        }
        self.reading.recipe.outputs = found;
    }

    /// The value as an expression, or a problem at `place` of `name`.
    fn expression(&mut self, place: &impl Fn(String) -> Place, name: &str) -> Option<Source> {
        if self.peek() != Some(b'"') {
            let message = format!("an expression in quotes is expected, not {}", self.kind());
            self.refuse(place(name.to_string()), message);
            return None;
        }
        let start = self.position_at(self.at + 1);
        let raw = self.raw_string();
        match decoded(raw) {
            Some(text) => {
                let origin = self.several_lines.then(|| Origin {
                    start,
                    raw: (raw != text).then(|| raw.to_string()),
                });
                Some(Source { text, origin })
            }
            None => {
                let problem = self.problem_from(start, place(name.to_string()), "the text is not Unicode");
                self.reading.problems.add(|| problem);
                None
            }
        }
    }

    /// Reports a problem with the value that comes next, and passes over it.
    fn refuse(&mut self, place: Place, message: impl Into<String>) {
        let problem = self.problem(place, message);
        self.reading.problems.add(|| problem);
        self.skip();
    }

    fn problem(&mut self, place: Place, message: impl Into<String>) -> Problem {
        let position = self.position_at(self.at);
        self.problem_from(position, place, message)
    }

    fn problem_from(&self, position: Position, place: Place, message: impl Into<String>) -> Problem {
        Problem {
            place,
            column: None,
            position: self.several_lines.then_some(position),
            message: message.into(),
        }
    }

    /// The position of `offset`, which is never before the one asked for last.
    fn position_at(&mut self, offset: usize) -> Position {
        for c in self.text[self.counted..offset.max(self.counted)].chars() {
            if c == '\n' {
                self.position = Position {
                    line: self.position.line + 1,
                    column: 1,
                };
            } else {
                self.position.column += 1;
            }
        }
        self.counted = offset.max(self.counted);
        self.position
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn kind(&self) -> &'static str {
        match self.peek() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a text",
            Some(b't' | b'f') => "a truth value",
            Some(b'n') => "null",
            _ => "a number",
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Steps over a sign between values, if it comes next.
    fn eat(&mut self, sign: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(sign);
        self.at += usize::from(found);
        self.skip_space();
        found
    }

    fn object(&mut self, mut each: impl FnMut(&mut Self, String)) {
        self.eat(b'{');
        while self.peek() == Some(b'"') {
            let key = self.raw_string();
            self.eat(b':');
            // A name that is not Unicode can be neither used nor shown as it is.
            each(self, decoded(key).unwrap_or_else(|| shown(key)));
            self.eat(b',');
        }
        self.eat(b'}');
    }

    fn list(&mut self, mut each: impl FnMut(&mut Self)) {
        self.eat(b'[');
        while !matches!(self.peek(), Some(b']') | None) {
            each(self);
            self.eat(b',');
        }
        self.eat(b']');
    }

    /// The inside of the string that comes next, as it is written.
    fn raw_string(&mut self) -> &'a str {
        let start = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut end = start;
        while let Some(byte) = bytes.get(end) {
            match byte {
                b'"' => break,
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        self.at = end + 1;
        self.text.get(start..end).unwrap_or_default()
    }

    /// Passes over one value, of any depth.
    fn skip(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.raw_string();
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' | b',' if depth == 0 => return,
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
    }
}

/// What the inside of a JSON string says; none for half of a surrogate pair.
fn decoded(raw: &str) -> Option<String> {
    if !raw.contains('\\') {
        return Some(raw.to_string());
    }
    serde_json::from_str(&format!("\"{raw}\"")).ok()
}

#[cfg(test)]
mod tests;
