//! Which store has the file of a key, and what it is called there.
//!
//! Everything lies in the home, but for buckets that are mapped elsewhere. Whoever has a key need not know: the key is
//! the same wherever its file is.

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::bucket::{Mapping, Mappings, Place};
use super::staging::Staging;
use super::walk::Below;
use super::{BlobError, Source, key, remote, walk};
use crate::domain::ids::BlobKey;
use crate::domain::location::UPLOADS;

/// One store with files of keys that begin alike.
#[derive(Clone)]
pub(super) struct Depot {
    pub(super) store: Arc<dyn ObjectStore>,
    /// Where files are written before they get their names; none where a file has its name only once it is complete.
    pub(super) staging: Option<Arc<Staging>>,
    /// The folder of this machine in which files lie; none for other stores.
    root: Option<PathBuf>,
    /// Whether another program keeps it, which may refuse us.
    pub(super) is_elsewhere: bool,
    /// What keys of its files begin with, and what their names in the store begin with instead.
    keys: String,
    names: String,
}

// Stores print how they are configured, and that is nobody's business.
impl std::fmt::Debug for Depot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Depot")
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

impl Depot {
    /// The files of the installation in the folder `home`.
    pub(super) fn home(home: &FilePath) -> Result<Self, BlobError> {
        Ok(Self::local(home, Some(Staging::local(home)?))?.called("", ""))
    }

    /// The files of the installation in any store.
    pub(super) fn anywhere(store: Arc<dyn ObjectStore>) -> Result<Self, BlobError> {
        Ok(Self {
            store,
            staging: Some(Arc::new(Staging::remote()?)),
            root: None,
            is_elsewhere: false,
            keys: String::new(),
            names: String::new(),
        })
    }

    fn local(folder: &FilePath, staging: Option<Staging>) -> Result<Self, BlobError> {
        let store = LocalFileSystem::new_with_prefix(folder);
        let store = store.map_err(|error| unusable(folder, std::io::Error::other(error)))?;
        // Synchronised: what is acknowledged must survive a power cut. Empty folders are not removed by
        // the store, because it would take the top ones too, while another upload is about to use them.
        let store = store.with_fsync(true).with_automatic_cleanup(false);
        Ok(Self {
            store: Arc::new(store),
            staging: staging.map(Arc::new),
            root: Some(folder.to_owned()),
            is_elsewhere: false,
            keys: String::new(),
            names: String::new(),
        })
    }

    /// Whether files lie in a folder of this machine.
    pub(super) fn is_local(&self) -> bool {
        self.root.is_some()
    }

    fn called(self, keys: impl Into<String>, names: impl Into<String>) -> Self {
        Self {
            keys: keys.into(),
            names: names.into(),
            ..self
        }
    }

    /// What the file of `key` is called in the store.
    fn name_of(&self, key: &str) -> Path {
        path(&moved(key, &self.keys, &self.names))
    }

    /// The key of the file that the store calls so; none for what is not ours to see.
    pub(super) fn key_of(&self, name: &Path) -> Option<BlobKey> {
        let key = BlobKey::new(moved(name.as_ref(), &self.names, &self.keys)).ok()?;
        (!self.is_staged(&key)).then_some(key)
    }

    /// Whether a bucket's file is one that is being written.
    fn is_staged(&self, key: &BlobKey) -> bool {
        let name = moved(key.as_str(), &self.keys, "");
        !self.keys.is_empty() && self.root.is_some() && name.split('/').next() == Some(key::STAGING)
    }
}

/// A key as the store takes it: characters stand for themselves.
fn path(text: &str) -> Path {
    Path::parse(text).unwrap_or_else(|_| Path::from(text))
}

/// `text` with another beginning.
fn moved(text: &str, from: &str, to: &str) -> String {
    let rest = text.strip_prefix(from).unwrap_or(text).trim_start_matches('/');
    match (to.is_empty(), rest.is_empty()) {
        (true, _) => rest.to_owned(),
        (false, true) => to.to_owned(),
        (false, false) => format!("{to}/{rest}"),
    }
}

fn unusable(folder: &FilePath, source: std::io::Error) -> BlobError {
    BlobError::Folder {
        path: folder.display().to_string(),
        source,
    }
}

