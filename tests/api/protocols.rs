//! MLflow's scoring protocol and what SageMaker and Vertex AI make of it: the same answers as `/predict`, to the bit,
//! and errors as their clients expect them.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use yosoku::http::auth::{Access, KeyRing};
use yosoku::http::keys;

use crate::support::{Answer, CANCER, DIABETES, IRIS, Place};

const JSON: (&str, &str) = ("content-type", "application/json");
const CSV: (&str, &str) = ("content-type", "text/csv");

/// Names of the inputs, and the first rows without the target, as JSON numbers. The target stands last.
pub fn rows(table: &str) -> (Vec<&str>, Vec<Vec<Value>>) {
    let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let mut names = lines.next().unwrap();
    names.pop();
    let number = |text: &&str| serde_json::from_str(text).unwrap();
    let row = |row: Vec<&str>| row[..names.len()].iter().map(number).collect();
    let rows = lines.step_by(7).take(20).map(row).collect();
    (names, rows)
}

pub fn objects(names: &[&str], rows: &[Vec<Value>]) -> Value {
    let object = |row: &Vec<Value>| -> Map<String, Value> {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .zip(row.iter().cloned())
            .collect()
    };
    rows.iter().map(object).collect::<Vec<_>>().into()
}

/// One list for each column.
fn lists(names: &[&str], rows: &[Vec<Value>]) -> Value {
    let list = |place: usize| rows.iter().map(|row| row[place].clone()).collect::<Value>();
    names
        .iter()
        .enumerate()
        .map(|(place, name)| ((*name).to_owned(), list(place)))
        .collect::<Map<_, _>>()
        .into()
}

