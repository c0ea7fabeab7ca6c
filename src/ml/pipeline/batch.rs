//! Scores a whole file: one output line for each input record, in input order.
//!
//! Columns: `tag` (the row id, if the schema has one and the file holds it), `trueLabel` (if the file
//! holds the target), then `bestAnswer,score` for two classes, one column for each class, or `score`
//! for a number; then columns passed through and explanations, where asked for. A record that cannot
//! be read, and an empty line before another record, leaves a blank line.

use std::io::Write;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::error::PipelineError;
use super::select::select;
use super::table::Table;
use crate::ml::Task;
use crate::ml::columns::ColumnMap;
use crate::ml::ingest::problems::MAX_REJECTED;
use crate::ml::ingest::{Batch, Problems, RecordReader, for_each_batch};
use crate::ml::observe::{Observer, Stage};
use crate::ml::predict::{Predictor, Scratch};
use crate::ml::record::Record;
use crate::ml::schema::nearest;
use crate::ml::split::{Selector, Split};

/// Rows that one thread scores and formats at a time.
const CHUNK_ROWS: usize = 256;

/// What to write beside the scores.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BatchOptions {
    /// Columns of the input to copy.
    pub columns: Vec<String>,
    /// Write the baseline and each attribute's contribution.
    pub explain: bool,
    /// Which rows to score.
    pub split: Split,
}

/// What a batch did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchSummary {
    /// Records seen.
    pub records: u64,
    /// Records that could not be read; their output line is blank.
    pub invalid: u64,
    /// Problems with examples.
    pub problems: Problems,
    /// How often each kind of odd field was met: missing, invalid, out of range, unknown.
    pub notes: std::collections::BTreeMap<String, u64>,
    /// Columns of the input that the model does not know.
    pub extra_columns: Vec<String>,
    /// Attributes of the model that the input does not have.
    pub absent_columns: Vec<String>,
}

/// Scores the records of `table` and writes CSV to `out`.
pub fn predict(
    predictor: &Predictor,
    table: &dyn Table,
    options: &BatchOptions,
    out: &mut dyn Write,
    observer: &mut dyn Observer,
) -> Result<BatchSummary, PipelineError> {
    let schema = predictor.schema();
    let part = select(
        table,
        &options.split,
        Some(schema),
        schema.target.as_deref(),
        observer,
    )?;
    let reader = table.records()?;
    let layout = Layout::new(predictor, &reader, options)?;
    let mut summary = BatchSummary {
        extra_columns: layout.columns.extra.clone(),
        absent_columns: layout.columns.absent.clone(),
        ..BatchSummary::default()
    };
    out.write_all(&layout.header()?)?;
    for_each_batch(
        reader,
        table.bytes(),
        Stage::Predict,
        observer,
        |batch| -> Result<(), PipelineError> { layout.score(batch, &part, &mut summary, out) },
    )?;
    if summary.records == summary.invalid && summary.records > 0 {
        summary.problems.check(summary.records, true)?;
    }
    out.flush()?;
    Ok(summary)
}

/// Where everything in the output comes from.
struct Layout<'a> {
    predictor: &'a Predictor,
    columns: ColumnMap,
    tag: Option<usize>,
    truth: Option<usize>,
    passed: Vec<usize>,
    names: Vec<String>,
    explain: bool,
}

impl<'a> Layout<'a> {
    fn new(
        predictor: &'a Predictor,
        reader: &RecordReader,
        options: &BatchOptions,
    ) -> Result<Self, PipelineError> {
        let schema = predictor.schema();
        let columns = ColumnMap::new(schema, reader.columns(), reader.has_header(), &[])?;
        columns.require_any_input(schema, reader.columns())?;
        let find = |name: &String| {
            reader
                .columns()
                .iter()
                .position(|column| column == name)
                .ok_or_else(|| {
                    let near = nearest(name, reader.columns().iter().map(String::as_str));
                    let suggestion = near
                        .map(|near| format!("; did you mean `{near}`?"))
                        .unwrap_or_default();
                    PipelineError::UnknownColumn {
                        name: name.clone(),
                        suggestion,
                    }
                })
        };
        let passed = options.columns.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let tag = schema
            .row_id
            .as_ref()
            .and_then(|name| schema.index_of(name))
            .and_then(|index| columns.column_of(index));
        let truth = schema.target_index().and_then(|index| columns.column_of(index));
        let names = reader.columns().to_vec();
        Ok(Self {
            predictor,
            columns,
            tag,
            truth,
            passed,
            names,
            explain: options.explain,
        })
    }

