//! Rows to domain values and back; the one place that knows which part of an entity is a column.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::CatalogError;
use crate::domain::dataset::DatasetVersion;
use crate::domain::entity::{Entity, Problem};
use crate::domain::spec::Body;

/// The columns that [`entity`] reads.
pub(super) const ENTITY: &str = "kind, id, status, name, created_at, updated_at, revision, cancel_requested, progress, document, owner, location";

/// The columns that [`dataset_version`] reads, of the table `v`.
pub(super) const VERSION: &str = "v.name, v.version, v.size_bytes, v.blob, v.media, v.created_at";

/// The part of an entity that is never searched.
#[derive(Serialize, Deserialize)]
struct Document {
    message: Option<String>,
    error: Option<Problem>,
    started_at: Option<i64>,
    finished_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    worked: Option<i64>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    key: String,
    request: String,
    body: Body,
}

/// The text of the column `document`.
pub(super) fn document(entity: &Entity) -> Result<String, CatalogError> {
    json(
        &entity.at(),
        &Document {
            message: entity.message.clone(),
            error: entity.error.clone(),
            started_at: entity.started_at,
            finished_at: entity.finished_at,
            worked: entity.worked,
            key: entity.key.clone(),
            request: entity.request.clone(),
            body: entity.body.clone(),
        },
    )
}

/// The text of the column `task`: empty while it is not known.
pub(super) fn task(entity: &Entity) -> &'static str {
    entity.body.task().map_or("", |task| task.as_str())
}

/// The text of the column `endpoint`: empty without one.
pub(super) fn endpoint(entity: &Entity) -> &'static str {
    entity
        .body
        .endpoint()
        .map_or("", |endpoint| endpoint.status.as_str())
}

/// Any value as the text of a JSON column.
pub(super) fn json(what: &impl std::fmt::Display, value: &impl Serialize) -> Result<String, CatalogError> {
    serde_json::to_string(value).map_err(|e| CatalogError::Corrupt {
        what: what.to_string(),
        reason: e.to_string(),
    })
}

/// An entity from a row with the columns [`ENTITY`].
pub(super) fn entity(row: &AnyRow) -> Result<Entity, CatalogError> {
    let id: String = row.try_get("id")?;
    let document: Document = read_json(row, "document", &id)?;
    Ok(Entity {
        name: row.try_get("name")?,
        status: parse(row, "status", &id)?,
        message: document.message,
        error: document.error,
        progress: read_json(row, "progress", &id)?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
        started_at: document.started_at,
        finished_at: document.finished_at,
        worked: document.worked,
        key: document.key,
        request: document.request,
        revision: row.try_get("revision")?,
        cancel_requested: row.try_get::<i64, _>("cancel_requested")? != 0,
        owner: row.try_get("owner")?,
        location: row.try_get("location")?,
        body: document.body,
        id: parse(row, "id", &id)?,
    })
}

/// A dataset version from a row with the columns [`VERSION`].
pub(super) fn dataset_version(row: &AnyRow) -> Result<DatasetVersion, CatalogError> {
    let name: String = row.try_get("name")?;
    let version: String = row.try_get("version")?;
    Ok(DatasetVersion {
        version: version.try_into().map_err(|e| corrupt(&name, e))?,
        size_bytes: u64::try_from(row.try_get::<i64, _>("size_bytes")?).map_err(|e| corrupt(&name, e))?,
        blob: parse(row, "blob", &name)?,
        media: read_json(row, "media", &name)?,
        created_at: row.try_get("created_at")?,
        name: parse(row, "name", &name)?,
    })
}

/// A text column as one of our types.
pub(super) fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(
    row: &AnyRow,
    column: &str,
    what: &str,
) -> Result<T, CatalogError> {
    row.try_get::<String, _>(column)?
        .parse()
        .map_err(|e: T::Err| corrupt(what, e))
}

/// The value in a column of JSON text; `what` names the row in the error.
pub(super) fn read_json<T: DeserializeOwned>(
    row: &AnyRow,
    column: &str,
    what: &str,
) -> Result<T, CatalogError> {
    serde_json::from_str(&row.try_get::<String, _>(column)?).map_err(|e| corrupt(what, e))
}

fn corrupt(what: &str, reason: impl std::fmt::Display) -> CatalogError {
    CatalogError::Corrupt {
        what: what.to_owned(),
        reason: reason.to_string(),
    }
}
