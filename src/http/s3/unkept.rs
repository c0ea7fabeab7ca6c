//! What clients may want of a file that is not kept here. Whoever asks for it is told so: a file that was to be encrypted,
//! locked or open to others must not look as if it were.

use axum::http::HeaderMap;
use s3s::{S3Result, s3_error};

use super::sums;

/// Headers that ask for what files do not have here, by how they begin, and the values that ask for what they have.
const UNKEPT: [(&str, &[&str]); 8] = [
    ("x-amz-acl", &["private", "bucket-owner-full-control"]),
    ("x-amz-grant-", &[]),
    ("x-amz-server-side-encryption", &[]),
    ("x-amz-storage-class", &["STANDARD"]),
    ("x-amz-tagging", &[]),
    ("x-amz-object-lock-", &[]),
    ("x-amz-bucket-object-lock-", &[]),
    ("x-amz-website-redirect-location", &[]),
];

/// Fails if `headers` ask for something that is not kept, or promise a sum that is not known.
pub(super) fn refused(headers: &HeaderMap) -> S3Result<()> {
    let behind = headers.get("x-amz-trailer").and_then(|value| value.to_str().ok());
    let behind = behind
        .unwrap_or_default()
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase());
    let names = headers.keys().map(|name| name.as_str().to_owned());
    if let Some(name) = names
        .chain(behind)
        .find(|name| name.starts_with("x-amz-checksum-") && !sums::is_known(name))
    {
        return Err(s3_error!(
            NotImplemented,
            "{} is not known here; promise another sum",
            name
        ));
    }
    for (name, value) in headers {
        let found = UNKEPT.iter().find(|(begin, _)| name.as_str().starts_with(begin));
        let is_kept = |known: &&[&str]| known.iter().any(|known| value.as_bytes() == known.as_bytes());
        if found.is_some_and(|(_, kept)| !is_kept(kept)) {
            return Err(s3_error!(
                NotImplemented,
                "{} is not kept here; leave it out",
                name.as_str()
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_kept_is_refused_and_what_goes_without_saying_is_not() {
        for (name, value, is_refused) in [
            ("x-amz-acl", "private", false),
            ("x-amz-acl", "public-read", true),
            ("x-amz-storage-class", "STANDARD", false),
            ("x-amz-storage-class", "GLACIER", true),
            ("x-amz-server-side-encryption-customer-key", "k", true),
            ("x-amz-grant-read", "id=1", true),
            ("x-amz-tagging", "a=b", true),
            ("x-amz-object-lock-mode", "GOVERNANCE", true),
            ("x-amz-checksum-crc32", "AAAAAA==", false),
            ("x-amz-meta-color", "red", false),
            ("x-amz-checksum-sha512", "AAAA", true),
            ("x-amz-trailer", "x-amz-checksum-crc32", false),
            ("x-amz-trailer", "x-amz-checksum-xxhash64", true),
            ("x-amz-bucket-object-lock-enabled", "true", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(refused(&headers).is_err(), is_refused, "{name}: {value}");
        }
    }
}