fn csv(rows: &[Vec<Value>]) -> String {
    let line = |row: &Vec<Value>| row.iter().map(Value::to_string).collect::<Vec<_>>().join(",");
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub async fn predicted(place: &Place, id: &str, records: Value) -> Vec<Value> {
    let path = format!("/v1/models/{id}/predict?explain=true");
    let answer = place
        .post(&path, json!({"records": records}))
        .await
        .expect(200)
        .json();
    answer["predictions"].as_array().unwrap().clone()
}

/// A prediction of REST as the scoring protocol says it.
fn expected(predictions: &[Value], explain: bool) -> Vec<Value> {
    let said = |prediction: &Value| {
        let mut said = Map::new();
        let names = [
            ("label", "predicted_label"),
            ("score", "score"),
            ("value", "score"),
            ("probabilities", "probabilities"),
            ("threshold", "threshold"),
            ("warnings", "warnings"),
            ("more_warnings", "more_warnings"),
            ("explanation", "explanation"),
        ];
        for (theirs, ours) in names {
            if let Some(value) = prediction
                .get(theirs)
                .filter(|_| explain || theirs != "explanation")
            {
                said.insert(ours.to_owned(), value.clone());
            }
        }
        said.into()
    };
    predictions.iter().map(said).collect()
}

#[tokio::test]
async fn every_form_gives_what_predict_gives_to_the_bit() {
    for (dataset, table) in [
        ("cancer.csv", CANCER),
        ("iris.csv", IRIS),
        ("diabetes.csv", DIABETES),
    ] {
        let place = Place::with(&[(dataset, table)]).await;
        place.trained("m", dataset).await;
        let (names, rows) = rows(table);
        let records = objects(&names, &rows);
        let rest = predicted(&place, "m", records.clone()).await;
        let turned: Vec<Vec<Value>> = rows
            .iter()
            .map(|row| row.iter().rev().cloned().collect())
            .collect();
        let turned_names: Vec<&str> = names.iter().rev().copied().collect();
        let index: Vec<usize> = (0..rows.len()).collect();
        let path = "/v1/models/m/invocations";
        for (form, body) in [
            (
                "split",
                json!({"dataframe_split": {"columns": names, "data": rows}}),
            ),
            (
                "split in another order",
                json!({"dataframe_split": {"index": index, "data": turned, "columns": turned_names}}),
            ),
            (
                "split without columns",
                json!({"dataframe_split": {"data": rows}}),
            ),
            ("records", json!({"dataframe_records": records})),
            ("instances", json!({"instances": records})),
            ("arrays", json!({"instances": rows})),
            ("lists", json!({"inputs": lists(&names, &rows)})),
            ("inputs as arrays", json!({"inputs": rows})),
            ("inputs as objects", json!({"inputs": records})),
        ] {
            let answer = place.post(path, body.clone()).await.expect(200);
            assert_eq!(answer.header("content-type"), "application/json");
            assert_eq!(
                answer.json()["predictions"],
                json!(expected(&rest, false)),
                "{dataset}: {form}"
            );
            for params in ["params", "parameters"] {
                let mut body = body.clone();
                body[params] = json!({"explain": true});
                let answer = place.post(path, body).await.expect(200).json();
                assert_eq!(
                    answer,
                    json!({"predictions": expected(&rest, true)}),
                    "{dataset}: {form}"
                );
            }
        }
        for body in [csv(&rows), format!("{}\n{}\n", names.join(","), csv(&rows))] {
            let answer = place
                .send(&format!("POST {path}"), &[CSV], body)
                .await
                .expect(200)
                .json();
            assert_eq!(
                answer["predictions"],
                json!(expected(&rest, false)),
                "{dataset}: CSV"
            );
        }
    }
}

#[tokio::test]
async fn answers_are_bare_or_lines_where_that_is_wanted() {
    for (dataset, table) in [("iris.csv", IRIS), ("diabetes.csv", DIABETES)] {
        let place = Place::with(&[(dataset, table)]).await;
        place.trained("m", dataset).await;
        let (names, rows) = rows(table);
        let rest = predicted(&place, "m", objects(&names, &rows)).await;
        let body = json!({"instances": rows});
        let plain = |prediction: &Value| prediction.get("label").unwrap_or(&prediction["value"]).clone();
        let expected: Vec<Value> = rest.iter().map(plain).collect();
        let path = "/v1/models/m/invocations";
        let answer = place
            .post(&format!("{path}?format=plain"), body)
            .await
            .expect(200)
            .json();
        assert_eq!(answer, json!({"predictions": expected}));

        let headers = [CSV, ("accept", "text/csv")];
        let answer = place
            .send(&format!("POST {path}"), &headers, csv(&rows))
            .await
            .expect(200);
        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
        let line = |prediction: &Value| match prediction["label"].as_str() {
            Some(label) => format!("{label},{}\n", prediction["score"]),
            None => format!("{}\n", prediction["value"]),
        };
        assert_eq!(answer.text(), rest.iter().map(line).collect::<String>());
        let plain = place
            .send(&format!("POST {path}?format=plain"), &headers, csv(&rows))
            .await;
        assert_eq!(plain.expect(200).text().lines().count(), rows.len());
    }
}

#[tokio::test]
async fn every_prediction_tells_its_threshold_and_what_was_odd() {
    let place = Place::with(&[("cancer.csv", CANCER)]).await;
    place.trained("m", "cancer.csv").await;
    let changed = place
        .send(
            "PATCH /v1/models/m",
            &[JSON],
            json!({"threshold": 0.25}).to_string(),
        )
        .await;
    changed.expect(200);
    let records = json!([{"mean_radius": 1000000000, "mean_raduis": 1}]);
    let rest = predicted(&place, "m", records.clone()).await;
    let answer = place
        .post("/v1/models/m/invocations", json!({"instances": records}))
        .await;
    let answer = answer.expect(200).json();
    let only = &answer["predictions"][0];
    assert_eq!(only["threshold"], 0.25);
    assert_eq!(
        only["warnings"][0],
        json!({"field": "mean_raduis", "code": "unknown_field", "value": "1"})
    );
    assert!(only["more_warnings"].as_u64().unwrap() > 0, "{only}");
    assert_eq!(answer["predictions"], json!(expected(&rest, false)));
    // What a container of SageMaker gets as CSV and answers as JSON.
    let body = "mean_radius,mean_raduis\n1000000000,1\n";
    let answer = place.send("POST /v1/models/m/invocations", &[CSV], body).await;
    assert_eq!(
        answer.expect(200).json()["predictions"],
        json!(expected(&rest, false))
    );
}

#[tokio::test]
async fn what_a_data_frame_does_not_have_is_missing() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    place.trained("m", "iris.csv").await;
    let rest = predicted(&place, "m", json!([{"petal_width_cm": 1}, {}])).await;
    for body in [
        r#"{"dataframe_split": {"columns": ["petal_width_cm"], "data": [[1], [NaN]]}}"#,
        r#"{"dataframe_records": [{"petal_width_cm": 1}, {"petal_width_cm": NaN}]}"#,
        r#"{"inputs": {"petal_width_cm": [1, null]}}"#,
        r#"{"instances": [[null, NaN, null, 1], [NaN, NaN, NaN, NaN]]}"#,
    ] {
        let answer = place
            .send("POST /v1/models/m/invocations", &[JSON], body)
            .await
            .expect(200)
            .json();
        assert_eq!(answer["predictions"], json!(expected(&rest, false)), "{body}");
    }
}

