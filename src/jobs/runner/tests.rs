//! The runner with a pretended handler, a clock moved by hand and a real catalogue in a file.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use serde_json::json;

use super::*;
use crate::clock::ManualClock;
use crate::domain::dataset::{ContentHash, DatasetPin, DatasetVersion, MediaHints};
use crate::domain::entity::Entity;
use crate::domain::ids::{BlobKey, DatasetName, EntityId, EntityKind, EntityRef};
use crate::domain::job::MAX_ATTEMPTS;
use crate::domain::spec::{DataSourceResult, DataSourceSpec, ModelSpec};
use crate::domain::status::Status;
use crate::ml::observe::Stage;

struct Bench {
    catalog: Catalog,
    clock: Arc<ManualClock>,
    stop: CancellationToken,
    _home: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let catalog = Catalog::open_sqlite(&home.path().join("yosoku.db"))
            .await
            .unwrap();
        let clock = Arc::new(ManualClock::new(1_000_000));
        Self {
            catalog,
            clock,
            stop: CancellationToken::new(),
            _home: home,
        }
    }

    async fn data_source(&self, id: &str) -> EntityRef {
        let pin = DatasetPin {
            name: DatasetName::new("a").unwrap(),
            version: ContentHash::from_digest([1; 32]),
        };
        let version = DatasetVersion {
            name: pin.name.clone(),
            version: pin.version.clone(),
            size_bytes: 1,
            blob: BlobKey::new("datasets/uploads/a/1").unwrap(),
            media: MediaHints::default(),
            created_at: 0,
        };
        self.catalog.dataset_put(&version, 0).await.unwrap();
        let spec = DataSourceSpec {
            dataset: Some(pin),
            location: None,
            query: None,
            schema: None,
            split: None,
            header: None,
            without_statistics: false,
            target: None,
        };
        self.create(Entity::new(
            EntityId::new(id).unwrap(),
            String::new(),
            &json!({}),
            spec,
            0,
        ))
        .await
    }

    async fn model(&self, id: &str, datasource: &EntityRef) -> EntityRef {
        let spec = ModelSpec {
            datasource: datasource.id.clone(),
            task: None,
            recipe: None,
            parameters: Default::default(),
            positive: None,
            earlier: None,
        };
        self.create(Entity::new(
            EntityId::new(id).unwrap(),
            String::new(),
            &json!({}),
            spec,
            0,
        ))
        .await
    }

    async fn create(&self, entity: Entity) -> EntityRef {
        self.catalog.entity_create(entity).await.unwrap().entity.at()
    }

    async fn get(&self, at: &EntityRef) -> Entity {
        self.catalog.entity_get(at).await.unwrap()
    }

    fn runner(&self, number: u8, handler: impl JobHandler) -> Runner {
        let options = RunnerOptions {
            renew: Duration::from_millis(1),
            ..RunnerOptions::default()
        };
        let worker = WorkerId::new(1, [number; 8]);
        Runner::new(
            self.catalog.clone(),
            self.clock.clone(),
            Arc::new(handler),
            worker,
            options,
        )
    }

    async fn until(&self, at: &EntityRef, wanted: impl Fn(&Entity) -> bool) -> Entity {
        let changed = self.catalog.changed();
        loop {
            let wake = changed.notified();
            tokio::pin!(wake);
            wake.as_mut().enable();
            let entity = self.get(at).await;
            if wanted(&entity) {
                return entity;
            }
            wake.await;
        }
    }
}

fn made() -> Result<Produced, JobError> {
    Ok(Produced::DataSource(DataSourceResult {
        rows: 3,
        size_bytes: 1,
        document: json!({}),
        files: Vec::new(),
        staged: false,
    }))
}

fn works(job: &ClaimedJob, _: &JobContext) -> Result<Produced, JobError> {
    assert_eq!(job.entity.kind(), EntityKind::DataSource);
    made()
}

fn spins_until_stopped(_: &ClaimedJob, context: &JobContext) -> Result<Produced, JobError> {
    while context.progress(Stage::Profile, 1, 2).is_continue() {
        std::thread::yield_now();
    }
    Err(JobError::Stopped)
}

