//! The one error type of the use cases, free of any protocol.
//!
//! Each variant answers a different "what should the caller do?". The message is for the caller;
//! the cause of an internal error is for the log and never leaves the process.

use std::error::Error as StdError;
use std::fmt::Write;
use std::time::Duration;

use super::codes::{self, Class};

/// Why a use case could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request, or the data it names, is wrong.
    #[error("{message}")]
    InvalidInput {
        /// One of [`codes::CODES`], as specific as possible.
        code: &'static str,
        /// What is wrong, where, and how to mend it.
        message: String,
        /// One entry per field or place; may be empty.
        problems: Vec<FieldProblem>,
    },
    /// There is nothing of that name.
    #[error("there is no {kind} `{id}`")]
    NotFound {
        /// What was looked for, such as `model`.
        kind: &'static str,
        /// The name asked for.
        id: String,
    },
    /// The name is taken.
    #[error("there is already a {kind} `{id}`")]
    AlreadyExists {
        /// What it is, such as `model`.
        kind: &'static str,
        /// The taken name.
        id: String,
    },
    /// The state of the thing does not allow this.
    #[error("{kind} `{id}` is {state}; {reason}")]
    WrongState {
        /// `wrong_state` or a more specific code.
        code: &'static str,
        /// What it is, such as `model`.
        kind: &'static str,
        /// Its name.
        id: String,
        /// Its state, as the caller sees it.
        state: String,
        /// What that does not allow, and what to do instead.
        reason: String,
    },
    /// The identifier was used before, with different parameters or by something deleted since.
    #[error(
        "the identifier of {kind} `{id}` was used before, for a different request or for a {kind} that was deleted"
    )]
    ParameterMismatch {
        /// What it is, such as `model`.
        kind: &'static str,
        /// Its name.
        id: String,
    },
    /// The same request as before, but about a dataset that has other rows by now.
    #[error(
        "{kind} `{id}` was made from version {before:.12} of the dataset `{dataset}`, which has version {now:.12} by now"
    )]
    DatasetReplaced {
        /// What it is, such as `model`.
        kind: &'static str,
        /// Its name.
        id: String,
        /// The dataset's name.
        dataset: String,
        /// The version that was used.
        before: String,
        /// The version that the request would use.
        now: String,
    },
    /// The request is larger than allowed.
    #[error("{what} is larger than the limit of {limit} bytes")]
    TooLarge {
        /// What is too large, such as `the request body`.
        what: &'static str,
        /// The limit in bytes.
        limit: u64,
    },
    /// A quota is used up, or the machine lacks something for this job.
    #[error("{message}")]
    LimitExceeded {
        /// `limit_exceeded` or a more specific code.
        code: &'static str,
        /// Which limit, its value, and what would exceed it.
        message: String,
    },
    /// Too many requests from this caller.
    #[error("too many requests; repeat in {} s", retry_after.as_secs().max(1))]
    Throttled {
        /// How long to wait.
        retry_after: Duration,
    },
    /// No key, or not a valid one.
    #[error("{message}")]
    Unauthenticated {
        /// `unauthenticated` or `invalid_key`.
        code: &'static str,
        /// What is wrong with the key.
        message: String,
    },
    /// The caller is known and may not do this, or the request comes from a place that may not.
    #[error("{message}")]
    Forbidden {
        /// `forbidden` or a more specific code.
        code: &'static str,
        /// What is refused and why.
        message: String,
    },
    /// Not possible now.
    #[error("{message}")]
    Unavailable {
        /// `unavailable` or a more specific code.
        code: &'static str,
        /// What is not available.
        message: String,
        /// How long to wait.
        retry_after: Duration,
    },
    /// Our fault.
    #[error("{doing}")]
    Internal {
        /// What we were doing, for the log.
        doing: String,
        /// The cause, for the log.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
}

/// What is wrong with one field of a request, or one place in the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// A JSON pointer (RFC 6901) into the request, such as `/records/3/age`.
    pub pointer: String,
    /// One of [`codes::CODES`].
    pub code: &'static str,
    /// What is wrong there.
    pub detail: String,
}

impl FieldProblem {
    /// A problem at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        FieldProblem {
            pointer: pointer.into(),
            code,
            detail: detail.into(),
        }
    }
}

