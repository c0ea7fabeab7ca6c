//! Entities: create, read, change; and the helpers that other files use inside a transaction.

use sqlx::AssertSqlSafe;

use super::{Catalog, CatalogError, Tx, lifecycle, rows};
use crate::domain::entity::Entity;
use crate::domain::ids::{EntityKind, EntityRef};
use crate::domain::job::JobKind;
use crate::domain::status::Status;

/// The answer to a creation.
#[derive(Debug, Clone, PartialEq)]
pub struct Created {
    /// The entity as it now is.
    pub entity: Entity,
    /// False when an identical request had created it before.
    pub fresh: bool,
}

impl Catalog {
    /// Stores a new PENDING entity together with its job. An identical repeat returns what is there.
    pub async fn entity_create(&self, entity: Entity) -> Result<Created, CatalogError> {
        let mut created = self.entity_create_all(vec![entity]).await?;
        created.pop().ok_or_else(|| CatalogError::Corrupt {
            what: "creation".into(),
            reason: "is empty".into(),
        })
    }

    /// Stores several entities and their jobs, all or none; later ones may depend on earlier ones.
    pub async fn entity_create_all(&self, entities: Vec<Entity>) -> Result<Vec<Created>, CatalogError> {
        let mut tx = self.begin().await?;
        let mut created = Vec::with_capacity(entities.len());
        for entity in entities {
            let fresh = insert(&mut tx, &entity).await?;
            let entity = if fresh {
                entity
            } else {
                same_request(load(&mut tx, &entity.at()).await?, &entity.request)?
            };
            created.push(Created { entity, fresh });
        }
        self.commit(tx).await?;
        Ok(created)
    }

