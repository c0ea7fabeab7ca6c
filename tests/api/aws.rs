//! The protocol of Amazon Machine Learning: every operation, the errors, and what REST sees of it.

use std::io::Read;

use serde_json::{Value, json};

use crate::support::{Answer, CANCER, Place};

mod batches;
mod errors;
mod lists;
mod realtime;

/// A table of four columns; whoever is far away is late.
pub fn deliveries(rows: usize) -> String {
    let mut text = String::from("order,km,note,late\n");
    for row in 0..rows {
        let km = (row * 37) % 100;
        let late = if (km + (row % 7) * 3) > 55 {
            ["y", "TRUE", "1"][row % 3]
        } else {
            ["n", "false", "0"][row % 3]
        };
        text.push_str(&format!(
            "o{row},{km},{} day,{late}\n",
            ["rainy", "sunny"][row % 2]
        ));
    }
    text
}

pub fn schema(target: bool, header: bool) -> Value {
    let mut schema = json!({
        "version": "1.0", "rowId": "order", "rowWeight": null, "dataFormat": "CSV", "dataFileContainsHeader": header,
        "attributes": [
            {"attributeName": "order", "attributeType": "CATEGORICAL"},
            {"attributeName": "km", "attributeType": "NUMERIC"},
            {"attributeName": "note", "attributeType": "TEXT"},
        ],
        "excludedAttributeNames": [],
    });
    if target {
        schema["targetAttributeName"] = json!("late");
        let attributes = schema["attributes"].as_array_mut().unwrap();
        attributes.push(json!({"attributeName": "late", "attributeType": "BINARY"}));
    }
    schema
}

pub fn source(id: &str, location: &str, schema: &Value, rearrangement: Option<Value>) -> Value {
    let mut data = json!({"DataLocationS3": location, "DataSchema": schema.to_string()});
    if let Some(rearrangement) = rearrangement {
        data["DataRearrangement"] = json!(rearrangement.to_string());
    }
    json!({"DataSourceId": id, "DataSourceName": format!("source {id}"), "ComputeStatistics": true, "DataSpec": data})
}

fn part(begin: u32, end: u32) -> Option<Value> {
    Some(json!({"splitting": {"percentBegin": begin, "percentEnd": end}}))
}

/// A place with 400 deliveries, a model `ml` of the first 70 percent and the rest as `rest`.
async fn trained() -> Place {
    let place = Place::open().await;
    place.file("shop/in/deliveries.csv", deliveries(400));
    let at = "s3://shop/in/deliveries.csv";
    for body in [
        source("train", at, &schema(true, true), part(0, 70)),
        source("rest", at, &schema(true, true), part(70, 100)),
    ] {
        place.amazon("CreateDataSourceFromS3", body).await.expect(200);
    }
    let model = json!({"MLModelId": "ml", "MLModelName": "late?", "MLModelType": "BINARY", "TrainingDataSourceId": "train",
        "Parameters": {"sgd.maxPasses": "30", "sgd.l2RegularizationAmount": "1.0E-04", "sgd.l1RegularizationAmount": "0.0"}});
    place.amazon("CreateMLModel", model).await.expect(200);
    assert_eq!(place.work().await, 3);
    place
}

pub async fn get(place: &Place, operation: &str, input: Value) -> Value {
    place.amazon(operation, input).await.expect(200).json()
}

impl Answer {
    /// Fails unless the answer is an error of this name.
    fn refused(self, name: &str) -> String {
        let status = if name == "InternalServerException" {
            500
        } else {
            400
        };
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), "application/x-amz-json-1.1");
        assert_eq!(answer.header("x-amzn-requestid").len(), 36);
        let error = answer.json();
        assert_eq!(error["__type"], name, "{error}");
        error["message"].as_str().unwrap().to_owned()
    }
}

pub fn unzipped(bytes: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(bytes)
        .read_to_string(&mut text)
        .unwrap();
    text
}

