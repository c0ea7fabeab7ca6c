//! What features are called.

use serde::Serialize;

use super::cut::bin_name;
use super::state::{FeaturizerState, TermState};
use crate::ml::date::DatePart;
use crate::ml::recipe::term::{NumberSource, TextSource, Tokens};
use crate::ml::schema::Schema;

/// The name of one feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeatureName {
    /// The attribute it comes from; several are joined by ` × `.
    pub attribute: String,
    /// Which part of it: empty for a plain number, else for example `= red`, `in [3, 5)`, `is missing`.
    pub part: String,
}

impl FeaturizerState {
    /// The names of all features in weight order.
    pub fn names(&self, schema: &Schema) -> Vec<FeatureName> {
        self.names_of(0..self.dense() + self.sparse(), schema)
    }

    /// The names of some features, by their places in weight order.
    pub fn names_of(&self, features: impl IntoIterator<Item = usize>, schema: &Schema) -> Vec<FeatureName> {
        let attributes: Vec<String> = (0..self.terms.len())
            .map(|term| self.attribute_of(term, schema))
            .collect();
        let firsts = self.firsts();
        let name = |feature: usize| {
            let at = firsts
                .partition_point(|&(first, _)| first <= feature)
                .checked_sub(1)?;
            let (first, term) = firsts[at];
            Some(FeatureName {
                attribute: attributes[term].clone(),
                part: self.part(&self.terms[term], feature - first),
            })
        };
        features.into_iter().filter_map(name).collect()
    }

    /// Where the features of each term begin, with its index, in weight order.
    fn firsts(&self) -> Vec<(usize, usize)> {
        let mut firsts = Vec::with_capacity(2 * self.terms.len());
        let mut next = 0;
        let counts: [fn(&Self, &TermState) -> usize; 2] = [Self::dense_of, Self::sparse_of];
        for count in counts {
            for (index, term) in self.terms.iter().enumerate() {
                let features = count(self, term);
                if features > 0 {
                    firsts.push((next, index));
                    next += features;
                }
            }
        }
        firsts
    }

    fn attribute_of(&self, index: usize, schema: &Schema) -> String {
        let attributes = self.term(index).attributes();
        let named = attributes.iter().filter_map(|&at| schema.attributes.get(at));
        let names: Vec<&str> = named.map(|attribute| attribute.name.as_str()).collect();
        names.join(" × ")
    }

    /// Which part of its attribute the feature `nth` of a term is.
    fn part(&self, term: &TermState, nth: usize) -> String {
        match term {
            TermState::Number { source, .. } => match source {
                NumberSource::Attribute(_) => String::new(),
                NumberSource::Timestamp(_) => "as days since 1970-01-01".into(),
            },
            TermState::Bin { cut } => {
                let bounds = self.cuts.get(*cut).map_or(&[] as &[f64], |cut| &cut.bounds);
                bin_name(bounds, nth)
            }
            TermState::Truth { .. } => "is true".into(),
            TermState::Tokens { tokens, dictionary } => {
                let kind = kind_of(tokens);
                match nth.checked_sub(dictionary.entries.len()) {
                    // A missing category is the empty one.
                    None if dictionary.entries.get(nth).is_empty() => "is missing".into(),
                    None => format!("{kind} {}", dictionary.entries.get(nth)),
                    Some(bucket) => format!("{kind} one of the rare values of bucket {}", bucket + 1),
                }
            }
            TermState::Missing { .. } => "is missing".into(),
        }
    }
}

/// How the names of a term's features begin.
fn kind_of(tokens: &Tokens) -> String {
    let words = |what: &str, text: &TextSource| {
        let how = [
            (text.lowercase, "in lower case "),
            (text.split_punct, "split at punctuation "),
            (text.no_punct, "without punctuation "),
        ];
        let how: String = how
            .into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, how)| how)
            .collect();
        format!("{how}{what}")
    };
    match tokens {
        Tokens::Level { lowercase: false, .. }
        | Tokens::Product(_)
        | Tokens::Bin { .. }
        | Tokens::Truth { .. } => "=".into(),
        Tokens::Level { lowercase: true, .. } => "in lower case =".into(),
        Tokens::Words(text) | Tokens::Ngrams { text, .. } | Tokens::SparseBigrams { text, .. } => {
            words("has", text)
        }
        Tokens::DatePart { part, .. } => match part {
            DatePart::Month => "month =".into(),
            DatePart::DayOfMonth => "day of month =".into(),
            DatePart::DayOfWeek => "day of week =".into(),
            DatePart::Hour => "hour =".into(),
        },
    }
}
