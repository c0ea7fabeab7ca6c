//! Keeps many dictionaries from filling the memory together.
//!
//! They are filled by several threads, and what is forgotten must not depend on which of them is ahead. So their sizes
//! are noted after every so many chunks, and what follows from them is done as many chunks later, when all have noted
//! theirs.

use std::sync::{Mutex, PoisonError};

use super::count::TokenCounts;
use crate::ml::ingest::flow::MOST_AHEAD;

/// Tokens that all dictionaries together count before rare ones are forgotten.
const MOST_TOKENS: usize = 6_000_000;
/// Bytes that all dictionaries together take before rare tokens are forgotten.
const MOST_BYTES: usize = 1 << 30;
/// Chunks between two notes: nobody is further behind.
const APART: u64 = MOST_AHEAD as u64;

/// The sizes of all dictionaries together, as tokens and bytes, after every [`APART`] chunks.
#[derive(Debug, Default)]
pub struct Ledger {
    noted: Mutex<Vec<(usize, usize)>>,
}

impl Ledger {
    /// Called for some of the dictionaries after each chunk, with the number of chunks that they have taken. Where all
    /// were too large at the note before, they forget the tokens seen on one row; where they were at the note before that,
    /// too, those on two, then four, and so on (lossy counting, Manku and Motwani 2002).
    pub fn note<'c>(&self, chunks: u64, counts: impl Iterator<Item = &'c mut TokenCounts>) {
        if !chunks.is_multiple_of(APART) {
            return;
        }
        let number = (chunks / APART) as usize;
        let least = self.least(number);
        let mut here = (0, 0);
        for counts in counts {
            if let Some(least) = least {
                counts.forget(least);
            }
            here.0 += counts.len();
            here.1 += counts.bytes();
        }
        let mut noted = self.lock();
        if noted.len() <= number {
            noted.resize(number + 1, (0, 0));
        }
        if let Some(all) = noted.get_mut(number) {
            *all = (all.0 + here.0, all.1 + here.1);
        }
    }

    /// The count up to which tokens are forgotten at a note, if any are: it follows from the notes before.
    fn least(&self, number: usize) -> Option<u32> {
        let noted = self.lock();
        let before = noted.get(..number).unwrap_or(&noted).iter().rev();
        let full = before.take_while(|all| all.0 > MOST_TOKENS || all.1 > MOST_BYTES);
        let times = full.count() as u32;
        (times > 0).then(|| 1 << (times - 1).min(30))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(usize, usize)>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dictionaries with one token on one row, one on two, and so on.
    fn counts(tokens: u32) -> TokenCounts {
        let mut counts = TokenCounts::default();
        for token in 1..=tokens {
            counts.add_many(&token.to_string(), token, token);
        }
        counts
    }

    fn left(ledger: &Ledger, note: u64, counts: &mut TokenCounts) -> usize {
        ledger.note(note * APART - 1, std::iter::once(&mut *counts));
        ledger.note(note * APART, std::iter::once(&mut *counts));
        counts.len()
    }

    #[test]
    fn what_was_too_much_is_forgotten_one_note_later_and_the_frequent_stay() {
        let of = |sizes: &[usize]| Ledger {
            noted: Mutex::new(sizes.iter().map(|&tokens| (tokens, 1)).collect()),
        };
        let (some, full) = (MOST_TOKENS, MOST_TOKENS + 1);
        for (before, expected) in [
            (vec![0, some], 1000),
            (vec![0, full], 999),
            (vec![0, full, some, full], 999),
            (vec![0, some, full, full, full], 996),
            (vec![full; 60], 0),
        ] {
            let note = before.len() as u64;
            assert_eq!(
                left(&of(&before), note, &mut counts(1000)),
                expected,
                "{before:?}"
            );
        }
        let ledger = of(&[0, full]);
        let mut small = TokenCounts::default();
        small.add_many("often", 1, 7);
        assert_eq!(left(&ledger, 2, &mut small), 1);
        assert_eq!(left(&ledger, 2, &mut counts(3)), 2);
        assert_eq!(ledger.lock()[2].0, 3, "both are noted");
    }
}
