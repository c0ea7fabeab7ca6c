//! Jobs: what is to be done, who does it, and the arithmetic of leases and retries.

use serde::{Deserialize, Serialize};

use super::dataset::DatasetVersion;
use super::entity::{Entity, Problem};
use super::ids::{EntityKind, random_text};
use super::spec::Produced;
use crate::ml::observe::Stage;

/// How often a job is begun before it is given up.
pub const MAX_ATTEMPTS: i64 = 5;

/// How long a worker may stay silent before another one takes its job over, in microseconds.
pub const LEASE_MICROS: i64 = 15_000_000;

/// How often a worker renews its lease, in microseconds: several renewals may fail in a row. Progress is stored
/// and a wish to stop is heard as often, so that it must feel prompt.
pub const RENEW_MICROS: i64 = 1_000_000;

/// Microseconds to wait before the attempt after `failed` failed ones: 1 s, doubling, at most 60 s.
pub fn retry_delay_micros(failed: i64) -> i64 {
    let doublings = failed.saturating_sub(1).clamp(0, 6);
    (1_000_000 << doublings).min(60_000_000)
}

/// Every kind of job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Data source → schema and statistics.
    ProfileData,
    /// Data source → model bundle.
    TrainModel,
    /// Model and data source → report.
    EvaluateModel,
    /// Model and rows → file of predictions.
    BatchPredict,
    /// Removes the files of a deleted entity.
    DeleteFiles,
}

impl JobKind {
    /// Every kind.
    pub const ALL: [JobKind; 5] = [
        JobKind::ProfileData,
        JobKind::TrainModel,
        JobKind::EvaluateModel,
        JobKind::BatchPredict,
        JobKind::DeleteFiles,
    ];

    /// The job that computes an entity of `kind`.
    pub fn computing(kind: EntityKind) -> Self {
        match kind {
            EntityKind::DataSource => JobKind::ProfileData,
            EntityKind::Model => JobKind::TrainModel,
            EntityKind::Evaluation => JobKind::EvaluateModel,
            EntityKind::BatchPrediction => JobKind::BatchPredict,
        }
    }

    /// The name in the catalogue and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            JobKind::ProfileData => "profile_data",
            JobKind::TrainModel => "train_model",
            JobKind::EvaluateModel => "evaluate_model",
            JobKind::BatchPredict => "batch_predict",
            JobKind::DeleteFiles => "delete_files",
        }
    }

    /// The stages in their order, with the share of the time that each usually takes.
    pub fn plan(self) -> &'static [(Stage, f64)] {
        match self {
            JobKind::ProfileData => &[(Stage::Profile, 0.98), (Stage::Write, 0.02)],
            JobKind::TrainModel => &[
                (Stage::Profile, 0.10),
                (Stage::Featurize, 0.20),
                (Stage::Encode, 0.20),
                (Stage::Search, 0.25),
                (Stage::Solve, 0.15),
                (Stage::Evaluate, 0.08),
                (Stage::Write, 0.02),
            ],
            JobKind::EvaluateModel => &[(Stage::Evaluate, 0.98), (Stage::Write, 0.02)],
            JobKind::BatchPredict => &[(Stage::Predict, 0.98), (Stage::Write, 0.02)],
            JobKind::DeleteFiles => &[],
        }
    }

    /// The share of the whole job that is done when `done` of `total` units of `stage` are; none
    /// when the plan does not have the stage. `total` 0 means unknown.
    pub fn fraction(self, stage: Stage, done: u64, total: u64) -> Option<f64> {
        let mut before = 0.0;
        for &(planned, share) in self.plan() {
            if planned == stage {
                let part = if total == 0 {
                    0.0
                } else {
                    (done as f64 / total as f64).min(1.0)
                };
                return Some((before + share * part).min(1.0));
            }
            before += share;
        }
        None
    }
}

impl std::str::FromStr for JobKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = JobKind::ALL.into_iter().find(|k| k.as_str() == text);
        found.ok_or_else(|| format!("unknown job kind `{text}`; it was written by a newer program"))
    }
}

/// Who holds a lease: unique for each running process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WorkerId(String);

