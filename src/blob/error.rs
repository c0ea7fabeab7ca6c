//! What can go wrong with files, by what the caller can do about it.

use super::remote::{Refusal, name};
use crate::domain::entity::Problem;
use crate::domain::ids::BlobKey;

/// Any error at all, kept as the cause.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// A refusal or failure of object storage.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// There is no such file.
    #[error("there is no file {key}")]
    NotFound {
        /// What was asked for.
        key: BlobKey,
    },
    /// The volume is full.
    #[error("no space is left where {what} is written; free some and try again")]
    DiskFull {
        /// What was being written.
        what: String,
    },
    /// More bytes came than are allowed.
    #[error("the file is larger than the limit of {limit} bytes; split it or raise the limit")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// The sender of the bytes failed; nothing was stored.
    #[error("the data broke off after {received} bytes; send it again")]
    Input {
        /// Bytes that had arrived.
        received: u64,
        /// What the sender said.
        source: Source,
    },
    /// The home folder cannot be used.
    #[error("cannot use the folder {path}")]
    Folder {
        /// The folder.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// No file can have that name.
    #[error(
        "no file can be called {what}: its name is too long or not allowed, or goes through a file, or is that of a folder; choose another one"
    )]
    NoName {
        /// What was to be written.
        what: String,
    },
    /// A file was written where it cannot be moved from in one step.
    #[error(
        "{what} lies on another file system than the folder that files are written in first; whoever runs the server \
         maps the bucket to its folder in the file of connections"
    )]
    OtherVolume {
        /// What was to be written.
        what: String,
    },
    /// A list would be too long.
    #[error("more than {most} files lie below `{what}`; name a folder with fewer")]
    TooMany {
        /// The folder.
        what: String,
        /// How many are listed.
        most: usize,
    },
    /// Who runs the server lets nobody use the bucket.
    #[error("the bucket `{bucket}` is not open for use on this server; name another one, or ask who runs it")]
    Refused {
        /// The bucket.
        bucket: String,
    },
    /// Who runs the server lets nobody write to the bucket.
    #[error(
        "the bucket `{bucket}` can only be read on this server; write to another one, or ask who runs it"
    )]
    ReadOnly {
        /// The bucket.
        bucket: String,
    },
    /// The store of a bucket that lies elsewhere does not do it.
    #[error("`{what}`: {refusal}")]
    Elsewhere {
        /// The location.
        what: String,
        /// Why not.
        refusal: Refusal,
        /// What the store said.
        source: Source,
    },
    /// The content is not the one that was found when reading began.
    #[error("`{what}` was changed while it was read; write files under another name first, or try again")]
    Changed {
        /// The file.
        what: String,
    },
    /// Anything else.
    #[error("cannot {action} {what}")]
    Storage {
        /// `open`, `read`, `write`, `publish`, `list` or `delete`.
        action: &'static str,
        /// The file or folder.
        what: String,
        /// What the store said.
        source: Source,
    },
}

impl BlobError {
    /// Sorts an error of the store by its cause.
    pub(super) fn from_store(action: &'static str, what: &str, error: object_store::Error) -> Self {
        // What would lie below a file, or has a name that no file can have, is not there.
        let is_missing = matches!(error, object_store::Error::NotFound { .. }) || is_no_name(&error);
        let is_written = matches!(action, "write" | "publish");
        let key = BlobKey::new(what);
        let what = name(what);
        match key {
            Ok(key) if is_missing && !is_written => return BlobError::NotFound { key },
            _ if is_no_name(&error) => return BlobError::NoName { what },
            Ok(key) if is_missing => return BlobError::NotFound { key },
            _ => {}
        }
        if is_disk_full(&error) {
            return BlobError::DiskFull { what };
        }
        if is_of(&error, &|kind| kind == std::io::ErrorKind::CrossesDevices) {
            return BlobError::OtherVolume { what };
        }
        BlobError::Storage {
            action,
            what,
            source: error.into(),
        }
    }

