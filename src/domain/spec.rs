//! What was asked for and what came out, for each kind of entity.
//!
//! A result keeps its full report as a JSON document beside the few fields that other layers need
//! typed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::endpoint::{Endpoint, EndpointStatus};

use super::dataset::{ContentHash, DatasetPin};
use super::ids::{BlobKey, EntityId, EntityKind, EntityRef};
use super::location::Location;
use super::query::QuerySpec;
use crate::ml::Task;
use crate::ml::pipeline::batch::{Compress, Form, Format};

/// Which data, and how to read it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DataSourceSpec {
    /// The pinned bytes; exactly one of this, `location` and `query` is given.
    pub dataset: Option<DatasetPin>,
    /// Where the files lie, if they were not uploaded. They are pinned when they are first read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// The query whose rows it has. They are kept in a file when the query has run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<QuerySpec>,
    /// The column to predict; none means that the schema names it, or that there is none.
    pub target: Option<String>,
    /// The schema document, or none to infer it.
    pub schema: Option<Value>,
    /// Which rows belong to it; none means all.
    pub split: Option<Value>,
    /// `auto`, `yes` or `no`; none means `auto`.
    pub header: Option<String>,
    /// Whether its maker wants no statistics, so that they are not billed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_statistics: bool,
}

/// What a profiled data source knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSourceResult {
    /// Usable rows.
    pub rows: u64,
    /// Bytes of input.
    pub size_bytes: u64,
    /// Schema, statistics and warnings.
    pub document: Value,
    /// The files that were found at its location, in the order in which they are read, or the one with the rows of its
    /// query.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<SourceFile>,
    /// Whether the file is ours: the rows of a query.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub staged: bool,
}

impl DataSourceResult {
    /// The file that was made for it, if one was.
    fn made(&self) -> Option<&BlobKey> {
        let first = self.files.first().filter(|_| self.staged);
        first.map(|file| &file.key)
    }
}

/// A file of a data source as it was when it was first read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// Where it is.
    pub key: BlobKey,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// What the store gives to another content of the same name; none where it gives nothing.
    pub stamp: Option<String>,
    /// The SHA-256 of its bytes.
    pub hash: ContentHash,
}

/// What to train, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// The training data.
    pub datasource: EntityId,
    /// The kind of question; none means decided from the target.
    pub task: Option<Task>,
    /// The recipe document; none means the default for the schema.
    pub recipe: Option<Value>,
    /// Learning parameters, as given.
    pub parameters: BTreeMap<String, String>,
    /// The label that counts as positive; none means decided by rule.
    pub positive: Option<String>,
    /// A model to go on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<EntityId>,
}

/// What a trained model knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelResult {
    /// The question it answers.
    pub task: Task,
    /// Where the bundle is.
    pub bundle: BlobKey,
    /// The bundle's hash.
    pub bundle_hash: ContentHash,
    /// The bundle's length in bytes.
    pub size_bytes: u64,
    /// Scores at or above it are positive; binary models only.
    pub threshold: Option<f64>,
    /// The training report.
    pub document: Value,
    /// When the threshold was set, if it was since the training; microseconds UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_at: Option<i64>,
    /// Its endpoint for predictions in real time, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
}

/// Which model is judged on which data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationSpec {
    /// The model.
    pub model: EntityId,
    /// The held-out data.
    pub datasource: EntityId,
}

/// How good the model is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationResult {
    /// The evaluation report.
    pub report: Value,
}

/// Which rows are predicted with which model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchPredictionSpec {
    /// The model.
    pub model: EntityId,
    /// The rows, as a data source; exactly one of this and `dataset` is given.
    pub datasource: Option<EntityId>,
    /// The rows, as a dataset.
    pub dataset: Option<DatasetPin>,
    /// Input columns copied to the output.
    pub columns: Vec<String>,
    /// Whether to add what each feature contributed.
    pub explain: bool,
    /// Whether lines begin with the number of their record.
    #[serde(default)]
    pub row_number: bool,
    /// What a line looks like.
    #[serde(default)]
    pub format: Format,
    /// How the output is compressed.
    #[serde(default)]
    pub compress: Compress,
    /// Whether problems of single records are written to a file of their own.
    #[serde(default)]
    pub problems: bool,
    /// The folder below which results are written as Amazon ML writes them, one for each file of the data source, if
    /// that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Location>,
}

impl BatchPredictionSpec {
    /// Format and compression of the output.
    pub fn form(&self) -> Form {
        Form {
            format: self.format,
            compress: self.compress,
        }
    }
}

/// The finished file of predictions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchPredictionResult {
    /// Where the file is.
    pub output: BlobKey,
    /// The file's hash.
    pub output_hash: ContentHash,
    /// The file's length in bytes.
    pub size_bytes: u64,
    /// Input records.
    pub rows: u64,
    /// Input records that could not be scored.
    pub invalid_rows: u64,
    /// Warnings and counts.
    pub document: Value,
    /// The file of problems, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problems: Option<StoredFile>,
}

/// A file beside the main one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Where it is.
    pub key: BlobKey,
    /// Its hash.
    pub hash: ContentHash,
    /// Its length in bytes.
    pub size_bytes: u64,
}

/// What was asked for, and what came out once it is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Work<S, R> {
    /// What was asked for.
    pub spec: S,
    /// What came out; present exactly when the entity was COMPLETED.
    pub result: Option<R>,
}

