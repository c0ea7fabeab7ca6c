//! What is learned from the training rows before any weight: means, bins and dictionaries.
//!
//! Chunks of rows are read side by side, each into counts of its own; then they are put together term by
//! term. Neither the chunks nor the order in which they are put together depend on the threads.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::count::TokenCounts;
use super::cut::Cut;
use super::fields::FieldCounts;
use super::number_fit::NumberFit;
use super::plan::Plan;
use super::space;
use super::state::{CutState, FeaturizerState, TermState};
use super::step::{Place, Step, TokenStep};
use super::workspace::Workspace;
use crate::ml::moments::Moments;
use crate::ml::quantile::{Quantiles, exact_capacity};
use crate::ml::recipe::term::{NumberSource, Term, Tokens};
use crate::ml::record::Record;
use crate::ml::schema::Schema;
use crate::ml::value::Number;

/// Rows that are read together by one thread.
const CHUNK_ROWS: usize = 512;
/// Tokens that all dictionaries together count before rare ones are forgotten.
const MOST_TOKENS: usize = 6_000_000;
/// Bytes that all dictionaries together take before rare tokens are forgotten.
const MOST_BYTES: usize = 1 << 30;

/// Learns a [`FeaturizerState`] from training rows.
#[derive(Debug)]
pub struct FeaturizerFit {
    terms: Vec<Term>,
    plan: Plan,
    /// Dates that are missing where their number is.
    by_number: Vec<usize>,
    allowed: usize,
    /// Whether the pass that needs finished bins is under way.
    second: bool,
    /// For each number of the plan.
    numbers: Vec<NumberFit>,
    /// For each wanted cut: the number's place in the plan and the bins.
    wanted: Vec<(usize, u32)>,
    cuts: Vec<Cut>,
    /// For each term.
    counts: Vec<TokenCounts>,
    /// For each term, what is counted column by column.
    fields: Vec<FieldCounts>,
    missing: Vec<bool>,
    rows: u64,
    active: u64,
}

/// What one chunk of rows holds.
struct Chunk {
    /// Values with the numbers of their rows.
    numbers: Vec<Vec<(f64, u64)>>,
    counts: Vec<TokenCounts>,
    missing: Vec<bool>,
    active: u64,
}

impl FeaturizerFit {
    /// Prepares for the terms of a checked recipe; `allowed` features at most.
    pub fn new(terms: &[Term], schema: &Schema, allowed: usize) -> Self {
        let mut cut_of = BTreeMap::new();
        terms.iter().for_each(|term| collect_cuts(term, &mut cut_of));
        let by_number = read_as_numbers(terms, schema);
        let plan = Plan::new(terms, schema, &cut_of, &by_number);
        let place = |source: NumberSource| plan.numbers().iter().position(|known| *known == source);
        let mut wanted = vec![(0, 0); cut_of.len()];
        for ((source, bins), &cut) in &cut_of {
            wanted[cut] = (place(*source).unwrap_or(0), *bins);
        }
        let binned = |at: usize| wanted.iter().any(|(number, _)| *number == at);
        let sketches = (0..plan.numbers().len()).filter(|&at| binned(at)).count();
        let numbers = plan
            .numbers()
            .iter()
            .enumerate()
            .map(|(at, source)| NumberFit {
                source: *source,
                moments: Moments::default(),
                quantiles: binned(at).then(|| Box::new(Quantiles::new(exact_capacity(sketches)))),
            })
            .collect();
        Self {
            terms: terms.to_vec(),
            counts: vec![TokenCounts::default(); terms.len()],
            fields: vec![FieldCounts::default(); terms.len()],
            missing: vec![false; terms.len()],
            plan,
            by_number,
            allowed,
            second: false,
            numbers,
            wanted,
            cuts: Vec::new(),
            rows: 0,
            active: 0,
        }
    }

    /// Allows another number of features, before they are frozen.
    pub fn allow(&mut self, features: usize) {
        self.allowed = features;
    }

