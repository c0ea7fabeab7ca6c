//! Which questions there are. The library takes a request with a parameter that it does not know for the plain operation:
//! `DELETE /bucket/key?annotation` would delete the file. So parameters are looked at before.

use axum::extract::Request;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::Response;

use super::auth::unknown;
use super::open::decoded;

/// Parameters of lists, and of what is asked about a bucket.
const OF_BUCKETS: [&str; 15] = [
    "list-type",
    "prefix",
    "delimiter",
    "max-keys",
    "marker",
    "start-after",
    "continuation-token",
    "encoding-type",
    "fetch-owner",
    "location",
    "versioning",
    "uploads",
    "key-marker",
    "upload-id-marker",
    "max-uploads",
];

/// Parameters of what is read of a file, beside those that begin with `response-`.
const OF_FILES: [&str; 5] = [
    "partNumber",
    "versionId",
    "uploadId",
    "max-parts",
    "part-number-marker",
];

/// Parameters of signatures. Other headers that clients move into the address are not looked at there.
const SIGNED: [&str; 9] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
    "X-Amz-Security-Token",
    "X-Amz-Content-Sha256",
    "X-Amz-Checksum-Mode",
];

/// Parameters of signatures of version 2, which a door without keys passes over.
const OLD: [&str; 3] = ["AWSAccessKeyId", "Signature", "Expires"];

/// The layer that refuses what is not known, by its name.
pub(super) async fn known_only(request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let names: Vec<String> = query
        .split('&')
        .map(|pair| pair.split('=').next().unwrap_or_default())
        .filter(|name| !name.is_empty())
        .map(|name| String::from_utf8_lossy(&decoded(name)).into_owned())
        .collect();
    match stranger(request.method(), request.uri().path(), &names, request.headers()) {
        Some(name) => unknown(&name),
        None => next.run(request).await,
    }
}

/// What a request asks for that is not known.
fn stranger(method: &Method, path: &str, names: &[String], headers: &HeaderMap) -> Option<String> {
    let key = path.trim_start_matches('/').split_once('/').map(|(_, key)| key);
    let is_file = key.is_some_and(|key| !key.is_empty());
    let has = |name: &str| names.iter().any(|known| known == name);
    let is_known = |name: &str| -> bool {
        let begins = |begin: &str| {
            name.get(..begin.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(begin))
        };
        let is_signed = SIGNED.iter().any(|known| known.eq_ignore_ascii_case(name));
        if name == "x-id" || is_signed || OLD.contains(&name) {
            return true;
        }
        match (method, is_file) {
            (&Method::GET | &Method::HEAD, false) => path != "/" && OF_BUCKETS.contains(&name),
            (&Method::GET | &Method::HEAD, true) => OF_FILES.contains(&name) || begins("response-"),
            (&Method::PUT, true) => name == "partNumber" || name == "uploadId",
            (&Method::DELETE, true) => name == "uploadId" || name == "versionId",
            (&Method::POST, true) => name == "uploads" || name == "uploadId",
            (&Method::POST, false) => name == "delete",
            _ => false,
        }
    };
    if let Some(name) = names.iter().find(|name| !is_known(name)) {
        return Some(name.clone());
    }
    if *method == Method::PUT && has("partNumber") != has("uploadId") {
        return Some("a part without an upload, or an upload without a part".to_owned());
    }
    let renames = "x-amz-rename-source";
    headers.contains_key(renames).then(|| renames.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> bool {
        let (method, uri) = line.split_once(' ').unwrap();
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let names = query
            .split('&')
            .map(|pair| pair.split('=').next().unwrap().to_owned());
        let names: Vec<String> = names.filter(|name| !name.is_empty()).collect();
        stranger(&method.parse().unwrap(), path, &names, &HeaderMap::new()).is_some()
    }

    #[test]
    fn only_questions_that_there_are_are_asked() {
        for line in [
            "GET /",
            "GET /?x-id=ListBuckets",
            "GET /b?list-type=2&prefix=a&max-keys=1",
            "GET /b/?location",
            "GET /b?versioning",
            "PUT /b",
            "DELETE /b/",
            "POST /b?delete",
            "PUT /b/k?x-id=PutObject",
            "PUT /b/k?partNumber=1&uploadId=x",
            "GET /b/k?response-content-type=text/csv&X-Amz-Signature=0",
            "DELETE /b/k?uploadId=x",
            "POST /b/k?uploads",
            "GET /b/k?AWSAccessKeyId=k&Signature=s&Expires=1",
        ] {
            assert!(!refused(line), "{line}");
        }
        for line in [
            "DELETE /b/k?annotation",
            "DELETE /b/k?acl",
            "PUT /b/k?renameObject",
            "PUT /b/k?torrent",
            "PUT /b/k?x-amz-acl=public-read&X-Amz-Signature=0",
            "PUT /b/k?uploadId=1",
            "PUT /b/k?partNumber=1",
            "DELETE /b?metadataConfiguration",
            "DELETE /b?versionId=1",
            "PUT /b?abac",
            "GET /b?abac",
            "GET /b/k?foo",
            "POST /b/k?restore",
            "GET /?prefix=b",
        ] {
            assert!(refused(line), "{line}");
        }
    }
}
