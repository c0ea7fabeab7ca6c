//! Families of models: read, list, change.

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::entities::lock;
use super::listing::Source;
use super::{Catalog, CatalogError, Tx, rows};
use crate::domain::family::Family;
use crate::domain::ids::{EntityId, EntityKind, EntityRef, FamilyName};
use crate::domain::listing::{Listing, Page};
use crate::domain::status::Status;

/// The columns that [`family`] reads.
const FAMILY: &str = "name, revision, document";

impl Catalog {
    /// Reads one family.
    pub async fn family_get(&self, name: &FamilyName) -> Result<Family, CatalogError> {
        let sql = format!("SELECT {FAMILY} FROM families WHERE name = $1");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(name.as_str());
        let row = query.fetch_optional(&self.pool).await?;
        let found = row.as_ref().map(family).transpose()?;
        found.ok_or_else(|| CatalogError::FamilyNotFound { name: name.clone() })
    }

    /// One page of the families; names are their identifiers.
    pub async fn family_list(&self, listing: &Listing) -> Result<Page<Family>, CatalogError> {
        let from = Source {
            columns: FAMILY,
            table: "families",
            created_at: "created_at",
            name: "name",
            id: "name",
            filter: "substr(name, 1, length($6)) = $6",
        };
        let prefix = listing.name_prefix.as_deref().unwrap_or("");
        let found = self.page_rows("families", listing, from, &[prefix]).await?;
        let families: Vec<Family> = found.iter().map(family).collect::<Result<_, _>>()?;
        Ok(listing.page("families", families, |f| {
            listing.position_of(f.created_at, f.name.as_str(), f.name.as_str())
        }))
    }

    /// Changes a family by `change`, unless its revision is no longer `expected`. A family that is not there is made
    /// if `make` says so. Models that `change` names must be COMPLETED, and cannot be deleted meanwhile.
    pub async fn family_update<E: From<CatalogError>>(
        &self,
        name: &FamilyName,
        make: bool,
        expected: Option<i64>,
        now: i64,
        change: impl FnOnce(&mut Family) -> Result<Vec<EntityId>, E>,
    ) -> Result<Family, E> {
        let mut tx = self.begin().await?;
        if make {
            insert(&mut tx, &Family::new(name.clone(), now)).await?;
        }
        let mut family = lock_family(&mut tx, name).await?;
        if expected.is_some_and(|revision| revision != family.revision) {
            return Err(CatalogError::FamilyChanged { name: name.clone() }.into());
        }
        for model in change(&mut family)? {
            let needs = EntityRef::new(EntityKind::Model, model);
            let status = lock(&mut tx, &needs).await?.status;
            if status != Status::Completed {
                return Err(CatalogError::DependencyUnusable { needs, status }.into());
            }
        }
        family.updated_at = now;
        family.revision += 1;
        sqlx::query("UPDATE families SET updated_at = $2, revision = $3, document = $4 WHERE name = $1")
            .bind(name.as_str())
            .bind(now)
            .bind(family.revision)
            .bind(rows::json(name, &family)?)
            .execute(&mut *tx)
            .await
            .map_err(CatalogError::from)?;
        self.commit(tx).await?;
        Ok(family)
    }

    /// Forgets a family and its aliases; the models stay.
    pub async fn family_delete(&self, name: &FamilyName) -> Result<(), CatalogError> {
        let deleted = sqlx::query("DELETE FROM families WHERE name = $1 RETURNING name")
            .bind(name.as_str())
            .fetch_optional(&self.pool)
            .await?;
        deleted
            .map(|_| ())
            .ok_or_else(|| CatalogError::FamilyNotFound { name: name.clone() })
    }
}

/// Fails when an alias means the model. Whoever is about to let one mean it waits for the lock on the model, or has
/// committed before.
pub(super) async fn refuse_if_meant(tx: &mut Tx, at: &EntityRef) -> Result<(), CatalogError> {
    let sql = format!("SELECT {FAMILY} FROM families");
    for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut **tx).await? {
        let family = family(&row)?;
        if let Some(alias) = family.aliases_of(&at.id).next() {
            return Err(CatalogError::ModelInUse {
                at: at.clone(),
                by: format!("{}@{alias}", family.name),
            });
        }
    }
    Ok(())
}

async fn insert(tx: &mut Tx, family: &Family) -> Result<(), CatalogError> {
    sqlx::query(
        "INSERT INTO families (name, created_at, updated_at, revision, document) VALUES ($1, $2, $2, $3, $4)
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(family.name.as_str())
    .bind(family.created_at)
    .bind(family.revision)
    .bind(rows::json(&family.name, family)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn lock_family(tx: &mut Tx, name: &FamilyName) -> Result<Family, CatalogError> {
    let sql = format!("UPDATE families SET revision = revision WHERE name = $1 RETURNING {FAMILY}");
    let query = sqlx::query(AssertSqlSafe(sql)).bind(name.as_str());
    let row = query.fetch_optional(&mut **tx).await?;
    let found = row.as_ref().map(family).transpose()?;
    found.ok_or_else(|| CatalogError::FamilyNotFound { name: name.clone() })
}

fn family(row: &AnyRow) -> Result<Family, CatalogError> {
    let name: String = row.try_get("name")?;
    let mut family: Family = rows::read_json(row, "document", &name)?;
    family.revision = row.try_get("revision")?;
    Ok(family)
}
