//! What the protocol tells of the server and of a model.

use serde::Serialize;

use crate::domain::family::Family;
use crate::ml::Task;
use crate::ml::schema::AttributeType;
use crate::service::answering::Answering;

/// The label that was answered.
pub const LABEL: &str = "predicted_label";
/// The number that was predicted.
pub const VALUE: &str = "predicted_value";
/// The probability of each label.
pub const PROBABILITIES: &str = "probabilities";
/// What was odd about each record, as JSON in a text.
pub const WARNINGS: &str = "warnings";
/// What an average training row gets; only on request.
pub const BASELINE: &str = "baseline";
/// What each input adds to the baseline; only on request.
pub const CONTRIBUTIONS: &str = "contributions";
/// The baseline and all contributions together, which is the score before it becomes a probability; only on request.
pub const MARGIN: &str = "margin";

/// Outputs that say why, in the order in which they add up.
pub const REASONS: [&str; 3] = [BASELINE, CONTRIBUTIONS, MARGIN];

/// Numbers in answers, and inputs that are numbers.
pub const FP64: &str = "FP64";
/// Texts.
pub const BYTES: &str = "BYTES";

/// What the server is.
#[derive(Debug, Serialize)]
pub struct ServerMetadata {
    name: &'static str,
    version: &'static str,
    extensions: [&'static str; 1],
}

impl Default for ServerMetadata {
    fn default() -> Self {
        ServerMetadata {
            name: "yosoku",
            version: env!("CARGO_PKG_VERSION"),
            extensions: [CONTRIBUTIONS],
        }
    }
}

/// What a model takes and gives.
#[derive(Debug, Serialize)]
pub struct ModelMetadata {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    versions: Option<Vec<String>>,
    platform: &'static str,
    inputs: Vec<Tensor>,
    outputs: Vec<Tensor>,
}

/// A tensor; -1 stands for the number of records.
#[derive(Debug, Serialize)]
struct Tensor {
    name: String,
    datatype: &'static str,
    shape: Vec<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Labels>,
}

/// The labels that probabilities belong to, in their order.
#[derive(Debug, Serialize)]
struct Labels {
    labels: Vec<String>,
}

impl ModelMetadata {
    /// Describes a model under the name that it was asked for by.
    pub fn new(name: String, model: &Answering, family: Option<&Family>) -> Self {
        let predictor = model.predictor();
        let attributes = &predictor.schema().attributes;
        let inputs = predictor
            .inputs()
            .iter()
            .filter_map(|&input| attributes.get(input));
        let inputs = inputs.map(|attribute| match attribute.kind {
            AttributeType::Numeric => tensor(&attribute.name, FP64),
            AttributeType::Binary | AttributeType::Categorical | AttributeType::Text => {
                tensor(&attribute.name, BYTES)
            }
        });
        let numbers = |family: &Family| -> Vec<String> {
            let numbers = family.versions.iter().map(|version| version.number);
            numbers.map(|number| number.to_string()).collect()
        };
        ModelMetadata {
            name,
            versions: family.map(numbers),
            platform: "yosoku_linear",
            inputs: inputs.collect(),
            outputs: outputs(model),
        }
    }
}

fn tensor(name: &str, datatype: &'static str) -> Tensor {
    Tensor {
        name: name.to_owned(),
        datatype,
        shape: vec![-1],
        parameters: None,
    }
}

fn outputs(model: &Answering) -> Vec<Tensor> {
    if model.task() == Task::Regression {
        return vec![tensor(VALUE, FP64), tensor(WARNINGS, BYTES)];
    }
    let labels: Vec<String> = model
        .predictor()
        .target()
        .labels()
        .into_iter()
        .map(str::to_owned)
        .collect();
    let shares = Tensor {
        shape: vec![-1, i64::try_from(labels.len()).unwrap_or(i64::MAX)],
        parameters: Some(Labels { labels }),
        ..tensor(PROBABILITIES, FP64)
    };
    vec![tensor(LABEL, BYTES), shares, tensor(WARNINGS, BYTES)]
}
