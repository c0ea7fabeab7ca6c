//! Batch predictions in other forms than plain CSV, with side files and metrics.

use std::io::Read;

use serde_json::{Value, json};

use crate::support::{CANCER, IRIS, Place};

async fn made(place: &Place, id: &str, model: &Value, more: Value) -> Value {
    let mut wish = json!({"id": id, "model": model, "dataset": "iris.csv"});
    let members = more.as_object().unwrap().clone();
    wish.as_object_mut().unwrap().extend(members);
    place.post("/v1/batch-predictions", wish).await.expect(202);
    place.work().await;
    place
        .get(&format!("/v1/batch-predictions/{id}"))
        .await
        .expect(200)
        .json()
}

#[tokio::test]
async fn the_file_has_the_form_that_was_asked_for() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let model = place.trained("t", "iris.csv").await["model"].clone();
    let form = json!({"format": "jsonl", "compress": "gzip", "row_number": true});
    let batch = made(&place, "bp", &model, form).await;
    assert_eq!(
        (&batch["format"], &batch["compress"], &batch["row_number"]),
        (&json!("jsonl"), &json!("gzip"), &json!(true))
    );
    let file = place.get("/v1/batch-predictions/bp/output").await.expect(200);
    assert_eq!(file.header("content-type"), "application/gzip");
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"bp.jsonl.gz\""
    );
    let mut text = String::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(file.bytes());
    decoder.read_to_string(&mut text).unwrap();
    let rows: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((rows.len(), &rows[149]["row"]), (150, &json!(150)));

    // The numbers are those of real time, to the bit.
    let first = IRIS.lines().nth(1).unwrap().split(',');
    let record: Value = IRIS
        .lines()
        .next()
        .unwrap()
        .split(',')
        .zip(first)
        .map(|(n, v)| (n.to_owned(), json!(v)))
        .collect();
    let path = format!("/v1/models/{}/predict", model.as_str().unwrap());
    let live = place
        .post(&path, json!({"record": record}))
        .await
        .expect(200)
        .json();
    assert_eq!(rows[0]["probabilities"], live["prediction"]["probabilities"]);
    assert_eq!(rows[0]["label"], live["prediction"]["label"]);

    for (member, value) in [("format", "xml"), ("compress", "zip")] {
        let wish = json!({"model": model, "dataset": "iris.csv", member: value});
        let problem = place
            .post("/v1/batch-predictions", wish)
            .await
            .problem(400, "invalid_value");
        assert_eq!(problem["errors"][0]["pointer"], format!("/{member}"), "{problem}");
    }
}

#[tokio::test]
async fn problems_are_a_file_and_metrics_are_in_the_summary() {
    const TABLE: &str = "sepal_length_cm,sepal_width_cm,petal_length_cm,petal_width_cm,target\n5.1,3.5,1.4,0.2,setosa\n5,3\nlong,3.5,1.4,0.2,\n6.3,3.3,6.0,2.5,virginica\n";
    const LINES: &str = "{\"sepal_length_cm\": 5.1, \"sepal_width_cm\": 3.5, \"petal_length_cm\": 1.4, \"petal_width_cm\": 0.2}\n{\"sepal_length_cm\": [1]}\n{\"sepal_length_cm\": 6.3}\n";
    let place = Place::with(&[("iris.csv", IRIS), ("cancer.csv", CANCER)]).await;
    place.put("new.csv", TABLE).await.expect(201);
    place.put("new.jsonl", LINES).await.expect(201);
    let model = place.trained("t", "iris.csv").await["model"].clone();
    let batch = made(
        &place,
        "a",
        &model,
        json!({"dataset": "new.csv", "problems": true}),
    )
    .await;
    assert_eq!(batch["problem_file"], "/v1/batch-predictions/a/problems");
    let metrics = &batch["summary"]["metrics"];
    assert_eq!(
        (&metrics["records"], &metrics["unknown_target"]),
        (&json!(2), &json!(1)),
        "{batch}"
    );
    assert!(metrics["macro_f1"]["value"].is_number(), "{metrics}");
    let file = place.get("/v1/batch-predictions/a/problems").await.expect(200);
    assert_eq!(file.header("content-type"), "application/x-ndjson");
    let codes: Vec<Value> = file
        .text()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["code"].clone())
        .collect();
    assert_eq!(codes, ["ragged_row", "invalid"]);
    let part = place
        .send(
            "GET /v1/batch-predictions/a/problems",
            &[("range", "bytes=0-6")],
            "",
        )
        .await
        .expect(206);
    assert_eq!(part.text(), "{\"row\":2"[..7]);

    let plain = made(&place, "b", &model, json!({"dataset": "new.jsonl"})).await;
    assert_eq!(
        (&plain["rows"], &plain["invalid_rows"]),
        (&json!(3), &json!(1)),
        "{plain}"
    );
    assert_eq!(plain["summary"]["metrics"], Value::Null);
    let answer = place.get("/v1/batch-predictions/b/problems").await;
    let refused = answer.problem(409, "wrong_state");
    assert!(
        refused["detail"].as_str().unwrap().contains("not asked for"),
        "{refused}"
    );
}

#[tokio::test]
async fn parquet_comes_in_and_goes_out() {
    const ROWS: &[u8] = include_bytes!("../data/parquet/iris_zstd.parquet");
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let sent = place.send(
        "PUT /v1/datasets/rows",
        &[("content-type", "application/octet-stream")],
        ROWS,
    );
    sent.await.expect(201);
    let of_csv = place.trained("t", "iris.csv").await["model"].clone();
    let of_parquet = place.trained("u", "rows").await["model"].clone();
    let mut outputs = Vec::new();
    for (id, model, dataset) in [
        ("a", &of_csv, "iris.csv"),
        ("b", &of_csv, "rows"),
        ("c", &of_parquet, "rows"),
    ] {
        let batch = made(
            &place,
            id,
            model,
            json!({"dataset": dataset, "format": "parquet"}),
        )
        .await;
        assert_eq!(
            (&batch["format"], &batch["compress"], &batch["rows"]),
            (&json!("parquet"), &json!("zstd"), &json!(150))
        );
        let file = place
            .get(&format!("/v1/batch-predictions/{id}/output"))
            .await
            .expect(200);
        assert_eq!(file.header("content-type"), "application/vnd.apache.parquet");
        let name = format!("attachment; filename=\"{id}.parquet\"");
        assert_eq!(file.header("content-disposition"), name);
        outputs.push(file.bytes().to_vec());
    }
    assert!(outputs[0].starts_with(b"PAR1") && outputs[0].ends_with(b"PAR1"));
    assert!(
        outputs[0] == outputs[1] && outputs[1] == outputs[2],
        "the same scores"
    );

    let cut = place.send(
        "PUT /v1/datasets/cut",
        &[("content-type", "application/octet-stream")],
        &ROWS[..999],
    );
    cut.await.expect(201);
    let batch = made(&place, "d", &of_csv, json!({"dataset": "cut"})).await;
    assert_eq!(batch["status"], "FAILED");
    assert_eq!(batch["error"]["code"], "damaged_parquet", "{batch}");
}
