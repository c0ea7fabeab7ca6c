//! What a checked recipe is made of: terms in a normal form, in which equal expressions are equal values.
//!
//! Functions of text commute and are idempotent (`lowercase`, `no_punct`, `split_punct`), and every function of a number
//! keeps its order, so an expression of any depth comes down to one of these few shapes. Whatever evaluates
//! terms can so share work: it tokenises an attribute once for all terms with the same [`TextSource`].

use serde::{Deserialize, Serialize};

use crate::ml::date::DatePart;

/// Where a number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberSource {
    /// A NUMERIC attribute, by its position in the schema.
    Attribute(usize),
    /// A date attribute as days since 1970-01-01, with a fraction for the time of day.
    Timestamp(usize),
}

/// The words of an attribute after optional lower-casing and stripping of, or splitting at punctuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TextSource {
    /// Position in the schema.
    pub attribute: usize,
    /// Letters in lower case.
    pub lowercase: bool,
    /// Without punctuation at both ends of each word; words of punctuation alone vanish.
    pub no_punct: bool,
    /// Words are cut at punctuation too, each mark a word of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub split_punct: bool,
}

/// Something that gives any number of tokens for a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tokens {
    /// The whole value as one token; a missing value is the empty token.
    Level {
        /// Position in the schema.
        attribute: usize,
        /// In lower case.
        lowercase: bool,
    },
    /// Single words.
    Words(TextSource),
    /// Runs of 1 to `longest` words, joined by a space.
    Ngrams {
        /// The words.
        text: TextSource,
        /// Words in the longest run, 2 to 10.
        longest: u32,
    },
    /// Orthogonal sparse bigrams: the first word of a window with each later one, joined by as many
    /// underscores as they are apart.
    SparseBigrams {
        /// The words.
        text: TextSource,
        /// Words in the window, 2 to 10.
        window: u32,
    },
    /// The bin of a number among bins of equal population; nothing when it is missing.
    Bin {
        /// The number.
        number: NumberSource,
        /// Bins asked for, 2 to 1000.
        bins: u32,
    },
    /// A binary literal as `0` or `1`; nothing when it is missing. Only inside a product.
    Truth {
        /// Position in the schema.
        attribute: usize,
    },
    /// A part of a date; nothing when it is missing.
    DatePart {
        /// Position in the schema.
        attribute: usize,
        /// Which part.
        part: DatePart,
    },
    /// Every combination of one token of each factor, joined by an underscore. No factor is a product.
    Product(Vec<Tokens>),
}

/// One thing that becomes features.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Term {
    /// A number, scaled to mean 0 and variance 1 over the training rows.
    Number(NumberSource),
    /// A binary literal: one feature that is 0 or 1.
    Truth {
        /// Position in the schema.
        attribute: usize,
    },
    /// One feature for each token seen in training.
    Tokens(Tokens),
    /// Whether a number, binary literal or date is missing or unreadable. Added once for each such attribute.
    Missing {
        /// Position in the schema.
        attribute: usize,
    },
}

impl NumberSource {
    /// Position in the schema of the attribute it reads.
    pub fn attribute(self) -> usize {
        match self {
            NumberSource::Attribute(attribute) | NumberSource::Timestamp(attribute) => attribute,
        }
    }
}

impl Tokens {
    /// Calls `each` with the position of every attribute that is read, in order, repeats included.
    pub fn for_each_attribute(&self, each: &mut impl FnMut(usize)) {
        match self {
            Tokens::Level { attribute, .. }
            | Tokens::Truth { attribute }
            | Tokens::DatePart { attribute, .. } => each(*attribute),
            Tokens::Words(text) | Tokens::Ngrams { text, .. } | Tokens::SparseBigrams { text, .. } => {
                each(text.attribute)
            }
            Tokens::Bin { number, .. } => each(number.attribute()),
            Tokens::Product(factors) => factors.iter().for_each(|factor| factor.for_each_attribute(each)),
        }
    }

    /// Calls `each` with every number that is read.
    pub fn for_each_number(&self, each: &mut impl FnMut(NumberSource)) {
        match self {
            Tokens::Bin { number, .. } => each(*number),
            Tokens::Product(factors) => factors.iter().for_each(|factor| factor.for_each_number(each)),
            _ => {}
        }
    }
}

impl Term {
    /// Positions in the schema of the attributes that are read, ascending, each once.
    pub fn attributes(&self) -> Vec<usize> {
        let mut found = Vec::new();
        match self {
            Term::Number(number) => found.push(number.attribute()),
            Term::Truth { attribute } | Term::Missing { attribute } => found.push(*attribute),
            Term::Tokens(tokens) => tokens.for_each_attribute(&mut |attribute| found.push(attribute)),
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}