    /// Judges an identifier before anything else about a creation is looked at: none when it is
    /// free, the entity when `request` (canonical JSON) repeats its creation, else a conflict.
    pub async fn entity_repeated(
        &self,
        at: &EntityRef,
        request: &str,
    ) -> Result<Option<Entity>, CatalogError> {
        match self.entity_get(at).await {
            Ok(entity) => same_request(entity, request).map(Some),
            Err(CatalogError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads one entity; a DELETED one is still there.
    pub async fn entity_get(&self, at: &EntityRef) -> Result<Entity, CatalogError> {
        let sql = format!(
            "SELECT {} FROM entities WHERE kind = $1 AND id = $2",
            rows::ENTITY
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(at.kind.as_str())
            .bind(at.id.as_str());
        let row = query.fetch_optional(&self.pool).await?;
        row.as_ref()
            .map(rows::entity)
            .transpose()?
            .ok_or_else(|| CatalogError::NotFound { at: at.clone() })
    }

    /// Changes one entity by `change`, unless its revision is no longer `expected`. When the change
    /// makes it FAILED or DELETED, what waits for it fails in the same transaction.
    pub async fn entity_update<E: From<CatalogError>>(
        &self,
        at: &EntityRef,
        expected: Option<i64>,
        now: i64,
        change: impl FnOnce(&mut Entity) -> Result<(), E>,
    ) -> Result<Entity, E> {
        let mut tx = self.begin().await?;
        let mut entity = lock(&mut tx, at).await?;
        if expected.is_some_and(|revision| revision != entity.revision) {
            return Err(CatalogError::RevisionMismatch { at: at.clone() }.into());
        }
        let before = entity.status;
        change(&mut entity)?;
        entity.updated_at = now;
        store(&mut tx, &mut entity).await?;
        if entity.status != before {
            lifecycle::after_end(&mut tx, &entity, now).await?;
        }
        self.commit(tx).await?;
        Ok(entity)
    }

    /// What depends on `at` and is not DELETED, at most `limit` of them, in the order of kind and id.
    pub async fn entity_dependents(&self, at: &EntityRef, limit: u32) -> Result<Vec<Entity>, CatalogError> {
        let columns = rows::ENTITY.replace(", ", ", e.");
        let sql = format!(
            "SELECT e.{columns} FROM dependencies d JOIN entities e ON e.kind = d.kind AND e.id = d.id
             WHERE d.needs_kind = $1 AND d.needs_id = $2 AND e.status <> 'DELETED'
             ORDER BY e.kind, e.id LIMIT $3"
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(at.kind.as_str())
            .bind(at.id.as_str());
        query
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(rows::entity)
            .collect()
    }
}

fn same_request(entity: Entity, request: &str) -> Result<Entity, CatalogError> {
    // A deleted identifier stays taken, for the same request too.
    if entity.request == request && entity.status != Status::Deleted {
        Ok(entity)
    } else {
        Err(CatalogError::Conflict { at: entity.at() })
    }
}

/// Inserts the entity, its dependencies and its job; false when the identifier is taken.
async fn insert(tx: &mut Tx, entity: &Entity) -> Result<bool, CatalogError> {
    let at = entity.at();
    let (dataset_name, dataset_version) = entity
        .body
        .dataset()
        .map_or(("", ""), |pin| (pin.name.as_str(), pin.version.as_str()));
    let row = sqlx::query(
        "INSERT INTO entities (kind, id, owner, status, name, created_at, updated_at, revision,
             cancel_requested, progress, dataset_name, dataset_version, document, location, task)
         VALUES ($1, $2, $12, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11, $13, $14)
         ON CONFLICT (kind, id) DO NOTHING RETURNING id",
    )
    .bind(at.kind.as_str())
    .bind(at.id.as_str())
    .bind(entity.status.as_str())
    .bind(&entity.name)
    .bind(entity.created_at)
    .bind(entity.updated_at)
    .bind(entity.revision)
    .bind(rows::json(&at, &entity.progress)?)
    .bind(dataset_name)
    .bind(dataset_version)
    .bind(rows::document(entity)?)
    .bind(&entity.owner)
    .bind(&entity.location)
    .bind(rows::task(entity))
    .fetch_optional(&mut **tx)
    .await?;
    if row.is_none() {
        return Ok(false);
    }
    if let Some(pin) = entity.body.dataset() {
        super::datasets::lock_version(tx, pin).await?;
    }
    for needs in entity.body.depends_on() {
        insert_dependency(tx, &at, needs).await?;
    }
    insert_job(tx, &at, JobKind::computing(at.kind), entity.created_at).await?;
    Ok(true)
}

async fn insert_dependency(tx: &mut Tx, at: &EntityRef, needs: EntityRef) -> Result<(), CatalogError> {
    // Locked, so that it cannot fail unseen between this look and our commit.
    let status = lock(tx, &needs).await?.status;
    if matches!(status, Status::Failed | Status::Deleted) {
        return Err(CatalogError::DependencyUnusable { needs, status });
    }
    sqlx::query("INSERT INTO dependencies (kind, id, needs_kind, needs_id) VALUES ($1, $2, $3, $4)")
        .bind(at.kind.as_str())
        .bind(at.id.as_str())
        .bind(needs.kind.as_str())
        .bind(needs.id.as_str())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Queues a job; there is at most one of each kind for an entity, and a second request is dropped.
pub(super) async fn insert_job(
    tx: &mut Tx,
    at: &EntityRef,
    kind: JobKind,
    now: i64,
) -> Result<(), CatalogError> {
    sqlx::query(
        "INSERT INTO jobs (id, kind, entity_kind, entity_id, state, attempts, claims, run_after, worker,
             lease_until, last_error, created_at, updated_at)
         VALUES ($1, $2, $3, $4, 'QUEUED', 0, 0, $5, '', 0, '', $5, $5)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(format!("{}/{}/{}", kind.as_str(), at.kind.as_str(), at.id))
    .bind(kind.as_str())
    .bind(at.kind.as_str())
    .bind(at.id.as_str())
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Reads an entity inside a transaction without locking it.
pub(super) async fn load(tx: &mut Tx, at: &EntityRef) -> Result<Entity, CatalogError> {
    let sql = format!(
        "SELECT {} FROM entities WHERE kind = $1 AND id = $2",
        rows::ENTITY
    );
    fetch_one(tx, sql, at).await
}

/// Reads an entity and keeps others from changing it until the transaction ends.
pub(super) async fn lock(tx: &mut Tx, at: &EntityRef) -> Result<Entity, CatalogError> {
    let columns = rows::ENTITY;
    let sql =
        format!("UPDATE entities SET revision = revision WHERE kind = $1 AND id = $2 RETURNING {columns}");
    fetch_one(tx, sql, at).await
}

async fn fetch_one(tx: &mut Tx, sql: String, at: &EntityRef) -> Result<Entity, CatalogError> {
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(at.kind.as_str())
        .bind(at.id.as_str());
    let row = query.fetch_optional(&mut **tx).await?;
    row.as_ref()
        .map(rows::entity)
        .transpose()?
        .ok_or_else(|| CatalogError::NotFound { at: at.clone() })
}

/// Writes a locked entity back, as its next revision.
pub(super) async fn store(tx: &mut Tx, entity: &mut Entity) -> Result<(), CatalogError> {
    entity.revision += 1;
    let at = entity.at();
    sqlx::query(
        "UPDATE entities SET status = $3, name = $4, updated_at = $5, revision = $6, cancel_requested = $7,
             progress = $8, document = $9, task = $10, endpoint = $11
         WHERE kind = $1 AND id = $2",
    )
    .bind(at.kind.as_str())
    .bind(at.id.as_str())
    .bind(entity.status.as_str())
    .bind(&entity.name)
    .bind(entity.updated_at)
    .bind(entity.revision)
    .bind(i64::from(entity.cancel_requested))
    .bind(rows::json(&at, &entity.progress)?)
    .bind(rows::document(entity)?)
    .bind(rows::task(entity))
    .bind(rows::endpoint(entity))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// An entity's reference from the columns `kind` and `id`.
pub(super) fn reference(row: &sqlx::any::AnyRow) -> Result<EntityRef, CatalogError> {
    Ok(EntityRef {
        kind: rows::parse::<EntityKind>(row, "kind", "entity")?,
        id: rows::parse(row, "id", "entity")?,
    })
}
