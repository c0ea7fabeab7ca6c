//! Judges a model on the rows of a table.

use rayon::prelude::*;

use super::coverage::not_judged;
use super::error::PipelineError;
use super::judge::Judge;
use super::select::select;
use super::table::Table;
use super::truths;
use crate::ml::columns::ColumnMap;
use crate::ml::evaluate::Report;
use crate::ml::ingest::{Batch, Problems, for_each_batch};
use crate::ml::model::bundle::TrainingFacts;
use crate::ml::observe::{Observer, Stage};
use crate::ml::pool::Pool;
use crate::ml::predict::{Predictor, Scratch};
use crate::ml::record::Record;
use crate::ml::split::{Selector, Split};

/// Rows that one thread scores at a time: few, so that no thread waits long for another.
const CHUNK_ROWS: usize = 64;

/// How good a model is on some rows, and which rows could not be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The report.
    pub report: Report,
    /// Rows whose target is missing or unreadable.
    pub unknown_target: u64,
    /// Rows of the whole table that could not be read, with examples.
    pub problems: Problems,
    /// Remarks for people.
    pub warnings: Vec<String>,
}

/// Scores the rows of `table` that `split` selects and compares with their target.
pub fn evaluate(
    predictor: &Predictor,
    facts: &TrainingFacts,
    table: &dyn Table,
    split: &Split,
    observer: &mut dyn Observer,
) -> Result<Evaluation, PipelineError> {
    let schema = predictor.schema();
    let part = select(table, split, Some(schema), schema.target.as_deref(), observer)?;
    evaluate_part(predictor, facts, table, (split, &part), observer)
}

/// The same for a split that is known to select the rows of `part` in this table, so that the table is read once.
pub fn evaluate_part(
    predictor: &Predictor,
    facts: &TrainingFacts,
    table: &dyn Table,
    (split, part): (&Split, &Selector),
    observer: &mut dyn Observer,
) -> Result<Evaluation, PipelineError> {
    let schema = predictor.schema();
    let target = schema.target_index().ok_or(PipelineError::NoTarget)?;
    let reader = table.records()?;
    let columns = ColumnMap::new(schema, reader.columns(), reader.has_header(), &[target])?;
    columns.require_any_input(schema, reader.columns())?;
    let mut judge = Judge::new(predictor.target(), facts.target_mean);
    let buffers = Pool::new(|| (Scratch::remembering(predictor), Record::new()));
    let mut scored: Vec<Vec<u8>> = Vec::new();
    let (mut unknown_target, mut seen, mut belonging) = (0, 0, 0u64);
    let mut problems = Problems::default();
    for_each_batch(
        reader,
        table.bytes(),
        Stage::Evaluate,
        observer,
        |batch: &Batch| -> Result<(), PipelineError> {
            problems.add(&batch.problems);
            seen += batch.records().len() as u64;
            problems.check(seen, false)?;
            let good = batch
                .records()
                .iter()
                .enumerate()
                .filter(|(index, _)| !batch.is_bad(*index))
                .map(|(_, record)| record);
            let selected: Vec<&Record> = good.filter(|record| part.selects(record)).collect();
            belonging += selected.len() as u64;
            // What was scored before is judged by this thread while the others score.
            let before = std::mem::take(&mut scored);
            unknown_target += rayon::in_place_scope(|scope| {
                scope.spawn(|_| scored = score_all(predictor, &columns, &selected, target, &buffers));
                judge_all(&before, &mut judge)
            })?;
            Ok(())
        },
    )?;
    unknown_target += judge_all(&scored, &mut judge)?;
    problems.check(seen, true)?;
    if belonging == 0 && !part.is_all() {
        return Err(PipelineError::EmptyPart {
            split: Box::new(split.clone()),
            code: "nothing_to_evaluate",
        });
    }
    if belonging == unknown_target {
        return Err(PipelineError::NothingToEvaluate {
            target: schema.attributes[target].name.clone(),
        });
    }
    let mut warnings = part.warnings().to_vec();
    if unknown_target > 0 {
        warnings.push(without_target(unknown_target));
    }
    if !columns.absent.is_empty() {
        warnings.push(format!(
            "attributes missing from the data, counted as missing values: {}",
            columns.absent.join(", ")
        ));
    }
    let report = judge.finish(predictor.threshold());
    warnings.extend(not_judged(&report, predictor.target(), split));
    Ok(Evaluation {
        report,
        unknown_target,
        problems,
        warnings,
    })
}

/// Scores rows on all threads; what was answered beside what is true, packed, in order.
fn score_all(
    predictor: &Predictor,
    columns: &ColumnMap,
    records: &[&Record],
    target: usize,
    buffers: &Pool<(Scratch, Record)>,
) -> Vec<Vec<u8>> {
    let missing_values = &predictor.schema().attributes[target].missing_values;
    let target_column = columns.column_of(target).unwrap_or(target);
    let score = |chunk: &[&Record]| {
        let mut packed = Vec::new();
        buffers.with(|(scratch, aligned)| {
            for record in chunk {
                predictor.score(columns.align(record, aligned), scratch);
                let truth = predictor.target().read(record.get(target_column), missing_values);
                truths::pack(&mut packed, predictor.target(), &scratch.scores, truth);
            }
        });
        packed
    };
    records.par_chunks(CHUNK_ROWS).map(score).collect()
}

/// Hands what was scored to the judge; returns how many rows have no usable target.
fn judge_all(scored: &[Vec<u8>], judge: &mut Judge) -> Result<u64, PipelineError> {
    let mut unknown = 0;
    for packed in scored {
        unknown += truths::judge(packed, judge)?;
    }
    Ok(unknown)
}

/// What to say of rows whose target is missing or unusable.
fn without_target(count: u64) -> String {
    let (rows, have, were) = match count {
        1 => ("row", "has", "was"),
        _ => ("rows", "have", "were"),
    };
    format!("{count} {rows} to evaluate on {have} no usable target and {were} left out")
}
