//! The assembled router and server: every refusal is a problem, keys and origins are checked, and
//! stopping is prompt. The routes are small stand-ins; resources have tests of their own.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::{get, post, put};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceExt;

use super::health::{Check, Readiness};
use super::rest::extract::{Json, Path, Query, Upload};
use super::rest::problem::ApiError;
use super::*;
use crate::service::Error;

mod serving;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Greeting {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    page_size: Option<u32>,
}

struct Stores(bool);

impl Readiness for Stores {
    fn checks(&self) -> BoxFuture<'_, Vec<Check>> {
        async {
            vec![Check {
                name: "catalogue",
                ok: self.0,
            }]
        }
        .boxed()
    }
}

fn routes() -> rest::Routes {
    let mut routes = rest::Routes::default();
    routes.ordinary = routes
        .ordinary
        .route(
            "/v1/greet",
            post(async |Json(greeting): Json<Greeting>| greeting.name),
        )
        .route(
            "/v1/page",
            get(async |Query(page): Query<Page>| format!("{:?}", page.page_size)),
        )
        .route("/v1/number/{n}", get(async |Path(n): Path<u32>| n.to_string()))
        .route(
            "/v1/panic",
            get(async || -> String { panic!("the secret reason") }),
        )
        .route("/v1/never", get(async || std::future::pending::<String>().await))
        .route(
            "/v1/broken",
            get(async || ApiError::from(Error::internal("reading", "/secret/path"))),
        );
    routes.streaming = routes.streaming.route("/v1/upload", put(upload)).route(
        "/v1/endless",
        get(async || Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>())),
    );
    routes
}

async fn upload(upload: Upload) -> Result<String, ApiError> {
    let mut size = 0;
    let mut stream = upload.stream;
    while let Some(chunk) = stream.next().await {
        size += chunk?.len();
    }
    Ok(size.to_string())
}

fn limits() -> layers::Limits {
    layers::Limits {
        body: 64,
        records: 64,
        upload: 100,
        timeout: Duration::from_secs(30),
        requests: 8,
    }
}

fn parts() -> Parts {
    Parts {
        rest: routes(),
        protocols: protocols::Routes::default(),
        amazon: Router::new(),
        linked: Router::new(),
        access: auth::Access::Open,
        limits: limits(),
        metrics: Arc::new(Metrics::new()),
        readiness: Arc::new(Stores(true)),
        stop: serve::Stop::default(),
    }
}

fn open() -> Router {
    router(parts())
}

/// A request as a program on this machine sends it: `METHOD /path`, headers, body.
fn request(line: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "localhost:8080");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Answer {
        status: head.status,
        headers: head.headers,
        text,
    }
}