#[tokio::test]
async fn a_whole_cycle_from_data_to_an_evaluation() {
    let place = trained().await;
    let source = get(
        &place,
        "GetDataSource",
        json!({"DataSourceId": "train", "Verbose": true}),
    )
    .await;
    assert_eq!(source["Status"], "COMPLETED", "{source}");
    assert_eq!(source["DataLocationS3"], "s3://shop/in/deliveries.csv");
    assert_eq!(source["DataRearrangement"], part(0, 70).unwrap().to_string());
    assert_eq!(source["DataSourceSchema"], schema(true, true).to_string());
    assert_eq!(
        (&source["NumberOfFiles"], &source["ComputeStatistics"]),
        (&json!(1), &json!(true))
    );
    assert_eq!(source["DataSizeInBytes"], deliveries(400).len());
    assert_eq!(source["CreatedByIamUser"], "arn:aws:iam::000000000000:root");
    assert!(source["CreatedAt"].as_f64().unwrap() > 1.7e9 && source["ComputeTime"].is_u64());
    assert!(source["StartedAt"].as_f64() <= source["FinishedAt"].as_f64());

    let model = get(&place, "GetMLModel", json!({"MLModelId": "ml", "Verbose": true})).await;
    assert_eq!(model["Status"], "COMPLETED", "{model}");
    assert_eq!(
        model["TrainingParameters"],
        json!({"algorithm": "sgd", "sgd.maxPasses": "30", "sgd.l2RegularizationAmount": "1.0E-04", "sgd.shuffleType": "none",
            "sgd.l1RegularizationAmount": "0.0", "sgd.maxMLModelSizeInBytes": "33554432"})
    );
    assert_eq!(
        model["EndpointInfo"],
        json!({"PeakRequestsPerSecond": 0, "EndpointStatus": "NONE"})
    );
    assert_eq!(
        (&model["ScoreThreshold"], &model["MLModelType"]),
        (&json!(0.5), &json!("BINARY"))
    );
    let recipe: Value = serde_json::from_str(model["Recipe"].as_str().unwrap()).unwrap();
    assert!(recipe["outputs"].is_array());
    assert!(model["Schema"].as_str().unwrap().contains("attributeName"));
    assert!(model.get("Algorithm").is_none());
    let link = |shown: &Value| {
        shown["LogUri"]
            .as_str()
            .unwrap()
            .replace("http://localhost:8080", "")
    };
    let log = place.get(&link(&model)).await.expect(200).text();
    assert!(
        log.starts_with("model ml: COMPLETED\n") && log.contains("worked for 0.250 s\n"),
        "{log}"
    );
    let own = place.get("/v1/models/ml/log").await.expect(200).text();
    assert!(log.ends_with(&own) && own.len() > 100, "{log}");
    let log = place.get(&link(&source)).await.expect(200).text();
    assert!(
        log.contains("rows: 280\n") && log.contains("deliveries.csv"),
        "{log}"
    );

    let evaluation = json!({"EvaluationId": "ev", "MLModelId": "ml", "EvaluationDataSourceId": "rest"});
    place.amazon("CreateEvaluation", evaluation).await.expect(200);
    let before = get(&place, "GetEvaluation", json!({"EvaluationId": "ev"})).await;
    assert_eq!(
        (&before["Status"], before.get("PerformanceMetrics")),
        (&json!("PENDING"), None)
    );
    place.work().await;
    let evaluation = get(&place, "GetEvaluation", json!({"EvaluationId": "ev"})).await;
    let properties = evaluation["PerformanceMetrics"]["Properties"]
        .as_object()
        .unwrap();
    assert_eq!(properties.len(), 1);
    let auc: f64 = properties["BinaryAUC"].as_str().unwrap().parse().unwrap();
    assert!(auc > 0.9, "{auc}");

    place
        .amazon(
            "UpdateMLModel",
            json!({"MLModelId": "ml", "ScoreThreshold": 0.65, "MLModelName": "n"}),
        )
        .await
        .expect(200);
    let model = get(&place, "GetMLModel", json!({"MLModelId": "ml"})).await;
    assert_eq!(
        (&model["ScoreThreshold"], &model["Name"]),
        (&json!(0.65), &json!("n"))
    );
    assert!(model["ScoreThresholdLastUpdatedAt"].as_f64() > model["FinishedAt"].as_f64());
    assert!(model.get("Recipe").is_none());
}

#[tokio::test]
async fn rows_of_one_class_have_no_auc_and_say_so_as_a_number() {
    let place = trained().await;
    place.file(
        "shop/in/late.csv",
        "order,km,note,late\na,95,rainy day,y\nb,99,sunny day,y\n",
    );
    let late = source("late", "s3://shop/in/late.csv", &schema(true, true), None);
    place.amazon("CreateDataSourceFromS3", late).await.expect(200);
    let evaluation = json!({"EvaluationId": "ev", "MLModelId": "ml", "EvaluationDataSourceId": "late"});
    place.amazon("CreateEvaluation", evaluation).await.expect(200);
    place.work().await;
    let done = get(&place, "GetEvaluation", json!({"EvaluationId": "ev"})).await;
    assert_eq!(done["Status"], "COMPLETED", "{done}");
    assert_eq!(
        done["PerformanceMetrics"],
        json!({"Properties": {"BinaryAUC": "NaN"}})
    );
}

