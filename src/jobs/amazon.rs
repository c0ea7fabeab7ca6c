//! Model and data source → results as Amazon ML leaves them: a compressed file of lines for each file of the data, and
//! a manifest that names them.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Write};

use serde_json::{Map, Value, json};

use super::context::JobContext;
use super::files::Checked;
use super::handler::Handler;
use super::inputs::source_facts;
use super::runner::JobError;
use super::table::BlobTable;
use crate::blob::{Published, key};
use crate::domain::entity::{Entity, Problem};
use crate::domain::ids::{BlobKey, InvalidName};
use crate::domain::job::ClaimedJob;
use crate::domain::location::Location;
use crate::domain::spec::{BatchPredictionResult, DataSourceSpec, Produced, SourceFile};
use crate::ml::ingest::Opening;
use crate::ml::pipeline::batch::{Before, Compress, Form, Format, Style};
use crate::ml::pipeline::{BatchOptions, BatchSummary, Outputs, PipelineError, Table, predict_part, select};
use crate::ml::predict::Predictor;
use crate::ml::split::Selector;

/// What results are made from.
pub struct Made<'a> {
    /// Where files are read and written.
    pub handler: &'a Handler,
    /// What is to be done.
    pub job: &'a ClaimedJob,
    /// The model.
    pub predictor: &'a Predictor,
    /// The records.
    pub source: &'a Entity,
}

/// A file of the data, and the names under which Amazon ML tells of it and of its result.
struct Part {
    table: BlobTable,
    input: String,
    output: Location,
}

impl Made<'_> {
    /// Writes below `folder`; the manifest comes last. Names of results follow from those of the data, so that clients
    /// find them without asking.
    pub fn write_below(&self, folder: &Location, context: &JobContext) -> Result<Produced, JobError> {
        let folder = folder.folder();
        let (whole, parts) = self.parts(&folder, context)?;
        let facts = source_facts(self.source)?;
        let mut options = BatchOptions {
            form: Form {
                format: Format::Csv,
                compress: Compress::Gzip,
            },
            split: facts.split.clone(),
            style: Style::Amazon {
                tag: facts.schema.row_id.clone(),
            },
            ..BatchOptions::default()
        };
        let mut total = BatchSummary::default();
        let (mut manifest, mut files) = (Map::new(), Vec::new());
        let mut pieces = self.pieces(&whole, &parts, &options, context)?;
        for part in &parts {
            let selector = pieces.next(&part.table)?;
            options.before = Some(Before {
                records: total.records,
                rejected: total.problems.rejected,
            });
            let (summary, read) = self.one(part, &options, &selector, context)?;
            pieces.rows += read;
            manifest.insert(part.input.clone(), Value::from(part.output.as_str()));
            files.push(json!({"input": part.input, "output": part.output, "records": summary.records, "invalid": summary.invalid}));
            total.add(summary);
        }
        total.check().map_err(PipelineError::from)?;
        context.rows(total.records);
        let named = format!("batch-prediction/{}.manifest", self.job.entity.id);
        let manifest = self.written(&folder.with(&named).map_err(no_place)?, &manifest, context)?;
        let mut document = json!(total);
        if let Some(fields) = document.as_object_mut() {
            fields.insert("files".into(), Value::from(files));
        }
        Ok(Produced::BatchPrediction(BatchPredictionResult {
            output: manifest.key,
            output_hash: manifest.hash,
            size_bytes: manifest.size_bytes,
            rows: total.records,
            invalid_rows: total.invalid,
            document,
            problems: None,
        }))
    }

    fn one(
        &self,
        part: &Part,
        options: &BatchOptions,
        selector: &Selector,
        context: &JobContext,
    ) -> Result<(BatchSummary, u64), JobError> {
        let mut file = self.handler.blobs.write_blocking(&key::located(&part.output))?;
        let outputs = Outputs {
            out: &mut file,
            problems: None,
            resume: None,
        };
        let done = predict_part(
            self.predictor,
            &part.table,
            options,
            selector,
            outputs,
            &mut context.clone(),
        )?;
        // Whoever has the job now writes the same names.
        context.confirm()?;
        file.publish()?;
        Ok(done)
    }

    /// Which records belong to the part is a question to all files together.
    fn pieces(
        &self,
        whole: &BlobTable,
        parts: &[Part],
        options: &BatchOptions,
        context: &JobContext,
    ) -> Result<Pieces, JobError> {
        let schema = self.predictor.schema();
        let (split, target) = (&options.split, schema.target.as_deref());
        let selector = select(whole, split, Some(schema), target, &mut context.clone())?;
        Ok(Pieces {
            counts_bytes: parts.len() > 1 && !selector.is_all(),
            selector,
            rows: 0,
            bytes: None,
        })
    }

    /// All files as one table, and each by itself.
    fn parts(&self, folder: &Location, context: &JobContext) -> Result<(BlobTable, Vec<Part>), JobError> {
        let blobs = &self.handler.blobs;
        let work = self.source.data_source();
        let files = work
            .and_then(|work| work.result.as_ref())
            .map(|result| result.files.as_slice());
        let id = &self.job.entity.id;
        let output = |name: &str| {
            let named = format!("batch-prediction/result/{id}-{name}.gz");
            folder.with(&named).map_err(no_place)
        };
        match (work.map(|work| &work.spec), files.unwrap_or_default()) {
            (Some(spec), files @ [_, ..]) => {
                // Fails where a file is not what it was.
                let files = Checked::again(blobs, files.to_vec(), context)?.files;
                let named = names(spec, &files);
                let parts = files.iter().zip(named).map(|(file, name)| {
                    Ok(Part {
                        table: BlobTable::located(blobs, spec, std::slice::from_ref(file))?,
                        input: key::location_of(&file.key).map_or_else(|| file.key.to_string(), String::from),
                        output: output(&name)?,
                    })
                });
                let parts: Result<_, JobError> = parts.collect();
                Ok((BlobTable::located(blobs, spec, &files)?, parts?))
            }
            _ => {
                let facts = source_facts(self.source)?;
                let table = || BlobTable::of(blobs, self.job, self.source, facts.header, context);
                let only = Part {
                    table: table()?,
                    input: self.source.location.clone(),
                    output: output(&last_segment(&self.source.location))?,
                };
                Ok((table()?, vec![only]))
            }
        }
    }

    fn written(
        &self,
        to: &Location,
        manifest: &Map<String, Value>,
        context: &JobContext,
    ) -> Result<Published, JobError> {
        let mut file = self.handler.blobs.write_blocking(&key::located(to))?;
        let text = serde_json::to_vec(manifest)
            .map_err(|error| JobError::from(Problem::new("internal", error.to_string())))?;
        file.write_all(&text).map_err(PipelineError::Write)?;
        context.confirm()?;
        Ok(file.publish()?)
    }
}

