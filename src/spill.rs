//! Files for training rows that do not fit into memory.
//!
//! Each is unlinked as soon as it is made, so nobody else can open it and nothing stays behind, whatever ends the
//! process.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use crate::ml::learn::{Disk, DiskFile};

/// A folder in which such files are made.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    called: String,
}

impl Folder {
    /// The given folder, or the system's for temporary files. Messages name its path.
    pub fn new(path: Option<PathBuf>) -> Self {
        let path = path.unwrap_or_else(std::env::temp_dir);
        let called = format!("`{}`", path.display());
        Self { path, called }
    }

    /// The same under another name in messages, for readers who must not learn of paths.
    pub fn called(self, name: &str) -> Self {
        Self {
            called: name.to_string(),
            ..self
        }
    }
}

impl Disk for Folder {
    fn create(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Unlinked(tempfile::tempfile_in(&self.path)?)))
    }

    fn place(&self) -> String {
        self.called.clone()
    }
}

/// A file without a name.
#[derive(Debug)]
struct Unlinked(File);

impl DiskFile for Unlinked {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(into, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_it_was_given_and_leaves_no_file_behind() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Folder::new(Some(folder.path().to_owned()));
        let mut file = disk.create().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        file.append(b"some ").unwrap();
        file.append(b"bytes").unwrap();
        let mut found = [0; 4];
        file.read(3, &mut found).unwrap();
        assert_eq!(&found, b"e by");
        let past = file.read(7, &mut found).unwrap_err();
        assert_eq!(past.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn says_where_it_is_unless_told_not_to() {
        let folder = Folder::new(Some("/nowhere".into()));
        assert_eq!(folder.place(), "`/nowhere`");
        assert!(folder.create().is_err());
        assert_eq!(folder.called("the spill folder").place(), "the spill folder");
    }
}
