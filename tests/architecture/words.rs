//! What a file says: a first sentence about its purpose, nothing unfinished, nobody's own folders, and SQL only in
//! the catalogue.

use crate::source::{Source, Violation};

/// Words that must not stand anywhere in `src/`, and why.
const BANNED: &[(&str, &str)] = &[
    ("todo!", "unfinished"),
    ("unimplemented!", "unfinished"),
    ("replaced before release", "unfinished"),
    ("/home/", "a folder of one machine"),
    ("/root/", "a folder of one machine"),
    ("/Users/", "a folder of one machine"),
];

/// How a statement begins.
const SQL: [&str; 8] = [
    "SELECT ",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "CREATE INDEX ",
    "ALTER TABLE ",
    "DROP TABLE ",
];

/// The shortest text that counts as a sentence.
const WORDS: usize = 3;

/// Every file begins with a `//!` doc of at least one sentence.
pub fn module_docs(sources: &[Source]) -> Vec<Violation> {
    sources
        .iter()
        .filter(|source| !starts_with_sentence(&source.text))
        .map(|source| {
            let what =
                "the first line must be a `//!` doc with a sentence on what the file is for".to_owned();
            source.violation(1, "module doc", what)
        })
        .collect()
}

fn starts_with_sentence(text: &str) -> bool {
    let doc: Vec<&str> = text
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(str::trim)
        .collect();
    let paragraph = doc
        .split(|line| line.is_empty())
        .next()
        .unwrap_or_default()
        .join(" ");
    paragraph.split_whitespace().count() >= WORDS
        && (paragraph.contains(". ") || paragraph.ends_with(['.', ':', '?']))
}

/// No banned word, in code, comments or strings.
pub fn banned(sources: &[Source]) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in sources {
        for (number, line) in source.text.lines().enumerate() {
            for (word, why) in BANNED.iter().filter(|(word, _)| line.contains(word)) {
                found.push(source.violation(number + 1, "banned word", format!("`{word}`: {why}")));
            }
        }
    }
    found
}

/// No SQL outside the catalogue and what asks the databases of users.
pub fn sql(sources: &[Source]) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in sources
        .iter()
        .filter(|source| !source.is_test && !source.is_in("catalog") && !source.is_in("source"))
    {
        for (text, line) in &source.strings {
            let statement = text.trim_start_matches(['r', 'b', '#', '"', ' ', '\n']);
            if let Some(start) = SQL.iter().find(|start| statement.starts_with(**start)) {
                let what = format!(
                    "only `catalog` writes SQL, this string begins with `{}`",
                    start.trim_end()
                );
                found.push(source.violation(*line, "sql", what));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rule: fn(&[Source]) -> Vec<Violation>, path: &str, text: &str) -> Vec<String> {
        rule(&[Source::parse(path, text)])
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_file_without_a_sentence_is_found() {
        let missing = [
            "src/a.rs:1: module doc: the first line must be a `//!` doc with a sentence on what the file is for",
        ];
        assert_eq!(found(module_docs, "src/a.rs", "fn f() {}\n"), missing);
        assert_eq!(found(module_docs, "src/a.rs", "//! Helpers\n"), missing);
        assert_eq!(
            found(
                module_docs,
                "src/a.rs",
                "use std::io;\n//! This comes too late.\n"
            ),
            missing
        );
        assert_eq!(found(module_docs, "src/a.rs", ""), missing);
        let fine = "//! Splits rows into two parts\n//! by a seed.\n//!\n//! More\n";
        assert_eq!(found(module_docs, "src/a.rs", fine), Vec::<String>::new());
        let question = "//! Is the process alive?\n";
        assert_eq!(found(module_docs, "src/a.rs", question), Vec::<String>::new());
    }

    #[test]
    fn banned_words_are_found_in_tests_too() {
        let text = "//! Doc.\nfn f() {\n    todo!()\n}\n#[cfg(test)]\nmod tests {\n    const P: &str = \"/home/me\";\n}\n";
        assert_eq!(
            found(banned, "src/a.rs", text),
            [
                "src/a.rs:3: banned word: `todo!`: unfinished",
                "src/a.rs:7: banned word: `/home/`: a folder of one machine"
            ]
        );
        assert_eq!(
            found(banned, "src/a.rs", "//! What remains to do: nothing.\n"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn sql_outside_the_catalogue_is_found() {
        let text = "fn f() {\n    query(\"SELECT 1\");\n    query!(r#\"\n        DELETE FROM jobs\"#);\n}\n";
        assert_eq!(
            found(sql, "src/service/models.rs", text),
            [
                "src/service/models.rs:2: sql: only `catalog` writes SQL, this string begins with `SELECT`",
                "src/service/models.rs:3: sql: only `catalog` writes SQL, this string begins with `DELETE FROM`",
            ]
        );
        assert_eq!(found(sql, "src/catalog/jobs.rs", text), Vec::<String>::new());
        let prose = "/// SELECT is a word.\nfn f() {\n    say(\"UPDATED 3 rows\");\n}\n";
        assert_eq!(found(sql, "src/service/models.rs", prose), Vec::<String>::new());
    }
}
