//! A frozen featurizer at work: record in, features out, remarks on the fields if wanted.

use serde::Serialize;

use super::dictionary::Dictionary;
use super::fit::{read_number, read_text};
use super::state::{FeaturizerState, TermState};
use super::vector::FeatureVector;
use crate::ml::record::Record;
use crate::ml::schema::Schema;
use crate::ml::value::{Number, binary, is_missing, words};

/// Scaled numbers are kept within this range, so that a wild value cannot make a score infinite.
const LARGEST_SCALED: f64 = 1e18;

/// What was odd about a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    /// The field is empty or stands for missing.
    Missing,
    /// The field of a number or binary literal is neither.
    Invalid,
    /// The number lies outside what was seen in training.
    OutOfRange,
    /// The category was not seen in training.
    UnknownCategory,
    /// None of the words was seen in training.
    UnknownWords,
}

impl NoteKind {
    /// The name used in JSON and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            NoteKind::Missing => "missing",
            NoteKind::Invalid => "invalid",
            NoteKind::OutOfRange => "out_of_range",
            NoteKind::UnknownCategory => "unknown_category",
            NoteKind::UnknownWords => "unknown_words",
        }
    }
}

/// A remark on one field of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldNote {
    /// Position of the attribute in the schema.
    pub attribute: usize,
    /// What was odd.
    pub kind: NoteKind,
}

/// Turns records in schema order into features.
#[derive(Debug)]
pub struct Featurizer {
    state: FeaturizerState,
    /// For each term, the id of its first sparse feature and its dictionary.
    ready: Vec<(u32, Dictionary)>,
    missing_values: Vec<Vec<String>>,
    dense: usize,
    sparse: usize,
}

impl Featurizer {
    /// Prepares a frozen state for work.
    pub fn new(state: FeaturizerState, schema: &Schema) -> Self {
        let mut first = 0;
        let mut ready = Vec::with_capacity(state.terms.len());
        for term in &state.terms {
            let dictionary = match term {
                TermState::Level { dictionary, .. } | TermState::Words { dictionary, .. } => {
                    Dictionary::new(dictionary)
                }
                _ => Dictionary::default(),
            };
            ready.push((first, dictionary));
            first += term.sparse() as u32;
        }
        let missing_values = schema
            .attributes
            .iter()
            .map(|attribute| attribute.missing_values.clone())
            .collect();
        let (dense, sparse) = (state.dense(), state.sparse());
        Self {
            state,
            ready,
            missing_values,
            dense,
            sparse,
        }
    }

    /// What was learned.
    pub fn state(&self) -> &FeaturizerState {
        &self.state
    }

    /// Number of dense features.
    pub fn dense(&self) -> usize {
        self.dense
    }

    /// Number of active-or-not features.
    pub fn sparse(&self) -> usize {
        self.sparse
    }

    /// Number of features in all, which is the number of weights for each class.
    pub fn features(&self) -> usize {
        self.dense + self.sparse
    }

    /// Puts the features of `record` into `features`.
    pub fn apply(&self, record: &Record, features: &mut FeatureVector) {
        self.apply_noting(record, features, |_| {});
    }

    /// The same, with a remark on every odd field.
    pub fn apply_noting(
        &self,
        record: &Record,
        features: &mut FeatureVector,
        mut note: impl FnMut(FieldNote),
    ) {
        features.clear();
        for (term, (first, dictionary)) in self.state.terms.iter().zip(&self.ready) {
            let field = record.get(term.attribute());
            self.apply_term(term, *first, dictionary, field, features, &mut note);
        }
        features.settle();
    }

    fn apply_term(
        &self,
        term: &TermState,
        first: u32,
        dictionary: &Dictionary,
        field: &str,
        features: &mut FeatureVector,
        note: &mut impl FnMut(FieldNote),
    ) {
        let missing_values = &self.missing_values[term.attribute()];
        match term {
            TermState::Number {
                mean,
                scale,
                min,
                max,
                attribute,
            } => {
                let value = read_number(field, missing_values);
                if let Number::Value(value) = value
                    && !(*min..=*max).contains(&value)
                {
                    note(FieldNote {
                        attribute: *attribute,
                        kind: NoteKind::OutOfRange,
                    });
                }
                features.dense.push(scaled(value, *mean, *scale));
            }
            TermState::QuantileBin { bounds, .. } => {
                if let Number::Value(value) = read_number(field, missing_values) {
                    features
                        .active
                        .push(first + bounds.partition_point(|&bound| bound <= value) as u32);
                }
            }
            TermState::Binary { .. } => {
                if binary(field) == Some(true) {
                    features.active.push(first);
                }
            }
            TermState::Level { attribute, .. } => match dictionary.id(read_text(field, missing_values)) {
                Some(id) => features.active.push(first + id),
                None if field.trim().is_empty() => note(FieldNote {
                    attribute: *attribute,
                    kind: NoteKind::Missing,
                }),
                None => note(FieldNote {
                    attribute: *attribute,
                    kind: NoteKind::UnknownCategory,
                }),
            },
            TermState::Words { attribute, .. } => {
                let field = read_text(field, missing_values);
                add_words(field, first, dictionary, *attribute, features, note)
            }
            TermState::Missing {
                attribute,
                is_binary,
                seen,
            } => {
                if let Some(kind) = oddity(*is_binary, field, missing_values) {
                    note(FieldNote {
                        attribute: *attribute,
                        kind,
                    });
                    if *seen {
                        features.active.push(first);
                    }
                }
            }
        }
    }
}

