//! What a caller can ask for, as plain data: no protocol, nothing checked yet.
//!
//! A façade fills these in; the use cases check them and name what is wrong by a JSON pointer into
//! the same fields.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::domain::dataset::ContentHash;
use crate::domain::location::Location;
use crate::domain::secret::Secret;
use crate::ml::Task;

/// A data source to make.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NewDataSource {
    /// Its identifier; made by us when not given.
    pub id: Option<String>,
    /// Free text.
    pub name: Option<String>,
    /// The dataset to read; its present version is pinned. Without a name, `location` or `query` is read.
    pub dataset: String,
    /// Where the files lie, if they were not uploaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// The query whose rows are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<NewQuery>,
    /// The column to predict; may be left out when the schema names it or nothing is learned.
    pub target: Option<String>,
    /// The schema document; inferred when not given.
    pub schema: Option<Value>,
    /// Which rows belong to it; all when not given.
    pub split: Option<Value>,
    /// `auto`, `yes` or `no`.
    pub header: Option<String>,
    /// Whether no statistics are wanted, so that they are not billed.
    #[serde(skip)]
    pub without_statistics: bool,
    /// Who asks, and how.
    #[serde(skip)]
    pub asked: Asked,
}

/// A query to a database.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NewQuery {
    /// The connection, by the name that the operator gave it.
    pub connection: String,
    /// The database there, if the connection names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// Who asks, if the connection has no user of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Their password: kept in memory until the query has run, and nowhere else.
    #[serde(skip)]
    pub password: Option<Secret>,
    /// The query. A repeat must match it: of the request itself its hash is kept, since the text is kept with the entity.
    #[serde(serialize_with = "hashed")]
    pub sql: String,
    /// The folder that the rows are kept in, if it is not left to us.
    #[serde(skip)]
    pub staging: Option<Location>,
    /// Whether the types of columns decide where no schema is given, as Amazon ML has it.
    #[serde(skip)]
    pub types_decide: bool,
}

fn hashed<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(ContentHash::of(text.as_bytes()).as_str())
}

/// What comes with a request beside what is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// Who asks: the name of a key; empty on a server without keys.
    pub owner: String,
    /// The identifier of that key; empty on a server without keys.
    pub key: String,
    /// The request in the words of another protocol. It is kept, and a repeat must match it.
    pub words: Option<Value>,
}

impl Asked {
    /// Who makes what is asked for: the name of a key, and its identifier.
    pub fn maker(&self) -> (&str, &str) {
        (&self.owner, &self.key)
    }
}

/// A model to train.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NewModel {
    /// Its identifier; made by us when not given.
    pub id: Option<String>,
    /// Free text.
    pub name: Option<String>,
    /// The training data.
    pub datasource: String,
    /// The kind of question; decided from the target when not given.
    #[serde(rename = "type")]
    pub task: Option<Task>,
    /// The recipe document; suggested when not given.
    pub recipe: Option<Value>,
    /// Parameters of the learner.
    pub parameters: BTreeMap<String, String>,
    /// The label that counts as positive; binary models only.
    pub positive: Option<String>,
    /// A model to go on from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Who asks, and how.
    #[serde(skip)]
    pub asked: Asked,
}

/// A model to judge.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NewEvaluation {
    /// Its identifier; made by us when not given.
    pub id: Option<String>,
    /// Free text.
    pub name: Option<String>,
    /// The model.
    pub model: String,
    /// The held-out data.
    pub datasource: String,
    /// Who asks, and how.
    #[serde(skip)]
    pub asked: Asked,
}