#[tokio::test]
async fn what_depends_on_something_waits_for_it_and_fails_with_it() {
    let place = Place::open().await;
    let schema = schema(true, true);
    for id in ["a", "b"] {
        place
            .amazon(
                "CreateDataSourceFromS3",
                source(id, "s3://shop/none.csv", &schema, None),
            )
            .await
            .expect(200);
    }
    let model = json!({"MLModelId": "ml", "MLModelType": "BINARY", "TrainingDataSourceId": "a"});
    place.amazon("CreateMLModel", model).await.expect(200);
    let evaluation = json!({"EvaluationId": "ev", "MLModelId": "ml", "EvaluationDataSourceId": "b"});
    place.amazon("CreateEvaluation", evaluation).await.expect(200);
    place.work().await;
    let source = get(&place, "GetDataSource", json!({"DataSourceId": "a"})).await;
    assert_eq!(source["Status"], "FAILED");
    assert!(
        source["Message"].as_str().unwrap().contains("s3://shop/none.csv"),
        "{source}"
    );
    for (operation, input) in [
        ("GetMLModel", json!({"MLModelId": "ml"})),
        ("GetEvaluation", json!({"EvaluationId": "ev"})),
    ] {
        let failed = get(&place, operation, input).await;
        assert_eq!(failed["Status"], "FAILED");
        let link = failed["LogUri"]
            .as_str()
            .unwrap()
            .replace("http://localhost:8080", "");
        let log = place.get(&link).await.expect(200).text();
        assert!(log.contains("\ndependency_failed: "), "{log}");
        assert!(
            failed["Message"].as_str().unwrap().contains("which this"),
            "{failed}"
        );
    }
}

#[tokio::test]
async fn both_doors_lead_to_the_same_things() {
    let place = trained().await;
    let shown = place.get("/v1/datasources/train").await.expect(200).json();
    assert_eq!(
        (&shown["location"], shown.get("dataset")),
        (&json!("s3://shop/in/deliveries.csv"), None)
    );
    assert_eq!(
        place.get("/v1/models/ml").await.expect(200).json()["status"],
        "COMPLETED"
    );
    let answer = place
        .post(
            "/v1/models/ml/predict",
            json!({"records": [{"km": 99, "note": "rainy day"}]}),
        )
        .await;
    assert_eq!(answer.expect(200).json()["predictions"][0]["label"], "1");

    place.put("cancer", CANCER).await.expect(201);
    place.trained("ours", "cancer").await;
    let model = get(
        &place,
        "GetMLModel",
        json!({"MLModelId": "ours", "Verbose": true}),
    )
    .await;
    assert_eq!(model["InputDataLocationS3"], "s3://uploads/cancer");
    assert_eq!(
        (&model["MLModelType"], &model["TrainingDataSourceId"]),
        (&json!("BINARY"), &json!("ours-train"))
    );
    let source = get(
        &place,
        "GetDataSource",
        json!({"DataSourceId": "ours-train", "Verbose": true}),
    )
    .await;
    assert!(source["DataSourceSchema"].as_str().unwrap().contains("target"));
    let evaluation = get(&place, "GetEvaluation", json!({"EvaluationId": "ours"})).await;
    assert!(evaluation["PerformanceMetrics"]["Properties"]["BinaryAUC"].is_string());

    // An upload is a place like any other.
    let schema = source["DataSourceSchema"].as_str().unwrap();
    let body = json!({"DataSourceId": "again", "ComputeStatistics": true,
        "DataSpec": {"DataLocationS3": "s3://uploads/cancer", "DataSchema": schema}});
    place.amazon("CreateDataSourceFromS3", body).await.expect(200);
    place.work().await;
    let again = get(&place, "GetDataSource", json!({"DataSourceId": "again"})).await;
    assert_eq!(
        (&again["Status"], &again["DataSizeInBytes"]),
        (&json!("COMPLETED"), &json!(CANCER.len()))
    );
}

