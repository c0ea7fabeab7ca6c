//! Lets only those pass who hold a key: requests are signed with the secret that Amazon's clients have of it, or carry
//! its token as everywhere else.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::MOST_BYTES;
use super::error::Refusal;
use super::signature::{Signature, is_signed};
use crate::clock::{Clock, SystemClock};
use crate::http::auth::{Caller, KeyRing, identify};
use crate::http::predicting;
use crate::service::Error;

/// The layer that lets only callers with a valid key pass.
pub async fn require_signature(State(ring): State<Arc<KeyRing>>, request: Request, next: Next) -> Response {
    match admitted(&ring, request).await {
        Ok((caller, mut request)) => {
            request.extensions_mut().insert(caller.clone());
            let mut response = next.run(request).await;
            response.extensions_mut().insert(caller);
            response
        }
        Err(error) => Refusal::from(error).into(),
    }
}

async fn admitted(ring: &KeyRing, request: Request) -> Result<(Caller, Request), Error> {
    if !is_signed(request.headers()) {
        return Ok((identify(ring, request.headers())?, request));
    }
    let seconds = SystemClock.now_micros().div_euclid(1_000_000);
    let signature = Signature::of(request.headers(), seconds).map_err(invalid)?;
    // Nobody sends a large body with a key that is none.
    let Some((caller, secret)) = ring.secret(&signature.key)? else {
        return Err(Error::Unauthenticated {
            code: "invalid_key",
            message: "the key is unknown or revoked, or has no secret for signatures".to_owned(),
        });
    };
    // What the whole body is has to be known before anything of it is believed.
    let (parts, body) = request.into_parts();
    let announced = Request::from_parts(parts.clone(), body);
    let body = predicting::body::read_within(announced, MOST_BYTES).await?;
    match signature.is_by(secret.as_ref(), &parts, &body) {
        true => Ok((caller, Request::from_parts(parts, Body::from(body)))),
        false => Err(invalid(
            "the signature is not the one that the secret of the key makes of this request",
        )),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::Unauthenticated {
        code: "invalid_signature",
        message: message.into(),
    }
}
