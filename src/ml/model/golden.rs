//! Golden rows: made-up records with their expected scores, kept in every bundle and scored again
//! whenever it is loaded.
//!
//! They are made from the schema and the learned state, never copied from training rows, and use no
//! value or word that was seen on fewer than three rows.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::ml::date::DateFormat;
use crate::ml::features::{FeaturizerState, TermState};
use crate::ml::hash::{splitmix64, unit};
use crate::ml::recipe::term::{NumberSource, Tokens};
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
    let declared = &schema.attributes[attribute];
    if let Some(format) = declared.date_format.as_deref() {
        return date_field(format, draw);
    }
    match declared.kind {
        AttributeType::Binary => ["0", "1", ""][(draw % 3) as usize].to_string(),
        AttributeType::Numeric => numeric_field(state, attribute, draw),
        kind @ (AttributeType::Categorical | AttributeType::Text) => {
            let known = known_tokens(state, attribute);
            let tokens = if kind == AttributeType::Text { 3 } else { 1 };
            match known.len() as u64 {
                0 => String::new(),
                count => {
                    let pick = |i: u64| known[(splitmix64(draw + i) % count) as usize].as_str();
                    (0..tokens)
                        .map(pick)
                        .collect::<Vec<_>>()
                        .join(between(state, attribute))
                }
            }
        }
    }
}

/// What stands between the words of a text: a mark, where words are cut at marks, so that a program which does not cut them
/// notices.
fn between(state: &FeaturizerState, attribute: usize) -> &'static str {
    let is_cut = |term: &TermState| match term {
        TermState::Tokens {
            tokens: Tokens::Words(text) | Tokens::Ngrams { text, .. } | Tokens::SparseBigrams { text, .. },
            ..
        } => text.attribute == attribute && text.split_punct,
        _ => false,
    };
    if state.terms.iter().any(is_cut) { "-" } else { " " }
}

/// A moment between 1970 and 2069, told from nothing but the draw; empty where the format cannot be printed.
fn date_field(format: &str, draw: u64) -> String {
    let seconds = (splitmix64(draw) % 3_155_760_000) as i64;
    let text = match format {
        "epoch_seconds" => seconds.to_string(),
        "epoch_milliseconds" => (seconds * 1000).to_string(),
        _ => {
            let printed = format.replace("%#z", "%z");
            let moment = chrono::DateTime::from_timestamp(seconds, 0);
            let mut text = String::new();
            let written = moment.map(|moment| write!(text, "{}", moment.format(&printed)));
            if !matches!(written, Some(Ok(()))) {
                return String::new();
            }
            text
        }
    };
    let reads = DateFormat::new(format).is_ok_and(|format| format.parse(&text).is_some());
    if reads { text } else { String::new() }
}

fn numeric_field(state: &FeaturizerState, attribute: usize, draw: u64) -> String {
    let source = NumberSource::Attribute(attribute);
    let spread = (draw % 41) as f64 / 10.0 - 2.0;
    for term in &state.terms {
        match term {
            TermState::Number {
                source: of,
                mean,
                scale,
                ..
            } if *of == source => return (mean + spread * scale).to_string(),
            _ => {}
        }
    }
    let mut cuts = state.cuts.iter();
    match cuts.find(|cut| cut.source == source && !cut.bounds.is_empty()) {
        Some(cut) => within_a_bin(&cut.bounds, draw).to_string(),
        None => spread.to_string(),
    }
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

/// Values or words of an attribute that were seen on several rows, as far as single terms know them.
fn known_tokens(state: &FeaturizerState, attribute: usize) -> Vec<String> {
    let dictionary = state.terms.iter().find_map(|term| match term {
        TermState::Tokens { tokens, dictionary } if reads_alone(tokens, attribute) => {
            Some((tokens, dictionary))
        }
        _ => None,
    });
    let Some((tokens, dictionary)) = dictionary else {
        return Vec::new();
    };
    let is_pair = matches!(tokens, Tokens::SparseBigrams { .. });
    // Entries are ordered by frequency, so the rare ones are at the end.
    let known = dictionary.rows.partition_point(|&rows| rows >= LEAST_SEEN);
    let entries = dictionary.entries.iter().take(known);
    entries
        .map(|entry| {
            if is_pair {
                entry.replace('_', " ")
            } else {
                entry.to_string()
            }
        })
        .collect()
}

fn reads_alone(tokens: &Tokens, attribute: usize) -> bool {
    match tokens {
        Tokens::Level { attribute: of, .. } => *of == attribute,
        Tokens::Words(text) | Tokens::Ngrams { text, .. } | Tokens::SparseBigrams { text, .. } => {
            text.attribute == attribute
        }
        Tokens::Bin { .. } | Tokens::Truth { .. } | Tokens::DatePart { .. } | Tokens::Product(_) => false,
    }
}

/// Whether two scores are the same up to rounding.
pub fn agrees(expected: f64, found: f64) -> bool {
    expected == found || (expected - found).abs() <= TOLERANCE * expected.abs().max(found.abs())
}
