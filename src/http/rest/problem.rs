//! Errors as RFC 9457 problem documents.
//!
//! Everything that goes wrong in REST, whether in a use case, an extractor or a layer, becomes a
//! [`Problem`] here. The request's path and identifier are filled in by the outermost layer.

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::service::codes::{self, Class};
use crate::service::error::{Error, chain};

/// At most this many field problems are sent; the rest are counted.
pub const MAX_ERRORS: usize = 20;

/// The media type of a problem document.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What went wrong and what to do about it (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "urn:yosoku:error:unknown_field",
    "title": "unknown field",
    "status": 400,
    "detail": "unknown field `targt`, expected one of `dataset`, `target`",
    "instance": "/v1/train",
    "code": "unknown_field",
    "request_id": "4f1c2a9e-00000000002a",
    "errors": [{"pointer": "/targt", "code": "unknown_field", "detail": "unknown field `targt`, expected one of `dataset`, `target`"}],
    "hint": "compare the spelling with the reference at /docs"
}))]
pub struct Problem {
    /// A name for the kind of problem that never changes: `urn:yosoku:error:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in words, the same each time.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// The path that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The stable code to branch on.
    pub code: String,
    /// The request's identifier, also in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// What is wrong with each field, at most twenty entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemEntry>,
    /// How many further entries were left out of `errors`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub truncated_count: u64,
    /// What usually mends this kind of problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// More facts for programs, on the error of a resource that FAILED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub details: Option<serde_json::Value>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemEntry {
    /// A JSON pointer into the request body.
    #[schema(example = "/records/3/age")]
    pub pointer: String,
    /// The stable code of this entry.
    #[schema(example = "invalid_value")]
    pub code: String,
    /// What is wrong there.
    #[schema(example = "`abc` is not a number")]
    pub detail: String,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Refusals that only HTTP knows: code, status, title, hint.
pub const PROTOCOL_CODES: &[(&str, u16, &str, &str)] = &[
    (
        "unknown_route",
        404,
        "no such address",
        "the reference at /docs lists every address",
    ),
    (
        "method_not_allowed",
        405,
        "method not allowed",
        "the Allow header lists what this address answers",
    ),
    (
        "unsupported_media",
        415,
        "unsupported content type",
        "declare the type of the body with Content-Type",
    ),
    (
        "range_not_satisfiable",
        416,
        "no such range",
        "ask for bytes within the size of the file",
    ),
    (
        "bad_request",
        400,
        "bad request",
        "compare it with the reference at /docs",
    ),
];

impl Problem {
    /// The problem that stands for an error of a use case.
    pub fn from_error(error: &Error) -> Self {
        let title = codes::find(error.code()).map_or("error", |row| row.title);
        let status = status_of(error.code(), error.class());
        let mut problem = Problem::plain(status, error.code(), title, error.public_message());
        let all = error.problems();
        problem.errors = all.iter().take(MAX_ERRORS).map(ProblemEntry::from).collect();
        problem.truncated_count = all.len().saturating_sub(MAX_ERRORS) as u64;
        problem.hint = error.hint().map(str::to_owned);
        problem
    }

    /// A refusal that only HTTP knows; `code` is one of [`PROTOCOL_CODES`].
    pub fn protocol(code: &'static str, detail: impl Into<String>) -> Self {
        let found = PROTOCOL_CODES.iter().find(|row| row.0 == code);
        let (_, status, title, hint) = *found.unwrap_or(&(code, 400, "bad request", ""));
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut problem = Problem::plain(status, code, title, detail.into());
        problem.hint = (!hint.is_empty()).then(|| hint.to_owned());
        problem
    }

    /// The problem for a status that came without one, from a part that is not ours.
    pub fn of_status(status: StatusCode) -> Self {
        let known = PROTOCOL_CODES.iter().find(|row| row.1 == status.as_u16());
        let code = match known {
            Some(row) => row.0,
            None if status.is_server_error() => "internal",
            None => "bad_request",
        };
        let title = status.canonical_reason().unwrap_or("error").to_lowercase();
        Problem::plain(status, code, &title, title.clone())
    }

    /// The stored problem of a job that failed: a code and a message without a request.
    pub fn of_job(code: &str, message: &str) -> Self {
        let row = codes::find(code);
        let status = row.map_or(StatusCode::INTERNAL_SERVER_ERROR, |row| {
            status_of(code, row.class)
        });
        let mut problem = Problem::plain(
            status,
            code,
            row.map_or("error", |row| row.title),
            message.to_owned(),
        );
        problem.hint = row.map(|row| row.hint.to_owned()).filter(|hint| !hint.is_empty());
        problem
    }

