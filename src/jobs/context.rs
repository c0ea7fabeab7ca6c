//! What compute code sees of the outside: it tells how far it is, and is told to stop.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::runner::JobError;
use crate::catalog::CatalogError;
use crate::domain::entity::{Problem, Progress};
use crate::domain::job::{JobKind, Renewal};
use crate::ml::observe::{Observer, Stage};

/// Why running work should stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopReason {
    /// The process shuts down; the work is given back.
    Shutdown,
    /// The user cancelled or deleted the entity.
    Cancelled,
    /// Another worker has the job; whatever comes out is thrown away.
    LeaseLost,
}

/// The connection of one attempt with its runner; clones share it, from any thread.
#[derive(Debug, Clone)]
pub struct JobContext(Arc<Shared>);

struct Shared {
    kind: JobKind,
    stop: AtomicU8,
    progress: Mutex<Progress>,
    holds: Box<Holds>,
}

/// Asks whether the attempt holds its job, and keeps it if so. Blocks.
type Holds = dyn Fn(&JobContext) -> Result<Renewal, CatalogError> + Send + Sync;

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("kind", &self.kind)
            .field("stop", &self.stop)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

impl JobContext {
    /// A context for a job of `kind` that has just begun and that nobody can take away.
    pub fn new(kind: JobKind) -> Self {
        Self::holding(kind, |_| Ok(Renewal::Held))
    }

    /// A context for an attempt that asks `holds` whether it still has its job; called where it may block.
    pub fn holding(
        kind: JobKind,
        holds: impl Fn(&JobContext) -> Result<Renewal, CatalogError> + Send + Sync + 'static,
    ) -> Self {
        let progress = Mutex::new(Progress::default());
        Self(Arc::new(Shared {
            kind,
            stop: AtomicU8::new(0),
            progress,
            holds: Box::new(holds),
        }))
    }

    /// Fails unless the attempt holds its job now, and then holds it for the time of a lease. What other attempts write
    /// too, under the same name, is written only after this: a worker that fell asleep may have lost its job without
    /// having heard of it.
    pub fn confirm(&self) -> Result<(), JobError> {
        if self.stop_reason().is_some() {
            return Err(JobError::Stopped);
        }
        let reason = match (self.0.holds)(self) {
            Ok(Renewal::Held) => return Ok(()),
            Ok(Renewal::CancelRequested) => StopReason::Cancelled,
            Ok(Renewal::Lost) => StopReason::LeaseLost,
            Err(error) => {
                let message = format!("cannot tell whether another worker has the job: {error}");
                return Err(JobError::Retry(Box::new(Problem::new("unavailable", message))));
            }
        };
        self.stop(reason);
        Err(JobError::Stopped)
    }

    /// `done` of `total` units of `stage` are finished; `total` 0 means unknown. Break means: stop
    /// soon and return [`super::runner::JobError::Stopped`].
    pub fn progress(&self, stage: Stage, done: u64, total: u64) -> ControlFlow<()> {
        let fraction = self.0.kind.fraction(stage, done, total);
        self.update(|progress| {
            progress.stage = Some(stage);
            progress.fraction = progress.fraction.max(fraction.unwrap_or(0.0));
        });
        if self.stop_reason().is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Fails if the work should stop.
    pub fn go_on(&self) -> Result<(), JobError> {
        match self.stop_reason() {
            None => Ok(()),
            Some(_) => Err(JobError::Stopped),
        }
    }

    /// Tells how many rows have been handled so far.
    pub fn rows(&self, rows: u64) {
        self.update(|progress| progress.rows = Some(rows));
    }

    /// Asks the work to stop; a stronger reason replaces a weaker one.
    pub fn stop(&self, reason: StopReason) {
        self.0.stop.fetch_max(reason as u8 + 1, Ordering::SeqCst);
    }

    /// Why the work should stop, if it should.
    pub fn stop_reason(&self) -> Option<StopReason> {
        match self.0.stop.load(Ordering::SeqCst) {
            0 => None,
            1 => Some(StopReason::Shutdown),
            2 => Some(StopReason::Cancelled),
            _ => Some(StopReason::LeaseLost),
        }
    }

    /// How far the work is, with the time left estimated from the time it took so far.
    pub fn snapshot(&self, elapsed_micros: i64) -> Progress {
        let mut progress = *self.lock();
        // Below two percent an estimate is a guess.
        if progress.fraction >= 0.02 {
            let left = elapsed_micros as f64 / 1e6 * (1.0 - progress.fraction) / progress.fraction;
            progress.eta_seconds = Some(left.max(0.0).round() as u64);
        }
        progress
    }

    fn update(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Progress> {
        // Progress is plain numbers: a panic elsewhere cannot have left it half changed.
        self.0.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for JobContext {
    fn report(&mut self, stage: Stage, done: u64, total: u64) -> ControlFlow<()> {
        self.progress(stage, done, total)
    }

    fn rows(&mut self, rows: u64) {
        JobContext::rows(self, rows);
    }

    fn note(&mut self, what: &str) {
        tracing::info!(job.kind = ?self.0.kind, "{what}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_never_falls_and_estimates_the_rest() {
        let context = JobContext::new(JobKind::BatchPredict);
        assert_eq!(context.snapshot(1_000_000).eta_seconds, None);
        assert!(context.progress(Stage::Predict, 50, 100).is_continue());
        assert!(context.progress(Stage::Predict, 10, 100).is_continue());
        context.rows(7);
        let seen = context.snapshot(49_000_000);
        assert!((seen.fraction - 0.49).abs() < 1e-12);
        assert_eq!(
            (seen.eta_seconds, seen.rows, seen.stage),
            (Some(51), Some(7), Some(Stage::Predict))
        );
    }

    #[test]
    fn the_strongest_reason_to_stop_wins() {
        let context = JobContext::new(JobKind::TrainModel);
        context.stop(StopReason::Cancelled);
        context.clone().stop(StopReason::Shutdown);
        assert_eq!(context.stop_reason(), Some(StopReason::Cancelled));
        assert!(context.progress(Stage::Solve, 0, 0).is_break());
        context.stop(StopReason::LeaseLost);
        assert_eq!(context.stop_reason(), Some(StopReason::LeaseLost));
    }
}
