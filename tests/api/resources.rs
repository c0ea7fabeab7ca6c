//! The four kinds of resources: made one after the other, read, changed, cancelled, deleted.

use serde_json::{Value, json};

use crate::support::{CANCER, IRIS, Place, members};

#[tokio::test]
async fn the_whole_way_step_by_step() {
    let place = Place::with(&[("cancer.csv", CANCER)]).await;
    let split = |complement: bool| json!({"percent_begin": 0, "percent_end": 70, "seed": 1, "complement": complement});
    let source = |id: &str, complement: bool| json!({"id": id, "dataset": "cancer.csv", "target": "target", "split": split(complement)});
    let made = place
        .post("/v1/datasources", source("ds-train", false))
        .await
        .expect(202);
    assert_eq!(made.header("location"), "/v1/datasources/ds-train");
    assert_eq!(made.header("retry-after"), "1");
    assert_eq!(made.json()["status"], "PENDING");
    assert_eq!(made.header("etag"), "\"1\"");
    place
        .post("/v1/datasources", source("ds-test", true))
        .await
        .expect(202);
    let model = json!({"id": "ml-1", "name": "first", "datasource": "ds-train", "parameters": {"l2": 0.001}});
    let model = place.post("/v1/models", model).await.expect(202).json();
    assert_eq!(
        (&model["parameters"], &model["name"]),
        (&json!({"l2": "0.001"}), &json!("first"))
    );
    place
        .post(
            "/v1/evaluations",
            json!({"id": "ev-1", "model": "ml-1", "datasource": "ds-test"}),
        )
        .await
        .expect(202);
    let batch = json!({"id": "bp-1", "model": "ml-1", "dataset": "cancer.csv", "columns": ["mean_radius"], "explain": true});
    place.post("/v1/batch-predictions", batch).await.expect(202);
    assert_eq!(place.work().await, 5);

    let source = place.get("/v1/datasources/ds-train").await.expect(200).json();
    assert_eq!(
        (&source["status"], &source["progress"]["fraction"]),
        (&json!("COMPLETED"), &json!(1.0))
    );
    let test = place.get("/v1/datasources/ds-test").await.json();
    assert_eq!(
        source["rows"].as_u64().unwrap() + test["rows"].as_u64().unwrap(),
        569
    );
    assert_eq!(source["split"], split(false));
    assert_eq!(source["schema"]["targetAttributeName"], "target");
    assert!(source["statistics"].is_object());
    assert!(source["created_at"].as_str().unwrap().ends_with("Z"));

    let model = place.get("/v1/models/ml-1").await.json();
    assert_eq!(
        (&model["type"], &model["threshold"]),
        (&json!("binary"), &json!(0.5))
    );
    assert_eq!(model["rows"]["training"], source["rows"]);
    for member in ["target", "recipe", "solver", "schema", "seconds", "memory"] {
        assert!(model[member].is_object(), "{member}: {model}");
    }
    assert!(model["features"].as_u64().unwrap() >= 30);

    let evaluation = place.get("/v1/evaluations/ev-1").await.json();
    assert_eq!(evaluation["records"], test["rows"]);
    let auc = evaluation["metrics"]["auc"]["value"].as_f64().unwrap();
    assert!(auc > 0.98, "{auc}");
    assert_eq!(evaluation["baseline"]["auc"], 0.5);
    assert_eq!(evaluation["report"]["metrics"], evaluation["metrics"]);
    assert!(evaluation["report"]["roc"].is_array());

    let batch = place.get("/v1/batch-predictions/bp-1").await.json();
    assert_eq!((&batch["rows"], &batch["invalid_rows"]), (&json!(569), &json!(0)));
    assert_eq!(batch["output"], "/v1/batch-predictions/bp-1/output");
    assert_eq!(batch["summary"]["records"], 569);
}

#[tokio::test]
async fn list_items_leave_the_big_documents_out() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let ids = place.trained("first", "iris.csv").await;
    place
        .post(
            "/v1/batch-predictions",
            json!({"id": "bp-1", "model": ids["model"], "dataset": "iris.csv"}),
        )
        .await;
    place.work().await;
    for (path, big) in [
        ("/v1/datasources", &["schema", "statistics", "insights"][..]),
        ("/v1/models", &["recipe", "solver", "schema"]),
        ("/v1/evaluations", &["report"]),
        ("/v1/batch-predictions", &["summary"]),
    ] {
        let item = place.get(path).await.expect(200).json()["items"][0].take();
        let full = place
            .get(&format!("{path}/{}", item["id"].as_str().unwrap()))
            .await
            .json();
        let mut expected = members(&full);
        expected.retain(|member| !big.contains(member));
        assert_eq!(members(&item), expected, "{path}");
        assert_eq!(expected.len() + big.len(), members(&full).len(), "{path}");
    }
}

