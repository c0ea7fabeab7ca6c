//! Rows as the first pass read them, where there is room for them: what they become as features needs no second look at
//! their source.
//!
//! Of each number its value is kept, of each term the tokens that a row gives, as the numbers under which they were first
//! counted. A column takes as few bytes for each row as its largest number needs.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::count::TokenCounts;
use crate::ml::ingest::flow::MOST_AHEAD;

/// How much may be kept, by all threads together. Once it is too much, nothing is kept any more.
#[derive(Debug, Default)]
pub struct Room {
    most: usize,
    taken: AtomicUsize,
    is_closed: AtomicBool,
}

impl Room {
    /// Room for so many bytes. With more than 4 GiB, ends of rows would not fit into their 32 bits.
    pub fn new(most: usize) -> Self {
        Self {
            most: most.min(u32::MAX as usize),
            ..Self::default()
        }
    }

    /// Whether so many bytes, at the same time on every batch that is under way, would be more than there is room for.
    pub fn is_too_small_for(&self, bytes: usize) -> bool {
        bytes.saturating_mul(MOST_AHEAD) > self.most
    }

    /// Whether anything may be kept.
    pub fn is_open(&self) -> bool {
        self.most > 0 && !self.is_closed.load(Ordering::Relaxed)
    }

    /// Takes so many bytes more.
    pub fn take(&self, bytes: usize) {
        if self.taken.fetch_add(bytes, Ordering::Relaxed) + bytes > self.most {
            self.close();
        }
    }

    /// Says that what was kept is of no use.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }
}

/// Whole numbers, each in as many bytes as the largest of them needs.
#[derive(Debug, Clone)]
enum Codes {
    One(Vec<u8>),
    Two(Vec<u16>),
    Four(Vec<u32>),
}

impl Default for Codes {
    fn default() -> Self {
        Self::One(Vec::new())
    }
}

impl Codes {
    fn push(&mut self, code: u32) {
        match self {
            Self::One(codes) => match u8::try_from(code) {
                Ok(code) => codes.push(code),
                Err(_) => {
                    *self = Self::Two(codes.iter().map(|&code| code.into()).collect());
                    self.push(code);
                }
            },
            Self::Two(codes) => match u16::try_from(code) {
                Ok(code) => codes.push(code),
                Err(_) => {
                    *self = Self::Four(codes.iter().map(|&code| code.into()).collect());
                    self.push(code);
                }
            },
            Self::Four(codes) => codes.push(code),
        }
    }

    #[inline]
    fn get(&self, at: usize) -> Option<u32> {
        match self {
            Self::One(codes) => codes.get(at).map(|&code| code.into()),
            Self::Two(codes) => codes.get(at).map(|&code| code.into()),
            Self::Four(codes) => codes.get(at).copied(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::One(codes) => codes.len(),
            Self::Two(codes) => codes.len(),
            Self::Four(codes) => codes.len(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::One(codes) => codes.len(),
            Self::Two(codes) => 2 * codes.len(),
            Self::Four(codes) => 4 * codes.len(),
        }
    }
}

/// Some codes for each row: one, or any number.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    codes: Codes,
    /// Where those of each row end; none where each row has one.
    ends: Vec<u32>,
}

impl Stream {
    /// Adds a row with one code. A stream has such rows alone, or none of them.
    pub fn push_one(&mut self, code: u32) {
        self.codes.push(code);
    }

    /// Adds a code to the row at hand.
    #[inline]
    pub fn push(&mut self, code: u32) {
        self.codes.push(code);
    }

    /// Ends the row at hand.
    #[inline]
    pub fn end_row(&mut self) {
        self.ends.push(self.codes.len() as u32);
    }

    /// Adds the rows of another stream with any number of codes each, each code as `now` has it.
    pub fn append(&mut self, rows: &Stream, now: impl Fn(u32) -> u32) {
        let before = self.codes.len() as u32;
        (0..rows.codes.len())
            .filter_map(|at| rows.codes.get(at))
            .for_each(|code| self.codes.push(now(code)));
        self.ends.extend(rows.ends.iter().map(|end| before + end));
    }

    /// The code of a row, where each row has one.
    #[inline]
    pub fn only(&self, row: usize) -> Option<u32> {
        match self.ends.is_empty() {
            true => self.codes.get(row),
            false => None,
        }
    }

    /// The codes of a row.
    #[inline]
    pub fn row(&self, row: usize) -> impl Iterator<Item = u32> {
        self.span(row).filter_map(|at| self.codes.get(at))
    }

