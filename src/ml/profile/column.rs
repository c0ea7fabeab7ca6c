//! All evidence about one column.

use super::dates::DateProfile;
use super::examples::Examples;
use super::field::{Facts, Kind};
use super::formatted::Formatted;
use super::numbers::NumberProfile;
use super::text::TextProfile;
use super::values::ValueProfile;
use crate::ml::ingest::Rows;
use crate::ml::quantile;
use crate::ml::text_hash::{EMPTY, hash_of};
use crate::ml::value::trimmed;

pub use super::field::MISSING_WORDS;

/// Rows that are looked at together.
pub const CHUNK_ROWS: usize = 256;

/// Counts of one missing word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingWord {
    /// The word.
    pub word: String,
    /// Fields that hold it.
    pub count: u64,
    /// The first line with it.
    pub line: u64,
}

/// Evidence for every type a column might have.
#[derive(Debug, Clone)]
pub struct ColumnProfile {
    /// Fields seen.
    pub rows: u64,
    /// Fields that are empty or white space.
    pub empty: u64,
    /// Fields that are numbers.
    pub numbers: NumberProfile,
    /// Fields that are neither empty, nor numbers, nor known missing words.
    pub other: u64,
    /// Where the first of them stand.
    pub others: Examples,
    /// Those among them that are numbers written for people.
    pub formatted: Formatted,
    /// Where the first empty fields are.
    pub empties: Examples,
    /// Where the first fields stand that are neither empty nor binary literals.
    pub not_binary: Examples,
    /// Known missing words that were seen.
    pub missing_words: Vec<MissingWord>,
    /// Binary literals that mean true.
    pub trues: u64,
    /// Binary literals that mean false.
    pub falses: u64,
    /// Distinct values.
    pub values: ValueProfile<Facts>,
    /// Words.
    pub text: TextProfile,
    /// Dates.
    pub dates: DateProfile,
    listed: Vec<String>,
    has_numbers: bool,
}

impl ColumnProfile {
    /// A profile for one of `columns` columns; `listed` are words that a schema lists as missing.
    pub fn new(columns: usize, listed: &[String]) -> Self {
        Self {
            rows: 0,
            empty: 0,
            numbers: NumberProfile::new(quantile::exact_capacity(columns)),
            other: 0,
            others: Examples::default(),
            formatted: Formatted::default(),
            empties: Examples::default(),
            not_binary: Examples::default(),
            missing_words: Vec::new(),
            trues: 0,
            falses: 0,
            values: ValueProfile::new(super::values::exact_capacity(columns)),
            text: TextProfile::default(),
            dates: DateProfile::default(),
            listed: listed.to_vec(),
            has_numbers: false,
        }
    }

    /// Adds the fields of column `column` in the rows `picked`, at most [`CHUNK_ROWS`] of them; `hashes` are those
    /// of the column in all rows of the piece, `levels` those of the rows ([`quantile::level_of`]).
    ///
    /// Call [`ColumnProfile::settle`] after the last row: a field that was seen before is only counted, and
    /// what follows from it is worked out once for each distinct value.
    pub fn add_rows(&mut self, rows: &Rows, column: usize, picked: &[u32], hashes: &[u64], levels: &[u8]) {
        // Counts first, the rest second: each loop is short, so that the processor works on many rows at once
        // instead of waiting for memory row by row.
        let picked = picked.get(..CHUNK_ROWS).unwrap_or(picked);
        let (mut some, mut left) = ([EMPTY; CHUNK_ROWS], [0; CHUNK_ROWS]);
        for (hash, &row) in some.iter_mut().zip(picked) {
            *hash = hashes.get(row as usize).copied().unwrap_or(EMPTY);
        }
        let count = self.values.hit_first(&some[..picked.len()], &mut left);
        let left = &left[..count];
        fetch(rows, column, picked, left);
        for &place in left {
            let (hash, row) = (some[usize::from(place)], picked[usize::from(place)] as usize);
            if hash == EMPTY {
                self.empty += 1;
                self.empties.add(|| rows.line(row), "");
            } else {
                self.add_new(hash, rows.field(row, column), || rows.line(row));
            }
        }
        self.rows += picked.len() as u64;
        if self.has_numbers {
            self.sample_numbers(rows, column, picked, levels);
        }
    }

    fn sample_numbers(&mut self, rows: &Rows, column: usize, picked: &[u32], levels: &[u8]) {
        for &row in picked {
            let level = levels.get(row as usize).copied().unwrap_or_default();
            if self.numbers.quantiles.wants(level) {
                let facts = Facts::of(rows.field(row as usize, column), 0, &self.listed);
                if let Kind::Number(value) = facts.kind {
                    self.numbers.quantiles.offer(value, level);
                }
            }
        }
    }

