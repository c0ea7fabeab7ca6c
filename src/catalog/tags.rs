//! Tags of entities: names with values.

use sqlx::Row;

use super::entities::{load, lock};
use super::{Catalog, CatalogError, Tx};
use crate::domain::ids::EntityRef;
use crate::domain::status::Status;

/// A name and its value.
pub type Tag = (String, String);

impl Catalog {
    /// Sets tags of an entity that is not DELETED; those of the same name are replaced. Nothing is set, and the
    /// number of tags that there would be is returned, when that is more than `most`.
    pub async fn tags_set(
        &self,
        at: &EntityRef,
        tags: &[Tag],
        most: usize,
    ) -> Result<Result<(), usize>, CatalogError> {
        let mut tx = self.begin().await?;
        lock_usable(&mut tx, at).await?;
        for (name, value) in tags {
            let query = sqlx::query(
                "INSERT INTO tags (kind, id, name, value) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (kind, id, name) DO UPDATE SET value = excluded.value",
            );
            let query = query.bind(at.kind.as_str()).bind(at.id.as_str());
            query.bind(name).bind(value).execute(&mut *tx).await?;
        }
        let count = read(&mut tx, at).await?.len();
        if count > most {
            tx.rollback().await?;
            return Ok(Err(count));
        }
        self.commit(tx).await?;
        Ok(Ok(()))
    }

    /// Removes tags of an entity that is not DELETED; names that it does not have are passed over.
    pub async fn tags_remove(&self, at: &EntityRef, names: &[String]) -> Result<(), CatalogError> {
        let mut tx = self.begin().await?;
        lock_usable(&mut tx, at).await?;
        for name in names {
            let query = sqlx::query("DELETE FROM tags WHERE kind = $1 AND id = $2 AND name = $3");
            let query = query.bind(at.kind.as_str()).bind(at.id.as_str());
            query.bind(name).execute(&mut *tx).await?;
        }
        self.commit(tx).await
    }

    /// The tags of an entity in the order of their names, or nothing for one without.
    pub async fn tags_of(&self, at: &EntityRef) -> Result<Vec<Tag>, CatalogError> {
        let mut tx = self.pool.begin().await?;
        load(&mut tx, at).await?;
        let tags = read(&mut tx, at).await?;
        tx.rollback().await?;
        Ok(tags)
    }
}

async fn lock_usable(tx: &mut Tx, at: &EntityRef) -> Result<(), CatalogError> {
    let status = lock(tx, at).await?.status;
    match status {
        Status::Deleted => Err(CatalogError::DependencyUnusable {
            needs: at.clone(),
            status,
        }),
        _ => Ok(()),
    }
}

async fn read(tx: &mut Tx, at: &EntityRef) -> Result<Vec<Tag>, CatalogError> {
    let rows = sqlx::query("SELECT name, value FROM tags WHERE kind = $1 AND id = $2 ORDER BY name")
        .bind(at.kind.as_str())
        .bind(at.id.as_str())
        .fetch_all(&mut **tx)
        .await?;
    rows.iter()
        .map(|row| Ok((row.try_get("name")?, row.try_get("value")?)))
        .collect()
}
