//! What jobs know of what they read: facts of data sources, models as predictors; and errors of the core as ends of a job.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::Value;

use super::context::JobContext;
use super::runner::JobError;
use crate::blob::{BlobError, Blobs};
use crate::clock::Clock;
use crate::domain::dataset::ContentHash;
use crate::domain::entity::{Entity, Problem};
use crate::domain::spec::{DataSourceResult, DataSourceSpec, ModelResult, Work};
use crate::ml::ingest::{HeaderMode, IngestError};
use crate::ml::learn::LearnError;
use crate::ml::model::{Bundle, BundleError};
use crate::ml::observe::{Observer, Stage};
use crate::ml::pipeline::PipelineError;
use crate::ml::schema::Schema;
use crate::ml::split::Split;

/// Measures what each stage takes while it passes reports on.
#[derive(Debug)]
pub struct StageTimer<'a> {
    context: JobContext,
    clock: &'a Arc<dyn Clock>,
    memory_in_use: fn() -> Option<u64>,
    entered: Option<(Stage, i64)>,
    spent: Spent,
}

/// What each stage took, in order.
#[derive(Debug, Default)]
pub struct Spent {
    /// Seconds.
    pub seconds: Vec<(String, f64)>,
    /// Bytes of memory in use at its end, where the system tells.
    pub memory: Vec<(String, u64)>,
}

impl<'a> StageTimer<'a> {
    /// Passes reports on to `context`.
    pub fn new(context: &JobContext, clock: &'a Arc<dyn Clock>, memory_in_use: fn() -> Option<u64>) -> Self {
        Self {
            context: context.clone(),
            clock,
            memory_in_use,
            entered: None,
            spent: Spent::default(),
        }
    }

    fn leave(&mut self, now: i64) {
        if let Some((stage, since)) = self.entered.take() {
            let name = stage.as_str().to_string();
            if let Some(bytes) = (self.memory_in_use)() {
                self.spent.memory.retain(|(stage, _)| *stage != name);
                self.spent.memory.push((name.clone(), bytes));
            }
            let seconds = (now - since) as f64 / 1e6;
            match self.spent.seconds.iter_mut().find(|(stage, _)| *stage == name) {
                Some((_, before)) => *before += seconds,
                None => self.spent.seconds.push((name, seconds)),
            }
        }
    }

    /// What each stage took.
    pub fn finish(mut self) -> Spent {
        self.leave(self.clock.now_micros());
        self.spent
    }
}

impl Observer for StageTimer<'_> {
    fn report(&mut self, stage: Stage, done: u64, total: u64) -> ControlFlow<()> {
        if self.entered.is_none_or(|(current, _)| current != stage) {
            let now = self.clock.now_micros();
            self.leave(now);
            self.entered = Some((stage, now));
        }
        self.context.progress(stage, done, total)
    }

    fn note(&mut self, what: &str) {
        self.context.note(what);
    }
}

/// What a job needs to know of a completed data source.
#[derive(Debug)]
pub struct SourceFacts {
    /// Types of its attributes.
    pub schema: Schema,
    /// Whether the user gave the schema.
    pub schema_given: bool,
    /// Which rows belong to it.
    pub split: Split,
    /// Whether its first line names the columns.
    pub header: HeaderMode,
}

/// The split of a data source; `target` is what a stratified split goes by if it names no column.
pub fn split_of(spec: &DataSourceSpec, target: Option<&str>) -> Result<Split, JobError> {
    let Some(document) = &spec.split else {
        return Ok(Split::all());
    };
    let split = Split::from_json(document).map_err(PipelineError::from)?;
    Ok(split.for_target(target))
}

/// The header mode of a data source.
pub fn header_of(spec: &DataSourceSpec) -> Result<HeaderMode, JobError> {
    read_document("header", spec.header.clone().map(Value::String).as_ref()).map(Option::unwrap_or_default)
}

/// Reads a stored document; one that was accepted but cannot be read is a defect of the program.
pub fn read_document<T: serde::de::DeserializeOwned>(
    what: &str,
    document: Option<&Value>,
) -> Result<Option<T>, JobError> {
    let Some(document) = document else { return Ok(None) };
    let read = serde_json::from_value(document.clone());
    read.map(Some).map_err(|error| {
        Problem::new(
            "invalid_input",
            format!("the stored {what} cannot be read: {error}"),
        )
        .into()
    })
}

/// The facts of the data source in `entity`.
pub fn source_facts(entity: &Entity) -> Result<SourceFacts, JobError> {
    let Some(Work {
        spec,
        result: Some(DataSourceResult { document, .. }),
    }) = entity.data_source()
    else {
        return Err(Problem::new("wrong_state", "the data source has no statistics yet").into());
    };
    let schema = read_document("schema", document.get("schema"))?;
    let schema: Schema =
        schema.ok_or_else(|| JobError::from(Problem::new("internal", "the data source has no schema")))?;
    Ok(SourceFacts {
        split: split_of(spec, schema.target.as_deref())?,
        schema,
        schema_given: spec.schema.is_some(),
        header: header_of(spec)?,
    })
}

/// The bundle of the model in `entity`, with what the catalogue knows of it.
pub fn model_of<'e>(blobs: &Blobs, entity: &'e Entity) -> Result<(Bundle, &'e ModelResult), JobError> {
    let Some(Work {
        result: Some(result), ..
    }) = entity.model()
    else {
        return Err(Problem::new("wrong_state", "the model is not trained yet").into());
    };
    let bytes = blobs.get_blocking(&result.bundle)?;
    if ContentHash::of(&bytes) != result.bundle_hash {
        let message = "the model's file is not the one that training wrote: its SHA-256 differs";
        let hint = "restore the file from a backup, or train anew";
        return Err(Problem::new("model_damaged", message).with_hint(hint).into());
    }
    let bundle = Bundle::decode_known(&bytes).map_err(PipelineError::from)?;
    Ok((bundle, result))
}

/// The input of a kind that the job's entity depends on.
pub fn required<'j>(entity: Option<&'j Entity>, what: &str) -> Result<&'j Entity, JobError> {
    entity
        .ok_or_else(|| Problem::new("not_found", format!("the {what} this depends on does not exist")).into())
}

impl From<PipelineError> for JobError {
    fn from(error: PipelineError) -> Self {
        let problem = Problem::new(error.code(), error.to_string());
        match error {
            error if error.is_stopped() => JobError::Stopped,
            // Writing fails with the error of the store, whichever step notices.
            PipelineError::Write(error) => match error.downcast::<BlobError>() {
                Ok(error) => error.into(),
                Err(_) => JobError::Retry(Box::new(problem)),
            },
            // There may be space next time.
            PipelineError::Learn(LearnError::Spill(_)) => JobError::Retry(Box::new(problem)),
            // The store may answer next time.
            PipelineError::Ingest(IngestError::Io { .. }) => JobError::Retry(Box::new(problem)),
            _ => problem.into(),
        }
    }
}

impl From<BundleError> for JobError {
    fn from(error: BundleError) -> Self {
        PipelineError::from(error).into()
    }
}
