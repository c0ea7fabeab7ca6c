//! The rows of a query, written to a file once: every later step reads that.

use std::io::Write;
use std::ops::ControlFlow;

use super::context::JobContext;
use super::files::{self, line_of};
use super::handler::Handler;
use super::runner::JobError;
use crate::blob::{BlobError, BlockingWriter, key};
use crate::domain::entity::Problem;
use crate::domain::ids::BlobKey;
use crate::domain::job::ClaimedJob;
use crate::domain::query::QuerySpec;
use crate::domain::spec::{DataSourceSpec, SourceFile};
use crate::ml::observe::Stage;
use crate::ml::schema::{Attribute, AttributeType, Schema};
use crate::source::{Answer, Column, ColumnKind, Piece, SourceError};

/// Bytes that the rows of a query may have: those that an upload may have unless the operator says otherwise.
const MOST_BYTES: u64 = 50 << 30;

/// Attempts before the present one whose files are looked for.
const EARLIER: i64 = 100;

/// The rows of a query in a file.
#[derive(Debug)]
pub struct Staged {
    /// The file.
    pub file: SourceFile,
    /// What the columns of the query say of the attributes, if that is asked for.
    pub schema: Option<Schema>,
}

/// Runs the query of a data source and keeps its rows.
pub fn staged(
    handler: &Handler,
    job: &ClaimedJob,
    spec: &DataSourceSpec,
    query: &QuerySpec,
    context: &JobContext,
) -> Result<Staged, JobError> {
    let declared = files::declared(spec)?;
    let key = rows_of(job, query);
    forget_earlier(handler, job, query)?;
    let mut staging = Staging {
        answer: handler.databases.ask(query)?,
        context,
        file: handler.blobs.write_blocking()?,
        rows: 0,
        bytes: 0,
    };
    let columns = staging.columns()?;
    check_target(&columns, spec, &declared)?;
    match spec.header.as_deref() {
        Some("yes") => staging.write(&line_of(&names(&columns)))?,
        _ => check_count(&columns, &declared)?,
    }
    let columns = staging.rest(columns)?;
    if staging.rows == 0 {
        let problem = Problem::new("no_rows", "the query has given no rows");
        return Err(problem.with_hint("look at its conditions").into());
    }
    let published = staging.file.publish(&key)?;
    let stamp = handler.blobs.look_blocking(&key)?.stamp;
    Ok(Staged {
        file: SourceFile {
            key: published.key,
            size_bytes: published.size_bytes,
            stamp,
            hash: published.hash,
        },
        schema: (query.types_decide && declared.is_empty()).then(|| schema_of(columns, spec)),
    })
}

struct Staging<'s> {
    answer: Answer,
    context: &'s JobContext,
    file: BlockingWriter,
    rows: u64,
    bytes: u64,
}

impl Staging<'_> {
    /// The next piece that tells something; none after the last.
    fn next(&mut self) -> Result<Option<Piece>, JobError> {
        loop {
            if let ControlFlow::Break(()) = self.context.progress(Stage::Profile, 0, 0) {
                return Err(JobError::Stopped);
            }
            match self.answer.next_blocking().transpose()? {
                Some(Piece::Waiting) => {}
                told => return Ok(told),
            }
        }
    }

    fn columns(&mut self) -> Result<Vec<Column>, JobError> {
        match self.next()? {
            Some(Piece::Columns(columns)) => Ok(columns),
            _ => Err(broken_off()),
        }
    }

    /// Writes all rows. The columns at the end know what the values have shown.
    fn rest(&mut self, mut columns: Vec<Column>) -> Result<Vec<Column>, JobError> {
        let mut is_whole = false;
        while let Some(piece) = self.next()? {
            match piece {
                Piece::Rows { text, rows } => {
                    self.write(&text)?;
                    self.rows += rows;
                    self.context.rows(self.rows);
                }
                Piece::Columns(known) => (columns, is_whole) = (known, true),
                Piece::Waiting => {}
            }
        }
        match is_whole {
            true => Ok(columns),
            false => Err(broken_off()),
        }
    }

    fn write(&mut self, text: &[u8]) -> Result<(), JobError> {
        self.bytes += text.len() as u64;
        if self.bytes > MOST_BYTES {
            let problem = Problem::new(
                "too_large",
                format!("the query gives more than {MOST_BYTES} bytes"),
            );
            return Err(problem.with_hint("ask for fewer rows").into());
        }
        self.file.write_all(text).map_err(|error| {
            let told = error.to_string();
            match error.downcast::<BlobError>() {
                Ok(error) => error.into(),
                Err(_) => JobError::Retry(Box::new(Problem::new("write_failed", told))),
            }
        })
    }
}