    /// Learns from some rows in schema order. Call it with the training rows in file order.
    pub fn add(&mut self, rows: &[&Record]) {
        let (mut counts, mut fields) = (std::mem::take(&mut self.counts), std::mem::take(&mut self.fields));
        let by_rows: Vec<bool> = (fields.iter().zip(self.plan.steps()))
            .map(|(fields, step)| !self.is_by_column(step) || fields.given_up)
            .collect();
        let (chunks, ()) = rayon::join(
            || -> Vec<Chunk> {
                rows.par_chunks(CHUNK_ROWS)
                    .map_init(Workspace::default, |workspace, rows| {
                        self.read(rows, &by_rows, workspace)
                    })
                    .collect()
            },
            || {
                let terms = self.plan.steps().par_iter().zip(&mut fields).zip(&mut counts);
                terms
                    .zip(&by_rows)
                    .for_each(|(((step, fields), counts), by_rows)| {
                        if let (Step::Tokens(tokens), false) = (step, by_rows) {
                            fields.add(tokens, &self.plan, rows, counts);
                        }
                    });
            },
        );
        (self.counts, self.fields) = (counts, fields);
        if !self.second {
            self.rows += rows.len() as u64;
            self.numbers.par_iter_mut().enumerate().for_each(|(at, number)| {
                chunks.iter().for_each(|chunk| number.add(&chunk.numbers[at]));
            });
        }
        self.counts.par_iter_mut().enumerate().for_each(|(term, counts)| {
            chunks.iter().for_each(|chunk| counts.merge(&chunk.counts[term]));
        });
        for chunk in &chunks {
            self.active += chunk.active;
            self.missing
                .iter_mut()
                .zip(&chunk.missing)
                .for_each(|(seen, here)| *seen |= here);
        }
        self.forget();
    }

    /// Whether a step can be counted by [`FieldCounts`] in this pass.
    fn is_by_column(&self, step: &Step) -> bool {
        matches!(step, Step::Tokens(tokens) if !self.second && FieldCounts::reads(tokens))
    }