    /// A stable lower_snake code.
    pub fn code(&self) -> &'static str {
        match self {
            BlobError::NotFound { .. } => "file_missing",
            BlobError::DiskFull { .. } => "disk_full",
            BlobError::TooLarge { .. } => "too_large",
            BlobError::Input { .. } => "upload_interrupted",
            BlobError::NoName { .. } | BlobError::TooMany { .. } | BlobError::OtherVolume { .. } => {
                "invalid_location"
            }
            BlobError::Refused { .. } => "bucket_refused",
            BlobError::ReadOnly { .. } => "bucket_read_only",
            BlobError::Elsewhere { refusal, .. } => match refusal {
                Refusal::Denied => "bucket_denied",
                Refusal::NoBucket | Refusal::Elsewhere => "bucket_missing",
                Refusal::Unreachable | Refusal::TimedOut | Refusal::Untrusted => "storage_unavailable",
            },
            BlobError::Changed { .. } => "source_changed",
            BlobError::Folder { .. } | BlobError::Storage { .. } => "storage_unavailable",
        }
    }

    /// True when the same call may succeed later with nothing else changed.
    pub fn is_transient(&self) -> bool {
        match self {
            BlobError::Storage { .. } | BlobError::DiskFull { .. } | BlobError::Changed { .. } => true,
            BlobError::Elsewhere { refusal, .. } => {
                matches!(
                    refusal,
                    Refusal::Unreachable | Refusal::TimedOut | Refusal::Untrusted
                )
            }
            BlobError::NotFound { .. }
            | BlobError::NoName { .. }
            | BlobError::OtherVolume { .. }
            | BlobError::TooMany { .. }
            | BlobError::Refused { .. }
            | BlobError::ReadOnly { .. }
            | BlobError::TooLarge { .. }
            | BlobError::Input { .. }
            | BlobError::Folder { .. } => false,
        }
    }

    /// The error as an entity keeps it: without paths of this machine and without the cause, which
    /// is for the log.
    pub fn to_problem(&self) -> Problem {
        let message = match self {
            BlobError::Folder { .. } => "the home folder cannot be used; see the server's log".to_owned(),
            other => other.to_string(),
        };
        Problem::new(self.code(), message)
    }
}

impl From<BlobError> for std::io::Error {
    fn from(error: BlobError) -> Self {
        let kind = match &error {
            BlobError::NotFound { .. } => std::io::ErrorKind::NotFound,
            BlobError::DiskFull { .. } => std::io::ErrorKind::StorageFull,
            BlobError::TooLarge { .. } => std::io::ErrorKind::FileTooLarge,
            BlobError::NoName { .. } => std::io::ErrorKind::InvalidFilename,
            BlobError::Refused { .. } | BlobError::ReadOnly { .. } => std::io::ErrorKind::PermissionDenied,
            BlobError::OtherVolume { .. } => std::io::ErrorKind::CrossesDevices,
            BlobError::Input { .. }
            | BlobError::TooMany { .. }
            | BlobError::Folder { .. }
            | BlobError::Elsewhere { .. }
            | BlobError::Changed { .. }
            | BlobError::Storage { .. } => std::io::ErrorKind::Other,
        };
        std::io::Error::new(kind, error)
    }
}

/// What the local store says of a name that it keeps for itself.
const OWN_NAMES: &str = "Filenames containing trailing";

fn is_disk_full(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    is_of(error, &|kind| matches!(kind, StorageFull | QuotaExceeded))
}

fn is_no_name(error: &object_store::Error) -> bool {
    use std::io::ErrorKind::{
        AlreadyExists, DirectoryNotEmpty, InvalidFilename, IsADirectory, NotADirectory,
    };
    // A folder that cannot be made because a file has its name exists already, says the system.
    let of_system = is_of(error, &|kind| {
        matches!(
            kind,
            AlreadyExists | DirectoryNotEmpty | InvalidFilename | IsADirectory | NotADirectory
        )
    });
    // The store keeps some names for itself, and says so with a type of its own.
    of_system || error.to_string().contains(OWN_NAMES)
}

/// Whether the system said something of that kind, however deep it is buried.
fn is_of(error: &(dyn std::error::Error + 'static), kind: &dyn Fn(std::io::ErrorKind) -> bool) -> bool {
    if let Some(io) = error.downcast_ref::<std::io::Error>() {
        // `source` of such an error leaves out the error that it carries itself.
        return kind(io.kind()) || io.get_ref().is_some_and(|inner| is_of(inner, kind));
    }
    error.source().is_some_and(|source| is_of(source, kind))
}
