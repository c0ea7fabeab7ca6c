//! What a featurizer has learned, as it is stored in a bundle.

use std::collections::HashSet;

use serde::{Deserialize, Deserializer, Serialize};

use super::dictionary::DictionaryState;
use super::read_term::ReadTerm;
use super::space::FeatureSpace;
use crate::ml::recipe::term::{NumberSource, Term, Tokens};

/// The frozen part of one term of a recipe.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "term", rename_all = "snake_case")]
pub enum TermState {
    /// `(x − mean) / scale`; a missing number becomes 0, the mean.
    Number {
        /// The number.
        source: NumberSource,
        /// Mean of the training values.
        mean: f64,
        /// Population standard deviation of the training values; 0 for a constant column.
        scale: f64,
        /// Smallest training value.
        min: f64,
        /// Largest training value.
        max: f64,
    },
    /// One feature for each bin of a cut.
    Bin {
        /// Index of the cut.
        cut: usize,
    },
    /// One feature, active when the literal means true.
    Truth {
        /// Position in the schema.
        attribute: usize,
    },
    /// One feature for each token seen.
    Tokens {
        /// What gives the tokens.
        tokens: Tokens,
        /// The tokens seen.
        dictionary: DictionaryState,
    },
    /// One feature, active when the value is missing or unreadable.
    Missing {
        /// Position in the schema.
        attribute: usize,
        /// Whether that happened in training; if not there is no feature.
        seen: bool,
        /// Of a date whose plain number is learned from: the number is what may be missing. Models made before this
        /// was known go by the date.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        by_number: bool,
    },
}

impl<'de> Deserialize<'de> for TermState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReadTerm)
    }
}

impl TermState {
    /// The mean and the deviation that a number is scaled by; the deviation is 0 for a constant column.
    pub fn scaling(&self) -> Option<(f64, f64)> {
        match self {
            TermState::Number { mean, scale, .. } => Some((*mean, *scale)),
            _ => None,
        }
    }
}

/// The bins of one number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CutState {
    /// The number.
    pub source: NumberSource,
    /// Bins asked for.
    pub bins: u32,
    /// The bounds, ascending; the index of a bin is the number of bounds that are at most the value.
    pub bounds: Vec<f64>,
    /// Smallest training value.
    pub min: f64,
    /// Largest training value.
    pub max: f64,
}

/// Everything a featurizer has learned, in the order of the recipe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FeaturizerState {
    /// Bins of numbers, used by terms and by products.
    pub cuts: Vec<CutState>,
    /// The terms; their features follow each other in this order.
    pub terms: Vec<TermState>,
    /// How many features there were to choose from, and what was left out.
    pub space: FeatureSpace,
}

impl FeaturizerState {
    /// The term of a recipe at `index`, as it was before training.
    pub fn term(&self, index: usize) -> Term {
        match &self.terms[index] {
            TermState::Number { source, .. } => Term::Number(*source),
            TermState::Bin { cut } => {
                let (number, bins) = self
                    .cuts
                    .get(*cut)
                    .map_or((NumberSource::Attribute(0), 0), |cut| (cut.source, cut.bins));
                Term::Tokens(Tokens::Bin { number, bins })
            }
            TermState::Truth { attribute } => Term::Truth {
                attribute: *attribute,
            },
            TermState::Tokens { tokens, .. } => Term::Tokens(tokens.clone()),
            TermState::Missing { attribute, .. } => Term::Missing {
                attribute: *attribute,
            },
        }
    }

    /// The terms of the recipe, as they were before training.
    pub fn recipe_terms(&self) -> Vec<Term> {
        (0..self.terms.len()).map(|index| self.term(index)).collect()
    }

    /// The dates that are missing where their number is.
    pub fn by_number(&self) -> Vec<usize> {
        let dates = self.terms.iter().filter_map(|term| match term {
            TermState::Missing {
                attribute,
                by_number: true,
                ..
            } => Some(*attribute),
            _ => None,
        });
        dates.collect()
    }

    /// Whether every part refers to attributes below `attributes` and to cuts that exist, and every list is
    /// as long as it must be.
    pub fn is_consistent(&self, attributes: usize) -> bool {
        let mut cuts = HashSet::new();
        self.cuts.iter().all(|cut| {
            cut.source.attribute() < attributes
                && cut.bounds.windows(2).all(|pair| pair[0] < pair[1])
                // Terms find their cut by number and bins.
                && cuts.insert((cut.source, cut.bins))
        }) && self.terms.iter().enumerate().all(|(index, state)| {
            let parts_fit = match state {
                TermState::Bin { cut } => *cut < self.cuts.len(),
                TermState::Tokens { tokens, dictionary } => {
                    dictionary.rows.len() == dictionary.entries.len() && self.has_cuts(tokens)
                }
                _ => true,
            };
            parts_fit
                && self
                    .term(index)
                    .attributes()
                    .iter()
                    .all(|&attribute| attribute < attributes)
        })
    }

    fn has_cuts(&self, tokens: &Tokens) -> bool {
        match tokens {
            Tokens::Bin { number, bins } => self
                .cuts
                .iter()
                .any(|cut| cut.source == *number && cut.bins == *bins),
            Tokens::Product(factors) => {
                let fits = |factor: &Tokens| !matches!(factor, Tokens::Product(_)) && self.has_cuts(factor);
                factors.len() > 1 && factors.iter().all(fits)
            }
            _ => true,
        }
    }

    /// Dense features of a term.
    pub fn dense_of(&self, term: &TermState) -> usize {
        usize::from(matches!(term, TermState::Number { .. }))
    }

    /// Active-or-not features of a term.
    pub fn sparse_of(&self, term: &TermState) -> usize {
        match term {
            TermState::Number { .. } => 0,
            TermState::Bin { cut } => self.cuts.get(*cut).map_or(0, |cut| cut.bounds.len() + 1),
            TermState::Truth { .. } => 1,
            TermState::Tokens { dictionary, .. } => dictionary.features(),
            TermState::Missing { seen, .. } => usize::from(*seen),
        }
    }

    /// Number of dense features.
    pub fn dense(&self) -> usize {
        self.terms.iter().map(|term| self.dense_of(term)).sum()
    }

    /// Number of active-or-not features.
    pub fn sparse(&self) -> usize {
        self.terms.iter().map(|term| self.sparse_of(term)).sum()
    }

    /// Lets go on how many training rows each token occurred, which no prediction needs.
    pub fn forget_rows(&mut self) {
        for term in &mut self.terms {
            if let TermState::Tokens { dictionary, .. } = term {
                dictionary.rows = Vec::new();
            }
        }
    }

    /// The terms of the dense features.
    pub fn dense_terms(&self) -> Vec<usize> {
        let dense = self
            .terms
            .iter()
            .enumerate()
            .filter(|(_, term)| self.dense_of(term) > 0);
        dense.map(|(index, _)| index).collect()
    }

    /// For each feature in weight order, the index of its term.
    pub fn term_of_features(&self) -> Vec<u32> {
        let indexed = || self.terms.iter().zip(0..);
        let dense = indexed().flat_map(|(term, index)| std::iter::repeat_n(index, self.dense_of(term)));
        let sparse = indexed().flat_map(|(term, index)| std::iter::repeat_n(index, self.sparse_of(term)));
        dense.chain(sparse).collect()
    }
}
