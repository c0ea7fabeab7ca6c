//! The S3 door, and buckets that lie behind the door of another server.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;
use yosoku::blob::bucket::{Credentials, Mapping, Mappings, Place as Lies, StorePlace};
use yosoku::http::auth::{Access, KeyRing};
use yosoku::http::keys;

use crate::aws::{deliveries, get, schema, source, unzipped};
use crate::support::Place;

/// Opens the door of a place to clients on this machine.
async fn opened(place: &Place) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let door = place.door.clone();
    tokio::spawn(async move { axum::serve(listener, door).await });
    address
}

/// The bucket `shop`, which is a prefix of the bucket `real` behind a door.
fn mapped(door: SocketAddr, access_key: &str, secret_key: &str) -> Mappings {
    let place = StorePlace {
        bucket: "real".into(),
        prefix: "of/shop".into(),
        endpoint: Some(format!("http://{door}")),
        region: "eu-central-1".into(),
        path_style: true,
        credentials: Some(Credentials {
            access_key: access_key.into(),
            secret_key: secret_key.into(),
            session_token: None,
        }),
    };
    let mut mappings = Mappings::default();
    let mapping = Mapping {
        place: Lies::Store(place),
        read_only: false,
    };
    mappings.named.insert("shop".into(), mapping);
    mappings
}

/// Keys in a file below `home`: the place's access, and a key's name and secret.
pub fn keyed(home: &Path) -> (Access, String, String) {
    let file = home.join(keys::KEYS_FILE);
    let (key, _) = keys::new_signing(&file, "clients", 0).unwrap();
    let ring = KeyRing::open(&file).unwrap();
    (Access::Keys(Arc::new(ring)), key.id, key.signing_secret.unwrap())
}

