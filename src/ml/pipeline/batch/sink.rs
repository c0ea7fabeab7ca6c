//! Where the lines of a batch go: straight to the output, or to parts that are put together at the end.

use std::io::{self, Write};

use super::form::{Form, Format};
use super::groups::Groups;
use super::keep::Keep;
use super::members::Members;
use super::parts::{Mark, Parts, Piece};
use crate::ml::parquet::OutColumn;

/// What a batch writes to.
pub struct Outputs<'a> {
    /// The lines.
    pub out: &'a mut (dyn Write + Send),
    /// The side file of problems, if it is wanted.
    pub problems: Option<&'a mut (dyn Write + Send)>,
    /// Where parts are kept, if the batch is to go on where an earlier attempt was interrupted.
    pub resume: Option<Resume<'a>>,
}

/// What going on needs.
#[derive(Clone, Copy)]
pub struct Resume<'a> {
    /// Where parts are kept.
    pub parts: &'a dyn Parts,
    /// Names the bytes of the input: other bytes have another name.
    pub input: &'a str,
}

/// Takes the lines of one segment after the other.
pub(super) struct Sink<'a> {
    layout: Layout,
    out: &'a mut (dyn Write + Send),
    problems: Option<&'a mut (dyn Write + Send)>,
    keep: Option<Keep<'a>>,
}

/// How the output is written.
enum Layout {
    /// Line by line.
    Lines(Members),
    /// Column by column.
    Columns(Groups),
}

impl<'a> Sink<'a> {
    /// A sink for what `outputs` names, and what goes on with parts if there are any.
    pub(super) fn new(
        outputs: Outputs<'a>,
        form: Form,
        columns: &[OutColumn],
        keep: Option<Keep<'a>>,
    ) -> io::Result<Self> {
        let layout = match form.format {
            Format::Csv | Format::Jsonl => Layout::Lines(Members::new(form.compress)),
            Format::Parquet => Layout::Columns(Groups::new(columns, form.compress)?),
        };
        Ok(Self {
            layout,
            out: outputs.out,
            problems: outputs.problems,
            keep,
        })
    }

    /// Whether there is a side file.
    pub(super) fn wants_problems(&self) -> bool {
        self.problems.is_some()
    }

    /// Begins a segment.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        if let Layout::Lines(members) = &mut self.layout {
            members.begin()?;
        }
        let has_problems = self.problems.is_some();
        self.keep.as_mut().map_or(Ok(()), |keep| keep.begin(has_problems))
    }

    /// Writes lines of the output, or packed rows.
    pub(super) fn lines(&mut self, bytes: &[u8]) -> io::Result<()> {
        let kept = self.keep.as_mut().and_then(Keep::output);
        match (&mut self.layout, kept) {
            (Layout::Lines(members), Some(kept)) => members.write(bytes, kept),
            (Layout::Lines(members), None) => members.write(bytes, self.out),
            (Layout::Columns(groups), Some(kept)) => {
                groups.rows(bytes)?;
                groups.keep(kept)
            }
            (Layout::Columns(groups), None) => {
                groups.rows(bytes)?;
                groups.hand_on(self.out)
            }
        }
    }

    /// Writes lines of the side file.
    pub(super) fn problems(&mut self, bytes: &[u8]) -> io::Result<()> {
        let kept = self.keep.as_mut().and_then(Keep::problems);
        match (kept, &mut self.problems) {
            (Some(kept), _) => kept.write_all(bytes),
            (None, Some(problems)) => problems.write_all(bytes),
            (None, None) => Ok(()),
        }
    }

    /// Keeps answers beside truths for later attempts.
    pub(super) fn truths(&mut self, bytes: &[u8]) -> io::Result<()> {
        let kept = self.keep.as_mut().and_then(Keep::truths);
        kept.map_or(Ok(()), |kept| kept.write_all(bytes))
    }

    /// Ends the segment. What was kept of it becomes safe, or the next end tells why not.
    pub(super) fn end(&mut self, mark: &Mark) -> io::Result<()> {
        self.close()?;
        self.keep.as_mut().map_or(Ok(()), |keep| keep.settle(mark))
    }

    /// Ends the last segment, for which no other attempt will ask.
    pub(super) fn end_last(&mut self) -> io::Result<()> {
        self.close()?;
        self.keep.as_mut().map_or(Ok(()), Keep::show)
    }

    /// Writes what is left of the segment.
    fn close(&mut self) -> io::Result<()> {
        let kept = self.keep.as_mut().and_then(Keep::output);
        match (&mut self.layout, kept) {
            (Layout::Lines(members), Some(kept)) => members.end(kept),
            (Layout::Lines(members), None) => members.end(self.out),
            (Layout::Columns(groups), Some(kept)) => groups.end().and_then(|()| groups.keep(kept)),
            (Layout::Columns(groups), None) => groups.end().and_then(|()| groups.hand_on(self.out)),
        }
    }

    /// Puts the parts together and writes the last line of the side file. `report` hears how many parts of all are
    /// done, and may end it.
    pub(super) fn finish<E: From<io::Error>>(
        mut self,
        rest: &[u8],
        mut report: impl FnMut(u64, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(mut keep) = self.keep.take() {
            for number in 0..keep.number() {
                report(number, keep.number())?;
                if !keep.grows() {
                    let mut output = keep.open(number, Piece::Output)?;
                    match &mut self.layout {
                        Layout::Lines(_) => drop(io::copy(&mut output, self.out)?),
                        Layout::Columns(groups) => groups.join(&mut output, self.out)?,
                    }
                }
                if let Some(problems) = &mut self.problems {
                    io::copy(&mut keep.open(number, Piece::Problems)?, *problems)?;
                }
            }
            keep.finish()?;
        }
        if let Layout::Columns(groups) = self.layout {
            groups.finish(self.out)?;
        }
        if let Some(problems) = &mut self.problems {
            problems.write_all(rest)?;
            problems.flush()?;
        }
        self.out.flush()?;
        Ok(())
    }
}
