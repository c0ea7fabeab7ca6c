//! A model in one file: schema, recipe, featurizer, weights, reports and golden rows.
//!
//! Layout (integers little-endian):
//!
//! ```text
//! magic "YOSOKUMB" · u32 version · u64 length · content · u64 length · provenance · sha256 of all before
//! content = u64 length · JSON document · weights as f64
//! ```
//!
//! The hash of the content names the model: the same data, recipe, parameters and program version give
//! the same hash. What differs from run to run (times, paths, names) is the provenance, outside of it.
//! Loading executes nothing, checks the checksum and scores the golden rows again.

use std::thread::{self, ScopedJoinHandle};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::facts::WeightFacts;
use super::golden::GoldenRow;
use super::upgrade;
use crate::ml::evaluate::Report;
use crate::ml::features::FeaturizerState;
use crate::ml::learn::{LearnParams, SolverReport};
use crate::ml::recipe::Recipe;
use crate::ml::schema::Schema;
use crate::ml::split::Split;
use crate::ml::target::Target;

const MAGIC: &[u8; 8] = b"YOSOKUMB";
const HASH_BYTES: usize = 32;
const WRONG_CHECKSUM: &str = "the checksum does not match";

/// A bundle that cannot be read or trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// Not a bundle at all.
    #[error("this is not a Yosoku model file; give a file written by train, usually called *.yosoku")]
    NotABundle,
    /// Written by a newer program.
    #[error(
        "the model file has format version {found}, this program reads up to {}; use a newer program",
        upgrade::CURRENT
    )]
    TooNew {
        /// The file's version.
        found: u32,
    },
    /// The checksum is wrong or the file is cut off.
    #[error("the model file is damaged: {0}; copy it again or train anew")]
    Damaged(String),
    /// A golden row scores differently here.
    #[error(
        "the model file gives {found} where {expected} was recorded (golden row {row}); it must not be used with this program"
    )]
    GoldenRowDiffers {
        /// Number of the golden row.
        row: usize,
        /// The score recorded.
        expected: f64,
        /// The score found.
        found: f64,
    },
}

impl BundleError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            BundleError::NotABundle => "not_a_model",
            BundleError::TooNew { .. } => "model_too_new",
            BundleError::Damaged(_) => "model_damaged",
            BundleError::GoldenRowDiffers { .. } => "golden_row_differs",
        }
    }
}

/// Facts about the training rows that evaluation and people need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingFacts {
    /// Rows learned from.
    pub rows: u64,
    /// Rows left out because their target is missing or unreadable.
    pub unknown_target: u64,
    /// Rows left out because they could not be read.
    pub rejected: u64,
    /// Which rows of the table were learned from.
    pub split: Split,
    /// What the learner was asked for.
    pub params: LearnParams,
    /// True when the weights were fitted anew on all rows after the evaluation.
    pub refit: bool,
    /// False when the fit was cut short by a clock or a person.
    pub reproducible: bool,
    /// SHA-256 of the table's bytes.
    pub data_sha256: String,
    /// Version of the program.
    pub program: String,
    /// For classes: rows of each, in class order. For numbers: empty.
    pub class_rows: Vec<u64>,
    /// For numbers: their mean. For classes: 0.
    pub target_mean: f64,
    /// The hash of the model that training went on from, if from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<String>,
}

/// How a recipe fared on rows that its weights were not found from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecipeTried {
    /// What it is called.
    pub name: String,
    /// Mean loss on those rows: logistic or softmax loss, or half the squared error.
    pub loss: f64,
    /// Whether it was taken.
    pub chosen: bool,
}

impl RecipeTried {
    /// A recipe with what each row lost; chosen if it is the suggested one, until another is.
    pub fn new(name: &str, losses: &[f64]) -> Self {
        Self {
            name: name.into(),
            loss: losses.iter().sum::<f64>() / losses.len().max(1) as f64,
            chosen: name == SUGGESTED,
        }
    }
}

/// The recipe that is suggested.
pub const SUGGESTED: &str = "suggested";

