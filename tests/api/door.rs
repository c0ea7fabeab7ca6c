//! What is sent to the S3 door and comes back, to the letter: sums, refusals, lists, parts of files, and long copies.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::BodyExt;
use tower::ServiceExt;
use yosoku::http::aws_json::signature::{Scope, hex, sign};

use crate::storage::keyed;
use crate::support::Place;

/// What the door answers to one request.
struct Reply {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Reply {
    /// What stands in the first element of that name.
    fn element(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The keys of a list, and behind them the common beginnings.
    fn keys(&self) -> Vec<&str> {
        let all = |begin: &str| -> Vec<&str> {
            let found = self.text.match_indices(begin);
            let found = found.map(|(at, _)| self.text[at + begin.len()..].split('<').next().unwrap());
            found.collect()
        };
        let mut keys = all("<Key>");
        keys.extend(all("<CommonPrefixes><Prefix>"));
        keys
    }

    /// Whether it is an error of S3.
    #[track_caller]
    fn fails(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status, self.element("Code")),
            (status, Some(code)),
            "{}",
            self.text
        );
        assert_eq!(
            self.header("content-type"),
            Some("application/xml"),
            "{}",
            self.text
        );
        let message = self.element("Message").unwrap_or_default();
        assert!(message.len() > code.len() && message != code, "{}", self.text);
        let is_carried = |c: char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}') || c == '\n';
        assert!(self.text.chars().all(is_carried), "{:?}", self.text);
    }
}

async fn send(door: &Router, line: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Reply {
    let (head, body) = begin(door, line, headers, body).await.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Reply {
        status: head.status.as_u16(),
        headers: head.headers,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}

/// Sends a request and waits for the begin of its answer.
async fn begin(door: &Router, line: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "localhost:9000");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.into()).unwrap();
    door.clone().oneshot(request).await.unwrap()
}

/// The same with a body, whose length is said.
async fn give(door: &Router, line: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let length = body.len().to_string();
    let mut all = vec![("content-length", length.as_str())];
    all.extend(headers);
    send(door, line, &all, body.to_owned()).await
}

async fn ask(door: &Router, line: &str) -> Reply {
    give(door, line, &[], "").await
}

const TWO: &str = "<Delete><Object><Key>x.csv</Key></Object><Object><Key>y.csv</Key></Object></Delete>";

/// Headers, a body, and the status and code of the error that they come to.
type Case<'c> = (&'c [(&'c str, &'c str)], &'c str, u16, &'c str);

#[tokio::test]
async fn files_are_deleted_only_by_the_document_that_was_promised() {
    let place = Place::open().await;
    place.file("shop/x.csv", "x");
    place.file("shop/y.csv", "y");
    let chunks = format!("{:x}\r\n{TWO}\r\n0\r\n\r\n", TWO.len());
    let size = TWO.len().to_string();
    let in_chunks: &[(&str, &str)] = &[
        ("content-md5", "+9sfWPjcUBGsWrAMsH2ndg=="),
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-decoded-content-length", &size),
    ];
    let cases: [Case<'_>; 7] = [
        (
            &[("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==")],
            TWO,
            400,
            "BadDigest",
        ),
        (&[("content-md5", "no MD5")], TWO, 400, "BadDigest"),
        (&[("x-amz-checksum-crc32", "AAAAAA==")], TWO, 400, "BadDigest"),
        (&[("x-amz-checksum-sha256", "AAAA")], TWO, 400, "BadDigest"),
        (
            &[("x-amz-trailer", "x-amz-checksum-crc32")],
            TWO,
            400,
            "BadDigest",
        ),
        (&[("x-amz-checksum-sha512", "AAAA")], TWO, 501, "NotImplemented"),
        (in_chunks, &chunks, 501, "NotImplemented"),
    ];
    for (headers, body, status, code) in cases {
        let reply = give(&place.door, "POST /shop?delete", headers, body).await;
        reply.fails(status, code);
        assert!(place.file_at("shop/x.csv").is_some() && place.file_at("shop/y.csv").is_some());
    }
    // A document that may delete another file than was meant is not taken on trust.
    let reply = give(&place.door, "POST /shop?delete", &[], TWO).await;
    reply.fails(400, "InvalidRequest");
    assert!(reply.text.contains("Content-MD5"), "{}", reply.text);
    assert!(place.file_at("shop/x.csv").is_some() && place.file_at("shop/y.csv").is_some());
    let right = [
        ("content-md5", "+9sfWPjcUBGsWrAMsH2ndg=="),
        (
            "x-amz-checksum-sha256",
            "4u0Fbbf5/0IVoBuZXV0NIWCkWwYcVc+VPOSi6q6siJo=",
        ),
    ];
    let reply = give(&place.door, "POST /shop?delete", &right, TWO).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert!(place.file_at("shop/x.csv").is_none() && place.file_at("shop/y.csv").is_none());
}

