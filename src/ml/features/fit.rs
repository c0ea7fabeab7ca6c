//! The one pass over the training rows that learns means, quantiles and dictionaries.

use rayon::prelude::*;

use super::dictionary::DictionaryFit;
use super::state::{FeaturizerState, TermState};
use crate::ml::moments::Moments;
use crate::ml::quantile::{Quantiles, exact_capacity};
use crate::ml::recipe::Term;
use crate::ml::record::Record;
use crate::ml::schema::Schema;
use crate::ml::value::{Number, binary, is_missing, number, words};

/// Learns a [`FeaturizerState`] from training rows.
#[derive(Debug)]
pub struct FeaturizerFit {
    terms: Vec<TermFit>,
    missing_values: Vec<Vec<String>>,
}

#[derive(Debug)]
enum TermFit {
    Number {
        attribute: usize,
        moments: Moments,
    },
    QuantileBin {
        attribute: usize,
        bins: u32,
        quantiles: Box<Quantiles>,
    },
    Binary {
        attribute: usize,
    },
    Level {
        attribute: usize,
        fit: DictionaryFit,
    },
    Words {
        attribute: usize,
        fit: DictionaryFit,
    },
    Missing {
        attribute: usize,
        is_binary: bool,
        seen: bool,
    },
}

impl FeaturizerFit {
    /// Prepares for the terms of a checked recipe.
    pub fn new(terms: &[Term], schema: &Schema) -> Self {
        let numbers = terms
            .iter()
            .filter(|term| matches!(term, Term::Number { .. } | Term::QuantileBin { .. }))
            .count();
        let quantiles = || Box::new(Quantiles::new(exact_capacity(numbers)));
        let fit = |term: &Term| match *term {
            Term::Number { attribute } => TermFit::Number {
                attribute,
                moments: Moments::default(),
            },
            Term::QuantileBin { attribute, bins } => TermFit::QuantileBin {
                attribute,
                bins,
                quantiles: quantiles(),
            },
            Term::Binary { attribute } => TermFit::Binary { attribute },
            Term::Level { attribute } => TermFit::Level {
                attribute,
                fit: DictionaryFit::default(),
            },
            Term::Words { attribute } => TermFit::Words {
                attribute,
                fit: DictionaryFit::default(),
            },
            Term::Missing { attribute } => {
                let is_binary = schema.attributes[attribute].kind == crate::ml::schema::AttributeType::Binary;
                TermFit::Missing {
                    attribute,
                    is_binary,
                    seen: false,
                }
            }
        };
        Self {
            terms: terms.iter().map(fit).collect(),
            missing_values: schema
                .attributes
                .iter()
                .map(|attribute| attribute.missing_values.clone())
                .collect(),
        }
    }

    /// Learns from some rows in schema order. Call it with the training rows in file order.
    pub fn add(&mut self, rows: &[&Record]) {
        let missing_values = &self.missing_values;
        self.terms
            .par_iter_mut()
            .for_each(|term| rows.iter().for_each(|row| term.add(row, missing_values)));
    }

    /// Freezes what was learned.
    pub fn freeze(self) -> FeaturizerState {
        FeaturizerState {
            terms: self.terms.into_par_iter().map(TermFit::freeze).collect(),
        }
    }
}

/// The number in a field, if there is one that counts.
pub(super) fn read_number(field: &str, missing_values: &[String]) -> Number {
    if is_missing(field, missing_values) {
        Number::Missing
    } else {
        number(field)
    }
}

/// The text of a field; empty when it stands for missing.
pub(super) fn read_text<'a>(field: &'a str, missing_values: &[String]) -> &'a str {
    if is_missing(field, missing_values) {
        ""
    } else {
        field
    }
}

impl TermFit {
    fn add(&mut self, row: &Record, missing_values: &[Vec<String>]) {
        match self {
            TermFit::Number { attribute, moments } => {
                if let Number::Value(value) = read_number(row.get(*attribute), &missing_values[*attribute]) {
                    moments.add(value);
                }
            }
            TermFit::QuantileBin {
                attribute, quantiles, ..
            } => {
                if let Number::Value(value) = read_number(row.get(*attribute), &missing_values[*attribute]) {
                    quantiles.add(value, row.position.record);
                }
            }
            TermFit::Binary { .. } => {}
            TermFit::Level { attribute, fit } => {
                let field = read_text(row.get(*attribute), &missing_values[*attribute]);
                fit.add(field, row.position.record);
            }
            TermFit::Words { attribute, fit } => {
                let field = read_text(row.get(*attribute), &missing_values[*attribute]);
                words(field).for_each(|word| fit.add(word, row.position.record));
            }
            TermFit::Missing { seen: true, .. } => {}
            TermFit::Missing {
                attribute,
                is_binary,
                seen,
            } => {
                let field = row.get(*attribute);
                *seen = if *is_binary {
                    binary(field).is_none()
                } else {
                    !matches!(read_number(field, &missing_values[*attribute]), Number::Value(_))
                };
            }
        }
    }

    fn freeze(self) -> TermState {
        match self {
            TermFit::Number { attribute, moments } => {
                let (min, max) = if moments.count > 0 {
                    (moments.min, moments.max)
                } else {
                    (0.0, 0.0)
                };
                TermState::Number {
                    attribute,
                    mean: moments.mean,
                    scale: moments.deviation(),
                    min,
                    max,
                }
            }
            TermFit::QuantileBin {
                attribute,
                bins,
                mut quantiles,
            } => TermState::QuantileBin {
                attribute,
                bins,
                bounds: quantiles.bin_bounds(bins as usize),
            },
            TermFit::Binary { attribute } => TermState::Binary { attribute },
            TermFit::Level { attribute, fit } => TermState::Level {
                attribute,
                dictionary: fit.freeze(),
            },
            TermFit::Words { attribute, fit } => TermState::Words {
                attribute,
                dictionary: fit.freeze(),
            },
            TermFit::Missing {
                attribute,
                is_binary,
                seen,
            } => TermState::Missing {
                attribute,
                is_binary,
                seen,
            },
        }
    }
}