    /// Adds one field found at `line` in row `row`; see [`ColumnProfile::add_rows`].
    pub fn add(&mut self, line: u64, row: u64, field: &str) {
        self.rows += 1;
        if field.is_empty() {
            self.empty += 1;
            self.empties.offer(line, "");
            return;
        }
        self.add_new(hash_of(field.as_bytes()), field, || line);
        if let Kind::Number(value) = Facts::of(field, line, &self.listed).kind {
            self.numbers.quantiles.offer(value, quantile::level_of(row));
        }
    }

    /// Adds a field that was not known when its rows were first looked at.
    fn add_new(&mut self, hash: u64, field: &str, line: impl Fn() -> u64) {
        if self.values.hit(hash) {
            return;
        }
        let facts = Facts::of(field, line(), &self.listed);
        match facts.kind {
            Kind::Number(_) => self.has_numbers = true,
            Kind::MissingWord | Kind::Other => self.text.meet(field),
            Kind::Blank | Kind::Listed => {}
        }
        if !self.values.miss(hash, field, facts) {
            self.settle_value(field, &facts, 1);
        }
        if self.values.is_over() {
            self.settle();
            self.values.shrink();
        }
    }

    /// Brings all statistics up to date with the rows added so far.
    pub fn settle(&mut self) {
        if self.empty > 0 {
            self.text.add_empty();
        }
        let mut values = std::mem::replace(&mut self.values, ValueProfile::new(0));
        values.settle(|text, facts, times| self.settle_value(text, facts, times));
        self.values = values;
    }

    fn settle_value(&mut self, field: &str, facts: &Facts, times: u64) {
        let (line, text) = (facts.line, trimmed(field));
        match facts.kind {
            Kind::Blank => {
                self.empty += times;
                self.empties.offer(line, "");
                return self.text.add_empty();
            }
            Kind::Listed => return self.count_missing(text, line, times),
            Kind::Number(value) => self.numbers.add_many(value, text, line, times),
            Kind::MissingWord => {
                self.text.add_many(field, times);
                self.count_missing(text, line, times);
            }
            Kind::Other => {
                self.text.add_many(field, times);
                self.other += times;
                self.others.offer(line, text);
                self.formatted.add_many(line, text, times);
            }
        }
        self.dates.add_many(line, text, times);
        match facts.binary {
            Some(true) => self.trues += times,
            Some(false) => self.falses += times,
            None => self.not_binary.offer(line, text),
        }
    }

    fn count_missing(&mut self, word: &str, line: u64, times: u64) {
        match self.missing_words.iter_mut().find(|known| known.word == word) {
            Some(known) => {
                known.count += times;
                known.line = known.line.min(line);
            }
            None => self.missing_words.push(MissingWord {
                word: word.to_string(),
                count: times,
                line,
            }),
        }
    }

    /// Fields that hold something.
    pub fn filled(&self) -> u64 {
        self.rows - self.empty
    }

    /// Rows without a value, where these words stand for missing: the only count of them, for statistics and
    /// warnings alike.
    pub fn without_value(&self, missing_values: &[String]) -> u64 {
        let words = self.missing_words.iter();
        let listed = words.filter(|word| missing_values.contains(&word.word));
        self.empty + listed.map(|word| word.count).sum::<u64>()
    }

    /// The other rows.
    pub fn with_value(&self, missing_values: &[String]) -> u64 {
        self.rows - self.without_value(missing_values)
    }

    /// Fields that hold one of the known missing words.
    pub fn missing_word_count(&self) -> u64 {
        self.missing_words.iter().map(|word| word.count).sum()
    }

    /// Adds everything another profile of the same column has seen. Both are settled.
    pub fn merge(&mut self, other: ColumnProfile) {
        self.rows += other.rows;
        self.has_numbers |= other.has_numbers;
        self.empty += other.empty;
        self.numbers.merge(other.numbers);
        self.other += other.other;
        self.others.merge(other.others);
        self.formatted.merge(other.formatted);
        self.empties.merge(other.empties);
        self.not_binary.merge(other.not_binary);
        other
            .missing_words
            .into_iter()
            .for_each(|found| self.count_missing(&found.word, found.line, found.count));
        self.trues += other.trues;
        self.falses += other.falses;
        self.values.merge(other.values);
        self.text.merge(other.text);
        self.dates.merge(other.dates);
    }
}

/// Looks at the first byte of some fields, so that the text of all of them is on its way before one is needed: it was
/// written by another processor.
fn fetch(rows: &Rows, column: usize, picked: &[u32], places: &[u16]) {
    let bytes = places.iter().map(|&place| {
        let row = picked.get(usize::from(place)).copied().unwrap_or_default();
        rows.bytes(row as usize, column)
            .first()
            .copied()
            .unwrap_or_default()
    });
    std::hint::black_box(bytes.fold(0, |all, byte| all ^ byte));
}