/// Where one key lies.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    pub(super) depot: Depot,
    pub(super) path: Path,
    key: String,
}

impl Spot {
    /// Where the file is written before it has its name.
    pub(super) fn unfinished(mut self) -> Self {
        if let Some(staging) = &self.depot.staging {
            self.path = path(staging.next_key().as_str());
        }
        self
    }

    /// The place in a folder of this machine; none for other stores.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        let root = self.depot.root.as_ref()?;
        Some(match self.path.as_ref() {
            "" => root.clone(),
            path => root.join(path),
        })
    }

    /// The file as those who asked for it know it.
    pub(super) fn name(&self) -> String {
        remote::name(&self.key)
    }

    /// Fails where something lies in a folder that is no file: to open a pipe would wait for somebody to write to it.
    pub(super) async fn is_file(&self) -> Result<(), BlobError> {
        let Some(place) = self.folder() else {
            return Ok(());
        };
        match (tokio::fs::metadata(&place).await, BlobKey::new(self.key.as_str())) {
            (Ok(found), Ok(key)) if !found.is_file() => Err(BlobError::NotFound { key }),
            _ => Ok(()),
        }
    }

    /// What is known of the file without reading it.
    pub(super) async fn look(&self) -> Result<ObjectMeta, BlobError> {
        self.is_file().await?;
        let error = match self.depot.store.head(&self.path).await {
            Ok(found) => return Ok(found),
            Err(error) => self.failed("read", error),
        };
        if self.depot.is_elsewhere && matches!(error, BlobError::NotFound { .. } | BlobError::Storage { .. })
        {
            // What is refused without a word is often explained where there is room for one.
            let mut listed = self.depot.store.list(Some(&self.path));
            if let Some(Err(reason)) = listed.next().await {
                return Err(self.failed("read", reason));
            }
        }
        Err(error)
    }

    /// What lies below this place, in any order; one more than `most` at most. Only a folder of this machine has folders.
    pub(super) async fn below(&self, most: usize) -> Result<Below, BlobError> {
        let failed = |error| self.failed("list", error);
        let Some(folder) = self.folder() else {
            let listed = self.depot.store.list(Some(&self.path)).take(most + 1);
            return Ok(Below {
                files: listed.try_collect().await.map_err(failed)?,
                empty: Vec::new(),
            });
        };
        let name = self.path.to_string();
        let walked = tokio::task::spawn_blocking(move || walk::below(&folder, &name, most)).await;
        let walked = walked.map_err(Source::from);
        let found = walked.and_then(|found| found.map_err(Source::from));
        found.map_err(|source| {
            failed(object_store::Error::Generic {
                store: "folders",
                source,
            })
        })
    }

    /// What failed at this place and why.
    pub(super) fn failed(&self, action: &'static str, error: object_store::Error) -> BlobError {
        match self.depot.is_elsewhere {
            true => remote::failed(action, &self.key, error),
            false => BlobError::from_store(action, &self.key, error),
        }
    }
}

/// All stores, and which keys each has.
#[derive(Debug)]
pub(super) struct Depots {
    pub(super) home: Depot,
    named: BTreeMap<String, Rule>,
    others: Option<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    /// None where nobody may use the bucket.
    depot: Option<Depot>,
    read_only: bool,
    is_mapped: bool,
}

impl Depots {
    /// Only the home.
    pub(super) fn of(home: Depot) -> Self {
        Self {
            home,
            named: BTreeMap::new(),
            others: None,
        }
    }

    /// Buckets as `mappings` say, the rest in the home. Reports every mapping that cannot be used.
    pub(super) fn mapped(home: Depot, mappings: &Mappings) -> Result<Self, Vec<BlobError>> {
        let mut depots = Self::of(home);
        let mut failed = Vec::new();
        let all = mappings.named.iter().map(|(name, mapping)| (Some(name), mapping));
        for (name, mapping) in all.chain(mappings.others.iter().map(|mapping| (None, mapping))) {
            match (depots.rule(name, mapping), name) {
                (Ok(rule), Some(name)) => {
                    depots.named.insert(name.clone(), rule);
                }
                (Ok(rule), None) => depots.others = Some(rule),
                (Err(error), _) => failed.push(error),
            }
        }
        if failed.is_empty() {
            Ok(depots)
        } else {
            Err(failed)
        }
    }