    fn read(&self, rows: &[&Record], by_rows: &[bool], workspace: &mut Workspace) -> Chunk {
        let mut chunk = Chunk {
            numbers: vec![Vec::new(); self.numbers.len()],
            counts: vec![TokenCounts::default(); self.terms.len()],
            missing: vec![false; self.terms.len()],
            active: 0,
        };
        for (row, record) in rows.iter().enumerate() {
            self.plan.read(record, workspace);
            for (at, number) in workspace.numbers.iter().enumerate() {
                if let Number::Value(value) = number {
                    chunk.numbers[at].push((*value, record.position.record));
                }
            }
            for (term, step) in self.plan.steps().iter().enumerate() {
                match step {
                    Step::Tokens(tokens) if by_rows[term] && needs_cuts(tokens) == self.second => {
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
        chunk
    }

    /// Lossy counting over all dictionaries, so that many of them cannot fill the memory together.
    fn forget(&mut self) {
        let size = |counts: &[TokenCounts]| {
            counts.iter().fold((0, 0), |(tokens, bytes), counts| {
                (tokens + counts.len(), bytes + counts.bytes())
            })
        };
        let (mut tokens, mut bytes) = size(&self.counts);
        if tokens <= MOST_TOKENS && bytes <= MOST_BYTES {
            return;
        }
        let mut least = 1;
        while tokens > MOST_TOKENS / 2 || bytes > MOST_BYTES / 2 {
            self.counts.par_iter_mut().for_each(|counts| counts.forget(least));
            (tokens, bytes) = size(&self.counts);
            least *= 2;
        }
    }

    /// Ends a pass over the rows. True when all rows must be added once more, because products of bins can
    /// only be counted when the bins are known.
    pub fn next_pass(&mut self) -> bool {
        if self.second {
            return false;
        }
        let terms = self.plan.steps().par_iter().zip(&mut self.fields);
        terms.zip(&mut self.counts).for_each(|((step, fields), counts)| {
            if let Step::Tokens(tokens) = step {
                fields.settle(tokens, &self.plan, counts);
            }
        });
        self.active += self.fields.iter().map(|fields| fields.active).sum::<u64>();
        let bounds = |(number, bins): &(usize, u32)| {
            let quantiles = self
                .numbers
                .get_mut(*number)
                .and_then(|number| number.quantiles.as_mut());
            Cut::new(quantiles.map_or_else(Vec::new, |quantiles| quantiles.bin_bounds(*bins as usize)))
        };
        self.cuts = self.wanted.iter().map(bounds).collect();
        self.second = true;
        let needed = |step: &Step| matches!(step, Step::Tokens(tokens) if needs_cuts(tokens));
        self.plan.steps().iter().any(needed)
    }

    /// Active features of a row on average, before any are dropped.
    pub fn active_per_row(&self) -> f64 {
        self.active as f64 / self.rows.max(1) as f64
    }

    /// Freezes what was learned. Call it after [`FeaturizerFit::next_pass`] has answered false.
    pub fn freeze(self) -> FeaturizerState {
        let cuts: Vec<CutState> = self
            .wanted
            .iter()
            .zip(&self.cuts)
            .map(|(&(number, bins), cut)| self.numbers[number].cut(bins, cut))
            .collect();
        let is_tokens = |step: &Step| matches!(step, Step::Tokens(_));
        let steps = self.plan.steps();
        let counted: Vec<&TokenCounts> = steps
            .iter()
            .zip(&self.counts)
            .filter(|(step, _)| is_tokens(step))
            .map(|(_, counts)| counts)
            .collect();
        let taken = steps
            .iter()
            .map(|step| match step {
                Step::Bin { cut, .. } => cuts[*cut].bounds.len() + 1,
                Step::Number(_) | Step::Truth(_) | Step::Missing(_) => 1,
                Step::Tokens(_) => 0,
            })
            .sum();
        let (dictionaries, space) = space::settle(&counted, self.allowed, taken);
        let mut dictionaries = dictionaries.into_iter();
        let freeze = |((term, step), seen): ((&Term, &Step), &bool)| match (term, step) {
            (Term::Tokens(tokens), Step::Tokens(_)) => TermState::Tokens {
                tokens: tokens.clone(),
                dictionary: dictionaries.next().unwrap_or_default(),
            },
            (_, Step::Bin { cut, .. }) => TermState::Bin { cut: *cut },
            (_, Step::Number(place)) => self.numbers[*place].freeze(),
            (Term::Missing { attribute }, _) => TermState::Missing {
                attribute: *attribute,
                seen: *seen,
                by_number: self.by_number.contains(attribute),
            },
            (term, _) => TermState::Truth {
                attribute: term.attributes().first().copied().unwrap_or(0),
            },
        };
        FeaturizerState {
            terms: self
                .terms
                .iter()
                .zip(steps)
                .zip(&self.missing)
                .map(freeze)
                .collect(),
            cuts,
            space,
        }
    }
}

/// The dates among the attributes of `terms` whose plain number is learned from, as that of a count of seconds: their
/// indicator of missing values has to follow the number, or a number that is no date would seem to be missing.
fn read_as_numbers(terms: &[Term], schema: &Schema) -> Vec<usize> {
    let mut found = Vec::new();
    let mut add = |source: NumberSource| match source {
        NumberSource::Attribute(attribute) => found.push(attribute),
        NumberSource::Timestamp(_) => {}
    };
    for term in terms {
        match term {
            Term::Number(source) => add(*source),
            Term::Tokens(tokens) => tokens.for_each_number(&mut add),
            Term::Truth { .. } | Term::Missing { .. } => {}
        }
    }
    found.sort_unstable();
    found.dedup();
    let is_date = |at: &usize| {
        let declared = schema.attributes.get(*at);
        declared.is_some_and(|declared| declared.date_format.is_some())
    };
    found.retain(is_date);
    found
}

/// Gives every pair of a number and its bins an index.
fn collect_cuts(term: &Term, cut_of: &mut BTreeMap<(NumberSource, u32), usize>) {
    let mut add = |tokens: &Tokens| {
        if let Tokens::Bin { number, bins } = tokens {
            let next = cut_of.len();
            cut_of.entry((*number, *bins)).or_insert(next);
        }
    };
    if let Term::Tokens(tokens) = term {
        match tokens {
            Tokens::Product(factors) => factors.iter().for_each(add),
            other => add(other),
        }
    }
}

fn needs_cuts(step: &TokenStep) -> bool {
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
