//! Answers now: what a prediction says for each type of model, and what is said about odd records.

use serde_json::{Map, Value, json};

use crate::support::{CANCER, DIABETES, IRIS, Place};

/// The first record of a table, without its target, as numbers.
fn first_record(table: &str) -> Map<String, Value> {
    let mut lines = table.lines().map(|line| line.split(','));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let pairs = names.zip(values).filter(|(name, _)| *name != "target");
    pairs
        .map(|(name, text)| (name.to_owned(), serde_json::from_str(text).unwrap()))
        .collect()
}

async fn model(place: &Place, dataset: &str) -> String {
    let ids = place.trained("t", dataset).await;
    format!("/v1/models/{}/predict", ids["model"].as_str().unwrap())
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[tokio::test]
async fn a_two_class_model_answers_with_label_score_and_threshold() {
    let place = Place::with(&[("cancer.csv", CANCER)]).await;
    let path = model(&place, "cancer.csv").await;
    let answer = place
        .post(&path, json!({"record": first_record(CANCER)}))
        .await
        .expect(200)
        .json();
    assert_eq!(answer["type"], "binary");
    assert_eq!(answer["prediction"], answer["predictions"][0]);
    let prediction = &answer["prediction"];
    assert_eq!(prediction["threshold"], 0.5);
    assert_eq!(prediction["warnings"], json!([]));
    let shares = prediction["probabilities"].as_object().unwrap();
    let score = prediction["score"].as_f64().unwrap();
    let positive = shares.values().next_back().unwrap().as_f64().unwrap();
    assert!(close(score, positive) && close(shares.values().map(|share| share.as_f64().unwrap()).sum(), 1.0));
    let label = shares.keys().nth(usize::from(score >= 0.5)).unwrap();
    assert_eq!(prediction["label"], **label);
    let id = path.split('/').nth(3).unwrap();
    assert_eq!(answer["model"], id);
    assert_eq!(
        answer["model_hash"],
        place.get(&format!("/v1/models/{id}")).await.json()["hash"]
    );

    let other = format!("/v1/models/{id}");
    place
        .patch(
            &other,
            &[],
            json!({"threshold": if score >= 0.5 { 1.0 } else { 0.0 }}),
        )
        .await
        .expect(200);
    let moved = place
        .post(&path, json!({"record": first_record(CANCER)}))
        .await
        .json();
    assert_ne!(moved["prediction"]["label"], prediction["label"]);
    assert_eq!(moved["prediction"]["score"], prediction["score"]);
}

#[tokio::test]
async fn a_model_of_several_classes_answers_with_all_probabilities() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let path = model(&place, "iris.csv").await;
    let record = first_record(IRIS);
    let answer = place
        .post(&path, json!({"records": [record, record]}))
        .await
        .expect(200)
        .json();
    assert!(answer.get("prediction").is_none());
    let predictions = answer["predictions"].as_array().unwrap();
    assert_eq!((predictions.len(), &predictions[0]), (2, &predictions[1]));
    let shares = predictions[0]["probabilities"].as_object().unwrap();
    assert_eq!(shares.len(), 3);
    assert!(close(
        shares.values().map(|share| share.as_f64().unwrap()).sum(),
        1.0
    ));
    let label = predictions[0]["label"].as_str().unwrap();
    assert_eq!(predictions[0]["score"], shares[label]);
    assert!(
        shares
            .values()
            .all(|share| share.as_f64() <= predictions[0]["score"].as_f64())
    );
    assert!(predictions[0].get("threshold").is_none());
}

#[tokio::test]
async fn a_number_is_answered_with_a_number_and_explained() {
    let place = Place::with(&[("diabetes.csv", DIABETES)]).await;
    let path = model(&place, "diabetes.csv").await;
    let record = first_record(DIABETES);
    let answer = place
        .post(&format!("{path}?explain=true"), json!({"record": record}))
        .await
        .expect(200)
        .json();
    let prediction = &answer["prediction"];
    assert!(prediction.get("label").is_none() && prediction.get("score").is_none());
    let explanation = &prediction["explanation"];
    let contributions = explanation["contributions"].as_object().unwrap();
    assert_eq!(contributions.len(), record.len());
    let sum: f64 = contributions
        .values()
        .map(|amount| amount.as_f64().unwrap())
        .sum();
    let total = explanation["baseline"].as_f64().unwrap() + sum;
    assert!(
        (total - prediction["value"].as_f64().unwrap()).abs() < 1e-6,
        "{explanation}"
    );
    assert_eq!(explanation["score"], prediction["value"]);
    let plain = place.post(&path, json!({"record": record})).await.json();
    assert!(plain["prediction"].get("explanation").is_none());
    assert_eq!(plain["prediction"]["value"], prediction["value"]);
}

