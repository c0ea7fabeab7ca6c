//! Lists: filters, order, pages.

use serde_json::{Value, json};

use super::{get, schema, source, trained};
use crate::support::Place;

fn ids(list: &Value, member: &str) -> Vec<String> {
    let results = list["Results"].as_array().unwrap();
    results
        .iter()
        .map(|item| item[member].as_str().unwrap().to_owned())
        .collect()
}

async fn sources() -> Place {
    let place = Place::open().await;
    for id in ["c", "a", "d", "b"] {
        let at = format!("s3://shop/{id}.csv");
        let mut body = source(id, &at, &schema(true, true), None);
        body["DataSourceName"] = json!(format!("name {}", if id < "c" { "x" } else { "y" }));
        place.amazon("CreateDataSourceFromS3", body).await.expect(200);
    }
    place
}

#[tokio::test]
async fn sources_are_filtered_and_ordered_by_one_variable() {
    let place = sources().await;
    let all = get(&place, "DescribeDataSources", json!({})).await;
    assert_eq!(ids(&all, "DataSourceId"), ["b", "d", "a", "c"], "newest first");
    let times: Vec<f64> = all["Results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["CreatedAt"].as_f64().unwrap())
        .collect();
    for (query, expected) in [
        (json!({"SortOrder": "asc"}), &["c", "a", "d", "b"][..]),
        (
            json!({"FilterVariable": "Name", "SortOrder": "asc"}),
            &["a", "b", "c", "d"],
        ),
        (json!({"FilterVariable": "Name"}), &["c", "d", "a", "b"]),
        (json!({"FilterVariable": "Name", "EQ": "name x"}), &["a", "b"]),
        (
            json!({"FilterVariable": "Name", "Prefix": "name"}),
            &["c", "d", "a", "b"],
        ),
        (json!({"FilterVariable": "Name", "Prefix": "Name"}), &[]),
        (json!({"FilterVariable": "Name", "NE": "name x"}), &["c", "d"]),
        (json!({"FilterVariable": "Name", "GT": "name x"}), &["c", "d"]),
        (
            json!({"FilterVariable": "DataLocationS3", "GE": "s3://shop/b", "LT": "s3://shop/d"}),
            &["c", "b"],
        ),
        (
            json!({"FilterVariable": "Status", "EQ": "PENDING"}),
            &["a", "b", "c", "d"],
        ),
        (json!({"FilterVariable": "Status", "EQ": "COMPLETED"}), &[]),
        (json!({"FilterVariable": "Status", "EQ": "Bogus"}), &[]),
        (
            json!({"FilterVariable": "IAMUser", "EQ": "arn:aws:iam::1:root"}),
            &["a", "b", "c", "d"],
        ),
        (json!({"FilterVariable": "IAMUser", "EQ": "ana"}), &[]),
        (
            json!({"FilterVariable": "CreatedAt", "EQ": times[1].to_string()}),
            &["d"],
        ),
        (
            json!({"FilterVariable": "CreatedAt", "GE": times[2].to_string(), "LT": times[0].to_string()}),
            &["d", "a"],
        ),
        (
            json!({"FilterVariable": "LastUpdatedAt", "GT": "2030-01-01T00:00:00Z"}),
            &[],
        ),
    ] {
        let list = get(&place, "DescribeDataSources", query.clone()).await;
        assert_eq!(ids(&list, "DataSourceId"), expected, "{query}");
    }
    for query in [
        json!({"FilterVariable": "Bogus", "EQ": "x"}),
        json!({"FilterVariable": "MLModelId", "EQ": "x"}),
        json!({"EQ": "x"}),
        json!({"FilterVariable": "Name", "EQ": "  "}),
        json!({"FilterVariable": "Name", "EQ": "x".repeat(1025)}),
        json!({"FilterVariable": "Status", "GT": "A"}),
        json!({"FilterVariable": "CreatedAt", "EQ": "yesterday"}),
        json!({"FilterVariable": "CreatedAt", "Prefix": "1"}),
        json!({"SortOrder": "sideways"}),
        json!({"Limit": 0}),
        json!({"Limit": 101}),
        json!({"NextToken": "nonsense"}),
    ] {
        place
            .amazon("DescribeDataSources", query)
            .await
            .refused("InvalidInputException");
    }
}

#[tokio::test]
async fn deleted_things_are_listed_to_those_who_ask_for_them() {
    let place = sources().await;
    place
        .amazon("DeleteDataSource", json!({"DataSourceId": "a"}))
        .await
        .expect(200);
    for (query, expected) in [
        (json!({"SortOrder": "asc"}), &["c", "d", "b"][..]),
        (json!({"FilterVariable": "Name", "EQ": "name x"}), &["b"]),
        (json!({"FilterVariable": "Status"}), &["b", "c", "d"]),
        (json!({"FilterVariable": "Status", "EQ": "DELETED"}), &["a"]),
        (
            json!({"FilterVariable": "Status", "NE": "COMPLETED"}),
            &["b", "c", "d", "a"],
        ),
    ] {
        let list = get(&place, "DescribeDataSources", query.clone()).await;
        assert_eq!(ids(&list, "DataSourceId"), expected, "{query}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_and_belong_to_their_query() {
    let place = sources().await;
    let (mut seen, mut token) = (Vec::new(), None);
    for _ in 0..4 {
        let mut query = json!({"FilterVariable": "Name", "Prefix": "name", "SortOrder": "asc", "Limit": 1});
        if let Some(token) = &token {
            query["NextToken"] = json!(token);
        }
        let page = get(&place, "DescribeDataSources", query).await;
        seen.extend(ids(&page, "DataSourceId"));
        token = page["NextToken"].as_str().map(str::to_owned);
        if seen.len() == 2 {
            let other =
                json!({"FilterVariable": "Name", "Prefix": "n", "SortOrder": "asc", "NextToken": token});
            for query in [other, json!({"NextToken": "nonsense"})] {
                let answer = place.amazon("DescribeDataSources", query).await;
                let said = answer.refused("InvalidInputException");
                assert!(said.contains("send `NextToken` of the page before"), "{said}");
                assert!(!said.contains("cursor"), "{said}");
            }
        }
    }
    assert_eq!(
        (seen, token),
        (["a", "b", "c", "d"].map(str::to_owned).to_vec(), None)
    );
}

#[tokio::test]
async fn models_and_what_is_made_from_them_are_found_by_what_they_are_made_from() {
    let place = trained().await;
    let evaluation = json!({"EvaluationId": "ev", "MLModelId": "ml", "EvaluationDataSourceId": "rest"});
    place.amazon("CreateEvaluation", evaluation).await.expect(200);
    let batch = json!({"BatchPredictionId": "bp", "MLModelId": "ml", "BatchPredictionDataSourceId": "rest", "OutputUri": "s3://shop/out/"});
    place.amazon("CreateBatchPrediction", batch).await.expect(200);
    for (variable, value) in [
        ("TrainingDataSourceId", "train"),
        ("RealtimeEndpointStatus", "NONE"),
        ("MLModelType", "BINARY"),
        ("Algorithm", "sgd"),
        ("TrainingDataURI", "s3://shop/in/deliveries.csv"),
    ] {
        let list = get(
            &place,
            "DescribeMLModels",
            json!({"FilterVariable": variable, "EQ": value}),
        )
        .await;
        assert_eq!(ids(&list, "MLModelId"), ["ml"], "{variable}");
        assert_eq!(list["Results"][0]["Algorithm"], "sgd");
        let none = get(
            &place,
            "DescribeMLModels",
            json!({"FilterVariable": variable, "NE": value}),
        )
        .await;
        assert_eq!(none, json!({"Results": []}), "{variable}");
    }
    for (operation, member) in [
        ("DescribeEvaluations", "EvaluationId"),
        ("DescribeBatchPredictions", "BatchPredictionId"),
    ] {
        for (variable, value) in [
            ("MLModelId", "ml"),
            ("DataSourceId", "rest"),
            ("DataURI", "s3://shop/in/deliveries.csv"),
        ] {
            let list = get(
                &place,
                operation,
                json!({"FilterVariable": variable, "EQ": value}),
            )
            .await;
            assert_eq!(ids(&list, member).len(), 1, "{operation} {variable}");
            assert!(list["Results"][0].get("LogUri").is_none());
            let none = get(
                &place,
                operation,
                json!({"FilterVariable": variable, "EQ": "other"}),
            )
            .await;
            assert_eq!(none, json!({"Results": []}), "{operation} {variable}");
        }
    }
}
