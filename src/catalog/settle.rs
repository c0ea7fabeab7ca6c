//! The end of an attempt: stored once, together with the entity, and only by whoever holds the job.

use sqlx::Row;

use super::entities::{lock, store};
use super::{Catalog, CatalogError, Tx, lifecycle, usage};
use crate::domain::entity::{Entity, LifecycleError, Problem};
use crate::domain::job::{ClaimedJob, JobKind, MAX_ATTEMPTS, Settled, Settlement, retry_delay_micros};
use crate::domain::spec::Produced;
use crate::domain::status::Status;

impl Catalog {
    /// Stores how an attempt ended, in one transaction with the entity; refused when the lease was
    /// lost to another claim.
    pub async fn job_settle(
        &self,
        job: &ClaimedJob,
        now: i64,
        settlement: Settlement,
    ) -> Result<Settled, CatalogError> {
        let settlement = settlement_that_counts(job, settlement);
        let mut tx = self.begin().await?;
        let Some(worked) = leave(&mut tx, job, now, &settlement).await? else {
            tx.rollback().await?;
            return Ok(Settled::LeaseLost);
        };
        if job.kind != JobKind::DeleteFiles {
            let mut entity = lock(&mut tx, &job.entity.at()).await?;
            // An entity that was deleted meanwhile keeps its status; only the job is closed.
            if !entity.status.is_final() {
                entity.worked = Some(worked);
                apply(&mut entity, job, settlement, now).map_err(|e| lifecycle::wrong_state(&entity, e))?;
                store(&mut tx, &mut entity).await?;
                if entity.status == Status::Completed {
                    usage::add_work(&mut tx, &entity, now).await?;
                }
                lifecycle::after_end(&mut tx, &entity, now).await?;
            }
        }
        self.commit(tx).await?;
        Ok(Settled::Recorded)
    }
}

/// Turns a retry into a failure when no attempt is left; files are removed sooner or later.
fn settlement_that_counts(job: &ClaimedJob, settlement: Settlement) -> Settlement {
    match settlement {
        // Given up, they would lie there for ever with nothing that names them.
        Settlement::Failed(problem) if job.kind == JobKind::DeleteFiles => Settlement::Retry(problem),
        Settlement::Retry(problem) if job.kind == JobKind::DeleteFiles => Settlement::Retry(problem),
        Settlement::Retry(mut problem) if job.attempt >= MAX_ATTEMPTS => {
            problem.message = format!("given up after {MAX_ATTEMPTS} attempts: {}", problem.message);
            Settlement::Failed(problem)
        }
        other => other,
    }
}

/// Gives the job up, as closed or to be tried again, and tells what all its attempts have taken, in microseconds; none
/// when it is not ours any more.
async fn leave(
    tx: &mut Tx,
    job: &ClaimedJob,
    now: i64,
    settlement: &Settlement,
) -> Result<Option<i64>, CatalogError> {
    let (state, uncounted, run_after, last_error) = match settlement {
        Settlement::Completed(_) | Settlement::Cancelled => ("CLOSED", 0, now, ""),
        Settlement::Failed(problem) => ("CLOSED", 0, now, problem.message.as_str()),
        Settlement::Retry(problem) => (
            "QUEUED",
            0,
            now + retry_delay_micros(job.attempt),
            problem.message.as_str(),
        ),
        Settlement::Released => ("QUEUED", 1, now, ""),
    };
    let row = sqlx::query(
        "UPDATE jobs SET state = $3, attempts = attempts - $4, run_after = $5, last_error = $6, worker = '',
             lease_until = 0, updated_at = $7,
             worked = worked + CASE WHEN begun_at > 0 AND begun_at < $7 THEN $7 - begun_at ELSE 0 END
         WHERE id = $1 AND claims = $2 AND state = 'RUNNING' RETURNING worked",
    )
    .bind(&job.id)
    .bind(job.claim)
    .bind(state)
    .bind(i64::from(uncounted))
    .bind(run_after)
    .bind(last_error)
    .bind(now)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| Ok(row.try_get("worked")?)).transpose()
}

fn apply(
    entity: &mut Entity,
    job: &ClaimedJob,
    settlement: Settlement,
    now: i64,
) -> Result<(), LifecycleError> {
    match settlement {
        Settlement::Completed(produced) => complete(entity, produced, now),
        Settlement::Failed(problem) => entity.fail(problem, now),
        Settlement::Cancelled => entity.fail(Problem::cancelled(), now),
        Settlement::Retry(problem) => {
            let tried = format!(
                "attempt {} of {MAX_ATTEMPTS} failed and will be repeated",
                job.attempt
            );
            entity.message = Some(format!("{tried}: {}", problem.message));
            entity.updated_at = now;
            Ok(())
        }
        Settlement::Released => Ok(()),
    }
}

fn complete(entity: &mut Entity, produced: Produced, now: i64) -> Result<(), LifecycleError> {
    match entity.complete(produced, now) {
        Err(error @ LifecycleError::Result(_)) => {
            entity.fail(Problem::new("internal", error.to_string()), now)
        }
        other => other,
    }
}
