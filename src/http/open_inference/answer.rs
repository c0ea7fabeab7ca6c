//! Answers to requests for inference: a tensor for each output, filled record after record.

use serde::Serialize;
use serde_json::value::RawValue;

use super::metadata::{BYTES, CONTRIBUTIONS, FP64, LABEL, PROBABILITIES, VALUE};
use super::request::Infer;
use crate::http::predicting::written::Array;
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
    outputs: Vec<Tensor>,
}

#[derive(Debug, Serialize)]
struct Tensor {
    name: &'static str,
    shape: Vec<usize>,
    datatype: &'static str,
    data: Box<RawValue>,
}

/// The outputs that are wanted, as far as they are written.
pub struct Outputs(Vec<Output>);

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
            Task::Regression => &[VALUE, CONTRIBUTIONS],
            Task::Binary | Task::Multiclass => &[LABEL, PROBABILITIES, CONTRIBUTIONS],
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
                let by_default = |name: &&&str| **name != CONTRIBUTIONS || infer.explain();
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
        Ok(Outputs(outputs))
    }

    /// Whether it must be worked out what each input adds.
    pub fn explains(&self) -> bool {
        self.0.iter().any(|output| output.name == CONTRIBUTIONS)
    }

    /// Writes what was predicted for a record.
    pub fn push(&mut self, scored: Scored<'_>) {
        for Output { name, data, .. } in &mut self.0 {
            match *name {
                LABEL => data.push(&scored.label()),
                VALUE => data.push(&scored.score()),
                PROBABILITIES => scored.probabilities().for_each(|(_, share)| data.push(&share)),
                _ => {
                    let contributions = scored.explanation().map(|reasons| reasons.contributions.iter());
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
                datatype: if output.name == LABEL { BYTES } else { FP64 },
                data: output.data.raw()?,
            })
        };
        let answer = Answer {
            model_name,
            model_version,
            id,
            outputs: self.0.into_iter().map(tensor).collect::<Result<_, Error>>()?,
        };
        serde_json::to_vec(&answer).map_err(|error| Error::internal("writing predictions", error))
    }
}
