//! A query to a database, whose rows are a data source.

use serde::{Deserialize, Serialize};

use super::location::Location;

/// The longest text of a query, in characters: as long as a schema or a recipe may be. Amazon ML allowed more; but the text
/// is kept with the data source, and lists read many of those.
const LONGEST: usize = 131_071;

/// The longest name of a database or a user, in characters.
const LONGEST_NAME: usize = 128;

/// The words that a query which only reads begins with.
const BEGINNINGS: [&str; 4] = ["select", "with", "values", "table"];

/// What is asked of which database. The password is not here: it is never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuerySpec {
    /// The connection, by the name that the server's operator gave it.
    pub connection: String,
    /// The database there; none means the one that the connection names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Who asks; used where the connection has no user of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The query.
    pub sql: String,
    /// A random name: of the password in memory, if there is one, and of the file with the rows.
    pub token: String,
    /// The folder that the rows are kept in; none for a place of the data source's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staging: Option<Location>,
    /// Whether the types of the columns decide those of the attributes where no schema is given, as Amazon ML has it,
    /// instead of the values.
    #[serde(default)]
    pub types_decide: bool,
}

/// What is wrong with the text of a query, if that can be seen without a database.
pub fn check_sql(sql: &str) -> Result<(), String> {
    let characters = sql.chars().count();
    if characters > LONGEST {
        return Err(format!(
            "the query has {characters} characters; it may have {LONGEST}"
        ));
    }
    if sql.contains('\0') {
        return Err("the query holds a zero byte; remove it".to_owned());
    }
    let word: String = beginning(sql)?
        .chars()
        .take_while(|c| c.is_ascii_alphabetic())
        .take(20)
        .collect();
    match word.to_ascii_lowercase() {
        word if word.is_empty() => Err("the query is empty; write a SELECT".to_owned()),
        word if BEGINNINGS.contains(&word.as_str()) => Ok(()),
        _ => Err(format!(
            "the query begins with `{word}`; only queries that read, such as SELECT, are run"
        )),
    }
}

/// What is wrong with the name of a database or of a user. A zero byte would end it in the protocols, and what follows
/// would mean something else.
pub fn check_name(what: &str, name: &str) -> Result<(), String> {
    let characters = name.chars().count();
    if characters == 0 || characters > LONGEST_NAME {
        return Err(format!(
            "{what} has {characters} characters; it must have 1 to {LONGEST_NAME}"
        ));
    }
    if name.chars().any(char::is_control) {
        return Err(format!("{what} has a control character; remove it"));
    }
    Ok(())
}

/// The text from its first word on: behind space, comments and opening brackets.
fn beginning(sql: &str) -> Result<&str, String> {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
        rest = if let Some(comment) = rest.strip_prefix("--").or(rest.strip_prefix('#')) {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            let (comment, after) = comment.split_once("*/").unwrap_or((comment, ""));
            // MySQL runs what is in some comments, and databases do not agree on comments in comments.
            if comment.starts_with('!') || comment.starts_with("M!") || comment.contains("/*") {
                return Err("the query begins with a comment that means something; leave it out".to_owned());
            }
            after
        } else {
            return Ok(rest);
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_that_read_are_told_from_others() {
        for good in [
            "SELECT 1",
            " \n select 1;",
            "-- why\n/* how */ (SELECT 1) UNION (SELECT 2)",
            "WITH a AS (SELECT 1) SELECT * FROM a",
            "values (1)",
            "# how MySQL has it\nselect 1",
            "TABLE orders",
        ] {
            assert_eq!(check_sql(good), Ok(()), "{good}");
        }
        for (bad, part) in [
            ("", "empty"),
            ("-- nothing", "empty"),
            ("/* open", "empty"),
            ("DROP TABLE a", "begins with `DROP`"),
            ("selection", "begins with `selection`"),
            ("insert into a select 1", "`insert`"),
            ("EXPLAIN SELECT 1", "`EXPLAIN`"),
            ("SELECT '\0'", "zero byte"),
            ("/*! OPTIMIZE */ TABLE t", "comment"),
            ("/*M!100100 REPAIR */ TABLE t", "comment"),
            ("/* /* */ OPTIMIZE TABLE t -- */ SELECT 1", "comment"),
            ("(/*!50000 SET STATEMENT a=1 FOR */ SELECT 1)", "comment"),
        ] {
            assert!(check_sql(bad).unwrap_err().contains(part), "{bad}");
        }
    }

    #[test]
    fn names_cannot_say_more_than_a_name() {
        assert_eq!(check_name("the user", "größer"), Ok(()));
        for bad in ["", "a\0user\0root", "a\nb", &"x".repeat(129)] {
            assert!(check_name("the user", bad).is_err(), "{bad:?}");
        }
        assert!(check_sql(&format!("SELECT {}", "1".repeat(131_071))).is_err());
    }
}
