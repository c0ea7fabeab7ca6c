//! The OpenAPI document against the server: every address is answered, every example looks like the real thing.

use serde_json::{Value, json};
use yosoku::http::rest::openapi;

use crate::support::{CANCER, Place, members};

fn document() -> Value {
    serde_json::to_value(openapi::document()).unwrap()
}

#[tokio::test]
async fn every_operation_of_the_document_is_answered() {
    let place = Place::open().await;
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let line = format!(
                "{} {}",
                method.to_uppercase(),
                path.replace("{id}", "none").replace("{name}", "none")
            );
            let answer = place
                .send(&line, &[("content-type", "application/json")], "{")
                .await
                .json();
            let code = answer["code"].as_str().unwrap_or_default();
            assert!(
                !["unknown_route", "method_not_allowed"].contains(&code),
                "{line}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn the_document_is_served_as_it_is_committed() {
    let place = Place::open().await;
    let served = place.get("/openapi.yaml").await.expect(200).text();
    assert_eq!(served, yosoku::http::openapi_yaml().unwrap());
}

/// The example of the answer with this status.
fn example(document: &Value, method: &str, path: &str, status: &str) -> Value {
    document["paths"][path][method]["responses"][status]["content"]["application/json"]["example"].clone()
}

#[tokio::test]
async fn examples_have_the_members_of_real_answers() {
    let place = Place::with(&[("cancer.csv", CANCER)]).await;
    let document = document();
    let requests = |path: &str| {
        document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"].clone()
    };
    let mut train = requests("/v1/train");
    train["dataset"] = json!("cancer.csv");
    let ids = place.post("/v1/train", train).await.expect(202).json();
    assert_eq!(
        members(&ids),
        members(&example(&document, "post", "/v1/train", "202"))
    );
    let batch = json!({"id": "bp-1", "model": ids["model"], "dataset": "cancer.csv"});
    place.post("/v1/batch-predictions", batch).await.expect(202);
    place.work().await;

    let text = |id: &Value| id.as_str().unwrap().to_owned();
    for (path, id) in [
        ("/v1/datasets/{name}", "cancer.csv".to_owned()),
        ("/v1/datasources/{id}", text(&ids["datasource"])),
        ("/v1/models/{id}", text(&ids["model"])),
        ("/v1/models/{id}/weights", text(&ids["model"])),
        ("/v1/evaluations/{id}", text(&ids["evaluation"])),
        ("/v1/batch-predictions/{id}", "bp-1".to_owned()),
    ] {
        let real = place
            .get(&path.replace("{id}", &id).replace("{name}", &id))
            .await
            .expect(200)
            .json();
        let shown = example(&document, "get", path, "200");
        assert_eq!(members(&real), members(&shown), "{path}");
        for (member, value) in real.as_object().unwrap() {
            let same = std::mem::discriminant(value) == std::mem::discriminant(&shown[member]);
            assert!(
                same,
                "{path}: {member} is {value}, in the example {}",
                shown[member]
            );
        }
    }
    let path = "/v1/models/{id}/predict";
    let real = place
        .post(
            &format!("/v1/models/{}/predict?explain=true", text(&ids["model"])),
            requests(path),
        )
        .await;
    let (real, shown) = (real.expect(200).json(), example(&document, "post", path, "200"));
    assert_eq!(members(&real), members(&shown));
    assert_eq!(members(&real["prediction"]), members(&shown["prediction"]));
}

#[tokio::test]
async fn the_address_that_the_program_prints_leads_to_the_reference() {
    let place = Place::open().await;
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let found = place.send("GET /", &browser, "").await.expect(303);
    assert_eq!(found.header("location"), "/docs");
}