impl<S, R> Work<S, R> {
    /// Work that has not been done yet.
    pub fn new(spec: S) -> Self {
        Self { spec, result: None }
    }
}

/// The part of an entity that depends on its kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Of a data source.
    DataSource(Work<DataSourceSpec, DataSourceResult>),
    /// Of a model.
    Model(Work<ModelSpec, ModelResult>),
    /// Of an evaluation.
    Evaluation(Work<EvaluationSpec, EvaluationResult>),
    /// Of a batch prediction.
    BatchPrediction(Work<BatchPredictionSpec, BatchPredictionResult>),
}

/// What a job made.
#[derive(Debug, Clone, PartialEq)]
pub enum Produced {
    /// Statistics of a data source.
    DataSource(DataSourceResult),
    /// A model.
    Model(ModelResult),
    /// An evaluation.
    Evaluation(EvaluationResult),
    /// A file of predictions.
    BatchPrediction(BatchPredictionResult),
    /// Nothing to keep: the job only cleaned up.
    Nothing,
}

impl Produced {
    /// The file that holds the result, if it has one.
    pub fn file(&self) -> Option<&BlobKey> {
        match self {
            Produced::Model(made) => Some(&made.bundle),
            Produced::BatchPrediction(made) => Some(&made.output),
            Produced::DataSource(made) => made.made(),
            Produced::Evaluation(_) | Produced::Nothing => None,
        }
    }
}

/// A job handed back a result of another kind than its entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the result does not belong to a {kind}")]
pub struct WrongResult {
    /// The kind of the entity.
    pub kind: EntityKind,
}

impl Body {
    /// The file that holds the result, if there is one.
    pub fn file(&self) -> Option<&BlobKey> {
        match self {
            Body::Model(work) => work.result.as_ref().map(|made| &made.bundle),
            Body::BatchPrediction(work) => work.result.as_ref().map(|made| &made.output),
            Body::DataSource(work) => work.result.as_ref().and_then(DataSourceResult::made),
            Body::Evaluation(_) => None,
        }
    }

    /// Which kind of entity this is.
    pub fn kind(&self) -> EntityKind {
        match self {
            Body::DataSource(_) => EntityKind::DataSource,
            Body::Model(_) => EntityKind::Model,
            Body::Evaluation(_) => EntityKind::Evaluation,
            Body::BatchPrediction(_) => EntityKind::BatchPrediction,
        }
    }

    /// What has to be COMPLETED before work on this can begin, in the order of dependence.
    pub fn depends_on(&self) -> Vec<EntityRef> {
        let source = |id: &EntityId| EntityRef::new(EntityKind::DataSource, id.clone());
        let model = |id: &EntityId| EntityRef::new(EntityKind::Model, id.clone());
        match self {
            Body::DataSource(_) => Vec::new(),
            Body::Model(work) => {
                let mut needs = vec![source(&work.spec.datasource)];
                needs.extend(work.spec.earlier.iter().map(model));
                needs
            }
            Body::Evaluation(work) => vec![source(&work.spec.datasource), model(&work.spec.model)],
            Body::BatchPrediction(work) => {
                let mut needs: Vec<EntityRef> = work.spec.datasource.iter().map(source).collect();
                needs.push(model(&work.spec.model));
                needs
            }
        }
    }

    /// The question that a model answers, as far as it is known.
    pub fn task(&self) -> Option<Task> {
        let Body::Model(work) = self else { return None };
        let trained = work.result.as_ref().map(|made| made.task);
        trained.or(work.spec.task)
    }

    /// The endpoint of a model that has one.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        let Body::Model(work) = self else { return None };
        work.result.as_ref()?.endpoint.as_ref()
    }

    /// The dataset version it reads itself.
    pub fn dataset(&self) -> Option<&DatasetPin> {
        match self {
            Body::DataSource(work) => work.spec.dataset.as_ref(),
            Body::BatchPrediction(work) => work.spec.dataset.as_ref(),
            Body::Model(_) | Body::Evaluation(_) => None,
        }
    }

    /// Keeps what a job made.
    pub fn accept(&mut self, produced: Produced) -> Result<(), WrongResult> {
        let kind = self.kind();
        match (self, produced) {
            (Body::DataSource(work), Produced::DataSource(result)) => work.result = Some(result),
            (Body::Model(work), Produced::Model(result)) => work.result = Some(result),
            (Body::Evaluation(work), Produced::Evaluation(result)) => work.result = Some(result),
            (Body::BatchPrediction(work), Produced::BatchPrediction(result)) => work.result = Some(result),
            _ => return Err(WrongResult { kind }),
        }
        Ok(())
    }
}

impl From<DataSourceSpec> for Body {
    fn from(spec: DataSourceSpec) -> Body {
        Body::DataSource(Work::new(spec))
    }
}

impl From<ModelSpec> for Body {
    fn from(spec: ModelSpec) -> Body {
        Body::Model(Work::new(spec))
    }
}

impl From<EvaluationSpec> for Body {
    fn from(spec: EvaluationSpec) -> Body {
        Body::Evaluation(Work::new(spec))
    }
}

impl From<BatchPredictionSpec> for Body {
    fn from(spec: BatchPredictionSpec) -> Body {
        Body::BatchPrediction(Work::new(spec))
    }
}
