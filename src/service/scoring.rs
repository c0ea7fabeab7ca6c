//! Scores records one after the other and remarks on what is odd about them.

use std::sync::{Mutex, PoisonError};

use super::Service;
use super::answering::Answering;
use crate::ml::draft::{Draft, Written};
use crate::ml::features::NoteKind;
use crate::ml::predict::{Explanation, Predictor, Scratch};
use crate::ml::record::Record;
use crate::ml::schema::AttributeType;
use crate::ml::value::{Number, number};

/// Characters of a value that are repeated in a warning.
const SHOWN: usize = 80;

/// Buffers larger than this are not kept for the next request, in bytes.
const KEPT_BYTES: usize = 1 << 20;

/// Scorers that are kept for later requests.
const KEPT_SCORERS: usize = 64;

/// What can be odd about a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// The model has no such attribute.
    UnknownField,
    /// An attribute of the model has no value.
    Missing,
    /// The field of a number, truth value or date is neither.
    Invalid,
    /// The number lies outside what was seen in training.
    OutOfRange,
    /// The category was not seen in training.
    UnknownCategory,
    /// None of the words was seen in training.
    UnknownWords,
    /// A number was sent as a text; it counts as the number.
    TextForNumber,
    /// A category or text was sent as a number; it counts as the text.
    NumberForText,
}

impl Oddity {
    /// All of them, in the order of their numbers.
    pub const ALL: [Oddity; 8] = [
        Oddity::UnknownField,
        Oddity::Missing,
        Oddity::Invalid,
        Oddity::OutOfRange,
        Oddity::UnknownCategory,
        Oddity::UnknownWords,
        Oddity::TextForNumber,
        Oddity::NumberForText,
    ];

    /// The name used in answers and metrics.
    pub fn code(self) -> &'static str {
        match self {
            Oddity::UnknownField => "unknown_field",
            Oddity::Missing => "missing",
            Oddity::Invalid => "invalid",
            Oddity::OutOfRange => "out_of_range",
            Oddity::UnknownCategory => "unknown_category",
            Oddity::UnknownWords => "unknown_words",
            Oddity::TextForNumber => "text_for_number",
            Oddity::NumberForText => "number_for_text",
        }
    }
}

impl From<NoteKind> for Oddity {
    fn from(kind: NoteKind) -> Self {
        match kind {
            NoteKind::Missing => Oddity::Missing,
            NoteKind::Invalid => Oddity::Invalid,
            NoteKind::OutOfRange => Oddity::OutOfRange,
            NoteKind::UnknownCategory => Oddity::UnknownCategory,
            NoteKind::UnknownWords => Oddity::UnknownWords,
        }
    }
}

/// One odd field: an attribute by its position, or an unknown field by its place in the draft.
#[derive(Debug, Clone, Copy)]
struct Remark {
    place: usize,
    oddity: Oddity,
}

/// What was scored since the tally was last taken.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Records.
    pub records: u64,
    /// Odd fields, by [`Oddity::ALL`].
    pub oddities: [u64; Oddity::ALL.len()],
    /// For each record the answered class, none for a number; and the probability of the positive label, that of the
    /// answered class, or the number.
    pub answers: Vec<(Option<usize>, f64)>,
}

/// Scores records one after the other. Reuse it: in the steady state nothing is allocated.
#[derive(Debug, Default)]
pub struct Scorer {
    /// The record that is being put together.
    pub draft: Draft,
    record: Record,
    scratch: Scratch,
    remarks: Vec<Remark>,
    found: u64,
    tally: Tally,
    most_warnings: usize,
}

impl Scorer {
    /// Begins a record.
    pub fn begin(&mut self, model: &Answering) {
        model.predictor().begin(&mut self.draft);
    }

    /// Scores the draft.
    pub fn score<'s>(&'s mut self, model: &'s Answering, explain: bool) -> Scored<'s> {
        let predictor = model.predictor();
        self.draft.write(&mut self.record);
        self.remarks.clear();
        self.found = 0;
        let unknown = self.draft.unknown().len();
        for place in 0..unknown {
            self.remark(place, Oddity::UnknownField);
        }
        // Taken out, so that remarks can be made meanwhile.
        let mut scratch = std::mem::take(&mut self.scratch);
        let record = std::mem::take(&mut self.record);
        predictor.score_noting(&record, &mut scratch, |note| {
            self.remark(note.attribute, note.kind.into());
        });
        self.remark_on_types(predictor, &record);
        if explain {
            predictor.explain(&mut scratch);
        }
        (self.scratch, self.record) = (scratch, record);
        let class = model.class_of(&self.scratch.scores);
        self.tally.records += 1;
        let score = one_of(&self.scratch.scores, class);
        self.tally.answers.push((class, score));
        Scored {
            model,
            scorer: self,
            class,
            explained: explain,
        }
    }

    /// What was scored since the last call.
    pub fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    fn remark(&mut self, place: usize, oddity: Oddity) {
        self.found += 1;
        self.tally.oddities[oddity as usize] += 1;
        // What is not shown is only counted.
        if self.remarks.len() < self.most_warnings {
            self.remarks.push(Remark { place, oddity });
        }
    }

