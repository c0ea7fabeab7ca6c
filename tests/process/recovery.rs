//! SIGKILL in the middle of work: the next server on the same home takes the work over at once and finishes it
//! exactly once, and nothing half written is left.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;

use serde_json::json;

use crate::data::{Answers, slow, slow_hash, visits};
use crate::server::Server;
use crate::support::{AT_ONCE, PATIENCE, files, run, text, until, yosoku};

/// The files that are being written below a home.
fn staged(home: &Path) -> Vec<String> {
    let mut found = files(&home.join(".staging"));
    found.retain(|file| !file.ends_with(".lock"));
    found
}

/// Waits until some bytes of a file that is being written have reached the disk.
fn until_half_written(home: &Path) {
    until("a file is half written", PATIENCE, || {
        let folder = home.join(".staging");
        let has_bytes = |file: &String| folder.join(file).metadata().is_ok_and(|data| data.len() > 0);
        staged(home).iter().any(has_bytes).then_some(())
    });
}

#[test]
fn a_killed_training_is_finished_exactly_once() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    server.put("slow.csv", slow());
    server.post(
        "/v1/train",
        &json!({"id": "t", "dataset": "slow.csv", "target": "answer"}),
    );
    until("the weights are being looked for", PATIENCE, || {
        let model = server.json("/v1/models/t");
        assert_ne!(model["status"], "COMPLETED", "too fast to be killed: {model}");
        ["search", "solve"]
            .iter()
            .any(|stage| model["progress"]["stage"] == *stage)
            .then_some(())
    });
    let log = server.process.kill();
    assert!(log.contains("job begins job.id=train_model/model/t"), "{log}");
    assert!(
        !log.contains("completed job.id=train_model"),
        "killed too late: {log}"
    );

    let mut server = Server::start(home.path(), &[]);
    let again = ["job begins", "job.id=train_model/model/t", "job.attempt=2"];
    server.process.line(&again, AT_ONCE);
    let model = server.completed("/v1/models/t");
    server.completed("/v1/evaluations/t");
    assert_eq!(model["hash"], *slow_hash(), "as if nothing had happened");
    assert_eq!(files(&home.path().join("models")), ["t/2.yosoku"]);
    assert_eq!(staged(home.path()), [""; 0]);
    let log = server.stop(PATIENCE);
    assert_eq!(
        log.matches("completed job.id=train_model/model/t").count(),
        1,
        "{log}"
    );
    assert!(!log.contains("stored=false"), "{log}");
    assert_eq!(files(&home.path().join(".staging")), [""; 0]);
}

#[test]
fn a_killed_batch_is_finished_exactly_once() {
    let home = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    server.put("small.csv", &visits(3000, Answers::Two));
    server.post(
        "/v1/train",
        &json!({"id": "t", "dataset": "small.csv", "target": "answer"}),
    );
    server.completed("/v1/evaluations/t");
    let table = visits(1_000_000, Answers::Two);
    server.put("large.csv", &table);
    server.post(
        "/v1/batch-predictions",
        &json!({"id": "b", "model": "t", "dataset": "large.csv"}),
    );
    until("a part is finished", PATIENCE, || {
        let files = files(&home.path().join("predictions"));
        files
            .iter()
            .any(|name| name.ends_with("-000000.json"))
            .then_some(())
    });
    assert_eq!(server.json("/v1/batch-predictions/b")["status"], "INPROGRESS");
    let log = server.process.kill();
    assert!(
        !log.contains("completed job.id=batch_predict"),
        "killed too late: {log}"
    );
    assert!(!staged(home.path()).is_empty());
    let seen = files(&home.path().join("predictions"));
    assert!(
        seen.iter().all(|file| file.starts_with("b/part-")),
        "nobody sees half a file: {seen:?}"
    );

    let mut server = Server::start(home.path(), &[]);
    let again = [
        "job begins",
        "job.id=batch_predict/batch-prediction/b",
        "job.attempt=2",
    ];
    server.process.line(&again, AT_ONCE);
    assert_eq!(server.completed("/v1/batch-predictions/b")["rows"], 1_000_000);
    until("only the result is left", PATIENCE, || {
        (files(&home.path().join("predictions")) == ["b/2.csv"]).then_some(())
    });
    assert_eq!(staged(home.path()), [""; 0]);

    std::fs::write(
        folder.path().join("m.yosoku"),
        server.bytes("/v1/models/t/bundle"),
    )
    .unwrap();
    std::fs::write(folder.path().join("large.csv"), &table).unwrap();
    let mut command = yosoku(["predict", "m.yosoku", "large.csv", "--out", "-"]);
    let undisturbed = run(command.current_dir(folder.path())).ok();
    assert!(
        server.bytes("/v1/batch-predictions/b/output") == undisturbed,
        "byte for byte"
    );
    let log = server.stop(PATIENCE);
    assert_eq!(log.matches("completed job.id=batch_predict").count(), 1, "{log}");
    assert!(log.contains("going on after"), "{log}");
}

#[test]
fn a_killed_upload_leaves_nothing_to_be_seen() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let old = b"a,b\n1,2\n3,4\n";
    server.put("kept.csv", old);
    let before = files(&home.path().join("datasets"));
    assert_eq!(before.len(), 1);
    // One under a new name, one over a name that exists.
    let uploads = ["new.csv", "kept.csv"].map(|name| {
        let mut upload = TcpStream::connect(&server.address).unwrap();
        let head = format!(
            "PUT /v1/datasets/{name} HTTP/1.1\r\nHost: {}\r\nContent-Type: text/csv\r\nContent-Length: {}\r\n\r\n",
            server.address,
            1u64 << 30
        );
        upload.write_all(head.as_bytes()).unwrap();
        upload.write_all(&b"5,6\n".repeat(3 << 20)).unwrap();
        upload
    });
    until("both are on their way", PATIENCE, || {
        (staged(home.path()).len() == 2).then_some(())
    });
    until_half_written(home.path());
    server.process.kill();
    assert_eq!(staged(home.path()).len(), 2);
    drop(uploads);

    let server = Server::start(home.path(), &[]);
    let listed = server.json("/v1/datasets");
    let names: Vec<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["name"])
        .collect();
    assert_eq!(names, ["kept.csv"]);
    assert_eq!(server.get("/v1/datasets/new.csv").status(), 404);
    assert_eq!(text(&server.bytes("/v1/datasets/kept.csv/content")), text(old));
    assert_eq!(files(&home.path().join("datasets")), before);
    assert_eq!(staged(home.path()), [""; 0]);
}
