//! Data source → model bundle.

use std::io::Write;
use std::sync::Arc;

use serde_json::json;

use super::context::JobContext;
use super::handler::Handler;
use super::inputs::{StageTimer, model_of, read_document, required, source_facts};
use super::runner::JobError;
use super::table::{BlobTable, data_hash};
use crate::blob::key;
use crate::clock::rfc3339;
use crate::domain::ids::EntityKind;
use crate::domain::job::ClaimedJob;
use crate::domain::spec::{ModelResult, ModelSpec, Produced};
use crate::ml::Task;
use crate::ml::learn::LearnParams;
use crate::ml::model::{Bundle, Provenance, training_log};
use crate::ml::pipeline::{PipelineError, TrainRequest, Trained, train};
use crate::ml::target::TargetWish;

/// Trains on the rows of the data source and stores the bundle under a key of this attempt.
pub fn train_model(handler: &Handler, job: &ClaimedJob, context: &JobContext) -> Result<Produced, JobError> {
    let Some(work) = job.entity.model() else {
        return Ok(Produced::Nothing);
    };
    let source = required(job.input(EntityKind::DataSource), "data source")?;
    let facts = source_facts(source)?;
    let table = BlobTable::of(&handler.blobs, job, source, facts.header, context)?;
    let target = facts.schema.target.clone().ok_or(PipelineError::NoTarget)?;
    let params = LearnParams::from_map(&work.spec.parameters).map_err(PipelineError::from)?;
    let earlier = match &work.spec.earlier {
        Some(_) => {
            let model = required(job.input(EntityKind::Model), "model to go on from")?;
            Some(Arc::new(model_of(&handler.blobs, model)?.0))
        }
        None => None,
    };
    // A schema that nobody gave is no better than that of the model to go on from.
    let schema = Some(facts.schema).filter(|_| facts.schema_given || earlier.is_none());
    let request = TrainRequest {
        schema,
        schema_settles_task: facts.schema_given,
        target: wish(&work.spec, target),
        recipe: read_document("recipe", work.spec.recipe.as_ref())?,
        split: facts.split,
        params,
        memory: handler.memory.clone(),
        data_sha256: data_hash(source),
        earlier,
    };
    let mut timer = StageTimer::new(context, &handler.clock, handler.memory_in_use);
    let mut trained = train(&table, &request, &mut timer)?;
    context.rows(trained.bundle.document.training.rows);
    let spent = timer.finish();
    trained.bundle.provenance = Provenance {
        source: source
            .body
            .dataset()
            .map_or_else(|| source.location.clone(), |pin| pin.name.as_str().to_string()),
        created_at: rfc3339(handler.clock.now_micros()),
        seconds: spent.seconds,
        memory: spent.memory,
        evaluation: None,
        recipes: std::mem::take(&mut trained.recipes),
        reason: trained.reason.clone(),
        warnings: trained.warnings.clone(),
        weights: trained.bundle.provenance.weights.take(),
    };
    store(handler, job, &trained)
}

fn wish(spec: &ModelSpec, target: String) -> TargetWish {
    TargetWish {
        name: target,
        task: spec.task,
        positive: spec.positive.clone(),
        max_classes: None,
    }
}

fn store(handler: &Handler, job: &ClaimedJob, trained: &Trained) -> Result<Produced, JobError> {
    let bundle = &trained.bundle;
    let mut file = handler.blobs.write_blocking(&key::output(job))?;
    file.write_all(&bundle.encode()).map_err(PipelineError::Write)?;
    let published = file.publish()?;
    let task = bundle.document.target.task();
    Ok(Produced::Model(ModelResult {
        task,
        bundle: published.key,
        bundle_hash: published.hash,
        size_bytes: published.size_bytes,
        threshold: (task == Task::Binary).then_some(bundle.document.threshold),
        document: document(bundle, trained),
        threshold_at: None,
        endpoint: None,
    }))
}

/// The training report.
fn document(bundle: &Bundle, trained: &Trained) -> serde_json::Value {
    let document = &bundle.document;
    let training = &document.training;
    let seconds: serde_json::Map<_, _> = bundle
        .provenance
        .seconds
        .iter()
        .map(|(stage, seconds)| (stage.clone(), json!(seconds)))
        .collect();
    json!({
        "hash": bundle.hash(),
        "target": document.target,
        "reason": trained.reason,
        "schema": document.schema,
        "recipe": document.recipe,
        "features": document.featurizer.dense() + document.featurizer.sparse(),
        "rows": {"training": training.rows, "unknown_target": training.unknown_target, "rejected": training.rejected},
        "solver": document.solver,
        "memory": trained.memory,
        "warnings": trained.warnings,
        "seconds": seconds,
        "log": training_log(bundle),
    })
}
