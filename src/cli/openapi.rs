//! `yosoku openapi`: the REST interface as a document.

use super::error::CliError;
use super::show;

/// Runs the command.
pub fn run() -> Result<(), CliError> {
    show::print(&crate::http::openapi_yaml().map_err(CliError::Failure)?)
}
