//! `yosoku reference`: the pages below `docs/reference`, written from what the program itself knows.
//!
//! Nobody has to keep them true by hand: a test compares each with what the program would write now.

mod causes;
mod commands;
mod configuration;
mod errors;
mod rest;
mod types;

use super::error::CliError;
use super::show;

/// What every page says first.
const MADE: &str =
    "Written by `make reference` from the program itself; a test fails when it is out of date.\n";

/// Write a page of the reference in docs/reference
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which page
    page: Page,
}

/// The pages there are.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Page {
    /// Every command with its options
    Cli,
    /// Every variable and its flag
    Configuration,
    /// Every error code
    Errors,
    /// Every operation of the REST interface
    Rest,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
    let text = match args.page {
        Page::Cli => commands::page(),
        Page::Configuration => configuration::page(),
        Page::Errors => errors::page(),
        Page::Rest => rest::page()?,
    };
    show::print(&text)
}

/// A row of a table in Markdown; a bar or a line break within a cell would end it.
fn row<S: AsRef<str>>(cells: impl IntoIterator<Item = S>) -> String {
    let cells: Vec<String> = cells
        .into_iter()
        .map(|cell| cell.as_ref().replace('|', "\\|").replace('\n', " "))
        .collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The head of a table.
fn head(names: &[&str]) -> String {
    row(names) + &row(names.iter().map(|_| "---"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_a_cell() {
        assert_eq!(row(["a|b", "c\nd"]), "| a\\|b | c d |\n");
        assert_eq!(head(&["x", "y"]), "| x | y |\n| --- | --- |\n");
    }
}