#[tokio::test]
async fn what_the_layers_refuse_is_said_as_s3_says_it() {
    let place = Place::open().await;
    place.file("shop/x.csv", "x");
    let full = place.other_door(0, Duration::ZERO);
    for line in ["GET /shop/x.csv", "PUT /shop/y.csv", "POST /", "GET /"] {
        let reply = ask(&full, line).await;
        reply.fails(503, "SlowDown");
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert_eq!(
            reply.header("x-amz-request-id"),
            reply.element("RequestId"),
            "{line}"
        );
    }
    for headers in [
        [("host", "rebound.example")],
        [("origin", "http://evil.example")],
        [("sec-fetch-site", "cross-site")],
    ] {
        send(&place.door, "GET /shop/x.csv", &headers, "")
            .await
            .fails(403, "AccessDenied");
        send(&place.door, "POST /", &headers, "")
            .await
            .fails(403, "AccessDenied");
    }
    for line in [
        "GET /%ff",
        "GET /shop/%ff",
        "PATCH /shop/x.csv",
        "OPTIONS /",
        "POST /",
        "TRACE /shop",
    ] {
        let reply = ask(&place.door, line).await;
        assert!((400..600).contains(&reply.status), "{line}");
        reply.fails(reply.status, reply.element("Code").unwrap_or("none"));
    }
    let reply = ask(&full, "GET /shop/a&b").await;
    assert_eq!(reply.element("Resource"), Some("/shop/a&amp;b"));
}

#[tokio::test]
async fn errors_of_which_the_library_says_the_code_alone_have_a_message() {
    let place = Place::open().await;
    place.file("shop/x.csv", "x");
    let long = format!("GET /shop/{}", "x".repeat(1025));
    for (line, headers, body, status, code, what) in [
        (
            "GET /bad%20name/x",
            &[][..],
            "",
            400,
            "InvalidBucketName",
            "1 to 128",
        ),
        (&long, &[], "", 400, "KeyTooLongError", "1,024 bytes"),
        (
            "POST /shop?delete",
            &[],
            "<Delete><Object>",
            400,
            "MalformedXML",
            "XML",
        ),
        (
            "POST /shop?delete",
            &[],
            "",
            400,
            "MissingRequestBodyError",
            "document",
        ),
        (
            "POST /shop?delete",
            &[("x-amz-content-sha256", &*"0".repeat(64))],
            TWO,
            400,
            "BadDigest",
            "x-amz-content-sha256",
        ),
    ] {
        let reply = give(&place.door, line, headers, body).await;
        reply.fails(status, code);
        let message = reply.element("Message").unwrap_or_default();
        assert!(message.contains(what), "{line}: {}", reply.text);
        let length = reply.header("content-length");
        assert!(
            length.is_none_or(|length| length == reply.text.len().to_string()),
            "{line}"
        );
    }
}

