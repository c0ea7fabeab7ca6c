//! Places in object storage, written `s3://bucket/key`.
//!
//! Which folder that is, the files know. The bucket of uploads is reserved: its keys are names of datasets.

use serde::{Deserialize, Serialize};

use super::ids::{BlobKey, InvalidName};

/// The bucket whose keys are names of uploaded datasets.
pub const UPLOADS: &str = "uploads";

/// The longest text, in characters.
const LONGEST: usize = 2048;

/// One object, or everything below a prefix if the key is empty or ends in `/`; no way out of its bucket.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Location {
    text: String,
    bucket: usize,
}

const SCHEME: &str = "s3://";

impl Location {
    /// Reads `s3://bucket`, `s3://bucket/` or `s3://bucket/key`.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        match Self::checked(&text) {
            Ok(bucket) => Ok(Self { text, bucket }),
            Err(reason) => Err(InvalidName {
                what: "location",
                value: text.chars().take(80).collect(),
                reason,
            }),
        }
    }

    /// Where the bucket ends, or what is wrong.
    fn checked(text: &str) -> Result<usize, &'static str> {
        let Some(rest) = text.strip_prefix(SCHEME) else {
            return Err("must be written as s3://bucket/key");
        };
        if text.chars().count() > LONGEST {
            return Err("is longer than 2048 characters; shorten it");
        }
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        if bucket.is_empty() || bucket.len() > 128 || bucket.starts_with('.') || !bucket.bytes().all(is_plain)
        {
            return Err(
                "must name a bucket of 1 to 128 letters, digits, `_`, `.` or `-` that does not start with a dot",
            );
        }
        let path = key.strip_suffix('/').unwrap_or(key);
        if key == "/" || (!path.is_empty() && BlobKey::new(path).is_err()) {
            return Err(
                "must have a key without empty segments, segments of dots alone, `\\` and control characters",
            );
        }
        Ok(SCHEME.len() + bucket.len())
    }

    /// The text, as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The bucket.
    pub fn bucket(&self) -> &str {
        self.text.get(SCHEME.len()..self.bucket).unwrap_or_default()
    }

    /// What follows the bucket and its slash.
    pub fn key(&self) -> &str {
        self.text.get(self.bucket + 1..).unwrap_or_default()
    }

    /// Whether it means everything below it.
    pub fn is_folder(&self) -> bool {
        self.key().is_empty() || self.key().ends_with('/')
    }

    /// The name of an uploaded dataset, if that is what it means.
    pub fn upload(&self) -> Option<&str> {
        (self.bucket() == UPLOADS).then(|| self.key())
    }

    /// The same place with `more` behind it.
    pub fn with(&self, more: &str) -> Result<Self, InvalidName> {
        let between = if self.key().is_empty() && !self.text.ends_with('/') {
            "/"
        } else {
            ""
        };
        Self::new(format!("{}{between}{more}", self.text))
    }

    /// The same place as a folder: with a slash at the end.
    pub fn folder(&self) -> Self {
        let mut folder = self.clone();
        if !folder.text.ends_with('/') {
            folder.text.push('/');
        }
        folder
    }

    /// The location of an uploaded dataset.
    pub fn of_upload(name: &str) -> String {
        format!("{SCHEME}{UPLOADS}/{name}")
    }
}

impl TryFrom<String> for Location {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl From<Location> for String {
    fn from(location: Location) -> String {
        location.text
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_and_keys_come_apart() {
        for (text, bucket, key, is_folder) in [
            ("s3://b/a/x.csv", "b", "a/x.csv", false),
            ("s3://b/a/", "b", "a/", true),
            ("s3://b.c-d/", "b.c-d", "", true),
            ("s3://b", "b", "", true),
            ("s3://B/day=1/a b.csv", "B", "day=1/a b.csv", false),
        ] {
            let location = Location::new(text).unwrap();
            assert_eq!((location.bucket(), location.key()), (bucket, key), "{text}");
            assert_eq!(location.is_folder(), is_folder, "{text}");
            assert_eq!(location.to_string(), text);
        }
        let folder = Location::new("s3://b").unwrap();
        assert_eq!(folder.with("x").unwrap().as_str(), "s3://b/x");
        assert_eq!(folder.folder().as_str(), "s3://b/");
        assert_eq!(
            Location::new(Location::of_upload("iris")).unwrap().upload(),
            Some("iris")
        );
    }

    #[test]
    fn nothing_leads_out_of_a_bucket() {
        for bad in [
            "",
            "b/x",
            "S3://b/x",
            "s3://",
            "s3:///x",
            "s3://../x",
            "s3://.staging/x",
            "s3://b/../x",
            "s3://b/a/../../x",
            "s3://b//x",
            "s3://b/x//",
            "s3://b//",
            "s3://b/./x",
            "s3://b/a\\..\\x",
            "s3://b/a\nb",
            "s3://b b/x",
            "s3://b/..",
        ] {
            assert!(Location::new(bad).is_err(), "{bad:?}");
        }
        assert!(Location::new(format!("s3://b/{}", "x".repeat(2042))).is_err());
        assert!(Location::new(format!("s3://b/{}", "x".repeat(2041))).is_ok());
    }
}