#[tokio::test]
async fn many_files_and_files_without_names_are_one_table() {
    let place = Place::open().await;
    let rows = deliveries(300);
    let (head, rest) = rows.split_once('\n').unwrap();
    let (first, second) = rest.split_at(rest.match_indices('\n').nth(99).unwrap().0 + 1);
    place.file("shop/many/a.csv", format!("{head}\n{first}"));
    place.file("shop/many/deep/b.csv", format!("{head}\r\n{second}"));
    place.file("shop/many/empty.csv", "");
    place.file("shop/many/.schema", schema(true, true).to_string());
    place.file("shop/bare/a.csv", first.trim_end());
    place.file("shop/bare/b.csv", second);
    place.file("shop/one.csv", &rows);
    place.file("shop/one.csv.schema", schema(true, true).to_string());
    let beside = |id: &str, at: &str| json!({"DataSourceId": id, "ComputeStatistics": true, "DataSpec": {"DataLocationS3": at}});
    place
        .amazon("CreateDataSourceFromS3", beside("many", "s3://shop/many/"))
        .await
        .expect(200);
    place
        .amazon("CreateDataSourceFromS3", beside("one", "s3://shop/one.csv"))
        .await
        .expect(200);
    let bare = source("bare", "s3://shop/bare/", &schema(true, false), None);
    place.amazon("CreateDataSourceFromS3", bare).await.expect(200);
    place.work().await;
    for (id, files) in [("many", 2), ("one", 1), ("bare", 2)] {
        let source = get(&place, "GetDataSource", json!({"DataSourceId": id})).await;
        assert_eq!(
            (&source["Status"], &source["NumberOfFiles"]),
            (&json!("COMPLETED"), &json!(files)),
            "{source}"
        );
        let shown = place
            .get(&format!("/v1/datasources/{id}"))
            .await
            .expect(200)
            .json();
        assert_eq!(shown["rows"], 300, "{id}");
        let model = json!({"MLModelId": id, "MLModelType": "BINARY", "TrainingDataSourceId": id});
        place.amazon("CreateMLModel", model).await.expect(200);
    }
    place.work().await;
    let mut scores = Vec::new();
    for id in ["many", "one", "bare"] {
        let model = place.get(&format!("/v1/models/{id}")).await.expect(200).json();
        assert_eq!(model["status"], "COMPLETED", "{model}");
        let records = json!({"records": [{"km": 20, "note": "rainy day"}, {"km": 57}, {"km": 99}]});
        let answer = place
            .post(&format!("/v1/models/{id}/predict"), records)
            .await
            .expect(200)
            .json();
        let found = answer["predictions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["score"].as_f64().unwrap());
        scores.push(found.collect::<Vec<f64>>());
    }
    assert_eq!(scores[0].len(), 3);
    assert_eq!((&scores[0], &scores[0]), (&scores[1], &scores[2]));

    // What has changed since is not read as if it had not.
    place.file(
        "shop/many/a.csv",
        format!("{head}\n{first}").replace("rainy", "windy"),
    );
    let model = json!({"MLModelId": "late", "MLModelType": "BINARY", "TrainingDataSourceId": "many"});
    place.amazon("CreateMLModel", model).await.expect(200);
    place.work().await;
    let late = get(&place, "GetMLModel", json!({"MLModelId": "late"})).await;
    assert_eq!(late["Status"], "FAILED");
    assert!(
        late["Message"].as_str().unwrap().contains("s3://shop/many/a.csv"),
        "{late}"
    );
}

#[tokio::test]
async fn one_scenario_ends_the_same_through_both_doors() {
    let place = trained().await;
    place
        .put("deliveries.csv", deliveries(400).leak())
        .await
        .expect(201);
    for (id, begin, end) in [("r-train", 0, 70), ("r-rest", 70, 100)] {
        let wish = json!({"id": id, "dataset": "deliveries.csv", "schema": schema(true, true), "header": "yes",
            "split": part(begin, end)});
        place.post("/v1/datasources", wish).await.expect(202);
    }
    let model = get(&place, "GetMLModel", json!({"MLModelId": "ml"})).await;
    let mut parameters = model["TrainingParameters"].clone();
    parameters.as_object_mut().unwrap().remove("algorithm");
    let wish = json!({"id": "r-ml", "datasource": "r-train", "type": "binary", "parameters": parameters});
    place.post("/v1/models", wish).await.expect(202);
    let wish = json!({"id": "r-ev", "model": "r-ml", "datasource": "r-rest"});
    place.post("/v1/evaluations", wish).await.expect(202);
    let wish = json!({"EvaluationId": "ev", "MLModelId": "ml", "EvaluationDataSourceId": "rest"});
    place.amazon("CreateEvaluation", wish).await.expect(200);
    place.work().await;

    let shown = async |path: &str| place.get(path).await.expect(200).json();
    let (theirs, ours) = (shown("/v1/models/ml").await, shown("/v1/models/r-ml").await);
    assert!(theirs["hash"].is_string(), "{theirs}");
    for member in [
        "hash",
        "status",
        "type",
        "threshold",
        "parameters",
        "rows",
        "recipe",
    ] {
        assert_eq!(theirs[member], ours[member], "{member}");
    }
    let (theirs, ours) = (
        shown("/v1/evaluations/ev").await,
        shown("/v1/evaluations/r-ev").await,
    );
    assert_eq!(theirs["report"], ours["report"]);
    let (theirs, ours) = (
        shown("/v1/datasources/rest").await,
        shown("/v1/datasources/r-rest").await,
    );
    for member in ["rows", "size_bytes", "schema", "statistics"] {
        assert_eq!(theirs[member], ours[member], "{member}");
    }
}