/// Everything about a model that its hash covers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BundleDocument {
    /// Types of the attributes.
    pub schema: Schema,
    /// What is learned from.
    pub recipe: Recipe,
    /// What the featurizer learned.
    pub featurizer: FeaturizerState,
    /// What is predicted, with which labels.
    pub target: Target,
    /// Scores of at least this are answered with the positive label (binary models).
    pub threshold: f64,
    /// Margins a record has.
    pub outputs: usize,
    /// For each attribute and output, what the attribute adds to the margin on average over the training
    /// rows; explanations are relative to this.
    pub average_contributions: Vec<f64>,
    /// How the weights were found.
    pub solver: SolverReport,
    /// Facts about the training rows.
    pub training: TrainingFacts,
    /// Made-up records with their scores.
    pub golden: Vec<GoldenRow>,
}

/// Where and when a model was made, and how it did afterwards: outside of its hash, so that a model
/// trained alone and one trained and evaluated in one go are the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The table's path or name.
    pub source: String,
    /// When training ended, RFC 3339.
    pub created_at: String,
    /// Seconds spent in each stage.
    pub seconds: Vec<(String, f64)>,
    /// How good the model is on the rows held out, if any were and it was trained where they lay.
    #[serde(default)]
    pub evaluation: Option<Report>,
    /// Recipes that were tried on rows held back, where none was given and the table is small; the first is the one
    /// suggested.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipes: Vec<RecipeTried>,
    /// Why the question is what it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What people were warned of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Bytes of memory in use at the end of each stage, where the system tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<(String, u64)>,
    /// How exactly the rows determine the weights; files made before this was worked out lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<WeightFacts>,
}

/// A model file in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// What the hash covers, except the weights.
    pub document: BundleDocument,
    /// Weights and intercepts.
    pub beta: Vec<f64>,
    /// What it does not cover.
    pub provenance: Provenance,
}

impl Bundle {
    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        let content = self.content();
        let provenance = json_bytes(&self.provenance);
        let mut bytes = Vec::with_capacity(content.len() + provenance.len() + 64);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&upgrade::CURRENT.to_le_bytes());
        put_block(&mut bytes, &content);
        put_block(&mut bytes, &provenance);
        let checksum = Sha256::digest(&bytes);
        bytes.extend_from_slice(&checksum);
        bytes
    }

    fn content(&self) -> Vec<u8> {
        let document = json_bytes(&self.document);
        let mut content = Vec::with_capacity(document.len() + 8 * (self.beta.len() + 1));
        put_block(&mut content, &document);
        self.beta
            .iter()
            .for_each(|weight| content.extend_from_slice(&weight.to_le_bytes()));
        content
    }

    /// The hash that names the model, in hexadecimal.
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(self.content()))
    }

    /// The hash that names the model in a file which [`Bundle::decode`] has read. A file of an older version has
    /// another content than the bundle that it becomes, so that its hash is that of the bundle.
    pub fn hash_in(&self, bytes: &[u8]) -> String {
        content_hash(bytes).unwrap_or_else(|| self.hash())
    }

    /// Reads a file's bytes and checks them; the golden rows are checked by
    /// [`crate::ml::predict::Predictor::new`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        Self::read(bytes, false)
    }

    /// The same, and the hash that names the model, worked out meanwhile.
    pub fn decode_with_hash(bytes: &[u8]) -> Result<(Self, String), BundleError> {
        version_of(bytes)?;
        let hashes = || (is_whole(bytes), content_hash(bytes));
        let (read, (is_whole, hash)) = thread::scope(|scope| {
            let other = thread::Builder::new().spawn_scoped(scope, hashes);
            let read = Self::read(bytes, true);
            let hashes = match other.map(ScopedJoinHandle::join) {
                Ok(Ok(hashes)) => hashes,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                // There is no room for another thread.
                Err(_) => hashes(),
            };
            (read, hashes)
        });
        if !is_whole {
            return Err(BundleError::Damaged(WRONG_CHECKSUM.to_string()));
        }
        let bundle = read?;
        let hash = hash.unwrap_or_else(|| bundle.hash());
        Ok((bundle, hash))
    }

    /// The same of bytes that are known to be those that were written: their checksum is not worked out again.
    pub fn decode_known(bytes: &[u8]) -> Result<Self, BundleError> {
        Self::read(bytes, true)
    }

    fn read(bytes: &[u8], are_known: bool) -> Result<Self, BundleError> {
        let (version, rest) = version_of(bytes)?;
        let damaged = |what: &str| BundleError::Damaged(what.to_string());
        if !are_known && !is_whole(bytes) {
            return Err(damaged(WRONG_CHECKSUM));
        }
        let (content, rest) = take_block(rest).ok_or_else(|| damaged("it is cut off"))?;
        let (provenance, _) = take_block(rest).ok_or_else(|| damaged("it is cut off"))?;
        let (document, weights) = take_block(content).ok_or_else(|| damaged("it is cut off"))?;
        let bundle = Self {
            document: read_document(version, document)?,
            beta: weights
                .as_chunks::<8>()
                .0
                .iter()
                .map(|chunk| f64::from_le_bytes(*chunk))
                .collect(),
            provenance: serde_json::from_slice(provenance)
                .map_err(|error| BundleError::Damaged(error.to_string()))?,
        };
        bundle.check_shape()?;
        Ok(bundle)
    }

    /// Holds the parts against each other, so that scoring can rely on them. The number of outputs comes
    /// first: it follows from the target, and everything else is measured by it.
    fn check_shape(&self) -> Result<(), BundleError> {
        let document = &self.document;
        let outputs = document.target.outputs();
        let scores = match &document.target {
            Target::Multiclass { classes } => classes.len().max(2),
            Target::Binary { .. } | Target::Regression => 1,
        };
        let features = document.featurizer.dense() + document.featurizer.sparse();
        let attributes = document.schema.attributes.len();
        let fits = document.outputs == outputs
            && document.schema.check().is_ok()
            && self.beta.len() == (features + 1) * outputs
            && self.beta.iter().all(|weight| weight.is_finite())
            && document.average_contributions.len() == attributes * outputs
            && document.golden.iter().all(|row| row.scores.len() == scores)
            && document.featurizer.is_consistent(attributes);
        if fits {
            Ok(())
        } else {
            Err(BundleError::Damaged("its parts do not fit each other".into()))
        }
    }
}

