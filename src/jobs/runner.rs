//! Claims jobs, runs them on blocking threads, keeps their leases, settles them once.
//!
//! The runner knows no kind of job: what a job does is the [`JobHandler`]'s business. Async threads
//! only wait and talk to the catalogue. A handler that panics has failed one attempt; a process
//! that dies loses its leases and nothing else.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::context::{JobContext, StopReason};
use crate::blob::BlobError;
use crate::catalog::{Catalog, CatalogError};
use crate::clock::Clock;
use crate::domain::entity::Problem;
use crate::domain::ids::BlobKey;
use crate::domain::job::{ClaimedJob, LEASE_MICROS, RENEW_MICROS, Renewal, Settled, Settlement, WorkerId};
use crate::domain::spec::Produced;

/// Why an attempt has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum JobError {
    /// For good: trying again would end the same way. Bad data, bad parameters.
    #[error("{0}")]
    Failed(Box<Problem>),
    /// The outside did not play along this time; worth another attempt.
    #[error("{0}")]
    Retry(Box<Problem>),
    /// Progress said Break.
    #[error("stopped on request")]
    Stopped,
}

impl From<Problem> for JobError {
    /// A problem is for good unless said otherwise.
    fn from(problem: Problem) -> Self {
        JobError::Failed(Box::new(problem))
    }
}

impl From<BlobError> for JobError {
    fn from(error: BlobError) -> Self {
        // The attempt's span says which job it was.
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "a job cannot use a file"
        );
        let problem = Box::new(error.to_problem());
        if error.is_transient() {
            JobError::Retry(problem)
        } else {
            JobError::Failed(problem)
        }
    }
}

/// Does the work of every kind of job; called on a blocking thread.
pub trait JobHandler: Send + Sync + 'static {
    /// Does one attempt. It may be called again for the same job, also while an earlier attempt is
    /// still dying elsewhere, and must write to keys of its own attempt only.
    fn run(&self, job: &ClaimedJob, context: &JobContext) -> Result<Produced, JobError>;

    /// Removes the file of an attempt whose result was refused; called on a blocking thread.
    fn discard(&self, _job: &ClaimedJob) {}

    /// Removes what only a further attempt would have needed; called on a blocking thread, after the last one.
    fn ended(&self, _job: &ClaimedJob) {}
}

impl<F> JobHandler for F
where
    F: Fn(&ClaimedJob, &JobContext) -> Result<Produced, JobError> + Send + Sync + 'static,
{
    fn run(&self, job: &ClaimedJob, context: &JobContext) -> Result<Produced, JobError> {
        self(job, context)
    }
}

/// How a runner behaves; the defaults are right but for tests.
#[derive(Debug, Clone, Copy)]
pub struct RunnerOptions {
    /// Jobs at the same time. Each uses every core, so more than one rarely helps.
    pub concurrency: usize,
    /// How often the catalogue is searched for work that other processes queued.
    pub poll: Duration,
    /// How often leases are renewed, progress stored and wishes to stop read.
    pub renew: Duration,
    /// How long a lease lasts, in microseconds.
    pub lease_micros: i64,
}

impl Default for RunnerOptions {
    fn default() -> Self {
        Self {
            concurrency: 1,
            poll: Duration::from_secs(1),
            renew: Duration::from_micros(RENEW_MICROS.unsigned_abs()),
            lease_micros: LEASE_MICROS,
        }
    }
}

/// Works through the jobs of a catalogue; cheap to clone.
#[derive(Clone)]
pub struct Runner {
    catalog: Catalog,
    clock: Arc<dyn Clock>,
    handler: Arc<dyn JobHandler>,
    worker: WorkerId,
    options: RunnerOptions,
}

impl Runner {
    /// A runner that has not begun.
    pub fn new(
        catalog: Catalog,
        clock: Arc<dyn Clock>,
        handler: Arc<dyn JobHandler>,
        worker: WorkerId,
        options: RunnerOptions,
    ) -> Self {
        Self {
            catalog,
            clock,
            handler,
            worker,
            options,
        }
    }

    /// Works until `stop`; then asks running jobs to stop, gives them back and returns.
    pub async fn run(&self, stop: CancellationToken) {
        let permits = Arc::new(Semaphore::new(self.options.concurrency.max(1)));
        let running = TaskTracker::new();
        while let Some(Ok(permit)) = stop.run_until_cancelled(permits.clone().acquire_owned()).await {
            match self.next_job(&stop).await {
                Some(job) => drop(running.spawn(self.clone().run_and_free(job, stop.clone(), permit))),
                None => break,
            }
        }
        running.close();
        running.wait().await;
    }

