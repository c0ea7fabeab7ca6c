//! Terms compiled for evaluation: what several of them need is read, tokenised or parsed once for each record.

use std::collections::BTreeMap;

use super::cut::Cut;
use super::step::{Place, Step, TokenStep};
use super::words::{WordBuffer, push_lowercase};
use super::workspace::Workspace;
use crate::ml::date::{DateFormat, Moment};
use crate::ml::recipe::term::{NumberSource, Term, TextSource, Tokens};
use crate::ml::record::Record;
use crate::ml::schema::{AttributeType, Schema};
use crate::ml::value::{Number, binary, content, number, trimmed};

/// Tokens that one term takes from one record at most; the rest of the record is not looked at.
const MOST_TOKENS: usize = 100_000;

/// A list of terms with what they share.
#[derive(Debug)]
pub struct Plan {
    numbers: Vec<NumberSource>,
    dates: Vec<(usize, Option<DateFormat>)>,
    truths: Vec<usize>,
    texts: Vec<TextSource>,
    missing_values: Vec<Vec<String>>,
    terms: Vec<Step>,
}

impl Plan {
    /// Compiles `terms`. `cut_of` tells the index of the cuts of a number with so many bins, `by_number` which
    /// dates are missing where their number is.
    pub fn new(
        terms: &[Term],
        schema: &Schema,
        cut_of: &BTreeMap<(NumberSource, u32), usize>,
        by_number: &[usize],
    ) -> Self {
        let mut plan = Self {
            numbers: Vec::new(),
            dates: Vec::new(),
            truths: Vec::new(),
            texts: Vec::new(),
            missing_values: schema
                .attributes
                .iter()
                .map(|attribute| attribute.missing_values.clone())
                .collect(),
            terms: Vec::new(),
        };
        plan.terms = terms
            .iter()
            .map(|term| plan.step(term, schema, cut_of, by_number))
            .collect();
        plan
    }

    fn step(
        &mut self,
        term: &Term,
        schema: &Schema,
        cut_of: &BTreeMap<(NumberSource, u32), usize>,
        by_number: &[usize],
    ) -> Step {
        match term {
            Term::Number(source) => Step::Number(self.number(*source, schema)),
            Term::Truth { attribute } => Step::Truth(place_of(&mut self.truths, *attribute)),
            Term::Tokens(Tokens::Bin { number, bins }) => Step::Bin {
                number: self.number(*number, schema),
                cut: cut_of.get(&(*number, *bins)).copied().unwrap_or(0),
            },
            Term::Tokens(tokens) => Step::Tokens(self.tokens(tokens, schema, cut_of)),
            Term::Missing { attribute } => Step::Missing(self.missing(*attribute, schema, by_number)),
        }
    }

    fn tokens(
        &mut self,
        tokens: &Tokens,
        schema: &Schema,
        cut_of: &BTreeMap<(NumberSource, u32), usize>,
    ) -> TokenStep {
        match tokens {
            Tokens::Level { attribute, lowercase } => TokenStep::Level {
                attribute: *attribute,
                lowercase: *lowercase,
            },
            Tokens::Words(text) => TokenStep::Words(place_of(&mut self.texts, *text)),
            Tokens::Ngrams { text, longest } => TokenStep::Ngrams {
                text: place_of(&mut self.texts, *text),
                longest: *longest,
            },
            Tokens::SparseBigrams { text, window } => TokenStep::SparseBigrams {
                text: place_of(&mut self.texts, *text),
                window: *window,
            },
            Tokens::Bin { number, bins } => TokenStep::Bin {
                number: self.number(*number, schema),
                cut: cut_of.get(&(*number, *bins)).copied().unwrap_or(0),
            },
            Tokens::Truth { attribute } => TokenStep::Truth(place_of(&mut self.truths, *attribute)),
            Tokens::DatePart { attribute, part } => TokenStep::DatePart {
                date: self.date(*attribute, schema),
                part: *part,
            },
            Tokens::Product(factors) => TokenStep::Product(
                factors
                    .iter()
                    .map(|factor| self.tokens(factor, schema, cut_of))
                    .collect(),
            ),
        }
    }

    fn number(&mut self, source: NumberSource, schema: &Schema) -> usize {
        if let NumberSource::Timestamp(attribute) = source {
            self.date(attribute, schema);
        }
        place_of(&mut self.numbers, source)
    }

