//! Where files lie while they are written, and how leftovers of dead processes are found.
//!
//! Every process writes below a folder of its own, named after it as a worker, and holds a lock on a
//! file beside it for as long as it lives. The system drops the lock even when the process is killed,
//! so that a folder whose lock can be had belongs to nobody, and its worker is dead.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::BlobError;
use super::key;
use crate::domain::ids::BlobKey;
use crate::domain::job::WorkerId;

/// The staging folder of this process.
#[derive(Debug)]
pub(super) struct Staging {
    process: WorkerId,
    /// The processes that were found dead when this one began.
    dead: Vec<WorkerId>,
    next: AtomicU64,
    /// The folder above, with the lock that says that we live; none for stores without folders.
    held: Option<(PathBuf, File)>,
}

impl Staging {
    /// A staging folder in a store that is no local folder.
    pub(super) fn remote() -> Result<Self, BlobError> {
        Ok(Self {
            process: this_process().map_err(folder_error(Path::new("")))?,
            dead: Vec::new(),
            next: AtomicU64::new(0),
            held: None,
        })
    }

    /// Removes what dead processes left below `home`, then makes a folder for this one.
    pub(super) fn local(home: &Path) -> Result<Self, BlobError> {
        let top = home.join(key::STAGING);
        fs::create_dir_all(&top).map_err(folder_error(&top))?;
        let dead = sweep(&top).map_err(folder_error(&top))?;
        let process = this_process().map_err(folder_error(&top))?;
        let lock = lock_file(&top, &process);
        let file = create_locked(&lock).map_err(folder_error(&lock))?;
        Ok(Self {
            process,
            dead,
            next: AtomicU64::new(0),
            held: Some((top, file)),
        })
    }

    /// The name of this process.
    pub(super) fn process(&self) -> &WorkerId {
        &self.process
    }

    /// The processes that were found dead when this one began.
    pub(super) fn dead(&self) -> &[WorkerId] {
        &self.dead
    }

    /// The staging folder's path if it should be there and is not.
    pub(super) fn missing(&self) -> Option<String> {
        let (top, _) = self.held.as_ref()?;
        (!top.is_dir()).then(|| top.display().to_string())
    }

    /// Removes a folder of the store, relative to the home, if there is one and it is empty.
    pub(super) fn remove_empty(&self, folder: &str) {
        if let Some(home) = self.held.as_ref().and_then(|(top, _)| top.parent()) {
            // Anything in it is a reason to leave it.
            drop(fs::remove_dir(home.join(folder)));
        }
    }

    /// A key that nothing else uses.
    pub(super) fn next_key(&self) -> BlobKey {
        key::staged(self.process.as_str(), self.next.fetch_add(1, Ordering::Relaxed))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now is found by the next sweep.
        if let Some((top, file)) = self.held.take() {
            drop(fs::remove_dir_all(top.join(self.process.as_str())));
            drop(fs::remove_file(lock_file(&top, &self.process)));
            drop(file);
        }
    }
}

/// Removes the folders whose locks can be had; returns whose they were.
fn sweep(top: &Path) -> io::Result<Vec<WorkerId>> {
    let mut dead = Vec::new();
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
        if let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) {
            dead.push(WorkerId::named(name));
        }
    }
    Ok(dead)
}

fn lock_file(top: &Path, process: &WorkerId) -> PathBuf {
    top.join(format!("{}.lock", process.as_str()))
}

/// Locked before it has its name: a sweep never sees the file of a living process without its lock.
fn create_locked(path: &Path) -> io::Result<File> {
    let unnamed = path.with_extension("new");
    let file = File::create(&unnamed)?;
    file.lock()?;
    fs::rename(&unnamed, path)?;
    Ok(file)
}

fn this_process() -> io::Result<WorkerId> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    Ok(WorkerId::new(std::process::id(), random))
}

fn folder_error(path: &Path) -> impl FnOnce(io::Error) -> BlobError {
    let path = path.display().to_string();
    move |source| BlobError::Folder { path, source }
}
