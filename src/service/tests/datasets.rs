//! Datasets: what arrives whole is kept, everything else leaves no trace.

use futures_util::TryStreamExt;

use super::*;
use crate::service::requests::{ByteRange, ListQuery};

async fn read(place: &Place, range: Option<ByteRange>) -> Result<(u64, String), Error> {
    let (_, reading) = place.service.dataset_read("data.csv", range).await?;
    let chunks: Vec<Bytes> = reading.stream.try_collect().await?;
    Ok((reading.size_bytes, String::from_utf8(chunks.concat()).unwrap()))
}

async fn files(place: &Place) -> usize {
    place.blobs.list("datasets").await.unwrap().len()
}

#[tokio::test]
async fn equal_bytes_are_one_version_and_other_bytes_another() {
    let place = Place::new().await;
    assert!(place.put("data.csv", "a,b\n1,2\n").await.unwrap());
    assert!(!place.put("data.csv", "a,b\n1,2\n").await.unwrap());
    assert_eq!(files(&place).await, 1);
    assert!(!place.put("data.csv", "a,b\n3,4\n").await.unwrap());
    assert_eq!(files(&place).await, 2);
    assert_eq!(read(&place, None).await.unwrap(), (8, "a,b\n3,4\n".to_owned()));
    place.service.dataset_delete("data.csv").await.unwrap();
    assert_eq!(files(&place).await, 0);
    assert_eq!(
        refusal(place.service.dataset_get("data.csv").await).0,
        "not_found"
    );
    assert_eq!(
        refusal(place.service.dataset_delete("data.csv").await).0,
        "not_found"
    );
}

#[tokio::test]
async fn parts_of_a_file() {
    let place = Place::new().await;
    place.put("data.csv", "0123456789").await.unwrap();
    let slice = |first, last| Some(ByteRange::Slice { first, last });
    for (range, expected) in [
        (slice(0, Some(3)), "0123"),
        (slice(7, None), "789"),
        (slice(7, Some(u64::MAX)), "789"),
        (Some(ByteRange::Suffix(2)), "89"),
        (Some(ByteRange::Suffix(99)), "0123456789"),
    ] {
        assert_eq!(read(&place, range).await.unwrap(), (10, expected.to_owned()));
    }
    for nothing in [slice(10, None), slice(5, Some(4)), Some(ByteRange::Suffix(0))] {
        assert_eq!(refusal(read(&place, nothing).await).0, "range_not_satisfiable");
    }
}

#[tokio::test]
async fn what_does_not_arrive_whole_leaves_nothing() {
    let place = Place::new().await;
    let stalled = || Err(Error::unavailable("upload_stalled", "nothing came"));
    let chunk = || Ok(Bytes::from_static(b"12345"));
    for (chunks, code) in [
        (vec![], "empty_file"),
        (vec![chunk(), stalled()], "upload_stalled"),
        (vec![chunk(), chunk(), chunk()], "too_large"),
    ] {
        let body = stream::iter(chunks);
        let put = place
            .service
            .dataset_put("data.csv", MediaHints::default(), body, 14);
        assert_eq!(refusal(put.await).0, code);
    }
    assert_eq!(refusal(place.put(".hidden", "x").await).0, "invalid_id");
    assert_eq!(files(&place).await, 0);
    assert!(
        place
            .service
            .dataset_list(ListQuery::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

#[tokio::test]
async fn a_dataset_in_use_stays() {
    let place = Place::new().await;
    place.model(CLASSES).await;
    let error = place.service.dataset_delete("data.csv").await.unwrap_err();
    assert_eq!(error.code(), "in_use");
    assert!(error.to_string().contains("data source ds"), "{error}");
    place
        .service
        .entity_delete(EntityKind::DataSource, "ds", None)
        .await
        .unwrap();
    place.service.dataset_delete("data.csv").await.unwrap();
}

#[tokio::test]
async fn datasets_are_listed_by_name_only() {
    let place = Place::new().await;
    for name in ["b.csv", "a.csv", "a2.csv"] {
        place.put(name, "x\n1\n").await.unwrap();
    }
    let query = |sort: &str, prefix: &str| ListQuery {
        sort: Some(sort.to_owned()),
        name_prefix: Some(prefix.to_owned()),
        ..ListQuery::default()
    };
    let page = place.service.dataset_list(query("name", "a")).await.unwrap();
    let names: Vec<&str> = page.items.iter().map(|d| d.current.name.as_str()).collect();
    assert_eq!(names, ["a.csv", "a2.csv"]);
    let by_status = ListQuery {
        status: Some("FAILED".to_owned()),
        ..ListQuery::default()
    };
    assert_eq!(
        refusal(place.service.dataset_list(by_status).await).0,
        "invalid_parameter"
    );
    let by_size = place.service.dataset_list(query("size", "")).await;
    assert_eq!(refusal(by_size).0, "invalid_parameter");
}

#[tokio::test]
async fn a_file_that_was_lost_comes_back_with_the_same_bytes() {
    let place = Place::new().await;
    place.put("data.csv", "a,b\n1,2\n").await.unwrap();
    let lost = place.service.dataset_get("data.csv").await.unwrap().current.blob;
    place.blobs.delete(&lost).await.unwrap();
    assert!(read(&place, None).await.is_err());
    place.put("data.csv", "a,b\n1,2\n").await.unwrap();
    assert_eq!(read(&place, None).await.unwrap().1, "a,b\n1,2\n");
    assert_eq!(files(&place).await, 1);
}