    fn date(&mut self, attribute: usize, schema: &Schema) -> usize {
        if let Some(place) = self.dates.iter().position(|(known, _)| *known == attribute) {
            return place;
        }
        let format = schema
            .attributes
            .get(attribute)
            .and_then(|attribute| attribute.date_format.as_deref())
            .and_then(|format| DateFormat::new(format).ok());
        // A schema that was checked has a format that can be used; without one no date can be read.
        self.dates.push((attribute, format));
        self.dates.len() - 1
    }

    fn missing(&mut self, attribute: usize, schema: &Schema, by_number: &[usize]) -> Place {
        let declared = schema.attributes.get(attribute);
        let is_date = declared.is_some_and(|declared| declared.date_format.is_some())
            && !by_number.contains(&attribute);
        let kind = declared.map(|declared| declared.kind);
        match kind {
            _ if is_date => Place::Date(self.date(attribute, schema)),
            Some(AttributeType::Binary) => Place::Truth(place_of(&mut self.truths, attribute)),
            _ => Place::Number(self.number(NumberSource::Attribute(attribute), schema)),
        }
    }

    /// The terms in the order they were given.
    pub fn steps(&self) -> &[Step] {
        &self.terms
    }

    /// Words that stand for missing in an attribute.
    pub fn missing_values(&self, attribute: usize) -> &[String] {
        self.missing_values.get(attribute).map_or(&[], Vec::as_slice)
    }

    /// The sources of the numbers, by place.
    pub fn numbers(&self) -> &[NumberSource] {
        &self.numbers
    }

    /// The sources of the words, by place.
    pub fn texts(&self) -> &[TextSource] {
        &self.texts
    }

    /// Reads everything that the terms share.
    pub fn read(&self, record: &Record, workspace: &mut Workspace) {
        workspace.dates.clear();
        workspace
            .dates
            .extend(self.dates.iter().map(|(attribute, format)| {
                format
                    .as_ref()?
                    .parse(trimmed(self.read_text(record, *attribute)))
            }));
        workspace.numbers.clear();
        for source in &self.numbers {
            let value = match *source {
                NumberSource::Attribute(attribute) => number(self.read_text(record, attribute)),
                NumberSource::Timestamp(attribute) => self.timestamp(record, attribute, &workspace.dates),
            };
            workspace.numbers.push(value);
        }
        workspace.truths.clear();
        workspace.truths.extend(
            self.truths
                .iter()
                .map(|&attribute| binary(self.read_text(record, attribute))),
        );
        if workspace.texts.len() < self.texts.len() {
            workspace.texts.resize_with(self.texts.len(), WordBuffer::default);
        }
        // Texts are cut into words when somebody asks for them.
        workspace.is_cut.clear();
        workspace.is_cut.resize(self.texts.len(), false);
    }

    /// Cuts the text at a place into words, if it is not yet.
    fn cut(&self, text: usize, record: &Record, workspace: &mut Workspace) {
        if !std::mem::replace(&mut workspace.is_cut[text], true) {
            let source = self.texts[text];
            workspace.texts[text].fill(self.read_text(record, source.attribute), source);
        }
    }

    /// The attribute whose text alone decides what tokens a step gives, where that is words of some kind.
    pub fn text_of(&self, step: &TokenStep) -> Option<usize> {
        match step {
            TokenStep::Words(text)
            | TokenStep::Ngrams { text, .. }
            | TokenStep::SparseBigrams { text, .. } => Some(self.texts.get(*text)?.attribute),
            _ => None,
        }
    }

