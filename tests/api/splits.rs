//! Parts of a dataset: every strategy through data sources and through the whole workflow, and what is refused.

use serde_json::{Value, json};

use crate::support::{CANCER, IRIS, Place};

async fn source(place: &Place, id: &str) -> Value {
    place
        .get(&format!("/v1/datasources/{id}"))
        .await
        .expect(200)
        .json()
}

fn turned(split: &Value) -> Value {
    let mut split = split.clone();
    let fields = if split["splitting"].is_object() {
        &mut split["splitting"]
    } else {
        &mut split
    };
    fields["complement"] = json!(true);
    split
}

#[tokio::test]
async fn every_strategy_parts_a_dataset_in_two() {
    let place = Place::with(&[("cancer.csv", CANCER)]).await;
    let cases = [
        ("random", json!({"percent_end": 70, "seed": 5}), 340..=460),
        (
            "text",
            json!({"percent_end": 70, "seed": "s3://bucket/key"}),
            340..=460,
        ),
        (
            "sequential",
            json!({"strategy": "sequential", "percent_begin": 10, "percent_end": 70}),
            342..=342,
        ),
        (
            "stratified",
            json!({"strategy": "stratified", "percent_end": 70}),
            397..=399,
        ),
        (
            "group",
            json!({"strategy": "group", "column": "mean_texture", "percent_end": 70}),
            330..=470,
        ),
        (
            "time",
            json!({"strategy": "time", "column": "mean_radius", "percent_end": 70}),
            390..=406,
        ),
        (
            "amazon",
            json!({"splitting": {"percentBegin": 10, "percentEnd": 70}}),
            342..=342,
        ),
        (
            "amazon-random",
            json!({"splitting": {"percentEnd": 70, "strategy": "random", "strategyParams": {"randomSeed": "x"}}}),
            340..=460,
        ),
    ];
    for (name, split, expected) in &cases {
        for (part, split) in [("a", split.clone()), ("b", turned(split))] {
            let new = json!({"id": format!("{name}-{part}"), "dataset": "cancer.csv", "target": "target", "split": split});
            place.post("/v1/datasources", new).await.expect(202);
        }
        let new =
            json!({"id": format!("{name}-m"), "datasource": format!("{name}-a"), "parameters": {"l2": 0.01}});
        place.post("/v1/models", new).await.expect(202);
        let new = json!({"id": format!("{name}-e"), "model": format!("{name}-m"), "datasource": format!("{name}-b")});
        place.post("/v1/evaluations", new).await.expect(202);
        let new = json!({"id": format!("{name}-p"), "model": format!("{name}-m"), "datasource": format!("{name}-b")});
        place.post("/v1/batch-predictions", new).await.expect(202);
        assert_eq!(place.work().await, 5, "{name}");
        let (one, other) = (
            source(&place, &format!("{name}-a")).await,
            source(&place, &format!("{name}-b")).await,
        );
        assert_eq!(&one["split"], split, "as it was given");
        let rows = one["rows"].as_u64().unwrap_or_else(|| panic!("{name}: {one}"));
        assert!(expected.contains(&rows), "{name}: {rows}");
        assert_eq!(rows + other["rows"].as_u64().unwrap(), 569, "{name}");
        let model = place.get(&format!("/v1/models/{name}-m")).await.json();
        assert_eq!(model["rows"]["training"], one["rows"], "{name}: {model}");
        let evaluation = place.get(&format!("/v1/evaluations/{name}-e")).await.json();
        assert_eq!(evaluation["records"], other["rows"], "{name}: {evaluation}");
        let batch = place.get(&format!("/v1/batch-predictions/{name}-p")).await.json();
        assert_eq!(batch["rows"], other["rows"], "{name}: {batch}");
    }
}