#[tokio::test]
async fn text_and_numbers_mean_the_same_as_in_a_file() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let path = model(&place, "iris.csv").await;
    let numbers = first_record(IRIS);
    let texts: Map<String, Value> = numbers
        .iter()
        .map(|(name, value)| (name.clone(), value.to_string().into()))
        .collect();
    let answer = place
        .post(&path, json!({"records": [numbers, texts]}))
        .await
        .json();
    assert_eq!(answer["predictions"][0], answer["predictions"][1]);

    let id = path.split('/').nth(3).unwrap();
    place
        .post(
            "/v1/batch-predictions",
            json!({"id": "bp", "model": id, "dataset": "iris.csv"}),
        )
        .await
        .expect(202);
    place.work().await;
    let output = place.get("/v1/batch-predictions/bp/output").await.text();
    let mut lines = output.lines().map(|line| line.split(','));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let shares = answer["predictions"][0]["probabilities"].as_object().unwrap();
    for (name, text) in names.zip(values).filter(|(name, _)| *name != "trueLabel") {
        assert_eq!(
            text.parse::<f64>().unwrap(),
            shares[name].as_f64().unwrap(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn odd_fields_are_warnings() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let path = model(&place, "iris.csv").await;
    let mut record = first_record(IRIS);
    let names: Vec<String> = record.keys().cloned().collect();
    record.insert(names[0].clone(), json!("tall"));
    record.remove(&names[1]);
    record.insert("colour".to_owned(), json!("red"));
    let answer = place
        .post(&path, json!({"record": record, "note": "x"}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        answer["warnings"],
        json!([{"field": "note", "code": "unknown_field"}])
    );
    let warnings = answer["prediction"]["warnings"].as_array().unwrap();
    let code = |field: &str| {
        warnings
            .iter()
            .find(|w| w["field"] == field)
            .map(|w| w["code"].as_str().unwrap())
    };
    assert_eq!(code(&names[0]), Some("invalid"), "{answer}");
    assert_eq!(code(&names[1]), Some("missing"), "{answer}");
    assert_eq!(code("colour"), Some("unknown_field"), "{answer}");
}

#[tokio::test]
async fn what_is_no_record_is_pointed_at() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let path = model(&place, "iris.csv").await;
    for (body, code, pointer) in [
        (
            json!({"records": [{}, {"a": [1]}]}),
            "invalid_value",
            json!("/records/1/a"),
        ),
        (json!({"records": [3]}), "invalid_value", json!("/records/0")),
        (json!({"record": "x"}), "invalid_value", json!("/record")),
        (json!({}), "invalid_input", Value::Null),
        (json!({"record": {}, "records": []}), "invalid_input", Value::Null),
    ] {
        let problem = place.post(&path, body.clone()).await.problem(400, code);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
    let many: Vec<Value> = vec![json!({}); 10_001];
    let refused = place.post(&path, json!({"records": many})).await.expect(400);
    assert!(
        refused.json()["detail"].as_str().unwrap().contains("10000"),
        "{}",
        refused.text()
    );
    place
        .post(&format!("{path}?explian=true"), json!({"record": {}}))
        .await
        .problem(400, "unknown_parameter");
}

#[tokio::test]
async fn a_model_in_the_making_does_not_answer() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let wish = json!({"dataset": "iris.csv", "target": "target"});
    let ids = place.post("/v1/train", wish).await.json();
    let path = format!("/v1/models/{}", ids["model"].as_str().unwrap());
    place
        .post(&format!("{path}/predict"), json!({"record": {}}))
        .await
        .problem(409, "wrong_state");
    place
        .get(&format!("{path}/bundle"))
        .await
        .problem(409, "wrong_state");
    place
        .post("/v1/models/ml-none/predict", json!({"record": {}}))
        .await
        .problem(404, "not_found");
}

#[tokio::test]
async fn predictions_are_counted() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let path = model(&place, "iris.csv").await;
    place
        .post(&path, json!({"records": [{}, {}, {}]}))
        .await
        .expect(200);
    let metrics = place.get("/metrics").await.expect(200).text();
    let counted = metrics
        .lines()
        .find(|line| line.contains("predictions_total{") && line.contains("realtime"));
    assert!(counted.is_some_and(|line| line.ends_with(" 3")), "{metrics}");
}
