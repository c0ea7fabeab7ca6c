//! What was used.

use serde_json::json;
use yosoku::http::auth::{Access, KeyRing};
use yosoku::http::keys;

use crate::support::{IRIS, Place, members};

#[tokio::test]
async fn work_and_predictions_are_counted_and_priced() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let nothing = place.get("/v1/usage").await.expect(200).json();
    assert_eq!(
        (&nothing["items"], &nothing["total"]["amount_usd"]),
        (&json!([]), &json!(0.0))
    );
    place.trained("iris", "iris.csv").await;
    let records = json!({"records": [{"petal_length_cm": 1}, {"petal_length_cm": 5}]});
    place.post("/v1/models/iris/predict", records).await.expect(200);
    place
        .post("/v1/models/iris/predict", json!({"records": [7]}))
        .await
        .expect(400);
    let table = "sepal_length_cm,sepal_width_cm,petal_length_cm,petal_width_cm\n5,3,1,0.2\nbroken\n6,3,5,2\n";
    place.put("new.csv", table).await.expect(201);
    let batch = json!({"id": "b", "model": "iris", "dataset": "new.csv"});
    place.post("/v1/batch-predictions", batch).await.expect(202);
    place.work().await;
    assert_eq!(
        place.get("/v1/batch-predictions/b").await.expect(200).json()["status"],
        "COMPLETED"
    );

    let usage = place.get("/v1/usage").await.expect(200).json();
    let items = usage["items"].as_array().unwrap();
    let iris = items.iter().find(|item| item["model"] == "iris").unwrap();
    assert_eq!(
        (&iris["realtime_predictions"], &iris["batch_predictions"]),
        (&json!(2), &json!(2)),
        "{usage}"
    );
    assert_eq!(iris["compute_ms"], 500, "a training and an evaluation");
    assert_eq!(
        members(iris),
        [
            "amount_usd",
            "batch_predictions",
            "compute_ms",
            "model",
            "realtime_predictions"
        ]
    );
    let statistics = items.iter().find(|item| item.get("model").is_none()).unwrap();
    assert_eq!(statistics["compute_ms"], 500, "two data sources");
    let sum = |member: &str| {
        items
            .iter()
            .map(|item| item[member].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(usage["total"]["compute_ms"], sum("compute_ms"));
    // Four predictions are 0.0004 USD, and the computing of some seconds little more.
    assert_eq!(
        (&usage["total"]["amount_usd"], &usage["you_paid_usd"]),
        (&json!(0.01), &json!(0))
    );

    let amount = |item: &serde_json::Value| item["amount_usd"].as_f64().unwrap();
    // Half a second of 0.42 USD an hour, and four predictions.
    assert_eq!((amount(iris), amount(statistics)), (0.000_458, 0.000_058));
    assert!(items.iter().map(amount).sum::<f64>() <= amount(&usage["total"]));

    let again = place
        .get("/v1/usage?from=2026-01-01&to=2026-01-01")
        .await
        .expect(200)
        .json();
    assert_eq!(again["items"], usage["items"]);
    let before = place.get("/v1/usage?to=2025-12-31").await.expect(200).json();
    assert_eq!(before["items"], json!([]));
    place
        .get("/v1/usage?from=yesterday")
        .await
        .problem(400, "invalid_parameter");
}

#[tokio::test]
async fn keys_of_one_name_are_told_apart() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(keys::KEYS_FILE);
    let (first, token) = keys::new(&path, "laptop", 0).unwrap();
    let (second, other) = keys::new(&path, "laptop", 0).unwrap();
    let ring = std::sync::Arc::new(KeyRing::open(&path).unwrap());
    let place = Place::open_for(Access::Keys(ring), None).await;
    let bearer = |token: &str| format!("Bearer {token}");
    let (first_bearer, second_bearer) = (bearer(&token), bearer(&other));
    let json = ("content-type", "application/json");
    let csv = [
        ("content-type", "text/csv"),
        ("authorization", first_bearer.as_str()),
    ];
    place
        .send("PUT /v1/datasets/iris.csv", &csv, IRIS)
        .await
        .expect(201);
    let wish = json!({"id": "iris", "dataset": "iris.csv", "target": "target"}).to_string();
    let headers = [json, ("authorization", first_bearer.as_str())];
    place.send("POST /v1/train", &headers, wish).await.expect(202);
    place.work().await;
    for (bearer, records) in [(&first_bearer, 1), (&second_bearer, 2)] {
        let records = vec![json!({"petal_length_cm": 1}); records];
        let headers = [json, ("authorization", bearer.as_str())];
        let body = json!({"records": records}).to_string();
        place
            .send("POST /v1/models/iris/predict", &headers, body)
            .await
            .expect(200);
    }
    let asked = [("authorization", second_bearer.as_str())];
    let usage = place.send("GET /v1/usage", &asked, "").await.expect(200).json();
    let of = |key: &str| {
        let items = usage["items"].as_array().unwrap().iter();
        let mut items = items.filter(|item| item["model"] == "iris" && item["key"] == key);
        items.next().cloned().unwrap()
    };
    let (first, second) = (of(&first.id), of(&second.id));
    assert_eq!(
        (&first["owner"], &second["owner"]),
        (&json!("laptop"), &json!("laptop"))
    );
    assert_eq!(
        (&first["realtime_predictions"], &first["compute_ms"]),
        (&json!(1), &json!(500))
    );
    assert_eq!(
        (&second["realtime_predictions"], &second["compute_ms"]),
        (&json!(2), &json!(0))
    );
}
