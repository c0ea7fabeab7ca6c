//! Thresholds over HTTP: asked for by a goal, stored with the model, used by predictions.

use serde_json::{Value, json};

use crate::support::{CANCER, IRIS, Place};

#[tokio::test]
async fn a_threshold_is_asked_for_stored_and_used() {
    let place = Place::with(&[("cancer.csv", CANCER)]).await;
    let ids = place.trained("t", "cancer.csv").await;
    let path = format!(
        "/v1/evaluations/{}/threshold",
        ids["evaluation"].as_str().unwrap()
    );
    let model = format!("/v1/models/{}", ids["model"].as_str().unwrap());
    let ask = async |query: &str| place.get(&format!("{path}?{query}")).await.expect(200).json();
    let number = |of: &Value| of.as_f64().unwrap();

    let sure = ask("precision=1").await;
    assert_eq!(sure["model"], ids["model"]);
    assert_eq!(sure["evaluated"]["threshold"], 0.5);
    assert_eq!(sure["advised"]["precision"]["value"], 1.0);
    assert!(number(&sure["advised"]["precision"]["low"]) < 1.0);
    assert!(sure["advised"].get("cost").is_none());
    let complete = ask("recall=1").await;
    assert_eq!(complete["advised"]["confusion"]["fn"], 0);
    assert!(number(&complete["advised"]["threshold"]) < number(&sure["advised"]["threshold"]));
    let few = ask("capacity=10&of=100").await;
    assert!(number(&few["advised"]["rate"]["value"]) <= 0.1);
    assert_eq!(few["advised"], ask("rate=0.1").await["advised"]);
    let costly = ask("false_positive_cost=1&false_negative_cost=20").await;
    let (advised, evaluated) = (&costly["advised"], &costly["evaluated"]);
    assert!(number(&advised["cost"]["value"]) <= number(&evaluated["cost"]["value"]));
    let counts = &advised["confusion"];
    let by_hand = (number(&counts["fp"]) + 20.0 * number(&counts["fn"])) / number(&costly["records"]);
    assert!((number(&advised["cost"]["value"]) - by_hand).abs() < 1e-12);

    let threshold = &sure["advised"]["threshold"];
    place
        .patch(&model, &[], json!({"threshold": threshold}))
        .await
        .expect(200);
    let answer = place
        .post(&format!("{model}/predict"), json!({"records": [{}]}))
        .await
        .expect(200)
        .json();
    assert_eq!(&answer["predictions"][0]["threshold"], threshold);
}

#[tokio::test]
async fn what_no_threshold_can_do_is_refused_with_advice() {
    let place = Place::with(&[("iris.csv", IRIS), ("cancer.csv", CANCER)]).await;
    let ids = place.trained("t", "cancer.csv").await;
    let path = format!(
        "/v1/evaluations/{}/threshold",
        ids["evaluation"].as_str().unwrap()
    );
    for (query, code, words) in [
        ("", "invalid_parameter", "0 goals are given"),
        ("?recall=0.5&rate=0.1", "invalid_parameter", "2 goals"),
        ("?recall=2", "invalid_parameter", "`recall` is 2"),
        ("?capacity=10", "invalid_parameter", "of how many"),
        ("?capacity=10&of=0", "invalid_parameter", "of how many"),
        ("?false_positive_cost=1", "invalid_parameter", "both costs"),
        (
            "?false_positive_cost=-1&false_negative_cost=1",
            "invalid_parameter",
            "costs",
        ),
        ("?precison=0.5", "unknown_parameter", "precison"),
    ] {
        let problem = place.get(&format!("{path}{query}")).await.expect(400).json();
        assert_eq!(problem["code"], code, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
    }
    let several = place.trained("several", "iris.csv").await;
    let path = format!(
        "/v1/evaluations/{}/threshold",
        several["evaluation"].as_str().unwrap()
    );
    let problem = place.get(&format!("{path}?recall=1")).await.expect(400).json();
    assert!(
        problem["detail"].as_str().unwrap().contains("not binary"),
        "{problem}"
    );
    place
        .get("/v1/evaluations/none/threshold?recall=1")
        .await
        .expect(404);
}