    /// Remarks on numbers sent as texts, and on texts sent as numbers.
    fn remark_on_types(&mut self, predictor: &Predictor, record: &Record) {
        for &attribute in predictor.inputs() {
            let written = self.draft.written(attribute);
            if written == Written::Plain {
                continue;
            }
            let Some(declared) = predictor.schema().attributes.get(attribute) else {
                continue;
            };
            let is_text = matches!(declared.kind, AttributeType::Categorical | AttributeType::Text);
            let is_number = || matches!(number(record.get(attribute)), Number::Value(_));
            match written {
                _ if declared.date_format.is_some() => {}
                Written::Number if is_text => self.remark(attribute, Oddity::NumberForText),
                Written::Text if declared.kind == AttributeType::Numeric && is_number() => {
                    self.remark(attribute, Oddity::TextForNumber);
                }
                Written::Number | Written::Text | Written::Plain => {}
            }
        }
    }

    fn is_small(&self) -> bool {
        let scratch = &self.scratch;
        self.draft.capacity() + self.record.text_len() + scratch.capacity() <= KEPT_BYTES
    }
}

/// The prediction for one record, until the next one is scored.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'s> {
    model: &'s Answering,
    scorer: &'s Scorer,
    /// The answered class, as an index into the labels; none for a number.
    pub class: Option<usize>,
    explained: bool,
}

impl<'s> Scored<'s> {
    /// The model that answers.
    pub fn model(&self) -> &'s Answering {
        self.model
    }

    /// The probability of the positive label, one probability for each class, or the number.
    pub fn scores(&self) -> &'s [f64] {
        &self.scorer.scratch.scores
    }

    /// The answered label; none for a number.
    pub fn label(&self) -> Option<&'s str> {
        let target = self.model.predictor().target();
        self.class.map(|class| target.label(class))
    }

    /// The probability of the positive label, that of the answered class, or the number.
    pub fn score(&self) -> f64 {
        one_of(self.scores(), self.class)
    }

    /// Each label with its probability, in class order; nothing for a number.
    pub fn probabilities(&self) -> impl Iterator<Item = (&'s str, f64)> {
        let (scores, target) = (self.scores(), self.model.predictor().target());
        let labels = match (self.class, scores) {
            (None, _) => 0,
            (Some(_), [_]) => 2,
            (Some(_), all) => all.len(),
        };
        // One score of two labels is that of the second.
        let share = move |class: usize| match scores {
            [positive] if class == 0 => 1.0 - positive,
            [positive] => *positive,
            all => all.get(class).copied().unwrap_or_default(),
        };
        (0..labels).map(move |class| (target.label(class), share(class)))
    }

    /// Why, if that was asked for; attributes by their position in the schema.
    pub fn explanation(&self) -> Option<&'s Explanation> {
        self.explained.then_some(&self.scorer.scratch.explanation)
    }

    /// What was odd about the record, a bounded number of entries.
    pub fn warnings(&self) -> impl Iterator<Item = Warning<'s>> {
        let (scorer, lookup) = (self.scorer, self.model.predictor().lookup());
        scorer.remarks.iter().map(move |remark| {
            let (field, value) = match remark.oddity {
                Oddity::UnknownField => scorer.draft.unknown().nth(remark.place).unwrap_or_default(),
                _ => (lookup.name(remark.place), scorer.record.get(remark.place)),
            };
            Warning {
                field: shortened(field),
                code: remark.oddity.code(),
                value: (!value.is_empty()).then(|| shortened(value)),
            }
        })
    }

    /// How many further warnings were left out.
    pub fn more_warnings(&self) -> u64 {
        self.scorer.found - self.scorer.remarks.len() as u64
    }
}

/// One odd field of a record; the prediction was made all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warning<'s> {
    /// The field.
    pub field: &'s str,
    /// One of the codes of [`Oddity`].
    pub code: &'static str,
    /// The value, shortened; none when the field is missing.
    pub value: Option<&'s str>,
}

/// The only score, or that of the answered class.
fn one_of(scores: &[f64], class: Option<usize>) -> f64 {
    let at = match scores.len() {
        1 => 0,
        _ => class.unwrap_or_default(),
    };
    scores.get(at).copied().unwrap_or_default()
}

fn shortened(text: &str) -> &str {
    let end = text.char_indices().nth(SHOWN).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

/// Scorers that wait for the next request.
#[derive(Debug, Default)]
pub(super) struct Scorers(Mutex<Vec<Scorer>>);

impl Service {
    /// Scores with `work`, in buffers that other requests have used before.
    pub fn with_scorer<T>(&self, work: impl FnOnce(&mut Scorer) -> T) -> T {
        let kept = &self.0.scorers.0;
        let mut scorer = kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
            .unwrap_or_default();
        scorer.most_warnings = self.0.limits.warnings;
        let result = work(&mut scorer);
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT_SCORERS && scorer.is_small() {
            kept.push(scorer);
        }
        result
    }
}