#[tokio::test]
async fn every_list_is_a_document() {
    let place = Place::open().await;
    place.file("shop/a&b.csv", "1");
    place.file("shop/c.csv", "2");
    place.file("shop/d/e.csv", "3");
    place.file("shop/f\u{ffff}.csv", "4");
    for (key, what) in [
        ("a%01b", "U+0001"),
        ("f%EF%BF%BF.csv", "U+FFFF"),
        ("a%0Db", "U+000D"),
        ("%C2%85", "U+0085"),
    ] {
        let reply = give(&place.door, &format!("PUT /shop/{key}"), &[], "x").await;
        reply.fails(400, "InvalidArgument");
        assert!(reply.text.contains(what), "{}", reply.text);
        ask(&place.door, &format!("GET /shop/{key}"))
            .await
            .fails(400, "InvalidArgument");
    }
    let reply = ask(&place.door, "GET /shop?list-type=2").await;
    assert_eq!(
        reply.keys(),
        ["a&amp;b.csv", "c.csv", "d/e.csv"],
        "{}",
        reply.text
    );
    for line in [
        "GET /shop?list-type=2&prefix=%01",
        "GET /shop?prefix=%EF%BF%BE",
        "GET /shop?list-type=2&delimiter=%00",
        "GET /shop?marker=%02",
        "GET /shop?list-type=2&start-after=%02",
        "GET /shop?max-keys=%03",
    ] {
        ask(&place.door, line).await.fails(400, "InvalidArgument");
    }
    let reply = ask(&place.door, "GET /shop?list-type=2&prefix=%01&encoding-type=url").await;
    assert_eq!(
        (reply.status, reply.element("Prefix")),
        (200, Some("%01")),
        "{}",
        reply.text
    );
    let odd = "<Delete><Object><Key>a&#1;b</Key></Object></Delete>";
    let md5 = [("content-md5", "L39vkUh9B34P9pa+UaU9mA==")];
    let reply = give(&place.door, "POST /shop?delete", &md5, odd).await;
    assert!(!reply.text.contains('\u{1}'), "{:?}", reply.text);
}

#[tokio::test]
async fn tokens_of_lists_are_letters_only() {
    let place = Place::open().await;
    for name in ["a&b", "c d", "e/f", "g+h"] {
        place.file(&format!("shop/{name}"), "x");
    }
    let (mut keys, mut token) = (Vec::new(), String::new());
    loop {
        let line = format!("GET /shop?list-type=2&max-keys=1&delimiter=/{token}");
        let reply = ask(&place.door, &line).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        keys.extend(reply.keys().into_iter().map(str::to_owned));
        let Some(next) = reply.element("NextContinuationToken") else {
            break;
        };
        assert!(
            next.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
            "{next}"
        );
        token = format!("&continuation-token={next}");
    }
    assert_eq!(keys, ["a&amp;b", "c d", "e/", "g+h"]);
    let reply = ask(&place.door, "GET /shop?list-type=2&continuation-token=a.b").await;
    reply.fails(400, "InvalidArgument");
}

#[tokio::test]
async fn a_body_without_its_last_chunk_is_refused() {
    let place = Place::open().await;
    place.file("shop/x.csv", "before");
    let signature = "0".repeat(64);
    let whole = format!("5;chunk-signature={signature}\r\nafter\r\n0;chunk-signature={signature}\r\n\r\n");
    let cut = whole.split_inclusive("after\r\n").next().unwrap();
    let headers = [
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("x-amz-decoded-content-length", "5"),
    ];
    let reply = give(&place.door, "PUT /shop/x.csv", &headers, cut).await;
    reply.fails(400, "IncompleteBody");
    assert_eq!(place.file_at("shop/x.csv").unwrap(), b"before");
    let reply = give(&place.door, "PUT /shop/x.csv", &headers, &whole).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(place.file_at("shop/x.csv").unwrap(), b"after");
}

#[tokio::test]
async fn ranges_are_answered_as_far_as_they_are_understood() {
    let place = Place::open().await;
    place.file("shop/x", "0123456789");
    place.file("shop/empty", "");
    let ranged = async |method: &str, key: &str, range: &str| {
        send(
            &place.door,
            &format!("{method} /shop/{key}"),
            &[("range", range)],
            "",
        )
        .await
    };
    for (range, status, text) in [
        ("bytes=2-4", 206, "234"),
        ("bytes=-3", 206, "789"),
        ("bytes=8-99999999999999999999", 206, "89"),
        ("Bytes=1-1", 206, "1"),
        ("rows=2-4", 200, "0123456789"),
        ("bytes=4-2", 200, "0123456789"),
        ("bytes=0-1,3-4", 200, "0123456789"),
        ("nonsense", 200, "0123456789"),
    ] {
        let reply = ranged("GET", "x", range).await;
        assert_eq!((reply.status, reply.text.as_str()), (status, text), "{range}");
        let head = ranged("HEAD", "x", range).await;
        assert_eq!(head.status, status, "{range}");
        for name in ["content-range", "content-length", "etag", "accept-ranges"] {
            assert_eq!(head.header(name), reply.header(name), "{range} {name}");
        }
        assert_eq!(reply.header("content-range").is_some(), status == 206, "{range}");
    }
    for (key, range, size) in [
        ("x", "bytes=10-", 10),
        ("x", "bytes=-0", 10),
        ("empty", "bytes=0-", 0),
        ("x", "bytes=99999999999999999999-", 10),
    ] {
        let reply = ranged("GET", key, range).await;
        reply.fails(416, "InvalidRange");
        let head = ranged("HEAD", key, range).await;
        for reply in [reply, head] {
            assert_eq!(
                (reply.status, reply.header("content-range")),
                (416, Some(format!("bytes */{size}").as_str())),
                "{range}"
            );
        }
    }
    // The door behind the door asks for no signature; nobody gets there who is not let in.
    let reply = send(&place.door, "GET /uploads/x", &[("range", "nonsense")], "").await;
    assert_eq!(reply.status, 404, "{}", reply.text);
}

