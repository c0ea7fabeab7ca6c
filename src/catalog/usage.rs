//! What was used, by day, model and key: sums that only grow.

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::{Catalog, CatalogError, Tx};
use crate::clock::rfc3339;
use crate::domain::entity::Entity;
use crate::domain::spec::Body;
use crate::domain::usage::Usage;

/// The sums of the columns, as whole numbers on both databases.
const SUMS: &str = "CAST(COALESCE(SUM(compute_ms), 0) AS BIGINT) AS compute_ms,
    CAST(COALESCE(SUM(batch), 0) AS BIGINT) AS batch, CAST(COALESCE(SUM(realtime), 0) AS BIGINT) AS realtime";

impl Catalog {
    /// Adds what was used at the time `now`, all or none of it.
    pub async fn usage_add(&self, used: &[Usage], now: i64) -> Result<(), CatalogError> {
        let mut tx = self.begin().await?;
        for usage in used {
            add(&mut tx, usage, now).await?;
        }
        Ok(tx.commit().await?)
    }

    /// What was used from the day `from` to the day `to`, both included and written as `2026-01-31`: at most `limit`
    /// models and keys, those who used most first, and the sum of all.
    pub async fn usage_list(
        &self,
        from: &str,
        to: &str,
        limit: u32,
    ) -> Result<(Vec<Usage>, Usage), CatalogError> {
        // An hour of computing costs as much as 4200 predictions.
        let sql = format!(
            "SELECT model, owner, key_id, {SUMS} FROM used_by_key WHERE day >= $1 AND day <= $2
             GROUP BY model, owner, key_id
             ORDER BY SUM(batch) + SUM(realtime) + SUM(compute_ms) * 7 / 6000 DESC, model, owner, key_id LIMIT $3"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(from)
            .bind(to)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        let sql = format!(
            "SELECT '' AS model, '' AS owner, '' AS key_id, {SUMS} FROM used_by_key WHERE day >= $1 AND day <= $2"
        );
        let total = sqlx::query(AssertSqlSafe(sql))
            .bind(from)
            .bind(to)
            .fetch_one(&self.pool)
            .await?;
        let used = rows.iter().map(usage).collect::<Result<Vec<Usage>, _>>()?;
        Ok((used, usage(&total)?))
    }
}

fn usage(row: &AnyRow) -> Result<Usage, CatalogError> {
    let count = |column: &str| -> Result<u64, CatalogError> {
        Ok(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0))
    };
    Ok(Usage {
        model: row.try_get("model")?,
        owner: row.try_get("owner")?,
        key: row.try_get("key_id")?,
        compute_ms: count("compute_ms")?,
        batch: count("batch")?,
        realtime: count("realtime")?,
    })
}

async fn add(tx: &mut Tx, usage: &Usage, now: i64) -> Result<(), CatalogError> {
    if usage.is_nothing() {
        return Ok(());
    }
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let day = rfc3339(now);
    sqlx::query(
        "INSERT INTO used_by_key AS u (day, model, owner, key_id, compute_ms, batch, realtime)
         VALUES ($1, $2, $3, $7, $4, $5, $6)
         ON CONFLICT (day, model, owner, key_id) DO UPDATE SET compute_ms = u.compute_ms + excluded.compute_ms,
             batch = u.batch + excluded.batch, realtime = u.realtime + excluded.realtime",
    )
    .bind(day.get(..10).unwrap_or(&day))
    .bind(&usage.model)
    .bind(&usage.owner)
    .bind(count(usage.compute_ms))
    .bind(count(usage.batch))
    .bind(count(usage.realtime))
    .bind(&usage.key)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Adds what the work on an entity used that has just become COMPLETED.
pub(super) async fn add_work(tx: &mut Tx, entity: &Entity, now: i64) -> Result<(), CatalogError> {
    let millis = u64::try_from(entity.work_micros().unwrap_or(0) / 1000).unwrap_or(0);
    let (model, compute_ms, batch) = match &entity.body {
        Body::DataSource(work) if work.spec.without_statistics => (String::new(), 0, 0),
        Body::DataSource(_) => (String::new(), millis, 0),
        Body::Model(_) => (entity.id.to_string(), millis, 0),
        Body::Evaluation(work) => (work.spec.model.to_string(), millis, 0),
        Body::BatchPrediction(work) => {
            let answered = work
                .result
                .as_ref()
                .map(|made| made.rows.saturating_sub(made.invalid_rows));
            (work.spec.model.to_string(), 0, answered.unwrap_or(0))
        }
    };
    let usage = Usage {
        model,
        owner: entity.owner.clone(),
        key: entity.key.clone(),
        compute_ms,
        batch,
        realtime: 0,
    };
    add(tx, &usage, now).await
}
