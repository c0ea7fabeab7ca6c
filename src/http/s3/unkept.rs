//! What clients may want of a file that is not kept here. Whoever asks for it is told so: a file that was to be encrypted,
//! locked or open to others must not look as if it were.

use axum::http::HeaderMap;
use s3s::{S3Result, s3_error};

/// Headers that ask for what files do not have here, by how they begin, and the values that ask for what they have.
const UNKEPT: [(&str, &[&str]); 7] = [
    ("x-amz-acl", &["private", "bucket-owner-full-control"]),
    ("x-amz-grant-", &[]),
    ("x-amz-server-side-encryption", &[]),
    ("x-amz-storage-class", &["STANDARD"]),
    ("x-amz-tagging", &[]),
    ("x-amz-object-lock-", &[]),
    ("x-amz-website-redirect-location", &[]),
];

/// Fails if `headers` ask for something that is not kept.
pub(super) fn refused(headers: &HeaderMap) -> S3Result<()> {
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
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(refused(&headers).is_err(), is_refused, "{name}: {value}");
        }
    }
}
