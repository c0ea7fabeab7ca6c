//! Jobs: claims, leases, ends.

use yosoku::domain::entity::{Problem, Progress};
use yosoku::domain::ids::EntityKind;
use yosoku::domain::job::{JobKind, LEASE_MICROS, MAX_ATTEMPTS, Renewal, Settled, Settlement};
use yosoku::domain::spec::Produced;
use yosoku::domain::status::Status;
use yosoku::ml::observe::Stage;

use crate::support::*;

pub async fn a_job_waits_for_what_it_depends_on_and_gets_it(place: &Place) {
    let catalog = with_dataset(place).await;
    create(&catalog, data_source("ds-1", 1)).await;
    create(&catalog, model("ml-1", "ds-1", 2)).await;
    create(&catalog, evaluation("ev-1", "ml-1", "ds-1", 3)).await;
    create(&catalog, batch_on_dataset("bp-1", "ml-1", 4)).await;
    let profile = claim(&catalog, 1, 10).await.unwrap();
    assert_eq!(
        (profile.kind, profile.entity.status),
        (JobKind::ProfileData, Status::InProgress)
    );
    assert_eq!(
        profile.dataset_of(&profile.entity),
        Some(&version("data.csv", 1, "a"))
    );
    assert!(
        claim(&catalog, 2, 10).await.is_none(),
        "the model waits for the data source"
    );
    let made = Settlement::Completed(produced(EntityKind::DataSource));
    catalog.job_settle(&profile, 11, made).await.unwrap();

    let train = claim(&catalog, 2, 12).await.unwrap();
    assert_eq!(train.kind, JobKind::TrainModel);
    let source = train.input(EntityKind::DataSource).unwrap();
    assert_eq!(source.data_source().unwrap().result.as_ref().unwrap().rows, 10);
    assert!(
        train.dataset_of(source).is_some(),
        "with the bytes that the data source pins"
    );
    assert!(claim(&catalog, 1, 12).await.is_none());
    catalog
        .job_settle(&train, 13, Settlement::Completed(produced(EntityKind::Model)))
        .await
        .unwrap();

    let kinds = [
        claim(&catalog, 1, 14).await.unwrap().kind,
        claim(&catalog, 2, 14).await.unwrap().kind,
    ];
    assert_eq!(
        kinds,
        [JobKind::EvaluateModel, JobKind::BatchPredict],
        "oldest first"
    );
    assert!(claim(&catalog, 1, 14).await.is_none());
}

pub async fn a_lost_lease_may_not_renew_or_settle(place: &Place) {
    let catalog = with_dataset(place).await;
    create(&catalog, data_source("ds-1", 1)).await;
    let first = claim(&catalog, 1, 10).await.unwrap();
    let progress = Progress {
        fraction: 0.5,
        stage: Some(Stage::Profile),
        rows: Some(7),
        eta_seconds: Some(3),
    };
    let until = 20 + LEASE_MICROS;
    let revision = catalog.entity_get(&ds("ds-1")).await.unwrap().revision;
    assert_eq!(
        catalog.job_renew(&first, 20, until, &progress).await.unwrap(),
        Renewal::Held
    );
    let working = catalog.entity_get(&ds("ds-1")).await.unwrap();
    assert_eq!(working.progress, progress);
    assert_eq!(working.revision, revision, "progress alone is no revision");
    assert!(
        claim(&catalog, 2, until - 1).await.is_none(),
        "the renewed lease holds"
    );

    // The same worker, asleep for a while, gets the job anew; its old claim is void all the same.
    let second = claim(&catalog, 1, until).await.unwrap();
    assert_eq!((second.attempt, second.claim), (2, 2));
    assert_eq!(
        catalog
            .job_renew(&first, until, until * 2, &progress)
            .await
            .unwrap(),
        Renewal::Lost
    );
    let before = catalog.entity_get(&ds("ds-1")).await.unwrap();
    for late in [
        Settlement::Completed(produced(EntityKind::DataSource)),
        Settlement::Failed(Problem::new("x", "x")),
        Settlement::Retry(Problem::new("x", "x")),
        Settlement::Cancelled,
        Settlement::Released,
    ] {
        assert_eq!(
            catalog.job_settle(&first, until, late).await.unwrap(),
            Settled::LeaseLost
        );
    }
    assert_eq!(
        catalog.entity_get(&ds("ds-1")).await.unwrap(),
        before,
        "nothing was stored"
    );

    let made = Settlement::Completed(produced(EntityKind::DataSource));
    assert_eq!(
        catalog
            .job_settle(&second, until + 1, made.clone())
            .await
            .unwrap(),
        Settled::Recorded
    );
    assert_eq!(
        catalog.job_settle(&second, until + 2, made).await.unwrap(),
        Settled::LeaseLost,
        "exactly once"
    );
    let entity = catalog.entity_get(&ds("ds-1")).await.unwrap();
    assert_eq!(
        (entity.started_at, entity.finished_at),
        (Some(10), Some(until + 1))
    );
    assert_eq!((entity.progress.fraction, entity.progress.rows), (1.0, None));
}

