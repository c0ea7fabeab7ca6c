//! Jobs: claim one, and keep it.
//!
//! A job is QUEUED, RUNNING under a lease, or CLOSED. Who holds a RUNNING job is decided by the
//! number of the claim, not by the clock and not by the worker's name: a worker that fell asleep
//! may have lost the job to its own next claim.

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::entities::{load, lock, store};
use super::{Catalog, CatalogError, Tx, datasets, lifecycle, rows};
use crate::domain::entity::{Entity, Problem, Progress};
use crate::domain::ids::EntityRef;
use crate::domain::job::{ClaimedJob, JobKind, MAX_ATTEMPTS, Renewal, WorkerId};

/// True for a job that may begin at `$1`: due or abandoned, and with nothing to wait for. A job
/// that has begun before goes on although something it needs was deleted meanwhile; files are
/// removed only when no running work needs them.
const CLAIMABLE: &str = "((jobs.state = 'QUEUED' AND jobs.run_after <= $1)
      OR (jobs.state = 'RUNNING' AND jobs.lease_until <= $1))
  AND ((jobs.kind <> 'delete_files' AND NOT EXISTS (
          SELECT 1 FROM dependencies d JOIN entities e ON e.kind = d.needs_kind AND e.id = d.needs_id
          WHERE d.kind = jobs.entity_kind AND d.id = jobs.entity_id AND e.status <> 'COMPLETED'
            AND NOT (e.status = 'DELETED' AND jobs.claims > 0)))
    OR (jobs.kind = 'delete_files'
        AND NOT EXISTS (
          SELECT 1 FROM dependencies d JOIN entities e ON e.kind = d.kind AND e.id = d.id
          WHERE d.needs_kind = jobs.entity_kind AND d.needs_id = jobs.entity_id AND e.status = 'INPROGRESS')
        AND NOT EXISTS (
          SELECT 1 FROM jobs o WHERE o.entity_kind = jobs.entity_kind AND o.entity_id = jobs.entity_id
            AND o.id <> jobs.id AND o.state = 'RUNNING')))";

/// Candidates looked at in one go; another worker may take some of them first.
const CANDIDATES: i64 = 16;

impl Catalog {
    /// Claims a job for `worker` until `lease_until` and marks its entity INPROGRESS; none when
    /// there is nothing to do now. Jobs that turn out to be over (cancelled, deleted, begun too
    /// often) are closed on the way. A job whose rows cannot be read does not keep others waiting:
    /// its error is returned only when there is nothing else to do.
    pub async fn job_claim(
        &self,
        worker: &WorkerId,
        now: i64,
        lease_until: i64,
    ) -> Result<Option<ClaimedJob>, CatalogError> {
        let mut failed: Vec<String> = Vec::new();
        let mut last_error = None;
        loop {
            let mut candidates = self.job_candidates(now, failed.len()).await?;
            candidates.retain(|id| !failed.contains(id));
            if candidates.is_empty() {
                return last_error.map_or(Ok(None), Err);
            }
            for id in candidates {
                match self.job_try_claim(&id, worker, now, lease_until).await {
                    Ok(Some(job)) => return Ok(Some(job)),
                    Ok(None) => {}
                    Err(error) if error.is_general() => return Err(error),
                    Err(error) => {
                        tracing::error!(job.id = %id, %error, "a job cannot be claimed; going on with others");
                        failed.push(id);
                        last_error = Some(error);
                    }
                }
            }
        }
    }

    /// The next claimable jobs, and `more` beyond them. Looking first keeps an idle worker from taking
    /// SQLite's one write lock.
    async fn job_candidates(&self, now: i64, more: usize) -> Result<Vec<String>, CatalogError> {
        let sql = format!("SELECT id FROM jobs WHERE {CLAIMABLE} ORDER BY run_after, id LIMIT $2");
        let most = CANDIDATES.saturating_add(i64::try_from(more).unwrap_or(i64::MAX));
        let query = sqlx::query(AssertSqlSafe(sql)).bind(now).bind(most);
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
    }

    async fn job_try_claim(
        &self,
        id: &str,
        worker: &WorkerId,
        now: i64,
        lease_until: i64,
    ) -> Result<Option<ClaimedJob>, CatalogError> {
        let mut tx = self.begin().await?;
        let sql = format!(
            "UPDATE jobs SET state = 'RUNNING', worker = $3, lease_until = $4, updated_at = $1,
                 attempts = attempts + 1, claims = claims + 1, begun_at = $1,
                 worked = worked + CASE WHEN state = 'RUNNING' AND begun_at > 0 THEN updated_at - begun_at ELSE 0 END
             WHERE id = $2 AND {CLAIMABLE}
             RETURNING id, kind, entity_kind, entity_id, attempts, claims, last_error"
        );
        let query = sqlx::query(AssertSqlSafe(sql))
            .bind(now)
            .bind(id)
            .bind(worker.as_str())
            .bind(lease_until);
        let Some(row) = query.fetch_optional(&mut *tx).await? else {
            tx.rollback().await?;
            return Ok(None);
        };
        let kind: JobKind = rows::parse(&row, "kind", id)?;
        let at = entity_of(&row, id)?;
        let mut entity = lock(&mut tx, &at).await?;
        if kind != JobKind::DeleteFiles {
            if let Some(over) = is_over(&entity, row.try_get("attempts")?, row.try_get("last_error")?) {
                close(&mut tx, id, &mut entity, over, now).await?;
                self.commit(tx).await?;
                return Ok(None);
            }
            entity
                .start(now)
                .map_err(|e| lifecycle::wrong_state(&entity, e))?;
            store(&mut tx, &mut entity).await?;
        }
        let job = assemble(&mut tx, &row, kind, entity, worker).await?;
        self.commit(tx).await?;
        Ok(Some(job))
    }

