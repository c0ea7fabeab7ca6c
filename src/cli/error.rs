//! What can go wrong on the command line, and the exit code it means.

use crate::ml::model::BundleError;
use crate::ml::pipeline::PipelineError;

/// A command that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A flag or its value cannot be used.
    #[error("{0}")]
    Usage(String),
    /// A file does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The input cannot be used; `code` is its stable code.
    #[error("{message} [{code}]")]
    Invalid {
        /// Stable code.
        code: String,
        /// What is wrong and how to mend it.
        message: String,
    },
    /// Something exists that stands in the way, or two results differ that should not.
    #[error("{0}")]
    Conflict(String),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// Anything else.
    #[error("{0}")]
    Failure(String),
}

impl CliError {
    /// The exit code of the process.
    pub fn exit_code(&self) -> i32 {
        match self {
            CliError::Failure(_) => 1,
            CliError::Usage(_) => 2,
            CliError::NotFound(_) => 3,
            CliError::Invalid { .. } => 4,
            CliError::Conflict(_) => 5,
            CliError::Interrupted => 130,
        }
    }

    /// An operation on a file that failed.
    pub fn file(doing: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        let message = format!("{doing} `{}`: {error}", path.display());
        match error.kind() {
            std::io::ErrorKind::NotFound => CliError::NotFound(message),
            _ => CliError::Failure(message),
        }
    }
}

impl From<PipelineError> for CliError {
    fn from(error: PipelineError) -> Self {
        match error.code() {
            "stopped" => CliError::Interrupted,
            "disk_full" | "write_failed" | "read_failed" | "not_enough_memory" | "spill_failed" => {
                CliError::Failure(error.to_string())
            }
            code => CliError::Invalid {
                code: code.to_string(),
                message: error.to_string(),
            },
        }
    }
}

impl From<BundleError> for CliError {
    fn from(error: BundleError) -> Self {
        CliError::Invalid {
            code: error.code().to_string(),
            message: error.to_string(),
        }
    }
}
