//! Brings near what the next records will be looked up in.
//!
//! A look-up in a large dictionary waits for memory several times, for the place, the end and the text of an entry, and so
//! does that of a remembered text. Here those of several records wait at the same time: short loops that decide nothing let the
//! processor go ahead from one to the next.

use std::hint::black_box;

use super::{Featurizer, Step, TermState, levels};
use crate::ml::features::plan::Plan;
use crate::ml::features::state::FeaturizerState;
use crate::ml::features::workspace::Workspace;
use crate::ml::record::Record;

/// Records that are worth looking at together.
pub const TOGETHER: usize = 8;
/// Large dictionaries that are looked at; those of a wide table would drive each other out.
const MOST: usize = 16;
/// Dictionaries with fewer entries are near anyway.
const LARGE: usize = 1 << 11;

/// The terms whose look-ups wait.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Whole fields with a large dictionary: attribute and term.
    levels: Vec<(usize, usize)>,
    /// Terms that read words, and remember texts.
    words: Vec<usize>,
}

impl Waiting {
    /// Those of a featurizer.
    pub(super) fn of(plan: &Plan, state: &FeaturizerState) -> Self {
        let is_large = |term: usize| match state.terms.get(term) {
            Some(TermState::Tokens { dictionary, .. }) => dictionary.entries.len() > LARGE,
            _ => false,
        };
        let mut levels = levels(plan);
        levels.retain(|(_, term)| is_large(*term));
        levels.truncate(MOST);
        let reads_words = |step: &Step| matches!(step, Step::Tokens(tokens) if tokens.is_words());
        let words = plan.steps().iter().enumerate();
        let words = words.filter(|(_, step)| reads_words(step)).map(|(term, _)| term);
        Self {
            levels,
            words: words.collect(),
        }
    }
}

impl Featurizer {
    /// Looks at what the first [`TOGETHER`] of these records will be looked up in. `field` gives the field of an attribute.
    /// Changes nothing.
    pub fn warm<'r>(
        &self,
        records: &'r [Record],
        field: impl Fn(&'r Record, usize) -> &'r str,
        workspace: &Workspace,
    ) {
        let records = records.get(..TOGETHER).unwrap_or(records);
        let of_words = self.waiting.words.iter();
        let seen = of_words.fold(self.warm_levels(records, &field), |seen, &term| {
            seen ^ self.warm_texts(term, records, &field, workspace)
        });
        // What was looked at must not be left out as useless.
        black_box(seen);
    }

    fn warm_levels<'r>(&self, records: &'r [Record], field: impl Fn(&'r Record, usize) -> &'r str) -> u8 {
        if self.waiting.levels.is_empty() {
            return 0;
        }
        let (mut entries, mut count) = ([(0, 0); MOST * TOGETHER], 0);
        for &(attribute, term) in &self.waiting.levels {
            for record in records {
                let text = self.plan.text_in(field(record, attribute), attribute);
                if let Some(id) = self.ready[term].1.likely(text).id()
                    && let Some(entry) = entries.get_mut(count)
                {
                    *entry = (term, id);
                    count += 1;
                }
            }
        }
        let first_byte = |&(term, id): &(usize, u32)| match self.state.terms.get(term) {
            Some(TermState::Tokens { dictionary, .. }) => dictionary.entries.first_byte(id as usize),
            _ => 0,
        };
        let entries = entries.iter().take(count);
        entries.fold(0, |seen, entry| seen ^ first_byte(entry))
    }

