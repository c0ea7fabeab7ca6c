//! Data source → schema and statistics.

use serde_json::json;

use super::context::JobContext;
use super::files::Checked;
use super::handler::Handler;
use super::inputs::{header_of, read_document, split_of};
use super::query::staged;
use super::runner::JobError;
use super::table::BlobTable;
use crate::domain::job::ClaimedJob;
use crate::domain::spec::{DataSourceResult, DataSourceSpec, Produced, SourceFile};
use crate::ml::observe::Stage;
use crate::ml::pipeline::inspect;
use crate::ml::schema::Schema;

/// Reads every row once; types come from all rows, statistics from those of the split.
pub fn profile_data(handler: &Handler, job: &ClaimedJob, context: &JobContext) -> Result<Produced, JobError> {
    let Some(work) = job.entity.data_source() else {
        return Ok(Produced::Nothing);
    };
    let spec = &work.spec;
    let schema: Option<Schema> = read_document("schema", spec.schema.as_ref())?;
    if let Some(query) = &spec.query {
        let staged = staged(handler, job, spec, query, context)?;
        let key = staged.file.key.clone();
        let profiled = BlobTable::located(&handler.blobs, spec, std::slice::from_ref(&staged.file))
            .and_then(|table| profiled(spec, &table, schema.or(staged.schema), vec![staged.file], context));
        if profiled.is_err() {
            // Another attempt asks again, and a data source that failed has no rows.
            handler.discard_file(job, &key);
        }
        return profiled;
    }
    let (table, files) = match &spec.location {
        Some(location) => {
            // What is hashed first is read next: to whoever waits it is one stage.
            let _ = context.progress(Stage::Profile, 0, 0);
            let files = Checked::find(&handler.blobs, location, context)?.files;
            (BlobTable::located(&handler.blobs, spec, &files)?, files)
        }
        None => (
            BlobTable::of(&handler.blobs, job, &job.entity, header_of(spec)?, context)?,
            Vec::new(),
        ),
    };
    profiled(spec, &table, schema, files, context)
}

/// What is in `table`, which was read from `files`, unless it is an upload.
fn profiled(
    spec: &DataSourceSpec,
    table: &BlobTable,
    schema: Option<Schema>,
    files: Vec<SourceFile>,
    context: &JobContext,
) -> Result<Produced, JobError> {
    let split = split_of(spec, spec.target.as_deref())?;
    let inspection = inspect(
        table,
        schema.as_ref(),
        spec.target.as_deref(),
        &split,
        &mut context.clone(),
    )?;
    context.rows(inspection.statistics.rows);
    // The result is complete; a wish to stop no longer matters.
    let _ = context.progress(Stage::Write, 1, 1);
    Ok(Produced::DataSource(DataSourceResult {
        rows: inspection.statistics.rows,
        size_bytes: match files.is_empty() {
            true => inspection.bytes,
            false => files.iter().map(|file| file.size_bytes).sum(),
        },
        document: json!({
            "schema": inspection.schema,
            "statistics": inspection.statistics,
            "insights": inspection.insights,
        }),
        files,
        staged: spec.query.is_some(),
    }))
}
