//! `yosoku openapi`: the REST interface as a document.

use super::error::CliError;

/// Runs the command.
pub fn run() -> Result<(), CliError> {
    Err(CliError::Failure("not available".into()))
}
