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
    assert!(answer.get("predictions").is_none());
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
    let (as_numbers, as_texts) = (&answer["predictions"][0], &answer["predictions"][1]);
    assert_eq!(as_numbers["probabilities"], as_texts["probabilities"]);
    assert_eq!(as_numbers["warnings"], json!([]));
    let told = as_texts["warnings"].as_array().unwrap();
    assert_eq!(told.len(), 4);
    assert!(told.iter().all(|warning| warning["code"] == "text_for_number"));

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
        (json!({"records": []}), "missing_field", json!("/records")),
        (json!({"record": [1, 2, 3]}), "invalid_value", json!("/record")),
        (
            json!({"records": [{}, [1, 2, 3, 4, 5, 6]]}),
            "invalid_value",
            json!("/records/1"),
        ),
        (
            json!({"records": [[[], 2, 3, 4]]}),
            "invalid_value",
            json!("/records/0/0"),
        ),
        (json!({"records": {}}), "invalid_value", json!("/records")),
        (json!([{}]), "invalid_value", json!("")),
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
    for (name, end) in [
        ("yosoku_prediction_warnings_total{", "code=\"missing\"} 12"),
        ("yosoku_prediction_duration_seconds_count{", "} 1"),
        ("yosoku_prediction_score_count{", "} 3"),
    ] {
        let found = metrics
            .lines()
            .any(|line| line.starts_with(name) && line.ends_with(end));
        assert!(found, "{name}…{end} is not in:\n{metrics}");
    }
}

/// The same records of a table, written in one of the ways that are understood: content type and body.
fn written(table: &str, way: &str) -> (&'static str, String) {
    let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let rows: Vec<Vec<&str>> = lines.collect();
    let json = |records: Vec<String>| {
        (
            "application/json",
            format!("{{\"records\": [{}]}}", records.join(",")),
        )
    };
    // The target stands last, and a row without it is one value shorter.
    let (inputs, header) = (names.len() - 1, names.join(","));
    let lines = |from: usize, columns: usize| -> Vec<String> {
        rows[from..].iter().map(|row| row[..columns].join(",")).collect()
    };
    match way {
        "objects" => {
            let field = |(name, text): (&&str, &&str)| format!("{}:{text}", json!(name));
            let object = |row: &Vec<&str>| {
                let fields: Vec<String> = names.iter().zip(&row[..inputs]).map(field).collect();
                format!("{{{}}}", fields.join(","))
            };
            json(rows.iter().map(object).collect())
        }
        "arrays" => json(
            rows.iter()
                .map(|row| format!("[{}]", row[..inputs].join(",")))
                .collect(),
        ),
        "arrays with the target" => json(rows.iter().map(|row| json!(row).to_string()).collect()),
        "csv" => (
            "text/csv",
            format!("{header}\n{}\n", lines(0, names.len()).join("\n")),
        ),
        "csv in another order" => {
            let turned = |row: &[&str]| row.iter().rev().copied().collect::<Vec<_>>().join(",");
            let all: Vec<String> = rows.iter().map(|row| turned(row)).collect();
            (
                "text/csv",
                format!("\u{feff}{}\r\n{}", turned(&names), all.join("\r\n")),
            )
        }
        "csv without header" => ("text/csv", lines(0, names.len()).join("\n")),
        "csv without header and target" => (
            "text/csv; charset=utf-8; header=absent",
            lines(0, inputs).join("\n"),
        ),
        other => panic!("{other} is no way"),
    }
}

