//! What can go wrong with files, by what the caller can do about it.

use super::remote::Refusal;
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
        if let (object_store::Error::NotFound { .. }, Ok(key)) = (&error, BlobKey::new(what)) {
            return BlobError::NotFound { key };
        }
        if is_disk_full(&error) {
            return BlobError::DiskFull {
                what: what.to_owned(),
            };
        }
        BlobError::Storage {
            action,
            what: what.to_owned(),
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
            BlobError::Refused { .. } => "bucket_refused",
            BlobError::ReadOnly { .. } => "bucket_read_only",
            BlobError::Elsewhere { refusal, .. } => match refusal {
                Refusal::Denied => "bucket_denied",
                Refusal::NoBucket | Refusal::Elsewhere => "bucket_missing",
                Refusal::Unreachable | Refusal::TimedOut => "storage_unavailable",
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
                matches!(refusal, Refusal::Unreachable | Refusal::TimedOut)
            }
            BlobError::NotFound { .. }
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
            BlobError::Refused { .. } | BlobError::ReadOnly { .. } => std::io::ErrorKind::PermissionDenied,
            BlobError::Input { .. }
            | BlobError::Folder { .. }
            | BlobError::Elsewhere { .. }
            | BlobError::Changed { .. }
            | BlobError::Storage { .. } => std::io::ErrorKind::Other,
        };
        std::io::Error::new(kind, error)
    }
}

fn is_disk_full(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(io) = error.downcast_ref::<std::io::Error>() {
        if matches!(
            io.kind(),
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
        ) {
            return true;
        }
        // `source` of such an error leaves out the error that it carries itself.
        return io.get_ref().is_some_and(|inner| is_disk_full(inner));
    }
    error.source().is_some_and(is_disk_full)
}
