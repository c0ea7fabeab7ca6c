//! The part of the language that can be trained on so far.

use super::error::{Place, Problem, RecipeError};
use super::print::term_expression;
use super::resolve::resolve;
use super::term::{self, NumberSource, TextSource, Tokens};
use super::text::Recipe;
use crate::ml::schema::Schema;

/// One thing that becomes features.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Term {
    /// A number, scaled to mean 0 and variance 1 over the training rows.
    Number {
        /// Position in the schema.
        attribute: usize,
    },
    /// The bin of a number among bins of equal population.
    QuantileBin {
        /// Position in the schema.
        attribute: usize,
        /// Number of bins asked for.
        bins: u32,
    },
    /// A binary literal: one feature that is 0 or 1.
    Binary {
        /// Position in the schema.
        attribute: usize,
    },
    /// The whole text as one value among those seen in training.
    Level {
        /// Position in the schema.
        attribute: usize,
    },
    /// The words of a text among those seen in training.
    Words {
        /// Position in the schema.
        attribute: usize,
    },
    /// Whether a number or binary literal is missing. Added by [`check`], once for each attribute.
    Missing {
        /// Position in the schema.
        attribute: usize,
    },
}

impl Term {
    /// Position in the schema of the attribute the term reads.
    pub fn attribute(&self) -> usize {
        match *self {
            Term::Number { attribute }
            | Term::QuantileBin { attribute, .. }
            | Term::Binary { attribute }
            | Term::Level { attribute }
            | Term::Words { attribute }
            | Term::Missing { attribute } => attribute,
        }
    }
}

/// Resolves every output of `recipe` against `schema`.
///
/// Fails with everything that is wrong, and with what cannot be trained on yet.
pub fn check(recipe: &Recipe, schema: &Schema) -> Result<Vec<Term>, RecipeError> {
    let terms = resolve(recipe, schema)?;
    let simple = |term: &term::Term| {
        simple(term).ok_or_else(|| {
            let expression = term_expression(term, schema);
            RecipeError::from(Problem {
                place: Place::Section("outputs".into()),
                column: None,
                position: None,
                message: format!("`{expression}` cannot be trained on yet; leave it out"),
            })
        })
    };
    terms.iter().map(simple).collect()
}

fn simple(term: &term::Term) -> Option<Term> {
    match term {
        term::Term::Number(NumberSource::Attribute(attribute)) => Some(Term::Number {
            attribute: *attribute,
        }),
        term::Term::Truth { attribute } => Some(Term::Binary {
            attribute: *attribute,
        }),
        term::Term::Missing { attribute } => Some(Term::Missing {
            attribute: *attribute,
        }),
        term::Term::Tokens(Tokens::Bin {
            number: NumberSource::Attribute(attribute),
            bins,
        }) => Some(Term::QuantileBin {
            attribute: *attribute,
            bins: *bins,
        }),
        term::Term::Tokens(Tokens::Level {
            attribute,
            lowercase: false,
        }) => Some(Term::Level {
            attribute: *attribute,
        }),
        term::Term::Tokens(Tokens::Words(TextSource {
            attribute,
            lowercase: false,
            no_punct: false,
        })) => Some(Term::Words {
            attribute: *attribute,
        }),
        _ => None,
    }
}
