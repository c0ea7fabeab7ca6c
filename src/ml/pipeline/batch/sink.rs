//! Where the lines of a batch go: straight to the output, or to parts that are put together at the end.

use std::io::{self, Write};

use super::form::{Form, Format};
use super::groups::Groups;
use super::members::Members;
use super::parts::{Mark, PartFile, Parts, Piece, name};
use crate::ml::ingest::decompress::Source;
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
    written: Written,
    out: &'a mut (dyn Write + Send),
    problems: Option<&'a mut (dyn Write + Send)>,
    keep: Option<Keep<'a>>,
}

/// How the output is written.
enum Written {
    /// Line by line.
    Lines(Members),
    /// Column by column.
    Columns(Groups),
}

/// The part that is being written.
struct Keep<'a> {
    parts: &'a dyn Parts,
    /// Names the work.
    work: String,
    number: u64,
    has_truths: bool,
    output: Option<Box<dyn PartFile>>,
    problems: Option<Box<dyn PartFile>>,
    truths: Option<Box<dyn PartFile>>,
}

impl<'a> Sink<'a> {
    /// A sink for what `outputs` names. So many parts of the work are there already.
    pub(super) fn new(
        outputs: Outputs<'a>,
        form: Form,
        columns: &[OutColumn],
        has_truths: bool,
        (work, finished): (&str, u64),
    ) -> io::Result<Self> {
        let keep = outputs.resume.map(|resume| Keep {
            parts: resume.parts,
            work: work.to_owned(),
            number: finished,
            has_truths,
            output: None,
            problems: None,
            truths: None,
        });
        let written = match form.format {
            Format::Csv | Format::Jsonl => Written::Lines(Members::new(form.compress)),
            Format::Parquet => Written::Columns(Groups::new(columns, form.compress)?),
        };
        Ok(Self {
            written,
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
        if let Written::Lines(members) = &mut self.written {
            members.begin()?;
        }
        if let Some(keep) = &mut self.keep {
            let create = |piece, wanted: bool| {
                let file = wanted.then(|| keep.parts.create(&name(&keep.work, keep.number, piece)));
                file.transpose()
            };
            let output = create(Piece::Output, true)?;
            let problems = create(Piece::Problems, self.problems.is_some())?;
            let truths = create(Piece::Truths, keep.has_truths)?;
            (keep.output, keep.problems, keep.truths) = (output, problems, truths);
        }
        Ok(())
    }

    /// Writes lines of the output, or packed rows.
    pub(super) fn lines(&mut self, bytes: &[u8]) -> io::Result<()> {
        let part = self.keep.as_mut().and_then(|keep| keep.output.as_mut());
        match (&mut self.written, part) {
            (Written::Lines(members), Some(part)) => members.write(bytes, part),
            (Written::Lines(members), None) => members.write(bytes, self.out),
            (Written::Columns(groups), Some(part)) => {
                groups.rows(bytes)?;
                groups.keep(part)
            }
            (Written::Columns(groups), None) => {
                groups.rows(bytes)?;
                groups.hand_on(self.out)
            }
        }
    }

    /// Writes lines of the side file.
    pub(super) fn problems(&mut self, bytes: &[u8]) -> io::Result<()> {
        let part = self.keep.as_mut().and_then(|keep| keep.problems.as_mut());
        match (part, &mut self.problems) {
            (Some(part), _) => part.write_all(bytes),
            (None, Some(problems)) => problems.write_all(bytes),
            (None, None) => Ok(()),
        }
    }

    /// Keeps answers beside truths for later attempts.
    pub(super) fn truths(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.keep.as_mut().and_then(|keep| keep.truths.as_mut()) {
            Some(part) => part.write_all(bytes),
            None => Ok(()),
        }
    }

    /// Ends the segment. With parts it is safe when this returns.
    pub(super) fn end(&mut self, mark: &Mark) -> io::Result<()> {
        let Some(keep) = &mut self.keep else {
            return match &mut self.written {
                Written::Lines(members) => members.end(self.out),
                Written::Columns(groups) => groups.end().and_then(|()| groups.hand_on(self.out)),
            };
        };
        if let Some(mut output) = keep.output.take() {
            match &mut self.written {
                Written::Lines(members) => members.end(&mut output)?,
                Written::Columns(groups) => groups.end().and_then(|()| groups.keep(&mut output))?,
            }
            output.keep()?;
        }
        for file in [keep.problems.take(), keep.truths.take()].into_iter().flatten() {
            file.keep()?;
        }
        let mut file = keep.parts.create(&name(&keep.work, keep.number, Piece::Mark))?;
        file.write_all(&serde_json::to_vec(mark)?)?;
        file.keep()?;
        keep.number += 1;
        Ok(())
    }

    /// Puts the parts together and writes the last line of the side file. `report` hears how many parts of all are
    /// done, and may end it.
    pub(super) fn finish<E: From<io::Error>>(
        mut self,
        rest: &[u8],
        mut report: impl FnMut(u64, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(keep) = self.keep.take() {
            for number in 0..keep.number {
                report(number, keep.number)?;
                let mut output = open(keep.parts, &name(&keep.work, number, Piece::Output))?;
                match &mut self.written {
                    Written::Lines(_) => drop(io::copy(&mut output, self.out)?),
                    Written::Columns(groups) => groups.join(&mut output, self.out)?,
                }
                if let Some(problems) = &mut self.problems {
                    io::copy(
                        &mut open(keep.parts, &name(&keep.work, number, Piece::Problems))?,
                        *problems,
                    )?;
                }
            }
        }
        if let Written::Columns(groups) = self.written {
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

fn open(parts: &dyn Parts, name: &str) -> io::Result<Source> {
    let part = parts.open(name)?;
    part.ok_or_else(|| io::Error::other(format!("`{name}` of the parts has gone; run it again")))
}
