//! Entities: creation, change, end.

use yosoku::catalog::CatalogError;
use yosoku::domain::entity::Problem;
use yosoku::domain::ids::EntityKind;
use yosoku::domain::job::Settlement;
use yosoku::domain::status::Status;

use crate::support::*;

pub async fn a_repeat_is_the_same_entity_and_a_change_is_a_conflict(place: &Place) {
    let catalog = with_dataset(place).await;
    let first = catalog.entity_create(data_source("ds-1", 10)).await.unwrap();
    assert!(first.fresh);
    let mut later = data_source("ds-1", 99);
    later.name = "ignored: the request decides".into();
    let again = catalog.entity_create(later).await.unwrap();
    assert!(!again.fresh);
    assert_eq!(again.entity, first.entity);

    let mut other = data_source("ds-1", 10);
    other.request = "{}".into();
    let error = catalog.entity_create(other).await.unwrap_err();
    assert!(
        matches!(&error, CatalogError::Conflict { at } if *at == ds("ds-1")),
        "{error}"
    );

    // The same identifier is free for another kind.
    create(&catalog, model("ds-1", "ds-1", 11)).await;

    assert_eq!(catalog.entity_repeated(&ds("ds-2"), "{}").await.unwrap(), None);
    assert!(
        catalog
            .entity_repeated(&ds("ds-1"), &first.entity.request)
            .await
            .unwrap()
            .is_some()
    );
    assert!(catalog.entity_repeated(&ds("ds-1"), "{}").await.is_err());

    catalog.entity_delete(&ds("ds-1"), None, 20).await.unwrap();
    let taken = catalog.entity_create(data_source("ds-1", 30)).await.unwrap_err();
    assert!(
        matches!(taken, CatalogError::Conflict { .. }),
        "a deleted identifier stays taken"
    );
}

pub async fn several_are_created_together_or_not_at_all(place: &Place) {
    let catalog = with_dataset(place).await;
    let workflow = |missing: &str| {
        vec![
            data_source("train", 1),
            data_source("held", 1),
            model("m", "train", 1),
            evaluation("e", "m", missing, 1),
        ]
    };
    let error = catalog.entity_create_all(workflow("nowhere")).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no data source nowhere");
    assert!(
        catalog.entity_get(&ds("train")).await.is_err(),
        "nothing is half created"
    );
    assert!(claim(&catalog, 1, 100).await.is_none());

    let created = catalog.entity_create_all(workflow("held")).await.unwrap();
    assert!(created.iter().all(|c| c.fresh));
    let created = catalog.entity_create_all(workflow("held")).await.unwrap();
    assert!(created.iter().all(|c| !c.fresh));
}

pub async fn what_cannot_be_used_is_refused_at_creation(place: &Place) {
    let catalog = place.open().await;
    let error = catalog.entity_create(data_source("ds-1", 1)).await.unwrap_err();
    assert!(
        matches!(error, CatalogError::DatasetVersionNotFound { .. }),
        "{error}"
    );

    catalog
        .dataset_put(&version("data.csv", 1, "a"), 1)
        .await
        .unwrap();
    create(&catalog, data_source("ds-1", 1)).await;
    let job = claim(&catalog, 1, 2).await.unwrap();
    catalog
        .job_settle(&job, 3, Settlement::Failed(Problem::new("empty_file", "empty")))
        .await
        .unwrap();
    let error = catalog.entity_create(model("ml-1", "ds-1", 4)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "data source ds-1 is FAILED and cannot be used; choose another one"
    );
    assert!(catalog.entity_get(&ml("ml-1")).await.is_err());
}

pub async fn changes_need_the_revision_that_was_read(place: &Place) {
    let catalog = with_dataset(place).await;
    create(&catalog, data_source("ds-1", 1)).await;
    let rename = |name: &'static str| {
        move |entity: &mut yosoku::domain::entity::Entity| {
            entity.name = name.into();
            Ok::<(), CatalogError>(())
        }
    };
    let read = catalog.entity_get(&ds("ds-1")).await.unwrap();
    let changed = catalog
        .entity_update(&read.at(), Some(read.revision), 5, rename("new ü"))
        .await
        .unwrap();
    assert_eq!(
        (changed.name.as_str(), changed.updated_at, changed.created_at),
        ("new ü", 5, 1)
    );
    assert_ne!(changed.etag(), read.etag());
    assert_eq!(catalog.entity_get(&read.at()).await.unwrap(), changed);

    let error = catalog
        .entity_update(&read.at(), Some(read.revision), 6, rename("late"))
        .await
        .unwrap_err();
    assert!(matches!(error, CatalogError::RevisionMismatch { .. }));
    let error = catalog
        .entity_delete(&read.at(), Some(read.revision), 6)
        .await
        .unwrap_err();
    assert!(matches!(error, CatalogError::RevisionMismatch { .. }));

    let at_read = read.at();
    let refused = catalog.entity_update(&at_read, None, 7, |entity| {
        entity.name = "refused".into();
        Err(CatalogError::NotFound { at: ml("pretended") })
    });
    assert!(refused.await.is_err());
    assert_eq!(catalog.entity_get(&read.at()).await.unwrap(), changed);
    assert!(
        catalog
            .entity_update(&ds("none"), None, 7, rename("x"))
            .await
            .is_err()
    );
}