#[tokio::test]
async fn a_job_of_a_dead_worker_is_finished_once_by_another() {
    let bench = Bench::new().await;
    let at = bench.data_source("ds-1").await;
    let dead = bench.runner(1, works);
    let lost = dead.claim().await.unwrap().unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let heir = bench.runner(2, move |job: &ClaimedJob, _: &JobContext| {
        counted.fetch_add(1, Ordering::SeqCst);
        assert_eq!((job.attempt, job.claim), (2, 2));
        made()
    });
    assert_eq!(
        heir.run_one(&bench.stop).await.unwrap(),
        None,
        "the lease still holds"
    );
    bench.clock.advance(LEASE_MICROS);
    assert_eq!(heir.run_one(&bench.stop).await.unwrap(), Some(Settled::Recorded));
    // The dead one wakes up and wants to have failed.
    let late = dead
        .settle(&lost, Settlement::Failed(Problem::new("x", "late")))
        .await
        .unwrap();
    assert_eq!(late, Settled::LeaseLost);
    assert_eq!(bench.get(&at).await.status, Status::Completed);
    bench.clock.advance(10 * LEASE_MICROS);
    assert_eq!(heir.run_one(&bench.stop).await.unwrap(), None);
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_stops_running_work() {
    let bench = Bench::new().await;
    let at = bench.data_source("ds-1").await;
    let waiting = bench.model("ml-1", &at).await;
    let runner = bench.runner(1, spins_until_stopped);
    let stop = bench.stop.clone();
    let task = tokio::spawn(async move { runner.run_one(&stop).await });
    let seen = bench.until(&at, |e| e.progress.fraction > 0.0).await;
    assert_eq!(
        (seen.status, seen.progress.stage),
        (Status::InProgress, Some(Stage::Profile))
    );
    bench.catalog.entity_cancel(&at, 5).await.unwrap();
    assert_eq!(task.await.unwrap().unwrap(), Some(Settled::Recorded));
    let entity = bench.get(&at).await;
    assert_eq!(
        (entity.status, entity.error.unwrap().code.as_str()),
        (Status::Failed, "cancelled")
    );
    assert_eq!(bench.get(&waiting).await.error.unwrap().code, "dependency_failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutting_down_gives_the_work_back_without_counting_the_attempt() {
    let bench = Bench::new().await;
    let at = bench.data_source("ds-1").await;
    let runner = bench.runner(1, spins_until_stopped);
    let stop = bench.stop.clone();
    let task = tokio::spawn(async move { runner.run(stop).await });
    bench.until(&at, |e| e.progress.fraction > 0.0).await;
    bench.stop.cancel();
    task.await.unwrap();
    assert_eq!(bench.get(&at).await.status, Status::InProgress);
    let next = bench.runner(2, works).claim().await.unwrap().unwrap();
    assert_eq!((next.attempt, next.claim), (1, 2));
}

#[tokio::test]
async fn a_failure_reaches_whatever_waits_for_it() {
    let bench = Bench::new().await;
    let at = bench.data_source("ds-1").await;
    let waiting = bench.model("ml-1", &at).await;
    let runner = bench.runner(1, |_: &ClaimedJob, _: &JobContext| {
        Err(Problem::new("empty_file", "the file is empty").into())
    });
    assert_eq!(
        runner.run_one(&bench.stop).await.unwrap(),
        Some(Settled::Recorded)
    );
    assert_eq!(runner.run_one(&bench.stop).await.unwrap(), None);
    assert_eq!(bench.get(&at).await.error.unwrap().code, "empty_file");
    let entity = bench.get(&waiting).await;
    assert_eq!(entity.status, Status::Failed);
    assert_eq!(
        entity.message.unwrap(),
        "data source ds-1, which this model needs, failed: the file is empty"
    );
}

#[tokio::test]
async fn stopping_without_being_asked_counts_as_an_attempt() {
    let bench = Bench::new().await;
    let at = bench.data_source("ds-1").await;
    let runner = bench.runner(1, |_: &ClaimedJob, _: &JobContext| Err(JobError::Stopped));
    assert_eq!(
        runner.run_one(&bench.stop).await.unwrap(),
        Some(Settled::Recorded)
    );
    assert!(
        bench
            .get(&at)
            .await
            .message
            .unwrap()
            .starts_with("attempt 1 of 5 failed")
    );
    assert_eq!(
        runner.run_one(&bench.stop).await.unwrap(),
        None,
        "it waits before the next attempt"
    );
}

#[tokio::test]
async fn an_attempt_that_panics_is_repeated_and_finally_given_up() {
    let bench = Bench::new().await;
    let at = bench.data_source("ds-1").await;
    let runner = bench.runner(
        1,
        |_: &ClaimedJob, _: &JobContext| -> Result<Produced, JobError> { panic!("a pretended defect") },
    );
    for attempt in 1..=MAX_ATTEMPTS {
        assert_eq!(bench.get(&at).await.status == Status::Pending, attempt == 1);
        assert_eq!(
            runner.run_one(&bench.stop).await.unwrap(),
            Some(Settled::Recorded)
        );
        assert_eq!(
            runner.run_one(&bench.stop).await.unwrap(),
            None,
            "it waits before the next attempt"
        );
        bench.clock.advance(60_000_000);
    }
    let entity = bench.get(&at).await;
    let error = entity.error.unwrap();
    assert_eq!((entity.status, error.code.as_str()), (Status::Failed, "internal"));
    assert!(
        error.message.starts_with("given up after 5 attempts"),
        "{}",
        error.message
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_work_wakes_a_sleeping_runner_and_jobs_run_side_by_side() {
    let bench = Bench::new().await;
    // Each job waits for the other to have begun, so one at a time would never end.
    let (begun, seen) = mpsc::channel::<()>();
    let seen = std::sync::Mutex::new(seen);
    let barrier = Arc::new(std::sync::Barrier::new(2));
    let mut runner = bench.runner(1, move |_: &ClaimedJob, _: &JobContext| {
        begun.send(()).unwrap();
        barrier.wait();
        made()
    });
    // An hour: only the notification can be in time.
    runner.options = RunnerOptions {
        concurrency: 2,
        poll: Duration::from_secs(3600),
        ..runner.options
    };
    let stop = bench.stop.clone();
    let task = tokio::spawn(async move { runner.run(stop).await });
    let first = bench.data_source("ds-1").await;
    let second = bench.data_source("ds-2").await;
    bench.until(&first, |e| e.status == Status::Completed).await;
    bench.until(&second, |e| e.status == Status::Completed).await;
    bench.stop.cancel();
    task.await.unwrap();
    assert_eq!(seen.lock().unwrap().try_iter().count(), 2);
}

/// Loses its job to another worker while it works, then hands a file back.
struct Loser {
    bench: (Catalog, Arc<ManualClock>),
    discarded: Arc<AtomicUsize>,
}

impl JobHandler for Loser {
    fn run(&self, _: &ClaimedJob, _: &JobContext) -> Result<Produced, JobError> {
        let (catalog, clock) = &self.bench;
        // Beyond any lease that is renewed meanwhile.
        let later = clock.now_micros() + 10 * LEASE_MICROS;
        let heir = WorkerId::new(1, [2; 8]);
        let taken = catalog.job_claim(&heir, later, later + LEASE_MICROS);
        let taken = tokio::runtime::Handle::current().block_on(taken).unwrap();
        assert_eq!(taken.unwrap().claim, 2);
        Ok(Produced::Model(crate::domain::spec::ModelResult {
            task: crate::ml::Task::Binary,
            bundle: BlobKey::new("models/ml/1.yosoku").unwrap(),
            bundle_hash: ContentHash::from_digest([9; 32]),
            size_bytes: 5,
            threshold: None,
            document: json!({}),
            threshold_at: None,
            endpoint: None,
        }))
    }

    fn discard(&self, job: &ClaimedJob) {
        assert_eq!(job.claim, 1);
        self.discarded.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_of_an_attempt_that_lost_its_job_is_discarded() {
    let bench = Bench::new().await;
    bench.data_source("ds-1").await;
    let discarded = Arc::new(AtomicUsize::new(0));
    let loser = Loser {
        bench: (bench.catalog.clone(), bench.clock.clone()),
        discarded: discarded.clone(),
    };
    let runner = bench.runner(1, loser);
    assert_eq!(
        runner.run_one(&bench.stop).await.unwrap(),
        Some(Settled::LeaseLost)
    );
    assert_eq!(discarded.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_asks_knows_whether_it_holds_its_job() {
    let bench = Bench::new().await;
    bench.data_source("ds-1").await;
    let (catalog, clock) = (bench.catalog.clone(), bench.clock.clone());
    let (told, heard) = mpsc::channel();
    let asks = move |_: &ClaimedJob, context: &JobContext| {
        let before = context.confirm();
        let later = clock.now_micros() + 10 * LEASE_MICROS;
        let heir = WorkerId::new(1, [2; 8]);
        let taken = catalog.job_claim(&heir, later, later + LEASE_MICROS);
        let taken = Handle::current().block_on(taken).unwrap().is_some();
        // Nobody has told it.
        let reason = context.stop_reason();
        told.send((before, taken, reason, context.confirm(), context.stop_reason()))
            .unwrap();
        Err::<Produced, _>(JobError::Stopped)
    };
    let mut runner = bench.runner(1, asks);
    runner.options.renew = Duration::from_secs(3600);
    let settled = runner.run_one(&bench.stop).await.unwrap();
    assert_eq!(settled, Some(Settled::LeaseLost));
    let lost = (Err(JobError::Stopped), Some(StopReason::LeaseLost));
    assert_eq!(heard.recv().unwrap(), (Ok(()), true, None, lost.0, lost.1));
}
