//! The service in a process of its own: the whole way over HTTP, equal to the command line, and its end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::Server;
use crate::support::{files, run, sample, text, yosoku};

/// An idle server stops within this time.
const STOP: Duration = Duration::from_secs(5);

/// Uploads a sample, trains on it, and waits for everything that was started.
fn train(server: &Server, sample_name: &str) {
    let bytes = std::fs::read(sample(sample_name)).unwrap();
    server.put("data.csv", &bytes);
    let started = server.post(
        "/v1/train",
        &json!({"id": "t", "dataset": "data.csv", "target": "target"}),
    );
    assert_eq!(
        started,
        json!({"datasource": "t-train", "evaluation_datasource": "t-holdout", "model": "t", "evaluation": "t"})
    );
    server.completed("/v1/datasources/t-train");
    server.completed("/v1/models/t");
}

/// Batch output of a dataset that was uploaded.
fn batch(server: &Server, id: &str, dataset: &str) -> Vec<u8> {
    server.post(
        "/v1/batch-predictions",
        &json!({"id": id, "model": "t", "dataset": dataset}),
    );
    server.completed(&format!("/v1/batch-predictions/{id}"));
    server.bytes(&format!("/v1/batch-predictions/{id}/output"))
}

/// A table as objects of texts, without the target.
fn records(name: &str) -> Vec<Value> {
    let table = std::fs::read_to_string(sample(name)).unwrap();
    let mut lines = table.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let record = |line: &str| {
        let fields = names
            .iter()
            .zip(line.split(','))
            .filter(|(name, _)| **name != "target");
        Value::Object(
            fields
                .map(|(name, field)| ((*name).to_owned(), field.into()))
                .collect(),
        )
    };
    lines.map(record).collect()
}

#[test]
fn the_whole_way_over_http_gives_what_the_command_line_gives() {
    for (name, task) in [
        ("iris", "multiclass"),
        ("breast_cancer", "binary"),
        ("diabetes", "regression"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(home.path(), &[]);
        train(&server, name);
        let evaluation = server.completed("/v1/evaluations/t");
        let model = server.completed("/v1/models/t");
        assert_eq!(model["type"], task);

        let mut command = yosoku(["train", "--target", "target", "--out", "cli.yosoku", "--json"]);
        let trained = run(command.arg(sample(name)).current_dir(folder.path())).json();
        assert_eq!(
            model["hash"], trained["model"]["hash"],
            "{name}: one model, made in two ways"
        );
        assert_eq!(evaluation["metrics"], trained["evaluation"]["metrics"], "{name}");
        assert_eq!(evaluation["records"], trained["evaluation"]["records"], "{name}");

        let over_http = batch(&server, "b", "data.csv");
        std::fs::write(
            folder.path().join("m.yosoku"),
            server.bytes("/v1/models/t/bundle"),
        )
        .unwrap();
        let mut command = yosoku(["predict", "m.yosoku"]);
        command
            .arg(sample(name))
            .args(["--out", "-"])
            .current_dir(folder.path());
        let on_files = run(&mut command).ok();
        assert_eq!(text(&over_http), text(&on_files), "{name}: byte for byte");
        same_in_real_time(&server, name, &text(&over_http));
        server.stop(STOP);
    }
}

/// Compares the real-time answers for every row with the lines of a batch, to the last bit.
fn same_in_real_time(server: &Server, name: &str, batch: &str) {
    let answer = server.post("/v1/models/t/predict", &json!({"records": records(name)}));
    let predictions = answer["predictions"].as_array().unwrap();
    let mut lines = batch.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!(header[0], "trueLabel");
    assert_eq!(predictions.len(), lines.clone().count());
    for (prediction, line) in predictions.iter().zip(lines) {
        let cells: Vec<&str> = line.split(',').collect();
        let mut compared = 0;
        for (column, cell) in header.iter().zip(&cells).skip(1) {
            let live = match *column {
                "bestAnswer" => {
                    assert_eq!(prediction["label"], **cell, "{name}: {line}");
                    continue;
                }
                "score" if prediction["value"].is_null() => &prediction["score"],
                "score" => &prediction["value"],
                class => &prediction["probabilities"][class],
            };
            let cell: f64 = cell.parse().unwrap();
            let live = live.as_f64().unwrap_or_else(|| panic!("{column}: {prediction}"));
            assert_eq!(
                live.to_bits(),
                cell.to_bits(),
                "{name} {column}: {live} and {cell}"
            );
            compared += 1;
        }
        assert!(compared > 0, "{line}");
    }
}

#[test]
fn an_idle_server_ends_soon_after_sigterm_although_a_connection_is_open() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let mut idle = TcpStream::connect(&server.address).unwrap();
    idle.write_all(format!("GET /livez HTTP/1.1\r\nHost: {}\r\n\r\n", server.address).as_bytes())
        .unwrap();
    let mut answer = [0; 1024];
    let count = idle.read(&mut answer).unwrap();
    assert!(
        text(&answer[..count]).starts_with("HTTP/1.1 200"),
        "{}",
        text(&answer[..count])
    );
    let silent = TcpStream::connect(&server.address).unwrap();

    let asked = Instant::now();
    server.stop(STOP);
    assert!(asked.elapsed() < STOP);
    drop((idle, silent));
    assert_eq!(
        files(&home.path().join(".staging")),
        [""; 0],
        "nothing is left half written"
    );
}

