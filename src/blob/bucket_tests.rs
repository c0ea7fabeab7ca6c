//! Buckets that lie elsewhere: in another folder, in a store that behaves as one elsewhere, and in stores that refuse.

use std::io::{Read, Write};
use std::path::Path as FilePath;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use object_store::memory::InMemory;
use object_store::path::Path;

use super::bucket::{Credentials, Mapping, Place, StorePlace};
use super::depot::Depots;
use super::*;
use crate::domain::dataset::ContentHash;

fn key(text: &str) -> BlobKey {
    BlobKey::new(text).unwrap()
}

fn mappings(places: Vec<(&str, Place, bool)>) -> Mappings {
    let mut mappings = Mappings::default();
    for (name, place, read_only) in places {
        let mapping = Mapping { place, read_only };
        match name {
            "*" => mappings.others = Some(mapping),
            _ => {
                mappings.named.insert(name.to_owned(), mapping);
            }
        }
    }
    mappings
}

/// Blobs with the bucket `far` below the prefix `in/here` of a store in memory.
async fn with_memory(home: &FilePath) -> (Blobs, Arc<InMemory>) {
    let blobs = Blobs::open_local(home).await.unwrap();
    let memory = Arc::new(InMemory::new());
    let depots = Depots::with_store(blobs.depots.home.clone(), "far", "in/here", memory.clone());
    let blobs = Blobs {
        depots: Arc::new(depots),
        ..blobs
    };
    (blobs, memory)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_elsewhere_is_written_and_read_under_the_same_keys() {
    let home = tempfile::tempdir().unwrap();
    let (blobs, memory) = with_memory(home.path()).await;
    // More than two windows and parts, none of them full at the end.
    let sent: Vec<u8> = (0..20_000_003_u32).map(|i| (i % 251) as u8).collect();
    let (writer, bytes, at) = (blobs.clone(), sent.clone(), key("datasets/far/out/x.bin"));
    let published = blocking(move || {
        let mut file = writer.write_blocking(&at).unwrap();
        file.write_all(&bytes).unwrap();
        assert!(writer.look_blocking(&at).is_err(), "seen before it is complete");
        file.publish().unwrap()
    })
    .await;
    assert_eq!(published.size_bytes, sent.len() as u64);
    assert_eq!(published.hash, ContentHash::of(&sent));
    assert!(memory.head(&Path::from("in/here/out/x.bin")).await.is_ok());
    assert!(!home.path().join("datasets/far").exists());

    let listed = blobs.list("datasets/far").await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].key, published.key);
    assert_eq!(blobs.list("datasets/far/out").await.unwrap(), listed);
    assert_eq!(blobs.list("datasets/far/ou").await.unwrap(), []);
    assert!(blobs.is_mapped(&published.key) && !blobs.is_mapped(&key("datasets/near/x")));
    let (reader, file, expected) = (blobs.clone(), listed[0].clone(), sent.clone());
    blocking(move || {
        let mut found = Vec::new();
        reader
            .open_listed(&file)
            .unwrap()
            .read_to_end(&mut found)
            .unwrap();
        assert!(found == expected);
        let random = reader.open_random(&file).unwrap();
        let mut piece = [0; 7];
        random.read_at(9_999_999, &mut piece).unwrap();
        assert_eq!(piece, expected[9_999_999..10_000_006]);
        assert!(random.read_at(20_000_000, &mut piece).is_err(), "past the end");
    })
    .await;

    let (abandoned, at) = (blobs.clone(), key("datasets/far/half.bin"));
    blocking(move || {
        let mut file = abandoned.write_blocking(&at).unwrap();
        file.write_all(&[7; 30_000_000]).unwrap();
    })
    .await;
    assert_eq!(blobs.list("datasets/far").await.unwrap().len(), 1);
    blobs.delete(&published.key).await.unwrap();
    assert_eq!(blobs.list("datasets/far").await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_change_while_they_are_read_are_noticed() {
    let home = tempfile::tempdir().unwrap();
    let (blobs, _) = with_memory(home.path()).await;
    for text in ["datasets/far/x", "datasets/near/x"] {
        let at = key(text);
        blobs.put(&at, vec![b'a'; 3_000_000].into()).await.unwrap();
        let before = blobs.look(&at).await.unwrap();
        let (reader, listed) = (blobs.clone(), before.clone());
        let path = home.path().join(text);
        let (rest, rewritten) = blocking(move || {
            let mut file = reader.open_listed(&listed).unwrap();
            file.read_exact(&mut [0; 100_000]).unwrap();
            let rewritten = match reader.is_mapped(&listed.key) {
                true => {
                    let put = reader.put(&listed.key, vec![b'b'; 3_000_000].into());
                    reader.runtime.block_on(put).map(|_| ())
                }
                // In place, as a program that still writes to it does.
                false => {
                    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
                    file.write_all(b"more").unwrap();
                    Ok(())
                }
            };
            (file.read_to_end(&mut Vec::new()), rewritten)
        })
        .await;
        rewritten.unwrap();
        let error = rest.unwrap_err().to_string();
        let name = text.replace("datasets/", "s3://");
        assert!(
            error.starts_with(&format!("`{name}` was changed while")),
            "{error}"
        );
        let (reader, listed) = (blobs.clone(), before);
        let again = blocking(move || reader.open_listed(&listed).map(|_| ())).await;
        assert_eq!(again.unwrap_err().code(), "source_changed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folders_are_buckets_and_nothing_leads_around_the_rules() {
    let (home, archive, rest) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    std::fs::create_dir_all(archive.path().join("old")).unwrap();
    std::fs::write(archive.path().join("old/x.csv"), "a\n1\n").unwrap();
    let blobs = Blobs::open_local(home.path()).await.unwrap();
    let blobs = blobs.with_buckets(&mappings(vec![
        ("archive", Place::Folder(archive.path().to_owned()), true),
        ("work", Place::Folder(rest.path().to_owned()), false),
        ("fixed", Place::Home, true),
        ("private", Place::Refused, false),
        ("*", Place::Folder(rest.path().to_owned()), false),
    ]));
    let blobs = blobs.unwrap();
    let text = blobs.get(&key("datasets/archive/old/x.csv")).await.unwrap();
    assert_eq!(text, "a\n1\n");
    let there = files(archive.path());
    for read_only in ["datasets/archive/new", "datasets/fixed/new"] {
        for error in [
            blobs
                .put(&key(read_only), "x".into())
                .await
                .map(|_| ())
                .unwrap_err(),
            blobs.delete(&key(read_only)).await.unwrap_err(),
            blobs.allows(&key(read_only), true).unwrap_err(),
        ] {
            assert_eq!(error.code(), "bucket_read_only");
        }
        assert!(blobs.allows(&key(read_only), false).is_ok());
    }
    assert_eq!(
        files(archive.path()),
        there,
        "nothing is left in what is only read"
    );
    for refused in ["datasets/private", "datasets/private/x"] {
        for error in [
            blobs.get(&key(refused)).await.unwrap_err(),
            blobs
                .put(&key(refused), "x".into())
                .await
                .map(|_| ())
                .unwrap_err(),
            blobs.list(refused).await.unwrap_err(),
        ] {
            assert_eq!(error.code(), "bucket_refused");
        }
    }
    blobs.put(&key("datasets/work/a/b"), "1".into()).await.unwrap();
    assert_eq!(std::fs::read(rest.path().join("a/b")).unwrap(), b"1");
    // Every other bucket is a folder of its name there; uploads and what is no bucket's stay in the home.
    blobs.put(&key("datasets/any/c"), "2".into()).await.unwrap();
    assert_eq!(std::fs::read(rest.path().join("any/c")).unwrap(), b"2");
    let listed = blobs.list("datasets/any").await.unwrap();
    assert_eq!(listed[0].key.as_str(), "datasets/any/c");
    for own in ["datasets/uploads/a/1", "models/m/1"] {
        blobs.put(&key(own), "3".into()).await.unwrap();
        assert!(home.path().join(own).is_file());
    }
    // What is being written there is nobody's business.
    let names: Vec<String> = blobs
        .list("datasets/work")
        .await
        .unwrap()
        .into_iter()
        .map(|file| file.key.into())
        .collect();
    assert_eq!(names, ["datasets/work/a/b", "datasets/work/any/c"]);
    let lock = std::fs::read_dir(rest.path().join(".staging"))
        .unwrap()
        .next()
        .unwrap();
    let hidden = format!(
        "datasets/work/.staging/{}",
        lock.unwrap().file_name().to_string_lossy()
    );
    assert_eq!(blobs.get(&key(&hidden)).await.unwrap_err().code(), "file_missing");
    assert_eq!(
        blobs.put(&key(&hidden), "x".into()).await.unwrap_err().code(),
        "file_missing"
    );
}

fn files(folder: &FilePath) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn every_bucket_that_cannot_be_used_is_told() {
    let home = tempfile::tempdir().unwrap();
    let blobs = Blobs::open_local(home.path()).await.unwrap();
    let gone = || Place::Folder("/no/such/folder".into());
    let errors = blobs.with_buckets(&mappings(vec![("a", gone(), true), ("b", gone(), true)]));
    assert_eq!(errors.unwrap_err().len(), 2);
}

const SECRET: &str = "hush-hush-hush";

/// What a store answers to a request, and to how many it has answered before.
type Answer = fn(&Request<Body>, usize) -> Response;

/// Blobs with the bucket `shop` in a store that answers as `answer` does; how often it was asked.
async fn answering(home: &FilePath, answer: Answer) -> (Blobs, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let handler = move |request: Request<Body>| {
        let before = count.fetch_add(1, Ordering::SeqCst);
        async move { answer(&request, before) }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
    (at_address(home, &format!("http://{address}")).await, asked)
}

async fn at_address(home: &FilePath, endpoint: &str) -> Blobs {
    let place = StorePlace {
        bucket: "theirs".into(),
        prefix: "p".into(),
        endpoint: Some(endpoint.into()),
        region: "eu-central-1".into(),
        path_style: true,
        credentials: Some(Credentials {
            access_key: "known".into(),
            secret_key: SECRET.into(),
            session_token: Some(SECRET.into()),
        }),
    };
    let mappings = mappings(vec![("shop", Place::Store(place), false)]);
    assert!(!format!("{mappings:?}").contains(SECRET));
    let blobs = Blobs::open_local(home).await.unwrap();
    let blobs = blobs.with_buckets(&mappings).unwrap();
    assert!(!format!("{blobs:?}").contains(SECRET));
    blobs
}

fn xml(status: StatusCode, code: &str) -> Response {
    (status, format!("<Error><Code>{code}</Code></Error>")).into_response()
}

/// The text of an error with all its causes.
fn told(error: &BlobError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(one) = cause {
        text = format!("{text}: {one} {one:?}");
        cause = one.source();
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_of_a_store_say_what_to_mend_and_no_secret() {
    let home = tempfile::tempdir().unwrap();
    let at = key("datasets/shop/a/x.csv");
    let cases: [(Answer, &str, &str); 5] = [
        (
            |_, _| xml(StatusCode::FORBIDDEN, "AccessDenied"),
            "bucket_denied",
            "denies access",
        ),
        (
            |_, _| xml(StatusCode::FORBIDDEN, "SignatureDoesNotMatch"),
            "bucket_denied",
            "its secret",
        ),
        (
            |_, _| xml(StatusCode::NOT_FOUND, "NoSuchBucket"),
            "bucket_missing",
            "no such bucket",
        ),
        (
            |_, _| xml(StatusCode::NOT_FOUND, "NoSuchKey"),
            "file_missing",
            "there is no file",
        ),
        (
            |_, _| xml(StatusCode::MOVED_PERMANENTLY, "PermanentRedirect"),
            "bucket_missing",
            "another region",
        ),
    ];
    for (answer, code, words) in cases {
        let (blobs, asked) = answering(home.path(), answer).await;
        let error = blobs.get(&at).await.unwrap_err();
        assert_eq!(error.code(), code, "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.to_string().contains("shop/a/x.csv"), "{error}");
        assert!(!told(&error).contains(SECRET), "{}", told(&error));
        assert!(!error.is_transient());
        assert_eq!(asked.load(Ordering::SeqCst), 1, "it is no use to ask again");
        if code != "file_missing" {
            assert_eq!(blobs.list("datasets/shop").await.unwrap_err().code(), code);
            assert_eq!(blobs.put(&at, "x".into()).await.unwrap_err().code(), code);
        }
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let blobs = at_address(home.path(), &format!("http://{nobody}")).await;
    let error = blobs.look(&at).await.unwrap_err();
    assert_eq!(
        (error.code(), error.is_transient()),
        ("storage_unavailable", true),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .contains("`s3://shop/a/x.csv`: its store does not answer"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_stumbles_is_asked_again() {
    let home = tempfile::tempdir().unwrap();
    let (blobs, asked) = answering(home.path(), |request, before| {
        assert_eq!(request.method(), Method::GET);
        assert_eq!(request.uri().path(), "/theirs/p/a/x.csv");
        let signature = request.headers()["authorization"].to_str().unwrap();
        assert!(signature.contains("Credential=known/") && !signature.contains(SECRET));
        match before {
            0 | 1 => xml(StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
            _ => (
                [
                    ("etag", "\"1\""),
                    ("last-modified", "Sat, 28 Nov 2026 00:00:00 GMT"),
                ],
                "a,b\n",
            )
                .into_response(),
        }
    })
    .await;
    let began = std::time::Instant::now();
    assert_eq!(blobs.get(&key("datasets/shop/a/x.csv")).await.unwrap(), "a,b\n");
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    assert!(
        began.elapsed() > Duration::from_millis(100),
        "it was not left any time"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_without_a_word_is_asked_for_with_one() {
    let home = tempfile::tempdir().unwrap();
    let (blobs, _) = answering(home.path(), |request, _| match request.method() {
        &Method::HEAD => StatusCode::NOT_FOUND.into_response(),
        _ => xml(StatusCode::NOT_FOUND, "NoSuchBucket"),
    })
    .await;
    let error = blobs.look(&key("datasets/shop/a/x.csv")).await.unwrap_err();
    assert_eq!(error.code(), "bucket_missing", "{error:?}");
}