/// Where this attempt keeps the rows.
pub fn rows_of(job: &ClaimedJob, query: &QuerySpec) -> BlobKey {
    match &query.staging {
        Some(folder) => key::staged_rows(job, query, folder, job.claim),
        None => key::output(job),
    }
}

/// Removes what attempts that died have left in the folder of the user, where nothing else would.
fn forget_earlier(handler: &Handler, job: &ClaimedJob, query: &QuerySpec) -> Result<(), JobError> {
    let Some(folder) = &query.staging else {
        return Ok(());
    };
    for claim in (job.claim - EARLIER).max(0)..job.claim {
        handler
            .blobs
            .delete_blocking(&key::staged_rows(job, query, folder, claim))?;
    }
    Ok(())
}

/// The program stops, and with it what asks the database.
fn broken_off() -> JobError {
    let problem = Problem::new("database_unreachable", "the answer of the database broke off");
    JobError::Retry(Box::new(problem))
}

fn names(columns: &[Column]) -> Vec<String> {
    columns.iter().map(|column| column.name.clone()).collect()
}

/// A target that no column is called like is told before all rows are read.
fn check_target(columns: &[Column], spec: &DataSourceSpec, declared: &[String]) -> Result<(), JobError> {
    match &spec.target {
        Some(target) if declared.is_empty() && !columns.iter().any(|column| column.name == *target) => {
            let problem = Problem::new(
                "unknown_target",
                format!(
                    "the query gives no column `{target}`; it gives {}",
                    names(columns).join(", ")
                ),
            );
            Err(problem.with_hint("name one of its columns as the target").into())
        }
        _ => Ok(()),
    }
}

/// Without a line of names, columns are known by their places.
fn check_count(columns: &[Column], declared: &[String]) -> Result<(), JobError> {
    if columns.len() == declared.len() {
        return Ok(());
    }
    let problem = Problem::new(
        "schema_mismatch",
        format!(
            "the query gives {} columns ({}), and the schema declares {}",
            columns.len(),
            names(columns).join(", "),
            declared.len()
        ),
    );
    let hint = "select the columns of the schema, in its order";
    Err(problem.with_hint(hint).into())
}

/// The schema that the types of the columns make, by the mapping of Amazon ML.
fn schema_of(columns: Vec<Column>, spec: &DataSourceSpec) -> Schema {
    let attribute = |column: Column| Attribute {
        name: column.name,
        kind: match column.kind {
            ColumnKind::Number => AttributeType::Numeric,
            ColumnKind::Boolean => AttributeType::Binary,
            ColumnKind::Fixed => AttributeType::Categorical,
            ColumnKind::Text => AttributeType::Text,
        },
        missing_values: Vec::new(),
        date_format: None,
    };
    Schema {
        version: "1.0".to_owned(),
        row_id: None,
        row_weight: None,
        target: spec.target.clone(),
        data_format: "CSV".to_owned(),
        data_file_contains_header: true,
        attributes: columns.into_iter().map(attribute).collect(),
        excluded: Vec::new(),
    }
}

impl From<SourceError> for JobError {
    fn from(error: SourceError) -> Self {
        let problem = Problem::new(error.code(), error.to_string()).with_hint(error.hint());
        match error.may_pass() {
            true => JobError::Retry(Box::new(problem)),
            false => problem.into(),
        }
    }
}
