//! Real-time endpoints, predictions, and tags.

use serde_json::{Value, json};

use super::{get, source, trained};
use crate::support::{DIABETES, IRIS, Place};

/// Waits until the endpoint of a model is ready.
async fn ready(place: &Place, id: &str) -> Value {
    for _ in 0..500 {
        let model = get(place, "GetMLModel", json!({"MLModelId": id})).await;
        if model["EndpointInfo"]["EndpointStatus"] == "READY" {
            return model["EndpointInfo"].clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("the endpoint of {id} is not ready");
}

fn asking(id: &str, record: Value) -> Value {
    json!({"MLModelId": id, "Record": record, "PredictEndpoint": "http://localhost:8080"})
}

#[tokio::test]
async fn an_endpoint_comes_answers_and_goes() {
    let place = trained().await;
    let ask = asking(
        "ml",
        json!({"km": "95", "note": "rainy day", "late": "0", "unheard": "of"}),
    );
    let said = place
        .amazon("Predict", ask.clone())
        .await
        .refused("PredictorNotMountedException");
    assert!(said.contains("CreateRealtimeEndpoint"), "{said}");
    let made = get(&place, "CreateRealtimeEndpoint", json!({"MLModelId": "ml"})).await;
    assert_eq!(made["RealtimeEndpointInfo"]["PeakRequestsPerSecond"], 200);
    assert_eq!(made["RealtimeEndpointInfo"]["EndpointStatus"], "UPDATING");
    let info = ready(&place, "ml").await;
    assert_eq!(info["EndpointUrl"], "http://localhost:8080");
    let again = get(&place, "CreateRealtimeEndpoint", json!({"MLModelId": "ml"})).await;
    assert_eq!(again["RealtimeEndpointInfo"], info);
    // In HTTP/2 the host is in the address, and a path that a client asks at is kept.
    let target = [("x-amz-target", "AmazonML_20141212.GetMLModel")];
    for (address, expected) in [
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
        ("http://127.0.0.1:9000/base/", "http://127.0.0.1:9000/base"),
        ("/base", "http://localhost:8080/base"),
    ] {
        let line = format!("POST {address}");
        let answer = place.send(&line, &target, "{\"MLModelId\":\"ml\"}").await;
        let found = answer.expect(200).json();
        assert_eq!(found["EndpointInfo"]["EndpointUrl"], expected, "{address}");
    }

    let prediction = get(&place, "Predict", ask).await;
    let prediction = &prediction["Prediction"];
    assert_eq!(prediction["predictedLabel"], "1");
    assert!(prediction["predictedScores"]["1"].as_f64().unwrap() > 0.5);
    assert_eq!(
        prediction["details"],
        json!({"Algorithm": "SGD", "PredictiveModelType": "BINARY"})
    );
    let near = get(&place, "Predict", asking("ml", json!({"km": "1"}))).await;
    let scores = near["Prediction"]["predictedScores"].as_object().unwrap();
    assert_eq!(scores.len(), 1);
    assert!(
        scores["0"].as_f64().unwrap() < 0.5,
        "the score is that of 1: {near}"
    );
    for record in [json!({}), json!({"km": "far"}), json!({"km": ""})] {
        get(&place, "Predict", asking("ml", record)).await;
    }
    for (input, name) in [
        (asking("ml", json!({"km": 5})), "SerializationException"),
        (
            asking("ml", json!({"note": "x".repeat(103_000)})),
            "InvalidInputException",
        ),
        (json!({"MLModelId": "ml", "Record": {}}), "InvalidInputException"),
        (
            json!({"MLModelId": "ml", "PredictEndpoint": "http://localhost"}),
            "InvalidInputException",
        ),
        (
            json!({"MLModelId": "ml", "Record": {}, "PredictEndpoint": ""}),
            "InvalidInputException",
        ),
    ] {
        place.amazon("Predict", input).await.refused(name);
    }
    // Under an endpoint, neither the model goes nor its threshold moves.
    place
        .amazon("DeleteMLModel", json!({"MLModelId": "ml"}))
        .await
        .refused("InvalidInputException");
    let change = json!({"MLModelId": "ml", "ScoreThreshold": 0.9});
    place
        .amazon("UpdateMLModel", change.clone())
        .await
        .refused("InvalidInputException");
    let gone = get(&place, "DeleteRealtimeEndpoint", json!({"MLModelId": "ml"})).await;
    assert_eq!(
        gone["RealtimeEndpointInfo"],
        json!({"PeakRequestsPerSecond": 0, "EndpointStatus": "NONE"})
    );
    get(&place, "DeleteRealtimeEndpoint", json!({"MLModelId": "ml"})).await;
    place.amazon("UpdateMLModel", change).await.expect(200);
    place
        .amazon("Predict", asking("ml", json!({})))
        .await
        .refused("PredictorNotMountedException");
    place
        .amazon("DeleteMLModel", json!({"MLModelId": "ml"}))
        .await
        .expect(200);
    place
        .amazon("CreateRealtimeEndpoint", json!({"MLModelId": "ml"}))
        .await
        .refused("InvalidInputException");
}

#[tokio::test]
async fn a_model_is_never_both_deleted_and_mounted() {
    let place = trained().await;
    let ids: Vec<String> = (0..6).map(|number| format!("m{number}")).collect();
    for id in &ids {
        let model = json!({"MLModelId": id, "MLModelType": "BINARY", "TrainingDataSourceId": "train"});
        get(&place, "CreateMLModel", model).await;
    }
    place.work().await;
    for id in &ids {
        let named = json!({"MLModelId": id});
        let (deleted, mounted) = futures_util::join!(
            place.amazon("DeleteMLModel", named.clone()),
            place.amazon("CreateRealtimeEndpoint", named.clone()),
        );
        let outcomes = (deleted.text(), mounted.text());
        let done = [deleted, mounted]
            .iter()
            .filter(|answer| !answer.text().contains("__type"))
            .count();
        assert_eq!(done, 1, "{outcomes:?}");
    }
}

#[tokio::test]
async fn classes_and_numbers_are_predicted_too() {
    let place = Place::open().await;
    for (id, table, kind, target) in [
        ("iris", IRIS, "MULTICLASS", "CATEGORICAL"),
        ("diabetes", DIABETES, "REGRESSION", "NUMERIC"),
    ] {
        let names: Vec<&str> = table.lines().next().unwrap().split(',').collect();
        let attributes: Vec<Value> = names
            .iter()
            .map(|name| json!({"attributeName": name, "attributeType": if *name == "target" { target } else { "NUMERIC" }}))
            .collect();
        let schema = json!({"version": "1.0", "dataFormat": "CSV", "dataFileContainsHeader": true,
            "targetAttributeName": "target", "attributes": attributes});
        place.file(&format!("b/{id}.csv"), table);
        let at = format!("s3://b/{id}.csv");
        place
            .amazon("CreateDataSourceFromS3", source(id, &at, &schema, None))
            .await
            .expect(200);
        let model = json!({"MLModelId": id, "MLModelType": kind, "TrainingDataSourceId": id});
        place.amazon("CreateMLModel", model).await.expect(200);
        place
            .amazon("CreateRealtimeEndpoint", json!({"MLModelId": id}))
            .await
            .refused("InvalidInputException");
        place.work().await;
        get(&place, "CreateRealtimeEndpoint", json!({"MLModelId": id})).await;
        ready(&place, id).await;
        let values = table.lines().nth(1).unwrap().split(',');
        let record: Value = names
            .iter()
            .zip(values)
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let prediction = get(&place, "Predict", asking(id, record)).await["Prediction"].clone();
        assert_eq!(prediction["details"]["PredictiveModelType"], kind);
        match kind {
            "REGRESSION" => assert!(
                prediction["predictedValue"].as_f64().unwrap() > 20.0,
                "{prediction}"
            ),
            _ => {
                let scores = prediction["predictedScores"].as_object().unwrap();
                assert_eq!(scores.len(), 3);
                assert!((scores.values().map(|v| v.as_f64().unwrap()).sum::<f64>() - 1.0).abs() < 1e-9);
                let label = prediction["predictedLabel"].as_str().unwrap();
                assert!(
                    scores
                        .values()
                        .all(|score| score.as_f64() <= scores[label].as_f64())
                );
            }
        }
        let threshold = json!({"MLModelId": id, "ScoreThreshold": 0.5});
        place
            .amazon("DeleteRealtimeEndpoint", json!({"MLModelId": id}))
            .await
            .expect(200);
        place
            .amazon("UpdateMLModel", threshold)
            .await
            .refused("InvalidInputException");
    }
}

#[tokio::test]
async fn tags_are_set_replaced_and_removed() {
    let place = trained().await;
    let at = |tags: Value| json!({"ResourceId": "ml", "ResourceType": "MLModel", "Tags": tags});
    let added = get(
        &place,
        "AddTags",
        at(json!([{"Key": "team", "Value": "a"}, {"Key": "Team"}, {"Key": "ü b", "Value": ""}])),
    )
    .await;
    assert_eq!(added, json!({"ResourceId": "ml", "ResourceType": "MLModel"}));
    get(&place, "AddTags", at(json!([{"Key": "team", "Value": "b"}]))).await;
    let wish = json!({"ResourceId": "ml", "ResourceType": "MLModel"});
    let tags = get(&place, "DescribeTags", wish.clone()).await["Tags"].clone();
    assert_eq!(
        tags,
        json!([{"Key": "Team", "Value": ""}, {"Key": "team", "Value": "b"}, {"Key": "ü b", "Value": ""}])
    );
    let gone = json!({"ResourceId": "ml", "ResourceType": "MLModel", "TagKeys": ["Team", "none"]});
    get(&place, "DeleteTags", gone).await;
    assert_eq!(
        get(&place, "DescribeTags", wish.clone()).await["Tags"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    for tags in [
        json!([{"Key": "aws:x"}]),
        json!([{"Key": ""}]),
        json!([{"Key": "x".repeat(129)}]),
        json!([{"Key": "x", "Value": "y".repeat(257)}]),
        json!([{"Key": "x#"}]),
        json!([{"Value": "x"}]),
        json!([{"Key": "x"}, {"Key": "x"}]),
    ] {
        place
            .amazon("AddTags", at(tags))
            .await
            .refused("InvalidTagException");
    }
    let many = |from: usize, to: usize| at((from..to).map(|n| json!({"Key": format!("k{n}")})).collect());
    place
        .amazon("AddTags", many(0, 49))
        .await
        .refused("TagLimitExceededException");
    assert_eq!(
        get(&place, "DescribeTags", wish.clone()).await["Tags"]
            .as_array()
            .unwrap()
            .len(),
        2,
        "none of them was set"
    );
    get(&place, "AddTags", many(0, 48)).await;
    place
        .amazon("AddTags", many(0, 101))
        .await
        .refused("InvalidInputException");
    let other = json!({"ResourceId": "ml", "ResourceType": "Model", "Tags": []});
    place
        .amazon("AddTags", other)
        .await
        .refused("InvalidInputException");
    place
        .amazon("DeleteMLModel", json!({"MLModelId": "ml"}))
        .await
        .expect(200);
    place
        .amazon("AddTags", at(json!([{"Key": "late"}])))
        .await
        .refused("InvalidInputException");
}
