//! Text into expressions: `name`, `'quoted name'`, `12`, `function(argument, …)`.

use super::ast::{Expr, Recipe};

/// Longest recipe in characters.
const MOST_CHARACTERS: usize = 131_071;
/// Deepest nesting of functions.
const MOST_NESTING: usize = 64;

/// A recipe that cannot be understood or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// The text is not a recipe.
    #[error("the recipe cannot be read: {0}; it is a JSON object with `groups`, `assignments` and `outputs`")]
    Unreadable(String),
    /// An expression is not well formed.
    #[error("{place}, column {column}: {problem}")]
    Syntax {
        /// The section and entry, for example `outputs[2]`.
        place: String,
        /// Column within the expression, counted from 1.
        column: usize,
        /// What is wrong and what was expected.
        problem: String,
    },
    /// An expression is well formed but cannot be used.
    #[error("{place}: {problem}")]
    Unusable {
        /// The section and entry.
        place: String,
        /// What is wrong and how to mend it.
        problem: String,
    },
}

impl RecipeError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        "invalid_recipe"
    }
}

impl Recipe {
    /// Reads a recipe from its JSON text.
    pub fn from_json(text: &str) -> Result<Self, RecipeError> {
        if text.chars().count() > MOST_CHARACTERS {
            return Err(RecipeError::Unreadable(format!(
                "it is longer than {MOST_CHARACTERS} characters"
            )));
        }
        serde_json::from_str(text).map_err(|error| RecipeError::Unreadable(error.to_string()))
    }
}

/// Parses one expression found at `place`. A trailing `// comment` is passed over.
pub fn parse_expression(text: &str, place: &str) -> Result<Expr, RecipeError> {
    let mut parser = Parser { text, at: 0, place };
    let expression = parser.expression(0)?;
    parser.skip_space();
    if parser.at < text.len() && !parser.rest().starts_with("//") {
        return Err(parser.error("unexpected text after the expression"));
    }
    Ok(expression)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    place: &'a str,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn error(&self, problem: impl Into<String>) -> RecipeError {
        let column = self.text[..self.at].chars().count() + 1;
        RecipeError::Syntax {
            place: self.place.to_string(),
            column,
            problem: problem.into(),
        }
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, expected: char) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    fn expression(&mut self, depth: usize) -> Result<Expr, RecipeError> {
        if depth > MOST_NESTING {
            return Err(self.error("functions are nested too deeply"));
        }
        self.skip_space();
        if let Some(quote @ ('\'' | '"')) = self.rest().chars().next() {
            return self.quoted_name(quote);
        }
        let length = self.bare_length();
        if length == 0 {
            return Err(self.error("a name, a number or a function is expected here"));
        }
        let word = self.rest()[..length].trim_end().to_string();
        self.at += length;
        if self.eat('(') {
            let arguments = self.arguments(depth)?;
            return Ok(Expr::Call {
                function: word,
                arguments,
            });
        }
        if depth > 0 && word.bytes().all(|byte| byte.is_ascii_digit()) {
            return word
                .parse()
                .map(Expr::Integer)
                .map_err(|_| self.error(format!("the number {word} is too large")));
        }
        Ok(Expr::Name(word))
    }

    fn bare_length(&self) -> usize {
        let rest = self.rest();
        let end = rest.find(['(', ')', ',', '\'', '"']).unwrap_or(rest.len());
        rest.find("//").map_or(end, |comment| end.min(comment))
    }

    fn quoted_name(&mut self, quote: char) -> Result<Expr, RecipeError> {
        let inner = self.rest()[1..]
            .find(quote)
            .ok_or_else(|| self.error("the quote is never closed"))?;
        let name = self.rest()[1..1 + inner].to_string();
        self.at += inner + 2;
        Ok(Expr::Name(name))
    }

    fn arguments(&mut self, depth: usize) -> Result<Vec<Expr>, RecipeError> {
        let mut arguments = Vec::new();
        if self.eat(')') {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression(depth + 1)?);
            if self.eat(')') {
                return Ok(arguments);
            }
            if !self.eat(',') {
                return Err(self.error("a comma or a closing parenthesis is expected here"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        match parse_expression(text, "outputs[0]") {
            Ok(expression) => assert_eq!(expression.to_string(), expected),
            Err(error) => assert_eq!(error.to_string(), expected),
        }
    }

    #[test]
    fn expressions() {
        check("ALL_INPUTS", "ALL_INPUTS");
        check("hours-per-week", "hours-per-week");
        check(" quantile_bin( age , 20 ) // bands", "quantile_bin(age, 20)");
        check(
            "group('sepal width',\"petal, width\")",
            "group('sepal width', 'petal, width')",
        );
        check("a(b(c(d)), 3)", "a(b(c(d)), 3)");
    }

    #[test]
    fn mistakes_have_a_place() {
        check(
            "f(a",
            "outputs[0], column 4: a comma or a closing parenthesis is expected here",
        );
        check(
            "",
            "outputs[0], column 1: a name, a number or a function is expected here",
        );
        check("'a", "outputs[0], column 1: the quote is never closed");
        check(
            "f(a) b",
            "outputs[0], column 6: unexpected text after the expression",
        );
    }

    #[test]
    fn deep_nesting_is_refused() {
        let text = "f(".repeat(5000);
        assert!(matches!(
            parse_expression(&text, "x"),
            Err(RecipeError::Syntax { .. })
        ));
    }
}
