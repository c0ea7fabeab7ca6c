//! Parts of files that are asked for in a way that the library does not read. It refuses such a request, where S3 and
//! RFC 9110 (section 14.2) want it answered with the whole file: units that nobody knows, several parts at once, and what
//! is no range at all.
//!
//! A header may be signed, so that it cannot be changed before the library has checked the signature. What is changed
//! afterwards goes to a door of its own, which asks for no signature and which nothing else leads to.

use axum::http::header::{AUTHORIZATION, RANGE};
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, Uri};
use s3s::dto;
use s3s::route::S3Route;
use s3s::service::S3Service;
use s3s::{Body, HttpRequest, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::open::without_signature;

/// Where requests go whose range the library does not read, once their signature was right.
pub(super) struct OtherRanges(S3Service);

impl OtherRanges {
    /// `inner` answers without asking for a signature.
    pub(super) fn new(inner: S3Service) -> Self {
        Self(inner)
    }
}

#[async_trait::async_trait]
impl S3Route for OtherRanges {
    fn is_match(&self, method: &Method, _: &Uri, headers: &HeaderMap, _: &mut Extensions) -> bool {
        let is_read = || {
            let one = only(headers).and_then(|range| range.to_str().ok());
            one.is_some_and(|range| dto::Range::parse(range).is_ok())
        };
        matches!(*method, Method::GET | Method::HEAD) && headers.contains_key(RANGE) && !is_read()
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let mut inner = HttpRequest::new(request.input);
        *inner.method_mut() = request.method;
        *inner.uri_mut() = without_signature(&request.uri).ok_or(S3ErrorCode::InvalidURI)?;
        *inner.extensions_mut() = request.extensions;
        let mut headers = request.headers;
        headers.remove(AUTHORIZATION);
        let range = only(&headers).and_then(readable);
        headers.remove(RANGE);
        headers.extend(range.map(|range| (RANGE, range)));
        *inner.headers_mut() = headers;
        let answered = self.0.call(inner).await;
        let (head, body) = answered
            .map_err(|error| S3Error::with_source(S3ErrorCode::InternalError, error.into()))?
            .into_parts();
        let mut response = S3Response::with_status(body, head.status);
        response.headers = head.headers;
        response.extensions = head.extensions;
        Ok(response)
    }
}

/// The header, if there is one and no more.
fn only(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut all = headers.get_all(RANGE).iter();
    all.next().filter(|_| all.next().is_none())
}

/// The same range as the library reads it; none if it is to be ignored.
fn readable(range: &HeaderValue) -> Option<HeaderValue> {
    let (unit, part) = range.to_str().ok()?.split_once('=')?;
    let (first, last) = part.trim().split_once('-')?;
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !unit.trim().eq_ignore_ascii_case("bytes") || !is_number(first) || !is_number(last) {
        return None;
    }
    // No file is longer, so that larger numbers mean the same.
    let number = |text: &str| match text.trim_start_matches('0').len() {
        0 => 0,
        1..19 => text.parse().unwrap_or(i64::MAX),
        _ => i64::MAX,
    };
    let range = match (first.is_empty(), last.is_empty()) {
        (true, true) => return None,
        (true, false) => format!("bytes=-{}", number(last)),
        (false, true) => format!("bytes={}-", number(first)),
        (false, false) if number(first) > number(last) => return None,
        (false, false) => format!("bytes={}-{}", number(first), number(last)),
    };
    HeaderValue::from_str(&range).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_they_are_meant_or_ignored() {
        for (given, meant) in [
            ("Bytes=0-4", Some("bytes=0-4")),
            ("bytes= 1-", Some("bytes=1-")),
            (
                "bytes=0-99999999999999999999999",
                Some("bytes=0-9223372036854775807"),
            ),
            ("bytes=99999999999999999999-", Some("bytes=9223372036854775807-")),
            ("bytes=-99999999999999999999", Some("bytes=-9223372036854775807")),
            ("bytes=000-007", Some("bytes=0-7")),
            ("bytes=0-1,3-4", None),
            ("rows=0-4", None),
            ("bytes=4-0", None),
            ("bytes=-", None),
            ("bytes=", None),
            ("bytes", None),
            ("bytes=a-b", None),
            ("bytes=+1-2", None),
        ] {
            let read = readable(&HeaderValue::from_static(given));
            assert_eq!(
                read.as_ref().map(|range| range.to_str().unwrap()),
                meant,
                "{given}"
            );
            if let Some(read) = read {
                assert!(dto::Range::parse(read.to_str().unwrap()).is_ok(), "{given}");
            }
        }
    }
}
