//! Scores the records of a batch and writes their lines: the work that all threads share.

use super::layout::{Layout, Unread};
use super::problems;
use crate::ml::features::NoteKind;
use crate::ml::ingest::{Batch, RowProblem};
use crate::ml::pipeline::truths;
use crate::ml::predict::{Predictor, Scratch, TOGETHER};
use crate::ml::record::Record;
use crate::ml::split::Selector;

/// A record to score.
struct Entry<'b> {
    record: &'b Record,
    /// Its number in the source from 1, empty lines counted.
    row: u64,
    /// Whether it must be left out, and what is wrong with it.
    problem: Option<(bool, &'b RowProblem)>,
}

/// What comes of some records; use one again and again.
#[derive(Default)]
pub struct Chunk {
    /// Lines of the output.
    pub lines: Vec<u8>,
    /// Lines of the side file.
    pub problems: Vec<u8>,
    /// How many these are.
    pub listed: u64,
    /// Answers beside truths, packed.
    pub truths: Vec<u8>,
    /// How often each kind of odd field was met.
    pub notes: [u64; NoteKind::ALL.len()],
    /// Records of the part, and empty lines before them.
    pub rows: u64,
    pub empty: u64,
    /// What is wrong with their rows, and whether those have no answer for that.
    pub found: Vec<(bool, RowProblem)>,
}

/// What a thread scores with; use one again and again.
pub struct Buffers {
    scratch: Scratch,
    aligned: Record,
}

impl Buffers {
    /// Buffers for records that `predictor` scores.
    pub fn new(predictor: &Predictor) -> Self {
        Self {
            scratch: Scratch::remembering(predictor),
            aligned: Record::new(),
        }
    }
}

impl Chunk {
    /// Scores the records of a batch that belong to the part, in order. Problems are written down where they are wanted.
    pub fn score(
        &mut self,
        layout: &Layout,
        (batch, part): (&Batch, &Selector),
        wants_problems: bool,
        buffers: &mut Buffers,
    ) {
        self.clear();
        let mut problems = batch.problems.iter().peekable();
        let mut empty = batch.empty_before;
        let field = |record, attribute| {
            let column = layout.columns.column_of(attribute);
            column.map_or("", |column| Record::get(record, column))
        };
        for (index, record) in batch.records().iter().enumerate() {
            // Of a part of the rows most may not be asked for.
            if index % TOGETHER == 0 && part.is_all() {
                let next = batch.records().get(index..).unwrap_or_default();
                layout.predictor.warm(next, field, &buffers.scratch);
            }
            let problem = problems.next_if(|(row, ..)| *row == index);
            empty += record.position.empty_before;
            if part.selects(record) {
                let entry = Entry {
                    record,
                    row: record.position.record + 1 + empty,
                    problem: problem.map(|(_, is_bad, problem)| (*is_bad, problem)),
                };
                self.add(layout, &entry, wants_problems, buffers);
            }
        }
    }

    fn clear(&mut self) {
        self.lines.clear();
        self.problems.clear();
        self.truths.clear();
        self.found.clear();
        (self.listed, self.notes) = (0, [0; NoteKind::ALL.len()]);
        (self.rows, self.empty) = (0, 0);
    }

    fn add(&mut self, layout: &Layout, entry: &Entry, wants_problems: bool, buffers: &mut Buffers) {
        self.rows += 1;
        self.empty += entry.record.position.empty_before;
        self.empty_lines(layout, entry, wants_problems);
        if let Some((is_bad, problem)) = entry.problem {
            self.found.push((is_bad, problem.clone()));
            if wants_problems {
                problems::of_row(&mut self.problems, entry.row, problem);
                self.listed += 1;
            }
        }
        match entry.problem {
            Some((true, problem)) => {
                let (row, line) = (entry.row, entry.record.position.line);
                let detail = problem.detail.as_str();
                layout.unread(&Unread { row, line, detail }, &mut self.lines);
            }
            _ => self.answer(layout, entry, wants_problems, buffers),
        }
    }

    /// An empty line is a record that cannot be read.
    fn empty_lines(&mut self, layout: &Layout, entry: &Entry, wants_problems: bool) {
        let position = entry.record.position;
        for before in (1..=position.empty_before).rev() {
            let unread = Unread {
                row: entry.row - before,
                line: position.line - before,
                detail: "the line is empty",
            };
            layout.unread(&unread, &mut self.lines);
            if wants_problems {
                let problem = RowProblem {
                    code: "empty_line".into(),
                    line: unread.line,
                    detail: unread.detail.into(),
                };
                problems::of_row(&mut self.problems, unread.row, &problem);
                self.listed += 1;
            }
        }
    }

    fn answer(&mut self, layout: &Layout, entry: &Entry, wants_problems: bool, buffers: &mut Buffers) {
        let Self {
            lines,
            problems: told,
            listed,
            truths,
            notes,
            ..
        } = self;
        let Buffers { scratch, aligned } = buffers;
        let (predictor, schema) = (layout.predictor, layout.predictor.schema());
        let place = (entry.row, entry.record.position.line);
        let record = layout.columns.align(entry.record, aligned);
        predictor.score_noting(record, scratch, |note| {
            notes[note.kind as usize] += 1;
            if wants_problems && note.kind != NoteKind::Missing {
                problems::of_field(told, place, schema, note, record.get(note.attribute));
                *listed += 1;
            }
        });
        if let (Some(column), Some(target)) = (layout.truth, schema.target_index()) {
            let missing_values = &schema.attributes[target].missing_values;
            let truth = predictor.target().read(entry.record.get(column), missing_values);
            truths::pack(truths, predictor.target(), &scratch.scores, truth);
        }
        layout.answer(entry.row, entry.record, scratch, lines);
    }
}