pub async fn everything_survives_reopening(place: &Place) {
    let catalog = with_dataset(place).await;
    create(&catalog, data_source("ds-1", 1)).await;
    create(&catalog, model("ml-1", "ds-1", 2)).await;
    finish_next(&catalog, 3).await;
    finish_next(&catalog, 4).await;
    let before = catalog.entity_get(&ml("ml-1")).await.unwrap();
    assert_eq!(before.status, Status::Completed);
    assert_eq!(
        before.model().unwrap().result.as_ref().unwrap().threshold,
        Some(0.1 + 0.2),
        "to the bit"
    );
    catalog.close().await;
    let again = place.open().await;
    assert_eq!(again.entity_get(&ml("ml-1")).await.unwrap(), before);
    again.ping().await.unwrap();
}

pub async fn a_newer_schema_is_refused(place: &Place) {
    place.open().await.close().await;
    execute(&place.url, "UPDATE schema_version SET version = 1000").await;
    let error = yosoku::catalog::Catalog::open(&place.url).await.unwrap_err();
    assert!(
        matches!(error, CatalogError::SchemaTooNew { found: 1000, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("use a newer program"));
}

pub async fn cancelling_ends_what_has_not_begun(place: &Place) {
    let catalog = with_dataset(place).await;
    create(&catalog, data_source("ds-1", 1)).await;
    create(&catalog, model("ml-1", "ds-1", 2)).await;
    create(&catalog, evaluation("ev-1", "ml-1", "ds-1", 3)).await;
    let cancelled = catalog.entity_cancel(&ml("ml-1"), 4).await.unwrap();
    assert_eq!(
        (cancelled.status, cancelled.finished_at),
        (Status::Failed, Some(4))
    );
    let cause = cancelled.error.unwrap();
    assert_eq!(cause.code, "cancelled");
    let waiting = catalog
        .entity_get(&at(EntityKind::Evaluation, "ev-1"))
        .await
        .unwrap();
    assert_eq!(
        waiting.error.unwrap().message,
        format!(
            "model ml-1, which this evaluation needs, failed: {}",
            cause.message
        )
    );

    assert_eq!(finish_next(&catalog, 5).await, ds("ds-1"));
    assert!(
        claim(&catalog, 1, 6).await.is_none(),
        "what was cancelled never runs"
    );
    let error = catalog.entity_cancel(&ds("ds-1"), 7).await.unwrap_err();
    assert!(
        matches!(
            error,
            CatalogError::WrongState {
                status: Status::Completed,
                ..
            }
        ),
        "{error}"
    );
}

pub async fn deleting_fails_what_waits_and_leaves_what_is_done(place: &Place) {
    let catalog = with_dataset(place).await;
    create(&catalog, data_source("ds-1", 1)).await;
    create(&catalog, model("done", "ds-1", 2)).await;
    finish_next(&catalog, 3).await;
    finish_next(&catalog, 4).await;
    create(&catalog, model("waits", "ds-1", 5)).await;
    create(&catalog, evaluation("waits", "waits", "ds-1", 6)).await;
    let dependents = catalog.entity_dependents(&ds("ds-1"), 10).await.unwrap();
    let dependents: Vec<String> = dependents.iter().map(|e| e.at().to_string()).collect();
    assert_eq!(dependents, ["evaluation waits", "model done", "model waits"]);
    assert_eq!(catalog.entity_dependents(&ds("ds-1"), 1).await.unwrap().len(), 1);

    let deleted = catalog.entity_delete(&ds("ds-1"), None, 7).await.unwrap();
    assert_eq!(deleted.status, Status::Deleted);
    assert_eq!(
        catalog.entity_delete(&ds("ds-1"), None, 8).await.unwrap(),
        deleted,
        "twice is no error"
    );
    assert!(
        deleted.data_source().unwrap().result.is_some(),
        "everything stays readable"
    );
    assert_eq!(
        catalog.entity_get(&ml("done")).await.unwrap().status,
        Status::Completed
    );
    let failed = catalog.entity_get(&ml("waits")).await.unwrap();
    assert_eq!(
        failed.error.unwrap().message,
        "data source ds-1, which this model needs, was deleted"
    );
    let failed = catalog
        .entity_get(&at(EntityKind::Evaluation, "waits"))
        .await
        .unwrap();
    assert_eq!(failed.status, Status::Failed);
}
