//! One set of checks on a local folder and on a store in memory, which takes the ways that remote
//! stores take.

use std::io::Write;
use std::path::Path as FilePath;

use futures_util::stream;
use object_store::memory::InMemory;
use sha2::{Digest, Sha256};

use super::*;
use crate::domain::dataset::ContentHash;
use crate::domain::entity::Entity;
use crate::domain::ids::{EntityId, EntityKind};
use crate::domain::job::JobKind;
use crate::domain::spec::EvaluationSpec;

type Chunk = Result<Bytes, std::io::Error>;

async fn both(home: &FilePath) -> [Blobs; 2] {
    [
        Blobs::open_local(home).await.unwrap(),
        Blobs::open_store(Arc::new(InMemory::new())).await.unwrap(),
    ]
}

fn key(text: &str) -> BlobKey {
    BlobKey::new(text).unwrap()
}

fn chunks(n: usize, size: usize) -> Vec<Chunk> {
    (0..n)
        .map(|i| Ok(Bytes::from(vec![u8::try_from(i % 251).unwrap(); size])))
        .collect()
}

fn files_below(folder: &FilePath) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path))
        } else {
            found.push(path.display().to_string())
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_received_is_what_is_read() {
    let home = tempfile::tempdir().unwrap();
    for blobs in both(home.path()).await {
        // More than two parts, in chunks that do not divide a part.
        let sent: Vec<u8> = chunks(170, 70_001).into_iter().flat_map(Result::unwrap).collect();
        let staged = blobs
            .receive(stream::iter(chunks(170, 70_001)), u64::MAX)
            .await
            .unwrap();
        assert_eq!(staged.size_bytes, sent.len() as u64);
        assert_eq!(
            staged.hash,
            ContentHash::from_digest(Sha256::digest(&sent).into())
        );
        assert!(
            blobs.list("datasets").await.unwrap().is_empty(),
            "nothing is visible before it is published"
        );
        let to = key("datasets/uploads/a/1");
        let published = staged.publish(&to).await.unwrap();
        assert_eq!(published.size_bytes, sent.len() as u64);
        assert_eq!(blobs.size(&to).await.unwrap(), sent.len() as u64);
        assert!(blobs.get(&to).await.unwrap() == sent);

        let part = blobs.read(&to, Some(100_000..200_000)).await.unwrap();
        assert_eq!(
            (part.size_bytes, part.range.clone()),
            (sent.len() as u64, 100_000..200_000)
        );
        let got: Vec<Bytes> = part.stream.try_collect().await.unwrap();
        assert!(got.concat() == sent[100_000..200_000]);

        let on_thread = blobs.clone();
        let got = tokio::task::spawn_blocking(move || on_thread.get_blocking(&to).unwrap())
            .await
            .unwrap();
        assert!(got == sent);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocking_writers_publish_or_leave_nothing() {
    let home = tempfile::tempdir().unwrap();
    for blobs in both(home.path()).await {
        let writer = blobs.clone();
        let published = tokio::task::spawn_blocking(move || {
            let mut abandoned = writer.write_blocking(&key("predictions/bp-1/0.csv")).unwrap();
            abandoned.write_all(&[1; 1_000_000]).unwrap();
            drop(abandoned);
            let mut out = writer.write_blocking(&key("predictions/bp-1/1.csv")).unwrap();
            for i in 0..100_000 {
                writeln!(out, "line {i}").unwrap();
            }
            out.publish().unwrap()
        });
        let published = published.await.unwrap();
        let text = String::from_utf8(blobs.get(&published.key).await.unwrap().to_vec()).unwrap();
        assert_eq!(text.len() as u64, published.size_bytes);
        assert_eq!(text.lines().count(), 100_000);
        assert!(text.ends_with("line 99999\n"));
        assert_eq!(blobs.list("predictions").await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_broken_or_oversized_upload_leaves_nothing_visible() {
    let home = tempfile::tempdir().unwrap();
    for blobs in both(home.path()).await {
        let mut broken = chunks(2, 10);
        broken.push(Err(std::io::Error::other("the client went away")));
        let error = blobs.receive(stream::iter(broken), u64::MAX).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the data broke off after 20 bytes; send it again"
        );
        assert_eq!(error.code(), "upload_interrupted");
        let error = blobs.receive(stream::iter(chunks(3, 10)), 29).await.unwrap_err();
        assert!(matches!(error, BlobError::TooLarge { limit: 29 }));
        assert!(blobs.receive(stream::iter(chunks(3, 10)), 30).await.is_ok());
        for folder in ["datasets", "models", "predictions"] {
            assert!(blobs.list(folder).await.unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn missing_files_are_named() {
    let home = tempfile::tempdir().unwrap();
    for blobs in both(home.path()).await {
        let missing = key("models/ml-1/1.yosoku");
        let error = blobs.get(&missing).await.unwrap_err();
        assert_eq!(error.to_string(), "there is no file models/ml-1/1.yosoku");
        assert!(matches!(
            blobs.size(&missing).await,
            Err(BlobError::NotFound { .. })
        ));
        assert!(matches!(
            blobs.read(&missing, None).await,
            Err(BlobError::NotFound { .. })
        ));
        blobs.delete(&missing).await.unwrap();
    }
}

#[tokio::test]
async fn an_entity_takes_its_files_with_it_and_no_others() {
    let home = tempfile::tempdir().unwrap();
    for blobs in both(home.path()).await {
        for text in [
            "models/ml-1/1.yosoku",
            "models/ml-1/2.yosoku",
            "models/ml-11/1.yosoku",
        ] {
            blobs.put(&key(text), Bytes::from_static(b"x")).await.unwrap();
        }
        let at = EntityRef::new(EntityKind::Model, EntityId::new("ml-1").unwrap());
        assert_eq!(blobs.delete_owned(&at).await.unwrap(), 2);
        let left: Vec<String> = blobs
            .list("models")
            .await
            .unwrap()
            .into_iter()
            .map(|f| f.key.into())
            .collect();
        assert_eq!(left, ["models/ml-11/1.yosoku"]);
        let last = EntityRef::new(EntityKind::Model, EntityId::new("ml-11").unwrap());
        assert_eq!(blobs.delete_owned(&last).await.unwrap(), 1);
    }
    // Only the entities' own folders are removed.
    assert!(home.path().join("models").is_dir());
    assert!(!home.path().join("models/ml-1").exists());
}

#[tokio::test]
async fn an_attempt_removes_what_earlier_ones_left_and_nothing_later() {
    let home = tempfile::tempdir().unwrap();
    let spec = EvaluationSpec {
        model: EntityId::new("ml-1").unwrap(),
        datasource: EntityId::new("ds-1").unwrap(),
    };
    let id = EntityId::new("ev-1").unwrap();
    let job = |claim| ClaimedJob {
        id: "1".to_owned(),
        kind: JobKind::EvaluateModel,
        entity: Entity::new(id.clone(), String::new(), &serde_json::json!({}), spec.clone(), 1),
        inputs: Vec::new(),
        datasets: Vec::new(),
        attempt: claim,
        claim,
        worker: WorkerId::named("1-a"),
    };
    for blobs in both(home.path()).await {
        for claim in [1, 2, 10] {
            let output = key::output(&job(claim));
            blobs.put(&output, Bytes::from_static(b"x")).await.unwrap();
        }
        assert_eq!(blobs.delete_earlier(&job(1)).await.unwrap(), 0);
        assert_eq!(blobs.delete_earlier(&job(10)).await.unwrap(), 2);
        assert_eq!(
            blobs.get(&key::output(&job(10))).await.unwrap(),
            Bytes::from_static(b"x")
        );
    }
}

#[tokio::test]
async fn leftovers_of_the_dead_are_swept_and_those_of_the_living_are_not() {
    let home = tempfile::tempdir().unwrap();
    let staging = home.path().join(".staging");
    std::fs::create_dir_all(staging.join("dead")).unwrap();
    std::fs::write(staging.join("dead.lock"), "").unwrap();
    std::fs::write(staging.join("dead/0#1"), "half").unwrap();
    let living = Blobs::open_local(home.path()).await.unwrap();
    assert!(!staging.join("dead").exists() && !staging.join("dead.lock").exists());
    assert_eq!(living.dead_processes(), [WorkerId::named("dead")]);

    let staged = living
        .receive(stream::iter(chunks(1, 10)), u64::MAX)
        .await
        .unwrap();
    let other = Blobs::open_local(home.path()).await.unwrap();
    assert_eq!(other.dead_processes(), [], "found by one process only");
    assert_ne!(other.process(), living.process());
    assert_eq!(
        files_below(&staging).len(),
        3,
        "two locks and the staged file: {:?}",
        files_below(&staging)
    );
    staged.publish(&key("datasets/uploads/a/1")).await.unwrap();
    drop((living, other));
    assert!(files_below(&staging).is_empty(), "{:?}", files_below(&staging));
    assert_eq!(files_below(&home.path().join("datasets")).len(), 1);
}

#[test]
fn a_full_disk_is_told_apart_however_deep_it_is_buried() {
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let buried = object_store::Error::Generic {
        store: "local",
        source: std::io::Error::other(full).into(),
    };
    assert_eq!(
        BlobError::from_store("write", "models/a/1", buried).code(),
        "disk_full"
    );
    let other = object_store::Error::Generic {
        store: "local",
        source: "no".into(),
    };
    assert_eq!(
        BlobError::from_store("write", "models/a/1", other).code(),
        "storage_unavailable"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_read_at_any_place() {
    let home = tempfile::tempdir().unwrap();
    for blobs in both(home.path()).await {
        let at = key("datasets/uploads/a/1");
        blobs.put(&at, Bytes::from_static(b"0123456789")).await.unwrap();
        let found = blobs.look(&at).await.unwrap();
        tokio::task::spawn_blocking(move || {
            let reader = blobs.open_random(&found).unwrap();
            assert_eq!(reader.size_bytes(), 10);
            for (place, expected) in [(7, b"789"), (0, b"012"), (4, b"456")] {
                let mut found = [0; 3];
                reader.read_at(place, &mut found).unwrap();
                assert_eq!(&found, expected);
            }
            assert!(reader.read_at(8, &mut [0; 3]).is_err(), "past the end");
            let missing = Listed {
                key: key("datasets/uploads/a/2"),
                ..found
            };
            assert!(blobs.open_random(&missing).is_err());
        })
        .await
        .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changes_between_two_places_is_noticed() {
    let home = tempfile::tempdir().unwrap();
    let blobs = Blobs::open_local(home.path()).await.unwrap();
    let at = key("datasets/b/x");
    blobs.put(&at, Bytes::from_static(b"0123456789")).await.unwrap();
    let found = blobs.look(&at).await.unwrap();
    let place = home.path().join("datasets/b/x");
    tokio::task::spawn_blocking(move || {
        let reader = blobs.open_random(&found).unwrap();
        reader.read_at(0, &mut [0; 3]).unwrap();
        std::fs::write(place, "9876543210 and more").unwrap();
        let error = reader.read_at(3, &mut [0; 3]).unwrap_err();
        assert!(
            error.to_string().contains("was changed while it was read"),
            "{error}"
        );
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn names_that_no_file_can_have_are_told() {
    let home = tempfile::tempdir().unwrap();
    let blobs = Blobs::open_local(home.path()).await.unwrap();
    for there in ["datasets/b/file", "datasets/b/folder/x"] {
        blobs.put(&key(there), "1".into()).await.unwrap();
    }
    let long = format!("datasets/b/{}", "x".repeat(300));
    for name in [
        "datasets/b/file/x",
        "datasets/b/file/x/y",
        "datasets/b/folder",
        "datasets/b/own#7",
        long.as_str(),
    ] {
        let error = blobs.put(&key(name), "2".into()).await.unwrap_err();
        assert_eq!(
            (error.code(), error.is_transient()),
            ("invalid_location", false),
            "{name}: {error:?}"
        );
        let error = blobs.get(&key(name)).await.unwrap_err();
        assert_eq!(error.code(), "file_missing", "{name}: {error:?}");
    }
    assert_eq!(blobs.list("datasets").await.unwrap().len(), 2);
}
