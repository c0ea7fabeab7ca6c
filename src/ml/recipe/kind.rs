//! The types of expressions: what a term is to the functions that may take it.

use super::term::{Term, Tokens};
use crate::ml::schema::{AttributeType, Schema};

/// The type of an expression's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number.
    Numeric,
    /// A binary literal.
    Binary,
    /// One token.
    Categorical,
    /// Words that can still be changed and joined.
    Text,
    /// Tokens that can only be combined.
    Tokens,
}

impl Kind {
    /// The type of a term.
    pub(super) fn of(term: &Term) -> Self {
        match term {
            Term::Number(_) => Kind::Numeric,
            Term::Truth { .. } | Term::Missing { .. } => Kind::Binary,
            Term::Tokens(tokens) => match tokens {
                Tokens::Words(_) => Kind::Text,
                Tokens::Level { .. } | Tokens::Bin { .. } | Tokens::DatePart { .. } => Kind::Categorical,
                Tokens::Truth { .. } => Kind::Binary,
                Tokens::Ngrams { .. } | Tokens::SparseBigrams { .. } | Tokens::Product(_) => Kind::Tokens,
            },
        }
    }

    /// The name, as messages use it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Numeric => AttributeType::Numeric.as_str(),
            Kind::Binary => AttributeType::Binary.as_str(),
            Kind::Categorical => AttributeType::Categorical.as_str(),
            Kind::Text => AttributeType::Text.as_str(),
            Kind::Tokens => "a set of tokens",
        }
    }
}

/// The term of an attribute as it is.
pub(super) fn bare(schema: &Schema, attribute: usize) -> Term {
    use super::term::{NumberSource, TextSource};
    match schema.attributes[attribute].kind {
        AttributeType::Numeric => Term::Number(NumberSource::Attribute(attribute)),
        AttributeType::Binary => Term::Truth { attribute },
        AttributeType::Categorical => Term::Tokens(Tokens::Level {
            attribute,
            lowercase: false,
        }),
        AttributeType::Text => Term::Tokens(Tokens::Words(TextSource {
            attribute,
            lowercase: false,
            no_punct: false,
            split_punct: false,
        })),
    }
}

/// The attribute that a term is as it is, if it is one.
pub(super) fn bare_attribute(term: &Term, schema: &Schema) -> Option<usize> {
    let attribute = match term {
        Term::Number(number) => number.attribute(),
        Term::Truth { attribute } | Term::Tokens(Tokens::Level { attribute, .. }) => *attribute,
        Term::Tokens(Tokens::Words(text)) => text.attribute,
        Term::Tokens(_) | Term::Missing { .. } => return None,
    };
    (*term == bare(schema, attribute)).then_some(attribute)
}

/// How many values a term holds, as a measure of what it costs to keep.
pub(super) fn weight(term: &Term) -> usize {
    match term {
        Term::Tokens(Tokens::Product(factors)) => factors.len(),
        _ => 1,
    }
}
