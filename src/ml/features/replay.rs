//! Rows that were kept when they were first read become features: the same as [`Featurizer::apply`] gives of their
//! records.

use rayon::prelude::*;

use super::count::TokenCounts;
use super::featurizer::{Featurizer, scaled};
use super::kept::{KeptRows, KeptTerm};
use super::state::TermState;
use super::step::{Step, TokenStep};
use super::vector::FeatureVector;
use super::workspace::Workspace;
use crate::ml::value::Number;

/// Stands for a token that is no feature.
const NONE: u32 = u32::MAX;

/// Kept rows with the features of a featurizer.
#[derive(Debug)]
pub struct Replay<'a> {
    rows: &'a KeptRows,
    featurizer: &'a Featurizer,
    /// For each term.
    meanings: Vec<Meaning>,
}

/// What the kept numbers of a term stand for.
#[derive(Debug)]
enum Meaning {
    /// It has no tokens.
    Nothing,
    /// For each token its feature.
    Tokens(Vec<u32>),
    /// For each text its features, one text after the other, and where those of each end.
    Texts { ids: Vec<u32>, ends: Vec<u32> },
}

impl KeptRows {
    /// The rows as `featurizer` sees them, which must have the terms that the rows were read for.
    pub fn replay<'a>(&'a self, featurizer: &'a Featurizer) -> Replay<'a> {
        let steps = featurizer.plan().steps().par_iter().enumerate();
        let meanings = steps
            .zip(&self.terms)
            .map(|((term, step), (counts, kept))| match step {
                Step::Tokens(tokens) => Meaning::of((term, tokens), counts, kept, featurizer),
                _ => Meaning::Nothing,
            });
        Replay {
            rows: self,
            featurizer,
            meanings: meanings.collect(),
        }
    }
}

impl Meaning {
    fn of(
        (term, tokens): (usize, &TokenStep),
        counts: &TokenCounts,
        kept: &KeptTerm,
        featurizer: &Featurizer,
    ) -> Self {
        let feature = |token: &str| featurizer.feature_of(term, token);
        let Some((texts, _)) = &kept.texts else {
            let mut features = vec![NONE; counts.numbers()];
            for (number, token) in counts.numbered() {
                features[number as usize] = feature(token).unwrap_or(NONE);
            }
            return Self::Tokens(features);
        };
        let mut in_order = vec![""; texts.numbers()];
        texts
            .numbered()
            .for_each(|(number, text)| in_order[number as usize] = text);
        let (mut workspace, mut features) = (Workspace::default(), FeatureVector::default());
        let (mut ids, mut ends) = (Vec::new(), Vec::with_capacity(in_order.len()));
        for text in in_order {
            features.clear();
            let active = &mut features.active;
            let plan = featurizer.plan();
            plan.for_each_token_of(tokens, text, &mut workspace, |token| {
                active.extend(feature(token))
            });
            features.settle(0);
            ids.extend_from_slice(&features.active);
            ends.push(ids.len() as u32);
        }
        Self::Texts { ids, ends }
    }

    /// Appends the features that a kept number stands for.
    #[inline]
    fn add(&self, number: u32, features: &mut FeatureVector) {
        let at = number as usize;
        match self {
            Self::Nothing => {}
            Self::Tokens(of_token) => match of_token.get(at) {
                None | Some(&NONE) => {}
                Some(&id) => features.active.push(id),
            },
            Self::Texts { ids, ends } => {
                let end = |text: usize| ends.get(text).map_or(0, |&end| end as usize);
                let first = at.checked_sub(1).map_or(0, end);
                let of_text = ids.get(first..end(at)).unwrap_or_default();
                features.active.extend_from_slice(of_text);
            }
        }
    }
}

