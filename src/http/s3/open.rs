//! A door without keys: whoever is on this machine may ask, whatever requests are signed with.
//!
//! Clients always sign, and some cut bodies into signed chunks. The library takes a body apart only where it checks
//! the signature; so a request is signed anew here, with a secret of this process, and its chunks lose theirs.

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::Response;
use chrono::Utc;
use s3s::auth::{S3Auth, SecretKey, SimpleAuth};
use std::sync::Arc;

use super::chunks;
use crate::http::aws_json::signature::{Scope, hex, sign};

/// The name of the one key.
const KEY: &str = "open";

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
/// The header that says how a body is signed.
pub(super) const CONTENT: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const TRAILER: HeaderName = HeaderName::from_static("x-amz-trailer");

/// Bodies that are not hashed as a whole.
const UNSIGNED: HeaderValue = HeaderValue::from_static("UNSIGNED-PAYLOAD");

/// Bodies in chunks whose signatures nobody looks at.
const CHUNKS: HeaderValue = HeaderValue::from_static("STREAMING-UNSIGNED-PAYLOAD-TRAILER");

/// Signs requests that nobody else's signature counts for.
pub(super) struct Signer {
    secret: String,
}

impl Signer {
    /// A secret of this process.
    pub(super) fn new() -> Self {
        // Even a secret that can be guessed opens nothing here that is not open.
        let random = [(); 4].map(|()| getrandom::u64().unwrap_or_default());
        Self {
            secret: random.iter().map(|number| format!("{number:016x}")).collect(),
        }
    }

    /// Who checks it.
    pub(super) fn auth(&self) -> impl S3Auth + use<> {
        SimpleAuth::from_single(KEY, SecretKey::from(self.secret.as_str()))
    }

    fn sign(&self, request: &mut Request) -> Option<()> {
        let uri = request.uri().clone();
        let parameters = parameters(&uri);
        *request.uri_mut() = without_signature(&uri)?;
        let headers = request.headers_mut();
        headers.remove(AUTHORIZATION);
        let content = content(headers);
        headers.insert(CONTENT, content.clone());
        let time = Utc::now().format("%Y%m%dT%H%M%SZ").to_string();
        headers.insert(DATE, HeaderValue::from_str(&time).ok()?);
        let text = format!(
            "{}\n{}\n{parameters}\nx-amz-date:{time}\n\nx-amz-date\n{}",
            request.method(),
            path(uri.path()),
            content.to_str().ok()?
        );
        let scope = Scope {
            day: time.get(..8)?,
            region: "us-east-1",
            service: "s3",
        };
        let signature = hex(&sign(&self.secret, &scope, &time, &text));
        let value = format!(
            "AWS4-HMAC-SHA256 Credential={KEY}/{}, SignedHeaders=x-amz-date, Signature={signature}",
            scope.text()
        );
        let value = HeaderValue::from_str(&value).ok()?;
        request.headers_mut().insert(AUTHORIZATION, value);
        Some(())
    }
}

/// The layer that signs every request anew. What cannot be signed is passed on as it is, and refused.
pub(super) async fn signed_by_us(
    State(signer): State<Arc<Signer>>,
    mut request: Request,
    next: Next,
) -> Response {
    let _ = signer.sign(&mut request);
    if request.headers().get(CONTENT) == Some(&CHUNKS) {
        request = request.map(|body| chunks::checked(body, false));
    }
    next.run(request).await
}

/// What is signed as the content: chunks stay chunks, the hash of a whole body stays a promise.
fn content(headers: &mut HeaderMap) -> HeaderValue {
    let said = headers.get(CONTENT).cloned();
    let text = said
        .as_ref()
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    match said {
        Some(_) if text.starts_with("STREAMING-") => {
            // The library wants to know which headers follow; none is an answer.
            headers
                .entry(TRAILER)
                .or_insert(HeaderValue::from_static("x-amz-none"));
            CHUNKS
        }
        Some(hash) if text.len() == 64 => hash,
        _ => UNSIGNED,
    }
}

/// Whether a parameter belongs to a signature in the address.
fn is_of_signature(name: &str) -> bool {
    const OLD: [&str; 3] = ["AWSAccessKeyId", "Signature", "Expires"];
    const NEW: [&str; 7] = [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
        "X-Amz-Security-Token",
    ];
    OLD.contains(&name) || NEW.contains(&name)
}

/// The address without a signature in it.
pub(super) fn without_signature(uri: &Uri) -> Option<Uri> {
    let Some(query) = uri.query() else {
        return Some(uri.clone());
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !is_of_signature(pair.split('=').next().unwrap_or_default()))
        .collect();
    let mut parts = uri.clone().into_parts();
    let path = match kept.is_empty() {
        true => uri.path().to_owned(),
        false => format!("{}?{}", uri.path(), kept.join("&")),
    };
    parts.path_and_query = Some(path.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// The parameters as they are signed: each decoded and encoded in one way, in the order of their names.
fn parameters(uri: &Uri) -> String {
    let pairs = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| !is_of_signature(name))
        .map(|(name, value)| {
            (
                encoded(&decoded(&plus(name)), true),
                encoded(&decoded(&plus(value)), true),
            )
        })
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

fn plus(text: &str) -> String {
    text.replace('+', " ")
}

/// The path as it is signed.
fn path(text: &str) -> String {
    encoded(&decoded(text), false)
}

pub(super) fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let digits = more.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = more.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    bytes
}

fn encoded(bytes: &[u8], slashes: bool) -> String {
    let is_plain = |b: u8| {
        b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~') || (b == b'/' && !slashes)
    };
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match is_plain(*byte) {
            true => text.push(char::from(*byte)),
            false => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_signed_in_one_spelling() {
        let uri: Uri = "/b/a%20b%2Bc+d/%C3%A4?prefix=a/b+c&list-type=2&X-Amz-Signature=1&marker=%2f"
            .parse()
            .unwrap();
        assert_eq!(path(uri.path()), "/b/a%20b%2Bc%2Bd/%C3%A4");
        assert_eq!(parameters(&uri), "list-type=2&marker=%2F&prefix=a%2Fb%20c");
        let kept = without_signature(&uri).unwrap();
        assert_eq!(kept.query(), Some("prefix=a/b+c&list-type=2&marker=%2f"));
        let only: Uri = "/b/k?X-Amz-Signature=1".parse().unwrap();
        assert_eq!(without_signature(&only).unwrap(), "/b/k");
    }
}