    fn warm_texts<'r>(
        &self,
        term: usize,
        records: &'r [Record],
        field: impl Fn(&'r Record, usize) -> &'r str,
        workspace: &Workspace,
    ) -> u8 {
        let memo = workspace.memo.as_deref();
        let memo = memo.and_then(|memo| memo.look_at(&self.identity, term));
        let (Some(memo), Some(Step::Tokens(tokens))) = (memo, self.plan.steps().get(term)) else {
            return 0;
        };
        let Some(attribute) = self.plan.text_of(tokens) else {
            return 0;
        };
        let (mut places, mut starts, mut count) = ([0; TOGETHER], [(0, 0); TOGETHER], 0);
        for record in records {
            let text = self.plan.text_in(field(record, attribute), attribute);
            if let (Some(likely), Some(place)) = (memo.likely(text), places.get_mut(count)) {
                *place = likely;
                count += 1;
            }
        }
        for (start, &place) in starts.iter_mut().zip(&places).take(count) {
            *start = memo.start_of(place);
        }
        let starts = starts.iter().take(count);
        starts.fold(0, |seen, start| seen ^ memo.byte_at(*start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::features::{FeatureVector, FeaturizerFit};
    use crate::ml::recipe::term::{Term, TextSource, Tokens};
    use crate::ml::schema::Schema;

    const SCHEMA: &str = r#"{"version":"1.0","dataFormat":"CSV","attributes":[
        {"attributeName":"c","attributeType":"CATEGORICAL"},
        {"attributeName":"t","attributeType":"TEXT"}]}"#;

    fn records(rows: std::ops::Range<u32>) -> Vec<Record> {
        let fields = |row: u32| [format!("x{row}"), format!("word{} {}", row % 9, "-".repeat(70))];
        rows.map(|row| Record::from_fields(fields(row).iter().map(String::as_str)))
            .collect()
    }

    fn featurizer(rows: u32) -> Featurizer {
        let schema = Schema::from_json(SCHEMA).unwrap();
        let level = Tokens::Level {
            attribute: 0,
            lowercase: false,
        };
        let words = Tokens::Words(TextSource {
            attribute: 1,
            lowercase: false,
            no_punct: false,
            split_punct: false,
        });
        let terms = [level, words].map(Term::Tokens);
        let mut fit = FeaturizerFit::new(&terms, &schema, 1_000_000);
        let records = records(0..rows);
        loop {
            records.iter().for_each(|record| fit.add(&[record]));
            if !fit.next_pass() {
                break;
            }
        }
        Featurizer::new(fit.freeze(), &schema)
    }

    #[test]
    fn what_will_be_needed_is_looked_at_and_nothing_changes() {
        let featurizer = featurizer(3_000);
        let (mut plain, mut warmed) = (Workspace::default(), featurizer.remembering());
        let (mut expected, mut found) = (FeatureVector::default(), FeatureVector::default());
        // Some are known, some are not.
        for next in records(2_900..3_100).chunks(TOGETHER) {
            featurizer.warm(next, Record::get, &warmed);
            for record in next {
                featurizer.apply(record, &mut plain, &mut expected);
                featurizer.apply(record, &mut warmed, &mut found);
                assert_eq!((&found.active, &found.dense), (&expected.active, &expected.dense));
            }
        }
        // The bytes looked at: those of an odd number of entries, and of a text that was remembered with its first id.
        assert_eq!(featurizer.warm_levels(&records(5..8), Record::get), b'x');
        assert_eq!(featurizer.warm_levels(&records(5..8), |_, _| "none"), 0);
        let record = &records(0..1);
        let id = (featurizer.feature_of(1, "word0").unwrap())
            .min(featurizer.feature_of(1, &"-".repeat(70)).unwrap());
        assert_eq!(
            featurizer.warm_texts(1, record, Record::get, &warmed),
            b'w' ^ b'-' ^ id as u8
        );
        assert_eq!(
            featurizer.warm_texts(1, record, Record::get, &plain),
            0,
            "nothing is remembered there"
        );
    }

    #[test]
    fn small_dictionaries_are_near_anyway() {
        let featurizer = featurizer(100);
        assert_eq!(featurizer.waiting.levels, []);
        assert_eq!(featurizer.warm_levels(&records(5..8), Record::get), 0);
    }
}
