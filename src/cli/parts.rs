//! Parts of an interrupted `yosoku predict`, kept in a folder beside the output.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
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

/// The folder `OUT.parts`. It is made when it is first needed, and locked as long as a process works with it.
#[derive(Debug)]
pub struct FolderParts {
    folder: PathBuf,
    lock: Mutex<Option<File>>,
    /// What the names of the files of the work at hand begin with.
    own: Mutex<Option<String>>,
    /// The output, where it is kept as it grows, and its path.
    output: Mutex<Option<(File, PathBuf)>>,
}

impl FolderParts {
    /// The folder of the parts of `out`, made at once where it is needed for certain. Fails while another process uses it.
    pub fn beside(out: &Path, is_needed: bool) -> Result<Self, CliError> {
        let mut name = out.as_os_str().to_owned();
        name.push(".parts");
        let parts = Self {
            folder: name.into(),
            lock: Mutex::new(None),
            own: Mutex::new(None),
            output: Mutex::new(None),
        };
        if is_needed || parts.folder.join(LOCK).is_file() {
            parts.hold().map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::AlreadyExists => {
                    CliError::Conflict(error.to_string())
                }
                _ => CliError::file("writing into", &parts.folder, &error),
            })?;
        }
        Ok(parts)
    }

    /// Makes the folder and locks it, once.
    fn hold(&self) -> io::Result<()> {
        let mut lock = locked(&self.lock);
        if lock.is_some() {
            return Ok(());
        }
        let taken = |what: &str| {
            let message = format!(
                "`{}` is where unfinished parts would be kept, and {what}; move it, or give --out another name",
                self.folder.display()
            );
            io::Error::new(io::ErrorKind::AlreadyExists, message)
        };
        if let Err(error) = fs::create_dir_all(&self.folder) {
            return Err(match error.kind() {
                io::ErrorKind::AlreadyExists => taken("it is no folder"),
                _ => error,
            });
        }
        let path = self.folder.join(LOCK);
        if !path.is_file() && fs::read_dir(&self.folder)?.next().is_some() {
            return Err(taken("there is something else in it"));
        }
        let options = OpenOptions::new().create(true).append(true).to_owned();
        let file = options.open(&path)?;
        let is_ours = match file.try_lock() {
            // Whoever had it may have removed it before it was ours.
            Ok(()) => fs::metadata(&path).is_ok_and(|there| is_same(&there, &file)),
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(error)) => return Err(error),
        };
        if !is_ours {
            let message = format!(
                "another `yosoku predict` is writing `{}`; wait for it, or give --out another name",
                self.folder.display()
            );
            return Err(io::Error::new(io::ErrorKind::WouldBlock, message));
        }
        *lock = Some(file);
        Ok(())
    }

    /// The folder, if there are finished parts of the work at hand.
    pub fn kept(&self) -> Option<&Path> {
        let own = locked(&self.own);
        let own = own.as_deref()?;
        let is_mark = |name: &str| name.starts_with(own) && name.ends_with(MARK);
        // What cannot be read may be there.
        let has_mark = self
            .names()
            .map_or(true, |names| names.iter().any(|name| is_mark(name)));
        has_mark.then_some(self.folder.as_path())
    }

    /// The output that has grown here, and where it lies until it gets its name.
    pub fn take_output(&self) -> Option<(File, PathBuf)> {
        locked(&self.output).take()
    }

    /// The output has its name: nobody goes on from here.
    pub fn settle(&self) {
        *locked(&self.own) = None;
    }

    /// Removes the parts of the work at hand, and the folder where others have none.
    pub fn forget(self) -> io::Result<()> {
        if locked(&self.lock).is_none() {
            return Ok(());
        }
        if locked(&self.own).is_some() {
            self.remove_but(&BTreeSet::new())?;
        }
        match self.names()?.iter().any(|name| name.starts_with(OURS)) {
            true => Ok(()),
            false => self.remove(),
        }
    }

    /// Removes all parts, and the folder if nothing else is in it. It stays where this process has not held it.
    pub fn remove(self) -> io::Result<()> {
        if locked(&self.lock).is_none() {
            return Ok(());
        }
        self.remove_files(|name| name.starts_with(OURS))?;
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

    /// Marks go first, the last one before those in front of it, so that none outlives what it tells of.
    fn remove_files(&self, goes: impl Fn(&str) -> bool) -> io::Result<()> {
        let mut names = self.names()?;
        names.retain(|name| goes(name));
        names.sort_unstable();
        let (marks, others): (Vec<String>, Vec<String>) =
            names.into_iter().partition(|name| name.ends_with(MARK));
        for name in marks.iter().rev() {
            fs::remove_file(self.folder.join(name))?;
        }
        if !marks.is_empty() {
            File::open(&self.folder)?.sync_all()?;
        }
        for name in others {
            fs::remove_file(self.folder.join(name))?;
        }
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let name = |entry: io::Result<fs::DirEntry>| {
            let name = entry?.file_name();
            Ok(name.to_string_lossy().into_owned())
        };
        fs::read_dir(&self.folder)?.map(name).collect()
    }
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether both are the same file.
fn is_same(there: &fs::Metadata, file: &File) -> bool {
    let place = |data: &fs::Metadata| (data.dev(), data.ino());
    file.metadata().is_ok_and(|data| place(&data) == place(there))
}

impl Parts for FolderParts {
    fn fresh(&self) -> io::Result<String> {
        let word = getrandom::u64().map_err(io::Error::other)?;
        Ok(format!("{word:016x}"))
    }

    fn begin(&self, prefix: &str) -> io::Result<()> {
        self.hold()?;
        *locked(&self.own) = Some(prefix.to_owned());
        Ok(())
    }

    fn remove_but(&self, kept: &BTreeSet<String>) -> io::Result<()> {
        let own = locked(&self.own).clone();
        let own = own.ok_or_else(|| io::Error::other("no work was begun"))?;
        self.remove_files(|name| name.starts_with(&own) && !kept.contains(name))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn PartFile>> {
        self.hold()?;
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

    fn can_grow(&self) -> bool {
        true
    }

    fn grown(&self, name: &str) -> io::Result<u64> {
        match fs::metadata(self.folder.join(name)) {
            Ok(there) => Ok(there.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
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
        if file.metadata()?.len() < length {
            let message = format!("`{}` has changed meanwhile; run it again", path.display());
            return Err(io::Error::other(message));
        }
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        let growing = Output(BufWriter::with_capacity(1 << 16, file.try_clone()?));
        *locked(&self.output) = Some((file, path));
        Ok(Box::new(growing))
    }
}

/// The output that grows.
struct Output(BufWriter<File>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Growing for Output {
    fn settling(&mut self) -> io::Result<Settling> {
        self.0.flush()?;
        let file = self.0.get_ref().try_clone()?;
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

    fn beside(out: &Path) -> FolderParts {
        FolderParts::beside(out, false).unwrap()
    }

    fn keep(parts: &FolderParts, name: &str) {
        let mut file = parts.create(name).unwrap();
        file.write_all(name.as_bytes()).unwrap();
        file.keep().unwrap();
    }

    #[test]
    fn parts_appear_whole_and_go_with_their_folder() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("p.csv");
        let parts = beside(&out);
        assert!(parts.kept().is_none() && parts.open("part-a").unwrap().is_none());
        let mut dropped = parts.create("part-a").unwrap();
        dropped.write_all(b"half").unwrap();
        drop(dropped);
        assert!(parts.open("part-a").unwrap().is_none());
        keep(&parts, "part-a");
        let mut text = String::new();
        let mut file = parts.open("part-a").unwrap().unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "part-a");
        for is_needed in [false, true] {
            let other = FolderParts::beside(&out, is_needed).unwrap_err();
            assert_eq!(other.exit_code(), 5, "{other}");
        }
        parts.remove().unwrap();
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_output_grows_from_where_it_was_safe() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("p.csv");
        let parts = beside(&out);
        parts.begin("part-a-").unwrap();
        assert_eq!(parts.grown("part-a-1.whole").unwrap(), 0);
        let mut growing = parts.grow("part-a-1.whole", 0).unwrap();
        growing.write_all(b"safe, and lost").unwrap();
        growing.settling().unwrap()().unwrap();
        assert!(parts.kept().is_none(), "nothing is finished");
        drop((growing, parts));

        let parts = beside(&out);
        parts.begin("part-a-").unwrap();
        assert_eq!(parts.grown("part-a-1.whole").unwrap(), 14);
        assert!(parts.grow("part-a-1.whole", 15).is_err());
        let mut growing = parts.grow("part-a-1.whole", 4).unwrap();
        growing.write_all(b" again").unwrap();
        growing.flush().unwrap();
        keep(&parts, "part-a-0.json");
        assert!(parts.kept().is_some());
        let (_, path) = parts.take_output().unwrap();
        assert!(parts.take_output().is_none());
        assert_eq!(fs::read_to_string(path).unwrap(), "safe again");
        parts.settle();
        assert!(parts.kept().is_none(), "nobody goes on");
        parts.remove().unwrap();
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_failure_takes_what_is_its_own() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("p.csv");
        let there = || {
            let names = fs::read_dir(place.path().join("p.csv.parts")).unwrap();
            let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let parts = beside(&out);
        parts.begin("part-a-").unwrap();
        for name in [
            "part-a-0.json",
            "part-a-0.truths",
            "part-b-0.json",
            "part-b-0.truths",
        ] {
            keep(&parts, name);
        }
        let kept = ["part-a-0.json".to_string()].into();
        parts.remove_but(&kept).unwrap();
        assert_eq!(
            there(),
            ["lock", "part-a-0.json", "part-b-0.json", "part-b-0.truths"]
        );
        parts.forget().unwrap();
        assert_eq!(there(), ["lock", "part-b-0.json", "part-b-0.truths"]);
        // One that failed before it began anything takes nothing, and leaves nothing.
        FolderParts::beside(&out, true).unwrap().forget().unwrap();
        assert_eq!(there().len(), 3);
        let other = place.path().join("q.csv");
        FolderParts::beside(&other, true).unwrap().forget().unwrap();
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        let last = beside(&out);
        last.begin("part-b-").unwrap();
        last.forget().unwrap();
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_not_ours_stays() {
        let place = tempfile::tempdir().unwrap();
        let (out, folder) = (place.path().join("p.csv"), place.path().join("p.csv.parts"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("mine.txt"), "mine").unwrap();
        let refused = FolderParts::beside(&out, true).unwrap_err();
        assert!(refused.to_string().contains("something else in it"), "{refused}");
        fs::write(folder.join("mine.parts"), "mine").unwrap();
        let refused = FolderParts::beside(&folder.join("mine"), true).unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("mine.parts` is where unfinished parts"),
            "{refused}"
        );
        assert!(refused.to_string().contains("no folder"), "{refused}");
        fs::remove_file(folder.join("mine.parts")).unwrap();
        let parts = beside(&out);
        assert!(parts.kept().is_none() && parts.begin("part-a-").is_err());
        parts.remove().unwrap();
        assert_eq!(fs::read_to_string(folder.join("mine.txt")).unwrap(), "mine");

        // A run that made no parts leaves those that another is making.
        fs::remove_dir_all(&folder).unwrap();
        let (small, large) = (beside(&out), beside(&out));
        keep(&large, "part-0.out");
        small.remove().unwrap();
        assert!(folder.join("part-0.out").is_file());
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
