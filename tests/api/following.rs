//! Waiting for work: by a long poll and by server-sent events.

use futures_util::future::join;
use serde_json::{Value, json};

use crate::support::{IRIS, Place};

async fn place() -> Place {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    place
        .post("/v1/datasources", json!({"id": "ds-1", "dataset": "iris.csv"}))
        .await
        .expect(202);
    place
}

/// The events of a stream: name and data.
fn events(text: &str) -> Vec<(String, Value)> {
    let blocks = text.split("\n\n").filter(|block| !block.trim().is_empty());
    blocks
        .map(|block| {
            let field = |name: &str| {
                block
                    .lines()
                    .find_map(|line| line.strip_prefix(name))
                    .unwrap_or_default()
                    .trim()
            };
            (
                field("event:").to_owned(),
                serde_json::from_str(field("data:")).unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_long_poll_answers_when_the_work_has_ended() {
    let place = place().await;
    let (answer, done) = join(place.get("/v1/datasources/ds-1?wait=30"), place.work()).await;
    assert_eq!(done, 1);
    assert_eq!(answer.expect(200).json()["status"], "COMPLETED");
    let at_once = place.get("/v1/datasources/ds-1?wait=30").await.expect(200);
    assert_eq!(at_once.json()["status"], "COMPLETED");
}

#[tokio::test]
async fn a_long_poll_ends_in_time_and_when_the_server_stops() {
    let place = place().await;
    let answer = place.get("/v1/datasources/ds-1?wait=0").await.expect(200);
    assert_eq!(answer.json()["status"], "PENDING");
    place
        .get("/v1/datasources/ds-1?wait=-1")
        .await
        .problem(400, "invalid_parameter");
    place
        .get("/v1/datasources/ds-2?wait=30")
        .await
        .problem(404, "not_found");
    let (answer, ()) = join(place.get("/v1/datasources/ds-1?wait=30"), async {
        place.stop.cancel()
    })
    .await;
    assert_eq!(answer.expect(200).json()["status"], "PENDING");
}

#[tokio::test]
async fn events_tell_every_change_and_the_end() {
    let place = place().await;
    let work = async {
        let job = place.claim().await.unwrap();
        tokio::task::yield_now().await;
        place.finish(job).await;
    };
    let (answer, ()) = join(place.get("/v1/datasources/ds-1/events"), work).await;
    let answer = answer.expect(200);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let events = events(&answer.text());
    assert!(events.len() >= 2, "{events:?}");
    let (last, before) = events.split_last().unwrap();
    assert_eq!(
        (last.0.as_str(), &last.1["status"]),
        ("done", &json!("COMPLETED"))
    );
    assert_eq!(last.1, place.get("/v1/datasources/ds-1").await.json());
    assert!(
        before
            .iter()
            .all(|(name, data)| name == "progress" && data["status"] != "COMPLETED"),
        "{before:?}"
    );
}

#[tokio::test]
async fn events_of_what_has_ended_are_one() {
    let place = place().await;
    place.work().await;
    let events = events(&place.get("/v1/datasources/ds-1/events").await.expect(200).text());
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].0, "done");
}

#[tokio::test]
async fn events_end_without_done_when_the_server_stops() {
    let place = place().await;
    let (answer, ()) = join(place.get("/v1/datasources/ds-1/events"), async {
        place.stop.cancel()
    })
    .await;
    assert!(!answer.expect(200).text().contains("event: done"));
    place
        .get("/v1/datasources/ds-2/events")
        .await
        .problem(404, "not_found");
}
