//! Puts together what was read of chunks of rows: each lane for some numbers and terms, in the order of the chunks.

use super::count::TokenCounts;
use super::fields::FieldCounts;
use super::kept::{KeptTerm, Numbers, Stream};
use super::ledger::Ledger;
use super::number_fit::NumberFit;
use super::reading::{Chunk, Reading};
use super::step::Step;
use crate::ml::record::Record;

/// The tokens of one term.
#[derive(Debug, Default, Clone)]
pub(super) struct Counted {
    pub(super) counts: TokenCounts,
    /// What is counted column by column.
    pub(super) fields: FieldCounts,
    pub(super) kept: KeptTerm,
}

/// What is known of all rows.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) chunks: u64,
    pub(super) rows: u64,
    pub(super) active: u64,
    /// For each term.
    pub(super) missing: Vec<bool>,
    /// Truths that hold and values that are missing, where rows are kept.
    pub(super) flags: Stream,
}

/// Puts together what chunks hold of some numbers and terms.
pub struct FitLane<'a> {
    pub(super) reading: &'a Reading,
    pub(super) numbers: (usize, &'a mut [NumberFit]),
    pub(super) counted: (usize, &'a mut [Counted]),
    /// One lane keeps these.
    pub(super) totals: Option<&'a mut Totals>,
    pub(super) chunks: u64,
    pub(super) ledger: &'a Ledger,
}

impl FitLane<'_> {
    /// Whether it looks at the rows themselves, and not only at what was read of them.
    pub fn reads_rows(&self) -> bool {
        let (first, counted) = &self.counted;
        let by_column = self.reading.by_column.iter().skip(*first);
        by_column.take(counted.len()).any(|by_column| *by_column)
    }

    /// Adds a chunk, and the rows it was read from if this lane reads them.
    pub fn add(&mut self, rows: &[&Record], chunk: &Chunk) {
        let reading = self.reading;
        let (keeps, before) = (reading.room.is_open(), self.bytes());
        self.chunks += 1;
        if !reading.second {
            let (first, numbers) = &mut self.numbers;
            for (number, values) in numbers.iter_mut().zip(&chunk.numbers[*first..]) {
                number.add(values, &chunk.positions);
                if keeps {
                    values.iter().for_each(|&value| number.kept.push(value));
                }
            }
        }
        let (first, counted) = &mut self.counted;
        for (Counted { counts, fields, kept }, term) in counted.iter_mut().zip(*first..) {
            match &reading.plan.steps()[term] {
                Step::Tokens(tokens) if reading.by_column[term] => {
                    let kept = keeps.then_some(kept);
                    if !fields.add((tokens, &reading.plan), rows, counts, kept) {
                        reading.room.close();
                    }
                }
                _ => {
                    let mut now = vec![u32::MAX; chunk.counts[term].numbers()];
                    counts.merge(&chunk.counts[term], |there, here| now[there as usize] = here);
                    if keeps {
                        kept.stream
                            .append(&chunk.tokens[term], |there| now[there as usize]);
                    }
                }
            }
            if counts.forgotten.tokens > 0 {
                // Rows may have tokens that have no number any more.
                reading.room.close();
            }
        }
        let counts = counted.iter_mut().map(|counted| &mut counted.counts);
        self.ledger.note(self.chunks, counts);
        if let Some(totals) = &mut self.totals {
            totals.chunks += 1;
            totals.rows += if reading.second { 0 } else { chunk.rows };
            totals.active += chunk.active;
            let missing = totals.missing.iter_mut().zip(&chunk.missing);
            missing.for_each(|(seen, here)| *seen |= here);
            if keeps {
                totals.flags.append(&chunk.flags, |term| term);
            }
        }
        match reading.room.is_open() {
            // Less than before when tokens were forgotten.
            true => reading.room.take(self.bytes().saturating_sub(before)),
            false => self.give_up(),
        }
    }

    /// Bytes of what this lane keeps of the rows, and of what it counts: rows only stay where both are small.
    fn bytes(&self) -> usize {
        let (numbers, terms) = (self.numbers.1.iter(), self.counted.1.iter());
        let of_term = |term: &Counted| term.kept.bytes() + term.counts.bytes() + term.fields.bytes();
        numbers.map(|number| number.kept.bytes()).sum::<usize>()
            + terms.map(of_term).sum::<usize>()
            + self.totals.as_ref().map_or(0, |totals| totals.flags.bytes())
    }

    /// Keeps no rows.
    fn give_up(&mut self) {
        self.numbers
            .1
            .iter_mut()
            .for_each(|number| number.kept = Numbers::default());
        self.counted
            .1
            .iter_mut()
            .for_each(|counted| counted.kept = KeptTerm::default());
        if let Some(totals) = &mut self.totals {
            totals.flags = Stream::default();
        }
    }
}