/// The part of all records, as each file in turn has to be asked for it.
struct Pieces {
    selector: Selector,
    counts_bytes: bool,
    /// Records of the files before.
    rows: u64,
    /// Bytes up to the first record of the next file, as all files together have them.
    bytes: Option<u64>,
}

impl Pieces {
    /// The part of the records of the next file.
    fn next(&mut self, table: &BlobTable) -> Result<Selector, JobError> {
        if !self.counts_bytes {
            return Ok(self.selector.after(self.rows, 0));
        }
        let (head, rest) = lengths(table).map_err(PipelineError::Write)?;
        // Names of columns come once in all files together, and in each file by itself.
        let before = self.bytes.unwrap_or(head);
        self.bytes = Some(before + rest);
        let shift = i64::try_from(before).unwrap_or(i64::MAX) - i64::try_from(head).unwrap_or(i64::MAX);
        Ok(self.selector.after(self.rows, shift))
    }
}

/// Bytes of the line of names, and of all lines after it.
fn lengths(table: &BlobTable) -> io::Result<(u64, u64)> {
    let text = match table.column_files() {
        // As text, which is what a split goes by.
        Some(files) => Opening::parquet_files(files)
            .map_err(io::Error::other)?
            .into_text(),
        None => table.open()?,
    };
    let mut reader = BufReader::new(text);
    let (mut head, mut all, mut last) = (None, 0, b'\n');
    loop {
        let bytes = reader.fill_buf()?;
        let Some(end) = bytes.last() else { break };
        last = *end;
        if head.is_none() {
            head = memchr::memchr(b'\n', bytes).map(|at| all + at as u64 + 1);
        }
        let length = bytes.len();
        all += length as u64;
        reader.consume(length);
    }
    let head = head.unwrap_or(all);
    Ok((head, all - head + u64::from(last != b'\n')))
}

fn no_place(error: InvalidName) -> JobError {
    Problem::new("invalid_location", error.to_string()).into()
}

fn last_segment(text: &str) -> String {
    text.rsplit('/').next().unwrap_or_default().to_owned()
}

/// The names of files in their results, no two the same: the last segment of each, or, where two are the same, the way to
/// them from the folder of all, joined by `-`, and a number before what is the same even then.
fn names(spec: &DataSourceSpec, files: &[SourceFile]) -> Vec<String> {
    let last: Vec<String> = files.iter().map(|file| last_segment(file.key.as_str())).collect();
    let distinct: HashSet<&String> = last.iter().collect();
    if distinct.len() == last.len() {
        return last;
    }
    let folder = spec
        .location
        .as_ref()
        .map(|location| key::located(location).to_string());
    let folder = folder.unwrap_or_default();
    let below = |key: &BlobKey| {
        let path = key.as_str().strip_prefix(&folder).unwrap_or(key.as_str());
        path.trim_start_matches('/').replace('/', "-")
    };
    distinct_names(files.iter().map(|file| below(&file.key)).collect())
}

/// Puts a number before each name that another one had.
fn distinct_names(names: Vec<String>) -> Vec<String> {
    let all: HashSet<String> = names.iter().cloned().collect();
    let mut taken = HashSet::new();
    let free = |name: &String, taken: &HashSet<String>| !taken.contains(name) && !all.contains(name);
    let mut given = Vec::with_capacity(names.len());
    for name in names {
        let name = match taken.contains(&name) {
            false => name,
            true => {
                let mut numbered = (2..).map(|number| format!("{number}-{name}"));
                numbered.find(|name| free(name, &taken)).unwrap_or(name)
            }
        };
        taken.insert(name.clone());
        given.push(name);
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_results_have_one_name() {
        let given = |names: &[&str]| distinct_names(names.iter().map(ToString::to_string).collect());
        assert_eq!(
            given(&["a-x.csv", "a-x.csv", "b-x.csv"]),
            ["a-x.csv", "2-a-x.csv", "b-x.csv"]
        );
        assert_eq!(given(&["x", "x", "2-x", "x"]), ["x", "3-x", "2-x", "4-x"]);
    }
}