/// The version of a file that this program reads, and what follows it.
fn version_of(bytes: &[u8]) -> Result<(u32, &[u8]), BundleError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(BundleError::NotABundle)?;
    let cut_off = || BundleError::Damaged("it is cut off".to_string());
    let (version, rest) = rest.split_first_chunk::<4>().ok_or_else(cut_off)?;
    let version = u32::from_le_bytes(*version);
    if version > upgrade::CURRENT {
        return Err(BundleError::TooNew { found: version });
    }
    Ok((version, rest))
}

/// Whether a file ends with the checksum of what is before.
fn is_whole(bytes: &[u8]) -> bool {
    let (body, checksum) = bytes.split_at(bytes.len().saturating_sub(HASH_BYTES));
    Sha256::digest(body).as_slice() == checksum
}

/// The hash of the content of a file; none of one of an older version, which is read as another content.
fn content_hash(bytes: &[u8]) -> Option<String> {
    let current = [MAGIC, upgrade::CURRENT.to_le_bytes().as_slice()].concat();
    let (content, _) = take_block(bytes.strip_prefix(current.as_slice())?)?;
    Some(hex(&Sha256::digest(content)))
}

/// Reads the document; one of an older version is upgraded first.
fn read_document(version: u32, bytes: &[u8]) -> Result<BundleDocument, BundleError> {
    let unreadable = |error: serde_json::Error| BundleError::Damaged(error.to_string());
    if version == upgrade::CURRENT {
        return serde_json::from_slice(bytes).map_err(unreadable);
    }
    let value = serde_json::from_slice(bytes).map_err(unreadable)?;
    let value = upgrade::to_current(version, value)
        .ok_or_else(|| BundleError::Damaged("it has no known version".to_string()))?;
    serde_json::from_value(value).map_err(unreadable)
}

/// Serialises plain data; keys are strings and numbers are finite, so this cannot fail.
fn json_bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn put_block(bytes: &mut Vec<u8>, block: &[u8]) {
    bytes.extend_from_slice(&(block.len() as u64).to_le_bytes());
    bytes.extend_from_slice(block);
}

fn take_block(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

/// Bytes as lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
