//! A server without a socket, and a worker that works when it is told to.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use yosoku::blob::Blobs;
use yosoku::blob::bucket::Mappings;
use yosoku::catalog::Catalog;
use yosoku::clock::{Clock, ManualClock, SystemClock};
use yosoku::domain::job::{ClaimedJob, LEASE_MICROS, Renewal, Settlement, WorkerId};
use yosoku::domain::secret::Secret;
use yosoku::http::aws_json::address::Reached;
use yosoku::http::health::{Check, Readiness};
use yosoku::http::links::{self, Links};
use yosoku::http::serve::Stop;
use yosoku::http::{self, Parts, auth, aws_json, layers, protocols, rest};
use yosoku::jobs::Handler;
use yosoku::jobs::context::JobContext;
use yosoku::jobs::runner::{JobError, JobHandler};
use yosoku::ml::pipeline::Memory;
use yosoku::ml::pipeline::memory::{ORDINARY_PROGRAM, Program};
use yosoku::service::limits::Limits;
use yosoku::service::{self, Service};
use yosoku::source::{Address, Databases};
use yosoku::telemetry::Metrics;

use crate::servers::{MARIADB, POSTGRES, server};

pub const CANCER: &str = include_str!("../../datasets/breast_cancer.csv");
pub const IRIS: &str = include_str!("../../datasets/iris.csv");
pub const DIABETES: &str = include_str!("../../datasets/diabetes.csv");

/// One server with everything below it.
pub struct Place {
    pub stop: CancellationToken,
    /// The S3 door.
    pub door: Router,
    router: Router,
    service: Service,
    catalog: Catalog,
    clock: Arc<ManualClock>,
    pub handler: Arc<Handler>,
    home: tempfile::TempDir,
}

/// The servers that tests may use: under `pg` and `maria` as the user in their address, under `pg-shared` and
/// `maria-shared` as whoever asks; and `nobody`, where none is.
pub fn databases() -> Databases {
    let mut listed = std::collections::BTreeMap::new();
    let mut list = |name: &str, url: &str| {
        let address = Address::new(&Secret::new(url), None, 3).unwrap();
        listed.insert(name.to_owned(), address);
    };
    for (name, variable) in [("pg", POSTGRES), ("maria", MARIADB)] {
        let Some(url) = server(variable) else { continue };
        let (scheme, rest) = url.split_once("://").unwrap();
        let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
        let host = host.split('/').next().unwrap();
        list(name, &url);
        list(&format!("{name}-shared"), &format!("{scheme}://{host}"));
    }
    list("nobody", "postgres://reader@127.0.0.1:1/nothing");
    Databases::new(listed, true, tokio::runtime::Handle::current())
}

struct Always;

impl Readiness for Always {
    fn checks(&self) -> futures_util::future::BoxFuture<'_, Vec<Check>> {
        Box::pin(async { Vec::new() })
    }
}

impl Place {
    pub async fn open() -> Self {
        Self::open_for(auth::Access::Open, None).await
    }

    /// A place for these callers, the root of which speaks for a model.
    pub async fn open_for(access: auth::Access, model: Option<&str>) -> Self {
        Self::open_with(access, model, &Mappings::default()).await
    }

    /// The same with buckets elsewhere.
    pub async fn open_with(access: auth::Access, model: Option<&str>, mappings: &Mappings) -> Self {
        let home = tempfile::tempdir().unwrap();
        let catalog = Catalog::open_sqlite(&home.path().join("yosoku.db"))
            .await
            .unwrap();
        let blobs = Blobs::open_local(home.path()).await.unwrap();
        let blobs = blobs.with_buckets(mappings).unwrap();
        let databases = databases();
        let clock = Arc::new(ManualClock::new(1_767_225_600_000_000));
        let service = Service::new(service::Parts {
            catalog: catalog.clone(),
            blobs: blobs.clone(),
            databases: databases.clone(),
            clock: clock.clone(),
            limits: Limits::default(),
        });
        let of_place = service.clone();
        let stop = CancellationToken::new();
        let metrics = Arc::new(Metrics::new());
        let door = http::s3::router(http::s3::Parts {
            service: service.clone(),
            access: access.clone(),
            limits: layers::Limits {
                upload: 64 << 20,
                ..layers::Limits::default()
            },
            metrics: metrics.clone(),
            open: TaskTracker::new(),
            patience: http::s3::PATIENCE,
        });
        let links = Arc::new(Links::open(home.path()).unwrap());
        let reached = Reached {
            scheme: "http",
            listening: ([127, 0, 0, 1], 80).into(),
        };
        let router = http::router(Parts {
            rest: rest::routes(service.clone(), stop.clone(), metrics.clone()),
            protocols: protocols::routes(service.clone(), metrics.clone(), model),
            linked: links::routes(service.clone(), links.clone()),
            amazon: aws_json::routes(service, metrics.clone(), links, reached),
            access,
            limits: layers::Limits::default(),
            metrics,
            readiness: Arc::new(Always),
            stop: Stop {
                requested: stop.clone(),
                ..Stop::default()
            },
        });
        let handler = Arc::new(Handler {
            blobs,
            databases,
            clock: Arc::new(SystemClock),
            memory: Some(Memory {
                budget: 4 << 30,
                program: Program::Known(ORDINARY_PROGRAM),
                disk: None,
                is_told: true,
            }),
            memory_in_use: || None,
        });
        Self {
            stop,
            door,
            router,
            service: of_place,
            catalog,
            clock,
            handler,
            home,
        }
    }