    /// That text.
    pub fn whole_text<'r>(&self, step: &TokenStep, record: &'r Record) -> Option<&'r str> {
        Some(self.read_text(record, self.text_of(step)?))
    }

    fn timestamp(&self, record: &Record, attribute: usize, dates: &[Option<Moment>]) -> Number {
        let place = self.dates.iter().position(|(known, _)| *known == attribute);
        match place.and_then(|place| dates.get(place)) {
            Some(Some(moment)) => Number::Value(moment.days()),
            _ if self.read_text(record, attribute).is_empty() => Number::Missing,
            _ => Number::Invalid,
        }
    }

    /// Where the workspace has the number of an attribute, if the plan reads it.
    pub fn number_place(&self, attribute: usize) -> Option<usize> {
        let source = NumberSource::Attribute(attribute);
        self.numbers.iter().position(|known| *known == source)
    }

    /// Where the workspace has the date of an attribute, if the plan reads it.
    pub fn date_place(&self, attribute: usize) -> Option<usize> {
        self.dates.iter().position(|(known, _)| *known == attribute)
    }

    /// The text of a field; empty when it stands for missing. Numbers, truths, dates, categories and words are all
    /// read through this, so that a field is missing for each of them or for none.
    pub fn read_text<'r>(&self, record: &'r Record, attribute: usize) -> &'r str {
        self.text_in(record.get(attribute), attribute)
    }

    /// The text of a field that is at hand.
    pub fn text_in<'f>(&self, field: &'f str, attribute: usize) -> &'f str {
        content(field, self.missing_values(attribute))
    }

    /// Calls `each` with every token that a step takes from the record that was read last.
    pub fn for_each_token(
        &self,
        step: &TokenStep,
        record: &Record,
        cuts: &[Cut],
        workspace: &mut Workspace,
        mut each: impl FnMut(&str),
    ) {
        let TokenStep::Product(factors) = step else {
            let mut left = MOST_TOKENS;
            return self.simple_tokens(step, record, cuts, workspace, |token| {
                if left > 0 {
                    left -= 1;
                    each(token);
                }
            });
        };
        // The buffer is taken out, so that the factors can use the rest of the workspace meanwhile.
        let mut product = std::mem::take(&mut workspace.product);
        product.clear();
        for factor in factors {
            self.simple_tokens(factor, record, cuts, workspace, |token| product.push(token));
            product.end_factor();
        }
        product.for_each_combination(MOST_TOKENS, each);
        workspace.product = product;
    }

    /// Calls `each` with every token that a step of words takes from this text; the words of the record that was read
    /// last are gone then.
    pub fn for_each_token_of(
        &self,
        step: &TokenStep,
        text: &str,
        workspace: &mut Workspace,
        mut each: impl FnMut(&str),
    ) {
        let (TokenStep::Words(place)
        | TokenStep::Ngrams { text: place, .. }
        | TokenStep::SparseBigrams { text: place, .. }) = step
        else {
            return;
        };
        workspace.texts.resize_with(self.texts.len(), WordBuffer::default);
        workspace.texts[*place].fill(text, self.texts[*place]);
        let mut left = MOST_TOKENS;
        words_of(step, workspace, |token| {
            if left > 0 {
                left -= 1;
                each(token);
            }
        });
    }

    fn simple_tokens(
        &self,
        step: &TokenStep,
        record: &Record,
        cuts: &[Cut],
        workspace: &mut Workspace,
        mut each: impl FnMut(&str),
    ) {
        match step {
            TokenStep::Level { attribute, lowercase } => {
                let field = self.read_text(record, *attribute);
                if *lowercase {
                    workspace.scratch.clear();
                    push_lowercase(&mut workspace.scratch, field);
                    each(&workspace.scratch);
                } else {
                    each(field);
                }
            }
            TokenStep::Words(text)
            | TokenStep::Ngrams { text, .. }
            | TokenStep::SparseBigrams { text, .. } => {
                self.cut(*text, record, workspace);
                words_of(step, workspace, each);
            }
            TokenStep::Bin { number, cut } => {
                if let (Some(Number::Value(value)), Some(cut)) =
                    (workspace.numbers.get(*number), cuts.get(*cut))
                {
                    each(cut.name(*value));
                }
            }
            TokenStep::Truth(place) => {
                if let Some(truth) = workspace.truths[*place] {
                    each(if truth { "1" } else { "0" });
                }
            }
            TokenStep::DatePart { date, part } => {
                if let Some(moment) = &workspace.dates[*date] {
                    each(moment.part(*part));
                }
            }
            // Products are flat: no factor is one.
            TokenStep::Product(_) => {}
        }
    }
}

/// Calls `each` with what a step makes of words that were cut before.
fn words_of(step: &TokenStep, workspace: &mut Workspace, each: impl FnMut(&str)) {
    match step {
        TokenStep::Words(text) => workspace.texts[*text].for_each_word(each),
        TokenStep::Ngrams { text, longest } => workspace.texts[*text].for_each_run(*longest, each),
        TokenStep::SparseBigrams { text, window } => {
            workspace.texts[*text].for_each_sparse_bigram(*window, &mut workspace.scratch, each);
        }
        _ => {}
    }
}

/// The place of a value in a list; it is added where it is new.
fn place_of<T: PartialEq>(list: &mut Vec<T>, value: T) -> usize {
    if let Some(place) = list.iter().position(|known| *known == value) {
        return place;
    }
    list.push(value);
    list.len() - 1
}
