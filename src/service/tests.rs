//! The use cases on a real catalogue and real files in a temporary home; jobs are done by hand, one
//! at a time, so that every state in between can be looked at.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};

use super::limits::Limits;
use super::requests::{NewDataSource, NewModel};
use super::{Error, Parts, Service};
use crate::blob::{Blobs, key};
use crate::catalog::Catalog;
use crate::clock::ManualClock;
use crate::domain::dataset::MediaHints;
use crate::domain::entity::{Entity, Problem};
use crate::domain::ids::{EntityId, EntityKind, EntityRef};
use crate::domain::job::{ClaimedJob, Settled, Settlement, WorkerId};
use crate::domain::spec::{
    BatchPredictionResult, Body, DataSourceResult, EvaluationResult, ModelResult, Produced,
};
use crate::ml::Task;
use crate::ml::learn::LearnParams;
use crate::ml::observe::Silent;
use crate::ml::pipeline::table::MemoryTable;
use crate::ml::pipeline::{TrainRequest, inspect, train};
use crate::ml::split::Split;
use crate::ml::target::TargetWish;

mod codes;
mod creation;
mod datasets;
mod endpoints;
mod lifecycle;
mod multipart;
mod realtime;
mod training;

const BINARY: &str = include_str!("../../datasets/breast_cancer.csv");
const CLASSES: &str = include_str!("../../datasets/iris.csv");
const NUMBERS: &str = include_str!("../../datasets/diabetes.csv");

/// A service with everything below it.
struct Place {
    service: Service,
    catalog: Catalog,
    blobs: Blobs,
    clock: Arc<ManualClock>,
    worker: WorkerId,
    _home: tempfile::TempDir,
}

impl Place {
    async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    async fn with(limits: Limits) -> Self {
        let home = tempfile::tempdir().unwrap();
        let catalog = Catalog::open_sqlite(&home.path().join("yosoku.db"))
            .await
            .unwrap();
        let blobs = Blobs::open_local(home.path()).await.unwrap();
        let clock = Arc::new(ManualClock::new(1_000_000));
        let service = Service::new(Parts {
            catalog: catalog.clone(),
            blobs: blobs.clone(),
            databases: crate::source::Databases::new(
                Default::default(),
                true,
                tokio::runtime::Handle::current(),
            ),
            clock: clock.clone(),
            limits,
        });
        Self {
            service,
            catalog,
            blobs,
            clock,
            worker: WorkerId::new(1, [0; 8]),
            _home: home,
        }
    }

    async fn put(&self, name: &str, text: &'static str) -> Result<bool, Error> {
        let body = stream::iter([Ok(Bytes::from_static(text.as_bytes()))]);
        let put = self
            .service
            .dataset_put(name, MediaHints::default(), body, 1 << 20);
        put.await.map(|(_, is_new)| is_new)
    }

    /// Claims the next job; it must be that of `id`.
    async fn claim(&self, id: &str) -> ClaimedJob {
        self.clock.advance(1_000_000);
        let now = self.service.now();
        let job = self
            .catalog
            .job_claim(&self.worker, now, now + 60_000_000)
            .await
            .unwrap();
        let job = job.unwrap_or_else(|| panic!("there is no job; {id} was expected"));
        assert_eq!(job.entity.id.as_str(), id);
        job
    }

    async fn settle(&self, job: &ClaimedJob, settlement: Settlement) {
        let settled = self.catalog.job_settle(job, self.service.now(), settlement).await;
        assert_eq!(settled.unwrap(), Settled::Recorded);
    }

    /// Does the next job for real, as far as the use cases look at its result.
    async fn work(&self, id: &str) {
        let job = self.claim(id).await;
        let produced = match &job.entity.body {
            Body::DataSource(_) => self.profiled(&job).await,
            Body::Model(_) => self.trained(&job).await,
            Body::Evaluation(_) => Produced::Evaluation(EvaluationResult { report: json!({}) }),
            Body::BatchPrediction(_) => self.predicted(&job).await,
        };
        self.settle(&job, Settlement::Completed(produced)).await;
    }

    async fn table(&self, job: &ClaimedJob, source: &Entity) -> MemoryTable {
        let file = &job.dataset_of(source).unwrap().blob;
        MemoryTable::new(self.blobs.get(file).await.unwrap())
    }

