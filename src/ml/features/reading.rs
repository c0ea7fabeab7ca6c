//! Reads chunks of training rows: what they hold of numbers and tokens, on any thread and in any order.

use std::sync::Arc;

use super::count::TokenCounts;
use super::cut::Cut;
use super::kept::{Room, Stream};
use super::plan::Plan;
use super::step::{Place, Step, TokenStep};
use super::workspace::Workspace;
use crate::ml::record::Record;
use crate::ml::value::Number;

/// How rows are read; the same for all of them within a pass.
#[derive(Debug)]
pub struct Reading {
    pub(super) plan: Plan,
    pub(super) cuts: Vec<Cut>,
    /// Whether the pass that needs finished bins is under way.
    pub(super) second: bool,
    /// For each term whether its tokens are counted column by column, and not while rows are read.
    pub(super) by_column: Vec<bool>,
    /// Whether rows are kept, so that they need not be read again.
    pub(super) room: Arc<Room>,
}

/// What one chunk of rows holds; use one again and again.
#[derive(Debug, Default)]
pub struct Chunk {
    /// For each number its value on each row; not a number where there is none.
    pub(super) numbers: Vec<Vec<f64>>,
    /// How many rows were before each in the source.
    pub(super) positions: Vec<u64>,
    pub(super) counts: Vec<TokenCounts>,
    /// The tokens of each row by their numbers in `counts`, where rows are kept.
    pub(super) tokens: Vec<Stream>,
    /// Truths that hold and values that are missing, where rows are kept: the terms of each row.
    pub(super) flags: Stream,
    pub(super) missing: Vec<bool>,
    pub(super) rows: u64,
    pub(super) active: u64,
}

impl Reading {
    /// Reads rows in schema order into a chunk.
    pub fn read(&self, rows: &[&Record], workspace: &mut Workspace, chunk: &mut Chunk) {
        let steps = self.plan.steps();
        chunk.clear(self.plan.numbers().len(), steps.len());
        chunk.rows = rows.len() as u64;
        chunk
            .positions
            .extend(rows.iter().map(|record| record.position.record));
        let mut keeps = self.room.is_open();
        for (row, record) in rows.iter().enumerate() {
            if keeps
                && self
                    .room
                    .is_too_small_for(chunk.active as usize * size_of::<u32>())
            {
                self.room.close();
                keeps = false;
                chunk.tokens.iter_mut().for_each(|kept| *kept = Stream::default());
            }
            let keeps_flags = keeps && !self.second;
            self.plan.read(record, workspace);
            for (values, number) in chunk.numbers.iter_mut().zip(&workspace.numbers) {
                values.push(match number {
                    Number::Value(value) => *value,
                    Number::Missing | Number::Invalid => f64::NAN,
                });
            }
            for (term, step) in steps.iter().enumerate() {
                match step {
                    Step::Tokens(tokens) if !self.by_column[term] && self.is_counted_now(tokens) => {
                        let (counts, kept) = (&mut chunk.counts[term], &mut chunk.tokens[term]);
                        let active = &mut chunk.active;
                        self.plan
                            .for_each_token(tokens, record, &self.cuts, workspace, |token| {
                                *active += 1;
                                let number = counts.add(token, row as u32);
                                if keeps {
                                    kept.push(number);
                                }
                            });
                        if keeps {
                            kept.end_row();
                        }
                    }
                    Step::Missing(place) if is_missing(*place, workspace) => {
                        chunk.missing[term] = true;
                        chunk.flag(term, keeps_flags);
                    }
                    Step::Truth(place) if !self.second => {
                        chunk.active += 1;
                        chunk.flag(term, keeps_flags && workspace.truths[*place] == Some(true));
                    }
                    Step::Bin { .. } if !self.second => chunk.active += 1,
                    _ => {}
                }
            }
            if keeps_flags {
                chunk.flags.end_row();
            }
        }
    }

    fn is_counted_now(&self, tokens: &TokenStep) -> bool {
        needs_cuts(tokens) == self.second
    }
}

impl Chunk {
    fn flag(&mut self, term: usize, is_kept: bool) {
        if is_kept {
            self.flags.push(term as u32);
        }
    }

    /// Makes it empty, for so many numbers and terms.
    fn clear(&mut self, numbers: usize, terms: usize) {
        self.numbers.resize_with(numbers, Vec::new);
        self.numbers.iter_mut().for_each(Vec::clear);
        self.positions.clear();
        // New ones: what is in a table that was used before comes out in another order.
        self.counts.clear();
        self.counts.resize_with(terms, TokenCounts::default);
        self.tokens.clear();
        self.tokens.resize_with(terms, Stream::default);
        self.flags = Stream::default();
        self.missing.clear();
        self.missing.resize(terms, false);
        (self.rows, self.active) = (0, 0);
    }
}

/// Whether a step reads finished bins.
pub(super) fn needs_cuts(step: &TokenStep) -> bool {
    match step {
        TokenStep::Bin { .. } => true,
        TokenStep::Product(factors) => factors.iter().any(needs_cuts),
        _ => false,
    }
}

/// Whether the value at a place is missing or unreadable in the record that was read last.
pub(super) fn is_missing(place: Place, workspace: &Workspace) -> bool {
    match place {
        Place::Number(at) => !matches!(workspace.numbers[at], Number::Value(_)),
        Place::Truth(at) => workspace.truths[at].is_none(),
        Place::Date(at) => workspace.dates[at].is_none(),
    }
}
