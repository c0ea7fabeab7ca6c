//! Parts of an interrupted `yosoku predict`, kept in a folder beside the output.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use super::error::CliError;
use crate::ml::ingest::decompress::Source;
use crate::ml::model::bundle::hex;
use crate::ml::pipeline::batch::{Growing, PartFile, Parts, Settling};

/// Bytes at the front of the input that are looked at to recognise it.
const HEAD: u64 = 64 << 10;

/// Its presence says that the folder is ours.
const LOCK: &str = "lock";
/// What the names of our files begin with.
const OURS: &str = "part-";
/// What the names of marks end with, without which the other files are worth nothing.
const MARK: &str = ".json";

/// The folder `OUT.parts`. It is made for the first file, and locked as long as a process works with it.
#[derive(Debug)]
pub struct FolderParts {
    folder: PathBuf,
    lock: Mutex<Option<File>>,
    /// Whether this process has added anything.
    has_added: Arc<AtomicBool>,
    /// The output, where it is kept as it grows, and its path.
    output: Mutex<Option<(File, PathBuf)>>,
}

impl FolderParts {
    /// The folder of the parts of `out`. Fails while another process uses it.
    pub fn beside(out: &Path) -> Result<Self, CliError> {
        let mut name = out.as_os_str().to_owned();
        name.push(".parts");
        let parts = Self {
            folder: name.into(),
            lock: Mutex::new(None),
            has_added: Arc::default(),
            output: Mutex::new(None),
        };
        if parts.folder.join(LOCK).is_file() {
            parts.hold().map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock => CliError::Conflict(error.to_string()),
                _ => CliError::file("reading", &parts.folder, &error),
            })?;
        }
        Ok(parts)
    }

    /// Makes the folder and locks it, once.
    fn hold(&self) -> io::Result<()> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if lock.is_some() {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        let path = self.folder.join(LOCK);
        if !path.is_file() && fs::read_dir(&self.folder)?.next().is_some() {
            let message = format!(
                "`{}` is where unfinished parts would be kept, and there is something else in it; move it, or give --out \
                 another name",
                self.folder.display()
            );
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
        }
        let options = OpenOptions::new().create(true).append(true).to_owned();
        let file = options.open(path)?;
        file.try_lock().map_err(|_| {
            let message = format!(
                "another `yosoku predict` is writing `{}`; wait for it, or give --out another name",
                self.folder.display()
            );
            io::Error::new(io::ErrorKind::WouldBlock, message)
        })?;
        *lock = Some(file);
        Ok(())
    }

    fn is_held(&self) -> bool {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The folder, if finished parts are kept in it.
    pub fn kept(&self) -> Option<&Path> {
        let has_mark = || {
            let mut files = fs::read_dir(&self.folder).ok()?.flatten();
            files.find(|file| file.file_name().to_string_lossy().ends_with(MARK))
        };
        (self.is_held() && has_mark().is_some()).then_some(self.folder.as_path())
    }

    /// Whether this process has added anything.
    pub fn has_added(&self) -> bool {
        self.has_added.load(Ordering::Relaxed)
    }

    /// The output that has grown here, and where it lies until it gets its name.
    pub fn take_output(&self) -> Option<(File, PathBuf)> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Removes the parts, and their folder if nothing else is in it. Parts of others stay.
    pub fn remove(self) -> Result<(), CliError> {
        match self.is_held() {
            true => self
                .clear()
                .map_err(|error| CliError::file("removing", &self.folder, &error)),
            false => Ok(()),
        }
    }

    fn clear(&self) -> io::Result<()> {
        let remove = |end: &str| -> io::Result<()> {
            for entry in fs::read_dir(&self.folder)? {
                let entry = entry?;
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if name.starts_with(OURS) && name.ends_with(end) {
                    fs::remove_file(entry.path())?;
                }
            }
            Ok(())
        };
        // A mark must not outlive what it tells of.
        remove(MARK)?;
        File::open(&self.folder)?.sync_all()?;
        remove("")?;
        fs::remove_file(self.folder.join(LOCK))?;
        match fs::remove_dir(&self.folder) {
            // Something else lies in it, or it is a link or a disk.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::DirectoryNotEmpty
                        | io::ErrorKind::NotADirectory
                        | io::ErrorKind::ResourceBusy
                ) =>
            {
                Ok(())
            }
            removed => removed,
        }
    }
}

