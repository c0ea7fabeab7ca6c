//! Where files lie while they are written, and how leftovers of dead processes are found.
//!
//! Every process writes below a folder of its own and holds a lock on a file beside it for as long
//! as it lives. The system drops the lock even when the process is killed, so that a folder whose
//! lock can be had belongs to nobody.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::BlobError;
use super::key;
use crate::domain::ids::{BlobKey, random_text};

/// The staging folder of this process.
#[derive(Debug)]
pub(super) struct Staging {
    process: String,
    next: AtomicU64,
    /// The folder above, with the lock that says that we live; none for stores without folders.
    held: Option<(PathBuf, File)>,
}

impl Staging {
    /// A staging folder in a store that is no local folder.
    pub(super) fn remote() -> Result<Self, BlobError> {
        Ok(Self {
            process: random_name().map_err(folder_error(Path::new("")))?,
            next: AtomicU64::new(0),
            held: None,
        })
    }

    /// Removes what dead processes left below `home`, then makes a folder for this one.
    pub(super) fn local(home: &Path) -> Result<Self, BlobError> {
        let top = home.join(key::STAGING);
        fs::create_dir_all(&top).map_err(folder_error(&top))?;
        sweep(&top).map_err(folder_error(&top))?;
        let process = random_name().map_err(folder_error(&top))?;
        let lock = top.join(format!("{process}.lock"));
        let file = File::create(&lock)
            .and_then(|f| f.lock().map(|()| f))
            .map_err(folder_error(&lock))?;
        Ok(Self {
            process,
            next: AtomicU64::new(0),
            held: Some((top, file)),
        })
    }

    /// The staging folder's path if it should be there and is not.
    pub(super) fn missing(&self) -> Option<String> {
        let (top, _) = self.held.as_ref()?;
        (!top.is_dir()).then(|| top.display().to_string())
    }

    /// A key that nothing else uses.
    pub(super) fn next_key(&self) -> BlobKey {
        key::staged(&self.process, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now is found by the next sweep.
        if let Some((top, file)) = self.held.take() {
            drop(fs::remove_dir_all(top.join(&self.process)));
            drop(fs::remove_file(top.join(format!("{}.lock", self.process))));
            drop(file);
        }
    }
}

fn sweep(top: &Path) -> io::Result<()> {
    for entry in fs::read_dir(top)? {
        let path = entry?.path();
        if path.extension().is_none_or(|e| e != "lock") {
            continue;
        }
        // Gone meanwhile means that another process swept it.
        let Ok(file) = File::open(&path) else { continue };
        if file.try_lock().is_err() {
            continue;
        }
        let folder = path.with_extension("");
        if folder.is_dir() {
            tracing::info!(folder = %folder.display(), "removing unfinished files of a process that died");
            fs::remove_dir_all(&folder)?;
        }
        drop(fs::remove_file(&path));
    }
    Ok(())
}

fn random_name() -> io::Result<String> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(random_text(&bytes))
}

fn folder_error(path: &Path) -> impl FnOnce(io::Error) -> BlobError {
    let path = path.display().to_string();
    move |source| BlobError::Folder { path, source }
}
