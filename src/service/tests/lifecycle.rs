//! Reading, listing, changing, deleting, cancelling and waiting, the same for every kind.

use futures_util::{StreamExt, TryStreamExt};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::domain::ids::EntityId;
use crate::domain::status::Status;
use crate::service::requests::{Changes, ListQuery, NewBatchPrediction};

fn name(name: &str) -> Changes {
    Changes {
        name: Some(name.to_owned()),
        threshold: None,
    }
}

fn threshold(threshold: f64) -> Changes {
    Changes {
        name: None,
        threshold: Some(threshold),
    }
}

#[tokio::test]
async fn names_change_unless_someone_else_was_faster() {
    let place = Place::new().await;
    place.model(CLASSES).await;
    let update = |if_match, changes| {
        place
            .service
            .entity_update(EntityKind::Model, "ml", if_match, changes)
    };
    let first = place.get(EntityKind::Model, "ml").await;
    let second = update(Some(first.revision), name("one")).await.unwrap();
    assert_eq!(
        (second.name.as_str(), second.revision),
        ("one", first.revision + 1)
    );
    let refused = update(Some(first.revision), name("two")).await;
    assert_eq!(refusal(refused).0, "revision_mismatch");
    assert_eq!(
        refusal(update(None, name("\n")).await),
        at("invalid_value", "/name")
    );
    let missing = place
        .service
        .entity_update(EntityKind::Model, "no", None, name("x"))
        .await;
    assert_eq!(refusal(missing).0, "not_found");
    place
        .service
        .entity_delete(EntityKind::Model, "ml", None)
        .await
        .unwrap();
    assert_eq!(refusal(update(None, name("three")).await).0, "wrong_state");
}

#[tokio::test]
async fn only_finished_binary_models_have_a_threshold() {
    let place = Place::new().await;
    place.model(BINARY).await;
    let update =
        |kind, id: &'static str, value| place.service.entity_update(kind, id, None, threshold(value));
    assert_eq!(
        refusal(update(EntityKind::Model, "ml", 0.5).await).0,
        "wrong_state"
    );
    place.work("ds").await;
    place.work("ml").await;
    for bad in [-0.1, 1.1, f64::NAN] {
        let refused = update(EntityKind::Model, "ml", bad).await;
        assert_eq!(refusal(refused), at("invalid_value", "/threshold"));
    }
    let of_data = update(EntityKind::DataSource, "ds", 0.5).await;
    assert_eq!(refusal(of_data), at("invalid_value", "/threshold"));
    let changed = update(EntityKind::Model, "ml", 0.25).await.unwrap();
    assert_eq!(
        changed.model().unwrap().result.as_ref().unwrap().threshold,
        Some(0.25)
    );

    let place = Place::new().await;
    place.finished_model(NUMBERS).await;
    let refused = place
        .service
        .entity_update(EntityKind::Model, "ml", None, threshold(0.5))
        .await;
    assert_eq!(refusal(refused), at("invalid_value", "/threshold"));
}

#[tokio::test]
async fn deleting_fails_what_waits_and_spares_what_is_done() {
    let place = Place::new().await;
    place.finished_model(CLASSES).await;
    place.service.model_create(model("other")).await.unwrap();
    let delete = || place.service.entity_delete(EntityKind::DataSource, "ds", None);
    let deleted = delete().await.unwrap();
    assert_eq!(deleted.status, Status::Deleted);
    assert_eq!(delete().await.unwrap(), deleted);
    assert_eq!(place.get(EntityKind::Model, "ml").await.status, Status::Completed);
    let waiting = place.get(EntityKind::Model, "other").await;
    assert_eq!(waiting.error.unwrap().code, "dependency_failed");
    let refused = place.service.model_create(model("third")).await;
    assert_eq!(refusal(refused).0, "wrong_state");
    place.service.answering("ml").await.unwrap();
}

#[tokio::test]
async fn cancelling_ends_what_is_not_finished() {
    let place = Place::new().await;
    place.model(CLASSES).await;
    let job = place.claim("ds").await;
    let cancel = |kind, id: &'static str| place.service.entity_cancel(kind, id);
    assert!(
        cancel(EntityKind::DataSource, "ds")
            .await
            .unwrap()
            .cancel_requested
    );
    place.settle(&job, Settlement::Cancelled).await;
    let source = place.get(EntityKind::DataSource, "ds").await;
    assert_eq!(source.error.unwrap().code, "cancelled");
    assert_eq!(
        refusal(cancel(EntityKind::DataSource, "ds").await).0,
        "wrong_state"
    );
    assert_eq!(refusal(cancel(EntityKind::Model, "no").await).0, "not_found");
    assert_eq!(refusal(cancel(EntityKind::Model, "a/b").await).0, "invalid_id");
}

