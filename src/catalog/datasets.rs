//! Datasets: names, their versions, and who still needs them.

use sqlx::AssertSqlSafe;

use super::entities::reference;
use super::{Catalog, CatalogError, Tx, listing, rows};
use crate::domain::dataset::{ContentHash, Dataset, DatasetPin, DatasetVersion};
use crate::domain::ids::{BlobKey, DatasetName, EntityRef};

impl Catalog {
    /// Makes `version` the current one of its name. When the same bytes are already known under the
    /// name, the stored version (with its own file) stays and is returned; the caller then removes
    /// the file it has just written.
    pub async fn dataset_put(
        &self,
        version: &DatasetVersion,
        now: i64,
    ) -> Result<DatasetVersion, CatalogError> {
        let mut tx = self.begin().await?;
        // A deletion locks the name first as well.
        sqlx::query("UPDATE datasets SET updated_at = updated_at WHERE name = $1")
            .bind(version.name.as_str())
            .execute(&mut *tx)
            .await?;
        // The update that changes nothing returns the stored row and locks it against a deletion.
        let sql = format!(
            "INSERT INTO dataset_versions AS v (name, version, size_bytes, blob, media, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (name, version) DO UPDATE SET media = v.media RETURNING {}",
            rows::VERSION.replace("v.", "")
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(version.name.as_str())
            .bind(version.version.as_str())
            .bind(i64::try_from(version.size_bytes).unwrap_or(i64::MAX))
            .bind(version.blob.as_str())
            .bind(rows::json(&version.name, &version.media)?)
            .bind(version.created_at)
            .fetch_one(&mut *tx)
            .await?;
        let stored = rows::dataset_version(&row)?;
        sqlx::query(
            "INSERT INTO datasets (name, owner, version, created_at, updated_at) VALUES ($1, '', $2, $3, $3)
             ON CONFLICT (name) DO UPDATE SET version = excluded.version, updated_at = excluded.updated_at",
        )
        .bind(version.name.as_str())
        .bind(version.version.as_str())
        .bind(now)
        .execute(&mut *tx)
        .await?;
        self.commit(tx).await?;
        Ok(stored)
    }

    /// Gives a known version the file of `version`, which has the same bytes, because its own file
    /// `lost` is gone; none when it is not the file of that version any more.
    pub async fn dataset_mend(
        &self,
        version: &DatasetVersion,
        lost: &BlobKey,
    ) -> Result<Option<DatasetVersion>, CatalogError> {
        let mut tx = self.begin().await?;
        let sql = format!(
            "UPDATE dataset_versions SET blob = $4 WHERE name = $1 AND version = $2 AND blob = $3 RETURNING {}",
            rows::VERSION.replace("v.", "")
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(version.name.as_str())
            .bind(version.version.as_str())
            .bind(lost.as_str())
            .bind(version.blob.as_str())
            .fetch_optional(&mut *tx)
            .await?;
        self.commit(tx).await?;
        row.as_ref().map(rows::dataset_version).transpose()
    }

    /// Reads a dataset by name.
    pub async fn dataset_get(&self, name: &DatasetName) -> Result<Dataset, CatalogError> {
        let sql = format!(
            "SELECT d.created_at AS first_at, d.updated_at, {} FROM datasets d
             JOIN dataset_versions v ON v.name = d.name AND v.version = d.version WHERE d.name = $1",
            rows::VERSION
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(name.as_str())
            .fetch_optional(&self.pool)
            .await?;
        let found = row.as_ref().map(listing::dataset).transpose()?;
        found.ok_or_else(|| CatalogError::DatasetNotFound { name: name.clone() })
    }

    /// Reads one version of a dataset.
    pub async fn dataset_get_version(
        &self,
        name: &DatasetName,
        version: &ContentHash,
    ) -> Result<DatasetVersion, CatalogError> {
        let pin = DatasetPin {
            name: name.clone(),
            version: version.clone(),
        };
        let sql = version_sql();
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(name.as_str())
            .bind(version.as_str());
        let row = query.fetch_optional(&self.pool).await?;
        let found = row.as_ref().map(rows::dataset_version).transpose()?;
        found.ok_or(CatalogError::DatasetVersionNotFound { pin })
    }

    /// Every version of a dataset, oldest first.
    pub async fn dataset_versions(&self, name: &DatasetName) -> Result<Vec<DatasetVersion>, CatalogError> {
        let sql = format!(
            "SELECT {} FROM dataset_versions v WHERE v.name = $1 ORDER BY v.created_at, v.version",
            rows::VERSION
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(name.as_str());
        query
            .fetch_all(&self.pool)
            .await?
            .iter()
            .map(rows::dataset_version)
            .collect()
    }

    /// Forgets a dataset with all its versions, unless something still needs one. Returns the files
    /// that the caller now removes.
    pub async fn dataset_delete(&self, name: &DatasetName) -> Result<Vec<BlobKey>, CatalogError> {
        let mut tx = self.begin().await?;
        // The name goes first: an upload that adds a version meanwhile waits for it. A refusal below
        // undoes this.
        let named = sqlx::query("DELETE FROM datasets WHERE name = $1")
            .bind(name.as_str())
            .execute(&mut *tx)
            .await?;
        if named.rows_affected() == 0 {
            return Err(CatalogError::DatasetNotFound { name: name.clone() });
        }
        // Locks every version against new users before looking for old ones.
        sqlx::query("UPDATE dataset_versions SET media = media WHERE name = $1")
            .bind(name.as_str())
            .execute(&mut *tx)
            .await?;
        let by = users(&mut tx, name).await?;
        if !by.is_empty() {
            return Err(CatalogError::DatasetInUse {
                name: name.clone(),
                by,
            });
        }
        let versions = sqlx::query("DELETE FROM dataset_versions WHERE name = $1 RETURNING blob")
            .bind(name.as_str())
            .fetch_all(&mut *tx)
            .await?;
        self.commit(tx).await?;
        versions
            .iter()
            .map(|row| rows::parse(row, "blob", name.as_str()))
            .collect()
    }
}

fn version_sql() -> String {
    format!(
        "SELECT {} FROM dataset_versions v WHERE v.name = $1 AND v.version = $2",
        rows::VERSION
    )
}

/// Some of those who still read the dataset: usable data sources, predictions that are not done,
/// and work in progress on a data source that was deleted meanwhile.
async fn users(tx: &mut Tx, name: &DatasetName) -> Result<Vec<EntityRef>, CatalogError> {
    let rows = sqlx::query(
        "SELECT e.kind, e.id FROM entities e WHERE e.dataset_name = $1 AND (
             (e.kind = 'datasource' AND e.status NOT IN ('FAILED', 'DELETED'))
             OR (e.kind = 'batch-prediction' AND e.status IN ('PENDING', 'INPROGRESS'))
             OR EXISTS (SELECT 1 FROM dependencies d JOIN entities u ON u.kind = d.kind AND u.id = d.id
                 WHERE d.needs_kind = e.kind AND d.needs_id = e.id AND u.status = 'INPROGRESS'))
         ORDER BY e.kind, e.id LIMIT 10",
    )
    .bind(name.as_str())
    .fetch_all(&mut **tx)
    .await?;
    rows.iter().map(reference).collect()
}

/// Fails unless the version exists, and keeps it from being deleted until the transaction ends.
pub(super) async fn lock_version(tx: &mut Tx, pin: &DatasetPin) -> Result<(), CatalogError> {
    let row = sqlx::query(
        "UPDATE dataset_versions SET media = media WHERE name = $1 AND version = $2 RETURNING name",
    )
    .bind(pin.name.as_str())
    .bind(pin.version.as_str())
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|_| ())
        .ok_or_else(|| CatalogError::DatasetVersionNotFound { pin: pin.clone() })
}

/// Reads the versions that `pins` name, leaving out those that are gone.
pub(super) async fn load_versions(
    tx: &mut Tx,
    pins: &[DatasetPin],
) -> Result<Vec<DatasetVersion>, CatalogError> {
    let mut found = Vec::with_capacity(pins.len());
    for pin in pins {
        let sql = version_sql();
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(pin.name.as_str())
            .bind(pin.version.as_str());
        if let Some(row) = query.fetch_optional(&mut **tx).await? {
            found.push(rows::dataset_version(&row)?);
        }
    }
    Ok(found)
}
