//! Who asks: the same keys as everywhere, by signatures of version 4. Older signatures, which are open to replay, and forms
//! of web pages are refused.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};

use super::error::refusal;
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
            let mut response = next.run(request).await;
            if response.status() != StatusCode::FORBIDDEN {
                // The signature held, so that the key is that of the caller.
                response.extensions_mut().insert(Caller {
                    key_id: key.map(Into::into),
                    key_name: None,
                });
            }
            response
        }
        Some(what) => {
            let text = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>{what}</Message></Error>"
            );
            (StatusCode::FORBIDDEN, [(CONTENT_TYPE, "application/xml")], text).into_response()
        }
    }
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

fn complaint(request: &Request) -> Option<&'static str> {
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .map(|value| value.to_str().unwrap_or_default());
    let query = request.uri().query().unwrap_or_default();
    let names = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let of_query = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("X-Amz-SignedHeaders="))
        .map(|list| list.replace("%3B", ";").replace("%3b", ";"));
    let of_header = header.and_then(|text| {
        let (_, rest) = text.split_once("SignedHeaders=")?;
        rest.split([',', ' ']).next().map(str::to_owned)
    });
    let is_fourth = header.is_some_and(|text| text.trim_start().starts_with("AWS4-HMAC-SHA256"));
    // Those of version 2 have parameters of their own, which would be looked at first.
    let is_second = names("Signature") || names("AWSAccessKeyId");
    let is_fourth = is_fourth || header.is_none() && names("X-Amz-Signature");
    if is_second || !is_fourth {
        return Some("requests are signed with AWS Signature Version 4 here");
    }
    let signed = of_header.or(of_query).unwrap_or_default().to_ascii_lowercase();
    let lacks = DECISIVE
        .iter()
        .any(|name| !signed.split(';').any(|known| known == *name));
    lacks.then_some("the signature must cover the header host")
}