/// Rows to predict into a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NewBatchPrediction {
    /// Its identifier; made by us when not given.
    pub id: Option<String>,
    /// Free text.
    pub name: Option<String>,
    /// The model.
    pub model: String,
    /// The rows as a data source; exactly one of this and `dataset` is given.
    pub datasource: Option<String>,
    /// The rows as a dataset; its present version is pinned.
    pub dataset: Option<String>,
    /// Input columns to copy to the output.
    pub columns: Vec<String>,
    /// Whether to add what each column contributed.
    pub explain: bool,
    /// Whether lines begin with the number of their record.
    #[serde(skip_serializing_if = "is_false")]
    pub row_number: bool,
    /// `csv`, `jsonl` or `parquet`; CSV when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// `none`, `gzip` or `zstd`; not compressed when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compress: Option<String>,
    /// Whether problems of single records are written to a file of their own.
    #[serde(skip_serializing_if = "is_false")]
    pub problems: bool,
    /// Where results are written as Amazon ML writes them, if they are.
    #[serde(skip)]
    pub output: Option<Location>,
    /// Who asks, and how.
    #[serde(skip)]
    pub asked: Asked,
}

/// What was not asked for is left out, so that repeated requests of older clients are still the same.
fn is_false(asked: &bool) -> bool {
    !asked
}

/// The whole way from a dataset to an evaluated model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NewTraining {
    /// What the identifiers of everything made here begin with; made by us when not given.
    pub id: Option<String>,
    /// Free text, given to all of them.
    pub name: Option<String>,
    /// The dataset; its present version is pinned.
    pub dataset: String,
    /// The column to predict; may be left out when the schema names it.
    pub target: Option<String>,
    /// The kind of question; decided from the target when not given.
    #[serde(rename = "type")]
    pub task: Option<Task>,
    /// The schema document; inferred when not given.
    pub schema: Option<Value>,
    /// The recipe document; suggested when not given.
    pub recipe: Option<Value>,
    /// Parameters of the learner.
    pub parameters: BTreeMap<String, String>,
    /// The label that counts as positive; binary models only.
    pub positive: Option<String>,
    /// Percentage of the rows that is held out for the evaluation; 0 means none, and no evaluation.
    pub holdout: f64,
    /// Seed of the split.
    pub seed: u64,
    /// How rows are held out; at random when not given. Its own percentages and seed count before
    /// `holdout` and `seed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<Value>,
    /// `auto`, `yes` or `no`.
    pub header: Option<String>,
    /// Who asks, and how.
    #[serde(skip)]
    pub asked: Asked,
}

impl Default for NewTraining {
    fn default() -> Self {
        Self {
            id: None,
            name: None,
            dataset: String::new(),
            target: None,
            task: None,
            schema: None,
            recipe: None,
            parameters: BTreeMap::new(),
            positive: None,
            holdout: 30.0,
            seed: 1,
            split: None,
            header: None,
            asked: Asked::default(),
        }
    }
}

/// What to change about an entity; nothing given means nothing changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// The new name.
    pub name: Option<String>,
    /// The new threshold, from 0 to 1; finished binary models only.
    pub threshold: Option<f64>,
}

/// What to list, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Only this status, such as `COMPLETED`; without it everything but DELETED. Not for datasets.
    pub status: Option<String>,
    /// Only names that begin with this.
    pub name_prefix: Option<String>,
    /// `created_at`, `name` or `id`, with a `-` before it for descending; newest first if not given.
    pub sort: Option<String>,
    /// Items on a page; none or 0 means the default.
    pub page_size: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Only what was made from this model. Not for datasets, data sources and models.
    pub model: Option<String>,
    /// Only what was made from this data source. Not for datasets and data sources.
    pub datasource: Option<String>,
}

/// A part of a file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRange {
    /// From the first to the last byte, both included; to the end when there is no last.
    Slice {
        /// Offset of the first byte.
        first: u64,
        /// Offset of the last byte.
        last: Option<u64>,
    },
    /// So many bytes at the end of the file, or all of a shorter one.
    Suffix(u64),
}

impl ByteRange {
    /// The part as offsets into a file of `size` bytes; none when no byte of the file is in it.
    pub fn resolve(self, size: u64) -> Option<Range<u64>> {
        let range = match self {
            ByteRange::Slice { first, last } => {
                first..last.map_or(size, |last| last.saturating_add(1).min(size))
            }
            ByteRange::Suffix(length) => size.saturating_sub(length)..size,
        };
        (range.start < range.end).then_some(range)
    }
}
