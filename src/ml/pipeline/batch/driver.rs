//! Goes through the input, segment by segment, and keeps the sums.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use sha2::{Digest, Sha256};

use super::chunk::{Buffers, Chunk};
use super::form::Format;
use super::keep::Keep;
use super::layout::Layout;
use super::parts::{Left, Mark, Parts, Piece, name, open};
use super::sink::{Outputs, Sink};
use super::summary::{BatchMetrics, BatchSummary};
use super::{BatchOptions, problems};
use crate::ml::Task;
use crate::ml::features::NoteKind;
use crate::ml::ingest::problems::MAX_REJECTED;
use crate::ml::ingest::{Batch, IngestError, Lane, Problems, RowReader, Told, Wanted, flow};
use crate::ml::model::bundle::hex;
use crate::ml::observe::{Observer, Stage};
use crate::ml::pipeline::judge::Judge;
use crate::ml::pipeline::{PipelineError, Table, select, truths};
use crate::ml::pool::Pool;
use crate::ml::predict::Predictor;
use crate::ml::schema::Schema;
use crate::ml::split::Selector;
use crate::ml::wording::counted;

/// Scores the records of `table` in input order. With [`Outputs::resume`] it goes on after the parts that an earlier
/// attempt finished; the output is the same, byte for byte.
pub fn predict_into(
    predictor: &Predictor,
    table: &dyn Table,
    options: &BatchOptions,
    outputs: Outputs<'_>,
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
    let done = predict_part(predictor, table, options, &part, outputs, observer)?;
    Ok(done.0)
}

/// The same for a part that is known already, whatever split the options name; and how many records were read, those
/// of other parts included and empty lines left out.
pub fn predict_part(
    predictor: &Predictor,
    table: &dyn Table,
    options: &BatchOptions,
    part: &Selector,
    mut outputs: Outputs<'_>,
    observer: &mut dyn Observer,
) -> Result<(BatchSummary, u64), PipelineError> {
    let schema = predictor.schema();
    let reader = table.rows(names_for_json(schema, options))?;
    let layout = Layout::new(predictor, &reader, options)?;
    if table.bytes() < options.segments.least_input {
        // Scoring a small file again costs less than keeping its parts.
        outputs.resume = None;
    }
    let work = outputs
        .resume
        .map(|resume| work_of(predictor, options, resume.input, outputs.problems.is_some()));
    let mut run = Run::new(&layout, options, outputs, work.unwrap_or_default())?;
    run.watch_names(&reader);
    if run.done > 0 {
        let rows = counted(run.at.summary.records, "row");
        observer.note(&format!("going on after {rows} that an earlier attempt finished"));
    }
    let (done, wants_problems, rows) = (run.done, run.sink.wants_problems(), AtomicU64::new(0));
    let buffers = Pool::new(|| Buffers::new(predictor));
    let score = |batch: &Batch, chunk: &mut Chunk| -> Result<(), PipelineError> {
        if batch.first_record().is_some_and(|first| first >= done) {
            buffers.with(|buffers| chunk.score(&layout, (batch, part), wants_problems, buffers));
        }
        Ok(())
    };
    let written: Lane<Chunk, PipelineError> = Box::new(|batch, chunk| {
        run.batch(batch, chunk)?;
        rows.store(run.at.summary.records, Ordering::Relaxed);
        Ok(())
    });
    let mut counting = Counting {
        observer,
        rows: &rows,
    };
    let told = Told {
        total_bytes: table.bytes(),
        stage: Stage::Predict,
        observer: &mut counting,
    };
    flow(reader, Wanted::Records, told, score, vec![written])?;
    run.finish(observer)
}

/// Passes reports on together with the number of rows.
struct Counting<'a> {
    observer: &'a mut dyn Observer,
    rows: &'a AtomicU64,
}

impl Observer for Counting<'_> {
    fn report(&mut self, stage: Stage, done: u64, total: u64) -> ControlFlow<()> {
        self.observer.rows(self.rows.load(Ordering::Relaxed));
        self.observer.report(stage, done, total)
    }
}

/// The columns that JSON lines are looked through for: those of the schema, and those that are passed through.
fn names_for_json(schema: &Schema, options: &BatchOptions) -> Vec<String> {
    let mut names: Vec<String> = schema.attributes.iter().map(|a| a.name.clone()).collect();
    for column in &options.columns {
        if !names.contains(column) {
            names.push(column.clone());
        }
    }
    names
}

/// What parts look like; parts of another version are other work.
const PARTS_VERSION: u32 = 2;

