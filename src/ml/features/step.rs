//! A term compiled: what it does with what the plan has read, by place instead of by name.

use crate::ml::date::DatePart;

/// One term, with places in the workspace instead of attributes.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The number at a place.
    Number(usize),
    /// The bin of the number at a place, among the cuts with this index.
    Bin {
        /// Place of the number.
        number: usize,
        /// Index of the cuts.
        cut: usize,
    },
    /// The truth at a place.
    Truth(usize),
    /// Tokens with a dictionary.
    Tokens(TokenStep),
    /// Whether the number, truth or date at a place is missing.
    Missing(Place),
}

impl Step {
    /// True for the whole field of an attribute.
    pub fn is_level(&self) -> bool {
        matches!(self, Self::Tokens(TokenStep::Level { .. }))
    }
}

/// Where a value is that can be missing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    /// Among the numbers.
    Number(usize),
    /// Among the truths.
    Truth(usize),
    /// Among the dates.
    Date(usize),
}

/// Tokens, with places in the workspace instead of attributes.
#[derive(Debug, Clone, PartialEq)]
pub enum TokenStep {
    /// The whole field of an attribute.
    Level {
        /// Position in the schema.
        attribute: usize,
        /// In lower case.
        lowercase: bool,
    },
    /// The words of the text at a place.
    Words(usize),
    /// Runs of words.
    Ngrams {
        /// Place of the text.
        text: usize,
        /// Words in the longest run.
        longest: u32,
    },
    /// Pairs of words.
    SparseBigrams {
        /// Place of the text.
        text: usize,
        /// Words in the window.
        window: u32,
    },
    /// The name of the bin of a number.
    Bin {
        /// Place of the number.
        number: usize,
        /// Index of the cut.
        cut: usize,
    },
    /// `0` or `1`.
    Truth(usize),
    /// A part of a date.
    DatePart {
        /// Place of the date.
        date: usize,
        /// Which part.
        part: DatePart,
    },
    /// Every combination.
    Product(Vec<TokenStep>),
}

impl TokenStep {
    /// True for words, runs and pairs of them.
    pub fn is_words(&self) -> bool {
        matches!(
            self,
            Self::Words(_) | Self::Ngrams { .. } | Self::SparseBigrams { .. }
        )
    }
}