    fn span(&self, row: usize) -> Range<usize> {
        if self.ends.is_empty() {
            return row..row + 1;
        }
        let end = |row: usize| self.ends.get(row).map_or(0, |&end| end as usize);
        row.checked_sub(1).map_or(0, end)..end(row)
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        self.codes.bytes() + 4 * self.ends.len()
    }
}

/// Numbers, in half the bytes while that loses nothing; what is no number is not a number here either.
#[derive(Debug, Clone)]
pub enum Numbers {
    /// All are the same as `f32`.
    Narrow(Vec<f32>),
    /// Some are not.
    Wide(Vec<f64>),
}

impl Default for Numbers {
    fn default() -> Self {
        Self::Narrow(Vec::new())
    }
}

impl Numbers {
    /// Adds the number of the next row.
    #[inline]
    pub fn push(&mut self, number: f64) {
        match self {
            Self::Narrow(numbers) => {
                let narrow = number as f32;
                if f64::from(narrow) == number || number.is_nan() {
                    numbers.push(narrow);
                } else {
                    *self = Self::Wide(numbers.iter().map(|&number| number.into()).collect());
                    self.push(number);
                }
            }
            Self::Wide(numbers) => numbers.push(number),
        }
    }

    /// The number of a row.
    #[inline]
    pub fn get(&self, row: usize) -> f64 {
        match self {
            Self::Narrow(numbers) => numbers.get(row).map_or(f64::NAN, |&number| number.into()),
            Self::Wide(numbers) => numbers.get(row).copied().unwrap_or(f64::NAN),
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Narrow(numbers) => 4 * numbers.len(),
            Self::Wide(numbers) => 8 * numbers.len(),
        }
    }
}

/// What is kept of one term.
#[derive(Debug, Clone, Default)]
pub struct KeptTerm {
    /// The tokens of each row, or its one text.
    pub(super) stream: Stream,
    /// Its texts, where whole texts are kept, and how many tokens these have.
    pub(super) texts: Option<(TokenCounts, usize)>,
}

impl KeptTerm {
    /// Bytes that grow with the rows.
    pub(super) fn bytes(&self) -> usize {
        self.stream.bytes()
    }
}

/// The training rows as the first pass read them.
#[derive(Debug)]
pub struct KeptRows {
    /// How many there are.
    pub rows: usize,
    /// By place in the plan.
    pub(super) numbers: Vec<Numbers>,
    /// For each term its tokens, as they were counted, and what is kept of it.
    pub(super) terms: Vec<(TokenCounts, KeptTerm)>,
    /// Truths that hold and values that are missing: the terms of each row.
    pub(super) flags: Stream,
}

impl KeptRows {
    /// Bytes of what tells what its numbers stand for, which is not there yet ([`KeptRows::replay`]).
    pub fn bytes_to_replay(&self) -> usize {
        let of_term = |(counts, kept): &(TokenCounts, KeptTerm)| match &kept.texts {
            None => counts.numbers(),
            Some((texts, tokens)) => texts.numbers() + tokens,
        };
        size_of::<u32>() * self.terms.iter().map(of_term).sum::<usize>()
    }

    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        let of_term = |(counts, kept): &(TokenCounts, KeptTerm)| {
            let texts = kept.texts.as_ref().map_or(0, |(texts, _)| texts.bytes());
            counts.bytes() + kept.bytes() + texts
        };
        self.numbers.iter().map(Numbers::bytes).sum::<usize>()
            + self.terms.iter().map(of_term).sum::<usize>()
            + self.flags.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_numbers_grow_wider_and_stay_what_they_are() {
        let mut stream = Stream::default();
        let codes = [0, 255, 256, 3, 65_535, 65_536, 7, u32::MAX];
        codes.iter().for_each(|&code| stream.push_one(code));
        let found: Vec<u32> = (0..8)
            .flat_map(|row| stream.row(row).collect::<Vec<_>>())
            .collect();
        assert_eq!(found, codes);
        assert_eq!(stream.bytes(), 32);

        let mut numbers = Numbers::default();
        let values = [1.0, f64::NAN, -0.0, 16_777_216.0];
        values.iter().for_each(|&value| numbers.push(value));
        assert_eq!(numbers.bytes(), 16);
        numbers.push(0.1);
        assert_eq!(numbers.bytes(), 40);
        let found: Vec<u64> = (0..5).map(|row| numbers.get(row).to_bits()).collect();
        let expected = values.iter().chain(&[0.1]).map(|value| value.to_bits());
        assert_eq!(found, expected.collect::<Vec<_>>());
    }

    #[test]
    fn rows_have_any_number_of_codes() {
        let (mut all, mut some) = (Stream::default(), Stream::default());
        for row in [&[1, 2][..], &[], &[300]] {
            row.iter().for_each(|&code| some.push(code));
            some.end_row();
        }
        all.append(&some, |code| code);
        all.append(&some, |code| code * 1000);
        let rows: Vec<Vec<u32>> = (0..6).map(|row| all.row(row).collect()).collect();
        let expected = [
            vec![1, 2],
            vec![],
            vec![300],
            vec![1000, 2000],
            vec![],
            vec![300_000],
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_room_that_is_full_stays_closed() {
        let room = Room::new(10);
        room.take(10);
        assert!(room.is_open());
        room.take(1);
        assert!(!room.is_open());
        assert!(!Room::new(0).is_open());
    }
}
