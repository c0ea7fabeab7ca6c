//! `yosoku recipe`: check a recipe against a schema.

use std::path::PathBuf;

use super::error::CliError;
use super::files::read_text;
use super::inspect::read_schema;
use super::show;
use crate::ml::recipe::{Recipe, check};

/// Commands about recipes.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Check that a recipe fits a schema
    Check {
        /// Schema file (Amazon ML schema JSON)
        schema: PathBuf,
        /// Recipe file
        recipe: PathBuf,
    },
}

/// Runs the command.
pub fn run(command: &Command) -> Result<(), CliError> {
    let Command::Check { schema, recipe } = command;
    let schema = read_schema(schema)?;
    let checked = Recipe::from_json(&read_text(recipe)?).and_then(|recipe| check(&recipe, &schema));
    let terms = checked.map_err(|error| CliError::Invalid {
        code: error.code().into(),
        message: error.to_string(),
    })?;
    show::print(&format!("the recipe fits the schema: {} outputs\n", terms.len()))
}
