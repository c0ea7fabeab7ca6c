//! Families: versions, aliases that move and go back, shadows, and what they protect.

use std::cell::Cell;

use serde_json::{Value, json};

use crate::support::{IRIS, Place};

/// A place with two models of one question, `one` and `two`.
async fn two_models() -> Place {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    place.trained("one", "iris.csv").await;
    let wish = json!({"id": "two", "dataset": "iris.csv", "target": "target", "seed": 7});
    place.post("/v1/train", wish).await.expect(202);
    place.work().await;
    place
}

async fn point(place: &Place, alias: &str, wish: Value) -> Value {
    let line = format!("PUT /v1/families/iris/aliases/{alias}");
    let json = [("content-type", "application/json")];
    place
        .send(&line, &json, wish.to_string())
        .await
        .expect(200)
        .json()
}

async fn answer(place: &Place, name: &str) -> Value {
    let record = json!({"record": {"petal_length_cm": 4.5, "petal_width_cm": 1.5}});
    place
        .post(&format!("/v1/models/{name}/predict"), record)
        .await
        .expect(200)
        .json()
}

#[tokio::test]
async fn an_alias_answers_with_the_version_it_means() {
    let place = two_models().await;
    let family = point(&place, "production", json!({"model": "one"})).await;
    assert_eq!(family["versions"][0]["version"], 1);
    assert_eq!(family["aliases"][0]["model"], "one");
    let (by_alias, by_id) = (
        answer(&place, "iris@production").await,
        answer(&place, "one").await,
    );
    assert_eq!(by_alias["prediction"], by_id["prediction"]);
    assert_eq!(
        (&by_alias["model"], &by_alias["family"], &by_alias["version"]),
        (&json!("one"), &json!("iris"), &json!(1))
    );
    assert!(by_id.get("family").is_none() && by_id.get("version").is_none());

    place
        .post("/v1/families/iris/versions", json!({"model": "two"}))
        .await
        .expect(200);
    assert_eq!(answer(&place, "iris@production").await["model"], "one");
    for (name, model) in [("iris@latest", "two"), ("iris@2", "two"), ("iris@1", "one")] {
        assert_eq!(answer(&place, name).await["model"], model, "{name}");
    }
    point(&place, "production", json!({"version": 2})).await;
    assert_eq!(answer(&place, "iris@production").await["model"], "two");
    let rolled_back = place
        .post("/v1/families/iris/aliases/production/rollback", json!({}))
        .await;
    assert_eq!(rolled_back.expect(200).json()["aliases"][0]["version"], 1);
    assert_eq!(answer(&place, "iris@production").await["model"], "one");
    place
        .post("/v1/families/iris/aliases/production/rollback", json!({}))
        .await
        .problem(409, "wrong_state");
}

#[tokio::test]
async fn every_request_of_many_is_answered_while_an_alias_moves() {
    let place = two_models().await;
    point(&place, "production", json!({"model": "one"})).await;
    point(&place, "next", json!({"model": "two"})).await;
    let is_done = Cell::new(false);
    let asking = async {
        let mut answered = 0;
        while !is_done.get() {
            let seen = answer(&place, "iris@production").await;
            let expected = if seen["version"] == 1 { "one" } else { "two" };
            assert_eq!(seen["model"], expected);
            answered += 1;
            tokio::task::yield_now().await;
        }
        answered
    };
    let moving = async {
        for step in 0..40 {
            let version = 1 + step % 2;
            point(&place, "production", json!({"version": version})).await;
            assert_eq!(answer(&place, "iris@production").await["version"], version);
        }
        is_done.set(true);
    };
    let (answered, ()) = tokio::join!(asking, moving);
    assert!(answered > 0);
}

