//! What all four kinds of entities have in common: read, list, change, delete, cancel, wait.

use futures_util::Stream;
use tokio_util::sync::CancellationToken;

use super::Service;
use super::error::Error;
use super::requests::{Changes, ListQuery};
use crate::domain::entity::Entity;
use crate::domain::ids::{EntityId, EntityKind};
use crate::domain::listing::Page;

impl Service {
    /// Reads an entity; a DELETED one is still there.
    pub async fn entity_get(&self, _kind: EntityKind, _id: &str) -> Result<Entity, Error> {
        todo!()
    }

    /// One page of the entities of a kind.
    pub async fn entity_list(&self, _kind: EntityKind, _query: ListQuery) -> Result<Page<Entity>, Error> {
        todo!()
    }

    /// Changes name or threshold, unless the revision is no longer `if_match`.
    pub async fn entity_update(
        &self,
        _kind: EntityKind,
        _id: &str,
        _if_match: Option<i64>,
        _changes: Changes,
    ) -> Result<Entity, Error> {
        todo!()
    }

    /// Marks an entity DELETED, unless the revision is no longer `if_match`.
    pub async fn entity_delete(
        &self,
        _kind: EntityKind,
        _id: &str,
        _if_match: Option<i64>,
    ) -> Result<Entity, Error> {
        todo!()
    }

    /// Asks for a stop of the work on an entity.
    pub async fn entity_cancel(&self, _kind: EntityKind, _id: &str) -> Result<Entity, Error> {
        todo!()
    }

    /// Waits until an entity is final, the time is up or `stop` is cancelled; returns it as it is then.
    pub async fn entity_wait(
        &self,
        _kind: EntityKind,
        _id: &str,
        _seconds: u64,
        _stop: &CancellationToken,
    ) -> Result<Entity, Error> {
        todo!()
    }

    /// The entity as it is, then once for every stored change; ends after a final state, or when
    /// `stop` is cancelled.
    pub fn entity_changes(
        &self,
        _kind: EntityKind,
        _id: EntityId,
        _stop: CancellationToken,
    ) -> impl Stream<Item = Entity> + Send + use<> {
        futures_util::stream::empty()
    }
}