pub async fn jobs_of_the_dead_are_claimable_at_once(place: &Place) {
    let catalog = with_dataset(place).await;
    create(&catalog, data_source("ds-1", 1)).await;
    create(&catalog, data_source("ds-2", 2)).await;
    create(&catalog, data_source("ds-3", 3)).await;
    let first = claim(&catalog, 1, 10).await.unwrap();
    let second = claim(&catalog, 2, 10).await.unwrap();
    let third = claim(&catalog, 1, 10).await.unwrap();
    catalog
        .job_settle(&third, 11, Settlement::Released)
        .await
        .unwrap();
    assert_eq!(catalog.job_abandon(&[], 12).await.unwrap(), 0);
    assert_eq!(catalog.job_abandon(&[worker(1), worker(9)], 12).await.unwrap(), 1);

    let again = [
        claim(&catalog, 3, 12).await.unwrap(),
        claim(&catalog, 3, 12).await.unwrap(),
    ];
    let mut ids = again.each_ref().map(|job| (job.id.as_str(), job.attempt));
    ids.sort_unstable();
    assert_eq!(
        ids,
        [(first.id.as_str(), 2), (third.id.as_str(), 1)],
        "the dead worker's job, as a further attempt, and the one it gave back"
    );
    assert!(
        claim(&catalog, 3, 12).await.is_none(),
        "the living worker keeps its job"
    );
    let until = 13 + LEASE_MICROS;
    let renewed = catalog.job_renew(&second, 13, until, &Progress::default()).await;
    assert_eq!(renewed.unwrap(), Renewal::Held);

    // Thought dead by mistake: nothing is lost before another worker claims the job.
    assert_eq!(catalog.job_abandon(&[worker(2)], 14).await.unwrap(), 1);
    let renewed = catalog.job_renew(&second, 14, until, &Progress::default()).await;
    assert_eq!(renewed.unwrap(), Renewal::Held);
    assert!(claim(&catalog, 3, 14).await.is_none());
    let made = Settlement::Completed(produced(EntityKind::DataSource));
    assert_eq!(
        catalog.job_settle(&second, 15, made).await.unwrap(),
        Settled::Recorded
    );
}

pub async fn a_released_attempt_does_not_count(place: &Place) {
    let catalog = with_dataset(place).await;
    create(&catalog, data_source("ds-1", 1)).await;
    for round in 1..=MAX_ATTEMPTS + 3 {
        let job = claim(&catalog, 1, 10).await.unwrap();
        assert_eq!(
            (job.attempt, job.claim),
            (1, round),
            "every claim has a number of its own"
        );
        catalog.job_settle(&job, 10, Settlement::Released).await.unwrap();
    }
    assert_eq!(finish_next(&catalog, 11).await, ds("ds-1"));
}