impl Error {
    /// Invalid input without a field of its own.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Error::InvalidInput {
            code,
            message: message.into(),
            problems: Vec::new(),
        }
    }

    /// Invalid input in one field; the field's message is also the error's.
    pub fn field(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Error::InvalidInput {
            code,
            message: message.clone(),
            problems: vec![FieldProblem::new(pointer, code, message)],
        }
    }

    /// There is no `kind` of that name.
    pub fn not_found(kind: &'static str, id: impl Into<String>) -> Self {
        Error::NotFound { kind, id: id.into() }
    }

    /// Something failed that the caller cannot mend; `doing` names the operation.
    pub fn internal(doing: impl Into<String>, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Error::Internal {
            doing: doing.into(),
            source: source.into(),
        }
    }

    /// Not possible now; the caller should repeat in a second.
    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Error::Unavailable {
            code,
            message: message.into(),
            retry_after: Duration::from_secs(1),
        }
    }

    /// The stable code that programs branch on.
    pub fn code(&self) -> &'static str {
        match self {
            Error::InvalidInput { code, .. }
            | Error::WrongState { code, .. }
            | Error::LimitExceeded { code, .. }
            | Error::Unauthenticated { code, .. }
            | Error::Forbidden { code, .. }
            | Error::Unavailable { code, .. } => code,
            Error::NotFound { .. } => "not_found",
            Error::AlreadyExists { .. } => "already_exists",
            Error::ParameterMismatch { .. } => "parameter_mismatch",
            Error::DatasetReplaced { .. } => "dataset_replaced",
            Error::TooLarge { .. } => "too_large",
            Error::Throttled { .. } => "throttled",
            Error::Internal { .. } => "internal",
        }
    }

    /// What the caller can do, which decides the status in every protocol.
    pub fn class(&self) -> Class {
        match self {
            Error::InvalidInput { .. } => Class::InvalidInput,
            Error::NotFound { .. } => Class::NotFound,
            Error::AlreadyExists { .. } => Class::AlreadyExists,
            Error::WrongState { .. } => Class::WrongState,
            Error::ParameterMismatch { .. } | Error::DatasetReplaced { .. } => Class::ParameterMismatch,
            Error::TooLarge { .. } => Class::TooLarge,
            Error::LimitExceeded { .. } => Class::LimitExceeded,
            Error::Throttled { .. } => Class::Throttled,
            Error::Unauthenticated { .. } => Class::Unauthenticated,
            Error::Forbidden { .. } => Class::Forbidden,
            Error::Unavailable { .. } => Class::Unavailable,
            Error::Internal { .. } => Class::Internal,
        }
    }

    /// Whether the same request may succeed later without a change.
    pub fn retryable(&self) -> bool {
        match self.class() {
            Class::Throttled | Class::Unavailable | Class::Internal => true,
            Class::InvalidInput
            | Class::NotFound
            | Class::AlreadyExists
            | Class::WrongState
            | Class::ParameterMismatch
            | Class::TooLarge
            | Class::LimitExceeded
            | Class::Unauthenticated
            | Class::Forbidden => false,
        }
    }

    /// How long to wait before repeating, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Throttled { retry_after } | Error::Unavailable { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    /// The message for the caller: everything but the cause of an internal error.
    pub fn public_message(&self) -> String {
        match self {
            Error::Internal { .. } => "something went wrong on the server's side".to_owned(),
            other => other.to_string(),
        }
    }

    /// How this kind of error is usually mended.
    pub fn hint(&self) -> Option<&'static str> {
        codes::find(self.code())
            .map(|row| row.hint)
            .filter(|hint| !hint.is_empty())
    }

    /// The problems of single fields; empty for every variant but invalid input.
    pub fn problems(&self) -> &[FieldProblem] {
        match self {
            Error::InvalidInput { problems, .. } => problems,
            _ => &[],
        }
    }
}

/// An error and all its causes in one line, for the log.
pub fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of_each() -> Vec<Error> {
        let id = || "m1".to_owned();
        let text = || "why".to_owned();
        let retry_after = Duration::from_secs(3);
        vec![
            Error::invalid("one_class", "why"),
            Error::not_found("model", "m1"),
            Error::AlreadyExists {
                kind: "model",
                id: id(),
            },
            Error::WrongState {
                code: "wrong_state",
                kind: "model",
                id: id(),
                state: "FAILED".to_owned(),
                reason: text(),
            },
            Error::ParameterMismatch {
                kind: "model",
                id: id(),
            },
            Error::DatasetReplaced {
                kind: "model",
                id: id(),
                dataset: "d".to_owned(),
                before: "1".to_owned(),
                now: "2".to_owned(),
            },
            Error::TooLarge {
                what: "the body",
                limit: 7,
            },
            Error::LimitExceeded {
                code: "limit_exceeded",
                message: text(),
            },
            Error::Throttled { retry_after },
            Error::Unauthenticated {
                code: "invalid_key",
                message: text(),
            },
            Error::Forbidden {
                code: "foreign_origin",
                message: text(),
            },
            Error::Unavailable {
                code: "overloaded",
                message: text(),
                retry_after,
            },
            Error::internal("opening the store", "disk on fire at /secret/path"),
        ]
    }

    #[test]
    fn every_variant_has_a_listed_code_of_its_class() {
        for error in one_of_each() {
            let row = codes::find(error.code()).unwrap();
            assert_eq!(row.class, error.class(), "{}", error.code());
        }
    }

    #[test]
    fn the_cause_of_an_internal_error_stays_inside() {
        let error = Error::internal("opening the store", "disk on fire at /secret/path");
        assert!(!error.public_message().contains("secret") && !error.public_message().contains("store"));
        assert_eq!(chain(&error), "opening the store: disk on fire at /secret/path");
    }

    #[test]
    fn only_errors_that_pass_are_retryable() {
        let retryable: Vec<_> = one_of_each()
            .iter()
            .filter(|e| e.retryable())
            .map(Error::code)
            .collect();
        assert_eq!(retryable, ["throttled", "overloaded", "internal"]);
    }
}