    /// Claims one job and sees it through; none when there is nothing to do now.
    pub async fn run_one(&self, stop: &CancellationToken) -> Result<Option<Settled>, CatalogError> {
        match self.claim().await? {
            Some(job) => self.work(job, stop).await.map(Some),
            None => Ok(None),
        }
    }

    /// Waits for a job; none when it is time to stop.
    async fn next_job(&self, stop: &CancellationToken) -> Option<ClaimedJob> {
        let changed = self.catalog.changed();
        loop {
            // Subscribed before looking, so that nothing queued in between is slept through.
            let wake = changed.notified();
            tokio::pin!(wake);
            wake.as_mut().enable();
            // Never cut short: a claim that is stored and forgotten would cost an attempt.
            match self.claim().await {
                Ok(Some(job)) => return Some(job),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot look for jobs; trying again");
                    stop.run_until_cancelled(tokio::time::sleep(self.options.poll))
                        .await?;
                    continue;
                }
            }
            let woken = async { tokio::time::timeout(self.options.poll, wake).await };
            drop(stop.run_until_cancelled(woken).await?);
        }
    }

    async fn claim(&self) -> Result<Option<ClaimedJob>, CatalogError> {
        let now = self.clock.now_micros();
        self.catalog
            .job_claim(&self.worker, now, now + self.options.lease_micros)
            .await
    }

    async fn run_and_free(self, job: ClaimedJob, stop: CancellationToken, permit: OwnedSemaphorePermit) {
        let id = job.id.clone();
        if let Err(error) = self.work(job, &stop).await {
            tracing::error!(job.id = %id, %error, "cannot store how a job ended; it will be repeated");
        }
        drop(permit);
    }

    async fn work(&self, job: ClaimedJob, stop: &CancellationToken) -> Result<Settled, CatalogError> {
        tracing::info!(job.id = %job.id, job.kind = job.kind.as_str(), job.attempt = job.attempt, "job begins");
        let settlement = if stop.is_cancelled() {
            Settlement::Released
        } else {
            self.attempt(&job, stop).await
        };
        let outcome = describe(&settlement);
        let file = match &settlement {
            Settlement::Completed(produced) => produced.file().cloned(),
            _ => None,
        };
        let is_last = settlement.is_last(job.attempt);
        let settled = self.settle(&job, settlement).await?;
        let stored = settled == Settled::Recorded;
        tracing::info!(job.id = %job.id, job.attempt = job.attempt, stored, "job ends: {outcome}");
        match (settled, file) {
            (Settled::LeaseLost, Some(file)) => self.discard(job, file).await,
            (Settled::Recorded, _) if is_last => {
                let handler = self.handler.clone();
                // It logs what it cannot remove.
                drop(tokio::task::spawn_blocking(move || handler.ended(&job)).await);
            }
            _ => {}
        }
        Ok(settled)
    }

    /// Removes the file of an attempt that lost its job. Settling is tried several times, and the
    /// first may have been stored although it answered with an error: what the entity names stays.
    async fn discard(&self, job: ClaimedJob, file: BlobKey) {
        match self.catalog.entity_get(&job.entity.at()).await {
            Ok(entity) if entity.body.file() != Some(&file) => {}
            _ => return,
        }
        let handler = self.handler.clone();
        let removed = tokio::task::spawn_blocking(move || handler.discard(&job)).await;
        if let Err(error) = removed {
            tracing::warn!(%error, "cannot remove the file of an attempt that lost its job");
        }
    }

    /// Runs the handler on a blocking thread and keeps the lease meanwhile.
    async fn attempt(&self, job: &ClaimedJob, stop: &CancellationToken) -> Settlement {
        let begun = self.clock.now_micros();
        let context = JobContext::holding(job.kind, self.holds(job, begun));
        let (handler, inner, its_job) = (self.handler.clone(), context.clone(), job.clone());
        let mut work = tokio::task::spawn_blocking(move || {
            let _span = tracing::error_span!("attempt", job.id = %its_job.id).entered();
            handler.run(&its_job, &inner)
        });
        // The claim is as fresh as a renewal would be.
        let first = tokio::time::Instant::now() + self.options.renew;
        let mut renewals = tokio::time::interval_at(first, self.options.renew);
        renewals.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                ended = &mut work => return conclude(ended, &context),
                () = stop.cancelled(), if context.stop_reason().is_none() => context.stop(StopReason::Shutdown),
                _ = renewals.tick() => self.renew(job, &context, begun).await,
            }
        }
    }

    /// Renews the lease for who asks on a blocking thread.
    fn holds(
        &self,
        job: &ClaimedJob,
        begun: i64,
    ) -> impl Fn(&JobContext) -> Result<Renewal, CatalogError> + Send + Sync + use<> {
        let (runner, job, runtime) = (self.clone(), job.clone(), Handle::current());
        move |context| runtime.block_on(runner.renewed(&job, context, begun))
    }

    async fn renew(&self, job: &ClaimedJob, context: &JobContext, begun: i64) {
        match self.renewed(job, context, begun).await {
            Ok(Renewal::Held) => {}
            Ok(Renewal::CancelRequested) => context.stop(StopReason::Cancelled),
            Ok(Renewal::Lost) => context.stop(StopReason::LeaseLost),
            // The lease may outlive the trouble; if not, settling will be refused.
            Err(error) => tracing::warn!(job.id = %job.id, %error, "cannot renew a lease; trying again"),
        }
    }

    async fn renewed(
        &self,
        job: &ClaimedJob,
        context: &JobContext,
        begun: i64,
    ) -> Result<Renewal, CatalogError> {
        let now = self.clock.now_micros();
        let progress = context.snapshot(now - begun);
        self.catalog
            .job_renew(job, now, now + self.options.lease_micros, &progress)
            .await
    }

    /// Stores the end of an attempt; several tries, because the work may have taken hours.
    async fn settle(&self, job: &ClaimedJob, settlement: Settlement) -> Result<Settled, CatalogError> {
        let mut wait = Duration::from_millis(100);
        for _ in 0..5 {
            match self
                .catalog
                .job_settle(job, self.clock.now_micros(), settlement.clone())
                .await
            {
                Ok(settled) => return Ok(settled),
                Err(error) => tracing::warn!(job.id = %job.id, %error, "cannot settle a job; trying again"),
            }
            tokio::time::sleep(wait).await;
            wait *= 3;
        }
        self.catalog
            .job_settle(job, self.clock.now_micros(), settlement)
            .await
    }
}

