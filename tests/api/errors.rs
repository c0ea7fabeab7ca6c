//! Every kind of refusal, with the field it is about.

use serde_json::{Value, json};

use crate::support::{IRIS, Place};

#[tokio::test]
async fn creations_name_the_field_that_is_wrong() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    place
        .post(
            "/v1/datasources",
            json!({"id": "ds-1", "dataset": "iris.csv", "target": "target"}),
        )
        .await
        .expect(202);
    place
        .post("/v1/models", json!({"id": "ml-1", "datasource": "ds-1"}))
        .await
        .expect(202);
    let cases: &[(&str, Value, &str, &str)] = &[
        (
            "datasources",
            json!({"dataset": "none.csv"}),
            "unknown_reference",
            "/dataset",
        ),
        ("datasources", json!({}), "missing_field", "/dataset"),
        (
            "datasources",
            json!({"dataset": "iris.csv", "taget": "x"}),
            "unknown_field",
            "/taget",
        ),
        ("datasources", json!({"dataset": 7}), "invalid_value", "/dataset"),
        (
            "datasources",
            json!({"dataset": "iris.csv", "id": "a b"}),
            "invalid_id",
            "/id",
        ),
        (
            "datasources",
            json!({"dataset": "iris.csv", "header": "maybe"}),
            "invalid_value",
            "/header",
        ),
        (
            "datasources",
            json!({"dataset": "iris.csv", "split": {"percent_end": 120}}),
            "invalid_split",
            "/split/percent_end",
        ),
        (
            "datasources",
            json!({"dataset": "iris.csv", "schema": {"attributes": []}}),
            "invalid_schema",
            "/schema/attributes",
        ),
        (
            "models",
            json!({"datasource": "ds-9"}),
            "unknown_reference",
            "/datasource",
        ),
        (
            "models",
            json!({"datasource": "ds-1", "type": "ranking"}),
            "invalid_value",
            "/type",
        ),
        (
            "models",
            json!({"datasource": "ds-1", "parameters": {"l2": [1]}}),
            "invalid_value",
            "/parameters/l2",
        ),
        (
            "models",
            json!({"datasource": "ds-1", "parameters": {"l3": 1}}),
            "invalid_parameter",
            "/parameters/l3",
        ),
        (
            "evaluations",
            json!({"model": "ml-9", "datasource": "ds-1"}),
            "unknown_reference",
            "/model",
        ),
        ("evaluations", json!({"model": "ml-1"}), "missing_field", ""),
        (
            "batch-predictions",
            json!({"model": "ml-1"}),
            "missing_field",
            "/datasource",
        ),
        (
            "batch-predictions",
            json!({"model": "ml-1", "dataset": "iris.csv", "datasource": "ds-1"}),
            "invalid_value",
            "/dataset",
        ),
        (
            "batch-predictions",
            json!({"model": "ml-1", "dataset": "iris.csv", "columns": ["a", "a"]}),
            "duplicate_column",
            "/columns/1",
        ),
        (
            "train",
            json!({"dataset": "iris.csv", "target": "target", "holdout": 200}),
            "invalid_value",
            "/holdout",
        ),
        (
            "train",
            json!({"dataset": "none.csv", "target": "target"}),
            "unknown_reference",
            "/dataset",
        ),
    ];
    for (path, body, code, pointer) in cases {
        let answer = place.post(&format!("/v1/{path}"), body.clone()).await;
        let problem = answer.problem(400, code);
        assert_eq!(problem["errors"][0]["pointer"], *pointer, "{body}: {problem}");
    }
    assert_eq!(
        place.get("/v1/models").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1,
        "nothing half made"
    );
}

#[tokio::test]
async fn addresses_methods_and_bodies_are_refused_by_name() {
    let place = Place::open().await;
    let json = [("content-type", "application/json")];
    for (line, headers, body, status, code) in [
        ("GET /v1/models/none", &[][..], "", 404, "not_found"),
        ("GET /v1/models/a%20b", &[], "", 400, "invalid_id"),
        ("DELETE /v1/evaluations/none", &[], "", 404, "not_found"),
        ("PATCH /v1/evaluations/none", &json, "{}", 404, "not_found"),
        ("POST /v1/evaluations/none/cancel", &[], "", 404, "not_found"),
        ("GET /v1/datasets/none", &[], "", 404, "not_found"),
        ("GET /v1/nothing", &[], "", 404, "unknown_route"),
        ("PUT /v1/models", &json, "{}", 405, "method_not_allowed"),
        ("POST /v1/datasets/x", &json, "{}", 405, "method_not_allowed"),
        ("POST /v1/datasets", &json, "{}", 405, "method_not_allowed"),
        ("POST /v1/models", &json, "{", 400, "invalid_json"),
        (
            "POST /v1/models",
            &[("content-type", "text/plain")],
            "{}",
            415,
            "unsupported_media",
        ),
        (
            "PUT /v1/datasets/x",
            &[("content-type", "application/pdf")],
            "x",
            415,
            "unsupported_media",
        ),
        ("PUT /v1/datasets/.hidden", &[], "a\n1\n", 400, "invalid_id"),
        ("PUT /v1/datasets/x", &[], "", 400, "empty_file"),
        ("GET /v1/models?verbose=1", &[], "", 400, "unknown_parameter"),
        (
            "GET /v1/models",
            &[("origin", "http://evil.example")],
            "",
            403,
            "foreign_origin",
        ),
    ] {
        place.send(line, headers, body).await.problem(status, code);
    }
    let long = format!("{{\"name\": \"{}\"}}", "x".repeat(3 << 20));
    place
        .send("POST /v1/models", &json, long)
        .await
        .problem(413, "too_large");
}
