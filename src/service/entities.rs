//! What all four kinds of entities have in common: read, list, change, delete, cancel.
//!
//! Deleting is never refused because of dependents. Those that are PENDING become FAILED and say
//! why; work that has begun goes on and finishes; what is finished keeps working, because a model
//! does not need its data any more, nor a report its model. Files go when nothing that runs needs
//! them; the identifier stays taken, and the entity can still be read as DELETED.

use super::convert::wrong_state;
use super::error::Error;
use super::requests::{Changes, ListQuery};
use super::{Service, check};
use crate::domain::entity::Entity;
use crate::domain::ids::{EntityKind, EntityRef, check_name};
use crate::domain::listing::{Listing, Page, Sort};
use crate::domain::search::Search;
use crate::domain::spec::Body;
use crate::domain::status::Status;
use crate::ml::Task;

/// The entity of a kind that an address names.
pub(super) fn at(kind: EntityKind, id: &str) -> Result<EntityRef, Error> {
    Ok(EntityRef::new(kind, check::id("", id)?))
}

impl Service {
    /// Reads an entity; a DELETED one is still there.
    pub async fn entity_get(&self, kind: EntityKind, id: &str) -> Result<Entity, Error> {
        Ok(self.0.catalog.entity_get(&at(kind, id)?).await?)
    }

    /// One page of the entities of a kind.
    pub async fn entity_list(&self, kind: EntityKind, query: ListQuery) -> Result<Page<Entity>, Error> {
        let listing = query.listing()?;
        if let Some(needs) = listing.depends_on.as_ref().filter(|needs| needs.kind >= kind) {
            let message = format!(
                "a {kind} is not made from a {}; leave that parameter out",
                needs.kind
            );
            return Err(Error::invalid("invalid_parameter", message));
        }
        Ok(self.0.catalog.entity_list(kind, &listing).await?)
    }

    /// One page of the entities of a kind that a search finds.
    pub async fn entity_search(&self, kind: EntityKind, search: &Search) -> Result<Page<Entity>, Error> {
        Ok(self.0.catalog.entity_search(kind, search).await?)
    }

    /// Changes name or threshold, unless the revision is no longer `if_match`.
    pub async fn entity_update(
        &self,
        kind: EntityKind,
        id: &str,
        if_match: Option<i64>,
        changes: Changes,
    ) -> Result<Entity, Error> {
        let at = at(kind, id)?;
        check_changes(kind, &changes)?;
        let now = self.now();
        let update = |entity: &mut Entity| apply(entity, changes, now);
        let updated = self.0.catalog.entity_update(&at, if_match, now, update).await;
        self.0.known.changed();
        updated
    }

    /// Marks an entity DELETED, unless the revision is no longer `if_match`. Doing it twice is no
    /// error.
    pub async fn entity_delete(
        &self,
        kind: EntityKind,
        id: &str,
        if_match: Option<i64>,
    ) -> Result<Entity, Error> {
        let at = at(kind, id)?;
        let deleted = self.0.catalog.entity_delete(&at, if_match, self.now()).await;
        self.0.known.changed();
        let deleted = deleted?;
        self.forget_password_of(&deleted);
        Ok(deleted)
    }

    /// Asks for a stop of the work on an entity. What has not begun is FAILED at once, with the code
    /// `cancelled`; what runs is so soon; what is finished cannot be cancelled.
    pub async fn entity_cancel(&self, kind: EntityKind, id: &str) -> Result<Entity, Error> {
        let cancelled = self.0.catalog.entity_cancel(&at(kind, id)?, self.now()).await?;
        self.forget_password_of(&cancelled);
        Ok(cancelled)
    }

    /// Forgets the password of a query that will not run, or not again.
    fn forget_password_of(&self, entity: &Entity) {
        let query = entity.data_source().and_then(|work| work.spec.query.as_ref());
        if let Some(query) = query {
            self.0.databases.forget_password(&query.token);
        }
    }
}

fn check_changes(kind: EntityKind, changes: &Changes) -> Result<(), Error> {
    if let Some(name) = &changes.name {
        check_name(name).map_err(|e| Error::field("/name", "invalid_value", e.to_string()))?;
    }
    let Some(threshold) = changes.threshold else {
        return Ok(());
    };
    if kind != EntityKind::Model {
        let message = format!("a {kind} has no threshold; leave it out");
        return Err(Error::field("/threshold", "invalid_value", message));
    }
    if !(0.0..=1.0).contains(&threshold) {
        let message = format!("threshold is {threshold}; give a number from 0 to 1");
        return Err(Error::field("/threshold", "invalid_value", message));
    }
    Ok(())
}

fn apply(entity: &mut Entity, changes: Changes, now: i64) -> Result<(), Error> {
    if entity.status == Status::Deleted {
        return Err(wrong_state(&entity.at(), entity.status, "it cannot be changed"));
    }
    if let Some(threshold) = changes.threshold {
        set_threshold(entity, threshold, now)?;
    }
    if let Some(name) = changes.name {
        entity.name = name;
    }
    Ok(())
}

fn set_threshold(entity: &mut Entity, threshold: f64, now: i64) -> Result<(), Error> {
    let (at, status) = (entity.at(), entity.status);
    let result = match &mut entity.body {
        Body::Model(work) => work.result.as_mut(),
        Body::DataSource(_) | Body::Evaluation(_) | Body::BatchPrediction(_) => None,
    };
    let (Some(result), Status::Completed) = (result, status) else {
        let reason = "its threshold can be set once it is COMPLETED";
        return Err(wrong_state(&at, status, reason));
    };
    if result.task != Task::Binary {
        let message = format!("a {} model has no threshold; leave it out", result.task);
        return Err(Error::field("/threshold", "invalid_value", message));
    }
    result.threshold = Some(threshold);
    result.threshold_at = Some(now);
    Ok(())
}

impl ListQuery {
    /// The query with its texts understood.
    pub(super) fn listing(self) -> Result<Listing, Error> {
        let parameter = |message: String| Error::invalid("invalid_parameter", message);
        let status = self.status.as_deref().map(str::parse::<Status>).transpose();
        let sort = self.sort.as_deref().map(str::parse::<Sort>).transpose()?;
        let depends_on = match (&self.model, &self.datasource) {
            (Some(_), Some(_)) => {
                return Err(parameter(
                    "list by model or by datasource, not by both".to_owned(),
                ));
            }
            (Some(id), None) => Some(at(EntityKind::Model, id)?),
            (None, Some(id)) => Some(at(EntityKind::DataSource, id)?),
            (None, None) => None,
        };
        if self
            .name_prefix
            .iter()
            .any(|prefix| prefix.contains(char::is_control))
        {
            let message = "name_prefix has a control character, which no name has; leave it out".to_owned();
            return Err(parameter(message));
        }
        Ok(Listing {
            status: status.map_err(parameter)?,
            name_prefix: self.name_prefix,
            depends_on,
            sort: sort.unwrap_or_default(),
            page_size: self.page_size,
            cursor: self.cursor,
        })
    }
}
