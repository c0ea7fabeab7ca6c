//! A server of one home, and a client of it.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::support::{PATIENCE, Running, text, until, yosoku};

/// A running `yosoku serve` that is ready.
#[derive(Debug)]
pub struct Server {
    /// The process.
    pub process: Running,
    /// Its address, such as `127.0.0.1:40001`.
    pub address: String,
    agent: ureq::Agent,
}

/// Status, headers and body of an answer.
pub type Answer = ureq::http::Response<Vec<u8>>;

impl Server {
    /// Serves `home` on a free port, with further arguments; ready when this returns.
    pub fn start(home: &Path, args: &[&str]) -> Self {
        let mut command = yosoku(["serve", "--listen", "127.0.0.1:0", "--home"]);
        let mut process = Running::start(command.arg(home).args(args));
        let line = process.line(&["serving http://"], PATIENCE);
        let address = line.split("http://").nth(1).unwrap();
        let address = address.split(' ').next().unwrap().to_owned();
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build();
        let server = Self {
            process,
            address,
            agent: config.into(),
        };
        until("the server is ready", PATIENCE, || {
            (server.get("/readyz").status() == 200).then_some(())
        });
        server
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Reads an address, whatever the answer.
    pub fn get(&self, path: &str) -> Answer {
        read(self.agent.get(&self.url(path)).call())
    }

    /// Reads a JSON document.
    pub fn json(&self, path: &str) -> Value {
        json(self.get(path))
    }

    /// Reads a file.
    pub fn bytes(&self, path: &str) -> Vec<u8> {
        let answer = self.get(path);
        assert_eq!(answer.status(), 200, "{path}: {}", text(answer.body()));
        answer.into_body()
    }

    /// Uploads a dataset.
    pub fn put(&self, name: &str, bytes: &[u8]) -> Value {
        let request = self.agent.put(&self.url(&format!("/v1/datasets/{name}")));
        json(read(request.content_type("text/csv").send(bytes)))
    }

    /// Posts a JSON document.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.agent.post(&self.url(path)).content_type("application/json");
        json(read(request.send(body.to_string().as_bytes())))
    }

    /// Reads a resource once the work on it has ended; it must have ended well.
    pub fn completed(&self, path: &str) -> Value {
        let ended = until(path, PATIENCE, || {
            let resource = self.json(&format!("{path}?wait=5"));
            let is_open = ["PENDING", "INPROGRESS"]
                .map(Value::from)
                .contains(&resource["status"]);
            (!is_open).then_some(resource)
        });
        assert_eq!(ended["status"], "COMPLETED", "{ended}");
        ended
    }

    /// Asks it to stop and waits; it must end well. Returns its log.
    pub fn stop(self, patience: Duration) -> String {
        self.process.signal("TERM");
        let (status, log) = self.process.end(patience);
        assert_eq!(status.code(), Some(0), "{log}");
        log
    }
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let (head, body) = answer.unwrap().into_parts();
    let body = body.into_with_config().limit(u64::MAX).read_to_vec().unwrap();
    Answer::from_parts(head, body)
}

fn json(answer: Answer) -> Value {
    let (status, body) = (answer.status(), text(answer.body()));
    assert!(status.is_success(), "{status}: {body}");
    serde_json::from_str(&body).unwrap()
}
