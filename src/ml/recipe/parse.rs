//! Expressions from text: a recursive descent over `name`, `'quoted name'`, `12`, `function(argument, …)`.
//!
//! A quote inside quotes is written twice. White space means nothing around names and signs; `//` outside
//! quotes starts a comment that reaches to the end.

use super::ast::{Expr, Offset};
use super::error::shown;

/// Deepest nesting of functions.
const MOST_NESTING: usize = 64;

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where, in bytes from the start.
    pub at: Offset,
    /// What is wrong and what was expected.
    pub message: String,
}

/// Parses one expression. A trailing `// comment` is passed over.
pub fn parse_expression(text: &str) -> Result<Expr, SyntaxError> {
    let mut parser = Parser { text, at: 0 };
    let expression = parser.expression(0)?;
    parser.skip_space();
    let rest = parser.rest();
    if rest.is_empty() || rest.starts_with("//") {
        return Ok(expression);
    }
    Err(parser.error(match (rest.chars().next(), &expression) {
        (Some(')'), _) => "a closing parenthesis without its opening one",
        (Some('('), Expr::Name(..) | Expr::Quoted(..)) => "a function's name is written without quotes",
        (Some('\'' | '"'), Expr::Name(..)) => "a name with a quote in it must be written in quotes",
        _ => "unexpected text after the expression",
    }))
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error(&self, message: impl Into<String>) -> SyntaxError {
        SyntaxError {
            at: Offset(self.at),
            message: message.into(),
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

    fn expression(&mut self, depth: usize) -> Result<Expr, SyntaxError> {
        self.skip_space();
        if depth > MOST_NESTING {
            return Err(self.error(format!(
                "functions are nested more than {MOST_NESTING} deep; name a part of it in `assignments`"
            )));
        }
        let at = Offset(self.at);
        if let Some(quote @ ('\'' | '"')) = self.rest().chars().next() {
            return Ok(Expr::in_quotes(self.quoted_name(quote)?, at));
        }
        let word = self.word()?;
        if self.eat('(') {
            let arguments = self.arguments(depth)?;
            let function = word.to_string();
            return Ok(Expr::Call {
                function,
                arguments,
                at,
            });
        }
        if depth > 0 && word.bytes().all(|byte| byte.is_ascii_digit()) {
            let large = |_| SyntaxError {
                at,
                message: format!("the number {} is too large", shown(word)),
            };
            return Ok(Expr::Integer(word.parse().map_err(large)?, at));
        }
        Ok(Expr::Name(word.to_string(), at))
    }

    /// A name without quotes. Blanks may stand inside it, since Amazon's grammar does not forbid them.
    fn word(&mut self) -> Result<&'a str, SyntaxError> {
        let rest = self.rest();
        let end = rest.find(['(', ')', ',', '\'', '"']).unwrap_or(rest.len());
        let end = rest[..end].find("//").unwrap_or(end);
        let word = rest[..end].trim_end();
        if word.is_empty() {
            return Err(self.error("a name, a number or a function is expected here"));
        }
        if let Some(place) = word.find(['\t', '\r', '\n', '\\']) {
            self.at += place;
            return Err(self.error(
                "a name with a tab, a line break or a backslash must be written in quotes; is a comma missing?",
            ));
        }
        self.at += word.len();
        Ok(word)
    }

    fn quoted_name(&mut self, quote: char) -> Result<String, SyntaxError> {
        let mut name = String::new();
        let mut end = self.at + 1;
        loop {
            let Some(length) = self.text[end..].find(quote) else {
                return Err(self.error("the quote is never closed"));
            };
            name.push_str(&self.text[end..end + length]);
            end += length + 1;
            if !self.text[end..].starts_with(quote) {
                break;
            }
            name.push(quote);
            end += 1;
        }
        self.at = end;
        Ok(name)
    }

    fn arguments(&mut self, depth: usize) -> Result<Vec<Expr>, SyntaxError> {
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
        match parse_expression(text) {
            Ok(expression) => assert_eq!(expression.to_string(), expected, "{text}"),
            Err(error) => assert_eq!(format!("{}: {}", error.at.0, error.message), expected, "{text}"),
        }
    }

    #[test]
    fn expressions() {
        for (text, expected) in [
            ("ALL_INPUTS", "ALL_INPUTS"),
            ("hours-per-week", "hours-per-week"),
            ("sepal width", "'sepal width'"),
            (" quantile_bin( age , 20 ) // bands", "quantile_bin(age, 20)"),
            ("quantile_bin (\n age,\t20\r\n)", "quantile_bin(age, 20)"),
            ("age//the age", "age"),
            ("'a//b' // \"c", "'a//b'"),
            ("f(a) // b) 'c", "f(a)"),
            (
                "group('sepal width',\"petal, width\")",
                "group('sepal width', 'petal, width')",
            ),
            ("group('a','b')", "group(a, b)"),
            ("a(b(c(d)), 3)", "a(b(c(d)), 3)"),
            ("f()", "f()"),
            ("'it''s'", "\"it's\""),
            ("\"a\"\"b\"", "'a\"b'"),
            ("''", "''"),
            ("12", "'12'"),
            ("f(12, 007, '12', 2nd)", "f(12, 7, '12', '2nd')"),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn mistakes_have_a_place() {
        for (text, expected) in [
            ("f(a", "3: a comma or a closing parenthesis is expected here"),
            ("f(a 'b')", "4: a comma or a closing parenthesis is expected here"),
            ("", "0: a name, a number or a function is expected here"),
            ("  // x", "2: a name, a number or a function is expected here"),
            ("f(a, )", "5: a name, a number or a function is expected here"),
            ("f(,a)", "2: a name, a number or a function is expected here"),
            ("(a)", "0: a name, a number or a function is expected here"),
            ("'a", "0: the quote is never closed"),
            ("f('a//)", "2: the quote is never closed"),
            ("f(a) b", "5: unexpected text after the expression"),
            ("f(a))", "4: a closing parenthesis without its opening one"),
            ("'f'(a)", "3: a function's name is written without quotes"),
            ("it's", "2: a name with a quote in it must be written in quotes"),
            (
                "f(a\nb)",
                "3: a name with a tab, a line break or a backslash must be written in quotes; is a comma missing?",
            ),
            ("f(99999999999)", "2: the number 99999999999 is too large"),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_what_is_allowed_is_read() {
        let nested = |depth: usize| format!("{}x{}", "f(".repeat(depth), ")".repeat(depth));
        assert!(parse_expression(&nested(MOST_NESTING)).is_ok());
        let error = parse_expression(&nested(MOST_NESTING + 1)).unwrap_err();
        assert!(
            error
                .message
                .starts_with("functions are nested more than 64 deep")
        );
        assert!(parse_expression(&"f(".repeat(60_000)).is_err());
    }
}
