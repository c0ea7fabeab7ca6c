//! Statistics and insights of a data source: with it, and on their own with finer histograms.

use serde_json::{Value, json};

use crate::support::{CANCER, Place};

/// A tenth of the rows comes twice, a column is the answer in words, another is always the same.
fn troubled() -> &'static str {
    let mut text = "size,verdict,unit,y\n".to_owned();
    for i in (0..600).chain(0..60) {
        let y = i * 7 % 5 < 2;
        let verdict = if y { "guilty" } else { "free" };
        text.push_str(&format!("{}.{i},{verdict},kg,{}\n", i * 7919 % 1009, u8::from(y)));
    }
    text.leak()
}

#[tokio::test]
async fn a_data_source_tells_what_may_hurt() {
    let place = Place::with(&[("troubled.csv", troubled())]).await;
    let wish = json!({"id": "ds-1", "dataset": "troubled.csv", "target": "y"});
    place.post("/v1/datasources", wish).await.expect(202);
    let early = place
        .get("/v1/datasources/ds-1/statistics")
        .await
        .expect(409)
        .json();
    assert_eq!(early["code"], "wrong_state");
    assert!(
        early["detail"].as_str().unwrap_or_default().contains("COMPLETED"),
        "{early}"
    );
    place.work().await;

    let source = place.get("/v1/datasources/ds-1").await.expect(200).json();
    let codes: Vec<&str> = source["insights"]
        .as_array()
        .unwrap()
        .iter()
        .map(|insight| insight["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["target_copy", "duplicate_rows", "constant_column"]);
    let first = &source["insights"][0];
    assert_eq!(
        (&first["columns"], &first["count"]),
        (&json!(["verdict"]), &json!(1))
    );
    assert!(first["evidence"][0]["examples"].is_array());
    for member in ["message", "suggestion"] {
        assert!(!first[member].as_str().unwrap().is_empty(), "{first}");
    }
    let other = place
        .get("/v1/datasources/ds-1/statistics")
        .await
        .expect(200)
        .json();
    assert_eq!(other["insights"], source["insights"]);
    for (member, value) in source["statistics"].as_object().unwrap() {
        assert_eq!(&other[member], value, "{member}");
    }
}

#[tokio::test]
async fn histograms_have_as_many_bars_as_wanted() {
    let place = Place::with(&[("cancer.csv", CANCER)]).await;
    let wish = json!({"id": "ds-1", "dataset": "cancer.csv", "target": "target"});
    place.post("/v1/datasources", wish).await.expect(202);
    place.work().await;
    let histogram = |statistics: &Value| statistics["columns"][0]["numeric"]["histogram"].clone();
    let check = |histogram: &Value, bars: usize| {
        let counts = histogram["counts"].as_array().unwrap();
        assert_eq!(
            (counts.len(), histogram["edges"].as_array().unwrap().len()),
            (bars, bars + 1)
        );
        let total: u64 = counts.iter().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(total, 569);
    };
    let source = place.get("/v1/datasources/ds-1").await.expect(200).json();
    assert_eq!(source["insights"], json!([]));
    check(&histogram(&source["statistics"]), 20);
    for bars in [20, 50, 100, 200, 500] {
        let path = format!("/v1/datasources/ds-1/statistics?bars={bars}");
        let statistics = place.get(&path).await.expect(200).json();
        check(&histogram(&statistics), bars);
        assert_eq!(statistics["target"]["values"][0]["value"], "benign");
    }
    let refused = place
        .get("/v1/datasources/ds-1/statistics?bars=7")
        .await
        .expect(400)
        .json();
    assert_eq!(refused["code"], "invalid_parameter");
    assert!(
        refused.to_string().contains("20, 50, 100, 200 or 500"),
        "{refused}"
    );
    place.get("/v1/datasources/none/statistics").await.expect(404);
}