    fn plain(status: StatusCode, code: &str, title: &str, detail: String) -> Self {
        Problem {
            kind: format!("urn:yosoku:error:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail,
            instance: None,
            code: code.to_owned(),
            request_id: None,
            errors: Vec::new(),
            truncated_count: 0,
            hint: None,
            details: None,
        }
    }
}

impl From<&crate::service::FieldProblem> for ProblemEntry {
    fn from(problem: &crate::service::FieldProblem) -> Self {
        ProblemEntry {
            pointer: problem.pointer.clone(),
            code: problem.code.to_owned(),
            detail: problem.detail.clone(),
        }
    }
}

/// Codes for which HTTP has a status of its own.
const OWN_STATUS: &[(&str, StatusCode)] = &[("revision_mismatch", StatusCode::PRECONDITION_FAILED)];

/// The HTTP status of an error.
pub fn status_of(code: &str, class: Class) -> StatusCode {
    let own = OWN_STATUS.iter().find(|row| row.0 == code);
    own.map_or_else(|| status(class), |row| row.1)
}

/// The HTTP status of each class of error.
pub fn status(class: Class) -> StatusCode {
    match class {
        Class::InvalidInput => StatusCode::BAD_REQUEST,
        Class::NotFound => StatusCode::NOT_FOUND,
        Class::AlreadyExists | Class::WrongState | Class::ParameterMismatch => StatusCode::CONFLICT,
        Class::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Class::LimitExceeded | Class::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Class::Unauthenticated => StatusCode::UNAUTHORIZED,
        Class::Forbidden => StatusCode::FORBIDDEN,
        Class::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Class::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What a handler returns when it fails: a problem and the seconds to wait, if any.
#[derive(Debug)]
pub struct ApiError {
    problem: Box<Problem>,
    retry_after: Option<u64>,
}

impl From<Error> for ApiError {
    /// Also the one place where the cause of an internal error is logged.
    fn from(error: Error) -> Self {
        if error.class() == Class::Internal {
            tracing::error!(error = %chain(&error), "request failed");
        }
        ApiError {
            problem: Box::new(Problem::from_error(&error)),
            retry_after: error.retry_after().map(|wait| wait.as_secs().max(1)),
        }
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        ApiError {
            problem: Box::new(problem),
            retry_after: None,
        }
    }
}

impl IntoResponse for ApiError {
    /// The problem also travels as an extension, so that the outermost layer can complete it.
    fn into_response(self) -> Response {
        let mut response = render(&self.problem);
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if response.status() == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"yosoku\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response.extensions_mut().insert(*self.problem);
        response
    }
}

/// A problem as a response, as it stands.
pub fn render(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(problem)).into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    response
}

#[cfg(test)]
mod tests {
    use crate::service::FieldProblem;

    use super::*;

    #[test]
    fn a_long_list_of_field_problems_is_cut_and_counted() {
        let problems = (0..25)
            .map(|i| FieldProblem::new(format!("/records/{i}"), "invalid_value", "bad"))
            .collect();
        let error = Error::InvalidInput {
            code: "invalid_input",
            message: "25 records are wrong".into(),
            problems,
        };
        let problem = Problem::from_error(&error);
        assert_eq!((problem.errors.len(), problem.truncated_count), (20, 5));
        assert_eq!(problem.errors[19].pointer, "/records/19");
    }

    #[test]
    fn statuses_are_the_documented_ones() {
        let expected = [400, 404, 409, 409, 409, 413, 429, 429, 401, 403, 503, 500];
        let mut seen = std::collections::HashSet::new();
        let statuses: Vec<_> = codes::CODES
            .iter()
            .filter(|row| seen.insert(row.class))
            .map(|row| status(row.class).as_u16())
            .collect();
        assert_eq!(statuses, expected);
    }

    #[test]
    fn retry_after_and_challenge_are_headers() {
        let busy = ApiError::from(Error::unavailable("overloaded", "busy")).into_response();
        assert_eq!(busy.headers()[RETRY_AFTER], "1");
        let unknown = ApiError::from(Error::Unauthenticated {
            code: "unauthenticated",
            message: "no key".into(),
        });
        assert_eq!(
            unknown.into_response().headers()[WWW_AUTHENTICATE],
            "Bearer realm=\"yosoku\""
        );
    }

    #[test]
    fn an_empty_problem_leaves_optional_members_out() {
        let text = serde_json::to_string(&Problem::of_status(StatusCode::IM_A_TEAPOT)).unwrap();
        assert!(
            !text.contains("errors") && !text.contains("truncated") && !text.contains("hint"),
            "{text}"
        );
    }

    #[test]
    fn protocol_codes_do_not_clash_with_service_codes() {
        for (code, ..) in PROTOCOL_CODES {
            assert!(codes::find(code).is_none(), "{code} is in both tables");
        }
    }
}
