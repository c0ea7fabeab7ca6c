//! Batch predictions: the files that they leave, byte for byte.

use serde_json::{Value, json};
use yosoku::jobs::runner::JobError;

use super::{get, part, schema, source, trained, unzipped};
use crate::support::{IRIS, Place};

fn batch(id: &str, source: &str, output: &str) -> Value {
    json!({"BatchPredictionId": id, "BatchPredictionName": "b", "MLModelId": "ml", "BatchPredictionDataSourceId": source, "OutputUri": output})
}

async fn predicted(place: &Place, id: &str, source: Value, output: &str) -> Value {
    place
        .amazon("CreateDataSourceFromS3", source.clone())
        .await
        .expect(200);
    let name = source["DataSourceId"].as_str().unwrap();
    place
        .amazon("CreateBatchPrediction", batch(id, name, output))
        .await
        .expect(200);
    place.work().await;
    get(place, "GetBatchPrediction", json!({"BatchPredictionId": id})).await
}

#[tokio::test]
async fn each_record_has_a_line_and_failed_ones_a_blank_one() {
    let place = trained().await;
    let rows = "order,km,note\nn1,5,sunny day\nn2,95,rainy day\nbroken\nn4,,\n";
    place.file("shop/in/day1.csv", rows);
    let new = source("new", "s3://shop/in/day1.csv", &schema(false, true), None);
    let done = predicted(&place, "bp-1", new, "s3://shop/out").await;
    assert_eq!(done["Status"], "COMPLETED", "{done}");
    assert_eq!(
        (&done["TotalRecordCount"], &done["InvalidRecordCount"]),
        (&json!(4), &json!(1))
    );
    assert_eq!(
        (&done["OutputUri"], &done["InputDataLocationS3"]),
        (&json!("s3://shop/out"), &json!("s3://shop/in/day1.csv"))
    );

    let manifest = place.file_at("shop/out/batch-prediction/bp-1.manifest").unwrap();
    let result = "s3://shop/out/batch-prediction/result/bp-1-day1.csv.gz";
    assert_eq!(
        String::from_utf8(manifest).unwrap(),
        format!("{{\"s3://shop/in/day1.csv\":\"{result}\"}}")
    );
    let text = unzipped(
        &place
            .file_at("shop/out/batch-prediction/result/bp-1-day1.csv.gz")
            .unwrap(),
    );
    let lines: Vec<&str> = text.split('\n').collect();
    assert_eq!(
        (lines.len(), lines[0], lines[3], lines[5]),
        (6, "tag,bestAnswer,score", "", "")
    );
    assert!(
        lines[1].starts_with("n1,0,") && lines[2].starts_with("n2,1,") && lines[4].starts_with("n4,"),
        "{text}"
    );

    // The same digits as in real time.
    get(&place, "CreateRealtimeEndpoint", json!({"MLModelId": "ml"})).await;
    let ask = json!({"MLModelId": "ml", "Record": {"km": "95", "note": "rainy day"}, "PredictEndpoint": "http://localhost"});
    let mut answer = place.amazon("Predict", ask.clone()).await;
    for _ in 0..500 {
        if answer.text().contains("Prediction") && !answer.text().contains("NotMounted") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        answer = place.amazon("Predict", ask.clone()).await;
    }
    let score = answer.expect(200).json()["Prediction"]["predictedScores"]["1"]
        .as_f64()
        .unwrap();
    let written: f64 = lines[2].rsplit(',').next().unwrap().parse().unwrap();
    assert!((score - written).abs() <= written * 1e-6, "{score} {written}");
}

