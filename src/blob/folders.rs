//! Buckets as folders of this machine: which there are, and making one.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::depot::Spot;
use super::{BlobError, Blobs, key};
use crate::domain::ids::BlobKey;
use crate::domain::location::{Location, UPLOADS};

/// A bucket that is a folder of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The bucket's name.
    pub bucket: String,
    /// When it was changed last, in microseconds UTC.
    pub changed_micros: i64,
}

/// What there is of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// A folder.
    Folder(Folder),
    /// Nothing, where a folder could be.
    Missing,
    /// It is kept by another store.
    Elsewhere,
}

impl Blobs {
    /// The buckets that are folders of this machine, but the one of uploads, in the order of their names.
    pub async fn folders(&self) -> Result<Vec<Folder>, BlobError> {
        let mut names = self.depots.names();
        for place in self
            .place(key::DATASETS)?
            .into_iter()
            .chain(self.depots.other_folder())
        {
            names.extend(below(&place).await?);
        }
        names.sort();
        names.dedup();
        let mut found = Vec::new();
        for name in names.iter().filter(|name| is_bucket(name)) {
            // What is refused or gone is not there.
            if let Ok(Standing::Folder(folder)) = self.standing(name).await {
                found.push(folder);
            }
        }
        Ok(found)
    }

    /// What there is of the bucket `name`; an error if nobody may use it.
    pub async fn standing(&self, name: &str) -> Result<Standing, BlobError> {
        if !is_bucket(name) {
            return Ok(Standing::Missing);
        }
        let Some(place) = self.place(&format!("{}/{name}", key::DATASETS))? else {
            return Ok(Standing::Elsewhere);
        };
        match tokio::fs::metadata(&place).await {
            Ok(found) if found.is_dir() => {
                let since = found
                    .modified()
                    .ok()
                    .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
                let micros = since.and_then(|since| i64::try_from(since.as_micros()).ok());
                Ok(Standing::Folder(Folder {
                    bucket: name.to_owned(),
                    changed_micros: micros.unwrap_or_default(),
                }))
            }
            Ok(_) => Ok(Standing::Missing),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Ok(Standing::Missing)
            }
            Err(source) => Err(unusable(&place, source)),
        }
    }

    /// Makes the folder of the bucket `name`; false if it is there already.
    pub async fn make_folder(&self, name: &str) -> Result<bool, BlobError> {
        let at = self.depots.find_writable(&format!("{}/{name}", key::DATASETS))?;
        let Some(place) = at.folder() else {
            return Ok(false);
        };
        match tokio::fs::create_dir(&place).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(source) => Err(unusable(&place, source)),
        }
    }

    /// Removes the folder of the bucket `name` if nothing is in it but empty folders; false if something is.
    pub async fn remove_folder(&self, name: &str) -> Result<bool, BlobError> {
        let at = self.depots.find_writable(&format!("{}/{name}", key::DATASETS))?;
        let Some(place) = at.folder() else {
            return Ok(false);
        };
        let removed = tokio::task::spawn_blocking(move || is_empty(&place) && remove_empty(&place)).await;
        Ok(removed.unwrap_or(false))
    }

    /// Whether a folder of this machine has the key `key`.
    pub async fn is_path(&self, key: &BlobKey) -> Result<bool, BlobError> {
        match self.place(key.as_str())? {
            Some(place) => Ok(tokio::fs::metadata(&place)
                .await
                .is_ok_and(|found| found.is_dir())),
            None => Ok(false),
        }
    }

    /// Makes a folder of the key `key`, and those around it; one that is there already is no error.
    pub async fn make_path(&self, key: &BlobKey) -> Result<(), BlobError> {
        let at = self.depots.find_writable(key.as_str())?;
        let Some(place) = at.folder() else {
            return Ok(());
        };
        let made = tokio::fs::create_dir_all(&place).await;
        made.map_err(|error| {
            let source = error.into();
            at.failed(
                "write",
                object_store::Error::Generic {
                    store: "folders",
                    source,
                },
            )
        })
    }

    /// Removes the folder of the key `key` if nothing is in it.
    pub async fn remove_path(&self, key: &BlobKey) -> Result<(), BlobError> {
        if let Some(place) = self.depots.find_writable(key.as_str())?.folder() {
            // Anything in it is a reason to leave it.
            drop(tokio::fs::remove_dir(&place).await);
        }
        Ok(())
    }

    fn place(&self, key: &str) -> Result<Option<PathBuf>, BlobError> {
        self.depots.find(key).map(|at: Spot| at.folder())
    }
}

/// Whether there is nothing below a folder but folders.
fn is_empty(place: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(place) else {
        return false;
    };
    entries.into_iter().all(|entry| {
        entry.is_ok_and(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_empty(&entry.path()))
    })
}

/// Removes empty folders from the inside out; what is not empty is never removed.
fn remove_empty(place: &Path) -> bool {
    let inner: Vec<PathBuf> = match std::fs::read_dir(place) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(_) => Vec::new(),
    };
    for folder in &inner {
        if !folder.is_symlink() && folder.is_dir() {
            remove_empty(folder);
        }
    }
    std::fs::remove_dir(place).is_ok()
}

async fn below(place: &Path) -> Result<Vec<String>, BlobError> {
    let unreadable = |source| unusable(place, source);
    let mut entries = tokio::fs::read_dir(place).await.map_err(unreadable)?;
    let mut names = Vec::new();
    while let Some(entry) = entries.next_entry().await.map_err(unreadable)? {
        names.extend(entry.file_name().into_string().ok());
    }
    Ok(names)
}

fn is_bucket(name: &str) -> bool {
    name != UPLOADS && Location::new(format!("s3://{name}")).is_ok_and(|at| at.bucket() == name)
}

fn unusable(place: &Path, source: std::io::Error) -> BlobError {
    BlobError::Folder {
        path: place.display().to_string(),
        source,
    }
}
