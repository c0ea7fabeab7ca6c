//! Reads chunks of training rows: what they hold of numbers and tokens, on any thread and in any order.

use super::count::TokenCounts;
use super::cut::Cut;
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
}

/// What one chunk of rows holds; use one again and again.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Values with the numbers of their rows.
    pub(super) numbers: Vec<Vec<(f64, u64)>>,
    pub(super) counts: Vec<TokenCounts>,
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
        for (row, record) in rows.iter().enumerate() {
            self.plan.read(record, workspace);
            for (at, number) in workspace.numbers.iter().enumerate() {
                if let Number::Value(value) = number {
                    chunk.numbers[at].push((*value, record.position.record));
                }
            }
            for (term, step) in steps.iter().enumerate() {
                match step {
                    Step::Tokens(tokens) if !self.by_column[term] && self.is_counted_now(tokens) => {
                        let counts = &mut chunk.counts[term];
                        let active = &mut chunk.active;
                        self.plan
                            .for_each_token(tokens, record, &self.cuts, workspace, |token| {
                                *active += 1;
                                counts.add(token, row as u32);
                            });
                    }
                    Step::Missing(place) => chunk.missing[term] |= is_missing(*place, workspace),
                    Step::Bin { .. } | Step::Truth(_) if !self.second => chunk.active += 1,
                    Step::Tokens(_) | Step::Number(_) | Step::Bin { .. } | Step::Truth(_) => {}
                }
            }
        }
    }

    fn is_counted_now(&self, tokens: &TokenStep) -> bool {
        needs_cuts(tokens) == self.second
    }
}

impl Chunk {
    /// Makes it empty, for so many numbers and terms.
    fn clear(&mut self, numbers: usize, terms: usize) {
        self.numbers.resize_with(numbers, Vec::new);
        self.numbers.iter_mut().for_each(Vec::clear);
        // New ones: what is in a table that was used before comes out in another order.
        self.counts.clear();
        self.counts.resize_with(terms, TokenCounts::default);
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