#[tokio::test]
async fn ranges_that_are_not_understood_are_signed_like_others() {
    let home = tempfile::tempdir().unwrap();
    let (access, id, secret) = keyed(home.path());
    let place = Place::open_for(access, None).await;
    place.file("shop/x", "0123456789");
    for (secret, status) in [(secret.as_str(), 200), ("another", 403)] {
        let time = chrono::Utc::now().format("%Y%m%dT%H%M%SZ").to_string();
        let scope = Scope {
            day: &time[..8],
            region: "us-east-1",
            service: "s3",
        };
        let names = "host;range;x-amz-content-sha256;x-amz-date";
        let text = format!(
            "GET\n/shop/x\n\nhost:localhost:9000\nrange:bytes=0-1,3-4\nx-amz-content-sha256:UNSIGNED-PAYLOAD\n\
             x-amz-date:{time}\n\n{names}\nUNSIGNED-PAYLOAD"
        );
        let signature = hex(&sign(secret, &scope, &time, &text));
        let scope = scope.text();
        let signed =
            format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
        let headers = [
            ("range", "bytes=0-1,3-4"),
            ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
            ("x-amz-date", time.as_str()),
            ("authorization", signed.as_str()),
        ];
        let reply = send(&place.door, "GET /shop/x", &headers, "").await;
        assert_eq!(reply.status, status, "{}", reply.text);
        if status == 403 {
            reply.fails(403, "SignatureDoesNotMatch");
            let message = reply.element("Message").unwrap_or_default();
            assert!(message.contains("check the secret"), "{message}");
        }
    }
    let reply = send(&place.door, "GET /shop/x", &[("range", "nonsense")], "").await;
    reply.fails(403, "AccessDenied");
}

#[tokio::test]
async fn folders_are_told_as_empty_files() {
    let place = Place::open().await;
    std::fs::create_dir_all(place.home().join("datasets/shop")).unwrap();
    let made = give(&place.door, "PUT /shop/a/b/", &[], "").await;
    assert_eq!(
        (made.status, made.header("etag")),
        (200, Some("\"d41d8cd98f00b204e9800998ecf8427e\""))
    );
    let head = ask(&place.door, "HEAD /shop/a/b/").await;
    assert_eq!((head.status, head.header("etag")), (200, made.header("etag")));
    let changed = head.header("last-modified").unwrap();
    for (time, status) in [("Thu, 01 Jan 2015 00:00:00 GMT", 200), (changed, 304)] {
        let headers = [("if-modified-since", time)];
        assert_eq!(
            send(&place.door, "GET /shop/a/b/", &headers, "").await.status,
            status,
            "{time}"
        );
    }
    let list = async |query: &str| ask(&place.door, &format!("GET /shop?list-type=2&{query}")).await;
    assert_eq!(list("").await.keys(), ["a/b/"]);
    assert_eq!(list("prefix=a/b/").await.keys(), ["a/b/"]);
    assert_eq!(list("prefix=a/&delimiter=/").await.keys(), ["a/b/"]);
    assert_eq!(list("delimiter=/").await.keys(), ["a/"]);
    // What is in a folder stands for it, and takes it along.
    place.file("shop/a-b", "x");
    place.file("shop/a/b/x", "x");
    assert_eq!(list("").await.keys(), ["a-b", "a/b/x"]);
    assert_eq!(ask(&place.door, "DELETE /shop/a/b/none").await.status, 204);
    assert_eq!(ask(&place.door, "DELETE /shop/a/b/").await.status, 204);
    assert_eq!(ask(&place.door, "DELETE /shop/a/b/x").await.status, 204);
    assert_eq!(list("").await.keys(), ["a-b"]);
    assert!(!place.home().join("datasets/shop/a").exists());
    assert_eq!(ask(&place.door, "DELETE /shop/a-b").await.status, 204);
    assert!(place.home().join("datasets/shop").is_dir());
}