#[tokio::test]
async fn every_way_to_write_records_gives_the_scores_of_a_batch_to_the_bit() {
    for (dataset, table) in [
        ("cancer.csv", CANCER),
        ("iris.csv", IRIS),
        ("diabetes.csv", DIABETES),
    ] {
        let place = Place::with(&[(dataset, table)]).await;
        let path = model(&place, dataset).await;
        let id = path.split('/').nth(3).unwrap();
        let batch = json!({"id": "bp", "model": id, "dataset": dataset});
        place.post("/v1/batch-predictions", batch).await.expect(202);
        place.work().await;
        let output = place.get("/v1/batch-predictions/bp/output").await.text();
        // The last column is the score of two classes and of numbers, and the last class of several.
        let last = |line: &str| line.rsplit(',').next().unwrap().parse::<f64>().unwrap();
        let expected: Vec<f64> = output.lines().skip(1).map(last).collect();
        for way in [
            "objects",
            "arrays",
            "arrays with the target",
            "csv",
            "csv in another order",
            "csv without header",
            "csv without header and target",
        ] {
            let (kind, body) = written(table, way);
            let answer = place
                .send(&format!("POST {path}"), &[("content-type", kind)], body)
                .await;
            let answer = answer.expect(200).json();
            let score = |prediction: &Value| {
                let shares = prediction["probabilities"].as_object();
                let last = shares.and_then(|shares| shares.values().next_back());
                last.unwrap_or(&prediction["value"]).as_f64().unwrap()
            };
            let scores: Vec<f64> = answer["predictions"]
                .as_array()
                .unwrap()
                .iter()
                .map(score)
                .collect();
            assert_eq!(scores, expected, "{dataset}: {way}");
        }
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_say_where_and_why() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let path = model(&place, "iris.csv").await;
    let post = format!("POST {path}");
    let name = "petal_width_cm";
    let json = |record: String| ("application/json", format!("{{\"record\": {record}}}"));
    let large = "x".repeat(1 << 20);
    for (kind, body, status, code, part) in [
        (
            json(format!("{{\"{name}\": 1, \"{name}\": 2}}")),
            400,
            "duplicate_field",
            "given twice at `/record/petal",
        ),
        (
            json(format!("{{\"{name}\": NaN}}")),
            400,
            "invalid_json",
            "send null for a missing number",
        ),
        (
            json(format!("{{\"{name}\": -Infinity}}")),
            400,
            "invalid_json",
            "send null for a missing number",
        ),
        (
            json(format!("{{\"{name}\": 1")),
            400,
            "invalid_json",
            "line 1, column",
        ),
        (
            json(format!("{{\"{name}\": \"\\ud800\"}}")),
            400,
            "invalid_value",
            "/record/petal_width_cm",
        ),
        (json("{} x".into()), 400, "invalid_json", "column"),
        (
            json(format!("{{\"{name}\": \"{large}\", \"b\": \"y\"}}")),
            413,
            "too_large",
            "a record is larger",
        ),
        (
            ("text/csv", format!("{name},x\n1,2\n1,2,3\n")),
            400,
            "ragged_row",
            "line 3 has 3 fields",
        ),
        (
            ("text/csv", "1,2,3\n".into()),
            400,
            "ragged_row",
            "line 1: a record of 3 values; the model has 5 columns or, without `target`, 4",
        ),
        (
            ("text/csv", format!("{name},{name}\n1,2\n")),
            400,
            "duplicate_field",
            "given twice",
        ),
        (
            ("text/csv", format!("{name}\n")),
            400,
            "missing_field",
            "give at least one",
        ),
        (
            ("text/csv", String::new()),
            400,
            "missing_field",
            "give at least one",
        ),
        (
            ("text/plain", "1,2,3,4".into()),
            415,
            "unsupported_media",
            "text/csv",
        ),
    ]
    .map(|((kind, body), status, code, part)| (kind, body, status, code, part))
    {
        let problem = place
            .send(&post, &[("content-type", kind)], body.clone())
            .await
            .problem(status, code);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(part), "{part} is not in: {detail}");
    }
    let latin = b"petal_width_cm\n\xe9\n".to_vec();
    let problem = place
        .send(&post, &[("content-type", "text/csv")], latin)
        .await
        .problem(400, "not_text");
    assert!(
        problem["detail"].as_str().unwrap().contains("line 2, field 1"),
        "{problem}"
    );
    let nested = vec![json!({"a": []}); 5000];
    let problem = place
        .post(&path, json!({"records": nested}))
        .await
        .problem(400, "invalid_value");
    assert!(problem["errors"].as_array().unwrap().len() <= 100);
    let long = vec![b' '; (16 << 20) + 1];
    let json = [("content-type", "application/json")];
    place.send(&post, &json, long).await.problem(413, "too_large");
}

#[tokio::test]
async fn numbers_count_as_they_are_written() {
    const TABLE: &str = "code,y\n1.50,a\n1.50,a\n1.50,a\n1.50,a\n1.50,a\n007,b\n007,b\n007,b\n007,b\n007,b\n";
    let place = Place::with(&[("codes.csv", TABLE)]).await;
    let schema = json!({"version": "1.0", "targetAttributeName": "y", "dataFormat": "CSV",
        "dataFileContainsHeader": true, "attributes": [
            {"attributeName": "code", "attributeType": "CATEGORICAL"},
            {"attributeName": "y", "attributeType": "BINARY"}]});
    let wish = json!({"dataset": "codes.csv", "schema": schema, "holdout": 0});
    let ids = place.post("/v1/train", wish).await.expect(202).json();
    place.work().await;
    let path = format!("/v1/models/{}/predict", ids["model"].as_str().unwrap());
    let body = r#"{"records": [{"code": 1.50}, {"code": "007"}, {"code": 1.5}, {"code": "1.\u0035\u0030"}]}"#;
    let json = [("content-type", "application/json")];
    let answer = place
        .send(&format!("POST {path}"), &json, body)
        .await
        .expect(200)
        .json();
    let labels: Vec<&str> = (0..4)
        .map(|i| answer["predictions"][i]["label"].as_str().unwrap())
        .collect();
    assert_eq!((labels[0], labels[1], labels[3]), ("a", "b", "a"), "{answer}");
    let codes = |i: usize| -> Vec<&str> {
        let warnings = answer["predictions"][i]["warnings"].as_array().unwrap();
        warnings
            .iter()
            .map(|warning| warning["code"].as_str().unwrap())
            .collect()
    };
    assert_eq!(codes(0), ["number_for_text"]);
    assert_eq!(codes(1), Vec::<&str>::new());
    assert_eq!(codes(2), ["unknown_category", "number_for_text"]);
}

