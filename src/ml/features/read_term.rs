//! Reads the state of a term from a model file.
//!
//! What a term is stands first in it, so that everything after it can be read in place. Serde's own way for such enums
//! collects all members first, because the word might come last; a dictionary of many entries would be read twice.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};

use super::dictionary::DictionaryState;
use super::state::TermState;
use crate::ml::recipe::term::{NumberSource, Tokens};

/// Reads one term.
pub(super) struct ReadTerm;

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Number,
    Bin,
    Truth,
    Tokens,
    Missing,
}

#[derive(Deserialize)]
struct NumberTerm {
    source: NumberSource,
    mean: f64,
    scale: f64,
    min: f64,
    max: f64,
}

#[derive(Deserialize)]
struct BinTerm {
    cut: usize,
}

#[derive(Deserialize)]
struct TruthTerm {
    attribute: usize,
}

#[derive(Deserialize)]
struct TokensTerm {
    tokens: Tokens,
    dictionary: DictionaryState,
}

#[derive(Deserialize)]
struct MissingTerm {
    attribute: usize,
    seen: bool,
    #[serde(default)]
    by_number: bool,
}

impl<'de> Visitor<'de> for ReadTerm {
    type Value = TermState;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a term, with `term` first")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TermState, A::Error> {
        if map.next_key::<String>()?.as_deref() != Some("term") {
            return Err(A::Error::custom("a term must begin with `term`"));
        }
        let kind = map.next_value()?;
        let rest = MapAccessDeserializer::new(map);
        Ok(match kind {
            Kind::Number => {
                let NumberTerm {
                    source,
                    mean,
                    scale,
                    min,
                    max,
                } = NumberTerm::deserialize(rest)?;
                TermState::Number {
                    source,
                    mean,
                    scale,
                    min,
                    max,
                }
            }
            Kind::Bin => TermState::Bin {
                cut: BinTerm::deserialize(rest)?.cut,
            },
            Kind::Truth => TermState::Truth {
                attribute: TruthTerm::deserialize(rest)?.attribute,
            },
            Kind::Tokens => {
                let TokensTerm { tokens, dictionary } = TokensTerm::deserialize(rest)?;
                TermState::Tokens { tokens, dictionary }
            }
            Kind::Missing => {
                let MissingTerm {
                    attribute,
                    seen,
                    by_number,
                } = MissingTerm::deserialize(rest)?;
                TermState::Missing {
                    attribute,
                    seen,
                    by_number,
                }
            }
        })
    }
}