    /// Ends the leases of workers that are dead, so that their jobs are claimable now; returns how many.
    /// An optimisation that may go wrong: a worker that lives after all still renews and settles,
    /// unless its job was claimed meanwhile.
    pub async fn job_abandon(&self, workers: &[WorkerId], now: i64) -> Result<u64, CatalogError> {
        let mut tx = self.begin().await?;
        let mut ended = 0;
        for worker in workers {
            // When they last gave a sign of life stays: until then they have worked.
            let sql = "UPDATE jobs SET lease_until = $2 WHERE worker = $1 AND state = 'RUNNING'";
            let query = sqlx::query(sql).bind(worker.as_str()).bind(now);
            ended += query.execute(&mut *tx).await?.rows_affected();
        }
        self.commit(tx).await?;
        Ok(ended)
    }

    /// Extends the lease and stores how far the work is.
    pub async fn job_renew(
        &self,
        job: &ClaimedJob,
        now: i64,
        lease_until: i64,
        progress: &Progress,
    ) -> Result<Renewal, CatalogError> {
        let mut tx = self.begin().await?;
        let held = sqlx::query(
            "UPDATE jobs SET lease_until = $3, updated_at = $4
             WHERE id = $1 AND claims = $2 AND state = 'RUNNING' RETURNING id",
        )
        .bind(&job.id)
        .bind(job.claim)
        .bind(lease_until)
        .bind(now)
        .fetch_optional(&mut *tx)
        .await?;
        if held.is_none() {
            tx.rollback().await?;
            return Ok(Renewal::Lost);
        }
        let wanted = sqlx::query(
            "UPDATE entities SET progress = $3
             WHERE kind = $1 AND id = $2 AND status = 'INPROGRESS' RETURNING cancel_requested",
        )
        .bind(job.entity.kind().as_str())
        .bind(job.entity.id.as_str())
        .bind(rows::json(&job.entity.at(), progress)?)
        .fetch_optional(&mut *tx)
        .await?;
        self.commit(tx).await?;
        let wanted = match wanted {
            Some(row) => row.try_get::<i64, _>("cancel_requested")? == 0,
            None => job.kind == JobKind::DeleteFiles,
        };
        Ok(if wanted {
            Renewal::Held
        } else {
            Renewal::CancelRequested
        })
    }
}

/// Why a claimed job must not run after all.
enum Over {
    /// Its entity needs no work any more.
    Unneeded,
    /// Its entity fails.
    Failed(Problem),
}

fn is_over(entity: &Entity, attempts: i64, last_error: String) -> Option<Over> {
    if entity.status.is_final() {
        return Some(Over::Unneeded);
    }
    if entity.cancel_requested {
        return Some(Over::Failed(Problem::cancelled()));
    }
    if attempts <= MAX_ATTEMPTS {
        return None;
    }
    let reason = if last_error.is_empty() {
        "the process that did the work died every time"
    } else {
        &last_error
    };
    let message = format!("begun {MAX_ATTEMPTS} times and never finished: {reason}");
    let hint = "look at the server's log for the time of the attempts; lack of memory is a common cause";
    Some(Over::Failed(
        Problem::new("attempts_exhausted", message).with_hint(hint),
    ))
}

async fn close(tx: &mut Tx, id: &str, entity: &mut Entity, over: Over, now: i64) -> Result<(), CatalogError> {
    sqlx::query("UPDATE jobs SET state = 'CLOSED' WHERE id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    if let Over::Failed(problem) = over {
        entity
            .fail(problem, now)
            .map_err(|e| lifecycle::wrong_state(entity, e))?;
        store(tx, entity).await?;
        lifecycle::after_end(tx, entity, now).await?;
    }
    Ok(())
}

fn entity_of(row: &AnyRow, job: &str) -> Result<EntityRef, CatalogError> {
    Ok(EntityRef {
        kind: rows::parse(row, "entity_kind", job)?,
        id: rows::parse(row, "entity_id", job)?,
    })
}

/// Reads everything that the work needs to know.
async fn assemble(
    tx: &mut Tx,
    row: &AnyRow,
    kind: JobKind,
    entity: Entity,
    worker: &WorkerId,
) -> Result<ClaimedJob, CatalogError> {
    let mut inputs = Vec::new();
    for needs in entity.body.depends_on() {
        inputs.push(load(tx, &needs).await?);
    }
    let everything = std::iter::once(&entity).chain(&inputs);
    let pins: Vec<_> = everything.filter_map(|e| e.body.dataset().cloned()).collect();
    Ok(ClaimedJob {
        id: row.try_get("id")?,
        kind,
        datasets: datasets::load_versions(tx, &pins).await?,
        entity,
        inputs,
        attempt: row.try_get("attempts")?,
        claim: row.try_get("claims")?,
        worker: worker.clone(),
    })
}