impl Parts for FolderParts {
    fn fresh(&self) -> io::Result<String> {
        let word = getrandom::u64().map_err(io::Error::other)?;
        Ok(format!("{word:016x}"))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn PartFile>> {
        self.hold()?;
        self.has_added.store(true, Ordering::Relaxed);
        let path = self.folder.join(name);
        // The lock keeps others away, so the name of the unfinished file is ours.
        let unfinished = self.folder.join(format!("{name}.new"));
        let file = BufWriter::with_capacity(1 << 16, File::create(&unfinished)?);
        Ok(Box::new(Unfinished {
            file,
            unfinished,
            path,
        }))
    }

    fn open(&self, name: &str) -> io::Result<Option<Source>> {
        match File::open(self.folder.join(name)) {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn grown(&self, name: &str) -> io::Result<Option<u64>> {
        match fs::metadata(self.folder.join(name)) {
            Ok(there) => Ok(Some(there.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(0)),
            Err(error) => Err(error),
        }
    }

    fn grow(&self, name: &str, length: u64) -> io::Result<Box<dyn Growing>> {
        self.hold()?;
        let path = self.folder.join(name);
        let options = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .to_owned();
        let mut file = options.open(&path)?;
        // Another process may have gone on with it before the lock was ours.
        if file.metadata()?.len() < length {
            let message = format!("`{}` has changed meanwhile; run it again", path.display());
            return Err(io::Error::other(message));
        }
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        let growing = Output {
            file: BufWriter::with_capacity(1 << 16, file.try_clone()?),
            has_added: Arc::clone(&self.has_added),
        };
        *self.output.lock().unwrap_or_else(PoisonError::into_inner) = Some((file, path));
        Ok(Box::new(growing))
    }
}

/// The output that grows.
struct Output {
    file: BufWriter<File>,
    has_added: Arc<AtomicBool>,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.has_added.store(true, Ordering::Relaxed);
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Growing for Output {
    fn settling(&mut self) -> io::Result<Settling> {
        self.file.flush()?;
        let file = self.file.get_ref().try_clone()?;
        Ok(Box::new(move || file.sync_all()))
    }
}

/// A part that is being written.
struct Unfinished {
    file: BufWriter<File>,
    unfinished: PathBuf,
    path: PathBuf,
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl PartFile for Unfinished {
    fn keep(mut self: Box<Self>) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        fs::rename(&self.unfinished, &self.path)?;
        // The new name is only safe once its folder is.
        match self.path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }

    fn show(mut self: Box<Self>) -> io::Result<()> {
        self.file.flush()?;
        fs::rename(&self.unfinished, &self.path)
    }
}

/// What an input is recognised by: its path, length, time of change and first bytes, and how it is read.
pub fn identity(path: &Path, reading: &str) -> Result<String, CliError> {
    let failed = |error: io::Error| CliError::file("reading", path, &error);
    let data = fs::metadata(path).map_err(failed)?;
    let changed = data
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let mut head = Vec::new();
    let mut file = File::open(path).map_err(failed)?.take(HEAD);
    file.read_to_end(&mut head).map_err(failed)?;
    let whole = fs::canonicalize(path).map_err(failed)?;
    Ok(format!(
        "{} {} {} {} {reading}",
        whole.display(),
        data.len(),
        changed.unwrap_or_default().as_nanos(),
        hex(&Sha256::digest(&head))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_appear_whole_and_go_with_their_folder() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("p.csv");
        let parts = FolderParts::beside(&out).unwrap();
        assert!(parts.kept().is_none() && parts.open("part-a").unwrap().is_none());
        let mut dropped = parts.create("part-a").unwrap();
        dropped.write_all(b"half").unwrap();
        drop(dropped);
        assert!(parts.open("part-a").unwrap().is_none());
        let mut kept = parts.create("part-a").unwrap();
        kept.write_all(b"whole").unwrap();
        kept.keep().unwrap();
        let mut text = String::new();
        parts
            .open("part-a")
            .unwrap()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "whole");
        let other = FolderParts::beside(&out).unwrap_err();
        assert_eq!(other.exit_code(), 5, "{other}");
        parts.remove().unwrap();
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_output_grows_from_where_it_was_safe() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("p.csv");
        let parts = FolderParts::beside(&out).unwrap();
        assert_eq!(parts.grown("part-a.whole").unwrap(), Some(0));
        let mut growing = parts.grow("part-a.whole", 0).unwrap();
        assert!(!parts.has_added());
        growing.write_all(b"safe, and lost").unwrap();
        growing.settling().unwrap()().unwrap();
        assert!(parts.has_added() && parts.kept().is_none(), "nothing is finished");
        drop((growing, parts));

        let parts = FolderParts::beside(&out).unwrap();
        assert_eq!(parts.grown("part-a.whole").unwrap(), Some(14));
        assert!(parts.grow("part-a.whole", 15).is_err());
        let mut growing = parts.grow("part-a.whole", 4).unwrap();
        growing.write_all(b" again").unwrap();
        growing.flush().unwrap();
        let (_, path) = parts.take_output().unwrap();
        assert!(parts.take_output().is_none());
        assert_eq!(fs::read_to_string(path).unwrap(), "safe again");
        parts.create("part-0.json").unwrap().keep().unwrap();
        assert!(parts.kept().is_some());
        parts.remove().unwrap();
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_not_ours_stays() {
        let place = tempfile::tempdir().unwrap();
        let (out, folder) = (place.path().join("p.csv"), place.path().join("p.csv.parts"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("mine.txt"), "mine").unwrap();
        let parts = FolderParts::beside(&out).unwrap();
        assert!(parts.kept().is_none());
        let Err(refused) = parts.create("part-0.out") else {
            panic!("the folder belongs to somebody else")
        };
        assert!(refused.to_string().contains("something else in it"), "{refused}");
        parts.remove().unwrap();
        assert_eq!(fs::read_to_string(folder.join("mine.txt")).unwrap(), "mine");

        // A run that made no parts leaves those that another is making.
        fs::remove_dir_all(&folder).unwrap();
        let small = FolderParts::beside(&out).unwrap();
        let large = FolderParts::beside(&out).unwrap();
        large.create("part-0.out").unwrap().keep().unwrap();
        small.remove().unwrap();
        assert!(folder.join("part-0.out").is_file() && large.has_added());
        // What somebody has put beside them stays.
        fs::write(folder.join("note"), "mine").unwrap();
        large.remove().unwrap();
        let left: Vec<_> = fs::read_dir(&folder).unwrap().collect();
        assert_eq!(left.len(), 1);
    }

    #[test]
    fn another_content_is_another_input() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("t.csv");
        fs::write(&path, "a\n1\n").unwrap();
        let first = identity(&path, "Auto").unwrap();
        assert_eq!(identity(&path, "Auto").unwrap(), first);
        assert_ne!(identity(&path, "Yes").unwrap(), first);
        fs::write(&path, "a\n2\n").unwrap();
        assert_ne!(identity(&path, "Auto").unwrap(), first);
    }
}