/// Sends the request and expects a complete problem with this status and code.
async fn refused(router: &Router, request: Request<Body>, status: u16, code: &str) -> Value {
    let path = request.uri().path().to_owned();
    let answer = send(router, request).await;
    assert_eq!(
        answer.headers["content-type"], "application/problem+json",
        "{path}: {}",
        answer.text
    );
    let problem: Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(problem["code"], code, "{path}: {problem}");
    assert_eq!(answer.status, status, "{path}: {problem}");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["type"], format!("urn:yosoku:error:{code}"));
    assert_eq!(problem["instance"], path);
    assert_eq!(
        problem["request_id"],
        answer.headers["x-request-id"].to_str().unwrap()
    );
    problem
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_good_request_is_answered() {
    let router = open();
    let answer = send(&router, request("POST /v1/greet", &[JSON], r#"{"name":"Ada"}"#)).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "Ada"));
    let answer = send(&router, request("GET /v1/page?page_size=5", &[], "")).await;
    assert_eq!(answer.text, "Some(5)");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn every_rejection_is_a_problem() {
    let router = open();
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(100));
    for (line, body, status, code) in [
        ("GET /nowhere", "", 404, "unknown_route"),
        ("DELETE /v1/greet", "", 405, "method_not_allowed"),
        ("OPTIONS /v1/greet", "", 405, "method_not_allowed"),
        ("POST /v1/greet", "{\"name\":", 400, "invalid_json"),
        ("POST /v1/greet", "", 400, "invalid_json"),
        ("POST /v1/greet", "{}", 400, "missing_field"),
        ("POST /v1/greet", "{\"name\":1}", 400, "invalid_value"),
        ("POST /v1/greet", "{\"nmae\":\"x\"}", 400, "unknown_field"),
        ("POST /v1/greet", long.as_str(), 413, "too_large"),
        ("GET /v1/page?page_size=many", "", 400, "invalid_parameter"),
        ("GET /v1/page?pagesize=1", "", 400, "unknown_parameter"),
        ("GET /v1/number/seven", "", 400, "invalid_id"),
        ("GET /v1/broken", "", 500, "internal"),
        ("GET /v1/panic", "", 500, "internal"),
    ] {
        let problem = refused(&router, request(line, &[JSON], body.to_owned()), status, code).await;
        assert!(!problem.to_string().contains("secret"), "{line}: {problem}");
    }
}

#[tokio::test]
async fn problems_say_where_and_what_to_do() {
    let router = open();
    let problem = refused(
        &router,
        request("POST /v1/greet", &[JSON], "{\n\"nmae\":\"x\"}"),
        400,
        "unknown_field",
    )
    .await;
    assert_eq!(problem["errors"][0]["pointer"], "/nmae");
    assert!(
        problem["detail"].as_str().unwrap().contains("line 2"),
        "{problem}"
    );
    assert!(problem["hint"].as_str().unwrap().contains("/docs"));
    let answer = send(&router, request("DELETE /v1/greet", &[], "")).await;
    assert_eq!(answer.headers["allow"], "POST");
}

#[tokio::test]
async fn a_body_without_length_is_bounded_too() {
    let chunks = stream::iter((0..50).map(|_| Ok::<_, std::io::Error>("xxxxxxxxxx")));
    let body = Body::from_stream(chunks);
    refused(
        &open(),
        request("POST /v1/greet", &[JSON], body),
        413,
        "too_large",
    )
    .await;
    let chunks = stream::iter((0..50).map(|_| Ok::<_, std::io::Error>("xxxxxxxxxx")));
    let body = Body::from_stream(chunks);
    refused(&open(), request("PUT /v1/upload", &[], body), 413, "too_large").await;
}

#[tokio::test]
async fn undeclared_body_types_are_refused() {
    let router = open();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/json",
    ] {
        let greet = request("POST /v1/greet", &[("content-type", kind)], "{\"name\":\"x\"}");
        refused(&router, greet, 415, "unsupported_media").await;
        refused(
            &router,
            request("PUT /v1/upload", &[("content-type", kind)], "a,b"),
            415,
            "unsupported_media",
        )
        .await;
    }
    let bare = request("POST /v1/greet", &[("content-length", "12")], "{\"name\":\"x\"}");
    refused(&router, bare, 415, "unsupported_media").await;
    let merge = ("content-type", "application/merge-patch+json; charset=utf-8");
    assert_eq!(
        send(&router, request("POST /v1/greet", &[merge], "{\"name\":\"x\"}"))
            .await
            .status,
        200
    );
    for kind in origin::UPLOAD_TYPES {
        let answer = send(
            &router,
            request("PUT /v1/upload", &[("content-type", kind)], "a,b"),
        )
        .await;
        assert_eq!(answer.text, "3", "{kind}");
    }
    assert_eq!(
        send(&router, request("PUT /v1/upload", &[], "a,b\n1,2"))
            .await
            .text,
        "7"
    );
}

#[tokio::test]
async fn web_pages_cannot_drive_an_open_server() {
    let router = open();
    for path in [
        "GET /v1/page",
        "GET /docs/",
        "GET /metrics",
        "GET /livez",
        "GET /openapi.yaml",
    ] {
        refused(
            &router,
            request(path, &[("origin", "http://evil.example")], ""),
            403,
            "foreign_origin",
        )
        .await;
        refused(
            &router,
            request(path, &[("origin", "null")], ""),
            403,
            "foreign_origin",
        )
        .await;
        refused(
            &router,
            request(path, &[("sec-fetch-site", "cross-site")], ""),
            403,
            "foreign_origin",
        )
        .await;
        refused(
            &router,
            request(path, &[("host", "evil.example:8080")], ""),
            403,
            "foreign_host",
        )
        .await;
    }
    let own = [
        ("origin", "http://localhost:8080"),
        ("sec-fetch-site", "same-origin"),
    ];
    assert_eq!(send(&router, request("GET /v1/page", &own, "")).await.status, 200);
}

#[tokio::test]
async fn a_server_with_keys_asks_for_one() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(keys::KEYS_FILE);
    let (key, token) = keys::new(&path, "test", 0).unwrap();
    let ring = Arc::new(auth::KeyRing::open(&path).unwrap());
    let router = router(Parts {
        access: auth::Access::Keys(ring),
        ..parts()
    });
    let with =
        |line: &str, value: &str| request(line, &[("authorization", value), ("host", "ml.example")], "");
    let bearer = format!("Bearer {token}");

    assert_eq!(send(&router, with("GET /v1/page", &bearer)).await.status, 200);
    assert_eq!(send(&router, with("GET /metrics", &bearer)).await.status, 200);
    assert_eq!(
        send(&router, with("GET /v1/page", &format!("bearer {token}")))
            .await
            .status,
        200
    );

    let bare = request("GET /v1/page", &[], "");
    let answer = send(&router, bare).await;
    assert_eq!(
        (
            answer.status,
            answer.headers["www-authenticate"].to_str().unwrap()
        ),
        (StatusCode::UNAUTHORIZED, "Bearer realm=\"yosoku\"")
    );
    refused(&router, request("GET /metrics", &[], ""), 401, "unauthenticated").await;
    refused(
        &router,
        with("GET /v1/page", "Basic dTpw"),
        401,
        "unauthenticated",
    )
    .await;
    let wrong = format!("Bearer ysk_{}_{}", key.id, "0".repeat(64));
    refused(&router, with("GET /v1/page", &wrong), 401, "invalid_key").await;
    for free in ["GET /livez", "GET /readyz", "GET /openapi.yaml", "GET /docs/"] {
        assert_eq!(
            send(&router, request(free, &[("host", "ml.example")], ""))
                .await
                .status,
            200,
            "{free}"
        );
    }

    keys::revoke(&path, &key.id, 0).unwrap();
    refused(&router, with("GET /v1/page", &bearer), 401, "invalid_key").await;
    std::fs::write(&path, "damaged").unwrap();
    refused(&router, with("GET /v1/page", &bearer), 503, "keys_unreadable").await;
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_another_is_replaced() {
    let router = open();
    let answer = send(
        &router,
        request("GET /v1/page", &[("x-request-id", "job-17.a_b")], ""),
    )
    .await;
    assert_eq!(answer.headers["x-request-id"], "job-17.a_b");
    let long = "x".repeat(65);
    for bad in ["two words", "", "<script>", long.as_str()] {
        let answer = send(&router, request("GET /v1/page", &[("x-request-id", bad)], "")).await;
        assert_ne!(answer.headers["x-request-id"], bad);
    }
    let first = send(&router, request("GET /v1/page", &[], "")).await;
    let second = send(&router, request("GET /v1/page", &[], "")).await;
    assert_ne!(first.headers["x-request-id"], second.headers["x-request-id"]);
}

#[tokio::test]
async fn a_slow_request_is_ended_unless_it_said_it_would_wait() {
    let limits = layers::Limits {
        timeout: Duration::from_millis(20),
        ..limits()
    };
    let router = router(Parts { limits, ..parts() });
    for path in ["GET /v1/never", "GET /v1/never?wait=0", "GET /v1/never?wait=long"] {
        refused(&router, request(path, &[], ""), 503, "timeout").await;
    }
    let waiting = router.clone().oneshot(request("GET /v1/never?wait=60", &[], ""));
    assert!(
        tokio::time::timeout(Duration::from_millis(100), waiting)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn one_request_too_many_is_refused_at_once_and_places_come_back() {
    let limits = layers::Limits {
        requests: 1,
        ..limits()
    };
    let stop = serve::Stop::default();
    let router = router(Parts {
        limits,
        stop: stop.clone(),
        ..parts()
    });
    let held = router
        .clone()
        .oneshot(request("GET /v1/endless", &[], ""))
        .await
        .unwrap();
    let answer = send(&router, request("GET /v1/page", &[], "")).await;
    assert_eq!(
        (answer.status, answer.headers["retry-after"].to_str().unwrap()),
        (StatusCode::SERVICE_UNAVAILABLE, "1")
    );
    refused(&router, request("GET /v1/page", &[], ""), 503, "overloaded").await;
    assert_eq!(
        send(&router, request("GET /livez", &[], "")).await.status,
        200,
        "health is not bounded"
    );
    assert_eq!(stop.open.len(), 1);
    drop(held);
    assert_eq!(send(&router, request("GET /v1/page", &[], "")).await.status, 200);
    assert_eq!(stop.open.len(), 0);
}

/// What stands in for the operations of Amazon's; one of them never ends.
fn operations() -> Router {
    Router::new().fallback(
        async |headers: HeaderMap| match headers["x-amz-target"].as_bytes() {
            b"AmazonML_20141212.DescribeMLModels" => std::future::pending().await,
            _ => "{}",
        },
    )
}

async fn asked(router: &Router, operation: &str) -> (StatusCode, String) {
    let target = format!("AmazonML_20141212.{operation}");
    let answer = send(router, request("POST /", &[("x-amz-target", &target)], "{}")).await;
    (answer.status, answer.text)
}

#[tokio::test]
async fn amazons_operations_are_bounded_but_for_predictions() {
    let limits = layers::Limits {
        timeout: Duration::from_millis(20),
        requests: 1,
        ..limits()
    };
    let router = router(Parts {
        limits,
        amazon: operations(),
        ..parts()
    });
    let (status, text) = asked(&router, "DescribeMLModels").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        text.contains("InternalServerException") && text.contains("not done"),
        "{text}"
    );
    assert_eq!(
        asked(&router, "GetMLModel").await.0,
        200,
        "the place is free again"
    );
    let endless = router.clone().oneshot(request("GET /v1/endless", &[], ""));
    let held = endless.await.unwrap();
    let (status, text) = asked(&router, "GetMLModel").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text.contains("as many requests as it can"), "{text}");
    assert_eq!(
        asked(&router, "Predict").await.0,
        200,
        "predictions have bounds of their own"
    );
    drop(held);
    assert_eq!(asked(&router, "GetMLModel").await.0, 200);
}

#[tokio::test]
async fn amazons_operations_are_answered_wherever_nobody_else_is() {
    let router = router(Parts {
        amazon: operations(),
        ..parts()
    });
    let target = ("x-amz-target", "AmazonML_20141212.GetMLModel");
    for line in ["POST /", "POST /base", "POST /base/more/"] {
        let answer = send(&router, request(line, &[target], "{}")).await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (StatusCode::OK, "{}"),
            "{line}"
        );
        assert!(answer.headers.contains_key("x-amzn-requestid"), "{line}");
    }
    refused(&router, request("POST /base", &[], "{}"), 404, "unknown_route").await;
    for line in ["GET /", "GET /base"] {
        let answer = send(&router, request(line, &[target], "")).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.headers["allow"]),
            (405, &"POST".parse().unwrap()),
            "{line}"
        );
        assert!(
            answer.text.contains("UnknownOperationException"),
            "{}",
            answer.text
        );
    }
    let answer = send(
        &router,
        request("POST /v1/greet", &[target, JSON], r#"{"name":"Ada"}"#),
    )
    .await;
    assert_eq!(answer.text, "Ada", "an address of ours stays ours");
}

