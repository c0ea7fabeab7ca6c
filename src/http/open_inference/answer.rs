//! Answers to requests for inference: a tensor for each output, filled record after record.

use serde::Serialize;
use serde_json::value::RawValue;

use super::metadata::{
    BASELINE, BYTES, CONTRIBUTIONS, FP64, LABEL, MARGIN, PROBABILITIES, REASONS, VALUE, WARNINGS,
};
use super::request::Infer;
use crate::http::predicting::written::{Array, Warnings};
use crate::ml::Task;
use crate::service::Error;
use crate::service::answering::Answering;
use crate::service::scoring::Scored;

#[derive(Debug, Serialize)]
struct Answer<'a> {
    model_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    parameters: Parameters,
    outputs: Vec<Tensor>,
}

/// What belongs to all records. The protocol allows numbers, truth values and texts here.
#[derive(Debug, Clone, Copy, Serialize)]
struct Parameters {
    /// Scores of at least this are answered with the positive label; binary only.
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    /// How many odd fields there were, also where the output that names them is not wanted.
    warning_count: u64,
}

#[derive(Debug, Serialize)]
struct Tensor {
    name: &'static str,
    shape: Vec<usize>,
    datatype: &'static str,
    data: Box<RawValue>,
}

/// The outputs that are wanted, as far as they are written.
pub struct Outputs {
    outputs: Vec<Output>,
    parameters: Parameters,
}

/// One output.
struct Output {
    name: &'static str,
    /// Values of each record; none for one value that is no list.
    width: Option<usize>,
    data: Array,
}

impl Outputs {
    /// The outputs that a request asks for; `room` is how many bytes they may take at first.
    pub fn new(model: &Answering, infer: &Infer<'_>, room: usize) -> Result<Self, Error> {
        let known: &[&'static str] = match model.task() {
            Task::Regression => &[VALUE, WARNINGS, BASELINE, CONTRIBUTIONS, MARGIN],
            Task::Binary | Task::Multiclass => {
                &[LABEL, PROBABILITIES, WARNINGS, BASELINE, CONTRIBUTIONS, MARGIN]
            }
        };
        let mut outputs = Vec::new();
        let mut add = |name: &'static str| {
            if outputs.iter().any(|output: &Output| output.name == name) {
                return;
            }
            let width = match name {
                PROBABILITIES => Some(model.predictor().target().labels().len()),
                CONTRIBUTIONS => Some(model.predictor().inputs().len()),
                _ => None,
            };
            let data = Array::with_capacity(room);
            outputs.push(Output { name, width, data });
        };
        match infer.wanted() {
            None => {
                let by_default = |name: &&&str| infer.explain() || !REASONS.contains(*name);
                known.iter().filter(by_default).for_each(|name| add(name));
            }
            Some(wanted) => {
                for (place, wanted) in wanted.iter().enumerate() {
                    let Some(name) = known.iter().find(|name| **name == wanted.name) else {
                        let message = format!(
                            "there is no output `{}`; it is one of {}",
                            wanted.name,
                            known.join(", ")
                        );
                        return Err(Error::field(
                            format!("/outputs/{place}/name"),
                            "invalid_value",
                            message,
                        ));
                    };
                    add(name);
                }
            }
        }
        let parameters = Parameters {
            threshold: model.threshold(),
            warning_count: 0,
        };
        Ok(Outputs { outputs, parameters })
    }

    /// Whether it must be worked out what each input adds.
    pub fn explains(&self) -> bool {
        self.outputs.iter().any(|output| REASONS.contains(&output.name))
    }

    /// Writes what was predicted for a record.
    pub fn push(&mut self, scored: Scored<'_>) {
        self.parameters.warning_count += scored.warnings().count() as u64 + scored.more_warnings();
        let reasons = scored.explanation();
        for Output { name, data, .. } in &mut self.outputs {
            match *name {
                LABEL => data.push(&scored.label()),
                VALUE => data.push(&scored.score()),
                PROBABILITIES => scored.probabilities().for_each(|(_, share)| data.push(&share)),
                // Tensors hold no lists of objects, so each record's list is a text.
                WARNINGS => data.push(&serde_json::to_string(&Warnings::of(scored)).unwrap_or_default()),
                BASELINE => data.push(&reasons.map(|reasons| reasons.baseline)),
                MARGIN => data.push(&reasons.map(|reasons| reasons.margin)),
                _ => {
                    let contributions = reasons.map(|reasons| reasons.contributions.iter());
                    let amounts = contributions.into_iter().flatten();
                    amounts.for_each(|(_, amount)| data.push(amount));
                }
            }
        }
    }

    /// The whole answer.
    pub fn whole(
        self,
        model_name: &str,
        model_version: Option<String>,
        id: Option<&str>,
        records: usize,
    ) -> Result<Vec<u8>, Error> {
        let tensor = |output: Output| {
            Ok(Tensor {
                name: output.name,
                shape: [records].into_iter().chain(output.width).collect(),
                datatype: match output.name {
                    LABEL | WARNINGS => BYTES,
                    _ => FP64,
                },
                data: output.data.raw()?,
            })
        };
        let answer = Answer {
            model_name,
            model_version,
            id,
            parameters: self.parameters,
            outputs: self
                .outputs
                .into_iter()
                .map(tensor)
                .collect::<Result<_, Error>>()?,
        };
        serde_json::to_vec(&answer).map_err(|error| Error::internal("writing predictions", error))
    }
}
