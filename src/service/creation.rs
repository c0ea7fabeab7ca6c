//! The steps that every creation shares: judge the identifier, look up what is named, store.

use serde::Serialize;
use serde_json::Value;

use super::answers::Created;
use super::convert::wrong_state;
use super::error::Error;
use super::requests::Asked;
use super::{Service, check};
use crate::catalog::CatalogError;
use crate::domain::canonical::canonical_json;
use crate::domain::dataset::DatasetPin;
use crate::domain::entity::Entity;
use crate::domain::ids::{EntityId, EntityKind, EntityRef};
use crate::domain::spec::Body;
use crate::domain::status::Status;
use crate::ml::schema::Schema;

/// An entity that is asked for: its identifier and the request, which a repeat must match.
pub(super) struct Wanted {
    /// What it will be called.
    pub(super) at: EntityRef,
    /// The request as received.
    pub(super) request: Value,
}

impl Wanted {
    /// Checks the identifier, or makes one.
    pub(super) fn new(
        kind: EntityKind,
        id: Option<&str>,
        request: &impl Serialize,
        asked: &Asked,
    ) -> Result<Self, Error> {
        let id = match id {
            Some(text) => check::id("/id", text)?,
            None => EntityId::generate(kind, random()?),
        };
        let at = EntityRef::new(kind, id);
        match &asked.words {
            Some(words) => Self::called(at, words),
            None => Self::called(at, request),
        }
    }

    /// The same with an identifier that is already checked.
    pub(super) fn called(at: EntityRef, request: &impl Serialize) -> Result<Self, Error> {
        let request = serde_json::to_value(request).map_err(|e| Error::internal("keeping a request", e))?;
        Ok(Self { at, request })
    }

    /// The new entity.
    pub(super) fn entity(&self, name: String, body: impl Into<Body>, now: i64) -> Entity {
        Entity::new(self.at.id.clone(), name, &self.request, body, now)
    }
}

/// Random bytes for identifiers and file names.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| Error::internal("making a random name", e))?;
    Ok(bytes)
}

impl Service {
    /// The entity that an identical request in the words of another protocol has made before, if any; an error when
    /// the identifier was used for anything else. Whoever reads files for a creation asks this first.
    pub async fn entity_repeated(
        &self,
        kind: EntityKind,
        id: &str,
        words: &Value,
    ) -> Result<Option<Entity>, Error> {
        let at = EntityRef::new(kind, check::id("/id", id)?);
        self.repeated(&Wanted::called(at, words)?).await
    }

    /// The entity that an identical request has made before, if any; an error when the identifier
    /// was used for anything else.
    pub(super) async fn repeated(&self, wanted: &Wanted) -> Result<Option<Entity>, Error> {
        let request = canonical_json(&wanted.request);
        Ok(self.0.catalog.entity_repeated(&wanted.at, &request).await?)
    }

    /// The same for a request that uses whatever version of a dataset is the newest: it is not the same request any
    /// more when there is a newer one. Programs for Amazon's protocol know nothing of versions, and get what is there.
    pub(super) async fn repeated_on(&self, wanted: &Wanted, asked: &Asked) -> Result<Option<Entity>, Error> {
        let found = self.repeated(wanted).await?;
        let Some(pin) = found.as_ref().and_then(|entity| entity.body.dataset()) else {
            return Ok(found);
        };
        match self.0.catalog.dataset_get(&pin.name).await {
            Ok(dataset) if asked.words.is_none() && dataset.current.version != pin.version => {
                Err(Error::DatasetReplaced {
                    kind: wanted.at.kind.noun(),
                    id: wanted.at.id.to_string(),
                    dataset: pin.name.to_string(),
                    before: pin.version.to_string(),
                    now: dataset.current.version.to_string(),
                })
            }
            Ok(_) | Err(CatalogError::DatasetNotFound { .. }) => Ok(found),
            Err(error) => Err(error.into()),
        }
    }

    /// Stores one entity with its job.
    pub(super) async fn stored(&self, entity: Entity) -> Result<Created, Error> {
        let created = self.0.catalog.entity_create(entity).await?;
        Ok(Created {
            entity: created.entity,
            fresh: created.fresh,
        })
    }

    /// What the field `pointer` names, unless it cannot be used any more.
    pub(super) async fn named(&self, kind: EntityKind, pointer: &str, id: &str) -> Result<Entity, Error> {
        let at = EntityRef::new(kind, check::id(pointer, id)?);
        match self.0.catalog.entity_get(&at).await {
            Ok(entity) if matches!(entity.status, Status::Failed | Status::Deleted) => Err(wrong_state(
                &at,
                entity.status,
                "it cannot be used: choose another one",
            )),
            Ok(entity) => Ok(entity),
            Err(CatalogError::NotFound { .. }) => Err(unknown(pointer, kind.noun(), id)),
            Err(error) => Err(error.into()),
        }
    }

    /// The current version of the dataset that the field `pointer` names.
    pub(super) async fn pinned(&self, pointer: &str, name: &str) -> Result<DatasetPin, Error> {
        let name = check::dataset_name(pointer, name)?;
        match self.0.catalog.dataset_get(&name).await {
            Ok(dataset) => Ok(dataset.current.pin()),
            Err(CatalogError::DatasetNotFound { .. }) => Err(unknown(pointer, "dataset", name.as_str())),
            Err(error) => Err(error.into()),
        }
    }
}

fn unknown(pointer: &str, kind: &str, id: &str) -> Error {
    let message = format!("there is no {kind} `{id}`; make it first, or name another one");
    Error::field(pointer, "unknown_reference", message)
}

/// The schema of a data source as far as it is known now: given, or inferred if it is COMPLETED.
/// Its target is the one that a model would learn.
pub(super) fn known_schema(source: &Entity) -> Option<Schema> {
    let work = source.data_source()?;
    let inferred = || work.result.as_ref()?.document.get("schema").cloned();
    let document = work.spec.schema.clone().or_else(inferred)?;
    let mut schema: Schema = serde_json::from_value(document).ok()?;
    if let Some(target) = &work.spec.target {
        schema.target = Some(target.clone());
    }
    Some(schema)
}

/// The column that a model on this data source would learn to predict.
pub(super) fn known_target(source: &Entity) -> Option<String> {
    let given = source.data_source()?.spec.target.clone();
    given.or_else(|| known_schema(source)?.target)
}