#[tokio::test]
async fn most_records_may_be_broken_where_a_schema_says_what_they_are() {
    let place = trained().await;
    let (broken, good) = ("broken\n".repeat(1500), "n2,95,rainy day\n".repeat(30));
    for (id, rows) in [("first", [&broken, &good]), ("last", [&good, &broken])] {
        place.file(
            &format!("shop/in/{id}.csv"),
            format!("order,km,note\n{}", rows.map(String::as_str).concat()),
        );
        let new = source(
            &format!("ds-{id}"),
            &format!("s3://shop/in/{id}.csv"),
            &schema(false, true),
            None,
        );
        let done = predicted(&place, id, new, "s3://shop/out").await;
        assert_eq!(done["Status"], "COMPLETED", "{done}");
        assert_eq!(done["InvalidRecordCount"], 1500, "{done}");
        let result = format!("shop/out/batch-prediction/result/{id}-{id}.csv.gz");
        let text = unzipped(&place.file_at(&result).unwrap());
        let blank = text.lines().skip(1).filter(|line| line.is_empty()).count();
        assert_eq!((text.lines().count(), blank), (1531, 1500));
    }
    place.file("shop/in/all.csv", format!("order,km,note\n{broken}"));
    let new = source("ds-all", "s3://shop/in/all.csv", &schema(false, true), None);
    let done = predicted(&place, "all", new, "s3://shop/out").await;
    assert_eq!(done["Status"], "FAILED", "{done}");
}

#[tokio::test]
async fn truths_are_written_as_zero_and_one() {
    let place = trained().await;
    let rows = "o1,5,sunny day,No\no2,95,rainy day,TRUE\no3,50,rainy day,\no4,50,rainy day,perhaps\n";
    place.file("shop/in/bare.csv", rows);
    let mut plain = schema(true, false);
    plain["rowId"] = Value::Null;
    let done = predicted(
        &place,
        "bp",
        source("bare", "s3://shop/in/bare.csv", &plain, None),
        "s3://shop/out/",
    )
    .await;
    assert_eq!(done["Status"], "COMPLETED", "{done}");
    let text = unzipped(
        &place
            .file_at("shop/out/batch-prediction/result/bp-bare.csv.gz")
            .unwrap(),
    );
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "trueLabel,bestAnswer,score");
    assert!(
        lines[1].starts_with("0,0,") && lines[2].starts_with("1,1,"),
        "{text}"
    );
    assert!(
        lines[3].starts_with(',') && lines[4].starts_with("perhaps,"),
        "{text}"
    );
    let number = lines[1].rsplit(',').next().unwrap();
    assert!(
        number.contains('E') && !number.contains("E+") && number.len() <= 12,
        "{number}"
    );
}

#[tokio::test]
async fn each_file_of_a_folder_has_a_result() {
    let place = trained().await;
    place.file("shop/days/1.csv", "order,km,note\na,5,x\n");
    place.file("shop/days/2.csv", "order,km,note\nb,5,x\nc,6,y\n");
    let done = predicted(
        &place,
        "bp",
        source("days", "s3://shop/days/", &schema(false, true), None),
        "s3://other/",
    )
    .await;
    assert_eq!(
        (&done["Status"], &done["TotalRecordCount"]),
        (&json!("COMPLETED"), &json!(3)),
        "{done}"
    );
    let manifest: Value =
        serde_json::from_slice(&place.file_at("other/batch-prediction/bp.manifest").unwrap()).unwrap();
    assert_eq!(
        manifest,
        json!({"s3://shop/days/1.csv": "s3://other/batch-prediction/result/bp-1.csv.gz",
            "s3://shop/days/2.csv": "s3://other/batch-prediction/result/bp-2.csv.gz"})
    );
    let second = unzipped(
        &place
            .file_at("other/batch-prediction/result/bp-2.csv.gz")
            .unwrap(),
    );
    assert_eq!(second.lines().count(), 3);

    // Names that are the same in two folders do not replace each other.
    place.file("shop/twice/a/1.csv", "order,km,note\na,5,x\n");
    place.file("shop/twice/b/1.csv", "order,km,note\nb,5,x\n");
    predicted(
        &place,
        "tw",
        source("twice", "s3://shop/twice/", &schema(false, true), None),
        "s3://other/",
    )
    .await;
    for (name, tag) in [("tw-a-1.csv.gz", "a,"), ("tw-b-1.csv.gz", "b,")] {
        let text = unzipped(
            &place
                .file_at(&format!("other/batch-prediction/result/{name}"))
                .unwrap(),
        );
        assert!(text.lines().nth(1).unwrap().starts_with(tag), "{text}");
    }
}

