//! Files that jobs make: predictions and models, downloaded whole and in part.

use serde_json::json;

use crate::support::{IRIS, Place};

async fn place() -> (Place, String) {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let ids = place.trained("t", "iris.csv").await;
    let model = ids["model"].as_str().unwrap().to_owned();
    (place, model)
}

#[tokio::test]
async fn predictions_are_downloaded_once_they_are_there() {
    let (place, model) = place().await;
    let wish = json!({"id": "bp-1", "model": model, "dataset": "iris.csv", "columns": ["target"]});
    place.post("/v1/batch-predictions", wish).await.expect(202);
    let path = "/v1/batch-predictions/bp-1/output";
    place.get(path).await.problem(409, "wrong_state");
    place.work().await;

    let whole = place.get(path).await.expect(200);
    assert_eq!(whole.text().lines().count(), 151);
    assert!(whole.header("content-type").starts_with("text/csv"));
    assert_eq!(
        whole.header("content-disposition"),
        "attachment; filename=\"bp-1.csv\""
    );
    assert_eq!(whole.header("accept-ranges"), "bytes");
    let batch = place.get("/v1/batch-predictions/bp-1").await.json();
    assert_eq!(batch["size_bytes"], whole.bytes().len());

    let line = format!("GET {path}");
    let part = place
        .send(&line, &[("range", "bytes=10-19")], "")
        .await
        .expect(206);
    assert_eq!(part.bytes(), &whole.bytes()[10..20]);
    let rest = place
        .send(
            &line,
            &[("range", "bytes=20-"), ("if-range", whole.header("etag"))],
            "",
        )
        .await
        .expect(206);
    assert_eq!(rest.bytes(), &whole.bytes()[20..]);
    place
        .send(&line, &[("range", "bytes=999999-")], "")
        .await
        .problem(416, "range_not_satisfiable");
    place
        .send(&line, &[("if-none-match", whole.header("etag"))], "")
        .await
        .expect(304);
    place
        .get("/v1/batch-predictions/bp-2/output")
        .await
        .problem(404, "not_found");
}

#[tokio::test]
async fn a_model_file_predicts_without_the_server() {
    let (place, model) = place().await;
    let file = place.get(&format!("/v1/models/{model}/bundle")).await.expect(200);
    assert_eq!(
        file.header("content-disposition"),
        format!("attachment; filename=\"{model}.yosoku\"")
    );
    let bundle = yosoku::ml::model::Bundle::decode(file.bytes()).unwrap();
    let predictor = yosoku::ml::predict::Predictor::new(&bundle).unwrap();
    let shown = place.get(&format!("/v1/models/{model}")).await.json();
    assert_eq!(shown["hash"], predictor.hash());
    assert_eq!(shown["size_bytes"], file.bytes().len());
    let etag = file.header("etag");
    place
        .send(
            &format!("GET /v1/models/{model}/bundle"),
            &[("if-none-match", etag)],
            "",
        )
        .await
        .expect(304);
}