/// A whole cycle on `s3://shop/…`, which lies behind the door of `store`.
async fn cycle(place: &Place, store: &Place) {
    store.file("real/of/shop/in/deliveries.csv", deliveries(400));
    let at = "s3://shop/in/deliveries.csv";
    let body = source("all", at, &schema(true, true), None);
    place.amazon("CreateDataSourceFromS3", body).await.expect(200);
    let model = json!({"MLModelId": "ml", "MLModelType": "BINARY", "TrainingDataSourceId": "all"});
    place.amazon("CreateMLModel", model).await.expect(200);
    let batch = json!({"BatchPredictionId": "bp", "MLModelId": "ml", "BatchPredictionDataSourceId": "all",
        "OutputUri": "s3://shop/out"});
    place.amazon("CreateBatchPrediction", batch).await.expect(200);
    assert_eq!(place.work().await, 3);
    let done = get(place, "GetBatchPrediction", json!({"BatchPredictionId": "bp"})).await;
    assert_eq!(
        (&done["Status"], &done["TotalRecordCount"]),
        (&json!("COMPLETED"), &json!(400)),
        "{done}"
    );
    let out = "real/of/shop/out/batch-prediction";
    let manifest: Value =
        serde_json::from_slice(&store.file_at(&format!("{out}/bp.manifest")).unwrap()).unwrap();
    let result = "s3://shop/out/batch-prediction/result/bp-deliveries.csv.gz";
    assert_eq!(manifest, json!({at: result}));
    let text = unzipped(
        &store
            .file_at(&format!("{out}/result/bp-deliveries.csv.gz"))
            .unwrap(),
    );
    assert_eq!(text.lines().count(), 401);
    assert!(
        place.file_at("shop/in/deliveries.csv").is_none(),
        "nothing is copied here"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_behind_the_door_of_another_server_is_learned_from_and_written_to() {
    let store = Place::open().await;
    let door = opened(&store).await;
    let place = Place::open_with(Access::Open, None, &mapped(door, "anybody", "anything")).await;
    cycle(&place, &store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_door_with_keys_opens_to_those_who_sign_with_them() {
    let home = tempfile::tempdir().unwrap();
    let (access, id, secret) = keyed(home.path());
    let store = Place::open_for(access, None).await;
    let door = opened(&store).await;
    let place = Place::open_with(Access::Open, None, &mapped(door, &id, &secret)).await;
    cycle(&place, &store).await;
    for (key, secret) in [(id.as_str(), "another"), ("nobody", secret.as_str())] {
        let place = Place::open_with(Access::Open, None, &mapped(door, key, secret)).await;
        let body = source("all", "s3://shop/in/deliveries.csv", &schema(true, true), None);
        place.amazon("CreateDataSourceFromS3", body).await.expect(200);
        place.work().await;
        let refused = get(&place, "GetDataSource", json!({"DataSourceId": "all"})).await;
        let message = refused["Message"].as_str().unwrap();
        assert_eq!(refused["Status"], "FAILED", "{refused}");
        assert!(
            message.contains("s3://shop/in/deliveries.csv") && message.contains("denies access"),
            "{message}"
        );
        assert!(!message.contains(secret), "{message}");
    }
    // Neither unsigned requests nor old signatures count.
    for (name, value) in [("x-none", ""), ("authorization", "AWS nobody:c2lnbmF0dXJl")] {
        let (status, text) = ask(&store, "GET /real?list-type=2", &[(name, value)], "").await;
        assert_eq!(status, 403, "{text}");
        assert!(text.contains("<Code>AccessDenied</Code>"), "{text}");
    }
}

/// What the door answers to one request.
async fn ask(place: &Place, line: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> (u16, String) {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in [("host", "localhost:9000")].iter().chain(headers) {
        request = request.header(*name, *value);
    }
    let request = request.body(body.into()).unwrap();
    let (head, body) = place.door.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test]
async fn nothing_leads_out_of_the_buckets() {
    let place = Place::open().await;
    place.put("iris", crate::support::IRIS).await.expect(201);
    place.file("shop/x.csv", "a\n1\n");
    let before = place.file_at("../yosoku.db").unwrap().len();
    for line in [
        "GET /shop/../../yosoku.db",
        "GET /shop/%2e%2e/%2e%2e/yosoku.db",
        "GET /shop/..%2f..%2fyosoku.db",
        "GET /shop/a/..%5c..%5cyosoku.db",
        "GET /shop//x.csv",
        "GET /shop/./x.csv",
        "GET /%2e%2e/yosoku.db",
        "GET /../yosoku.db",
        "GET /.staging/x",
        "GET /uploads/iris",
        "GET /uploads?list-type=2",
        "HEAD /uploads",
    ] {
        let (status, text) = ask(&place, line, &[], "").await;
        assert!((400..500).contains(&status), "{line}: {status} {text}");
        assert!(!text.contains("SQLite"), "{line}: {text}");
    }
    for line in [
        "PUT /shop/../../evil",
        "PUT /shop/%2e%2e/evil",
        "PUT /shop/a%2f..%2f..%2fevil",
        "PUT /uploads/iris",
        "PUT /uploads",
        "PUT /shop/folder/",
        "PUT /none/x.csv",
        "DELETE /uploads/iris",
        "DELETE /shop/%2e%2e/uploads/iris",
    ] {
        let (status, text) = ask(&place, line, &[("content-length", "1")], "x").await;
        assert!((400..500).contains(&status), "{line}: {status} {text}");
    }
    assert_eq!(place.file_at("../yosoku.db").unwrap().len(), before);
    assert_eq!(
        place.get("/v1/datasets/iris").await.expect(200).json()["name"],
        "iris"
    );
    let (status, text) = ask(&place, "GET /", &[], "").await;
    assert_eq!(status, 200, "{text}");
    assert!(
        text.contains("<Name>shop</Name>") && !text.contains("uploads"),
        "{text}"
    );
}

#[tokio::test]
async fn pages_of_others_are_kept_out_of_an_open_door() {
    let place = Place::open().await;
    place.file("shop/x.csv", "a\n1\n");
    for headers in [
        [("host", "rebound.example"), ("x-none", "")],
        [("origin", "http://evil.example"), ("x-none", "")],
        [("sec-fetch-site", "cross-site"), ("x-none", "")],
    ] {
        let request = headers
            .iter()
            .fold(Request::builder().uri("/shop/x.csv"), |request, (name, value)| {
                request.header(*name, *value)
            });
        let request = match headers[0].0 {
            "host" => request,
            _ => request.header("host", "localhost:9000"),
        };
        let answer = place
            .door
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(answer.status(), 403, "{headers:?}");
    }
    assert_eq!(
        ask(&place, "GET /shop/x.csv", &[], "").await,
        (200, "a\n1\n".to_owned())
    );
}

#[tokio::test]
async fn what_is_not_known_is_not_taken_for_something_else() {
    let place = Place::open().await;
    place.file("shop/x.csv", "before");
    for line in [
        "PUT /shop/x.csv?renameObject",
        "PUT /shop/x.csv?annotation",
        "PUT /shop/x.csv?uploadId=1",
        "DELETE /shop/x.csv?annotation",
        "DELETE /shop/x.csv?acl",
        "DELETE /shop/x.csv?versionId=1",
        "DELETE /shop?metadataConfiguration",
        "PUT /other?abac",
        "GET /shop?abac",
    ] {
        let (status, text) = ask(&place, line, &[("content-length", "0")], "").await;
        assert_eq!(status, 501, "{line}: {text}");
        assert!(text.contains("<Code>NotImplemented</Code>"), "{line}: {text}");
    }
    let (status, text) = ask(&place, "DELETE /shop/x.csv", &[("if-match", "\"other\"")], "").await;
    assert_eq!(status, 501, "{text}");
    let many = "<Delete><Object><Key>x.csv</Key><VersionId>7</VersionId></Object></Delete>";
    let length = many.len().to_string();
    let headers = [
        ("content-length", length.as_str()),
        ("content-md5", "8oiGbOgIt7cHDgSRGchKXg=="),
    ];
    let (status, text) = ask(&place, "POST /shop?delete", &headers, many).await;
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("<Code>NotImplemented</Code>"), "{text}");
    assert_eq!(place.file_at("shop/x.csv").unwrap(), b"before");
    let (status, text) = ask(&place, "GET /shop?versioning", &[], "").await;
    assert!(
        status == 200 && text.contains("VersioningConfiguration"),
        "{text}"
    );
    let far = [("content-length", "99999999999999")];
    let (status, text) = ask(&place, "PUT /shop/x.csv", &far, "").await;
    assert!(
        status == 400 && text.contains("EntityTooLarge"),
        "{status} {text}"
    );
}

#[tokio::test]
async fn a_pipe_in_a_bucket_is_no_file() {
    let place = Place::open().await;
    place.file("shop/x.csv", "a\n1\n");
    let pipe = place.home().join("datasets/shop/pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    for line in ["GET /shop/pipe", "HEAD /shop/pipe"] {
        let asked = ask(&place, line, &[], "");
        let (status, _) = tokio::time::timeout(std::time::Duration::from_secs(20), asked)
            .await
            .unwrap();
        assert_eq!(status, 404, "{line}");
    }
    let (_, text) = ask(&place, "GET /shop?list-type=2", &[], "").await;
    assert!(text.contains("x.csv") && !text.contains("pipe"), "{text}");
}

#[tokio::test]
async fn documents_are_bounded() {
    let place = Place::open().await;
    place.file("shop/x.csv", "a\n1\n");
    let large = format!("<Delete>{}</Delete>", " ".repeat(3 << 20));
    let length = large.len().to_string();
    let headers = [("content-length", length.as_str())];
    let (status, text) = ask(&place, "POST /shop?delete", &headers, large).await;
    assert_eq!(status, 400, "{text}");
    assert!(text.contains("<Code>EntityTooLarge</Code>"), "{text}");
}

#[tokio::test]
async fn a_chunk_that_would_fill_the_memory_is_refused_at_its_first_line() {
    let place = Place::open().await;
    place.file("shop/x.csv", "before");
    let begin = format!("40000000;chunk-signature={}\r\nx", "0".repeat(64));
    let headers = [
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("x-amz-decoded-content-length", "50000000"),
        ("content-length", "1073741900"),
    ];
    let (status, text) = ask(&place, "PUT /shop/x.csv", &headers, begin).await;
    assert_eq!(status, 400, "{text}");
    assert!(text.contains("at most 16777216"), "{text}");
    assert_eq!(place.file_at("shop/x.csv").unwrap(), b"before");
}

/// Headers, a body and the code of the error that they come to.
type Case = (&'static [(&'static str, &'static str)], Vec<u8>, &'static str);

#[tokio::test]
async fn bodies_are_bounded_whole_and_what_was_promised() {
    let place = Place::open().await;
    place.file("shop/x.csv", "before");
    let large = vec![b'x'; (64 << 20) + 1];
    let cases: [Case; 3] = [
        (
            &[("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")],
            b"after".to_vec(),
            "BadDigest",
        ),
        (
            &[("x-amz-checksum-crc32", "AAAAAA==")],
            b"after".to_vec(),
            "BadDigest",
        ),
        (&[], large, "EntityTooLarge"),
    ];
    for (headers, body, code) in cases {
        let length = body.len().to_string();
        let mut headers = headers.to_vec();
        headers.push(("content-length", &length));
        let (status, text) = ask(&place, "PUT /shop/x.csv", &headers, body).await;
        assert!((400..500).contains(&status), "{status} {text}");
        assert!(text.contains(&format!("<Code>{code}</Code>")), "{text}");
        assert_eq!(place.file_at("shop/x.csv").unwrap(), b"before");
    }
    // In chunks whose signatures nobody knows here, with a sum behind them.
    let chunks = format!(
        "5;chunk-signature={0}\r\nafter\r\n0;chunk-signature={0}\r\nx-amz-checksum-crc32:iUROQQ==\r\n\r\n",
        "0".repeat(64)
    );
    let length = chunks.len().to_string();
    let headers = [
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "5"),
        (
            "x-amz-content-sha256",
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        ),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
        ("content-length", length.as_str()),
    ];
    let (status, text) = ask(&place, "PUT /shop/x.csv", &headers, chunks.clone()).await;
    assert_eq!(status, 200, "{text}");
    assert_eq!(place.file_at("shop/x.csv").unwrap(), b"after");
    let plain = chunks
        .replace("x-amz-checksum-crc32:iUROQQ==\r\n", "")
        .replace("after", "other");
    let length = plain.len().to_string();
    let plain_headers = [
        ("x-amz-decoded-content-length", "5"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("content-length", length.as_str()),
    ];
    let (status, text) = ask(&place, "PUT /shop/x.csv", &plain_headers, plain).await;
    assert_eq!(status, 200, "{text}");
    assert_eq!(place.file_at("shop/x.csv").unwrap(), b"other");
    let wrong = chunks.replace("iUROQQ==", "AAAAAA==");
    let (status, text) = ask(&place, "PUT /shop/y.csv", &headers, wrong).await;
    assert!(status == 400 && text.contains("BadDigest"), "{status} {text}");
    assert!(place.file_at("shop/y.csv").is_none());
}