#[tokio::test]
async fn lists_are_filtered_by_what_things_are_made_from() {
    let place = Place::new().await;
    place.model(CLASSES).await;
    place.service.data_source_create(source("ds2")).await.unwrap();
    let second = NewModel {
        datasource: "ds2".to_owned(),
        ..model("ml2")
    };
    place.service.model_create(second).await.unwrap();
    let list = |kind, query| place.service.entity_list(kind, query);
    let from = |id: &str| ListQuery {
        datasource: Some(id.to_owned()),
        ..ListQuery::default()
    };
    let page = list(EntityKind::Model, from("ds2")).await.unwrap();
    assert_eq!(
        page.items.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(),
        ["ml2"]
    );
    assert_eq!(
        refusal(list(EntityKind::DataSource, from("ds")).await).0,
        "invalid_parameter"
    );
    let status = ListQuery {
        status: Some("READY".to_owned()),
        ..ListQuery::default()
    };
    assert_eq!(
        refusal(list(EntityKind::Model, status).await).0,
        "invalid_parameter"
    );
    let cursor = ListQuery {
        cursor: Some("zz".to_owned()),
        ..ListQuery::default()
    };
    assert_eq!(refusal(list(EntityKind::Model, cursor).await).0, "invalid_cursor");
    let odd = ListQuery {
        name_prefix: Some("a\0".to_owned()),
        ..ListQuery::default()
    };
    assert_eq!(refusal(list(EntityKind::Model, odd).await).0, "invalid_parameter");
    let one = |cursor| ListQuery {
        page_size: Some(1),
        cursor,
        ..ListQuery::default()
    };
    let first = list(EntityKind::Model, one(None)).await.unwrap();
    let rest = list(EntityKind::Model, one(first.next_cursor)).await.unwrap();
    assert_ne!(first.items[0].id, rest.items[0].id);
    assert_eq!(rest.next_cursor, None);
}

#[tokio::test]
async fn a_batch_prediction_hands_out_its_file_when_it_is_there() {
    let place = Place::new().await;
    place.finished_model(CLASSES).await;
    let batch = NewBatchPrediction {
        id: Some("bp".to_owned()),
        model: "ml".to_owned(),
        dataset: Some("data.csv".to_owned()),
        ..NewBatchPrediction::default()
    };
    place.service.batch_prediction_create(batch).await.unwrap();
    let early = place.service.batch_output("bp", None).await;
    assert_eq!(refusal(early).0, "wrong_state");
    place.work("bp").await;
    let (_, reading) = place.service.batch_output("bp", None).await.unwrap();
    let chunks: Vec<Bytes> = reading.stream.try_collect().await.unwrap();
    assert_eq!(chunks.concat(), b"score\n1\n");
    place
        .service
        .entity_delete(EntityKind::BatchPrediction, "bp", None)
        .await
        .unwrap();
    assert_eq!(
        refusal(place.service.batch_output("bp", None).await).0,
        "wrong_state"
    );
}

#[tokio::test]
async fn waiting_ends_with_the_work_the_time_or_the_server() {
    let place = Place::new().await;
    place.put("data.csv", CLASSES).await.unwrap();
    place.service.data_source_create(source("ds")).await.unwrap();
    let running = CancellationToken::new();
    let wait = |seconds, stop| {
        let service = place.service.clone();
        async move {
            service
                .entity_wait(EntityKind::DataSource, "ds", seconds, &stop)
                .await
        }
    };
    assert_eq!(wait(0, running.clone()).await.unwrap().status, Status::Pending);
    let stopped = CancellationToken::new();
    stopped.cancel();
    assert_eq!(wait(60, stopped).await.unwrap().status, Status::Pending);
    let (waited, ()) = tokio::join!(wait(60, running.clone()), place.work("ds"));
    assert_eq!(waited.unwrap().status, Status::Completed);
    assert_eq!(wait(60, running).await.unwrap().status, Status::Completed);
}

#[tokio::test]
async fn changes_are_told_one_by_one_to_the_end() {
    let place = Place::new().await;
    place.put("data.csv", CLASSES).await.unwrap();
    place.service.data_source_create(source("ds")).await.unwrap();
    let follow = |stop| {
        let id = EntityId::new("ds").unwrap();
        Box::pin(place.service.entity_changes(EntityKind::DataSource, id, stop))
    };
    let mut changes = follow(CancellationToken::new());
    assert_eq!(changes.next().await.unwrap().status, Status::Pending);
    let job = place.claim("ds").await;
    assert_eq!(changes.next().await.unwrap().status, Status::InProgress);
    place.settle(&job, Settlement::Cancelled).await;
    assert_eq!(changes.next().await.unwrap().status, Status::Failed);
    assert_eq!(changes.next().await, None);

    let stop = CancellationToken::new();
    place.service.data_source_create(source("ds2")).await.unwrap();
    let id = EntityId::new("ds2").unwrap();
    let changes = place
        .service
        .entity_changes(EntityKind::DataSource, id, stop.clone());
    let mut changes = Box::pin(changes);
    assert!(changes.next().await.is_some());
    stop.cancel();
    assert_eq!(changes.next().await, None);
    assert_eq!(follow(stop).next().await.unwrap().status, Status::Failed);
}
