//! Model and data source → report.

use serde_json::json;

use super::context::JobContext;
use super::handler::Handler;
use super::inputs::{model_of, required, source_facts};
use super::runner::JobError;
use super::table::BlobTable;
use crate::domain::entity::Problem;
use crate::domain::ids::EntityKind;
use crate::domain::job::ClaimedJob;
use crate::domain::spec::{EvaluationResult, Produced};
use crate::ml::pipeline::evaluate;
use crate::ml::predict::Predictor;

/// Scores the rows of the data source, read with the model's own types, and compares.
pub fn evaluate_model(
    handler: &Handler,
    job: &ClaimedJob,
    context: &JobContext,
) -> Result<Produced, JobError> {
    let source = required(job.input(EntityKind::DataSource), "data source")?;
    let model = required(job.input(EntityKind::Model), "model")?;
    let facts = source_facts(source)?;
    let (bundle, result) = model_of(&handler.blobs, model)?;
    let predictor = Predictor::with_threshold(&bundle, result.threshold)?;
    let table = BlobTable::of(&handler.blobs, job, source, facts.header, context)?;
    let mut observer = context.clone();
    let evaluation = evaluate(
        &predictor,
        &bundle.document.training,
        &table,
        &facts.split,
        &mut observer,
    )?;
    context.rows(evaluation.report.records());
    let mut report = serde_json::to_value(&evaluation.report)
        .map_err(|error| JobError::from(Problem::new("internal", error.to_string())))?;
    if let Some(fields) = report.as_object_mut() {
        fields.insert("unknown_target".into(), json!(evaluation.unknown_target));
        fields.insert("problems".into(), json!(evaluation.problems));
        fields.insert("warnings".into(), json!(evaluation.warnings));
        if let Some(positive) = bundle.document.target.positive() {
            fields.insert("positive".into(), json!(positive));
        }
    }
    Ok(Produced::Evaluation(EvaluationResult { report }))
}
