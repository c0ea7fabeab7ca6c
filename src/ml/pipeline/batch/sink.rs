//! Where the lines of a batch go: straight to the output, or to parts that are put together at the end.

use std::io::{self, Write};

use super::form::Compress;
use super::members::Members;
use super::parts::{Mark, PartFile, Parts, Piece, name};

/// What a batch writes to.
pub struct Outputs<'a> {
    /// The lines.
    pub out: &'a mut dyn Write,
    /// The side file of problems, if it is wanted.
    pub problems: Option<&'a mut dyn Write>,
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
    members: Members,
    out: &'a mut dyn Write,
    problems: Option<&'a mut dyn Write>,
    keep: Option<Keep<'a>>,
}

/// The part that is being written.
struct Keep<'a> {
    parts: &'a dyn Parts,
    number: u64,
    has_truths: bool,
    output: Option<Box<dyn PartFile>>,
    problems: Option<Box<dyn PartFile>>,
    truths: Option<Box<dyn PartFile>>,
}

impl<'a> Sink<'a> {
    /// A sink for what `outputs` names. `finished` parts are there already.
    pub(super) fn new(outputs: Outputs<'a>, compress: Compress, has_truths: bool, finished: u64) -> Self {
        let keep = outputs.resume.map(|resume| Keep {
            parts: resume.parts,
            number: finished,
            has_truths,
            output: None,
            problems: None,
            truths: None,
        });
        Self {
            members: Members::new(compress),
            out: outputs.out,
            problems: outputs.problems,
            keep,
        }
    }

    /// Whether there is a side file.
    pub(super) fn wants_problems(&self) -> bool {
        self.problems.is_some()
    }

    /// Begins a segment.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        self.members.begin()?;
        if let Some(keep) = &mut self.keep {
            let create = |piece, wanted: bool| {
                let file = wanted.then(|| keep.parts.create(&name(keep.number, piece)));
                file.transpose()
            };
            let output = create(Piece::Output, true)?;
            let problems = create(Piece::Problems, self.problems.is_some())?;
            let truths = create(Piece::Truths, keep.has_truths)?;
            (keep.output, keep.problems, keep.truths) = (output, problems, truths);
        }
        Ok(())
    }

    /// Writes lines of the output.
    pub(super) fn lines(&mut self, bytes: &[u8]) -> io::Result<()> {
        let part = self.keep.as_mut().and_then(|keep| keep.output.as_mut());
        match part {
            Some(part) => self.members.write(bytes, part),
            None => self.members.write(bytes, self.out),
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
            return self.members.end(self.out);
        };
        if let Some(mut output) = keep.output.take() {
            self.members.end(&mut output)?;
            output.keep()?;
        }
        for file in [keep.problems.take(), keep.truths.take()].into_iter().flatten() {
            file.keep()?;
        }
        let mut file = keep.parts.create(&name(keep.number, Piece::Mark))?;
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
                append(keep.parts, &name(number, Piece::Output), self.out)?;
                if let Some(problems) = &mut self.problems {
                    append(keep.parts, &name(number, Piece::Problems), *problems)?;
                }
            }
        }
        if let Some(problems) = &mut self.problems {
            problems.write_all(rest)?;
            problems.flush()?;
        }
        self.out.flush()?;
        Ok(())
    }
}

fn append(parts: &dyn Parts, name: &str, to: &mut dyn Write) -> io::Result<()> {
    let part = parts.open(name)?;
    let mut part =
        part.ok_or_else(|| io::Error::other(format!("`{name}` of the parts has gone; run it again")))?;
    io::copy(&mut part, to).map(drop)
}
