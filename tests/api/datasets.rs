//! Files of rows: sent, described, read back, replaced, deleted.

use serde_json::json;

use crate::support::{DIABETES, IRIS, Place, column};

#[tokio::test]
async fn a_file_is_sent_described_and_read_back() {
    let place = Place::open().await;
    let sent = place.put("iris.csv", IRIS).await.expect(201);
    assert_eq!(sent.header("location"), "/v1/datasets/iris.csv");
    let dataset = sent.json();
    assert_eq!(dataset["name"], "iris.csv");
    assert_eq!(dataset["size_bytes"], IRIS.len());
    assert_eq!(dataset["content_type"], "text/csv");
    assert_eq!(dataset["content"], "/v1/datasets/iris.csv/content");
    assert_eq!(
        sent.header("etag"),
        format!("\"{}\"", dataset["version"].as_str().unwrap())
    );

    let described = place.get("/v1/datasets/iris.csv").await.expect(200);
    assert_eq!(described.json(), dataset);
    let content = place.get("/v1/datasets/iris.csv/content").await.expect(200);
    assert_eq!(content.text(), IRIS);
    assert_eq!(content.header("content-type"), "text/csv");
    assert_eq!(content.header("content-length"), IRIS.len().to_string());
    assert_eq!(
        content.header("content-disposition"),
        "attachment; filename=\"iris.csv\""
    );
}

#[tokio::test]
async fn the_same_bytes_are_the_same_version_and_others_replace_it() {
    let place = Place::with(&[("data", IRIS)]).await;
    let first = place.get("/v1/datasets/data").await.json();
    let again = place.put("data", IRIS).await.expect(200).json();
    assert_eq!(again["version"], first["version"]);
    let other = place.put("data", DIABETES).await.expect(200).json();
    assert_ne!(other["version"], first["version"]);
    assert_eq!(
        place.get("/v1/datasets/data").await.json()["version"],
        other["version"]
    );
    assert_eq!(place.get("/v1/datasets/data/content").await.text(), DIABETES);
}

#[tokio::test]
async fn a_file_comes_in_parts_and_only_when_it_is_news() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let path = "GET /v1/datasets/iris.csv/content";
    let part = place.send(path, &[("range", "bytes=5-9")], "").await.expect(206);
    assert_eq!(part.text(), &IRIS[5..10]);
    assert_eq!(part.header("content-range"), format!("bytes 5-9/{}", IRIS.len()));
    assert_eq!(part.header("content-length"), "5");
    let end = place.send(path, &[("range", "bytes=-7")], "").await.expect(206);
    assert_eq!(end.text(), &IRIS[IRIS.len() - 7..]);

    let beyond = place.send(path, &[("range", "bytes=999999-")], "").await;
    assert_eq!(beyond.header("content-range"), format!("bytes */{}", IRIS.len()));
    beyond.problem(416, "range_not_satisfiable");

    let etag = part.header("etag");
    let known = place.send(path, &[("if-none-match", etag)], "").await.expect(304);
    assert!(known.bytes().is_empty());
    assert_eq!(known.header("etag"), etag);
    place
        .send("GET /v1/datasets/iris.csv", &[("if-none-match", etag)], "")
        .await
        .expect(304);
    place
        .send(path, &[("if-none-match", "\"other\"")], "")
        .await
        .expect(200);
    place
        .send(path, &[("if-range", "\"other\""), ("range", "bytes=0-1")], "")
        .await
        .expect(200);
}

#[tokio::test]
async fn head_tells_without_sending() {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    let head = place
        .send("HEAD /v1/datasets/iris.csv/content", &[], "")
        .await
        .expect(200);
    assert!(head.bytes().is_empty());
    assert_eq!(head.header("content-length"), IRIS.len().to_string());
}

#[tokio::test]
async fn a_dataset_is_deleted_unless_something_reads_it() {
    let place = Place::with(&[("used", IRIS), ("unused", DIABETES)]).await;
    let source = json!({"id": "ds-1", "dataset": "used", "target": "target"});
    place.post("/v1/datasources", source).await.expect(202);
    let problem = place.delete("/v1/datasets/used").await.problem(409, "in_use");
    assert!(problem["detail"].as_str().unwrap().contains("ds-1"), "{problem}");

    place.delete("/v1/datasets/unused").await.expect(204);
    place.get("/v1/datasets/unused").await.problem(404, "not_found");
    place
        .get("/v1/datasets/unused/content")
        .await
        .problem(404, "not_found");
    place
        .delete("/v1/datasets/unused")
        .await
        .problem(404, "not_found");
}

#[tokio::test]
async fn datasets_are_listed_in_order_and_in_pages() {
    let place = Place::with(&[("b", IRIS), ("a1", DIABETES), ("a2", IRIS)]).await;
    let newest_first = place.get("/v1/datasets").await.expect(200).json();
    assert_eq!(column(&newest_first, "name"), ["a2", "a1", "b"]);
    assert!(newest_first["next_cursor"].is_null());
    let by_name = place.get("/v1/datasets?sort=name&name=a").await.json();
    assert_eq!(column(&by_name, "name"), ["a1", "a2"]);
    let first = place.get("/v1/datasets?sort=name&page_size=2").await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = place
        .get(&format!("/v1/datasets?sort=name&page_size=2&cursor={cursor}"))
        .await
        .json();
    assert_eq!(
        (column(&first, "name"), column(&second, "name")),
        (vec!["a1", "a2"], vec!["b"])
    );
    place
        .get("/v1/datasets?status=COMPLETED")
        .await
        .problem(400, "unknown_parameter");
}
