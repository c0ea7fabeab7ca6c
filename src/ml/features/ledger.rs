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
    /// were too large at the note before, these forget their rarest tokens until half is left (lossy counting, Manku and
    /// Motwani 2002).
    pub fn note<'c>(&self, chunks: u64, counts: impl Iterator<Item = &'c mut TokenCounts>) {
        if !chunks.is_multiple_of(APART) {
            return;
        }
        let number = (chunks / APART) as usize;
        let before = self.lock().get(number - 1).copied().unwrap_or_default();
        let is_full = before.0 > MOST_TOKENS || before.1 > MOST_BYTES;
        let mut here = (0, 0);
        for counts in counts {
            if is_full {
                counts.halve();
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

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(usize, usize)>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(tokens: usize) -> TokenCounts {
        let mut counts = TokenCounts::default();
        for token in 0..tokens {
            counts.add_many(&token.to_string(), token as u32, 1 + (token as u32 & 3));
        }
        counts
    }

    #[test]
    fn what_was_too_much_is_halved_one_note_later() {
        let ledger = Ledger {
            noted: Mutex::new(vec![(0, 0), (MOST_TOKENS, 1)]),
        };
        let mut some = counts(1000);
        ledger.note(2 * APART - 1, std::iter::once(&mut some));
        ledger.note(2 * APART, std::iter::once(&mut some));
        assert_eq!(some.len(), 1000, "not more than allowed");
        ledger.lock()[1].0 += 1;
        ledger.note(2 * APART, std::iter::once(&mut some));
        assert_eq!(some.len(), 500, "the rarest half is gone");
        assert_eq!(ledger.lock()[2], (1500, ledger.lock()[2].1));
    }
}
