//! Errors as Amazon ML tells them: a name from its list, and a message.

use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::{MEDIA_TYPE, hints};
use crate::service::codes::{self, Class};
use crate::service::error::chain;
use crate::service::{Error, FieldProblem};

/// The header with the identifier of a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// The longest message, in characters.
const LONGEST: usize = 2048;

const INVALID_INPUT: &str = "InvalidInputException";
const INTERNAL: &str = "InternalServerException";
const UNKNOWN_OPERATION: &str = "UnknownOperationException";
const NOT_MOUNTED: &str = "PredictorNotMountedException";

/// Why an operation was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    name: &'static str,
    status: StatusCode,
    message: String,
}

impl Refusal {
    fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self {
            name,
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
        }
    }

    /// A member that breaks a rule, or a request that cannot be done.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(INVALID_INPUT, message)
    }

    /// A member that is not there.
    pub fn missing(member: &str) -> Self {
        Self::invalid(format!("`{member}` is missing; it is required"))
    }

    /// A body, or a member, of the wrong type.
    pub fn unreadable(message: impl Into<String>) -> Self {
        Self::new("SerializationException", message)
    }

    /// An operation that there is not.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self::new(UNKNOWN_OPERATION, message)
    }

    /// A tag that breaks a rule.
    pub fn tag(message: impl Into<String>) -> Self {
        Self::new("InvalidTagException", message)
    }

    /// A model whose endpoint is not ready.
    pub fn not_mounted(message: impl Into<String>) -> Self {
        Self::new(NOT_MOUNTED, message)
    }

    /// What the operation Predict says of a model that cannot answer now.
    pub fn of_predict(error: Error) -> Self {
        match &error {
            Error::WrongState { .. } => Self::not_mounted(told(&error)),
            Error::Throttled { .. } => Self::new("LimitExceededException", told(&error)),
            _ => error.into(),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        if error.class() == Class::Internal {
            tracing::error!(error = chain(&error), "a request failed");
        }
        let (name, status) = named(error.code());
        Self {
            name,
            status,
            message: told(&error),
        }
    }
}

/// The message of an error and what mends it. The fields of ours that it names are not those of the caller.
fn told(error: &Error) -> String {
    let message = error.public_message();
    match error.problems() {
        [] => hints::joined(&message, hints::of(error.code())),
        problems => more(message, problems),
    }
}

/// The message with the problems of further fields behind it.
fn more(message: String, problems: &[FieldProblem]) -> String {
    let further = problems.iter().skip(1).map(|problem| problem.detail.as_str());
    std::iter::once(message.as_str())
        .chain(further)
        .collect::<Vec<_>>()
        .join("; ")
}

/// The name that Amazon ML has for one of our codes, and the status that goes with it.
fn named(code: &str) -> (&'static str, StatusCode) {
    let class = codes::find(code).map_or(Class::InvalidInput, |row| row.class);
    let name = match (code, class) {
        ("too_many_tags", _) => "TagLimitExceededException",
        ("not_mounted", _) => NOT_MOUNTED,
        ("unauthenticated", _) => "MissingAuthenticationTokenException",
        ("invalid_signature", _) => "InvalidSignatureException",
        ("method_not_allowed", _) => return (UNKNOWN_OPERATION, StatusCode::METHOD_NOT_ALLOWED),
        (_, Class::NotFound) => "ResourceNotFoundException",
        (_, Class::AlreadyExists | Class::ParameterMismatch) => "IdempotentParameterMismatchException",
        (_, Class::LimitExceeded) => "LimitExceededException",
        (_, Class::Throttled) => "ThrottlingException",
        (_, Class::Unauthenticated) => "UnrecognizedClientException",
        (_, Class::Forbidden) => "AccessDeniedException",
        (_, Class::Unavailable) => return (INTERNAL, StatusCode::SERVICE_UNAVAILABLE),
        (_, Class::Internal) => return (INTERNAL, StatusCode::INTERNAL_SERVER_ERROR),
        (_, Class::InvalidInput | Class::WrongState | Class::TooLarge) => INVALID_INPUT,
    };
    (name, StatusCode::BAD_REQUEST)
}

/// The numbers of the errors that have one. What they meant is not published; ours stay the same.
fn number(name: &str) -> Option<i32> {
    match name {
        INVALID_INPUT => Some(1),
        "ResourceNotFoundException" => Some(2),
        INTERNAL => Some(3),
        "IdempotentParameterMismatchException" => Some(4),
        "LimitExceededException" => Some(5),
        _ => None,
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        let message: String = refusal.message.chars().take(LONGEST).collect();
        let mut body = json!({"__type": refusal.name, "message": message});
        if let Some(number) = number(refusal.name) {
            body["code"] = Value::from(number);
        }
        let mut response = Response::new(body.to_string().into());
        *response.status_mut() = refusal.status;
        labelled(&mut response);
        if refusal.status == StatusCode::METHOD_NOT_ALLOWED {
            let allowed = HeaderValue::from_static("POST");
            response.headers_mut().insert(ALLOW, allowed);
        }
        response
    }
}

/// Gives an answer its media type.
pub fn labelled(response: &mut Response) {
    let media_type = HeaderValue::from_static(MEDIA_TYPE);
    response.headers_mut().insert(CONTENT_TYPE, media_type);
}

/// The answer that tells of a problem that a layer around the operations has found.
pub fn refusal(code: &str, message: &str) -> Response {
    let (name, status) = named(code);
    Response::from(Refusal {
        name,
        status,
        message: message.to_owned(),
    })
}

/// The identifier of a request in the form that clients of Amazon's know, such that the log has the same digits.
pub fn request_id(id: &str) -> String {
    match id.split_once('-') {
        Some((process, number)) if process.len() == 8 && number.len() == 12 => {
            format!("{process}-0000-4000-8000-{number}")
        }
        _ => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_name_that_clients_know() {
        for row in codes::CODES {
            let (name, status) = named(row.code);
            assert!(name.ends_with("Exception"), "{}", row.code);
            assert_eq!(status.is_server_error(), name == INTERNAL, "{}", row.code);
        }
        assert_eq!(named("not_found").0, "ResourceNotFoundException");
        assert_eq!(
            named("parameter_mismatch").0,
            "IdempotentParameterMismatchException"
        );
        assert_eq!(named("wrong_state").0, INVALID_INPUT);
    }

    #[test]
    fn identifiers_keep_their_digits() {
        assert_eq!(
            request_id("4f1c2a9e-00000000002a"),
            "4f1c2a9e-0000-4000-8000-00000000002a"
        );
        assert_eq!(request_id("mine"), "mine");
    }
}