pub async fn retries_wait_longer_and_end(place: &Place) {
    let catalog = with_dataset(place).await;
    create(&catalog, data_source("ds-1", 1)).await;
    create(&catalog, model("ml-1", "ds-1", 1)).await;
    let mut now = 10;
    for attempt in 1..=MAX_ATTEMPTS {
        let job = claim(&catalog, 1, now).await.unwrap();
        assert_eq!(job.attempt, attempt);
        let trouble = Problem::new("storage_unavailable", "the store is away");
        catalog
            .job_settle(&job, now, Settlement::Retry(trouble))
            .await
            .unwrap();
        let entity = catalog.entity_get(&ds("ds-1")).await.unwrap();
        if attempt < MAX_ATTEMPTS {
            assert_eq!(entity.status, Status::InProgress);
            let message = entity.message.unwrap();
            assert_eq!(
                message,
                format!("attempt {attempt} of 5 failed and will be repeated: the store is away")
            );
            let delay = 1_000_000 << (attempt - 1);
            assert!(claim(&catalog, 1, now + delay - 1).await.is_none());
            now += delay;
        } else {
            assert_eq!(entity.status, Status::Failed);
            assert_eq!(
                entity.error.unwrap().message,
                "given up after 5 attempts: the store is away"
            );
        }
    }
    assert!(claim(&catalog, 1, i64::MAX / 2).await.is_none());
    assert_eq!(
        catalog.entity_get(&ml("ml-1")).await.unwrap().error.unwrap().code,
        "dependency_failed"
    );
}

pub async fn a_job_whose_workers_die_is_given_up(place: &Place) {
    let catalog = with_dataset(place).await;
    create(&catalog, data_source("ds-1", 1)).await;
    let mut now = 10;
    for attempt in 1..=MAX_ATTEMPTS {
        assert_eq!(claim(&catalog, 1, now).await.unwrap().attempt, attempt);
        now += LEASE_MICROS;
    }
    assert!(claim(&catalog, 1, now).await.is_none());
    let error = catalog.entity_get(&ds("ds-1")).await.unwrap().error.unwrap();
    assert_eq!(error.code, "attempts_exhausted");
    assert!(error.message.contains("died every time"), "{}", error.message);
}

pub async fn a_running_job_hears_of_cancel_and_delete(place: &Place) {
    let catalog = with_dataset(place).await;
    for id in ["ds-1", "ds-2"] {
        create(&catalog, data_source(id, 1)).await;
    }
    let jobs = [
        claim(&catalog, 1, 10).await.unwrap(),
        claim(&catalog, 1, 10).await.unwrap(),
    ];
    let asked = catalog.entity_cancel(&jobs[0].entity.at(), 11).await.unwrap();
    assert_eq!((asked.status, asked.cancel_requested), (Status::InProgress, true));
    catalog
        .entity_delete(&jobs[1].entity.at(), None, 11)
        .await
        .unwrap();
    for job in &jobs {
        let renewal = catalog
            .job_renew(job, 12, 12 + LEASE_MICROS, &Progress::default())
            .await
            .unwrap();
        assert_eq!(renewal, Renewal::CancelRequested);
        assert_eq!(
            catalog.job_settle(job, 13, Settlement::Cancelled).await.unwrap(),
            Settled::Recorded
        );
    }
    let cancelled = catalog.entity_get(&jobs[0].entity.at()).await.unwrap();
    assert_eq!(
        (cancelled.status, cancelled.cancel_requested),
        (Status::Failed, false)
    );
    assert_eq!(
        catalog.entity_get(&jobs[1].entity.at()).await.unwrap().status,
        Status::Deleted
    );
}

pub async fn a_cancelled_job_of_a_dead_worker_is_not_run_again(place: &Place) {
    let catalog = with_dataset(place).await;
    create(&catalog, data_source("ds-1", 1)).await;
    create(&catalog, data_source("ds-2", 2)).await;
    claim(&catalog, 1, 10).await.unwrap();
    catalog.entity_cancel(&ds("ds-1"), 11).await.unwrap();
    let next = claim(&catalog, 2, 10 + LEASE_MICROS).await.unwrap();
    assert_eq!(next.entity.at(), ds("ds-2"));
    assert!(claim(&catalog, 2, 10 + LEASE_MICROS).await.is_none());
    assert_eq!(
        catalog.entity_get(&ds("ds-1")).await.unwrap().error.unwrap().code,
        "cancelled"
    );
}