/// A name for the work: the same model, input and options of the same program have the same name.
fn work_of(predictor: &Predictor, options: &BatchOptions, input: &str, problems: bool) -> String {
    let text = format!(
        "{PARTS_VERSION} {} {} {} {input} {problems} {options:?}",
        env!("CARGO_PKG_VERSION"),
        predictor.hash(),
        predictor.threshold().to_bits(),
    );
    hex(&Sha256::digest(text.as_bytes()))
}

/// A batch that is under way.
struct Run<'a, 'o> {
    layout: &'a Layout<'a>,
    options: &'a BatchOptions,
    sink: Sink<'o>,
    at: Mark,
    /// Records that earlier attempts have done.
    done: u64,
    /// Where the segment began that is being written, as record and byte.
    segment: Option<(u64, u64)>,
    judge: Option<Judge>,
    unknown_target: u64,
    /// For JSON lines, which columns were met.
    met: Option<Vec<bool>>,
}

impl<'a, 'o> Run<'a, 'o> {
    fn new(
        layout: &'a Layout<'a>,
        options: &'a BatchOptions,
        outputs: Outputs<'o>,
        work: String,
    ) -> Result<Self, PipelineError> {
        let (predictor, target) = (layout.predictor, layout.predictor.target());
        // The mean of the target is for baselines, which a batch does not tell.
        let mut judge = layout.truth.map(|_| Judge::new(target, 0.0));
        let (mut at, mut unknown_target, mut left) = (Mark::default(), 0, None);
        if let Some(resume) = outputs.resume {
            // The footer of Parquet tells of all pieces.
            let may_grow = options.form.format != Format::Parquet;
            let wanted = [
                judge.as_ref().map(|_| Piece::Truths),
                outputs.problems.as_ref().map(|_| Piece::Problems),
            ];
            let pieces: Vec<Piece> = wanted.into_iter().flatten().collect();
            let mut found = Left::find(resume.parts, &work, may_grow, &pieces)?;
            let number = found.marks.len() as u64;
            at = found.marks.pop().unwrap_or_default();
            (at.work, at.run) = (work, found.run);
            if let Some(judge) = &mut judge {
                unknown_target = judge_again(resume.parts, (&at.work, number), judge)?;
            }
            left = Some((resume.parts, number, found.grows));
        }
        at.summary.threshold = (predictor.task() == Task::Binary).then(|| predictor.threshold());
        at.summary.positive = target.positive().map(str::to_string);
        at.summary.extra_columns.clone_from(&layout.columns.extra);
        at.summary.absent_columns.clone_from(&layout.columns.absent);
        let keep = |(parts, number, grows)| Keep::behind(parts, (number, &at), judge.is_some(), grows);
        let keep = left.map(keep).transpose()?;
        Ok(Self {
            layout,
            options,
            sink: Sink::new(outputs, options.form, &layout.outputs, keep)?,
            done: at.read,
            at,
            segment: None,
            judge,
            unknown_target,
            met: None,
        })
    }

    /// JSON lines tell their columns as they come.
    fn watch_names(&mut self, reader: &RowReader) {
        if let RowReader::Json(_) = reader {
            self.met = Some(vec![false; reader.columns().len()]);
            self.at.summary.extra_columns.clear();
        }
    }

    /// Writes what came of a batch.
    fn batch(&mut self, batch: &Batch, chunk: &Chunk) -> Result<(), PipelineError> {
        if let Some(met) = &mut self.met {
            batch.names.met.iter().for_each(|&column| met[column] = true);
            self.at
                .summary
                .extra_columns
                .extend_from_slice(&batch.names.extra);
        }
        let Some(first) = batch.records().first().map(|record| record.position) else {
            return Ok(());
        };
        if first.record < self.done {
            return Ok(());
        }
        self.cut(first.record, first.byte)?;
        let summary = &mut self.at.summary;
        chunk
            .found
            .iter()
            .for_each(|(is_bad, problem)| summary.problems.count(*is_bad, problem.clone()));
        let before = self.options.before.unwrap_or_default();
        let seen = before.records + summary.records + chunk.rows;
        let rejected = before.rejected + summary.problems.rejected;
        // Lines without an answer are part of a batch, but most of many lines say that something else is wrong.
        if rejected > MAX_REJECTED && rejected * 2 > seen {
            let problems = summary.problems.clone();
            Problems { rejected, ..problems }.check(seen, false)?;
        }
        let bad = chunk.found.iter().filter(|(is_bad, _)| *is_bad).count() as u64;
        summary.records += chunk.rows + chunk.empty;
        summary.invalid += bad + chunk.empty;
        self.at.read += batch.records().len() as u64;
        self.take(chunk)
    }