/// Whether the field of a number or binary literal is missing or unreadable.
fn oddity(is_binary: bool, field: &str, missing_values: &[String]) -> Option<NoteKind> {
    if is_binary {
        return match binary(field) {
            Some(_) => None,
            None if is_missing(field.trim(), missing_values) => Some(NoteKind::Missing),
            None => Some(NoteKind::Invalid),
        };
    }
    match read_number(field, missing_values) {
        Number::Value(_) => None,
        Number::Missing => Some(NoteKind::Missing),
        Number::Invalid => Some(NoteKind::Invalid),
    }
}

fn scaled(value: Number, mean: f64, scale: f64) -> f32 {
    match value {
        Number::Value(value) if scale > 0.0 => {
            ((value - mean) / scale).clamp(-LARGEST_SCALED, LARGEST_SCALED) as f32
        }
        _ => 0.0,
    }
}

fn add_words(
    field: &str,
    first: u32,
    dictionary: &Dictionary,
    attribute: usize,
    features: &mut FeatureVector,
    note: &mut impl FnMut(FieldNote),
) {
    let (mut seen, mut known) = (false, false);
    for word in words(field) {
        seen = true;
        if let Some(id) = dictionary.id(word) {
            known = true;
            features.active.push(first + id);
        }
    }
    if seen && !known {
        note(FieldNote {
            attribute,
            kind: NoteKind::UnknownWords,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::features::FeaturizerFit;
    use crate::ml::recipe::{Recipe, check};

    fn fitted(recipe: &str) -> Featurizer {
        let schema = Schema::from_json(
            r#"{"version":"1.0","dataFormat":"CSV","attributes":[{"attributeName":"n","attributeType":"NUMERIC","missingValues":["NA"]},
            {"attributeName":"b","attributeType":"BINARY"},{"attributeName":"c","attributeType":"CATEGORICAL"},
            {"attributeName":"t","attributeType":"TEXT"}]}"#,
        )
        .unwrap();
        let terms = check(&Recipe::from_json(recipe).unwrap(), &schema).unwrap();
        let mut fit = FeaturizerFit::new(&terms, &schema);
        let rows = [
            ["1", "yes", "red", "a b"],
            ["3", "0", "", "b c b"],
            ["NA", "", "red", ""],
        ];
        for (index, fields) in rows.iter().enumerate() {
            let mut record = Record::from_fields(fields.iter().copied());
            record.position.record = index as u64;
            fit.add(&[&record]);
        }
        Featurizer::new(fit.freeze(), &schema)
    }

    fn features(featurizer: &Featurizer, fields: [&str; 4]) -> (Vec<f32>, Vec<u32>, Vec<(usize, NoteKind)>) {
        let mut vector = FeatureVector::default();
        let mut notes = Vec::new();
        featurizer.apply_noting(&Record::from_fields(fields), &mut vector, |n| {
            notes.push((n.attribute, n.kind))
        });
        (vector.dense, vector.active, notes)
    }

    #[test]
    fn every_kind_of_term() {
        let featurizer = fitted(r#"{"outputs":["ALL_NUMERIC","ALL_BINARY","ALL_CATEGORICAL","ALL_TEXT"]}"#);
        // Sparse ids: b 0; c: red 1, empty 2; t: b 3, a 4, c 5; n missing 6; b missing 7.
        assert_eq!((featurizer.dense(), featurizer.sparse()), (1, 8));
        assert_eq!(
            features(&featurizer, ["1", "yes", "red", "b a b"]),
            (vec![-1.0], vec![0, 1, 3, 4], vec![])
        );
        let (dense, active, notes) = features(&featurizer, ["NA", "what", "blue", "z"]);
        assert_eq!((dense, active), (vec![0.0], vec![6, 7]));
        assert_eq!(
            notes,
            [
                (2, NoteKind::UnknownCategory),
                (3, NoteKind::UnknownWords),
                (0, NoteKind::Missing),
                (1, NoteKind::Invalid)
            ]
        );
        assert_eq!(
            features(&featurizer, ["5", "1", "", "a"]).2,
            [(0, NoteKind::OutOfRange)]
        );
    }

    #[test]
    fn bins_leave_missing_numbers_out() {
        let featurizer = fitted(r#"{"outputs":["quantile_bin(n, 2)"]}"#);
        assert_eq!(features(&featurizer, ["2.9", "", "", ""]).1, [0]);
        assert_eq!(features(&featurizer, ["3", "", "", ""]).1, [1]);
        assert_eq!(features(&featurizer, ["", "", "", ""]).1, [2]);
    }
}