pub async fn files_go_when_no_running_work_needs_them(place: &Place) {
    let catalog = with_dataset(place).await;
    create(&catalog, data_source("ds-1", 1)).await;
    create(&catalog, model("ml-1", "ds-1", 1)).await;
    finish_next(&catalog, 2).await;
    finish_next(&catalog, 3).await;
    create(&catalog, batch_on_dataset("bp-1", "ml-1", 4)).await;
    let batch = claim(&catalog, 1, 5).await.unwrap();
    catalog.entity_delete(&ml("ml-1"), None, 6).await.unwrap();
    assert!(
        claim(&catalog, 2, 7).await.is_none(),
        "the model's file is being read"
    );

    // The worker dies; its work may still be taken over, although the model is deleted.
    let now = 5 + LEASE_MICROS;
    let again = claim(&catalog, 2, now).await.unwrap();
    assert_eq!((&again.id, again.attempt), (&batch.id, 2));
    catalog
        .job_settle(
            &again,
            now,
            Settlement::Completed(produced(EntityKind::BatchPrediction)),
        )
        .await
        .unwrap();

    let cleaning = claim(&catalog, 2, now).await.unwrap();
    assert_eq!(
        (cleaning.kind, cleaning.entity.status),
        (JobKind::DeleteFiles, Status::Deleted)
    );
    let renewal = catalog
        .job_renew(&cleaning, now, now + LEASE_MICROS, &Progress::default())
        .await
        .unwrap();
    assert_eq!(renewal, Renewal::Held);
    // Whatever goes wrong and however often, files are removed in the end.
    let failed = Settlement::Failed(Problem::new("storage_unavailable", "x"));
    let mut now = now;
    let mut cleaning = cleaning;
    for _ in 0..10 {
        let ended = catalog.job_settle(&cleaning, now, failed.clone()).await.unwrap();
        assert_eq!(ended, Settled::Recorded);
        now += 61_000_000;
        cleaning = claim(&catalog, 2, now).await.unwrap();
    }
    let done = Settlement::Completed(Produced::Nothing);
    assert_eq!(
        catalog.job_settle(&cleaning, now, done).await.unwrap(),
        Settled::Recorded
    );
    assert!(claim(&catalog, 2, i64::MAX / 2).await.is_none());
    let batch = catalog
        .entity_get(&at(EntityKind::BatchPrediction, "bp-1"))
        .await
        .unwrap();
    assert_eq!(batch.status, Status::Completed);
}

pub async fn a_result_of_another_kind_is_a_failure(place: &Place) {
    let catalog = with_dataset(place).await;
    create(&catalog, data_source("ds-1", 1)).await;
    let job = claim(&catalog, 1, 2).await.unwrap();
    catalog
        .job_settle(&job, 3, Settlement::Completed(produced(EntityKind::Model)))
        .await
        .unwrap();
    let entity = catalog.entity_get(&ds("ds-1")).await.unwrap();
    assert_eq!(
        (entity.status, entity.error.unwrap().code.as_str()),
        (Status::Failed, "internal")
    );
}

pub async fn a_job_that_cannot_be_read_keeps_no_other_waiting(place: &Place) {
    let catalog = with_dataset(place).await;
    // More than are looked at in one go.
    for n in 0..20 {
        create(&catalog, data_source(&format!("bad-{n}"), 1)).await;
    }
    create(&catalog, data_source("good", 2)).await;
    execute(
        &place.url,
        "UPDATE jobs SET kind = 'from_the_future' WHERE entity_id LIKE 'bad-1%'",
    )
    .await;
    execute(
        &place.url,
        "UPDATE entities SET document = '{' WHERE id LIKE 'bad-%'",
    )
    .await;
    let job = claim(&catalog, 1, 3).await.unwrap();
    assert_eq!(job.entity.at(), ds("good"));
    let nothing_else = catalog.job_claim(&worker(1), 3, 3 + LEASE_MICROS).await;
    assert!(nothing_else.is_err(), "{nothing_else:?}");
}
