//! A server that takes work in and workers that do it, as processes of their own on one home.

use std::path::Path;

use serde_json::json;

use crate::data::{slow, slow_hash};
use crate::server::Server;
use crate::support::{AT_ONCE, PATIENCE, Running, files, until, yosoku};

fn worker(home: &Path) -> Running {
    let mut worker = Running::start(yosoku(["work", "--home"]).arg(home));
    worker.line(&["working for"], PATIENCE);
    worker
}

/// Waits until the model is in the hands of a worker that looks for its weights.
fn until_solving(server: &Server) {
    until("the weights are being looked for", PATIENCE, || {
        let model = server.json("/v1/models/t");
        assert_ne!(model["status"], "COMPLETED", "too fast to be stopped: {model}");
        ["search", "solve"]
            .iter()
            .any(|stage| model["progress"]["stage"] == *stage)
            .then_some(())
    });
}

#[test]
fn workers_that_come_and_go_finish_what_the_server_took_in() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &["--workers", "0"]);
    server.put("slow.csv", slow());
    server.post(
        "/v1/train",
        &json!({"id": "t", "dataset": "slow.csv", "target": "answer"}),
    );
    assert_eq!(
        server.json("/v1/models/t")["status"],
        "PENDING",
        "nobody does it yet"
    );

    let begins = |attempt| ["job begins", "job.id=train_model/model/t", attempt];
    let mut killed = worker(home.path());
    killed.line(&begins("job.attempt=1"), PATIENCE);
    until_solving(&server);
    killed.kill();

    // The first one's death cost an attempt; giving the work back in order costs none.
    let mut stopped = worker(home.path());
    stopped.line(&begins("job.attempt=2"), AT_ONCE);
    until_solving(&server);
    stopped.signal("TERM");
    let (status, log) = stopped.end(PATIENCE);
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("given back job.id=train_model/model/t"), "{log}");

    let mut last = worker(home.path());
    last.line(&begins("job.attempt=2"), AT_ONCE);
    let model = server.completed("/v1/models/t");
    server.completed("/v1/evaluations/t");
    assert_eq!(model["hash"], *slow_hash());
    assert_eq!(
        files(&home.path().join("models")),
        ["t/3.yosoku"],
        "one file, of the third claim"
    );
    let log = server.process.log();
    assert!(
        !log.contains("job begins"),
        "the server itself does no work: {log}"
    );
    last.signal("TERM");
    assert_eq!(last.end(PATIENCE).0.code(), Some(0));
}