    /// The home, and one bucket in a store that behaves as one elsewhere.
    #[cfg(test)]
    pub(super) fn with_store(home: Depot, bucket: &str, prefix: &str, store: Arc<dyn ObjectStore>) -> Self {
        let depot = Depot {
            staging: None,
            is_elsewhere: true,
            store,
            ..home.clone()
        };
        let rule = Rule {
            depot: Some(Depot { root: None, ..depot }.called(format!("{}/{bucket}", key::DATASETS), prefix)),
            read_only: false,
            is_mapped: true,
        };
        let mut depots = Self::of(home);
        depots.named.insert(bucket.to_owned(), rule);
        depots
    }

    /// What holds for a bucket, or for all of no name.
    fn rule(&self, name: Option<&String>, mapping: &Mapping) -> Result<Rule, BlobError> {
        let keys = match name {
            Some(name) => format!("{}/{name}", key::DATASETS),
            None => key::DATASETS.to_owned(),
        };
        let depot = match &mapping.place {
            Place::Refused => None,
            Place::Home => Some(self.home.clone()),
            Place::Folder(folder) => {
                // Where nothing may be written there is nothing to make; elsewhere this shows that we may.
                let staging = match mapping.read_only {
                    true => None,
                    false => Some(Staging::local(folder)?),
                };
                Some(Depot::local(folder, staging)?.called(keys, ""))
            }
            Place::Store(store) => {
                let opened = Depot {
                    store: remote::open(&keys, store)?,
                    staging: None,
                    root: None,
                    is_elsewhere: true,
                    keys: String::new(),
                    names: String::new(),
                };
                Some(opened.called(keys, store.prefix.clone()))
            }
        };
        Ok(Rule {
            depot,
            read_only: mapping.read_only,
            is_mapped: !matches!(mapping.place, Place::Home),
        })
    }

    fn rule_of<'a>(&'a self, key: &'a str) -> Option<(&'a str, &'a Rule)> {
        let rest = key.strip_prefix(key::DATASETS)?.strip_prefix('/')?;
        let bucket = rest.split('/').next().filter(|bucket| *bucket != UPLOADS)?;
        let rule = self.named.get(bucket).or(self.others.as_ref())?;
        Some((bucket, rule))
    }

    /// The buckets of which something was said by name.
    pub(super) fn names(&self) -> Vec<String> {
        self.named.keys().cloned().collect()
    }

    /// The folder that holds a folder for each bucket of which nothing was said by name, if it is not the home's.
    pub(super) fn other_folder(&self) -> Option<PathBuf> {
        let rule = self.others.as_ref().filter(|rule| rule.is_mapped)?;
        rule.depot.as_ref()?.root.clone()
    }

    /// Whether the file of `key` lies elsewhere than in the home.
    pub(super) fn is_mapped(&self, key: &str) -> bool {
        self.rule_of(key).is_some_and(|(_, rule)| rule.is_mapped)
    }

    /// Where `key` lies, to be read.
    pub(super) fn find(&self, key: &str) -> Result<Spot, BlobError> {
        let depot = match self.rule_of(key) {
            None => &self.home,
            Some((bucket, rule)) => rule.depot.as_ref().ok_or_else(|| BlobError::Refused {
                bucket: bucket.to_owned(),
            })?,
        };
        if let Ok(key) = BlobKey::new(key)
            && depot.is_staged(&key)
        {
            return Err(BlobError::NotFound { key });
        }
        Ok(Spot {
            depot: depot.clone(),
            path: depot.name_of(key),
            key: key.to_owned(),
        })
    }

    /// Where `key` lies, to be written or removed.
    pub(super) fn find_writable(&self, key: &str) -> Result<Spot, BlobError> {
        match self.rule_of(key) {
            Some((bucket, rule)) if rule.read_only && rule.depot.is_some() => Err(BlobError::ReadOnly {
                bucket: bucket.to_owned(),
            }),
            _ => self.find(key),
        }
    }
}
