//! A frozen featurizer at work: record in, features out, remarks on the fields if wanted.

mod warm;

use std::sync::Arc;

pub use warm::TOGETHER;
use warm::Waiting;

use super::checks::{Check, checks};
use super::cut::Cut;
use super::dictionary::{Dictionary, DictionaryState, Found, Likely};
use super::memo::{FoundCounts, Memo};
use super::notes::{FieldNote, NoteKind};
use super::plan::Plan;
use super::reading::is_missing;
use super::state::{FeaturizerState, TermState};
use super::step::{Step, TokenStep};
use super::vector::FeatureVector;
use super::workspace::Workspace;
use crate::ml::record::Record;
use crate::ml::schema::{AttributeType, Schema};
use crate::ml::value::{Number, binary};

/// Scaled numbers are kept within this range, so that a wild value cannot make a score infinite.
const LARGEST_SCALED: f64 = 1e18;

/// Fields that are looked up together; those of a record that has more are looked up one by one.
const AHEAD: usize = 32;

/// Turns records in schema order into features.
#[derive(Debug)]
pub struct Featurizer {
    state: FeaturizerState,
    plan: Plan,
    cuts: Vec<Cut>,
    /// For each term, the id of its first sparse feature and its dictionary.
    ready: Vec<(u32, Dictionary)>,
    /// Whole fields with a dictionary: attribute and term.
    levels: Vec<(usize, usize)>,
    waiting: Waiting,
    checks: Vec<Check>,
    dense: usize,
    /// The term of each dense feature.
    dense_terms: Vec<usize>,
    sparse: usize,
    /// Tells this featurizer from all others: what is remembered under one is not true of another.
    identity: Arc<()>,
}

