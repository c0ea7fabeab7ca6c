//! All evidence about one column.

use super::dates::DateProfile;
use super::examples::{Examples, shortened};
use super::numbers::{NumberProfile, earlier};
use super::text::TextProfile;
use super::values::ValueProfile;
use crate::ml::quantile;
use crate::ml::value::{Number, binary, number};

/// Words that often stand for "missing". A column uses one only where the rest of it speaks for that.
pub const MISSING_WORDS: [&str; 17] = [
    "NA", "N/A", "n/a", "na", "NaN", "nan", "NULL", "null", "None", "none", "nil", "?", "-", "--", "#N/A",
    "(null)", "\\N",
];

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
    /// The first of those: line and text.
    pub first_other: Option<(u64, String)>,
    /// Where the first of them stand.
    pub others: Examples,
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
    /// The first field that is neither empty nor a binary literal: line and text.
    pub first_not_binary: Option<(u64, String)>,
    /// Distinct values.
    pub values: ValueProfile,
    /// Words.
    pub text: TextProfile,
    /// Dates.
    pub dates: DateProfile,
    listed: Vec<String>,
}

impl ColumnProfile {
    /// A profile for one of `columns` columns; `listed` are words that a schema lists as missing.
    pub fn new(columns: usize, listed: &[String]) -> Self {
        Self {
            rows: 0,
            empty: 0,
            numbers: NumberProfile::new(quantile::exact_capacity(columns)),
            other: 0,
            first_other: None,
            others: Examples::default(),
            empties: Examples::default(),
            not_binary: Examples::default(),
            missing_words: Vec::new(),
            trues: 0,
            falses: 0,
            first_not_binary: None,
            values: ValueProfile::new(super::values::exact_capacity(columns)),
            text: TextProfile::default(),
            dates: DateProfile::default(),
            listed: listed.to_vec(),
        }
    }

    /// Adds the field found at `line`.
    pub fn add(&mut self, line: u64, field: &str) {
        self.rows += 1;
        let trimmed = field.trim();
        if trimmed.is_empty() {
            self.empty += 1;
            self.empties.add(line, "");
            self.text.add_empty();
            return;
        }
        if self.listed.iter().any(|word| word == trimmed) {
            return self.count_missing(MissingWord {
                word: trimmed.to_string(),
                count: 1,
                line,
            });
        }
        self.values.add(field);
        self.dates.add(line, trimmed);
        match binary(trimmed) {
            Some(true) => self.trues += 1,
            Some(false) => self.falses += 1,
            None => {
                self.not_binary.add(line, trimmed);
                if self.first_not_binary.is_none() {
                    self.first_not_binary = Some((line, shortened(trimmed)));
                }
            }
        }
        match number(trimmed) {
            Number::Value(value) => self.numbers.add(value, trimmed, line),
            Number::Missing | Number::Invalid => self.add_text(line, field, trimmed),
        }
    }

    fn add_text(&mut self, line: u64, field: &str, trimmed: &str) {
        self.text.add(field);
        if MISSING_WORDS.contains(&trimmed) {
            self.count_missing(MissingWord {
                word: trimmed.to_string(),
                count: 1,
                line,
            });
            return;
        }
        self.other += 1;
        self.others.add(line, trimmed);
        if self.first_other.is_none() {
            self.first_other = Some((line, shortened(trimmed)));
        }
    }

    fn count_missing(&mut self, found: MissingWord) {
        match self
            .missing_words
            .iter_mut()
            .find(|known| known.word == found.word)
        {
            Some(known) => {
                known.count += found.count;
                known.line = known.line.min(found.line);
            }
            None => self.missing_words.push(found),
        }
    }

    /// Fields that hold something.
    pub fn filled(&self) -> u64 {
        self.rows - self.empty
    }

    /// Fields that hold one of the known missing words.
    pub fn missing_word_count(&self) -> u64 {
        self.missing_words.iter().map(|word| word.count).sum()
    }

    /// Adds everything another profile of the same column has seen.
    pub fn merge(&mut self, other: ColumnProfile) {
        self.rows += other.rows;
        self.empty += other.empty;
        self.numbers.merge(other.numbers);
        self.other += other.other;
        self.first_other = earlier(self.first_other.take(), other.first_other);
        self.others.merge(other.others);
        self.empties.merge(other.empties);
        self.not_binary.merge(other.not_binary);
        other
            .missing_words
            .into_iter()
            .for_each(|word| self.count_missing(word));
        self.trues += other.trues;
        self.falses += other.falses;
        self.first_not_binary = earlier(self.first_not_binary.take(), other.first_not_binary);
        self.values.merge(other.values);
        self.text.merge(other.text);
        self.dates.merge(other.dates);
    }
}