#[tokio::test]
async fn a_shadow_answers_unseen_and_is_compared() {
    let place = two_models().await;
    let family = point(&place, "production", json!({"model": "one", "shadow": "two"})).await;
    assert_eq!(family["aliases"][0]["shadow"], 2);
    let seen = answer(&place, "iris@production").await;
    assert_eq!(seen["prediction"], answer(&place, "one").await["prediction"]);
    let compared = |metrics: &str, outcome: &str| -> u64 {
        let end = format!("outcome=\"{outcome}\"}} ");
        let is_it = |line: &&str| line.starts_with("yosoku_shadow_records_total{") && line.contains(&end);
        let count = |line: &str| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
        metrics.lines().find(is_it).map_or(0, count)
    };
    let mut metrics = String::new();
    for _ in 0..500 {
        metrics = place.get("/metrics").await.text();
        if compared(&metrics, "agreed") + compared(&metrics, "differed") == 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(
        compared(&metrics, "agreed") + compared(&metrics, "differed"),
        1,
        "{metrics}"
    );
    assert_eq!(compared(&metrics, "left_out"), 0);
    let count = "yosoku_shadow_score_difference_count{model=\"one\",shadow=\"two\"} 1";
    assert!(metrics.lines().any(|line| line == count), "{metrics}");
    let predictions = "yosoku_predictions_total{model=\"two\",kind=\"realtime\"}";
    assert!(
        !metrics.contains(predictions),
        "what nobody sees is no prediction"
    );
}

#[tokio::test]
async fn a_model_that_an_alias_means_stays() {
    let place = two_models().await;
    point(&place, "production", json!({"model": "one", "shadow": "two"})).await;
    for model in ["one", "two"] {
        let problem = place
            .delete(&format!("/v1/models/{model}"))
            .await
            .problem(409, "in_use");
        assert!(
            problem["detail"].as_str().unwrap().contains("iris@production"),
            "{problem}"
        );
    }
    place
        .delete("/v1/families/iris/aliases/production")
        .await
        .expect(204);
    place.delete("/v1/models/two").await.expect(204);
    let problem = place
        .post("/v1/models/iris@2/predict", json!({"record": {}}))
        .await;
    problem.problem(409, "wrong_state");
    place.delete("/v1/families/iris").await.expect(204);
    place.get("/v1/families/iris").await.problem(404, "not_found");
    let gone = place
        .post("/v1/models/iris@1/predict", json!({"record": {}}))
        .await;
    gone.problem(404, "not_found");
    answer(&place, "one").await;
}

#[tokio::test]
async fn deleted_versions_are_passed_over() {
    let place = two_models().await;
    place.trained("three", "iris.csv").await;
    for model in ["one", "two", "three"] {
        point(&place, "production", json!({"model": model})).await;
    }
    place.delete("/v1/models/two").await.expect(204);
    assert_eq!(answer(&place, "iris@latest").await["model"], "three");
    let back = "/v1/families/iris/aliases/production/rollback";
    let family = place.post(back, json!({})).await.expect(200).json();
    assert_eq!(family["aliases"][0]["version"], 1, "{family}");
    assert_eq!(family["aliases"][0]["earlier"], json!([]), "{family}");
    assert_eq!(answer(&place, "iris@production").await["model"], "one");
    let problem = place.post(back, json!({})).await.problem(409, "wrong_state");
    assert!(problem["detail"].as_str().unwrap().contains("not deleted"));

    place.delete("/v1/models/three").await.expect(204);
    place
        .delete("/v1/families/iris/aliases/production")
        .await
        .expect(204);
    for name in ["iris@latest", "iris@"] {
        let seen = answer(&place, name).await;
        assert_eq!((&seen["model"], &seen["version"]), (&json!("one"), &json!(1)));
    }
    place.delete("/v1/models/one").await.expect(204);
    place
        .post("/v1/models/iris@latest/predict", json!({"record": {}}))
        .await
        .problem(409, "wrong_state");
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let place = two_models().await;
    point(&place, "production", json!({"model": "one"})).await;
    let before = place.get("/v1/families/iris").await.expect(200);
    let (shown, etag) = (before.json(), before.header("etag").to_owned());
    let put = async |path: &str, body: Value| {
        let json = [("content-type", "application/json")];
        place
            .send(&format!("PUT /v1/families/{path}"), &json, body.to_string())
            .await
    };
    for (path, body, status, code) in [
        (
            "iris/aliases/production",
            json!({"version": 7}),
            400,
            "unknown_reference",
        ),
        (
            "iris/aliases/production",
            json!({"model": "none"}),
            400,
            "unknown_reference",
        ),
        (
            "iris/aliases/production",
            json!({"model": "two", "version": 1}),
            400,
            "invalid_value",
        ),
        ("iris/aliases/production", json!({}), 400, "invalid_value"),
        (
            "iris/aliases/production",
            json!({"model": "one", "shadow": "one"}),
            400,
            "invalid_value",
        ),
        ("iris/aliases/3", json!({"model": "one"}), 400, "invalid_id"),
        ("iris/aliases/latest", json!({"model": "one"}), 400, "invalid_id"),
        ("a%20b/aliases/x", json!({"model": "one"}), 400, "invalid_id"),
        ("new/aliases/x", json!({"version": 1}), 400, "unknown_reference"),
        (
            "iris/aliases/production",
            json!({"modle": "one"}),
            400,
            "unknown_field",
        ),
    ] {
        put(path, body.clone()).await.expect(status).json()["code"]
            .as_str()
            .filter(|found| *found == code)
            .unwrap_or_else(|| panic!("{path} {body} is not refused as {code}"));
    }
    place.get("/v1/families/new").await.problem(404, "not_found");
    assert_eq!(place.get("/v1/families/iris").await.json(), shown);
    let stale = [("content-type", "application/json"), ("if-match", "\"0\"")];
    let line = "PUT /v1/families/iris/aliases/production";
    let body = json!({"model": "two"}).to_string();
    place
        .send(line, &stale, body.clone())
        .await
        .problem(412, "revision_mismatch");
    let fresh = [("content-type", "application/json"), ("if-match", etag.as_str())];
    place.send(line, &fresh, body).await.expect(200);
    for name in ["iris@best", "iris@9", "none@production", "none@"] {
        let refused = place
            .post(&format!("/v1/models/{name}/predict"), json!({"record": {}}))
            .await;
        refused.problem(404, "not_found");
    }
    // Without a word behind it the sign means production, where there is such an alias.
    assert_eq!(answer(&place, "iris@").await["model"], "two");
    let listed = place.get("/v1/families").await.expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}
