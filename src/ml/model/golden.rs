//! Golden rows: made-up records with their expected scores, kept in every bundle and scored again
//! whenever it is loaded.
//!
//! They are made from the schema and the learned state, never copied from training rows, and use no
//! value or word that was seen on fewer than three rows.

use serde::{Deserialize, Serialize};

use crate::ml::features::{FeaturizerState, TermState};
use crate::ml::hash::{splitmix64, unit};
use crate::ml::schema::{AttributeType, Schema};

/// Golden rows in a bundle.
const ROWS: u64 = 8;
/// Rows on which a value or word must have been seen to be used.
const LEAST_SEEN: u32 = 3;
/// Relative difference at which a score counts as changed.
const TOLERANCE: f64 = 1e-12;

/// One made-up record and its scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GoldenRow {
    /// The fields, in schema order.
    pub fields: Vec<String>,
    /// The expected scores.
    pub scores: Vec<f64>,
}

/// Makes the fields of the golden rows.
pub fn make_fields(schema: &Schema, state: &FeaturizerState) -> Vec<Vec<String>> {
    (0..ROWS)
        .map(|row| {
            (0..schema.attributes.len())
                .map(|a| field(schema, state, a, row))
                .collect()
        })
        .collect()
}

fn field(schema: &Schema, state: &FeaturizerState, attribute: usize, row: u64) -> String {
    // The first row is all missing; every other field is drawn from what was learned.
    if row == 0 || !schema.is_input(attribute) {
        return String::new();
    }
    let draw = splitmix64(row << 32 | attribute as u64);
    match schema.attributes[attribute].kind {
        AttributeType::Binary => ["0", "1", ""][(draw % 3) as usize].to_string(),
        AttributeType::Numeric => numeric_field(state, attribute, draw),
        AttributeType::Categorical | AttributeType::Text => {
            let known = known_entries(state, attribute);
            match known.len() as u64 {
                0 => String::new(),
                count => {
                    let words = if schema.attributes[attribute].kind == AttributeType::Text {
                        3
                    } else {
                        1
                    };
                    let pick = |i: u64| known[(splitmix64(draw + i) % count) as usize];
                    (0..words).map(pick).collect::<Vec<_>>().join(" ")
                }
            }
        }
    }
}

fn numeric_field(state: &FeaturizerState, attribute: usize, draw: u64) -> String {
    let spread = (draw % 41) as f64 / 10.0 - 2.0;
    for term in &state.terms {
        match term {
            TermState::Number {
                attribute: a,
                mean,
                scale,
                ..
            } if *a == attribute => {
                return (mean + spread * scale).to_string();
            }
            TermState::QuantileBin {
                attribute: a, bounds, ..
            } if *a == attribute && !bounds.is_empty() => {
                return within_a_bin(bounds, draw).to_string();
            }
            _ => {}
        }
    }
    spread.to_string()
}

/// A number inside one of the bins. The bounds themselves are numbers of training rows, so none of them is
/// used as it is.
fn within_a_bin(bounds: &[f64], draw: u64) -> f64 {
    let at = (draw % bounds.len() as u64) as usize;
    let width = match bounds.get(at + 1) {
        Some(next) => next - bounds[at],
        None => (bounds[at] - bounds[0]).max(1.0),
    };
    bounds[at] + width * (0.25 + 0.5 * unit(draw, 0))
}

fn known_entries(state: &FeaturizerState, attribute: usize) -> Vec<&str> {
    let dictionary = state.terms.iter().find_map(|term| match term {
        TermState::Level {
            attribute: a,
            dictionary,
        }
        | TermState::Words {
            attribute: a,
            dictionary,
        } if *a == attribute => Some(dictionary),
        _ => None,
    });
    let Some(dictionary) = dictionary else {
        return Vec::new();
    };
    // Entries are ordered by frequency, so the rare ones are at the end.
    let known = dictionary.rows.partition_point(|&rows| rows >= LEAST_SEEN);
    dictionary.entries[..known].iter().map(|entry| &**entry).collect()
}

/// Whether two scores are the same up to rounding.
pub fn agrees(expected: f64, found: f64) -> bool {
    expected == found || (expected - found).abs() <= TOLERANCE * expected.abs().max(found.abs())
}
