//! A socket in the file system, for programs on the same machine: no port, and permissions decide who may call.

use std::fs::{self, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Owner and group may call, nobody else.
const MODE: u32 = 0o660;

/// A socket that is listened on; its file goes with it.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    file: File,
}

/// Removes the file when it is dropped, unless another is there by then: that of the server that came after.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    identity: Identity,
}

impl Drop for File {
    fn drop(&mut self) {
        let is_ours = |found: Metadata| Identity::of(&found) == self.identity;
        if fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            // One that has gone already is as good.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Which file it is. A number is given again soon after its file has gone, so the time is part of it; that of the last
/// change of contents, which a change of owner or permissions leaves as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    made: (i64, i64),
}

impl Identity {
    fn of(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
            made: (found.mtime(), found.mtime_nsec()),
        }
    }
}

impl Socket {
    /// Listens at `path`. What a server that is dead has left there is replaced; a server that is alive, and
    /// anything but a socket, is not.
    pub fn bind(path: &Path) -> Result<Self, String> {
        let failed = |error: io::Error| format!("listening on `{}`: {error}", path.display());
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
            Ok(found) if !found.file_type().is_socket() => {
                return Err(format!(
                    "`{}` is there and is no socket; name another path",
                    path.display()
                ));
            }
            Ok(_) if UnixStream::connect(path).is_ok() => {
                return Err(format!(
                    "another server listens on `{}`; name another path",
                    path.display()
                ));
            }
            Ok(_) => fs::remove_file(path).map_err(failed)?,
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        let found = fs::symlink_metadata(path).map_err(failed)?;
        let file = File {
            path: path.to_owned(),
            identity: Identity::of(&found),
        };
        fs::set_permissions(path, Permissions::from_mode(MODE)).map_err(failed)?;
        Ok(Self { listener, file })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// The listener, and what keeps the file.
    pub fn into_parts(self) -> (UnixListener, File) {
        (self.listener, self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_server_left_is_replaced_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("yosoku.sock");
        let first = Socket::bind(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, MODE);
        let refused = Socket::bind(&path).unwrap_err();
        assert!(refused.contains("another server"), "{refused}");
        // A server that is killed leaves its file.
        let (listener, file) = first.into_parts();
        drop(listener);
        std::mem::forget(file);
        let second = Socket::bind(&path).unwrap();
        drop(second);
        assert!(!path.exists());
        fs::write(&path, "mine").unwrap();
        let refused = Socket::bind(&path).unwrap_err();
        assert!(refused.contains("no socket"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }
    #[test]
    fn the_file_of_a_successor_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("yosoku.sock");
        let (listener, file) = Socket::bind(&path).unwrap().into_parts();
        drop(listener);
        let successor = Socket::bind(&path).unwrap();
        drop(file);
        assert!(UnixStream::connect(&path).is_ok());
        // Whoever may call can be changed by hand; the file is still the same.
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        drop(successor);
        assert!(!path.exists());
    }
}
