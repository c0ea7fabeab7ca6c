//! Lists: pages, filters and orders.

use serde_json::json;

use crate::support::{IRIS, Place, column};

async fn place() -> Place {
    let place = Place::with(&[("iris.csv", IRIS)]).await;
    for (id, name) in [("ds-c", "b"), ("ds-a", "a"), ("ds-b", "bb")] {
        let wish = json!({"id": id, "name": name, "dataset": "iris.csv", "target": "target"});
        place.post("/v1/datasources", wish).await.expect(202);
    }
    place
}

#[tokio::test]
async fn lists_are_sorted_and_filtered() {
    let place = place().await;
    for (query, expected) in [
        ("", &["ds-b", "ds-a", "ds-c"][..]),
        ("?sort=created_at", &["ds-c", "ds-a", "ds-b"]),
        ("?sort=-created_at", &["ds-b", "ds-a", "ds-c"]),
        ("?sort=name", &["ds-a", "ds-c", "ds-b"]),
        ("?sort=-id", &["ds-c", "ds-b", "ds-a"]),
        ("?name=b&sort=id", &["ds-b", "ds-c"]),
        ("?status=COMPLETED", &[]),
        ("?status=pending&sort=id&page_size=0", &["ds-a", "ds-b", "ds-c"]),
    ] {
        let page = place
            .get(&format!("/v1/datasources{query}"))
            .await
            .expect(200)
            .json();
        assert_eq!(column(&page, "id"), expected, "{query}");
        assert!(page["next_cursor"].is_null(), "{query}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps() {
    let place = place().await;
    let (mut path, mut seen) = ("/v1/datasources?sort=id&page_size=1".to_owned(), Vec::new());
    loop {
        let page = place.get(&path).await.expect(200).json();
        seen.extend(column(&page, "id").iter().map(ToString::to_string));
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        assert!(seen.len() < 3, "a cursor after the last item");
        path = format!("/v1/datasources?sort=id&page_size=1&cursor={cursor}");
    }
    assert_eq!(seen, ["ds-a", "ds-b", "ds-c"]);
}

#[tokio::test]
async fn a_cursor_belongs_to_its_query() {
    let place = place().await;
    let page = place.get("/v1/datasources?page_size=1").await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    for path in [
        format!("/v1/datasources?sort=name&cursor={cursor}"),
        format!("/v1/models?cursor={cursor}"),
        "/v1/datasources?cursor=zz".to_owned(),
    ] {
        place.get(&path).await.problem(400, "invalid_cursor");
    }
    for query in [
        "sort=size",
        "status=READY",
        "page_size=-1",
        "page_size=many",
        "model=ml-1",
    ] {
        place
            .get(&format!("/v1/datasources?{query}"))
            .await
            .problem(400, "invalid_parameter");
    }
    place
        .get("/v1/datasources?pagesize=1")
        .await
        .problem(400, "unknown_parameter");
}

#[tokio::test]
async fn what_was_made_from_something_is_found_by_it() {
    let place = place().await;
    for (id, source) in [("ml-1", "ds-a"), ("ml-2", "ds-b")] {
        place
            .post("/v1/models", json!({"id": id, "datasource": source}))
            .await
            .expect(202);
        place
            .post(
                "/v1/evaluations",
                json!({"id": format!("ev-of-{id}"), "model": id, "datasource": "ds-c"}),
            )
            .await
            .expect(202);
    }
    let found = async |path: &str| column(&place.get(path).await.expect(200).json(), "id").join(",");
    assert_eq!(found("/v1/models?datasource=ds-b").await, "ml-2");
    assert_eq!(found("/v1/evaluations?model=ml-1").await, "ev-of-ml-1");
    assert_eq!(
        found("/v1/evaluations?datasource=ds-c&sort=id").await,
        "ev-of-ml-1,ev-of-ml-2"
    );
    assert_eq!(found("/v1/evaluations?model=ml-3").await, "");
}
