//! Errors of the use cases in the words of S3.

use axum::body::Body;
use axum::http::header::{CONTENT_RANGE, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use s3s::{HttpError, S3Error, S3ErrorCode, StdError};

use super::text::escaped;
use crate::http::rest::problem::Problem;
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
        Error::Unavailable {
            code: "overloaded", ..
        } => S3ErrorCode::SlowDown,
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

/// The refusal of a range that has no byte of a file of `size` bytes.
pub(super) fn unsatisfiable(size: u64) -> S3Error {
    let message = format!("the file has {size} bytes, none of which are asked for");
    let mut error = S3Error::with_message(S3ErrorCode::InvalidRange, message);
    // The library takes these instead of its own.
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(XML));
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
        headers.insert(CONTENT_RANGE, value);
    }
    error.set_headers(headers);
    error
}

/// The media type of documents.
const XML: &str = "application/xml";

/// An answer that does not come from the library.
pub(super) fn answer(error: &S3Error) -> Response {
    let status = error.status_code().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    document(
        status,
        error.code().as_str(),
        error.message().unwrap_or_default(),
        "",
    )
}

/// What the layers around the door refuse, in the words of S3. What they say in other words is nothing to its clients:
/// they go by the code, and ask again only where they know it.
pub(in crate::http) fn refused(problem: &Problem) -> Response {
    let (code, status) = match (problem.code.as_str(), problem.status) {
        ("overloaded", _) | (_, 429) => ("SlowDown", 503),
        ("timeout", _) => ("RequestTimeout", 400),
        (_, 401 | 403) => ("AccessDenied", 403),
        (_, 404) => ("NoSuchKey", 404),
        (_, 405) => ("MethodNotAllowed", 405),
        (_, 413) => ("EntityTooLarge", 400),
        (_, 503) => ("ServiceUnavailable", 503),
        (_, status) if status < 500 => ("InvalidRequest", 400),
        _ => ("InternalError", 500),
    };
    let element = |name: &str, text: Option<&String>| {
        text.map_or_else(String::new, |text| format!("<{name}>{}</{name}>", escaped(text)))
    };
    let more =
        element("Resource", problem.instance.as_ref()) + &element("RequestId", problem.request_id.as_ref());
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    document(status, code, &problem.detail, &more)
}

fn document(status: StatusCode, code: &str, message: &str, more: &str) -> Response {
    let message = escaped(message);
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>"
    );
    (status, [(CONTENT_TYPE, XML)], text).into_response()
}

/// The same document of the library with a message, if it is an error without one; clients show the message, and
/// "Unknown" where there is none.
pub(super) fn worded(document: &[u8]) -> Option<Vec<u8>> {
    let text = str::from_utf8(document)
        .ok()
        .filter(|text| !text.contains("<Message>"))?;
    let (before, rest) = text.split_once("<Error><Code>")?;
    let (code, rest) = rest.split_once("</Code>")?;
    let message = escaped(message(code));
    Some(format!("{before}<Error><Code>{code}</Code><Message>{message}</Message>{rest}").into_bytes())
}

/// What to do about an error of which the library says the code alone.
fn message(code: &str) -> &'static str {
    match code {
        "SignatureDoesNotMatch" => {
            "the signature is not the one that the secret of the key makes of this request; check the secret, and that \
             nothing on the way changes host, path, parameters or signed headers"
        }
        "InvalidBucketName" => {
            "buckets are called by 1 to 128 letters, digits, `_`, `.` and `-`, of which the first is no dot"
        }
        "InvalidURI" => {
            "the path is /BUCKET or /BUCKET/KEY, and parameters are pairs, in UTF-8 and encoded with %"
        }
        "KeyTooLongError" => "a key has at most 1,024 bytes; shorten it",
        "MalformedXML" => {
            "the document is not the XML that this operation takes; compare it with the reference of S3"
        }
        "MissingRequestBodyError" => "the body is empty; send the document that this operation takes",
        "MaxMessageLengthExceeded" => "the document has more than 2 MiB; send several smaller ones",
        "MissingContentLength" => "say with Content-Length how many bytes the body has",
        "IncompleteBody" => "the body has not as many bytes as Content-Length says; send it again",
        "InvalidRange" => "no byte of the file is asked for; ask for bytes within its size",
        "MethodNotAllowed" => {
            "there is nothing that is done so; compare method and path with the reference of S3"
        }
        "NotImplemented" => "there is no such operation here",
        "InternalError" => {
            "something went wrong on the server's side; its log has the cause under the request id"
        }
        _ => "the request is refused for the reason that the code names",
    }
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
