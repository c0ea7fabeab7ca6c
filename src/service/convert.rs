//! Errors of the layers below as errors of the use cases: what the caller can do about each.

use super::codes::{self, Class};
use super::error::{Error, chain};
use crate::blob::BlobError;
use crate::catalog::CatalogError;
use crate::domain::family::FamilyError;
use crate::domain::ids::EntityRef;
use crate::domain::listing::ListingError;
use crate::domain::status::Status;
use crate::ml::pipeline::PipelineError;

/// The state of an entity does not allow something.
pub(super) fn wrong_state(at: &EntityRef, status: Status, reason: impl Into<String>) -> Error {
    Error::WrongState {
        code: "wrong_state",
        kind: at.kind.noun(),
        id: at.id.to_string(),
        state: status.to_string(),
        reason: reason.into(),
    }
}

impl From<CatalogError> for Error {
    fn from(error: CatalogError) -> Self {
        let message = error.to_string();
        match error {
            CatalogError::NotFound { at } => Error::not_found(at.kind.noun(), at.id.as_str()),
            CatalogError::DatasetNotFound { name } => Error::not_found("dataset", name.as_str()),
            CatalogError::DatasetVersionNotFound { pin } => Error::not_found("dataset", pin.name.as_str()),
            CatalogError::Conflict { at } => Error::ParameterMismatch {
                kind: at.kind.noun(),
                id: at.id.to_string(),
            },
            CatalogError::RevisionMismatch { at } => Error::WrongState {
                code: "revision_mismatch",
                kind: at.kind.noun(),
                id: at.id.to_string(),
                state: "at another revision".to_owned(),
                reason: "it was changed meanwhile: read it again and repeat the change".to_owned(),
            },
            CatalogError::DependencyUnusable { needs, status } => {
                wrong_state(&needs, status, "it cannot be used: choose another one")
            }
            CatalogError::DatasetInUse { name, by } => Error::WrongState {
                code: "in_use",
                kind: "dataset",
                id: name.to_string(),
                state: "in use".to_owned(),
                reason: format!("delete what uses it first: {}", listed(&by)),
            },
            CatalogError::FamilyNotFound { name } => Error::not_found("family", name.as_str()),
            CatalogError::FamilyChanged { name } => Error::WrongState {
                code: "revision_mismatch",
                kind: "family",
                id: name.to_string(),
                state: "at another revision".to_owned(),
                reason: "it was changed meanwhile: read it again and repeat the change".to_owned(),
            },
            CatalogError::ModelInUse { at, by } => Error::WrongState {
                code: "in_use",
                kind: at.kind.noun(),
                id: at.id.to_string(),
                state: "in use".to_owned(),
                reason: format!("`{by}` means it: let that mean another version first"),
            },
            CatalogError::WrongState { at, status, source } => wrong_state(&at, status, source.to_string()),
            CatalogError::Listing(error) => error.into(),
            CatalogError::Busy(_) | CatalogError::Unavailable(_) => {
                Error::unavailable("unavailable", message)
            }
            CatalogError::DiskFull(_) => Error::unavailable("disk_full", message),
            error @ (CatalogError::SchemaTooNew { .. }
            | CatalogError::UnknownAddress
            | CatalogError::UnusablePath { .. }
            | CatalogError::Corrupt { .. }
            | CatalogError::Database(_)) => Error::internal("using the catalogue", error),
        }
    }
}

fn listed(entities: &[EntityRef]) -> String {
    let names: Vec<String> = entities.iter().map(ToString::to_string).collect();
    names.join(", ")
}

impl From<FamilyError> for Error {
    fn from(error: FamilyError) -> Self {
        let message = error.to_string();
        match error {
            FamilyError::NoVersion { .. } => Error::field("/version", "unknown_reference", message),
            FamilyError::OwnShadow { .. } => Error::field("/shadow", "invalid_value", message),
            FamilyError::NoAlias { family, alias } => Error::not_found("alias", format!("{family}@{alias}")),
            FamilyError::NothingBefore { family, alias } => Error::WrongState {
                code: "wrong_state",
                kind: "alias",
                id: format!("{family}@{alias}"),
                state: "without an earlier version whose model is not deleted".to_owned(),
                reason: "there is none to go back to: let it mean another version".to_owned(),
            },
        }
    }
}

impl From<ListingError> for Error {
    fn from(error: ListingError) -> Self {
        let code = match error {
            ListingError::Sort { .. } => "invalid_parameter",
            ListingError::CursorUnreadable | ListingError::CursorOfAnotherQuery => "invalid_cursor",
        };
        Error::invalid(code, error.to_string())
    }
}

impl From<BlobError> for Error {
    fn from(error: BlobError) -> Self {
        let (code, message) = (error.code(), error.to_string());
        match error {
            BlobError::TooLarge { limit } => Error::TooLarge {
                what: "the file",
                limit,
            },
            // The façade's own error comes back as it was: it knows why the body broke off.
            BlobError::Input { source, .. } => match source.downcast::<Error>() {
                Ok(own) => *own,
                Err(_) => Error::invalid("upload_interrupted", message),
            },
            BlobError::DiskFull { .. } => Error::unavailable("disk_full", message),
            BlobError::NoName { .. }
            | BlobError::OtherVolume { .. }
            | BlobError::TooMany { .. }
            | BlobError::Refused { .. }
            | BlobError::ReadOnly { .. } => Error::invalid(code, message),
            BlobError::Changed { .. } => Error::unavailable("unavailable", message),
            error @ BlobError::Elsewhere { .. } => {
                tracing::warn!(error = chain(&error), "the store of a bucket refuses");
                match error.is_transient() {
                    true => Error::unavailable(code, message),
                    false => Error::invalid(code, message),
                }
            }
            error @ (BlobError::Folder { .. } | BlobError::Storage { .. }) => {
                tracing::warn!(error = chain(&error), "the files cannot be reached");
                let message =
                    "the files cannot be reached now; try again, and see the server's log if it lasts";
                Error::unavailable("storage_unavailable", message)
            }
            error @ BlobError::NotFound { .. } => Error::internal("using the files", error),
        }
    }
}

impl From<PipelineError> for Error {
    fn from(error: PipelineError) -> Self {
        let code = error.code();
        let message = error.to_string();
        match codes::find(code).map(|row| row.class) {
            Some(Class::InvalidInput) => Error::invalid(code, message),
            Some(Class::LimitExceeded) => Error::LimitExceeded { code, message },
            Some(Class::Unavailable) => Error::unavailable(code, message),
            _ => Error::internal("running the pipeline", error),
        }
    }
}
