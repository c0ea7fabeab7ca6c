//! The ends of an entity's life that a user causes, and what they mean for others: cancel, delete,
//! and the failure of whatever waits for something that failed or was deleted.

use super::entities::{insert_job, lock, reference, store};
use super::families::refuse_if_meant;
use super::{Catalog, CatalogError, Tx};
use crate::domain::entity::{Entity, LifecycleError, Problem};
use crate::domain::ids::{EntityKind, EntityRef};
use crate::domain::job::JobKind;
use crate::domain::status::{IllegalTransition, Status};

impl Catalog {
    /// Asks for a stop. Work that no worker holds ends at once as FAILED with the code `cancelled`;
    /// a running worker sees the request at its next renewal.
    pub async fn entity_cancel(&self, at: &EntityRef, now: i64) -> Result<Entity, CatalogError> {
        let mut tx = self.begin().await?;
        let was_queued = close_queued_job(&mut tx, at, now).await?;
        let mut entity = lock(&mut tx, at).await?;
        if entity.status.is_final() {
            let refused = IllegalTransition {
                from: entity.status,
                to: Status::Failed,
            };
            return Err(wrong_state(&entity, refused.into()));
        }
        if was_queued {
            entity
                .fail(Problem::cancelled(), now)
                .map_err(|e| wrong_state(&entity, e))?;
        } else {
            entity.cancel_requested = true;
            entity.updated_at = now;
        }
        store(&mut tx, &mut entity).await?;
        after_end(&mut tx, &entity, now).await?;
        self.commit(tx).await?;
        Ok(entity)
    }

    /// Marks an entity DELETED; its identifier stays taken and its files go once nothing that runs
    /// needs them. Deleting twice is no error. Refuses a model that an alias means, and nothing else: see
    /// [`Catalog::entity_dependents`].
    pub async fn entity_delete(
        &self,
        at: &EntityRef,
        expected: Option<i64>,
        now: i64,
    ) -> Result<Entity, CatalogError> {
        let mut tx = self.begin().await?;
        close_queued_job(&mut tx, at, now).await?;
        let mut entity = lock(&mut tx, at).await?;
        if entity.status == Status::Deleted {
            tx.rollback().await?;
            return Ok(entity);
        }
        if expected.is_some_and(|revision| revision != entity.revision) {
            return Err(CatalogError::RevisionMismatch { at: at.clone() });
        }
        if at.kind == EntityKind::Model {
            refuse_if_meant(&mut tx, at).await?;
        }
        entity.delete(now).map_err(|e| wrong_state(&entity, e))?;
        store(&mut tx, &mut entity).await?;
        insert_job(&mut tx, at, JobKind::DeleteFiles, now).await?;
        after_end(&mut tx, &entity, now).await?;
        self.commit(tx).await?;
        Ok(entity)
    }
}

/// Puts a refused step into words.
pub(super) fn wrong_state(entity: &Entity, source: LifecycleError) -> CatalogError {
    CatalogError::WrongState {
        at: entity.at(),
        status: entity.status,
        source,
    }
}

/// Closes the computing job of `at` if no worker holds it; true if there was one.
async fn close_queued_job(tx: &mut Tx, at: &EntityRef, now: i64) -> Result<bool, CatalogError> {
    let row = sqlx::query(
        "UPDATE jobs SET state = 'CLOSED', updated_at = $4
         WHERE entity_kind = $1 AND entity_id = $2 AND kind = $3 AND state = 'QUEUED' RETURNING id",
    )
    .bind(at.kind.as_str())
    .bind(at.id.as_str())
    .bind(JobKind::computing(at.kind).as_str())
    .bind(now)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.is_some())
}

/// When `ended` is FAILED or DELETED: fails everything that waits for it and has not begun, and
/// everything that waits for those. Work that has begun has read what it needs and goes on.
pub(super) async fn after_end(tx: &mut Tx, ended: &Entity, now: i64) -> Result<(), CatalogError> {
    // Whoever waited hears why the first of them failed, however many lie between.
    let cause = ended.error.clone();
    let mut ends = vec![(ended.at(), ended.status)];
    while let Some((needs, status)) = ends.pop() {
        if !matches!(status, Status::Failed | Status::Deleted) {
            continue;
        }
        for at in pending_dependents(tx, &needs).await? {
            close_queued_job(tx, &at, now).await?;
            let mut entity = lock(tx, &at).await?;
            if entity.status != Status::Pending {
                continue;
            }
            let problem = dependency_failed(&at, &needs, status, cause.as_ref());
            entity.fail(problem, now).map_err(|e| wrong_state(&entity, e))?;
            store(tx, &mut entity).await?;
            ends.push((at, entity.status));
        }
    }
    Ok(())
}

/// What `at` fails with when `needs`, which it waited for, ends so; `cause` is what all of them failed from, if anything
/// failed.
fn dependency_failed(at: &EntityRef, needs: &EntityRef, status: Status, cause: Option<&Problem>) -> Problem {
    let mut message = match status {
        Status::Failed => format!("{needs}, which this {} needs, failed", at.kind),
        _ => format!("{needs}, which this {} needs, was deleted", at.kind),
    };
    let mut details = serde_json::json!({"kind": needs.kind, "id": needs.id, "status": status});
    if let Some(cause) = cause.filter(|_| status == Status::Failed) {
        message.push_str(": ");
        message.push_str(&cause.message);
        if let Some(details) = details.as_object_mut() {
            details.insert("cause".to_owned(), cause.code.clone().into());
        }
    }
    let hint = "mend that, then create both again under other identifiers";
    Problem::new("dependency_failed", message)
        .with_hint(hint)
        .with_details(details)
}

async fn pending_dependents(tx: &mut Tx, needs: &EntityRef) -> Result<Vec<EntityRef>, CatalogError> {
    let rows = sqlx::query(
        "SELECT e.kind, e.id FROM dependencies d JOIN entities e ON e.kind = d.kind AND e.id = d.id
         WHERE d.needs_kind = $1 AND d.needs_id = $2 AND e.status = 'PENDING' ORDER BY e.kind, e.id",
    )
    .bind(needs.kind.as_str())
    .bind(needs.id.as_str())
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(reference).collect()
}