#[tokio::test]
async fn labels_are_quoted_in_lines_where_they_must_be() {
    const TABLE: &str = "x,target\n1,\"a, b\"\n2,\"a, b\"\n3,\"a, b\"\n4,\"a, b\"\n5,\"c \"\"d\"\"\"\n6,\"c \"\"d\"\"\"\n7,\"c \"\"d\"\"\"\n8,\"c \"\"d\"\"\"\n";
    let place = Place::with(&[("quoted.csv", TABLE)]).await;
    let wish = json!({"id": "m", "dataset": "quoted.csv", "target": "target", "holdout": 0});
    place.post("/v1/train", wish).await.expect(202);
    place.work().await;
    let headers = [CSV, ("accept", "text/csv")];
    let answer = place
        .send("POST /v1/models/m/invocations", &headers, "1\n8\n")
        .await
        .expect(200)
        .text();
    let lines: Vec<&str> = answer.lines().collect();
    assert!(lines[0].starts_with("\"a, b\",0."), "{answer}");
    assert!(lines[1].starts_with("\"c \"\"d\"\"\",0."), "{answer}");
}

/// What an MLflow client reads of an error.
fn told(answer: Answer, status: u16, code: &str) -> String {
    let answer = answer.expect(status);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_ne!(answer.header("x-request-id"), "");
    let told = answer.json();
    assert_eq!(told["error_code"], code, "{told}");
    assert_eq!(told.as_object().unwrap().len(), 2, "{told}");
    told["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn errors_are_told_as_mlflow_tells_them() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    place.trained("m", "iris.csv").await;
    let post = "POST /v1/models/m/invocations";
    let names = rows(IRIS).0;
    let many: Vec<Value> = vec![json!({}); 10_001];
    for (body, code, part) in [
        (json!({}), "BAD_REQUEST", "exactly one of"),
        (
            json!({"inputs": [], "instances": []}),
            "BAD_REQUEST",
            "exactly one of",
        ),
        (json!([{}]), "INVALID_PARAMETER_VALUE", "must be a JSON object"),
        (json!({"inputs": []}), "BAD_REQUEST", "at least one"),
        (
            json!({"inputs": [], "signature_name": "x"}),
            "BAD_REQUEST",
            "signature_name",
        ),
        (
            json!({"instances": {}}),
            "INVALID_PARAMETER_VALUE",
            "an array of records is expected at `/instances`",
        ),
        (
            json!({"instances": [3]}),
            "INVALID_PARAMETER_VALUE",
            "at `/instances/0`",
        ),
        (
            json!({"instances": [{}, {"x": []}]}),
            "INVALID_PARAMETER_VALUE",
            "at `/instances/1/x`",
        ),
        (
            json!({"instances": [[1, 2]]}),
            "INVALID_PARAMETER_VALUE",
            "a record of 2 values",
        ),
        (json!({"instances": many}), "INVALID_PARAMETER_VALUE", "10000"),
        (
            json!({"instances": [{}], "params": {"explain": 3}}),
            "INVALID_PARAMETER_VALUE",
            "boolean",
        ),
        (json!({"dataframe_split": []}), "BAD_REQUEST", "must be an object"),
        (
            json!({"dataframe_split": {"columns": ["a"]}}),
            "BAD_REQUEST",
            "missing field `data`",
        ),
        (
            json!({"dataframe_split": {"data": [], "rows": []}}),
            "BAD_REQUEST",
            "unknown field `rows`",
        ),
        (
            json!({"dataframe_split": {"columns": names, "data": [[1, 2, 3, 4], [1, 2]]}}),
            "INVALID_PARAMETER_VALUE",
            "array 1 has 2 values where 4 are expected",
        ),
        (
            json!({"dataframe_split": {"columns": names, "data": [1, 2, 3]}}),
            "INVALID_PARAMETER_VALUE",
            "there are 3 values",
        ),
        (
            json!({"dataframe_split": {"columns": [names[0], names[0]], "data": [[1, 2]]}}),
            "BAD_REQUEST",
            "given twice at `/dataframe_split/columns/1`",
        ),
        (
            json!({"dataframe_split": {"columns": [], "data": []}}),
            "INVALID_PARAMETER_VALUE",
            "0 columns",
        ),
        (
            json!({"inputs": {"a": [1], "b": [1, 2]}}),
            "INVALID_PARAMETER_VALUE",
            "at `/inputs/b`",
        ),
        (
            json!({"inputs": {"a": 1}}),
            "INVALID_PARAMETER_VALUE",
            "an array is expected at `/inputs/a`",
        ),
        (
            json!({"inputs": {"a": [{}]}}),
            "INVALID_PARAMETER_VALUE",
            "at `/inputs/a`",
        ),
        (json!({"inputs": {}}), "BAD_REQUEST", "at least one"),
    ] {
        let answer = place.send(post, &[JSON], body.to_string()).await;
        let told = told(answer, 400, code);
        assert!(told.contains(part), "{part} is not in: {told}");
    }
    let broken = place.send(post, &[JSON], "{\"inputs\": [[-NaN]]}").await;
    assert!(told(broken, 400, "BAD_REQUEST").contains("not valid JSON"));
    let ragged = place.send(post, &[CSV], "1,2,3,4\n1,2\n").await;
    assert!(told(ragged, 400, "BAD_REQUEST").contains("line 2"));
    let long = vec![b' '; (16 << 20) + 1];
    told(place.send(post, &[JSON], long).await, 413, "BAD_REQUEST");
    let misspelt = place.send(&format!("{post}?fromat=plain"), &[JSON], "{}").await;
    told(misspelt, 400, "INVALID_PARAMETER_VALUE");
    let missing = place
        .post("/v1/models/none/invocations", json!({"inputs": []}))
        .await;
    assert!(told(missing, 404, "RESOURCE_DOES_NOT_EXIST").contains("`none`"));
    told(place.get("/v1/models/m/invocations").await, 405, "BAD_REQUEST");
    let wish = json!({"id": "later", "dataset": "iris.csv", "target": "target"});
    place.post("/v1/train", wish).await.expect(202);
    let early = place
        .post("/v1/models/later/invocations", json!({"inputs": []}))
        .await;
    told(early, 409, "RESOURCE_CONFLICT");
    told(
        place.get("/v1/models/later/ping").await,
        404,
        "RESOURCE_DOES_NOT_EXIST",
    );
    for declared in [
        "text/plain",
        "application/vnd.apache.parquet",
        "text/csv; charset=latin-1",
    ] {
        let refused = place
            .send(post, &[("content-type", declared)], "1,2")
            .await
            .expect(415);
        assert_eq!(refused.header("content-type"), "text/plain; charset=utf-8");
        assert!(refused.text().contains("not supported"), "{}", refused.text());
    }
}

#[tokio::test]
async fn the_root_speaks_for_the_model_that_is_named() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    place.trained("m", "iris.csv").await;
    let (names, rows) = rows(IRIS);
    let rest = predicted(&place, "m", objects(&names, &rows)).await;
    for line in [
        "GET /ping",
        "GET /health",
        "GET /version",
        "GET /execution-parameters",
        "POST /invocations",
    ] {
        let told = told(
            place.send(line, &[CSV], csv(&rows)).await,
            404,
            "RESOURCE_DOES_NOT_EXIST",
        );
        assert!(
            told.contains("--model") && told.contains("target-model"),
            "{told}"
        );
    }
    place
        .post("/v1/families/kinds/versions", json!({"model": "m"}))
        .await
        .expect(200);
    for name in ["m", "kinds", "kinds@1", "kinds@latest"] {
        let target = ("X-Amzn-SageMaker-Target-Model", name);
        let pong = place.send("GET /ping", &[target], "").await.expect(200);
        assert_eq!(
            (pong.header("content-type"), pong.text().as_str()),
            ("application/json", "\n")
        );
        let answer = place.send("POST /invocations", &[CSV, target], csv(&rows)).await;
        assert_eq!(
            answer.expect(200).json()["predictions"],
            json!(expected(&rest, false)),
            "{name}"
        );
    }
    let target = ("X-Amzn-SageMaker-Target-Model", "none");
    let told = told(
        place.send("POST /invocations", &[CSV, target], "1").await,
        404,
        "RESOURCE_DOES_NOT_EXIST",
    );
    assert!(told.contains("`none`"), "{told}");
    place.get("/v1/models/m/ping").await.expect(200);
    place.get("/v1/models/m/health").await.expect(200);
    place.get("/v1/models/kinds@2/ping").await.expect(404);
    place.get("/v1/models/none/version").await.expect(404);
    let target = ("X-Amzn-SageMaker-Target-Model", "m");
    for path in ["/version", "/v1/models/m/version"] {
        let version = place
            .send(&format!("GET {path}"), &[target], "")
            .await
            .expect(200);
        assert_eq!(version.header("content-type"), "application/json");
        assert_eq!(version.text(), env!("CARGO_PKG_VERSION"));
    }
    let parameters = place.send("GET /execution-parameters", &[target], "").await;
    assert_eq!(
        parameters.expect(200).json(),
        json!({"MaxConcurrentTransforms": 64, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1})
    );
}

