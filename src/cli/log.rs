//! `yosoku log`: how a model came about.

use std::path::PathBuf;

use super::error::CliError;
use super::files::read_bundle;
use super::show;
use crate::ml::model::training_log;

/// Show how a model was trained
///
/// What it was learned from, which recipes and penalties were tried and how each fared on rows held back, how near the
/// weights are to the best ones, warnings, and the time and memory of each stage.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Model file
    model: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
    show::print(&training_log(&read_bundle(&args.model)?))
}