/// A body of CSV means what a file with the same text means.
#[tokio::test]
async fn csv_is_read_as_a_file_is() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let path = model(&place, "iris.csv").await;
    let post = format!("POST {path}");
    let expected = place.post(&path, json!({"record": [4.9, 3.1, 1.5, 0.2]})).await;
    let expected = expected.expect(200).json()["prediction"]["probabilities"].clone();
    let csv = [("content-type", "text/csv")];
    let names = [
        "sepal_length_cm",
        "sepal_width_cm",
        "petal_length_cm",
        "petal_width_cm",
    ];
    for text in [
        format!("{}\n4.9,3.1,1.5,0.2\n", names.join(" , ")),
        format!(",{}\n7,4.9,3.1,1.5,0.2\n", names.join(",")),
        format!("{}\n4.9;3.1;1.5;0.2\n", names.join(";")),
        "4.9\t3.1\t1.5\t0.2\n".to_owned(),
        "4.9|3.1|1.5|0.2".to_owned(),
        "4.9,3.1,1.5,\"0.2\"".to_owned(),
    ] {
        let answer = place.send(&post, &csv, text.clone()).await.expect(200).json();
        let predictions = answer["predictions"].as_array().unwrap();
        assert_eq!(predictions.len(), 1, "{text}");
        assert_eq!(predictions[0]["probabilities"], expected, "{text}");
    }
    for (text, line) in [("5,3,1,\"0.2\n5,3,1,0.2\n", 1), ("5,3,1,2\n5,3,1,\"0.2", 2)] {
        let problem = place.send(&post, &csv, text).await.problem(400, "unclosed_quote");
        let expected = format!("the quote that is opened in line {line} is never closed");
        assert!(
            problem["detail"].as_str().unwrap().contains(&expected),
            "{problem}"
        );
    }
}

/// A value that is the name of a column by chance makes no header of a record.
#[tokio::test]
async fn a_record_is_no_header_because_of_one_word() {
    const TABLE: &str = "0,1,2,3,y\n5,1,4,9,a\n6,1,4,8,b\n5,2,4,9,a\n6,2,4,8,b\n5,3,4,9,a\n6,3,4,8,b\n";
    let place = Place::with(&[("numbers.csv", TABLE)]).await;
    let wish = json!({"dataset": "numbers.csv", "target": "y", "header": "yes", "holdout": 0});
    let ids = place.post("/v1/train", wish).await.expect(202).json();
    place.work().await;
    let post = format!("POST /v1/models/{}/predict", ids["model"].as_str().unwrap());
    let csv = [("content-type", "text/csv")];
    for (text, records) in [
        ("0,1,5,2\n5,1,4,9\n", 2),
        ("0,1,2,3\n5,1,4,9\n", 1),
        ("3,2,1,0\n5,1,4,9\n", 1),
    ] {
        let answer = place.send(&post, &csv, text).await.expect(200).json();
        assert_eq!(answer["predictions"].as_array().unwrap().len(), records, "{text}");
    }
}

#[tokio::test]
async fn what_an_answer_may_hold_is_bounded() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let names: Vec<String> = (0..400).map(|column| format!("c{column}")).collect();
    let row = |value: &str| vec![value; 400].join(",");
    let table = format!(
        "{},y\n{},a\n{},b\n{},a\n{},b\n",
        names.join(","),
        row("1"),
        row("2"),
        row("1.5"),
        row("2.5")
    );
    place.put("wide.csv", table.leak()).await.expect(201);
    let wish = json!({"dataset": "wide.csv", "target": "y", "holdout": 0});
    let ids = place.post("/v1/train", wish).await.expect(202).json();
    place.work().await;
    let path = format!("/v1/models/{}/predict", ids["model"].as_str().unwrap());
    let records = |count: usize| json!({"records": vec![json!({"c0": 1}); count]});
    place.post(&path, records(5_000)).await.expect(200);
    let explained = format!("{path}?explain=true");
    place.post(&explained, records(600)).await.expect(200);
    let refused = place
        .post(&explained, records(700))
        .await
        .problem(400, "invalid_value");
    let detail = refused["detail"].as_str().unwrap();
    assert!(
        detail.contains("more than 623 records cannot be explained"),
        "{detail}"
    );
}