/// What the end of the handler means. A result that came in spite of a wish to stop counts.
fn conclude(ended: Result<Result<Produced, JobError>, JoinError>, context: &JobContext) -> Settlement {
    match ended {
        Ok(Ok(produced)) => Settlement::Completed(produced),
        Ok(Err(JobError::Failed(problem))) => Settlement::Failed(*problem),
        Ok(Err(JobError::Retry(problem))) => Settlement::Retry(*problem),
        Ok(Err(JobError::Stopped)) => match context.stop_reason() {
            Some(StopReason::Cancelled) => Settlement::Cancelled,
            // Of no effect when the lease is lost.
            Some(StopReason::Shutdown | StopReason::LeaseLost) => Settlement::Released,
            // Counted, so that a handler that stops for no reason does not run for ever.
            None => Settlement::Retry(Problem::new(
                "internal",
                "the work stopped without being asked to",
            )),
        },
        Err(error) => Settlement::Retry(panicked(error)),
    }
}

fn panicked(error: JoinError) -> Problem {
    let words = match error.try_into_panic() {
        Ok(payload) => match (payload.downcast_ref::<String>(), payload.downcast_ref::<&str>()) {
            (Some(text), _) => text.clone(),
            (None, Some(text)) => (*text).to_owned(),
            (None, None) => "no message".to_owned(),
        },
        Err(error) => error.to_string(),
    };
    tracing::error!("a job panicked: {words}");
    Problem::new("internal", "the program hit a defect while doing this")
        .with_hint("the server's log has the details; please report it")
}

fn describe(settlement: &Settlement) -> String {
    match settlement {
        Settlement::Completed(_) => "completed".to_owned(),
        Settlement::Failed(problem) => format!("failed: {problem}"),
        Settlement::Retry(problem) => format!("will be tried again: {problem}"),
        Settlement::Cancelled => "cancelled".to_owned(),
        Settlement::Released => "given back".to_owned(),
    }
}

#[cfg(test)]
mod tests;