#[test]
fn a_second_server_on_the_same_home_works_beside_the_first() {
    let home = tempfile::tempdir().unwrap();
    let first = Server::start(home.path(), &["--workers", "0"]);
    let second = Server::start(home.path(), &[]);
    assert_ne!(first.address, second.address);
    // Asked of the first, done by the second, seen by both.
    train(&first, "iris");
    let model = first.completed("/v1/models/t");
    assert_eq!(second.json("/v1/models/t")["hash"], model["hash"]);
    let record = json!({"record": records("iris")[0]});
    let answers = [&first, &second].map(|server| server.post("/v1/models/t/predict", &record));
    assert_eq!(answers[0], answers[1]);

    // The end of one is not the end of the other.
    second.stop(STOP);
    assert_eq!(first.get("/readyz").status(), 200);
    first.put("late.csv", b"a,b\n1,2\n");
    let third = Server::start(home.path(), &[]);
    assert_eq!(third.bytes("/v1/datasets/late.csv/content"), b"a,b\n1,2\n");
    assert_eq!(first.get("/readyz").status(), 200);
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let other = tempfile::tempdir().unwrap();
    let mut command = yosoku(["serve", "--listen", &server.address, "--home"]);
    let taken = run(command.arg(other.path()));
    assert_eq!(taken.code, Some(1));
    assert!(
        taken
            .err
            .contains(&format!("another program listens on {}", server.address))
            && taken.err.contains("--listen"),
        "{}",
        taken.err
    );

    std::fs::write(other.path().join("file"), "").unwrap();
    let mut command = yosoku(["serve", "--listen", "127.0.0.1:0", "--home"]);
    let unusable = run(command.arg(other.path().join("file/home")));
    assert_eq!(unusable.code, Some(1));
    assert!(
        unusable.err.contains("file/home") && unusable.err.contains("/file` is a file"),
        "{}",
        unusable.err
    );

    let mut command = yosoku(["serve", "--listen", "0.0.0.0:0", "--home"]);
    let open = run(command.arg(other.path().join("home")));
    assert_eq!(open.code, Some(1));
    assert!(open.err.contains("key"), "{}", open.err);

    let mut command = yosoku([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--s3-listen",
        "0.0.0.0:0",
        "--home",
    ]);
    let door = run(command.arg(other.path().join("home")));
    assert_eq!(door.code, Some(1));
    assert!(door.err.contains("0.0.0.0:0 can be reached"), "{}", door.err);

    std::fs::create_dir_all(other.path().join("home")).unwrap();
    let connections = other.path().join("home/connections.toml");
    std::fs::write(
        connections,
        "[buckets.a]\nfolder = \"/no/such\"\n[buckets.uploads]\nrefused = true\n",
    )
    .unwrap();
    let mut command = yosoku(["serve", "--listen", "127.0.0.1:0", "--home"]);
    let mapped = run(command.arg(other.path().join("home")));
    assert_eq!(mapped.code, Some(2));
    for mistake in ["[buckets.a]", "[buckets.uploads]"] {
        assert!(mapped.err.contains(mistake), "{}", mapped.err);
    }
}
