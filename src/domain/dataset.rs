//! Uploaded datasets: a name, and versions that are immutable by the hash of their content.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ids::{BlobKey, DatasetName, InvalidName};

/// The SHA-256 of a version's bytes, as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash(String);

impl ContentHash {
    /// Checks and wraps `text`.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        let hex = text.len() == 64
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if hex {
            return Ok(Self(text));
        }
        let value = text.chars().take(80).collect();
        Err(InvalidName {
            what: "version",
            value,
            reason: "must be 64 lower-case hexadecimal digits",
        })
    }

    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_digest(Sha256::digest(bytes).into())
    }

    /// The hash whose bytes are `digest`.
    pub fn from_digest(digest: [u8; 32]) -> Self {
        Self(digest.iter().map(|b| format!("{b:02x}")).collect())
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ContentHash {
    type Error = InvalidName;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl From<ContentHash> for String {
    fn from(value: ContentHash) -> String {
        value.0
    }
}

impl std::fmt::Display for ContentHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One version of one dataset; prints as `dataset iris.csv at 3f2a…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DatasetPin {
    /// The dataset.
    pub name: DatasetName,
    /// Its version.
    pub version: ContentHash,
}

impl std::fmt::Display for DatasetPin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "dataset {} at version {:.12}",
            self.name,
            self.version.as_str()
        )
    }
}

/// What the sender of a file said about it. Only hints: the bytes decide.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaHints {
    /// The declared media type, for example `text/csv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The declared compression, for example `gzip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
}

/// One immutable version of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetVersion {
    /// The dataset.
    pub name: DatasetName,
    /// The hash of the bytes.
    pub version: ContentHash,
    /// Length in bytes.
    pub size_bytes: u64,
    /// Where the bytes are.
    pub blob: BlobKey,
    /// What the sender said.
    pub media: MediaHints,
    /// When this version first arrived, microseconds UTC.
    pub created_at: i64,
}

impl DatasetVersion {
    /// The name and version alone.
    pub fn pin(&self) -> DatasetPin {
        DatasetPin {
            name: self.name.clone(),
            version: self.version.clone(),
        }
    }
}

/// A dataset as listed: its current version, and when the name was first and last written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    /// The version that the bare name stands for.
    pub current: DatasetVersion,
    /// When the name was first used, microseconds UTC.
    pub created_at: i64,
    /// When the current version was last set, microseconds UTC.
    pub updated_at: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_exactly_sixty_four_lower_case_digits() {
        let hash = ContentHash::from_digest([0xAB; 32]);
        assert_eq!(hash.as_str(), "ab".repeat(32));
        assert_eq!(ContentHash::new("ab".repeat(32)), Ok(hash));
        for bad in ["".to_owned(), "AB".repeat(32), "ab".repeat(31), "zz".repeat(32)] {
            assert!(ContentHash::new(bad).is_err());
        }
    }
}
