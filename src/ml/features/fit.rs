//! What is learned from the training rows before any weight: means, bins and dictionaries.
//!
//! Chunks of rows are read side by side, each into counts of its own; then they are put together in their order, some
//! terms on one thread and some on another. Neither the chunks nor their order depend on the threads.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::count::TokenCounts;
use super::cut::Cut;
use super::fields::MOST_TEXTS;
use super::fit_lane::{Counted, FitLane, Totals};
use super::kept::{KeptRows, Numbers, Room};
use super::ledger::Ledger;
use super::number_fit::NumberFit;
use super::plan::Plan;
use super::reading::{Chunk, Reading, needs_cuts};
use super::space;
use super::state::{CutState, FeaturizerState, TermState};
use super::step::Step;
use super::workspace::Workspace;
use crate::ml::moments::Moments;
use crate::ml::quantile::{Quantiles, exact_capacity};
use crate::ml::recipe::term::{NumberSource, Term, Tokens};
use crate::ml::record::Record;
use crate::ml::schema::Schema;

/// Learns a [`FeaturizerState`] from training rows.
#[derive(Debug)]
pub struct FeaturizerFit {
    terms: Vec<Term>,
    reading: Reading,
    /// Dates that are missing where their number is.
    by_number: Vec<usize>,
    allowed: usize,
    /// For each number of the plan.
    numbers: Vec<NumberFit>,
    /// For each wanted cut: the number's place in the plan and the bins.
    wanted: Vec<(usize, u32)>,
    /// For each term.
    counted: Vec<Counted>,
    totals: Totals,
    ledger: Ledger,
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
                kept: Numbers::default(),
            })
            .collect();
        let by_column = plan.steps().iter().map(Step::is_level).collect();
        Self {
            terms: terms.to_vec(),
            counted: vec![Counted::default(); terms.len()],
            totals: Totals {
                missing: vec![false; terms.len()],
                ..Totals::default()
            },
            reading: Reading {
                plan,
                cuts: Vec::new(),
                second: false,
                by_column,
                room: Arc::default(),
            },
            by_number,
            allowed,
            numbers,
            wanted,
            ledger: Ledger::default(),
        }
    }

    /// Says of how many distinct values each attribute is on how many rows: texts that repeat themselves are then cut
    /// into words once.
    #[must_use]
    pub fn with_repeats(mut self, distinct_of: impl Fn(usize) -> Option<(u64, u64)>) -> Self {
        let Reading { plan, by_column, .. } = &mut self.reading;
        for (by_column, step) in by_column.iter_mut().zip(plan.steps()) {
            let text = match step {
                Step::Tokens(tokens) => plan.text_of(tokens),
                _ => None,
            };
            let repeats =
                |(distinct, rows): (u64, u64)| distinct <= MOST_TEXTS as u64 && distinct * 2 <= rows;
            *by_column |= text.and_then(&distinct_of).is_some_and(repeats);
        }
        self
    }

    /// Keeps the rows as they were read, as long as they take no more than so many bytes.
    #[must_use]
    pub fn keeping(mut self, bytes: usize) -> Self {
        self.reading.room = Arc::new(Room::new(bytes));
        self
    }

    /// The room that there is for rows, for others that keep something of them.
    pub fn room(&self) -> Arc<Room> {
        Arc::clone(&self.reading.room)
    }

    /// Allows another number of features, before they are frozen.
    pub fn allow(&mut self, features: usize) {
        self.allowed = features;
    }

    /// Learns from some rows in schema order. Call it with the training rows in file order.
    pub fn add(&mut self, rows: &[&Record]) {
        let mut chunk = Chunk::default();
        let (reading, lanes) = self.lanes(1);
        reading.read(rows, &mut Workspace::default(), &mut chunk);
        lanes.into_iter().for_each(|mut lane| lane.add(rows, &chunk));
    }

    /// How to read chunks of rows in schema order, on any thread, and who puts them together: every lane has to be given
    /// every chunk, in file order, and none more than [`MOST_AHEAD`](crate::ml::ingest::flow::MOST_AHEAD) chunks after
    /// another. There are about as many lanes as asked for.
    pub fn lanes(&mut self, lanes: usize) -> (&Reading, Vec<FitLane<'_>>) {
        let Self {
            reading,
            numbers,
            counted,
            totals,
            ledger,
            ..
        } = self;
        let (reading, ledger, chunks) = (&*reading, &*ledger, totals.chunks);
        let lane = |numbers, counted| FitLane {
            reading,
            numbers,
            counted,
            totals: None,
            chunks,
            ledger,
        };
        let (some, few) = (
            numbers.len().div_ceil(lanes).max(1),
            counted.len().div_ceil(lanes).max(1),
        );
        let of_numbers = numbers.chunks_mut(some).enumerate();
        let of_terms = counted.chunks_mut(few).enumerate();
        let mut all: Vec<FitLane> = of_terms
            .map(|(at, terms)| lane((0, &mut [][..]), (at * few, terms)))
            .chain(of_numbers.map(|(at, numbers)| lane((at * some, numbers), (0, &mut [][..]))))
            .collect();
        let mut first = lane((0, &mut [][..]), (0, &mut [][..]));
        first.totals = Some(totals);
        all.push(first);
        (reading, all)
    }

    /// Ends a pass over the rows. True when all rows must be added once more, because products of bins can
    /// only be counted when the bins are known.
    pub fn next_pass(&mut self) -> bool {
        let reading = &mut self.reading;
        if reading.second {
            return false;
        }
        let terms = reading.plan.steps().par_iter().zip(&reading.by_column);
        terms
            .zip(&mut self.counted)
            .for_each(|((step, by_column), term)| {
                if let Step::Tokens(tokens) = step {
                    let before = term.counts.bytes();
                    let texts = term.fields.settle(tokens, &reading.plan, &mut term.counts);
                    if reading.room.is_open() && *by_column && tokens.is_words() {
                        let words = term.counts.bytes().saturating_sub(before);
                        reading.room.take(words + size_of::<u32>() * texts.1);
                        term.kept.texts = Some(texts);
                    }
                }
            });
        let active = self.counted.iter().map(|counted| counted.fields.active);
        self.totals.active += active.sum::<u64>();
        let bounds = |(number, bins): &(usize, u32)| {
            let quantiles = self
                .numbers
                .get_mut(*number)
                .and_then(|number| number.quantiles.as_mut());
            Cut::new(quantiles.map_or_else(Vec::new, |quantiles| quantiles.bin_bounds(*bins as usize)))
        };
        reading.cuts = self.wanted.iter().map(bounds).collect();
        reading.second = true;
        reading.by_column.fill(false);
        let needed = |step: &Step| matches!(step, Step::Tokens(tokens) if needs_cuts(tokens));
        reading.plan.steps().iter().any(needed)
    }

    /// Active features of a row on average, before any are dropped.
    pub fn active_per_row(&self) -> f64 {
        self.totals.active as f64 / self.totals.rows.max(1) as f64
    }

    /// Freezes what was learned. Call it after [`FeaturizerFit::next_pass`] has answered false.
    pub fn freeze(self) -> FeaturizerState {
        self.freeze_and_keep().0
    }

    /// The same, with the rows as they were read, where all of them were kept.
    pub fn freeze_and_keep(mut self) -> (FeaturizerState, Option<KeptRows>) {
        let state = self.state();
        let forgot = |counted: &Counted| counted.counts.forgotten.tokens > 0;
        if !self.reading.room.is_open() || self.counted.iter().any(forgot) {
            return (state, None);
        }
        let terms = self.counted.drain(..);
        let kept = KeptRows {
            rows: self.totals.rows as usize,
            numbers: self.numbers.drain(..).map(|number| number.kept).collect(),
            terms: terms.map(|counted| (counted.counts, counted.kept)).collect(),
            flags: std::mem::take(&mut self.totals.flags),
        };
        (state, Some(kept))
    }

    fn state(&self) -> FeaturizerState {
        let cuts: Vec<CutState> = self
            .wanted
            .iter()
            .zip(&self.reading.cuts)
            .map(|(&(number, bins), cut)| self.numbers[number].cut(bins, cut))
            .collect();
        let is_tokens = |step: &Step| matches!(step, Step::Tokens(_));
        let steps = self.reading.plan.steps();
        let counted: Vec<&TokenCounts> = steps
            .iter()
            .zip(&self.counted)
            .filter(|(step, _)| is_tokens(step))
            .map(|(_, counted)| &counted.counts)
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
                .zip(&self.totals.missing)
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
