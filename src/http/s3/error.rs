//! Errors of the use cases in the words of S3.

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use s3s::{HttpError, S3Error, S3ErrorCode, StdError};

use crate::service::Error;
use crate::service::error::chain;

/// What a client of S3 is told.
pub(super) fn refusal(error: Error) -> S3Error {
    let code = match &error {
        Error::NotFound { kind: "bucket", .. } => S3ErrorCode::NoSuchBucket,
        Error::NotFound {
            kind: "multipart upload",
            ..
        } => S3ErrorCode::NoSuchUpload,
        Error::NotFound { .. } => S3ErrorCode::NoSuchKey,
        Error::TooLarge { .. } => S3ErrorCode::EntityTooLarge,
        Error::Forbidden { .. } => S3ErrorCode::AccessDenied,
        Error::InvalidInput { code, .. } => match *code {
            "bucket_refused" | "bucket_read_only" => S3ErrorCode::AccessDenied,
            "upload_interrupted" => S3ErrorCode::IncompleteBody,
            "empty_range" => S3ErrorCode::InvalidRange,
            "checksum_mismatch" => S3ErrorCode::BadDigest,
            "invalid_part" => S3ErrorCode::InvalidPart,
            "invalid_part_order" => S3ErrorCode::InvalidPartOrder,
            "part_too_small" => S3ErrorCode::EntityTooSmall,
            _ => S3ErrorCode::InvalidArgument,
        },
        Error::LimitExceeded { .. } | Error::Throttled { .. } => S3ErrorCode::SlowDown,
        Error::Unavailable {
            code: "upload_stalled",
            ..
        } => S3ErrorCode::RequestTimeout,
        Error::Unavailable { .. } => S3ErrorCode::ServiceUnavailable,
        _ => {
            tracing::error!(error = chain(&error), "a request at the S3 door failed");
            S3ErrorCode::InternalError
        }
    };
    S3Error::with_message(code, error.public_message())
}

/// What is wrong with a body that broke off: our own reason if it was one, else that it broke off.
pub(super) fn of_body(error: StdError) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => *own,
        Err(other) if other.is::<S3Error>() => Error::invalid("checksum_mismatch", other.to_string()),
        Err(other) if is_late(&*other) => Error::unavailable(
            "upload_stalled",
            "nothing arrived for a minute, or next to nothing; send it again",
        ),
        Err(other) => {
            let message = format!("the body broke off or is not signed as it should be: {other}");
            Error::invalid("upload_interrupted", message)
        }
    }
}

fn is_late(error: &(dyn std::error::Error + 'static)) -> bool {
    let of_system = error.downcast_ref::<std::io::Error>();
    of_system.is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
        || error.source().is_some_and(is_late)
}

/// The answer where the library has none.
pub(super) fn unanswered(error: HttpError) -> Response {
    let cause = StdError::from(error);
    tracing::error!(error = %cause, "a request at the S3 door could not be answered");
    (StatusCode::INTERNAL_SERVER_ERROR, Body::empty()).into_response()
}

/// What is said of one of many files that is to be deleted under a condition.
pub(super) fn unconditional(key: String) -> s3s::dto::Error {
    s3s::dto::Error {
        code: Some("NotImplemented".to_owned()),
        key: Some(key),
        message: Some("conditions and versions of what is deleted are not known here".to_owned()),
        ..s3s::dto::Error::default()
    }
}

/// What is said of one of many files that could not be deleted.
pub(super) fn told(key: String, error: Error) -> s3s::dto::Error {
    let error = refusal(error);
    s3s::dto::Error {
        code: Some(error.code().as_str().to_owned()),
        key: Some(key),
        message: error.message().map(str::to_owned),
        ..s3s::dto::Error::default()
    }
}
