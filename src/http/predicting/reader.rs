//! Takes records field by field, whatever they were written in, and has each scored when it is complete.

use super::Work;
use crate::ml::draft::{Refused, Written};
use crate::service::scoring::Scored;
use crate::service::{Error, FieldProblem};

/// Problems that are told of; the rest of the body is not looked at.
const MOST_PROBLEMS: usize = 100;

/// Unknown fields that a further one is compared with.
const MOST_COMPARED: usize = 100;

const TWICE: &str = "the field is given twice";

/// Where a record is in the body, as the start of a JSON pointer.
#[derive(Debug, Clone, Copy)]
pub struct At {
    /// The pointer of the record, or of the list that it is in.
    pub base: &'static str,
    /// Its place in the list.
    pub index: Option<usize>,
}

impl At {
    /// The pointer of a field.
    pub fn field(self, name: &str) -> String {
        format!("{}/{}", self.record(), name.replace('~', "~0").replace('/', "~1"))
    }

    /// The pointer of the record.
    pub fn record(self) -> String {
        match self.index {
            Some(index) => format!("{}/{index}", self.base),
            None => self.base.to_owned(),
        }
    }
}

/// Takes the records of one request.
pub struct Reader<'w> {
    work: Work<'w>,
    explain: bool,
    each: &'w mut dyn FnMut(Scored<'_>, At),
    records: usize,
    problems: Vec<FieldProblem>,
    stopped: Option<Error>,
}

/// The rest of the body need not be read: the reader knows why.
#[derive(Debug)]
pub struct Stopped;

impl<'w> Reader<'w> {
    /// `each` gets every prediction, in order, and where its record was.
    pub fn new(work: Work<'w>, explain: bool, each: &'w mut dyn FnMut(Scored<'_>, At)) -> Self {
        Self {
            work,
            explain,
            each,
            records: 0,
            problems: Vec::new(),
            stopped: None,
        }
    }

    /// What the records are written in.
    pub fn work(&mut self) -> &mut Work<'w> {
        &mut self.work
    }

    /// Begins a record.
    pub fn begin(&mut self) -> Result<(), Stopped> {
        self.records += 1;
        let most = self.work.most_records;
        if self.records > most {
            let message = format!("there are more than the {most} records allowed; use a batch prediction");
            return Err(self.stop(Error::invalid("invalid_value", message)));
        }
        let explained = self.work.most_explained;
        if self.explain && self.records > explained {
            let message = format!(
                "more than {explained} records cannot be explained in one request with a model of so many columns; send fewer at once"
            );
            return Err(self.stop(Error::invalid("invalid_value", message)));
        }
        self.work.scorer.begin(self.work.model);
        Ok(())
    }

    /// The attribute of that name; `expected` is the likeliest one.
    pub fn find(&self, name: &str, expected: usize) -> Option<usize> {
        self.work.model.predictor().lookup().find(name, expected)
    }

    /// Sets an attribute.
    pub fn set(&mut self, attribute: usize, text: &str, written: Written, at: At) -> Result<(), Stopped> {
        if self.work.scorer.draft.set(attribute, text, written).is_err() {
            let name = self.work.model.predictor().lookup().name(attribute);
            self.problem(at.field(name), "duplicate_field", TWICE)?;
        }
        self.bounded()
    }

    /// Sets the next attribute in order.
    pub fn push(&mut self, text: &str, written: Written) -> Result<(), Stopped> {
        // How many there are is judged at the end.
        match self.work.scorer.draft.push(text, written) {
            Ok(()) | Err(Refused::TooMany | Refused::Twice) => self.bounded(),
        }
    }

    /// Keeps a field that the model does not know.
    pub fn set_unknown(&mut self, name: &str, text: &str, at: At) -> Result<(), Stopped> {
        let draft = &mut self.work.scorer.draft;
        if draft
            .unknown()
            .take(MOST_COMPARED)
            .any(|(known, _)| known == name)
        {
            self.problem(at.field(name), "duplicate_field", TWICE)?;
        }
        self.work.scorer.draft.set_unknown(name, text);
        self.bounded()
    }

    /// Ends a record given by position.
    pub fn arrange(&mut self, at: At) -> Result<(), Stopped> {
        let schema = self.work.model.predictor().schema();
        let target = schema.target_index();
        if let Err(found) = self.work.scorer.draft.arrange(target) {
            let detail = wrong_count(found, schema.attributes.len(), schema.target.as_deref());
            self.problem(at.record(), "invalid_value", &detail)?;
        }
        Ok(())
    }

    /// Ends a record, and has it scored if nothing was wrong so far.
    pub fn end(&mut self, at: At) {
        if self.problems.is_empty() {
            let scored = self.work.scorer.score(self.work.model, self.explain);
            (self.each)(scored, at);
        }
    }

    /// Notes what is wrong with a part of the body.
    pub fn problem(&mut self, pointer: String, code: &'static str, detail: &str) -> Result<(), Stopped> {
        self.problems.push(FieldProblem::new(pointer, code, detail));
        match self.problems.len() {
            MOST_PROBLEMS.. => Err(Stopped),
            _ => Ok(()),
        }
    }

    /// Gives up on the body.
    pub fn stop(&mut self, error: Error) -> Stopped {
        self.stopped.get_or_insert(error);
        Stopped
    }

    /// How many records there were; the error tells what was wrong, `broken` being why reading ended early.
    pub fn finish(self, broken: Option<Error>) -> Result<usize, Error> {
        if let Some(error) = self.stopped {
            return Err(error);
        }
        if let Some(first) = self.problems.first() {
            return Err(Error::InvalidInput {
                code: first.code,
                message: format!("{} at `{}`", first.detail, first.pointer),
                problems: self.problems,
            });
        }
        match broken {
            Some(error) => Err(error),
            None => Ok(self.records),
        }
    }

    fn bounded(&mut self) -> Result<(), Stopped> {
        let limit = self.work.most_bytes;
        if self.work.scorer.draft.bytes() <= limit {
            return Ok(());
        }
        Err(self.stop(Error::TooLarge {
            what: "a record",
            limit: limit as u64,
        }))
    }
}

/// What is said of a list of values that does not fit the columns.
pub fn wrong_count(found: usize, attributes: usize, target: Option<&str>) -> String {
    let without = target.map_or(String::new(), |name| {
        format!(" or, without `{name}`, {}", attributes.saturating_sub(1))
    });
    format!("a record of {found} values; the model has {attributes} columns{without}")
}