#[tokio::test]
async fn the_whole_workflow_holds_rows_out_as_it_is_told() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    for (id, wish, training) in [
        (
            "share",
            json!({"holdout": 20, "seed": 9, "split": {"strategy": "stratified"}}),
            120,
        ),
        (
            "own",
            json!({"split": {"strategy": "stratified", "percent_begin": 20, "seed": 4}}),
            120,
        ),
        (
            "amazon",
            json!({"split": {"splitting": {"percentEnd": 80, "complement": "true", "percentBegin": 20}}}),
            60,
        ),
        (
            "none",
            json!({"holdout": 0, "split": {"strategy": "stratified"}}),
            150,
        ),
    ] {
        let mut new = json!({"id": id, "dataset": "iris.csv", "target": "target"});
        let fields = wish.as_object().unwrap().clone();
        new.as_object_mut().unwrap().extend(fields);
        let ids = place.post("/v1/train", new.clone()).await.expect(202).json();
        assert_eq!(
            place.post("/v1/train", new).await.expect(200).json(),
            ids,
            "a repeat"
        );
        place.work().await;
        let fitted = source(&place, ids["datasource"].as_str().unwrap()).await;
        assert_eq!(fitted["rows"], training, "{id}: {fitted}");
        if id == "none" {
            assert!(ids["evaluation"].is_null());
            continue;
        }
        let seed = if id == "share" { 9 } else { 4 };
        if id != "amazon" {
            assert_eq!(fitted["split"]["seed"], seed, "{id}");
        }
        let held = source(&place, ids["evaluation_datasource"].as_str().unwrap()).await;
        assert_eq!(held["rows"], 150 - training, "{id}: {held}");
        let judged = format!("/v1/evaluations/{}", ids["evaluation"].as_str().unwrap());
        let evaluation = place.get(&judged).await.json();
        assert_eq!(evaluation["status"], "COMPLETED", "{id}: {evaluation}");
    }
}

#[tokio::test]
async fn splits_that_cannot_be_meant_are_refused_at_once() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let schema = json!({"attributes": [{"attributeName": "a", "attributeType": "NUMERIC"}]});
    let cases = [
        (
            "datasources",
            json!({"split": {"percent_begin": 80, "percent_end": 20}}),
            "invalid_split",
            "/split/percent_end",
        ),
        (
            "datasources",
            json!({"split": {"strategy": "clever"}}),
            "invalid_split",
            "/split/strategy",
        ),
        (
            "datasources",
            json!({"split": {"strategy": "group"}}),
            "invalid_split",
            "/split/column",
        ),
        (
            "datasources",
            json!({"split": {"strategy": "stratified"}}),
            "invalid_split",
            "/split/column",
        ),
        (
            "datasources",
            json!({"split": {"seed": -4}}),
            "invalid_split",
            "/split/seed",
        ),
        (
            "datasources",
            json!({"split": {"persent_end": 4}}),
            "invalid_split",
            "/split/persent_end",
        ),
        (
            "datasources",
            json!({"split": {"splitting": {"percentEnd": 400}}}),
            "invalid_split",
            "/split/splitting/percentEnd",
        ),
        (
            "datasources",
            json!({"schema": schema, "split": {"strategy": "time", "column": "b"}}),
            "unknown_column",
            "/split/column",
        ),
        (
            "train",
            json!({"target": "target", "split": {"strategy": "time"}}),
            "invalid_split",
            "/split/column",
        ),
        (
            "train",
            json!({"target": "target", "holdout": 30, "split": {"percent_end": 70}}),
            "invalid_value",
            "/holdout",
        ),
        (
            "train",
            json!({"target": "target", "seed": 1, "split": {"seed": 2}}),
            "invalid_value",
            "/seed",
        ),
        (
            "train",
            json!({"target": "target", "split": {"complement": true}}),
            "invalid_split",
            "/split/complement",
        ),
    ];
    for (path, mut body, code, pointer) in cases {
        body["dataset"] = json!("iris.csv");
        let problem = place
            .post(&format!("/v1/{path}"), body.clone())
            .await
            .problem(400, code);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}: {problem}");
    }
}

#[tokio::test]
async fn what_only_the_data_can_tell_is_told_by_the_job() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    for (id, split, code, word) in [
        (
            "near",
            json!({"strategy": "group", "column": "sepal_lenght_cm"}),
            "unknown_column",
            "sepal_length_cm",
        ),
        (
            "words",
            json!({"strategy": "time", "column": "target", "percent_end": 50}),
            "invalid_split",
            "no date",
        ),
        (
            "empty",
            json!({"strategy": "sequential", "percent_begin": 50, "percent_end": 50}),
            "too_few_rows",
            "sequential from 50 to 50 percent",
        ),
    ] {
        let new = json!({"id": id, "dataset": "iris.csv", "target": "target", "split": split});
        place.post("/v1/datasources", new).await.expect(202);
        place.work().await;
        let found = source(&place, id).await;
        assert_eq!(
            (&found["status"], &found["error"]["code"]),
            (&json!("FAILED"), &json!(code))
        );
        assert!(found["message"].as_str().unwrap().contains(word), "{found}");
    }
}
