//! Judges a model on the rows of a table.

use super::coverage::not_judged;
use super::error::PipelineError;
use super::judge::Judge;
use super::select::select;
use super::table::Table;
use super::truths;
use crate::ml::columns::ColumnMap;
use crate::ml::evaluate::Report;
use crate::ml::ingest::{Batch, Lane, Problems, Told, Wanted, flow};
use crate::ml::model::bundle::TrainingFacts;
use crate::ml::observe::{Observer, Stage};
use crate::ml::pool::Pool;
use crate::ml::predict::{Predictor, Scratch};
use crate::ml::record::Record;
use crate::ml::split::{Selector, Split};

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
    let (mut unknown_target, mut seen, mut belonging) = (0, 0, 0u64);
    let mut problems = Problems::default();
    let score = |batch: &Batch, scored: &mut Scored| -> Result<(), PipelineError> {
        buffers.with(|buffers| scored.score(predictor, &columns, (batch, part), target, buffers));
        Ok(())
    };
    let judged: Lane<Scored, PipelineError> = Box::new(|batch, scored| {
        problems.add(&batch.problems);
        seen += batch.records().len() as u64;
        problems.check(seen, false)?;
        belonging += scored.rows;
        unknown_target += truths::judge(&scored.packed, &mut judge)?;
        Ok(())
    });
    let told = Told {
        total_bytes: table.bytes(),
        stage: Stage::Evaluate,
        observer,
    };
    flow(reader, Wanted::Records, told, score, vec![judged])?;
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

/// What came of a batch.
#[derive(Default)]
struct Scored {
    /// What was answered beside what is true.
    packed: Vec<u8>,
    /// Rows that belong to the part.
    rows: u64,
}

impl Scored {
    /// Scores the rows of a batch that belong to the part, in order.
    fn score(
        &mut self,
        predictor: &Predictor,
        columns: &ColumnMap,
        (batch, part): (&Batch, &Selector),
        target: usize,
        (scratch, aligned): &mut (Scratch, Record),
    ) {
        let missing_values = &predictor.schema().attributes[target].missing_values;
        let target_column = columns.column_of(target).unwrap_or(target);
        self.packed.clear();
        self.rows = 0;
        for (_, record) in batch.good_records().filter(|(_, record)| part.selects(record)) {
            self.rows += 1;
            predictor.score(columns.align(record, aligned), scratch);
            let truth = predictor.target().read(record.get(target_column), missing_values);
            truths::pack(&mut self.packed, predictor.target(), &scratch.scores, truth);
        }
    }
}

/// What to say of rows whose target is missing or unusable.
fn without_target(count: u64) -> String {
    let (rows, have, were) = match count {
        1 => ("row", "has", "was"),
        _ => ("rows", "have", "were"),
    };
    format!("{count} {rows} to evaluate on {have} no usable target and {were} left out")
}