#[tokio::test]
async fn parts_of_the_records_are_disjoint_and_complete() {
    let place = trained().await;
    let at = "s3://shop/in/deliveries.csv";
    let random = |complement: bool| {
        Some(
            json!({"splitting": {"percentBegin": 0, "percentEnd": 40, "strategy": "random", "complement": complement.to_string(),
            "strategyParams": {"randomSeed": "seed"}}}),
        )
    };
    let mut tags = Vec::new();
    for (id, rearrangement) in [
        ("s1", part(0, 25)),
        ("s2", part(25, 100)),
        ("r1", random(false)),
        ("r2", random(true)),
    ] {
        predicted(
            &place,
            id,
            source(id, at, &schema(true, true), rearrangement),
            "s3://shop/out/",
        )
        .await;
        let text = unzipped(
            &place
                .file_at(&format!(
                    "shop/out/batch-prediction/result/{id}-deliveries.csv.gz"
                ))
                .unwrap(),
        );
        tags.push(
            text.lines()
                .skip(1)
                .map(|line| line.split(',').next().unwrap().to_owned())
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!((tags[0].len(), tags[1].len()), (100, 300));
    for pair in tags.chunks(2) {
        let mut all: Vec<&String> = pair.iter().flatten().collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 400);
    }
    assert!((100..220).contains(&tags[2].len()), "{}", tags[2].len());
}

#[tokio::test]
async fn outputs_that_lead_elsewhere_are_refused() {
    let place = trained().await;
    for output in [
        "s3://shop/a:b/",
        "s3://shop/../x",
        "s3://shop//x",
        "s3://uploads/x",
        "/tmp",
        "",
        "s3://shop/./x",
    ] {
        place
            .amazon("CreateBatchPrediction", batch("bp", "rest", output))
            .await
            .refused("InvalidInputException");
    }
    let list = get(&place, "DescribeBatchPredictions", json!({})).await;
    assert_eq!(list, json!({"Results": []}));
}

#[tokio::test]
async fn parts_of_several_files_are_parts_of_them_all() {
    let place = trained().await;
    let rows: Vec<String> = (0..300).map(|row| format!("r{row},{},note", row % 100)).collect();
    for (name, range, head, end) in [
        ("a.csv", 0..130, "order,km,note\n", ""),
        ("b.csv", 130..131, "\"order\",\"km\",\"note\"\r\n", "\n"),
        ("c.csv", 131..300, "order,km,note\n", ""),
    ] {
        place.file(
            &format!("shop/three/{name}"),
            format!("{head}{}{end}", rows[range].join("\n")),
        );
    }
    let random = |complement: bool| {
        Some(
            json!({"splitting": {"percentBegin": 0, "percentEnd": 50, "strategy": "random", "complement": complement,
            "strategyParams": {"randomSeed": "seed"}}}),
        )
    };
    let mut tags = Vec::new();
    for (id, rearrangement) in [
        ("s1", part(0, 40)),
        ("s2", part(40, 100)),
        ("r1", random(false)),
        ("r2", random(true)),
    ] {
        let wish = source(id, "s3://shop/three/", &schema(false, true), rearrangement);
        let done = predicted(&place, id, wish, "s3://shop/out/").await;
        assert_eq!(done["Status"], "COMPLETED", "{done}");
        let mut found = Vec::new();
        for name in ["a", "b", "c"] {
            let text = unzipped(
                &place
                    .file_at(&format!("shop/out/batch-prediction/result/{id}-{name}.csv.gz"))
                    .unwrap(),
            );
            found.extend(
                text.lines()
                    .skip(1)
                    .map(|line| line.split(',').next().unwrap().to_owned()),
            );
        }
        assert_eq!(done["TotalRecordCount"], found.len());
        let profiled = place
            .get(&format!("/v1/datasources/{id}"))
            .await
            .expect(200)
            .json();
        assert_eq!(
            profiled["rows"],
            found.len(),
            "the part is the one that statistics have"
        );
        tags.push(found);
    }
    assert_eq!(tags[0], (0..120).map(|row| format!("r{row}")).collect::<Vec<_>>());
    for pair in tags.chunks(2) {
        let mut all: Vec<&String> = pair.iter().flatten().collect();
        all.sort();
        all.dedup();
        assert_eq!((all.len(), pair[0].len() + pair[1].len()), (300, 300));
    }
    assert!((100..200).contains(&tags[2].len()), "{}", tags[2].len());

    let shown = place.get("/v1/batch-predictions/s1").await.expect(200).json();
    assert_eq!(
        (&shown["output_location"], shown.get("output")),
        (&json!("s3://shop/out/"), None)
    );
    place
        .get("/v1/batch-predictions/s1/output")
        .await
        .problem(409, "wrong_state");
}

/// The one file of a folder has the result that it has by itself.
#[tokio::test]
async fn a_folder_with_one_file_is_that_file() {
    let place = trained().await;
    place.file("shop/daily/day1.csv", "order,km,note\nn1,5,sunny day\n");
    let new = source("new", "s3://shop/daily/", &schema(false, true), None);
    let done = predicted(&place, "bp", new, "s3://shop/out").await;
    assert_eq!(done["Status"], "COMPLETED", "{done}");
    let manifest = place.file_at("shop/out/batch-prediction/bp.manifest").unwrap();
    assert_eq!(
        String::from_utf8(manifest).unwrap(),
        r#"{"s3://shop/daily/day1.csv":"s3://shop/out/batch-prediction/result/bp-day1.csv.gz"}"#
    );
    let result = place
        .file_at("shop/out/batch-prediction/result/bp-day1.csv.gz")
        .unwrap();
    assert_eq!(unzipped(&result).lines().count(), 2);
}

#[tokio::test]
async fn a_worker_that_lost_its_job_leaves_the_results_of_others_alone() {
    let place = trained().await;
    place.file("shop/in/day1.csv", "order,km,note\nn1,5,sunny day\n");
    let new = source("new", "s3://shop/in/day1.csv", &schema(false, true), None);
    get(&place, "CreateDataSourceFromS3", new).await;
    place.work().await;
    get(
        &place,
        "CreateBatchPrediction",
        batch("bp", "new", "s3://shop/out/"),
    )
    .await;
    let job = place.claim().await.unwrap();
    assert_eq!(place.work_in_vain(&job).await, JobError::Stopped);
    let result = "shop/out/batch-prediction/result/bp-day1.csv.gz";
    for path in [result, "shop/out/batch-prediction/bp.manifest"] {
        assert_eq!(place.file_at(path), None, "{path}");
    }
    place.finish(job).await;
    assert!(place.file_at(result).is_some());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_does_not_cost_the_results_of_others() {
    let place = trained().await;
    place.file(
        "shop/few/a.csv",
        "order,km,note\nn1,5,sunny day\nn2,6,sunny day\n",
    );
    place.file("shop/few/b.csv", "order,km,note\nbroken\n");
    let few = source("few", "s3://shop/few/", &schema(false, true), None);
    let done = predicted(&place, "bp", few, "s3://shop/out/").await;
    assert_eq!(done["Status"], "COMPLETED", "{done}");
    assert_eq!(
        (&done["TotalRecordCount"], &done["InvalidRecordCount"]),
        (&json!(3), &json!(1))
    );
}

/// The answers of a batch over all files of a folder, in their order.
async fn answered(
    place: &Place,
    id: &str,
    at: &str,
    schema: &Value,
    rearrangement: Value,
) -> (Value, Vec<String>) {
    let done = predicted(
        place,
        id,
        source(id, at, schema, Some(rearrangement)),
        "s3://shop/out/",
    )
    .await;
    assert_eq!(done["Status"], "COMPLETED", "{done}");
    let manifest = place
        .file_at(&format!("shop/out/batch-prediction/{id}.manifest"))
        .unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let results = manifest.as_object().unwrap().values().map(|result| {
        let path = result.as_str().unwrap().strip_prefix("s3://").unwrap();
        unzipped(&place.file_at(path).unwrap())
    });
    (done["TotalRecordCount"].clone(), results.collect())
}

#[tokio::test]
async fn a_folder_of_parquet_files_is_one_table() {
    let place = Place::open().await;
    let columns = [
        "sepal_length_cm",
        "sepal_width_cm",
        "petal_length_cm",
        "petal_width_cm",
        "target",
    ];
    let attributes = columns.map(|name| {
        let kind = if name == "target" {
            "CATEGORICAL"
        } else {
            "NUMERIC"
        };
        json!({"attributeName": name, "attributeType": kind})
    });
    // Parquet files name their columns, whatever is said of headers.
    let iris = |header: bool| {
        json!({"version": "1.0", "dataFormat": "CSV", "dataFileContainsHeader": header,
            "targetAttributeName": "target", "attributes": attributes})
    };
    place.file(
        "shop/p/a.parquet",
        include_bytes!("../../data/parquet/iris.parquet"),
    );
    place.file(
        "shop/p/b.parquet",
        include_bytes!("../../data/parquet/iris_zstd.parquet"),
    );
    place.file("shop/p/_metadata", "what others leave");
    place.file("shop/c/a.csv", IRIS);
    place.file("shop/c/b.csv", IRIS);
    for (id, at, header) in [("p", "s3://shop/p/", false), ("c", "s3://shop/c/", true)] {
        get(
            &place,
            "CreateDataSourceFromS3",
            source(id, at, &iris(header), None),
        )
        .await;
        let model = json!({"MLModelId": id, "MLModelType": "MULTICLASS", "TrainingDataSourceId": id});
        get(&place, "CreateMLModel", model).await;
    }
    place.work().await;
    for id in ["p", "c"] {
        let model = get(&place, "GetMLModel", json!({"MLModelId": id})).await;
        assert_eq!(model["Status"], "COMPLETED", "{model}");
        let shown = place
            .get(&format!("/v1/datasources/{id}"))
            .await
            .expect(200)
            .json();
        assert_eq!(shown["rows"], 300, "{id}");
    }
    let by_parquet = place.get("/v1/models/p").await.json();
    let by_csv = place.get("/v1/models/c").await.json();
    assert_eq!(
        by_parquet["solver"]["certificate"],
        by_csv["solver"]["certificate"]
    );
    get(&place, "DeleteMLModel", json!({"MLModelId": "c"})).await;

    // One model for both, under the name that batches here ask for.
    let ml = json!({"MLModelId": "ml", "MLModelType": "MULTICLASS", "TrainingDataSourceId": "p"});
    get(&place, "CreateMLModel", ml).await;
    place.work().await;
    let some = json!({"splitting": {"percentBegin": 20, "percentEnd": 70}});
    let found = answered(&place, "p-some", "s3://shop/p/", &iris(false), some.clone()).await;
    let expected = answered(&place, "c-some", "s3://shop/c/", &iris(true), some).await;
    assert_eq!((&found.0, found.1.len()), (&json!(150), 2));
    assert_eq!(found, expected);
    let random = |complement: bool| json!({"splitting": {"percentBegin": 0, "percentEnd": 60, "strategy": "random", "complement": complement}});
    let found = answered(&place, "p-random", "s3://shop/p/", &iris(false), random(false)).await;
    let others = answered(&place, "p-others", "s3://shop/p/", &iris(false), random(true)).await;
    let count = |answered: &(Value, Vec<String>)| answered.0.as_u64().unwrap();
    assert!(count(&found) > 120, "{}", count(&found));
    assert_eq!(count(&found) + count(&others), 300);

    // What does not belong together is refused by name.
    place.file(
        "shop/p/z.parquet",
        include_bytes!("../../data/parquet/types.parquet"),
    );
    place.file("shop/mixed/a.csv", IRIS);
    place.file(
        "shop/mixed/b.parquet",
        include_bytes!("../../data/parquet/iris.parquet"),
    );
    for (id, at, said) in [
        (
            "other",
            "s3://shop/p/",
            "`s3://shop/p/z.parquet` lacks `sepal_length_cm`",
        ),
        (
            "mixed",
            "s3://shop/mixed/",
            "`s3://shop/mixed/b.parquet` is Parquet",
        ),
    ] {
        get(
            &place,
            "CreateDataSourceFromS3",
            source(id, at, &iris(true), None),
        )
        .await;
        place.work().await;
        let failed = get(&place, "GetDataSource", json!({"DataSourceId": id})).await;
        let message = failed["Message"].as_str().unwrap();
        assert!(failed["Status"] == "FAILED" && message.contains(said), "{failed}");
    }
}
