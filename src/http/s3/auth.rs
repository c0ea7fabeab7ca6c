//! Who asks: the same keys as everywhere, by signatures of version 4. Older signatures, which are open to replay, and forms
//! of web pages are refused.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

use super::chunks;
use super::error::{answer, refusal};
use super::open::{CONTENT, decoded};
use crate::http::auth::{Caller, KeyRing};
use crate::service::Error;

/// The secrets that clients sign with.
pub(super) struct Secrets(Arc<KeyRing>);

impl Secrets {
    /// Those of `ring`.
    pub(super) fn new(ring: Arc<KeyRing>) -> Self {
        Self(ring)
    }
}

#[async_trait::async_trait]
impl S3Auth for Secrets {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.0.secret(access_key) {
            Ok(Some((_, secret))) => Ok(SecretKey::from(secret.as_ref())),
            Ok(None) => Err(s3_error!(
                InvalidAccessKeyId,
                "the key is unknown or revoked, or has no secret for signatures"
            )),
            Err(error) => Err(refusal(Error::from(error))),
        }
    }
}

/// The headers that decide where a request goes and when it was made.
const DECISIVE: [&str; 1] = ["host"];

/// The layer that lets only signatures of version 4 pass that cover what decides.
pub(super) async fn well_signed(request: Request, next: Next) -> Response {
    let key = key_of(&request);
    match complaint(&request) {
        None => {
            let request = match is_in_chunks(request.headers()) {
                true => request.map(|body| chunks::checked(body, true)),
                false => request,
            };
            let mut response = next.run(request).await;
            let status = response.status();
            if status.is_success() || status == StatusCode::NOT_FOUND {
                // The signature held, so that the key is that of the caller.
                response.extensions_mut().insert(Caller {
                    key_id: key.map(Into::into),
                    key_name: None,
                });
            }
            response
        }
        Some(what) => denied(what),
    }
}

fn is_in_chunks(headers: &HeaderMap) -> bool {
    let content = headers.get(CONTENT);
    content.is_some_and(|content| content.as_bytes().starts_with(b"STREAMING-"))
}

/// The identifier of the key that a request is signed with.
fn key_of(request: &Request) -> Option<String> {
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let query = request.uri().query().unwrap_or_default();
    let of_query = || {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix("X-Amz-Credential="))
    };
    let credential = header
        .and_then(|text| text.split_once("Credential="))
        .map(|(_, rest)| rest)
        .or_else(of_query)?;
    let id: String = credential
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    Some(id).filter(|id| !id.is_empty())
}

/// The longest that a signed address may hold, in seconds: a week, as at Amazon.
const LONGEST: u64 = 604_800;

/// Why a request is not even looked at by the library: it would take other signatures, and names in other spellings.
fn complaint(request: &Request) -> Option<&'static str> {
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .map(|value| value.to_str().unwrap_or_default());
    let query = request.uri().query().unwrap_or_default();
    let read = |text: &str| String::from_utf8_lossy(&decoded(&text.replace('+', " "))).into_owned();
    let parameters: Vec<(String, String)> = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (read(name), read(value)))
        .collect();
    let find = |name: &str| {
        let found = parameters
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    };
    let of_query = find("X-Amz-Signature").or(find("X-Amz-Credential"));
    let is_second = find("Signature").or(find("AWSAccessKeyId")).is_some();
    let is_fourth = match header {
        Some(text) => text.trim_start().starts_with("AWS4-HMAC-SHA256"),
        None => of_query.is_some(),
    };
    if is_second || !is_fourth {
        return Some(
            "requests are signed with AWS Signature Version 4 here; boto3: Config(signature_version='s3v4'), the AWS CLI: \
             aws configure set default.s3.signature_version s3v4",
        );
    }
    if header.is_some() && of_query.is_some() {
        return Some("a request is signed in its header or in its address, not in both");
    }
    if header.is_none()
        && find("X-Amz-Expires").is_none_or(|text| text.parse().is_ok_and(|s: u64| s > LONGEST))
    {
        return Some("a signed address says for how long it holds: a week at most");
    }
    let of_header = header.and_then(|text| {
        let (_, rest) = text.split_once("SignedHeaders=")?;
        rest.split([',', ' ']).next()
    });
    let signed = of_header.or(find("X-Amz-SignedHeaders")).unwrap_or_default();
    let signed = signed.to_ascii_lowercase();
    let lacks = DECISIVE
        .iter()
        .any(|name| !signed.split(';').any(|known| known == *name));
    lacks.then_some("the signature must cover the header host")
}

/// The layer that refuses what the library reads into memory before it knows who sends it, but small documents: forms of
/// web pages, and documents of more than `largest` bytes.
pub(super) async fn small_documents(State(largest): State<usize>, request: Request, next: Next) -> Response {
    let kind = request.headers().get(CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"multipart/")) {
        return denied("forms of web pages are not taken here; use PutObject");
    }
    let length = request.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let is_file = request.uri().path().trim_matches('/').contains('/');
    let is_document = request.method() == Method::POST || (request.method() == Method::PUT && !is_file);
    if is_document && is_in_chunks(request.headers()) {
        // The library takes the length of the document for that of nothing.
        return answer(&s3_error!(
            NotImplemented,
            "documents are not taken in chunks here; send the document whole"
        ));
    }
    if is_document && length.is_some_and(|length: usize| length > largest) {
        return answer(&s3_error!(
            EntityTooLarge,
            "the document has more than {} bytes; send several smaller ones",
            largest
        ));
    }
    next.run(request).await
}

/// The answer to what is not known here.
pub(super) fn unknown(what: &str) -> Response {
    let shown: String = what
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ' ' | ','))
        .take(60)
        .collect();
    answer(&s3_error!(NotImplemented, "`{}` is not known here", shown))
}

fn denied(what: &'static str) -> Response {
    answer(&s3_error!(AccessDenied, "{}", what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complained(uri: &str, header: Option<&str>) -> bool {
        let mut request = Request::builder().uri(uri);
        if let Some(header) = header {
            request = request.header(AUTHORIZATION, header);
        }
        complaint(&request.body(axum::body::Body::empty()).unwrap()).is_some()
    }

    #[test]
    fn only_one_signature_of_version_4_is_looked_at() {
        const GOOD: &str =
            "AWS4-HMAC-SHA256 Credential=k/d/r/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=0";
        const QUERY: &str = "X-Amz-Credential=k&X-Amz-SignedHeaders=host&X-Amz-Signature=0";
        assert!(!complained("/b/k", Some(GOOD)));
        assert!(!complained(&format!("/b/k?X-Amz-Expires=60&{QUERY}"), None));
        for (uri, header) in [
            ("/b/k", None),
            ("/b/k", Some("AWS k:signature")),
            (
                "/b/k",
                Some("AWS4-HMAC-SHA256 Credential=k, SignedHeaders=x-amz-date, Signature=0"),
            ),
            (
                "/b/k?%41WSAccessKeyId=k&Expires=4000000000&%53ignature=s",
                Some(GOOD),
            ),
            ("/b/k?Signature=s&AWSAccessKeyId=k", None),
            (&format!("/b/k?X-Amz-Expires=60&{QUERY}"), Some(GOOD)),
            ("/b/k?%58-Amz-Signature=0", Some(GOOD)),
            (&format!("/b/k?X-Amz-Expires=604801&{QUERY}"), None),
            (&format!("/b/k?{QUERY}"), None),
        ] {
            assert!(complained(uri, header), "{uri} {header:?}");
        }
    }
}