    /// Another S3 door of the place, which takes on `requests` at once and answers long copies after `patience`.
    pub fn other_door(&self, requests: usize, patience: Duration) -> Router {
        http::s3::router(http::s3::Parts {
            service: self.service.clone(),
            access: auth::Access::Open,
            limits: layers::Limits {
                requests,
                ..layers::Limits::default()
            },
            metrics: Arc::new(Metrics::new()),
            open: TaskTracker::new(),
            patience,
        })
    }

    /// A place that has these datasets.
    pub async fn with(datasets: &[(&str, &'static str)]) -> Self {
        let place = Self::open().await;
        for (name, text) in datasets {
            place.put(name, text).await.expect(201);
        }
        place
    }

    /// Puts a file into a bucket: `bucket/key`.
    pub fn file(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.home.path().join("datasets").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Removes a file of a bucket.
    pub fn remove(&self, path: &str) {
        std::fs::remove_file(self.home.path().join("datasets").join(path)).unwrap();
    }

    /// The home.
    pub fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    /// Reads a file of a bucket; none if it is not there.
    pub fn file_at(&self, path: &str) -> Option<Vec<u8>> {
        std::fs::read(self.home.path().join("datasets").join(path)).ok()
    }

    /// Asks for an operation of Amazon ML.
    pub async fn amazon(&self, operation: &str, input: Value) -> Answer {
        let target = format!("AmazonML_20141212.{operation}");
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
        ];
        self.send("POST /", &headers, input.to_string()).await
    }

    /// Sends `METHOD /path` with headers and a body.
    pub async fn send(&self, line: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        self.clock.advance(1_000_000);
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost:8080");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).unwrap();
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Answer {
            line: line.to_owned(),
            status: head.status.as_u16(),
            headers: head.headers,
            bytes,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), &[], "").await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(&format!("DELETE {path}"), &[], "").await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(
            &format!("POST {path}"),
            &[("content-type", "application/json")],
            body.to_string(),
        )
        .await
    }

    pub async fn patch(&self, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let mut all = vec![("content-type", "application/merge-patch+json")];
        all.extend(headers);
        self.send(&format!("PATCH {path}"), &all, body.to_string()).await
    }

    pub async fn put(&self, name: &str, text: &'static str) -> Answer {
        self.send(
            &format!("PUT /v1/datasets/{name}"),
            &[("content-type", "text/csv")],
            text,
        )
        .await
    }

    /// Takes the next job, as a worker does; none when nothing can be done now.
    pub async fn claim(&self) -> Option<ClaimedJob> {
        self.clock.advance(1_000_000);
        let now = self.clock.now_micros();
        let worker = WorkerId::new(1, [0; 8]);
        self.catalog
            .job_claim(&worker, now, now + LEASE_MICROS)
            .await
            .unwrap()
    }

    /// Does a job with the real code and stores how it ended.
    pub async fn finish(&self, job: ClaimedJob) {
        let (handler, work) = (self.handler.clone(), job.clone());
        let run = move || handler.run(&work, &JobContext::new(work.kind));
        let settlement = match tokio::task::spawn_blocking(run).await.unwrap() {
            Ok(produced) => Settlement::Completed(produced),
            Err(JobError::Failed(problem)) => Settlement::Failed(*problem),
            Err(error) => panic!("{}: {error}", job.entity.at()),
        };
        // As if every job took a quarter of a second.
        self.clock.advance(250_000);
        let now = self.clock.now_micros();
        self.catalog.job_settle(&job, now, settlement).await.unwrap();
    }

    /// Does a job whose worker has lost it without having heard of it.
    pub async fn work_in_vain(&self, job: &ClaimedJob) -> JobError {
        let (handler, work) = (self.handler.clone(), job.clone());
        let lost = JobContext::holding(job.kind, |_| Ok(Renewal::Lost));
        let ended = tokio::task::spawn_blocking(move || handler.run(&work, &lost));
        ended.await.unwrap().unwrap_err()
    }

    /// Does all jobs; returns how many.
    pub async fn work(&self) -> usize {
        let mut done = 0;
        while let Some(job) = self.claim().await {
            self.finish(job).await;
            done += 1;
        }
        done
    }

    /// A trained model named `id`, and its evaluation, from a dataset that is there.
    pub async fn trained(&self, id: &str, dataset: &str) -> Value {
        let wish = json!({"id": id, "dataset": dataset, "target": "target"});
        let ids = self.post("/v1/train", wish).await.expect(202).json();
        assert_eq!(self.work().await, 4, "two data sources, a model, an evaluation");
        let model = self
            .get(&format!("/v1/models/{}", ids["model"].as_str().unwrap()))
            .await
            .expect(200)
            .json();
        assert_eq!(model["status"], "COMPLETED", "{model}");
        ids
    }
}

/// What came back.
pub struct Answer {
    line: String,
    status: u16,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Answer {
    /// Fails unless the answer has this status.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.line, self.text());
        self
    }

    /// Fails unless the answer is a complete problem with this status and code.
    pub fn problem(self, status: u16, code: &str) -> Value {
        let answer = self.expect(status);
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{}",
            answer.line
        );
        let problem = answer.json();
        assert_eq!(problem["code"], code, "{}: {problem}", answer.line);
        assert_eq!(problem["status"], status, "{}", answer.line);
        let path = answer.line.split(' ').nth(1).unwrap();
        assert_eq!(problem["instance"], path.split('?').next().unwrap());
        problem
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.line, self.text()))
    }

    /// A header's text, empty without it.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// The names of an object's members in alphabetical order.
pub fn members(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// The member of each item.
pub fn column<'a>(page: &'a Value, member: &str) -> Vec<&'a str> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item[member].as_str().unwrap())
        .collect()
}