#[tokio::test]
async fn a_repeat_gets_what_is_there_and_another_request_is_refused() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let wish = json!({"id": "ds-1", "dataset": "iris.csv", "target": "target"});
    let first = place.post("/v1/datasources", wish.clone()).await.expect(202);
    let again = place.post("/v1/datasources", wish.clone()).await.expect(200);
    assert_eq!(again.json(), first.json());
    assert_eq!(
        (again.header("location"), again.header("retry-after")),
        ("/v1/datasources/ds-1", "")
    );
    let other = json!({"id": "ds-1", "dataset": "iris.csv"});
    place
        .post("/v1/datasources", other)
        .await
        .problem(409, "parameter_mismatch");
    let made: Value = place
        .post("/v1/datasources", json!({"dataset": "iris.csv"}))
        .await
        .expect(202)
        .json();
    assert!(made["id"].as_str().unwrap().starts_with("ds-"));
}

#[tokio::test]
async fn a_repeat_about_other_rows_is_refused() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let wishes = [
        (
            "/v1/train",
            json!({"id": "t", "dataset": "iris.csv", "target": "target"}),
        ),
        ("/v1/datasources", json!({"id": "d", "dataset": "iris.csv"})),
        (
            "/v1/batch-predictions",
            json!({"id": "b", "model": "t", "dataset": "iris.csv"}),
        ),
    ];
    for (path, wish) in &wishes {
        place.post(path, wish.clone()).await.expect(202);
    }
    // The same bytes are the same version.
    place.put("iris.csv", IRIS).await.expect(200);
    for (path, wish) in &wishes {
        place.post(path, wish.clone()).await.expect(200);
    }
    place
        .put("iris.csv", "sepal_length_cm,target\n1,a\n2,b\n")
        .await
        .expect(200);
    for (path, wish) in &wishes {
        let refused = place.post(path, wish.clone()).await;
        let problem = refused.problem(409, "dataset_replaced");
        let message = problem["detail"].as_str().unwrap();
        assert!(message.contains("`iris.csv`"), "{message}");
    }
}

#[tokio::test]
async fn what_waits_in_vain_tells_the_first_cause() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let wish = json!({"id": "typo", "dataset": "iris.csv", "target": "species"});
    place.post("/v1/train", wish).await.expect(202);
    place.work().await;
    for path in ["/v1/models/typo", "/v1/evaluations/typo"] {
        let found = place.get(path).await.json();
        let message = found["message"].as_str().unwrap_or_else(|| panic!("{found}"));
        assert!(
            message.contains("which this") && message.contains("`species`"),
            "{found}"
        );
    }
}

#[tokio::test]
async fn a_resource_is_sent_again_only_when_it_changed() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    place
        .post("/v1/datasources", json!({"id": "ds-1", "dataset": "iris.csv"}))
        .await
        .expect(202);
    let first = place.get("/v1/datasources/ds-1").await.expect(200);
    let known = [("if-none-match", first.header("etag"))];
    let same = place
        .send("GET /v1/datasources/ds-1", &known, "")
        .await
        .expect(304);
    assert!(same.bytes().is_empty());
    place.work().await;
    let changed = place
        .send("GET /v1/datasources/ds-1", &known, "")
        .await
        .expect(200);
    assert_ne!(changed.header("etag"), first.header("etag"));
}

