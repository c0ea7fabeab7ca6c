//! The page of commands: what `--help` of each says.

use clap::CommandFactory;

use super::MADE;
use crate::cli::{Cli, CliError};

/// Columns of the help; the page must not depend on the terminal that it is written on.
const WIDTH: usize = 100;

/// The page.
pub fn page() -> String {
    let mut program = Cli::command().term_width(WIDTH);
    program.build();
    let mut text = format!(
        "# Commands\n\n{MADE}\nResults go to standard output, messages and progress to standard error. \
         Every command works on files without a server, except those that are one.\n\n{}\n",
        exit_codes()
    );
    section(&mut program, &mut text);
    text
}

/// How the program ends, and what for.
fn exit_codes() -> String {
    let (nothing, code) = (String::new, String::new());
    let message = nothing();
    let ends = [
        (0, "done"),
        (CliError::Failure(nothing()).exit_code(), "anything else failed"),
        (
            CliError::Usage(nothing()).exit_code(),
            "a flag or its value cannot be used",
        ),
        (CliError::NotFound(nothing()).exit_code(), "a file does not exist"),
        (
            CliError::Invalid { code, message }.exit_code(),
            "the input cannot be used; the message ends with its [code](errors.md)",
        ),
        (
            CliError::Conflict(nothing()).exit_code(),
            "something stands in the way, or two results differ that should not",
        ),
        (CliError::Interrupted.exit_code(), "interrupted"),
    ];
    let rows = ends.map(|(code, meaning)| super::row([&code.to_string(), meaning]));
    super::head(&["exit code", "meaning"]) + &rows.concat()
}

/// One command, then those below it.
fn section(command: &mut clap::Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or("yosoku").to_owned();
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    text.push_str(&format!(
        "## {name}\n\n```text\n{}\n```\n\n",
        lines.join("\n").trim_end()
    ));
    let below = command.get_subcommands_mut();
    below
        .filter(|command| !command.is_hide_set() && command.get_name() != "help")
        .for_each(|command| section(command, text));
    text.truncate(text.trim_end().len());
    text.push_str("\n\n");
}
