//! Buckets as folders of this machine: which there are, and making one.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::depot::Spot;
use super::walk::micros;
use super::{BlobError, Blobs, key};
use crate::domain::ids::BlobKey;
use crate::domain::location::{Location, UPLOADS};

/// How often a folder is made anew while those around it go.
const AGAIN: usize = 3;

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
            Ok(found) if found.is_dir() => Ok(Standing::Folder(Folder {
                bucket: name.to_owned(),
                changed_micros: micros(&found),
            })),
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
        let folder = place.clone();
        let work = move || Ok(is_empty(&folder)? && remove_empty(&folder)?);
        let removed = tokio::task::spawn_blocking(work).await;
        removed
            .map_err(std::io::Error::other)
            .flatten()
            .map_err(|source| unusable(&place, source))
    }

    /// When the folder of this machine with the key `key` was changed last, in microseconds UTC; none if there is no such
    /// folder.
    pub async fn look_path(&self, key: &BlobKey) -> Result<Option<i64>, BlobError> {
        let Some(place) = self.place(key.as_str())? else {
            return Ok(None);
        };
        match tokio::fs::metadata(&place).await {
            Ok(found) => Ok(found.is_dir().then(|| micros(&found))),
            Err(error) if is_nowhere(&error) => Ok(None),
            Err(source) => Err(unusable(&place, source)),
        }
    }

    /// Makes a folder of the key `key`, and those around it; one that is there already is no error.
    pub async fn make_path(&self, key: &BlobKey) -> Result<(), BlobError> {
        let at = self.depots.find_writable(key.as_str())?;
        let Some(place) = at.folder() else {
            return Ok(());
        };
        let mut made = tokio::fs::create_dir_all(&place).await;
        for _ in 0..AGAIN {
            // Folders around it that were empty may just have been removed.
            match &made {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    made = tokio::fs::create_dir_all(&place).await;
                }
                _ => break,
            }
        }
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

    /// Removes the folder of the key `key` if nothing is in it; false if something is, or there is none.
    pub async fn remove_path(&self, key: &BlobKey) -> Result<bool, BlobError> {
        let Some(place) = self.depots.find_writable(key.as_str())?.folder() else {
            return Ok(false);
        };
        match tokio::fs::remove_dir(&place).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty || is_nowhere(&error) => Ok(false),
            Err(source) => Err(unusable(&place, source)),
        }
    }

    /// Removes the folders around the key `key` in the bucket `name` that have nothing in them any more, from the inside
    /// out; the one of the bucket stays.
    pub async fn remove_around(&self, key: &BlobKey, name: &str) -> Result<(), BlobError> {
        let Some(top) = self.place(&format!("{}/{name}", key::DATASETS))? else {
            return Ok(());
        };
        let place = self.place(key.as_str())?;
        let around = place.iter().flat_map(|place| place.ancestors().skip(1));
        for folder in around.take_while(|folder| folder.starts_with(&top) && **folder != top) {
            // What was to be removed is. Anything else is a reason to leave the folder.
            if tokio::fs::remove_dir(folder).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    fn place(&self, key: &str) -> Result<Option<PathBuf>, BlobError> {
        self.depots.find(key).map(|at: Spot| at.folder())
    }
}

/// Whether there is nothing below a folder but folders.
fn is_empty(place: &Path) -> std::io::Result<bool> {
    for entry in std::fs::read_dir(place)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() || !is_empty(&entry.path())? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes empty folders from the inside out; what is not empty is never removed, and makes this false.
fn remove_empty(place: &Path) -> std::io::Result<bool> {
    for entry in std::fs::read_dir(place)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_empty(&entry.path())?;
        }
    }
    match std::fs::remove_dir(place) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the system says that there is nothing at a place, and could not be.
fn is_nowhere(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename
    )
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
