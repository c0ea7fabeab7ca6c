//! What an operator may say of buckets: that one lies in a store elsewhere or in another folder, that it can only be
//! read, or that nobody may use it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// What was said of each bucket. Of what nothing was said, its files lie below `datasets/` in the home.
#[derive(Debug, Clone, Default)]
pub struct Mappings {
    /// Buckets by their names.
    pub named: BTreeMap<String, Mapping>,
    /// Every other bucket.
    pub others: Option<Mapping>,
}

/// What was said of one bucket.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Where its files lie.
    pub place: Place,
    /// Whether nothing may be written there.
    pub read_only: bool,
}

/// Where the files of a bucket lie. Where one mapping stands for many buckets, each is a folder of its name there.
#[derive(Debug, Clone)]
pub enum Place {
    /// Below `datasets/` in the home.
    Home,
    /// In another folder.
    Folder(PathBuf),
    /// In a store that speaks S3.
    Store(StorePlace),
    /// Nowhere: nobody may use it.
    Refused,
}

/// A bucket, or what is below a prefix of it, in a store that speaks S3.
#[derive(Debug, Clone)]
pub struct StorePlace {
    /// The bucket as the store calls it.
    pub bucket: String,
    /// What comes before every key, without slashes at its ends; may be empty.
    pub prefix: String,
    /// The address of the store; none for Amazon's own.
    pub endpoint: Option<String>,
    /// The region that requests are signed for.
    pub region: String,
    /// Whether the bucket is part of the path and not of the host's name.
    pub path_style: bool,
    /// With what requests are signed; none where everybody may ask.
    pub credentials: Option<Credentials>,
}

/// With what requests are signed; prints as the key's name alone.
#[derive(Clone)]
pub struct Credentials {
    /// The name of the key.
    pub access_key: String,
    /// Its secret.
    pub secret_key: Arc<str>,
    /// The token of a key that is lent for a time.
    pub session_token: Option<Arc<str>>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}