/// An upload of one part; returns its name and the document that completes it.
async fn begun(door: &Router, key: &str, content: &str) -> (String, String) {
    let reply = ask(door, &format!("POST /shop/{key}?uploads")).await;
    let id = reply
        .element("UploadId")
        .unwrap_or_else(|| panic!("{}", reply.text))
        .to_owned();
    let line = format!("PUT /shop/{key}?partNumber=1&uploadId={id}");
    let part = give(door, &line, &[], content).await;
    assert_eq!(part.status, 200, "{}", part.text);
    let tag = part.header("etag").unwrap();
    let document = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{tag}</ETag></Part></CompleteMultipartUpload>"
    );
    (format!("POST /shop/{key}?uploadId={id}"), document)
}

/// Completes an upload while no file is read or written, until the answer has begun and gone on with a blank.
async fn complete_late(door: &Router, line: &str, headers: &[(&str, &str)], document: &str) -> Reply {
    // The only thread for files is busy: no copy ends before it may.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (started, busy) = tokio::sync::oneshot::channel();
    let held = tokio::task::spawn_blocking(move || {
        started.send(()).unwrap();
        wait.recv().unwrap();
    });
    busy.await.unwrap();
    let length = document.len().to_string();
    let mut all = vec![("content-length", length.as_str())];
    all.extend(headers);
    let answer = begin(door, line, &all, document.to_owned());
    let answer = tokio::time::timeout(Duration::from_secs(60), answer).await;
    let (head, mut body) = answer
        .expect("the answer begins before the copy ends")
        .into_parts();
    let mut text = String::new();
    while !text.ends_with("?> ") {
        let frame = tokio::time::timeout(Duration::from_secs(60), body.frame()).await;
        let frame = frame
            .expect("the answer goes on before the copy ends")
            .unwrap()
            .unwrap();
        text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
    go.send(()).unwrap();
    held.await.unwrap();
    text.push_str(std::str::from_utf8(&body.collect().await.unwrap().to_bytes()).unwrap());
    Reply {
        status: head.status.as_u16(),
        headers: head.headers,
        text,
    }
}

#[test]
fn a_long_copy_is_answered_as_it_goes() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(long_copies());
}

