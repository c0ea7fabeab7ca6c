//! Reads `src/` and holds it to the rules between the layers, to the budgets for the size of files and functions,
//! and to a few words that must not be there. One package gives no walls that the compiler keeps; these tests are
//! the walls. Every rule lists all its violations with file and line, and each has tests of its own that show it
//! can fail. Test code inside `src/` is exempt, except from the rules on words and on the first line of a file.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

#[path = "architecture/budgets.rs"]
mod budgets;
#[path = "architecture/imports.rs"]
mod imports;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/words.rs"]
mod words;

use std::path::Path;

use source::{Source, Violation};

/// Every file of `src/`; fails if the tree is not the one these rules were written for.
fn project() -> Vec<Source> {
    let sources = source::read_tree(Path::new(env!("CARGO_MANIFEST_DIR")), "src");
    for expected in ["src/lib.rs", "src/main.rs", "src/ml/mod.rs"] {
        assert!(
            sources.iter().any(|s| s.path == expected),
            "{expected} was not found"
        );
    }
    sources
}

fn assert_none(violations: &[Violation]) {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(
        lines.is_empty(),
        "{} violations:\n{}\n",
        lines.len(),
        lines.join("\n")
    );
}

#[test]
fn layers_use_only_what_lies_below_them() {
    assert_none(&imports::layers(&project()));
}

#[test]
fn foreign_crates_and_the_environment_have_one_owner() {
    assert_none(&imports::owners(&project()));
}

#[test]
fn the_core_does_no_io() {
    assert_none(&imports::purity(&project()));
}

#[test]
fn no_file_or_function_is_too_long() {
    assert_none(&budgets::hard(&project()));
}

#[test]
fn most_files_and_functions_are_short() {
    assert_none(&budgets::typical(&project()));
}

#[test]
fn every_file_starts_by_saying_what_it_is_for() {
    assert_none(&words::module_docs(&project()));
}

#[test]
fn nothing_unfinished_or_private_is_left_behind() {
    assert_none(&words::banned(&project()));
}

#[test]
fn only_the_catalogue_writes_sql() {
    assert_none(&words::sql(&project()));
}