impl Featurizer {
    /// Prepares a frozen state for work.
    pub fn new(state: FeaturizerState, schema: &Schema) -> Self {
        let mut first = 0;
        let mut ready = Vec::with_capacity(state.terms.len());
        for term in &state.terms {
            let dictionary = match term {
                TermState::Tokens { dictionary, .. } => Dictionary::new(dictionary),
                _ => Dictionary::default(),
            };
            ready.push((first, dictionary));
            first += state.sparse_of(term) as u32;
        }
        let cut_of = state.cuts.iter().zip(0..);
        let cut_of = cut_of
            .map(|(cut, index)| ((cut.source, cut.bins), index))
            .collect();
        let plan = Plan::new(&state.recipe_terms(), schema, &cut_of, &state.by_number());
        Self {
            cuts: state
                .cuts
                .iter()
                .map(|cut| Cut::new(cut.bounds.clone()))
                .collect(),
            checks: checks(&state, schema, &plan),
            levels: levels(&plan),
            waiting: Waiting::of(&plan, &state),
            plan,
            dense: state.dense(),
            dense_terms: state.dense_terms(),
            sparse: state.sparse(),
            ready,
            identity: Arc::new(()),
            state,
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

    /// The term that a feature belongs to, by its place among the weights.
    pub fn term_of(&self, feature: usize) -> usize {
        match feature.checked_sub(self.dense) {
            None => self.dense_terms[feature],
            // The last term that begins there or before; one without features begins where the next one does.
            Some(id) => (self.ready).partition_point(|(first, _)| *first as usize <= id) - 1,
        }
    }

    /// The compiled terms.
    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The id of the first active-or-not feature of a term.
    pub(super) fn first_of(&self, term: usize) -> u32 {
        self.ready.get(term).map_or(0, |(first, _)| *first)
    }

    /// The id of what a token is to a term with a dictionary.
    pub(super) fn feature_of(&self, term: usize, token: &str) -> Option<u32> {
        let (
            Some((first, dictionary)),
            Some(TermState::Tokens {
                dictionary: state, ..
            }),
        ) = (self.ready.get(term), self.state.terms.get(term))
        else {
            return None;
        };
        Some(first + dictionary.find(state, token).id()?)
    }

    /// The cut with this index.
    pub(super) fn cut(&self, index: usize) -> &Cut {
        &self.cuts[index]
    }

    /// Calls `each` with every token that a step takes from the record that was read last.
    pub(super) fn for_each_token(
        &self,
        step: &TokenStep,
        record: &Record,
        workspace: &mut Workspace,
        each: impl FnMut(&str),
    ) {
        self.plan
            .for_each_token(step, record, &self.cuts, workspace, each);
    }

    /// Buffers for many records: with them texts that repeat themselves are cut into words once. They take
    /// [`super::memo::MOST_BYTES`] more at most.
    pub fn remembering(&self) -> Workspace {
        let memo = Memo::new(&self.identity, self.state.terms.len(), self.word_terms());
        Workspace {
            memo: Some(Box::new(memo)),
            ..Workspace::default()
        }
    }

    /// How many terms read words: texts are remembered for those.
    pub fn word_terms(&self) -> usize {
        let reads_words = |step: &&Step| matches!(step, Step::Tokens(tokens) if tokens.is_words());
        self.plan.steps().iter().filter(reads_words).count()
    }

    /// Puts the features of `record` into `features`. With buffers that have seen a few records, nothing is
    /// allocated.
    pub fn apply(&self, record: &Record, workspace: &mut Workspace, features: &mut FeatureVector) {
        features.clear();
        self.plan.read(record, workspace);
        workspace.found.clear();
        let (fields, likely) = self.look_ahead(record);
        let mut at_level = 0;
        let steps = self.plan.steps().iter().enumerate();
        for (((at, step), term), (first, _)) in steps.zip(&self.state.terms).zip(&self.ready) {
            let mut found = (0, 0);
            match (step, term) {
                (Step::Number(place), TermState::Number { mean, scale, .. }) => {
                    features
                        .dense
                        .push(scaled(workspace.numbers[*place], *mean, *scale));
                }
                (Step::Bin { number, cut }, _) => {
                    if let Number::Value(value) = workspace.numbers[*number] {
                        features.active.push(first + self.cuts[*cut].bin(value) as u32);
                    }
                }
                (Step::Truth(place), _) if workspace.truths[*place] == Some(true) => {
                    features.active.push(*first)
                }
                (
                    Step::Tokens(TokenStep::Level { lowercase: false, .. }),
                    TermState::Tokens {
                        dictionary: state, ..
                    },
                ) if at_level < AHEAD => {
                    let dictionary = &self.ready[at].1;
                    let it = dictionary.find_likely(state, fields[at_level], likely[at_level]);
                    at_level += 1;
                    found = (1, u32::from(it != Found::Unknown));
                    features.active.extend(it.id().map(|id| first + id));
                }
                (
                    Step::Tokens(tokens),
                    TermState::Tokens {
                        dictionary: state, ..
                    },
                ) => {
                    found = self.add_tokens((at, tokens, state), record, workspace, features);
                }
                (Step::Missing(place), TermState::Missing { seen: true, .. })
                    if is_missing(*place, workspace) =>
                {
                    features.active.push(*first);
                }
                _ => {}
            }
            workspace.found.push(found);
        }
    }

    /// Begins to look up the whole fields of a record, in the order of their terms: all of them wait for memory at the
    /// same time.
    #[inline]
    fn look_ahead<'r>(&self, record: &'r Record) -> ([&'r str; AHEAD], [Likely; AHEAD]) {
        let (mut fields, mut likely) = ([""; AHEAD], [Likely::default(); AHEAD]);
        for ((field, likely), (attribute, term)) in fields.iter_mut().zip(&mut likely).zip(&self.levels) {
            *field = self.plan.read_text(record, *attribute);
            *likely = self.ready[*term].1.likely(field);
        }
        (fields, likely)
    }

    /// Adds what the tokens of a term are; returns how many there are, and how many of them are known.
    fn add_tokens(
        &self,
        (term, tokens, state): (usize, &TokenStep, &DictionaryState),
        record: &Record,
        workspace: &mut Workspace,
        features: &mut FeatureVector,
    ) -> FoundCounts {
        let text = match &workspace.memo {
            Some(_) => self.plan.whole_text(tokens, record),
            None => None,
        };
        let memo = workspace.memo.as_deref_mut();
        let memo = memo.and_then(|memo| memo.term(&self.identity, term));
        if let Some((memo, text)) = memo.zip(text)
            && let Some((ids, found)) = memo.recall(text)
        {
            features.active.extend_from_slice(ids);
            return found;
        }
        let (start, mut found) = (features.active.len(), (0, 0));
        let (first, dictionary) = &self.ready[term];
        self.plan
            .for_each_token(tokens, record, &self.cuts, workspace, |token| {
                found.0 += 1;
                if let Some(id) = dictionary.find(state, token).id() {
                    found.1 += 1;
                    features.active.push(first + id);
                }
            });
        features.settle(start);
        let memo = workspace.memo.as_deref_mut();
        let memo = memo.and_then(|memo| memo.term(&self.identity, term));
        if let Some((memo, text)) = memo.zip(text) {
            memo.keep(text, features.active.get(start..).unwrap_or_default(), found);
        }
        found
    }

    /// The same, with a remark on every odd field, in the order of the schema.
    pub fn apply_noting(
        &self,
        record: &Record,
        workspace: &mut Workspace,
        features: &mut FeatureVector,
        mut note: impl FnMut(FieldNote),
    ) {
        self.apply(record, workspace, features);
        for check in &self.checks {
            if let Some(kind) = self.oddity(check, record, workspace) {
                note(FieldNote {
                    attribute: check.attribute,
                    kind,
                });
            }
        }
    }

    fn oddity(&self, check: &Check, record: &Record, workspace: &mut Workspace) -> Option<NoteKind> {
        // A number tells by itself what is odd about it; the texts of others are looked at.
        if check.kind == AttributeType::Numeric && !check.is_date {
            return match *workspace.numbers.get(check.place?)? {
                Number::Missing => Some(NoteKind::Missing),
                Number::Invalid => Some(NoteKind::Invalid),
                Number::Value(value) => {
                    let (low, high) = check.range?;
                    (value < low || value > high).then_some(NoteKind::OutOfRange)
                }
            };
        }
        let found = check.term.and_then(|term| workspace.found.get(term).copied());
        let field = self.plan.read_text(record, check.attribute);
        let is_empty = field.is_empty();
        match check.kind {
            _ if check.is_date => match workspace.dates.get(check.place?)? {
                Some(_) => None,
                None if is_empty => Some(NoteKind::Missing),
                None => Some(NoteKind::Invalid),
            },
            AttributeType::Numeric => None,
            AttributeType::Binary => match binary(field) {
                Some(_) => None,
                None if is_empty => Some(NoteKind::Missing),
                None => Some(NoteKind::Invalid),
            },
            // Missing is told of even where training has seen it, as it is of numbers.
            AttributeType::Categorical | AttributeType::Text if is_empty => Some(NoteKind::Missing),
            AttributeType::Categorical => match found {
                Some((_, 0)) => Some(NoteKind::UnknownCategory),
                None => {
                    let known = check.levels.as_ref()?.know(field, &mut workspace.scratch);
                    (!known).then_some(NoteKind::UnknownCategory)
                }
                _ => None,
            },
            AttributeType::Text => match found {
                Some((seen, 0)) if seen > 0 => Some(NoteKind::UnknownWords),
                _ => None,
            },
        }
    }
}

/// The steps that take a field as it is, with its attribute.
fn levels(plan: &Plan) -> Vec<(usize, usize)> {
    let level = |(term, step): (usize, &Step)| match step {
        Step::Tokens(TokenStep::Level {
            attribute,
            lowercase: false,
        }) => Some((*attribute, term)),
        _ => None,
    };
    plan.steps().iter().enumerate().filter_map(level).collect()
}

/// A number as a dense feature; 0, which stands for the mean, where there is none.
pub(super) fn scaled(value: Number, mean: f64, scale: f64) -> f32 {
    match value {
        Number::Value(value) if scale > 0.0 => {
            ((value - mean) / scale).clamp(-LARGEST_SCALED, LARGEST_SCALED) as f32
        }
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests;