    /// Begins a segment before the record, where the one at hand is long enough. Depends on the input alone.
    fn cut(&mut self, record: u64, byte: u64) -> Result<(), PipelineError> {
        let limits = &self.options.segments;
        match self.segment {
            Some((first, start)) if record - first < limits.records && byte - start < limits.bytes => {
                return Ok(());
            }
            Some(_) => self.sink.end(&self.at)?,
            None => {}
        }
        self.begin((record, byte))
    }

    fn begin(&mut self, place: (u64, u64)) -> Result<(), PipelineError> {
        self.segment = Some(place);
        self.sink.begin()?;
        if self.at.read == 0 {
            let mut header = Vec::new();
            self.layout.header(&mut header);
            self.sink.lines(&header)?;
        }
        Ok(())
    }

    fn take(&mut self, chunk: &Chunk) -> Result<(), PipelineError> {
        self.sink.lines(&chunk.lines)?;
        let notes = NoteKind::ALL.iter().zip(chunk.notes);
        for (kind, count) in notes.filter(|(_, count)| *count > 0) {
            *self
                .at
                .summary
                .notes
                .entry(kind.as_str().to_string())
                .or_default() += count;
        }
        if let Some(judge) = &mut self.judge {
            self.unknown_target += truths::judge(&chunk.truths, judge)?;
            self.sink.truths(&chunk.truths)?;
        }
        let room = problems::MOST_LINES - self.at.listed;
        let shown = chunk.listed.min(room);
        self.at.listed += shown;
        self.at.more += chunk.listed - shown;
        self.sink
            .problems(first_lines(&chunk.problems, shown, chunk.listed))?;
        Ok(())
    }

    fn finish(mut self, observer: &mut dyn Observer) -> Result<(BatchSummary, u64), PipelineError> {
        if self.options.before.is_none() {
            self.at.summary.check()?;
        }
        if self.segment.is_none() && self.at.read == 0 {
            self.begin((0, 0))?;
        }
        self.absent_names();
        let (judge, unknown) = (self.judge.take(), self.unknown_target);
        let threshold = self.layout.predictor.threshold();
        let (mut summary, read) = (std::mem::take(&mut self.at.summary), self.at.read);
        thread::scope(|scope| {
            // Metrics are worked out while the output is put together.
            let judged = |judge: Judge| {
                let work = move || BatchMetrics::of(&judge.finish(threshold), unknown);
                thread::Builder::new().spawn_scoped(scope, work)
            };
            let metrics = judge.map(judged).transpose()?;
            let handed_over = self.hand_over(observer);
            if let Some(metrics) = metrics {
                let metrics = metrics.join();
                summary.metrics = metrics.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
            handed_over.map(|()| (summary, read))
        })
    }

    /// Ends the last segment and puts all of them together.
    fn hand_over(mut self, observer: &mut dyn Observer) -> Result<(), PipelineError> {
        if self.segment.is_some() {
            self.sink.end_last()?;
        }
        let mut rest = Vec::new();
        problems::of_rest(&mut rest, self.at.more);
        self.sink.finish(&rest, |done, total| {
            match observer.report(Stage::Write, done, total) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(PipelineError::from(IngestError::Stopped)),
            }
        })
    }

    /// Inputs that no line had.
    fn absent_names(&mut self) {
        if let Some(met) = &self.met {
            let schema = self.layout.predictor.schema();
            let is_absent = |index: &usize| {
                let column = self.layout.columns.column_of(*index);
                column.is_none_or(|column| !met[column])
            };
            let absent = schema.inputs().filter(is_absent);
            self.at.summary.absent_columns = absent
                .map(|index| schema.attributes[index].name.clone())
                .collect();
        }
    }
}

/// Judges what earlier attempts have scored; returns how many records have no usable target.
fn judge_again(
    parts: &dyn Parts,
    (work, finished): (&str, u64),
    judge: &mut Judge,
) -> Result<u64, PipelineError> {
    let (mut unknown, mut bytes) = (0, Vec::new());
    for number in 0..finished {
        bytes.clear();
        open(parts, &name(work, number, Piece::Truths))?.read_to_end(&mut bytes)?;
        unknown += truths::judge(&bytes, judge)?;
    }
    Ok(unknown)
}

/// The first `shown` of `all` lines.
fn first_lines(bytes: &[u8], shown: u64, all: u64) -> &[u8] {
    match shown {
        0 => &[],
        shown if shown == all => bytes,
        shown => {
            let mut ends = memchr::memchr_iter(b'\n', bytes);
            let end = ends.nth(shown as usize - 1).map_or(bytes.len(), |end| end + 1);
            &bytes[..end]
        }
    }
}
