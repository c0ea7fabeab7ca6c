//! From a dataset to an evaluated model in one call.

use serde_json::{Value, json};

use crate::support::{CANCER, DIABETES, IRIS, Place};

async fn judged(name: &str, text: &'static str) -> (Value, Value) {
    let place = Place::with(&[(name, text)]).await;
    let ids = place.trained("t", name).await;
    let read = async |kind: &str, id: &Value| {
        place
            .get(&format!("/v1/{kind}/{}", id.as_str().unwrap()))
            .await
            .json()
    };
    (
        read("models", &ids["model"]).await,
        read("evaluations", &ids["evaluation"]).await,
    )
}

#[tokio::test]
async fn all_three_types_are_told_apart_and_judged() {
    for (name, text, kind, metric) in [
        ("cancer.csv", CANCER, "binary", "auc"),
        ("iris.csv", IRIS, "multiclass", "macro_f1"),
        ("diabetes.csv", DIABETES, "regression", "rmse"),
    ] {
        let (model, evaluation) = judged(name, text).await;
        assert_eq!(
            (&model["type"], &evaluation["type"]),
            (&json!(kind), &json!(kind))
        );
        let (found, base) = (
            &evaluation["metrics"][metric]["value"],
            &evaluation["baseline"][metric],
        );
        let (found, base) = (found.as_f64().unwrap(), base.as_f64().unwrap());
        assert!(
            if metric == "rmse" {
                found < base
            } else {
                found > base
            },
            "{name}: {found} against {base}"
        );
        assert_eq!(model.get("threshold").is_some(), kind == "binary");
    }
}

#[tokio::test]
async fn one_call_makes_everything_and_a_repeat_makes_nothing() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let wish =
        json!({"id": "spring", "name": "flowers", "dataset": "iris.csv", "target": "target", "seed": 7});
    let made = place.post("/v1/train", wish.clone()).await.expect(202);
    let ids = made.json();
    assert_eq!(
        made.header("location"),
        format!("/v1/models/{}", ids["model"].as_str().unwrap())
    );
    assert_eq!(made.header("retry-after"), "1");
    for member in ["datasource", "evaluation_datasource", "model", "evaluation"] {
        assert!(ids[member].as_str().unwrap().contains("spring"), "{ids}");
    }
    assert_eq!(place.post("/v1/train", wish).await.expect(200).json(), ids);
    let source = place
        .get(&format!(
            "/v1/datasources/{}",
            ids["datasource"].as_str().unwrap()
        ))
        .await
        .json();
    assert_eq!(
        (&source["split"]["seed"], &source["name"]),
        (&json!(7), &json!("flowers"))
    );
    let other = json!({"id": "spring", "dataset": "iris.csv", "target": "target", "seed": 8});
    place
        .post("/v1/train", other)
        .await
        .problem(409, "parameter_mismatch");
}

#[tokio::test]
async fn without_a_holdout_nothing_is_evaluated() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let wish = json!({"dataset": "iris.csv", "target": "target", "holdout": 0});
    let ids = place.post("/v1/train", wish).await.expect(202).json();
    assert!(
        ids["evaluation"].is_null() && ids["evaluation_datasource"].is_null(),
        "{ids}"
    );
    assert_eq!(place.work().await, 2);
    let model = place
        .get(&format!("/v1/models/{}", ids["model"].as_str().unwrap()))
        .await
        .json();
    assert_eq!(model["rows"]["training"], 150);
}

/// A model goes on from another one: with its penalty and its recipe, once that one is there.
#[tokio::test]
async fn a_model_goes_on_from_another() {
    let place = Place::with(&[("cancer.csv", CANCER)]).await;
    place
        .post(
            "/v1/datasources",
            json!({"id": "ds-1", "dataset": "cancer.csv", "target": "target"}),
        )
        .await
        .expect(202);
    let first = json!({"id": "ml-1", "datasource": "ds-1", "parameters": {"class_weights": {"benign": 2}}});
    let second = json!({"id": "ml-2", "datasource": "ds-1", "from": "ml-1"});
    place.post("/v1/models", first).await.expect(202);
    let none = place.get("/v1/models/ml-1/log").await.problem(409, "wrong_state");
    assert!(none["detail"].as_str().unwrap().contains("COMPLETED"));
    let made = place.post("/v1/models", second.clone()).await.expect(202).json();
    assert_eq!(made["from"], "ml-1");
    assert_eq!(place.work().await, 3);
    let (first, second) = (
        place.get("/v1/models/ml-1").await.json(),
        place.get("/v1/models/ml-2").await.json(),
    );
    assert_eq!(
        (&second["status"], &second["recipe"]),
        (&json!("COMPLETED"), &first["recipe"])
    );
    assert_eq!(second["solver"]["l2"], first["solver"]["l2"]);
    assert_eq!(first["parameters"]["class_weights"], r#"{"benign":2}"#);
    let log = place.get("/v1/models/ml-2/log").await.expect(200);
    assert_eq!(log.header("content-type"), "text/plain; charset=utf-8");
    for text in [
        second["hash"].as_str().unwrap(),
        first["hash"].as_str().unwrap(),
        "569 learned from",
        "classes count `benign` 2",
    ] {
        assert!(log.text().contains(text), "{}", log.text());
    }
    let unknown = json!({"id": "ml-3", "datasource": "ds-1", "from": "ml-none"});
    let problem = place
        .post("/v1/models", unknown)
        .await
        .problem(400, "unknown_reference");
    assert_eq!(problem["errors"][0]["pointer"], "/from");
}