#[tokio::test]
async fn a_batch_transform_that_obeys_is_accepted() {
    const COLUMNS: usize = 110;
    let names: Vec<String> = (0..COLUMNS).map(|column| format!("c{column}")).collect();
    let mut table = format!("{},target\n", names.join(","));
    for row in 0..16 {
        let values: Vec<String> = (0..COLUMNS)
            .map(|column| format!("{}", (row * (column + 1)) % 17))
            .collect();
        let target = if row < 8 { "low" } else { "high" };
        table.push_str(&format!("{},{target}\n", values.join(",")));
    }
    let place = Place::open_for(Access::Open, Some("wide")).await;
    place
        .send("PUT /v1/datasets/wide.csv", &[CSV], table)
        .await
        .expect(201);
    let wish = json!({"id": "wide", "dataset": "wide.csv", "target": "target", "holdout": 0, "parameters": {"l2": 1}});
    place.get("/execution-parameters").await.expect(404);
    place.post("/v1/train", wish).await.expect(202);
    place.work().await;
    let advised = place.get("/execution-parameters").await.expect(200).json();
    assert_eq!(
        advised,
        json!({"MaxConcurrentTransforms": 64, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 1})
    );
    // As many of the shortest lines as fit into the payload.
    let line = ",".repeat(COLUMNS - 1);
    let lines = (1 << 20) / (line.len() + 1);
    let body = vec![line; lines].join("\n");
    let headers = [CSV, ("accept", "text/csv")];
    let answer = place.send("POST /invocations", &headers, body).await.expect(200);
    assert_eq!(answer.text().lines().count(), lines);
}

