//! What is looked at to tell that a field is odd: one check for each attribute that is learned from.

use super::levels::Levels;
use super::plan::Plan;
use super::state::{FeaturizerState, TermState};
use crate::ml::recipe::term::{NumberSource, Tokens};
use crate::ml::schema::{AttributeType, Schema};

/// How oddities of one attribute are found.
#[derive(Debug)]
pub(super) struct Check {
    /// Position in the schema.
    pub(super) attribute: usize,
    /// Its type.
    pub(super) kind: AttributeType,
    /// Whether its date is what may be missing.
    pub(super) is_date: bool,
    /// Where the workspace has its number or date, if the plan reads one.
    pub(super) place: Option<usize>,
    /// Smallest and largest training value.
    pub(super) range: Option<(f64, f64)>,
    /// The term that knows the values or words, if one does.
    pub(super) term: Option<usize>,
    /// The categories that products know, where only they do.
    pub(super) levels: Option<Levels>,
}

/// One check for each attribute that the terms read.
pub(super) fn checks(state: &FeaturizerState, schema: &Schema, plan: &Plan) -> Vec<Check> {
    let terms = state.recipe_terms();
    let mut attributes: Vec<usize> = terms.iter().flat_map(|term| term.attributes()).collect();
    attributes.sort_unstable();
    attributes.dedup();
    let check = |attribute: usize| {
        let declared = schema.attributes.get(attribute)?;
        let source = NumberSource::Attribute(attribute);
        let range = state.terms.iter().find_map(|term| match term {
            TermState::Number {
                source: of, min, max, ..
            } if *of == source => Some((*min, *max)),
            _ => None,
        });
        let cut = || state.cuts.iter().find(|cut| cut.source == source);
        let is_date = declared.date_format.is_some() && reads_date(state, attribute);
        let term = state.terms.iter().position(|term| knows(term, attribute));
        let by_products = declared.kind == AttributeType::Categorical && !is_date && term.is_none();
        Some(Check {
            attribute,
            kind: declared.kind,
            is_date,
            place: if is_date {
                plan.date_place(attribute)
            } else {
                plan.number_place(attribute)
            },
            range: range.or_else(|| cut().map(|cut| (cut.min, cut.max))),
            term,
            levels: if by_products {
                Levels::of(state, attribute)
            } else {
                None
            },
        })
    };
    attributes.into_iter().filter_map(check).collect()
}

/// Whether a term has the attribute's values or words in a dictionary of its own.
fn knows(term: &TermState, attribute: usize) -> bool {
    let TermState::Tokens { tokens, .. } = term else {
        return false;
    };
    match tokens {
        Tokens::Level { attribute: of, .. } => *of == attribute,
        Tokens::Words(text) | Tokens::Ngrams { text, .. } | Tokens::SparseBigrams { text, .. } => {
            text.attribute == attribute
        }
        Tokens::Bin { .. } | Tokens::Truth { .. } | Tokens::DatePart { .. } | Tokens::Product(_) => false,
    }
}

/// Whether the attribute's date may be missing, rather than its number or its category.
fn reads_date(state: &FeaturizerState, attribute: usize) -> bool {
    let is = |term: &TermState| matches!(term, TermState::Missing { attribute: of, by_number: false, .. } if *of == attribute);
    state.terms.iter().any(is)
}
