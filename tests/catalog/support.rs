//! Where a case runs, and short ways to make what it needs.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, Executor};
use yosoku::catalog::Catalog;
use yosoku::domain::dataset::{ContentHash, DatasetPin, DatasetVersion, MediaHints};
use yosoku::domain::entity::Entity;
use yosoku::domain::ids::{BlobKey, DatasetName, EntityId, EntityKind, EntityRef};
use yosoku::domain::job::{ClaimedJob, LEASE_MICROS, Settled, Settlement, WorkerId};
use yosoku::domain::spec::{
    BatchPredictionResult, BatchPredictionSpec, DataSourceResult, DataSourceSpec, EvaluationResult,
    EvaluationSpec, ModelResult, ModelSpec, Produced,
};
use yosoku::ml::Task;

use crate::servers::{POSTGRES, server};

/// A fresh, empty database.
pub struct Place {
    pub url: String,
    schema: Option<(String, String)>,
    _folder: Option<tempfile::TempDir>,
}

impl Place {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/yosoku.db?mode=rwc", folder.path().display());
        Self {
            url,
            schema: None,
            _folder: Some(folder),
        }
    }

    pub async fn postgres(case: &str) -> Option<Self> {
        let server = server(POSTGRES)?;
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let schema = format!("t{}_{number}_{case:.30}", std::process::id());
        execute(&server, &format!("CREATE SCHEMA {schema}")).await;
        let joint = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{joint}options[search_path]={schema}");
        Some(Self {
            url,
            schema: Some((server, schema)),
            _folder: None,
        })
    }

    pub async fn remove(self) {
        if let Some((server, schema)) = &self.schema {
            execute(server, &format!("DROP SCHEMA {schema} CASCADE")).await;
        }
    }

    pub async fn open(&self) -> Catalog {
        Catalog::open(&self.url).await.unwrap()
    }
}

pub async fn execute(url: &str, sql: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(url).await.unwrap();
    connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    connection.close().await.unwrap();
}

pub fn id(text: &str) -> EntityId {
    EntityId::new(text).unwrap()
}

pub fn at(kind: EntityKind, text: &str) -> EntityRef {
    EntityRef::new(kind, id(text))
}

pub fn ds(text: &str) -> EntityRef {
    at(EntityKind::DataSource, text)
}

pub fn ml(text: &str) -> EntityRef {
    at(EntityKind::Model, text)
}

pub fn version(name: &str, content: u8, token: &str) -> DatasetVersion {
    DatasetVersion {
        name: DatasetName::new(name).unwrap(),
        version: ContentHash::from_digest([content; 32]),
        size_bytes: 1000 + u64::from(content),
        blob: BlobKey::new(format!("datasets/uploads/{name}/{content}-{token}")).unwrap(),
        media: MediaHints {
            content_type: Some("text/csv".into()),
            content_encoding: None,
        },
        created_at: i64::from(content),
    }
}

fn pin() -> DatasetPin {
    version("data.csv", 1, "a").pin()
}

pub fn data_source(text: &str, now: i64) -> Entity {
    let spec = DataSourceSpec {
        dataset: Some(pin()),
        location: None,
        query: None,
        schema: None,
        split: None,
        header: None,
        without_statistics: false,
        target: None,
    };
    Entity::new(
        id(text),
        format!("name of {text}"),
        &json!({"id": text}),
        spec,
        now,
    )
}

pub fn model(text: &str, source: &str, now: i64) -> Entity {
    let spec = ModelSpec {
        datasource: id(source),
        task: Some(Task::Binary),
        recipe: None,
        parameters: Default::default(),
        positive: None,
        earlier: None,
    };
    Entity::new(
        id(text),
        format!("name of {text}"),
        &json!({"id": text, "datasource": source}),
        spec,
        now,
    )
}

pub fn evaluation(text: &str, model: &str, source: &str, now: i64) -> Entity {
    let spec = EvaluationSpec {
        model: id(model),
        datasource: id(source),
    };
    Entity::new(id(text), String::new(), &json!({"id": text}), spec, now)
}

pub fn batch_on_dataset(text: &str, model: &str, now: i64) -> Entity {
    let spec = BatchPredictionSpec {
        model: id(model),
        datasource: None,
        dataset: Some(pin()),
        columns: vec!["id".into()],
        explain: false,
        row_number: false,
        format: Default::default(),
        compress: Default::default(),
        problems: false,
        output: None,
    };
    Entity::new(id(text), String::new(), &json!({"id": text}), spec, now)
}

/// A catalogue with one dataset, which [`data_source`] and [`batch_on_dataset`] read.
pub async fn with_dataset(place: &Place) -> Catalog {
    let catalog = place.open().await;
    catalog
        .dataset_put(&version("data.csv", 1, "a"), 1)
        .await
        .unwrap();
    catalog
}

pub async fn create(catalog: &Catalog, entity: Entity) -> EntityRef {
    catalog.entity_create(entity).await.unwrap().entity.at()
}

pub fn worker(number: u8) -> WorkerId {
    WorkerId::new(7, [number; 8])
}

pub async fn claim(catalog: &Catalog, number: u8, now: i64) -> Option<ClaimedJob> {
    catalog
        .job_claim(&worker(number), now, now + LEASE_MICROS)
        .await
        .unwrap()
}

pub fn produced(kind: EntityKind) -> Produced {
    let hash = ContentHash::from_digest([9; 32]);
    match kind {
        EntityKind::DataSource => Produced::DataSource(DataSourceResult {
            rows: 10,
            size_bytes: 1001,
            document: json!({"columns": []}),
            files: Vec::new(),
            staged: false,
        }),
        EntityKind::Model => Produced::Model(ModelResult {
            task: Task::Binary,
            bundle: BlobKey::new("models/ml/1.yosoku").unwrap(),
            bundle_hash: hash,
            size_bytes: 5,
            threshold: Some(0.1 + 0.2),
            document: json!({"loss": 0.1}),
            threshold_at: None,
            endpoint: None,
        }),
        EntityKind::Evaluation => Produced::Evaluation(EvaluationResult {
            report: json!({"auc": 0.9}),
        }),
        EntityKind::BatchPrediction => Produced::BatchPrediction(BatchPredictionResult {
            output: BlobKey::new("predictions/bp/1.csv").unwrap(),
            output_hash: hash,
            size_bytes: 5,
            rows: 10,
            invalid_rows: 1,
            document: json!({}),
            problems: None,
        }),
    }
}

/// Claims whatever is next and completes it.
pub async fn finish_next(catalog: &Catalog, now: i64) -> EntityRef {
    let job = claim(catalog, 1, now).await.expect("a job is ready");
    let made = produced(job.entity.kind());
    let settled = catalog
        .job_settle(&job, now, Settlement::Completed(made))
        .await
        .unwrap();
    assert_eq!(settled, Settled::Recorded);
    job.entity.at()
}
