//! Where the lines of a batch go: straight to the output, or to parts that are put together at the end.

use std::io::{self, Write};
use std::thread::{self, JoinHandle};

use super::form::{Form, Format};
use super::groups::Groups;
use super::members::Members;
use super::parts::{Growing, Mark, PartFile, Parts, Piece, Settling, name};
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
    format: Written,
    out: Counted<'a>,
    problems: Option<&'a mut (dyn Write + Send)>,
    keep: Option<Keep<'a>>,
}

/// The output, and how many bytes it has.
struct Counted<'a> {
    out: &'a mut (dyn Write + Send),
    bytes: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// How many bytes an earlier attempt has left of an output that grows; none where it does not.
pub(super) fn grown(resume: &Resume<'_>, work: &str, form: Form) -> io::Result<Option<u64>> {
    match form.format {
        Format::Csv | Format::Jsonl => resume.parts.grown(&name(work, 0, Piece::Whole)),
        // Its footer tells of all pieces.
        Format::Parquet => Ok(None),
    }
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
    /// There where the output is no matter of parts.
    growing: Option<Box<dyn Growing>>,
    output: Option<Box<dyn PartFile>>,
    problems: Option<Box<dyn PartFile>>,
    truths: Option<Box<dyn PartFile>>,
    /// The part before, on its way to the disk.
    settling: Option<JoinHandle<io::Result<()>>>,
}

impl Keep<'_> {
    /// Makes the part safe, its mark last, while the next one is written.
    fn settle(&mut self, mark: &Mark) -> io::Result<()> {
        let files = [self.output.take(), self.problems.take(), self.truths.take()];
        let growing = self.growing.as_ref().map(|growing| growing.settling());
        let growing: Option<Settling> = growing.transpose()?;
        let text = serde_json::to_vec(mark)?;
        let mut last = self.parts.create(&name(&self.work, self.number, Piece::Mark))?;
        self.wait()?;
        let settle = move || {
            growing.map_or(Ok(()), |settle| settle())?;
            files.into_iter().flatten().try_for_each(PartFile::keep)?;
            last.write_all(&text)?;
            last.keep()
        };
        self.settling = Some(thread::Builder::new().spawn(settle)?);
        self.number += 1;
        Ok(())
    }

    /// Makes the last part one to be read.
    fn show(&mut self) -> io::Result<()> {
        let files = [self.output.take(), self.problems.take()];
        files.into_iter().flatten().try_for_each(PartFile::show)?;
        self.number += 1;
        self.wait()
    }

    /// Waits until the part before is safe.
    fn wait(&mut self) -> io::Result<()> {
        let settled = self.settling.take().map(JoinHandle::join);
        settled.map_or(Ok(()), |settled| {
            settled.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

impl Drop for Keep<'_> {
    /// Nothing is written any more when whoever goes on with the parts looks at them.
    fn drop(&mut self) {
        if let Some(settling) = self.settling.take() {
            // The work has failed already, or the failure was told.
            let _ = settling.join();
        }
    }
}

impl<'a> Sink<'a> {
    /// A sink for what `outputs` names. So many parts are there already, and so many bytes of an output that grows.
    pub(super) fn new(
        outputs: Outputs<'a>,
        form: Form,
        columns: &[OutColumn],
        has_truths: bool,
        (work, finished, written): (&str, u64, Option<u64>),
    ) -> io::Result<Self> {
        let keep = |resume: Resume<'a>| -> io::Result<Keep<'a>> {
            let grow = |written| resume.parts.grow(&name(work, 0, Piece::Whole), written);
            Ok(Keep {
                parts: resume.parts,
                work: work.to_owned(),
                number: finished,
                has_truths,
                growing: written.map(grow).transpose()?,
                output: None,
                problems: None,
                truths: None,
                settling: None,
            })
        };
        let keep = outputs.resume.map(keep).transpose()?;
        let format = match form.format {
            Format::Csv | Format::Jsonl => Written::Lines(Members::new(form.compress)),
            Format::Parquet => Written::Columns(Groups::new(columns, form.compress)?),
        };
        Ok(Self {
            format,
            out: Counted {
                out: outputs.out,
                bytes: written.unwrap_or(0),
            },
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
        if let Written::Lines(members) = &mut self.format {
            members.begin()?;
        }
        if let Some(keep) = &mut self.keep {
            let create = |piece, wanted: bool| {
                let file = wanted.then(|| keep.parts.create(&name(&keep.work, keep.number, piece)));
                file.transpose()
            };
            let output = create(Piece::Output, keep.growing.is_none())?;
            let problems = create(Piece::Problems, self.problems.is_some())?;
            let truths = create(Piece::Truths, keep.has_truths)?;
            (keep.output, keep.problems, keep.truths) = (output, problems, truths);
        }
        Ok(())
    }

    /// Writes lines of the output, or packed rows.
    pub(super) fn lines(&mut self, bytes: &[u8]) -> io::Result<()> {
        let part = self.keep.as_mut().and_then(|keep| keep.output.as_mut());
        match (&mut self.format, part) {
            (Written::Lines(members), Some(part)) => members.write(bytes, part),
            (Written::Lines(members), None) => members.write(bytes, &mut self.out),
            (Written::Columns(groups), Some(part)) => {
                groups.rows(bytes)?;
                groups.keep(part)
            }
            (Written::Columns(groups), None) => {
                groups.rows(bytes)?;
                groups.hand_on(&mut self.out)
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

    /// Ends the segment. With parts it becomes safe while the next one is written.
    pub(super) fn end(&mut self, mark: &Mark) -> io::Result<()> {
        self.close()?;
        let Some(keep) = &mut self.keep else {
            return Ok(());
        };
        if keep.growing.is_some() {
            self.out.flush()?;
        }
        keep.settle(&Mark {
            written: self.out.bytes,
            ..mark.clone()
        })
    }

    /// Ends the last segment, for which no other attempt will ask.
    pub(super) fn end_last(&mut self) -> io::Result<()> {
        self.close()?;
        self.keep.as_mut().map_or(Ok(()), Keep::show)
    }

    /// Writes what is left of the segment.
    fn close(&mut self) -> io::Result<()> {
        let part = self.keep.as_mut().and_then(|keep| keep.output.as_mut());
        match (&mut self.format, part) {
            (Written::Lines(members), Some(part)) => members.end(part),
            (Written::Lines(members), None) => members.end(&mut self.out),
            (Written::Columns(groups), Some(part)) => groups.end().and_then(|()| groups.keep(part)),
            (Written::Columns(groups), None) => groups.end().and_then(|()| groups.hand_on(&mut self.out)),
        }
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
                if keep.growing.is_none() {
                    let mut output = open(keep.parts, &name(&keep.work, number, Piece::Output))?;
                    match &mut self.format {
                        Written::Lines(_) => drop(io::copy(&mut output, &mut self.out)?),
                        Written::Columns(groups) => groups.join(&mut output, &mut self.out)?,
                    }
                }
                if let Some(problems) = &mut self.problems {
                    io::copy(
                        &mut open(keep.parts, &name(&keep.work, number, Piece::Problems))?,
                        *problems,
                    )?;
                }
            }
        }
        if let Written::Columns(groups) = self.format {
            groups.finish(&mut self.out)?;
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
