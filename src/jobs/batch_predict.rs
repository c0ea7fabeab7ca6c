//! Model and rows → file of predictions.

use std::io::Write;

use serde_json::json;

use super::amazon;
use super::context::JobContext;
use super::handler::Handler;
use super::inputs::{model_of, required, source_facts};
use super::parts::BlobParts;
use super::runner::JobError;
use super::table::BlobTable;
use crate::blob::{BlockingWriter, key};
use crate::domain::ids::EntityKind;
use crate::domain::job::ClaimedJob;
use crate::domain::spec::{BatchPredictionResult, Produced, StoredFile};
use crate::ml::ingest::HeaderMode;
use crate::ml::pipeline::batch::Resume;
use crate::ml::pipeline::{BatchOptions, Outputs, predict_into};
use crate::ml::predict::Predictor;
use crate::ml::split::Split;

/// Scores every row in input order and stores the file under a key of this attempt. An earlier attempt's finished parts
/// are used again.
pub fn batch_predict(
    handler: &Handler,
    job: &ClaimedJob,
    context: &JobContext,
) -> Result<Produced, JobError> {
    let Some(work) = job.entity.batch_prediction() else {
        return Ok(Produced::Nothing);
    };
    let model = required(job.input(EntityKind::Model), "model")?;
    let (bundle, result) = model_of(&handler.blobs, model)?;
    let predictor = Predictor::with_threshold(&bundle, result.threshold)?;
    if let (Some(output), Some(source)) = (&work.spec.output, job.input(EntityKind::DataSource)) {
        let made = amazon::Made {
            handler,
            job,
            predictor: &predictor,
            source,
        };
        return made.write_below(output, context);
    }
    let (table, split) = match job.input(EntityKind::DataSource) {
        Some(source) => {
            let facts = source_facts(source)?;
            (
                BlobTable::of(&handler.blobs, job, source, facts.header, context)?,
                facts.split,
            )
        }
        None => (
            BlobTable::of(&handler.blobs, job, &job.entity, HeaderMode::Auto, context)?,
            Split::all(),
        ),
    };
    let options = BatchOptions {
        columns: work.spec.columns.clone(),
        explain: work.spec.explain,
        row_number: work.spec.row_number,
        form: work.spec.form(),
        split,
        ..BatchOptions::default()
    };
    let parts = BlobParts::of(&handler.blobs, job.entity.at());
    let mut file = handler.blobs.write_blocking(&key::output(job))?;
    let mut problems = match work.spec.problems {
        true => Some(handler.blobs.write_blocking(&key::problems(job))?),
        false => None,
    };
    let outputs = Outputs {
        out: &mut file,
        problems: problems.as_mut().map(|file| file as &mut (dyn Write + Send)),
        resume: Some(Resume {
            parts: &parts,
            input: &table.identity(&[]),
        }),
    };
    let summary = predict_into(&predictor, &table, &options, outputs, &mut context.clone())?;
    let problems = problems.map(BlockingWriter::publish).transpose()?;
    let published = file.publish()?;
    context.rows(summary.records);
    Ok(Produced::BatchPrediction(BatchPredictionResult {
        output: published.key,
        output_hash: published.hash,
        size_bytes: published.size_bytes,
        rows: summary.records,
        invalid_rows: summary.invalid,
        document: json!(summary),
        problems: problems.map(|stored| StoredFile {
            key: stored.key,
            hash: stored.hash,
            size_bytes: stored.size_bytes,
        }),
    }))
}
