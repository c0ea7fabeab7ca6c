//! What can go wrong in the catalogue, by what the caller can do about it.

use std::path::PathBuf;

use crate::domain::dataset::DatasetPin;
use crate::domain::entity::LifecycleError;
use crate::domain::ids::{DatasetName, EntityRef, FamilyName};
use crate::domain::listing::ListingError;
use crate::domain::status::Status;

/// A refusal or failure of the catalogue.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// There is no such entity.
    #[error("there is no {at}")]
    NotFound {
        /// What was asked for.
        at: EntityRef,
    },
    /// There is no such dataset.
    #[error("there is no dataset {name}; upload it first")]
    DatasetNotFound {
        /// What was asked for.
        name: DatasetName,
    },
    /// The dataset is there, but not in this version.
    #[error("there is no {pin}; it was deleted")]
    DatasetVersionNotFound {
        /// What was asked for.
        pin: DatasetPin,
    },
    /// The identifier belongs to an entity that was asked for differently.
    #[error("{at} already exists and was created with other parameters; choose another id")]
    Conflict {
        /// The entity that is there.
        at: EntityRef,
    },
    /// The entity was changed since the caller read it.
    #[error("{at} was changed meanwhile; read it again and repeat the change")]
    RevisionMismatch {
        /// The entity.
        at: EntityRef,
    },
    /// What the new entity depends on failed or was deleted.
    #[error("{needs} is {status} and cannot be used; choose another one")]
    DependencyUnusable {
        /// The dependency.
        needs: EntityRef,
        /// Its status.
        status: Status,
    },
    /// The dataset is still needed.
    #[error("dataset {name} is used by {}; delete that first", list(.by))]
    DatasetInUse {
        /// The dataset.
        name: DatasetName,
        /// Some of those who use it.
        by: Vec<EntityRef>,
    },
    /// There is no such family.
    #[error("there is no family {name}")]
    FamilyNotFound {
        /// What was asked for.
        name: FamilyName,
    },
    /// The family was changed since the caller read it.
    #[error("family {name} was changed meanwhile; read it again and repeat the change")]
    FamilyChanged {
        /// The family.
        name: FamilyName,
    },
    /// An alias means the model.
    #[error("{at} answers for {by}; let that mean another version first")]
    ModelInUse {
        /// The model.
        at: EntityRef,
        /// The family and its alias.
        by: String,
    },
    /// The entity's status does not allow the step.
    #[error("{at} is {status}: {source}")]
    WrongState {
        /// The entity.
        at: EntityRef,
        /// Its status.
        status: Status,
        /// The refused step.
        source: LifecycleError,
    },
    /// The list cannot be answered.
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// The database was written by a newer program.
    #[error(
        "the catalogue has schema version {found}, this program knows up to {known}; use a newer program"
    )]
    SchemaTooNew {
        /// The version in the database.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// The address names no database that is supported.
    #[error("the catalogue's address must begin with `sqlite:` or `postgres:`")]
    UnknownAddress,
    /// The path of the database file cannot be used.
    #[error("cannot use {} for the catalogue; use an absolute path in UTF-8", path.display())]
    UnusablePath {
        /// The path.
        path: PathBuf,
    },
    /// Too many others are writing; trying again helps.
    #[error("the catalogue is busy; try again")]
    Busy(#[source] sqlx::Error),
    /// The database cannot be reached, or is just starting or stopping; trying again helps.
    #[error("the catalogue cannot be reached now; try again")]
    Unavailable(#[source] sqlx::Error),
    /// The volume that holds the database is full.
    #[error("no space is left for the catalogue; free some and try again")]
    DiskFull(#[source] sqlx::Error),
    /// A stored row cannot be read.
    #[error("the catalogue's row for {what} cannot be read: {reason}")]
    Corrupt {
        /// Which row.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Anything else that the database says.
    #[error("the catalogue cannot be used: {0}")]
    Database(#[source] sqlx::Error),
}

impl CatalogError {
    /// True for a state of the whole database, as opposed to that of a row: whatever is tried next
    /// will meet it too.
    pub(super) fn is_general(&self) -> bool {
        matches!(
            self,
            CatalogError::Busy(_) | CatalogError::Unavailable(_) | CatalogError::DiskFull(_)
        )
    }
}

fn list(entities: &[EntityRef]) -> String {
    entities
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Codes for "busy" and "locked" in SQLite (with their extensions), for serialisation failure,
/// deadlock and a lock that cannot be had in PostgreSQL.
const BUSY: [&str; 9] = ["5", "6", "261", "262", "517", "773", "40001", "40P01", "55P03"];

/// Codes of PostgreSQL for a server that stops, crashed, is starting, or has too many connections.
const UNAVAILABLE: [&str; 4] = ["57P01", "57P02", "57P03", "53300"];

/// The class of connection failures in PostgreSQL.
fn is_connection_failure(code: &str) -> bool {
    code.len() == 5 && code.starts_with("08")
}

impl From<sqlx::Error> for CatalogError {
    fn from(error: sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(|e| e.code())
            .map(|c| c.into_owned());
        match (&error, code.as_deref()) {
            (sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed, _) => {
                CatalogError::Unavailable(error)
            }
            (_, Some(code)) if BUSY.contains(&code) => CatalogError::Busy(error),
            (_, Some(code)) if UNAVAILABLE.contains(&code) || is_connection_failure(code) => {
                CatalogError::Unavailable(error)
            }
            (_, Some("13" | "53100")) => CatalogError::DiskFull(error),
            _ => CatalogError::Database(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_that_passes_is_told_from_defects() {
        let kind = |error: sqlx::Error| CatalogError::from(error).is_general();
        assert!(kind(sqlx::Error::Io(
            std::io::ErrorKind::ConnectionRefused.into()
        )));
        assert!(kind(sqlx::Error::PoolTimedOut));
        assert!(kind(sqlx::Error::PoolClosed));
        assert!(!kind(sqlx::Error::RowNotFound));
        assert!(is_connection_failure("08006"));
        assert!(!is_connection_failure("8") && !is_connection_failure("42601"));
    }
}