    async fn profiled(&self, job: &ClaimedJob) -> Produced {
        let spec = &job.entity.data_source().unwrap().spec;
        let schema = spec.schema.clone().map(|s| serde_json::from_value(s).unwrap());
        let table = self.table(job, &job.entity).await;
        let target = spec.target.as_deref();
        let found = inspect(&table, schema.as_ref(), target, &Split::all(), &mut Silent).unwrap();
        Produced::DataSource(DataSourceResult {
            rows: found.statistics.rows,
            size_bytes: found.bytes,
            document: json!({"schema": found.schema}),
            files: Vec::new(),
            staged: false,
        })
    }

    async fn trained(&self, job: &ClaimedJob) -> Produced {
        let source = job.input(EntityKind::DataSource).unwrap();
        let table = self.table(job, source).await;
        let spec = &job.entity.model().unwrap().spec;
        let request = TrainRequest {
            schema: None,
            schema_settles_task: false,
            target: TargetWish {
                name: source.data_source().unwrap().spec.target.clone().unwrap(),
                task: spec.task,
                ..TargetWish::default()
            },
            recipe: None,
            split: Split::all(),
            params: LearnParams::default(),
            memory: None,
            data_sha256: String::new(),
            earlier: None,
        };
        let bundle = train(&table, &request, &mut Silent).unwrap().bundle;
        let file = self
            .blobs
            .put(&key::output(job), bundle.encode().into())
            .await
            .unwrap();
        let task = bundle.document.target.task();
        Produced::Model(ModelResult {
            task,
            bundle: file.key,
            bundle_hash: file.hash,
            size_bytes: file.size_bytes,
            threshold: (task == Task::Binary).then_some(0.5),
            document: json!({}),
            threshold_at: None,
            endpoint: None,
        })
    }

    async fn predicted(&self, job: &ClaimedJob) -> Produced {
        let bytes = Bytes::from_static(b"score\n1\n");
        let file = self.blobs.put(&key::output(job), bytes).await.unwrap();
        Produced::BatchPrediction(BatchPredictionResult {
            output: file.key,
            output_hash: file.hash,
            size_bytes: file.size_bytes,
            rows: 1,
            invalid_rows: 0,
            document: json!({}),
            problems: None,
        })
    }

    /// A dataset, a data source `ds` on it and a model `ml`, none of them worked on yet.
    async fn model(&self, text: &'static str) {
        self.put("data.csv", text).await.unwrap();
        self.service.data_source_create(source("ds")).await.unwrap();
        self.service.model_create(model("ml")).await.unwrap();
    }

    /// The same, with the model trained.
    async fn finished_model(&self, text: &'static str) {
        self.model(text).await;
        self.work("ds").await;
        self.work("ml").await;
    }

    async fn get(&self, kind: EntityKind, id: &str) -> Entity {
        self.service.entity_get(kind, id).await.unwrap()
    }
}

fn source(id: &str) -> NewDataSource {
    NewDataSource {
        id: Some(id.to_owned()),
        dataset: "data.csv".to_owned(),
        target: Some("target".to_owned()),
        ..NewDataSource::default()
    }
}

fn model(id: &str) -> NewModel {
    NewModel {
        id: Some(id.to_owned()),
        datasource: "ds".to_owned(),
        ..NewModel::default()
    }
}

/// The code of a refusal, and the place it names.
fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> (&'static str, String) {
    let error = result.unwrap_err();
    let row = super::codes::find(error.code()).unwrap();
    assert_eq!(row.class, error.class(), "{error}");
    let pointer = error.problems().first().map_or("", |p| p.pointer.as_str());
    (error.code(), pointer.to_owned())
}

fn at(code: &'static str, pointer: &str) -> (&'static str, String) {
    (code, pointer.to_owned())
}

/// The schema of the iris data.
fn schema() -> Value {
    let numeric = |name: &str| json!({"attributeName": name, "attributeType": "NUMERIC"});
    json!({
        "version": "1.0",
        "targetAttributeName": "target",
        "dataFormat": "CSV",
        "dataFileContainsHeader": true,
        "attributes": [
            numeric("sepal_length_cm"),
            numeric("sepal_width_cm"),
            numeric("petal_length_cm"),
            numeric("petal_width_cm"),
            {"attributeName": "target", "attributeType": "CATEGORICAL"},
        ],
    })
}

#[tokio::test]
async fn a_service_is_ready_while_its_home_is_there() {
    let place = Place::new().await;
    assert_eq!(
        place.service.ready().await,
        [("catalogue", true), ("files", true)]
    );
    std::fs::remove_dir_all(place._home.path().join(".staging")).unwrap();
    assert_eq!(
        place.service.ready().await,
        [("catalogue", true), ("files", false)]
    );
    place.catalog.close().await;
    assert_eq!(place.service.ready().await[0], ("catalogue", false));
}