    fn header(&self) -> Result<Vec<u8>, PipelineError> {
        let mut fields: Vec<String> = Vec::new();
        self.tag.iter().for_each(|_| fields.push("tag".into()));
        self.truth.iter().for_each(|_| fields.push("trueLabel".into()));
        match self.predictor.task() {
            Task::Binary => fields.extend(["bestAnswer".into(), "score".into()]),
            Task::Multiclass => {
                fields.extend(self.predictor.target().labels().into_iter().map(str::to_string))
            }
            Task::Regression => fields.push("score".into()),
        }
        fields.extend(self.passed.iter().map(|&column| self.names[column].clone()));
        if self.explain {
            let schema = self.predictor.schema();
            fields.push("baseline".into());
            fields.extend(
                schema
                    .inputs()
                    .map(|index| format!("contribution_{}", schema.attributes[index].name)),
            );
        }
        let mut line = LineWriter::default();
        line.write(fields.iter().map(String::as_str))?;
        Ok(line.bytes)
    }

    fn score(
        &self,
        batch: &Batch,
        part: &Selector,
        summary: &mut BatchSummary,
        out: &mut dyn Write,
    ) -> Result<(), PipelineError> {
        summary.problems.add(&batch.problems);
        let selected: Vec<(bool, &Record)> = batch
            .records()
            .iter()
            .enumerate()
            .filter(|(_, record)| part.selects(record))
            .map(|(index, record)| (batch.is_bad(index), record))
            .collect();
        let chunks: Vec<Result<Lines, PipelineError>> = selected
            .par_chunks(CHUNK_ROWS)
            .map(|chunk| self.score_chunk(chunk))
            .collect();
        for chunk in chunks {
            let (bytes, notes) = chunk?;
            out.write_all(&bytes)?;
            for (kind, count) in NOTES.iter().zip(notes).filter(|(_, count)| *count > 0) {
                *summary.notes.entry((*kind).to_string()).or_default() += count;
            }
        }
        if summary.problems.rejected > MAX_REJECTED {
            summary
                .problems
                .check(summary.records + selected.len() as u64, false)?;
        }
        let empty: u64 = selected
            .iter()
            .map(|(_, record)| record.position.empty_before)
            .sum();
        summary.records += selected.len() as u64 + empty;
        summary.invalid += empty;
        summary.invalid += selected.iter().filter(|(bad, _)| *bad).count() as u64;
        Ok(())
    }

    fn score_chunk(&self, chunk: &[(bool, &Record)]) -> Result<Lines, PipelineError> {
        let (mut scratch, mut buffer, mut line) = (Scratch::default(), Record::new(), LineWriter::default());
        let mut notes = [0; NOTES.len()];
        for (bad, record) in chunk {
            // An empty line is a record that cannot be read: its line in the output is blank as well.
            line.bytes
                .extend((0..record.position.empty_before).map(|_| b'\n'));
            if *bad {
                line.bytes.push(b'\n');
                continue;
            }
            let aligned = self.columns.align(record, &mut buffer);
            self.predictor.score_noting(aligned, &mut scratch, |note| {
                if let Some(at) = NOTES.iter().position(|kind| *kind == note.kind.as_str()) {
                    notes[at] += 1;
                }
            });
            self.write_line(record, &mut scratch, &mut line)?;
        }
        Ok((line.bytes, notes))
    }

    fn write_line(
        &self,
        record: &Record,
        scratch: &mut Scratch,
        line: &mut LineWriter,
    ) -> Result<(), PipelineError> {
        let mut fields: Vec<String> = Vec::with_capacity(4 + scratch.scores.len());
        fields.extend(
            [self.tag, self.truth]
                .into_iter()
                .flatten()
                .map(|column| record.get(column).to_string()),
        );
        if self.predictor.task() == Task::Binary {
            let class = self.predictor.class_of(&scratch.scores);
            fields.push(self.predictor.target().label(class).to_string());
        }
        fields.extend(scratch.scores.iter().copied().map(shortest));
        fields.extend(self.passed.iter().map(|&column| record.get(column).to_string()));
        if self.explain {
            let explanation = self.predictor.explain(scratch);
            fields.push(shortest(explanation.baseline));
            fields.extend(
                explanation
                    .contributions
                    .iter()
                    .map(|(_, amount)| shortest(*amount)),
            );
        }
        line.write(fields.iter().map(String::as_str))
    }
}

/// The shortest text that reads back as the same number, with an exponent where that is shorter.
fn shortest(value: f64) -> String {
    format!("{value:?}")
}

/// The kinds of odd fields, in the order of the counters.
const NOTES: [&str; 5] = [
    "missing",
    "invalid",
    "out_of_range",
    "unknown_category",
    "unknown_words",
];

/// Output lines of some records, with a count of each kind of odd field.
type Lines = (Vec<u8>, [u64; NOTES.len()]);

/// CSV lines in memory.
#[derive(Default)]
struct LineWriter {
    bytes: Vec<u8>,
}

impl LineWriter {
    fn write<'f>(&mut self, fields: impl Iterator<Item = &'f str>) -> Result<(), PipelineError> {
        let mut writer = csv::WriterBuilder::new()
            .buffer_capacity(1 << 10)
            .from_writer(&mut self.bytes);
        writer
            .write_record(fields)
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        writer.flush()?;
        Ok(())
    }
}