async fn long_copies() {
    let place = Place::open().await;
    place.file("shop/first", "x");
    // Whoever waits for nothing takes every copy for a long one.
    let late = place.other_door(10, Duration::ZERO);
    let (line, document) = begun(&late, "x", "content").await;
    let reply = complete_late(&late, &line, &[], &document).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.text.matches("<?xml").count(), 1, "{}", reply.text);
    assert!(
        reply.text.starts_with("<?xml") && reply.text.contains("?> <"),
        "{}",
        reply.text
    );
    assert!(
        reply.text.contains("<CompleteMultipartUploadResult"),
        "{}",
        reply.text
    );
    assert_eq!(place.file_at("shop/x").unwrap(), b"content");
    // A failure is said at the end, and as a status where the answer has not begun.
    let wrong = [("x-amz-checksum-crc32", "AAAAAA==")];
    let (line, document) = begun(&late, "y", "content").await;
    let reply = complete_late(&late, &line, &wrong, &document).await;
    assert_eq!(
        (reply.status, reply.element("Code")),
        (200, Some("BadDigest")),
        "{}",
        reply.text
    );
    assert_eq!(reply.text.matches("<?xml").count(), 1, "{}", reply.text);
    let reply = give(&place.door, &line, &wrong, &document).await;
    reply.fails(400, "BadDigest");
    assert_eq!(place.file_at("shop/y"), None);
    let reply = give(&place.door, &line, &[], &document).await;
    assert_eq!(
        (reply.status, reply.text.contains("?> <")),
        (200, false),
        "{}",
        reply.text
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_word_may_be_said_again_and_not_another() {
    let place = Place::open().await;
    place.file("shop/first", "x");
    let (line, document) = begun(&place.door, "x", "content").await;
    let first = give(&place.door, &line, &[], &document).await;
    let again = give(&place.door, &line, &[], &document).await;
    assert_eq!((first.status, again.status), (200, 200), "{}", again.text);
    assert_eq!(first.element("ETag"), again.element("ETag"));
    let other = document.replace("<PartNumber>1<", "<PartNumber>2<");
    give(&place.door, &line, &[], &other)
        .await
        .fails(400, "InvalidPart");
    ask(&place.door, "DELETE /shop/x").await;
    give(&place.door, &line, &[], &document)
        .await
        .fails(404, "NoSuchUpload");
    let (line, document) = begun(&place.door, "first", "content").await;
    assert_eq!(give(&place.door, &line, &[], &document).await.status, 200);
    ask(&place.door, "DELETE /shop/first").await;
    assert_eq!(ask(&place.door, "DELETE /shop").await.status, 204);
    give(&place.door, &line, &[], &document)
        .await
        .fails(404, "NoSuchUpload");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_is_completed_only_by_the_document_that_was_promised() {
    let place = Place::open().await;
    place.file("shop/first", "x");
    let (line, document) = begun(&place.door, "x", "content").await;
    for wrong in ["AAAAAAAAAAAAAAAAAAAAAA==", "no MD5"] {
        let reply = give(&place.door, &line, &[("content-md5", wrong)], &document).await;
        reply.fails(400, "BadDigest");
        assert_eq!(place.file_at("shop/x"), None);
    }
    assert!(
        document.contains("\"ed7002b439e9ac845f22357d822bac14-1\""),
        "{document}"
    );
    // The MD5 of this document; the other sums are those of the file.
    let right = [
        ("content-md5", "dgEYzjOTPay2oIXbluhORg=="),
        ("x-amz-checksum-crc32", "/sUwqQ=="),
    ];
    let reply = give(&place.door, &line, &right, &document).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(place.file_at("shop/x").unwrap(), b"content");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_whose_first_part_arrives_makes_no_room() {
    let place = Place::open().await;
    place.file("shop/first", "x");
    let reply = ask(&place.door, "POST /shop/slow?uploads").await;
    let line = format!(
        "PUT /shop/slow?partNumber=1&uploadId={}",
        reply.element("UploadId").unwrap()
    );
    let (pieces, sent) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let sent = futures_util::stream::unfold(sent, async |mut sent| {
        sent.recv().await.map(|piece| (piece, sent))
    });
    let door = place.door.clone();
    let part = tokio::spawn(async move {
        let headers = [("content-length", "8")];
        send(&door, &line, &headers, Body::from_stream(sent)).await
    });
    pieces.send(Ok(Bytes::from_static(b"half"))).await.unwrap();
    // The second piece is taken once the first is on its way.
    pieces.send(Ok(Bytes::from_static(b"half"))).await.unwrap();
    let mut first = String::new();
    // Another request lets time pass.
    place.get("/healthz").await;
    for number in 0..1000 {
        let reply = ask(&place.door, &format!("POST /shop/{number}?uploads")).await;
        assert_eq!(reply.status, 200, "{number}: {}", reply.text);
        if number == 0 {
            first = format!("GET /shop/0?uploadId={}", reply.element("UploadId").unwrap());
            place.get("/healthz").await;
        }
    }
    drop(pieces);
    let part = part.await.unwrap();
    assert_eq!(part.status, 200, "{}", part.text);
    ask(&place.door, &first).await.fails(404, "NoSuchUpload");
}

#[test]
fn sums_in_this_file_are_those_of_its_documents() {
    use sha2::Digest;
    let sum = STANDARD.encode(sha2::Sha256::digest(TWO));
    assert_eq!(sum, "4u0Fbbf5/0IVoBuZXV0NIWCkWwYcVc+VPOSi6q6siJo=");
}
