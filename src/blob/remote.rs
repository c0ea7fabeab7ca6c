//! Stores of others that speak S3: how they are asked, and what their refusals mean.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::client::{HttpError, HttpErrorKind};
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::BlobError;
use super::bucket::StorePlace;
use super::key;
use crate::domain::ids::BlobKey;

/// A store has this long to take a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// One request may take this long, body and all. No body is larger than a part or a window.
const REQUEST: Duration = Duration::from_secs(60);

/// Requests that failed for no fault of ours are repeated within this time; jobs are repeated as a whole besides.
const REPEATING: Duration = Duration::from_secs(20);

const REPEATS: usize = 4;

/// Opens the store of the bucket whose keys begin with `keys`; nothing is asked yet.
pub(super) fn open(keys: &str, place: &StorePlace) -> Result<Arc<dyn ObjectStore>, BlobError> {
    // Whoever installed one before has made the same choice: there is only this one here.
    drop(rustls::crypto::ring::default_provider().install_default());
    let plain = place
        .endpoint
        .as_deref()
        .is_some_and(|at| at.starts_with("http://"));
    let client = ClientOptions::new()
        .with_connect_timeout(CONNECT)
        .with_timeout(REQUEST)
        .with_allow_http(plain)
        // Where nothing is encrypted, a machine without certificates will do.
        .with_no_system_certificates(plain);
    let retry = RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: REPEATS,
        retry_timeout: REPEATING,
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&place.bucket)
        .with_region(&place.region)
        .with_virtual_hosted_style_request(!place.path_style)
        .with_client_options(client)
        .with_retry(retry);
    if let Some(endpoint) = &place.endpoint {
        builder = builder.with_endpoint(address(endpoint, place));
    }
    builder = match &place.credentials {
        Some(credentials) => {
            let signed = builder
                .with_access_key_id(&credentials.access_key)
                .with_secret_access_key(&*credentials.secret_key);
            match &credentials.session_token {
                Some(token) => signed.with_token(&**token),
                None => signed,
            }
        }
        None => builder.with_skip_signature(true),
    };
    let store = builder
        .build()
        .map_err(|error| BlobError::from_store("open", &name(keys), error))?;
    Ok(Arc::new(store))
}

/// The address that requests go to: that of the bucket where its name is part of the host's.
fn address(endpoint: &str, place: &StorePlace) -> String {
    match endpoint.split_once("://") {
        Some((scheme, rest)) if !place.path_style => format!("{scheme}://{}.{rest}", place.bucket),
        _ => endpoint.to_owned(),
    }
}

/// A key as those who asked for it know it.
pub(super) fn name(key: &str) -> String {
    match key
        .strip_prefix(key::DATASETS)
        .and_then(|rest| rest.strip_prefix('/'))
    {
        Some(rest) => format!("s3://{rest}"),
        None => key.to_owned(),
    }
}

/// Why a store elsewhere did not do what it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It does not let us.
    Denied,
    /// It has no such bucket.
    NoBucket,
    /// The bucket is in another region, or the address is that of another service.
    Elsewhere,
    /// Nothing answers at its address.
    Unreachable,
    /// It answers too slowly.
    TimedOut,
    /// Its certificate is not one that is trusted here.
    Untrusted,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Refusal::Denied => {
                "its store denies access; check the key, its secret and what it may do, or ask who runs this server"
            }
            Refusal::NoBucket => "its store has no such bucket; check `url` where the bucket is mapped",
            Refusal::Elsewhere => {
                "its store answers for another region or is no object store; check `endpoint` and `region` where the bucket is mapped"
            }
            Refusal::Unreachable => {
                "its store does not answer; check that it runs, and `endpoint` where the bucket is mapped"
            }
            Refusal::Untrusted => {
                "the certificate of its store is not trusted here; SSL_CERT_FILE can name those that are"
            }
            Refusal::TimedOut => "its store takes too long to answer; try again",
        })
    }
}

/// Sorts an error of a store elsewhere by what can be done about it.
pub(super) fn failed(action: &'static str, key: &str, error: object_store::Error) -> BlobError {
    let what = name(key);
    if let Some(refusal) = refusal(&error) {
        return BlobError::Elsewhere {
            what,
            refusal,
            source: error.into(),
        };
    }
    match (error, BlobKey::new(key)) {
        (object_store::Error::NotFound { .. }, Ok(key)) => BlobError::NotFound { key },
        (object_store::Error::Precondition { .. }, _) => BlobError::Changed { what },
        (error, _) => BlobError::from_store(action, &what, error),
    }
}

fn refusal(error: &object_store::Error) -> Option<Refusal> {
    let text = error.to_string();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["NoSuchBucket"]) {
        return Some(Refusal::NoBucket);
    }
    if says(&[
        "PermanentRedirect",
        "AuthorizationHeaderMalformed",
        "redirect without LOCATION",
    ]) || (says(&["301 Moved", "307 Temporary", "302 Found"]))
    {
        return Some(Refusal::Elsewhere);
    }
    let is_denied = matches!(
        error,
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. }
    );
    if is_denied || says(&["403 Forbidden", "401 Unauthorized"]) {
        return Some(Refusal::Denied);
    }
    let (mut cause, mut found): (Option<&(dyn Error + 'static)>, _) = (Some(error), None);
    while let Some(one) = cause {
        match one.downcast_ref::<HttpError>().map(HttpError::kind) {
            // What stood in the way of a connection comes last.
            _ if one.to_string().contains("certificate") => return Some(Refusal::Untrusted),
            Some(HttpErrorKind::Connect) => found = Some(Refusal::Unreachable),
            Some(HttpErrorKind::Timeout) => found = Some(Refusal::TimedOut),
            _ => {}
        }
        cause = one.source();
    }
    found
}