impl Replay<'_> {
    /// Puts the features of row `row` into `features`.
    pub fn row(&self, row: usize, features: &mut FeatureVector) {
        features.clear();
        let number = |place: usize| match self.rows.numbers.get(place).map(|numbers| numbers.get(row)) {
            Some(value) if !value.is_nan() => Number::Value(value),
            _ => Number::Missing,
        };
        // The terms whose truth holds or whose value is missing, ascending.
        let mut flags = self.rows.flags.row(row).peekable();
        let steps = self.featurizer.plan().steps().iter().enumerate();
        for (((term, step), state), meaning) in steps.zip(&self.featurizer.state().terms).zip(&self.meanings)
        {
            let first = self.featurizer.first_of(term);
            match (step, state) {
                (Step::Number(place), TermState::Number { mean, scale, .. }) => {
                    features.dense.push(scaled(number(*place), *mean, *scale));
                }
                (Step::Bin { number: place, cut }, _) => {
                    if let Number::Value(value) = number(*place) {
                        let bin = self.featurizer.cut(*cut).bin(value) as u32;
                        features.active.push(first + bin);
                    }
                }
                (Step::Truth(_) | Step::Missing(_), _) => {
                    if flags.next_if_eq(&(term as u32)).is_some() {
                        features.active.push(first);
                    }
                }
                (Step::Tokens(_), _) => {
                    let Some((_, KeptTerm { stream, .. })) = self.rows.terms.get(term) else {
                        continue;
                    };
                    match stream.only(row) {
                        Some(number) => meaning.add(number, features),
                        None => {
                            let start = features.active.len();
                            stream.row(row).for_each(|number| meaning.add(number, features));
                            features.settle(start);
                        }
                    }
                }
                (Step::Number(_), _) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::date::DatePart;
    use crate::ml::features::FeaturizerFit;
    use crate::ml::recipe::term::{NumberSource, Term, TextSource, Tokens};
    use crate::ml::record::Record;
    use crate::ml::schema::Schema;

    const SCHEMA: &str = r#"{"version":"1.0","dataFormat":"CSV","attributes":[
        {"attributeName":"n","attributeType":"NUMERIC","missingValues":["NA"]},
        {"attributeName":"b","attributeType":"BINARY"},
        {"attributeName":"c","attributeType":"CATEGORICAL"},
        {"attributeName":"t","attributeType":"TEXT"},
        {"attributeName":"d","attributeType":"CATEGORICAL","dateFormat":"%Y-%m-%d"},
        {"attributeName":"m","attributeType":"NUMERIC"}]}"#;

    fn terms() -> Vec<Term> {
        let number = |attribute| NumberSource::Attribute(attribute);
        let level = |lowercase| Tokens::Level {
            attribute: 2,
            lowercase,
        };
        let text = TextSource {
            attribute: 3,
            lowercase: true,
            no_punct: true,
            split_punct: false,
        };
        let bin = |attribute, bins| Tokens::Bin {
            number: number(attribute),
            bins,
        };
        let part = Tokens::DatePart {
            attribute: 4,
            part: DatePart::DayOfWeek,
        };
        let words = [
            level(false),
            level(true),
            Tokens::Words(text),
            Tokens::Ngrams { text, longest: 2 },
            part.clone(),
            bin(0, 4),
            Tokens::Truth { attribute: 1 },
            Tokens::Product(vec![level(false), bin(5, 3)]),
            Tokens::Product(vec![part, Tokens::Words(text)]),
        ];
        let mut terms = vec![
            Term::Missing { attribute: 0 },
            Term::Number(number(0)),
            Term::Truth { attribute: 1 },
            Term::Missing { attribute: 1 },
            Term::Number(NumberSource::Timestamp(4)),
            Term::Missing { attribute: 4 },
            Term::Missing { attribute: 5 },
        ];
        terms.extend(words.map(Term::Tokens));
        terms.push(Term::Number(number(5)));
        terms
    }

    /// Rows with all that a field can be; `texts` of them are different.
    fn rows(count: usize, texts: usize) -> Vec<Record> {
        let pick = |row: usize, salt: usize, of: &[&str]| of[(row * salt / 7 + row) % of.len()].to_string();
        let fields = |row: usize| {
            let text = row % texts;
            [
                pick(row, 3, &["1", "2.5", "NA", "", "-7", "x", "0.1", "1e3"]),
                pick(row, 5, &["yes", "no", "", "maybe"]),
                format!("{}{}", pick(row, 2, &["Red", "red", "", "é"]), row % 300),
                format!("word {text}, b-{} Word b", text % 11),
                pick(row, 11, &["2024-01-01", "2024-02-29", "", "never"]),
                (row * row % 97).to_string(),
            ]
        };
        (0..count)
            .map(|row| {
                let fields = fields(row);
                let mut record = Record::from_fields(fields.iter().map(String::as_str));
                record.position.record = row as u64;
                record
            })
            .collect()
    }

    fn fit(rows: &[Record], room: usize, repeats: bool) -> FeaturizerFit {
        let schema = Schema::from_json(SCHEMA).unwrap();
        let mut fit = FeaturizerFit::new(&terms(), &schema, 100_000)
            .with_repeats(|_| repeats.then_some((10, 1_000_000)))
            .keeping(room);
        loop {
            let chunks = rows.chunks(170);
            chunks.for_each(|some| fit.add(&some.iter().collect::<Vec<_>>()));
            if !fit.next_pass() {
                return fit;
            }
        }
    }

    #[test]
    fn a_kept_row_gives_what_its_record_gives() {
        let schema = Schema::from_json(SCHEMA).unwrap();
        let rows = rows(2_000, 400);
        for repeats in [false, true] {
            let (state, kept) = fit(&rows, 1 << 30, repeats).freeze_and_keep();
            let kept = kept.unwrap();
            assert_eq!(kept.rows, rows.len());
            assert_eq!(state, fit(&rows, 0, repeats).freeze());
            let mut few = fit(&rows, 0, repeats);
            few.allow(300);
            let few = few.freeze();
            assert!(few.space.dropped > 0 && few.space.hashed > 0);
            let beta = vec![0.5; state.dense() + state.sparse() + 1];
            let pruned = state.pruned(&beta, 1, 700).unwrap();
            for state in [state, few, pruned] {
                let featurizer = Featurizer::new(state, &schema);
                let replay = kept.replay(&featurizer);
                let mut workspace = Workspace::default();
                let (mut expected, mut found) = (FeatureVector::default(), FeatureVector::default());
                for (row, record) in rows.iter().enumerate() {
                    featurizer.apply(record, &mut workspace, &mut expected);
                    replay.row(row, &mut found);
                    assert_eq!(found, expected, "row {row}, repeats {repeats}");
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_or_was_forgotten_is_not_kept() {
        let all = rows(2_000, 400);
        let bytes = |kept: Option<KeptRows>| kept.unwrap().bytes();
        let taken = bytes(fit(&all, 1 << 30, true).freeze_and_keep().1);
        assert!(taken > 50_000);
        // Dictionaries count, too: there would be room for the rows alone.
        assert!(fit(&all, taken / 2, true).freeze_and_keep().1.is_none());
        let (state, kept) = fit(&all, taken / 8, true).freeze_and_keep();
        assert!(kept.is_none());
        assert_eq!(state, fit(&all, 0, true).freeze());
        // More different texts than are kept before their words are counted.
        let many = rows(40_000, 40_000);
        assert!(fit(&many, 1 << 30, true).freeze_and_keep().1.is_none());
        assert!(fit(&many, 1 << 30, false).freeze_and_keep().1.is_some());
    }

    /// All pairs of words of two texts, on rows that are read as one chunk.
    fn keeps_pairs(rows: usize, words: usize, are_different: bool) -> bool {
        let schema = Schema::from_json(
            r#"{"version":"1.0","dataFormat":"CSV","attributes":[
            {"attributeName":"a","attributeType":"TEXT"},{"attributeName":"b","attributeType":"TEXT"}]}"#,
        )
        .unwrap();
        let text = |attribute| {
            Tokens::Words(TextSource {
                attribute,
                lowercase: false,
                no_punct: false,
                split_punct: false,
            })
        };
        let terms = [Term::Tokens(Tokens::Product(vec![text(0), text(1)]))];
        let field = |row: usize| {
            let word = |at: usize| if are_different { row * words + at } else { at % 3 };
            (0..words).map(|at| format!("{} ", word(at))).collect::<String>()
        };
        let rows: Vec<Record> = (0..rows)
            .map(|row| Record::from_fields([field(row), field(row)].iter().map(String::as_str)))
            .collect();
        let mut fit = FeaturizerFit::new(&terms, &schema, 5_000_000).keeping(256 << 20);
        fit.add(&rows.iter().collect::<Vec<_>>());
        assert!(!fit.next_pass());
        fit.freeze_and_keep().1.is_some()
    }

    #[test]
    fn a_chunk_that_forgets_or_has_too_many_tokens_is_not_kept() {
        assert!(keeps_pairs(21, 300, true));
        assert!(
            !keeps_pairs(24, 300, true),
            "rare ones are forgotten beyond 2,000,000"
        );
        assert!(keeps_pairs(40, 300, false));
        assert!(
            !keeps_pairs(48, 300, false),
            "4,320,000 tokens on every batch under way"
        );
    }
}