#[tokio::test]
async fn readiness_follows_the_stores_and_the_stop() {
    let ready = send(&open(), request("GET /readyz", &[], "")).await;
    assert_eq!(
        ready.text,
        r#"{"status":"ready","checks":[{"name":"catalogue","ok":true}]}"#
    );
    let broken = router(Parts {
        readiness: Arc::new(Stores(false)),
        ..parts()
    });
    assert_eq!(send(&broken, request("GET /readyz", &[], "")).await.status, 503);
    assert_eq!(send(&broken, request("GET /livez", &[], "")).await.status, 200);

    let stop = serve::Stop::default();
    let stopping = router(Parts {
        stop: stop.clone(),
        ..parts()
    });
    stop.requested.cancel();
    let answer = send(&stopping, request("GET /readyz", &[], "")).await;
    assert_eq!(answer.status, 503);
    assert!(answer.text.contains("not_ready"));
}

#[tokio::test]
async fn metrics_count_by_route_and_not_by_path() {
    let router = open();
    send(&router, request("GET /v1/number/1", &[], "")).await;
    send(&router, request("GET /v1/number/2", &[], "")).await;
    send(&router, request("GET /nowhere/at/all", &[], "")).await;
    let answer = send(&router, request("GET /metrics", &[], "")).await;
    assert!(
        answer.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    for line in [
        r#"yosoku_http_requests_total{route="/v1/number/{n}",method="GET",code="200"} 2"#,
        r#"yosoku_http_requests_total{route="unmatched",method="GET",code="404"} 1"#,
    ] {
        assert!(
            answer.text.lines().any(|got| got == line),
            "{line} is not in:\n{}",
            answer.text
        );
    }
    assert!(answer.text.contains("yosoku_process_resident_memory_bytes"));
}

#[tokio::test]
async fn the_reference_works_offline() {
    let router = open();
    let document = send(&router, request("GET /openapi.yaml", &[], "")).await;
    assert!(document.text.starts_with("openapi: 3.1.0"), "{}", document.text);
    assert!(document.text.contains("Problem:"));
    let page = send(&router, request("GET /docs/", &[], "")).await;
    assert_eq!(page.status, 200);
    let script = send(&router, request("GET /docs/swagger-initializer.js", &[], "")).await;
    assert!(
        script.text.contains("/openapi.yaml") && script.text.contains("\"validatorUrl\": \"none\""),
        "{}",
        script.text
    );
    for text in [&page.text, &script.text] {
        assert!(!text.contains("https://"), "{text}");
    }
    refused(
        &router,
        request("GET /docs/nothing-here", &[], ""),
        404,
        "unknown_route",
    )
    .await;
}