#[tokio::test]
async fn a_change_reaches_the_state_that_was_meant_or_none() {
    let place = Place::with(&[("cancer.csv", CANCER)]).await;
    let ids = place.trained("first", "cancer.csv").await;
    let path = format!("/v1/models/{}", ids["model"].as_str().unwrap());
    let read = place.get(&path).await.expect(200);
    let etag = read.header("etag");
    let changed = place
        .patch(
            &path,
            &[("if-match", etag)],
            json!({"name": "better", "threshold": 0.25}),
        )
        .await
        .expect(200);
    assert_eq!(
        (&changed.json()["name"], &changed.json()["threshold"]),
        (&json!("better"), &json!(0.25))
    );
    let stale = json!({"name": "worse"});
    place
        .patch(&path, &[("if-match", etag)], stale.clone())
        .await
        .problem(412, "revision_mismatch");
    place
        .send(&format!("DELETE {path}"), &[("if-match", etag)], "")
        .await
        .problem(412, "revision_mismatch");
    let both = format!("{etag}, {}", changed.header("etag"));
    place
        .patch(&path, &[("if-match", &both)], json!({}))
        .await
        .expect(200);
    place.patch(&path, &[("if-match", "*")], stale).await.expect(200);
    assert_eq!(place.get(&path).await.json()["name"], "worse");
    place
        .patch(&path, &[], json!({"treshold": 1}))
        .await
        .problem(400, "unknown_field");
    let problem = place
        .patch(&path, &[], json!({"threshold": 2}))
        .await
        .problem(400, "invalid_value");
    assert_eq!(problem["errors"][0]["pointer"], "/threshold");
    let evaluation = format!("/v1/evaluations/{}", ids["evaluation"].as_str().unwrap());
    place
        .patch(&evaluation, &[], json!({"threshold": 0.5}))
        .await
        .problem(400, "unknown_field");
}

#[tokio::test]
async fn what_is_deleted_can_be_read_but_not_used() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let ids = place.trained("first", "iris.csv").await;
    let path = format!("/v1/models/{}", ids["model"].as_str().unwrap());
    let gone = place.delete(&path).await.expect(204);
    assert!(gone.bytes().is_empty());
    assert_eq!(place.get(&path).await.expect(200).json()["status"], "DELETED");
    assert_eq!(place.get("/v1/models").await.json()["items"], json!([]));
    assert_eq!(
        place.get("/v1/models?status=DELETED").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    place
        .get(&format!("{path}/bundle"))
        .await
        .problem(409, "wrong_state");
    place
        .post(&format!("{path}/predict"), json!({"record": {}}))
        .await
        .problem(409, "wrong_state");
    place
        .patch(&path, &[], json!({"name": "x"}))
        .await
        .problem(409, "wrong_state");
    let batch = json!({"model": ids["model"], "dataset": "iris.csv"});
    place
        .post("/v1/batch-predictions", batch)
        .await
        .problem(409, "wrong_state");
}

#[tokio::test]
async fn work_that_has_not_begun_is_cancelled_at_once() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    place
        .post("/v1/datasources", json!({"id": "ds-1", "dataset": "iris.csv"}))
        .await
        .expect(202);
    let stopped = place
        .post("/v1/datasources/ds-1/cancel", json!({}))
        .await
        .expect(202)
        .json();
    assert_eq!(
        (&stopped["status"], &stopped["error"]["code"]),
        (&json!("FAILED"), &json!("cancelled"))
    );
    assert_eq!(stopped["error"]["type"], "urn:yosoku:error:cancelled");
    place
        .post("/v1/datasources/ds-1/cancel", json!({}))
        .await
        .problem(409, "wrong_state");
    assert_eq!(place.work().await, 0);
}

#[tokio::test]
async fn work_that_has_begun_is_asked_to_stop() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    place
        .post("/v1/datasources", json!({"id": "ds-1", "dataset": "iris.csv"}))
        .await
        .expect(202);
    place.claim().await.unwrap();
    let answer = place
        .send("POST /v1/datasources/ds-1/cancel", &[], "")
        .await
        .expect(202);
    assert_eq!(answer.header("location"), "/v1/datasources/ds-1");
    assert_eq!(answer.json()["status"], "INPROGRESS");
}

#[tokio::test]
async fn work_that_fails_says_why_as_a_problem() {
    let place = Place::with(&[("one.csv", "a,target\n1,x\n2,x\n3,x\n")]).await;
    let wish = json!({"id": "t", "dataset": "one.csv", "target": "target", "holdout": 0});
    let ids = place.post("/v1/train", wish).await.expect(202).json();
    place.work().await;
    let model = place
        .get(&format!("/v1/models/{}", ids["model"].as_str().unwrap()))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&model["status"], &model["error"]["code"]),
        (&json!("FAILED"), &json!("one_class"))
    );
    assert_eq!(model["error"]["status"], 400);
    assert_eq!(model["message"], model["error"]["detail"]);
    assert!(model["error"]["hint"].is_string());
}
