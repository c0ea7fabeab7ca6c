//! What a featurizer has learned, as it is stored in a bundle.

use serde::{Deserialize, Serialize};

use super::dictionary::DictionaryState;
use crate::ml::schema::Schema;

/// The frozen part of one term of a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "term", rename_all = "snake_case")]
pub enum TermState {
    /// `(x − mean) / scale`; a missing number becomes 0, the mean.
    Number {
        /// Position in the schema.
        attribute: usize,
        /// Mean of the training values.
        mean: f64,
        /// Population standard deviation of the training values; 0 for a constant column.
        scale: f64,
        /// Smallest training value.
        min: f64,
        /// Largest training value.
        max: f64,
    },
    /// One feature for each bin; the bin's index is the number of bounds that are at most the value.
    QuantileBin {
        /// Position in the schema.
        attribute: usize,
        /// Bins asked for.
        bins: u32,
        /// The bounds, ascending.
        bounds: Vec<f64>,
    },
    /// One feature, active when the literal means true.
    Binary {
        /// Position in the schema.
        attribute: usize,
    },
    /// One feature for each value seen.
    Level {
        /// Position in the schema.
        attribute: usize,
        /// The values.
        dictionary: DictionaryState,
    },
    /// One feature for each word seen.
    Words {
        /// Position in the schema.
        attribute: usize,
        /// The words.
        dictionary: DictionaryState,
    },
    /// One feature, active when the value is missing or unreadable.
    Missing {
        /// Position in the schema.
        attribute: usize,
        /// Whether the attribute is BINARY (else NUMERIC).
        is_binary: bool,
        /// Whether that happened in training; if not there is no feature.
        seen: bool,
    },
}

impl TermState {
    /// Position in the schema of the attribute that the term reads.
    pub fn attribute(&self) -> usize {
        match *self {
            TermState::Number { attribute, .. }
            | TermState::QuantileBin { attribute, .. }
            | TermState::Binary { attribute }
            | TermState::Level { attribute, .. }
            | TermState::Words { attribute, .. }
            | TermState::Missing { attribute, .. } => attribute,
        }
    }

    /// Dense features of the term.
    pub fn dense(&self) -> usize {
        usize::from(matches!(self, TermState::Number { .. }))
    }

    /// Active-or-not features of the term.
    pub fn sparse(&self) -> usize {
        match self {
            TermState::Number { .. } => 0,
            TermState::QuantileBin { bounds, .. } => bounds.len() + 1,
            TermState::Binary { .. } => 1,
            TermState::Level { dictionary, .. } | TermState::Words { dictionary, .. } => {
                dictionary.entries.len()
            }
            TermState::Missing { seen, .. } => usize::from(*seen),
        }
    }
}

/// Everything a featurizer has learned, in the order of the recipe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FeaturizerState {
    /// The terms; their features follow each other in this order.
    pub terms: Vec<TermState>,
}

/// The name of one feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeatureName {
    /// The attribute it comes from.
    pub attribute: String,
    /// Which part of it: empty for a plain number, else for example `= red`, `in [3, 5)`, `is missing`.
    pub part: String,
}

impl FeaturizerState {
    /// Number of dense features.
    pub fn dense(&self) -> usize {
        self.terms.iter().map(TermState::dense).sum()
    }

    /// Number of active-or-not features.
    pub fn sparse(&self) -> usize {
        self.terms.iter().map(TermState::sparse).sum()
    }

    /// Calls `each` with every feature in weight order: its attribute's position and its part.
    pub fn for_each_feature(&self, mut each: impl FnMut(usize, &str)) {
        self.terms
            .iter()
            .filter(|term| term.dense() == 1)
            .for_each(|term| each(term.attribute(), ""));
        for term in &self.terms {
            let attribute = term.attribute();
            match term {
                TermState::Number { .. } => {}
                TermState::QuantileBin { bounds, .. } => {
                    (0..=bounds.len()).for_each(|bin| each(attribute, &bin_name(bounds, bin)));
                }
                TermState::Binary { .. } => each(attribute, "is true"),
                TermState::Level { dictionary, .. } => dictionary
                    .entries
                    .iter()
                    .for_each(|entry| each(attribute, &format!("= {entry}"))),
                TermState::Words { dictionary, .. } => dictionary
                    .entries
                    .iter()
                    .for_each(|entry| each(attribute, &format!("has {entry}"))),
                TermState::Missing { seen, .. } => {
                    if *seen {
                        each(attribute, "is missing");
                    }
                }
            }
        }
    }

    /// The names of all features in weight order.
    pub fn names(&self, schema: &Schema) -> Vec<FeatureName> {
        let mut names = Vec::with_capacity(self.dense() + self.sparse());
        self.for_each_feature(|attribute, part| {
            let attribute = schema
                .attributes
                .get(attribute)
                .map_or_else(String::new, |attribute| attribute.name.clone());
            names.push(FeatureName {
                attribute,
                part: part.to_string(),
            });
        });
        names
    }
}

fn bin_name(bounds: &[f64], bin: usize) -> String {
    match (
        bin.checked_sub(1).and_then(|below| bounds.get(below)),
        bounds.get(bin),
    ) {
        (None, None) => "has a value".into(),
        (None, Some(high)) => format!("< {high}"),
        (Some(low), None) => format!(">= {low}"),
        (Some(low), Some(high)) => format!("in [{low}, {high})"),
    }
}