#[tokio::test]
async fn the_server_can_be_started_for_a_model() {
    let place = Place::open_for(Access::Open, Some("kinds")).await;
    place.put("iris.csv", IRIS).await.expect(201);
    place.get("/ping").await.expect(404);
    place.trained("m", "iris.csv").await;
    place.trained("n", "iris.csv").await;
    place
        .post("/v1/families/kinds/versions", json!({"model": "m"}))
        .await
        .expect(200);
    for path in ["/ping", "/health"] {
        assert_eq!(place.get(path).await.expect(200).text(), "\n");
    }
    place
        .post("/invocations", json!({"instances": [{}]}))
        .await
        .expect(200);
    let other = ("X-Amzn-SageMaker-Target-Model", "none");
    place.send("GET /ping", &[other], "").await.expect(404);
}

#[tokio::test]
async fn keys_guard_all_but_the_probes() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("keys.json");
    let (_, token) = keys::new(&path, "test", 0).unwrap();
    let access = Access::Keys(Arc::new(KeyRing::open(&path).unwrap()));
    let place = Place::open_for(access, Some("m")).await;
    for line in [
        "POST /invocations",
        "POST /v1/models/m/invocations",
        "GET /v1/models/m/ping",
        "GET /version",
        "GET /execution-parameters",
    ] {
        let told = told(place.send(line, &[JSON], "{}").await, 401, "UNAUTHENTICATED");
        assert!(told.contains("key"), "{told}");
    }
    for line in [
        "GET /v2",
        "GET /v2/models/m",
        "GET /v2/models/m/ready",
        "POST /v2/models/m/infer",
    ] {
        let answer = place.send(line, &[JSON], "{}").await.expect(401);
        assert_ne!(answer.header("www-authenticate"), "");
        assert_eq!(answer.json(), json!({"error": "this server needs a key"}));
    }
    let target = ("x-amzn-sagemaker-target-model", "m");
    let bearer = format!("Bearer {token}");
    let key = ("authorization", bearer.as_str());
    place.send("GET /ping", &[target], "").await.expect(401);
    place.send("GET /ping", &[target, key], "").await.expect(404);
    place.get("/ping").await.expect(404);
    place.get("/v2/health/live").await.expect(200);
    place.get("/v2/health/ready").await.expect(200);
    place.send("GET /v2", &[key], "").await.expect(200);
}