impl WorkerId {
    /// Names the process `process` with random bytes, because process numbers repeat.
    pub fn new(process: u32, random: [u8; 8]) -> Self {
        Self(format!("{process}-{}", random_text(&random)))
    }

    /// The worker that [`WorkerId::as_str`] named.
    pub fn named(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text: a number, a `-`, then letters and digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A job that this worker may do now, with everything it needs to know.
#[derive(Debug, Clone)]
pub struct ClaimedJob {
    /// Identifies the job in the catalogue.
    pub id: String,
    /// What to do.
    pub kind: JobKind,
    /// The entity it is done for, already INPROGRESS (or DELETED when its files are removed).
    pub entity: Entity,
    /// The entities it depends on.
    pub inputs: Vec<Entity>,
    /// The dataset versions pinned by `entity` and `inputs`, as far as they still exist.
    pub datasets: Vec<DatasetVersion>,
    /// Which attempt this is, from 1.
    pub attempt: i64,
    /// Counts claims and never repeats for one job, so that two attempts never share a file.
    pub claim: i64,
    /// Who claimed it.
    pub worker: WorkerId,
}

impl ClaimedJob {
    /// The first input of `kind`.
    pub fn input(&self, kind: EntityKind) -> Option<&Entity> {
        self.inputs.iter().find(|e| e.kind() == kind)
    }

    /// The version that `entity` pins; none when it pins none or it was deleted.
    pub fn dataset_of(&self, entity: &Entity) -> Option<&DatasetVersion> {
        let pin = entity.body.dataset()?;
        self.datasets
            .iter()
            .find(|d| d.name == pin.name && d.version == pin.version)
    }
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Settlement {
    /// With a result.
    Completed(Produced),
    /// For good, with a reason that a further attempt would not change.
    Failed(Problem),
    /// With a reason that may pass: tried again, up to [`MAX_ATTEMPTS`].
    Retry(Problem),
    /// Because a stop was asked for.
    Cancelled,
    /// Not at all: the worker shuts down and the attempt does not count.
    Released,
}

impl Settlement {
    /// Whether no attempt follows the one that ends so, the `attempt`th.
    pub fn is_last(&self, attempt: i64) -> bool {
        match self {
            Settlement::Completed(_) | Settlement::Failed(_) | Settlement::Cancelled => true,
            Settlement::Retry(_) => attempt >= MAX_ATTEMPTS,
            Settlement::Released => false,
        }
    }
}

/// What became of a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is stored.
    Recorded,
    /// The lease was lost to another worker or the job was closed meanwhile; nothing was stored.
    LeaseLost,
}

/// What became of a lease renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// Go on.
    Held,
    /// The lease holds, but the user asked for a stop or deleted the entity.
    CancelRequested,
    /// Another worker has the job, or it is closed: stop, and settle nothing.
    Lost,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_delays_double_up_to_a_minute() {
        let seconds: Vec<i64> = (1..=9).map(|n| retry_delay_micros(n) / 1_000_000).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(retry_delay_micros(0), 1_000_000);
        assert_eq!(retry_delay_micros(i64::MAX), 60_000_000);
    }

    #[test]
    fn a_lease_outlives_several_missed_renewals() {
        const { assert!(LEASE_MICROS >= 4 * RENEW_MICROS) };
    }

    #[test]
    fn plans_add_up_and_progress_runs_through_them() {
        for kind in JobKind::ALL {
            let sum: f64 = kind.plan().iter().map(|p| p.1).sum();
            assert!(kind.plan().is_empty() || (sum - 1.0).abs() < 1e-12, "{kind:?}");
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        let at = |stage, done| JobKind::TrainModel.fraction(stage, done, 10).unwrap();
        assert!(at(Stage::Featurize, 5) < at(Stage::Encode, 0));
        assert!((at(Stage::Encode, 10) - at(Stage::Search, 0)).abs() < 1e-12);
        assert!((at(Stage::Write, 10) - 1.0).abs() < 1e-12);
        assert_eq!(JobKind::TrainModel.fraction(Stage::Predict, 1, 2), None);
    }
}
