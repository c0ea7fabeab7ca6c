//! The command line: every command works on files with no server, except those that are one.
//!
//! Results go to standard output, messages and progress to standard error. Exit codes: 0 done, 1
//! failure, 2 usage, 3 not found, 4 invalid input, 5 conflict, 130 interrupted.

mod demo;
mod error;
mod evaluate;
mod files;
mod inspect;
mod key;
mod log;
mod openapi;
mod parts;
mod predict;
mod processor;
mod progress;
mod query;
mod recipe;
mod reference;
mod serve;
mod show;
mod split;
mod tables;
mod threshold;
mod train;
mod trained;
mod usage;
mod verify;
mod weights;

use clap::{Parser, Subcommand};

pub use error::CliError;

/// Bring a CSV, get a trained and evaluated model that answers in batch and in real time.
///
/// Start with `yosoku inspect data.csv`, then `yosoku train data.csv --target COLUMN`, then
/// `yosoku predict data.yosoku new.csv --out predictions.csv`. `yosoku demo` shows all of it over
/// HTTP on sample data.
#[derive(Debug, Parser)]
#[command(name = "yosoku", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what is in a CSV: types, distributions, problems
    Inspect(inspect::Args),
    /// Train a model and evaluate it on held-out rows
    Train(train::Args),
    /// Evaluate a model on a CSV that has the target
    Evaluate(evaluate::Args),
    /// Score every row of a CSV
    Predict(predict::Args),
    /// Choose the threshold of a binary model by what you need
    Threshold(threshold::Args),
    /// Show the weights of a model with their intervals
    Weights(weights::Args),
    /// Ask a database, and write the rows as CSV
    Query(query::Args),
    /// Serve the REST interface and do its jobs
    Serve(serve::ServeArgs),
    /// Do jobs of an installation, without HTTP
    Work(serve::WorkArgs),
    /// Show the whole way from a CSV to predictions over HTTP, on sample data
    Demo(demo::Args),
    /// Show how a model was trained: rows, features, penalties tried, fit, time and memory
    Log(log::Args),
    /// Check that training again gives the same model
    Verify(verify::Args),
    /// Check recipes
    #[command(subcommand)]
    Recipe(recipe::Command),
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Key(key::Command),
    /// Show what was used, and what it would have cost at the prices of Amazon Machine Learning
    Usage(usage::Args),
    /// Print the OpenAPI document of the REST interface
    Openapi,
    #[command(hide = true)]
    Reference(reference::Args),
}

/// Parses the process's arguments and runs the command. Returns the exit code.
pub fn run() -> i32 {
    if let Some(complaint) = processor::complaint() {
        show::message(&format!("error: {complaint}"));
        return 1;
    }
    // clap prints usage errors itself and exits with 2.
    let cli = Cli::parse();
    match cli.command.run() {
        Ok(()) => 0,
        Err(error) => {
            show::message(&format!("error: {error}"));
            error.exit_code()
        }
    }
}

impl Command {
    fn run(self) -> Result<(), CliError> {
        match self {
            Command::Inspect(args) => inspect::run(&args),
            Command::Train(args) => train::run(&args),
            Command::Evaluate(args) => evaluate::run(&args),
            Command::Predict(args) => predict::run(&args),
            Command::Threshold(args) => threshold::run(&args),
            Command::Weights(args) => weights::run(&args),
            Command::Query(args) => query::run(&args),
            Command::Serve(args) => serve::serve(&args),
            Command::Work(args) => serve::work(&args),
            Command::Demo(args) => demo::run(&args),
            Command::Log(args) => log::run(&args),
            Command::Verify(args) => verify::run(&args),
            Command::Recipe(command) => recipe::run(&command),
            Command::Key(command) => key::run(&command),
            Command::Usage(args) => usage::run(&args),
            Command::Openapi => openapi::run(),
            Command::Reference(args) => reference::run(&args),
        }
    }
}
