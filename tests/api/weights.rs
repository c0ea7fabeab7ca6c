//! The weights of a model over HTTP: pages, filters, errors and refusals.

use serde_json::json;

use crate::support::{CANCER, IRIS, Place};

#[tokio::test]
async fn weights_come_in_pages_those_that_matter_most_first() {
    let place = Place::with(&[("cancer.csv", CANCER)]).await;
    let ids = place.trained("t", "cancer.csv").await;
    let path = format!("/v1/models/{}/weights", ids["model"].as_str().unwrap());
    let all = place.get(&format!("{path}?limit=1000")).await.expect(200).json();
    let weights = all["weights"].as_array().unwrap();
    assert_eq!(all["total"], weights.len());
    assert_eq!(
        (&all["scale"], &all["errors"], &all["type"]),
        (&json!("log_odds"), &json!("classical"), &json!("binary"))
    );
    let effects: Vec<f64> = weights
        .iter()
        .map(|weight| weight["effect"].as_f64().unwrap())
        .collect();
    assert!(effects.is_sorted_by(|a, b| a >= b) && effects[0] > 0.0);
    let page = place
        .get(&format!("{path}?limit=2&offset=1"))
        .await
        .expect(200)
        .json();
    assert_eq!(page["weights"].as_array().unwrap()[..], weights[1..3]);
    let name = weights[0]["attribute"].as_str().unwrap();
    let robust = place
        .get(&format!("{path}?attribute={name}&robust=true"))
        .await
        .expect(200)
        .json();
    assert_eq!(robust["errors"], "robust");
    let of_name = robust["weights"].as_array().unwrap();
    assert!(of_name.len() < weights.len() && of_name.iter().all(|weight| weight["attribute"] == name));
    let (one, other) = (&weights[0]["per_unit"], &of_name[0]["per_unit"]);
    assert!(one["weight"] == other["weight"] && one["error"] != other["error"]);
    let benign = place
        .get(&format!("{path}?class=benign&limit=1"))
        .await
        .expect(200)
        .json();
    let opposite = benign["weights"][0]["per_unit"]["weight"].as_f64().unwrap();
    assert_eq!(opposite, -one["weight"].as_f64().unwrap());
}

#[tokio::test]
async fn what_does_not_exist_is_refused_with_advice() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let ids = place.trained("t", "iris.csv").await;
    let path = format!("/v1/models/{}/weights", ids["model"].as_str().unwrap());
    let cases = [
        ("?class=setsa", "invalid_parameter", "did you mean `setosa`"),
        (
            "?attribute=petal",
            "invalid_parameter",
            "there are `sepal_length_cm`",
        ),
        ("?limit=0", "invalid_parameter", "give 1 to 1000"),
        ("?limit=1001", "invalid_parameter", "give 1 to 1000"),
        ("?top=3", "unknown_parameter", "top"),
    ];
    for (query, code, words) in cases {
        let refused = place.get(&format!("{path}{query}")).await.expect(400).json();
        assert_eq!(refused["code"], code, "{query}: {refused}");
        assert!(
            refused["detail"].as_str().unwrap().contains(words),
            "{query}: {refused}"
        );
    }
    place.get("/v1/models/none/weights").await.expect(404);
    let setosa = place
        .get(&format!("{path}?class=setosa"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&setosa["scale"], setosa["intercepts"].as_array().unwrap().len()),
        (&json!("score"), 1)
    );
}

#[tokio::test]
async fn a_model_in_the_making_has_no_weights() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let request = json!({"id": "iris", "dataset": "iris.csv", "target": "target"});
    let ids = place.post("/v1/train", request).await.expect(202).json();
    let path = format!("/v1/models/{}/weights", ids["model"].as_str().unwrap());
    let refused = place.get(&path).await.expect(409).json();
    assert_eq!(refused["code"], "wrong_state");
}
