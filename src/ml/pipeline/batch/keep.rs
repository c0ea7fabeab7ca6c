//! The part that is being written, and how it becomes safe.

use std::io::{self, Write};
use std::thread::{self, JoinHandle};

use super::parts::{Growing, Mark, PartFile, Parts, Piece, name, open, whole_name};
use crate::ml::ingest::decompress::Source;

/// Keeps what is written of the segment at hand.
pub(super) struct Keep<'a> {
    parts: &'a dyn Parts,
    /// Names the work.
    work: String,
    number: u64,
    has_truths: bool,
    /// Only where the output grows; then it is no file of a part.
    growing: Option<Counted>,
    output: Option<Box<dyn PartFile>>,
    problems: Option<Box<dyn PartFile>>,
    truths: Option<Box<dyn PartFile>>,
    /// The part before, on its way to the disk.
    settling: Option<JoinHandle<io::Result<()>>>,
}

/// An output that grows, and how many bytes it has.
struct Counted {
    file: Box<dyn Growing>,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl<'a> Keep<'a> {
    /// Goes on behind the first `number` parts, the last of which has left `mark`.
    pub(super) fn behind(
        parts: &'a dyn Parts,
        (number, mark): (u64, &Mark),
        has_truths: bool,
        grows: bool,
    ) -> io::Result<Self> {
        let grow = || -> io::Result<Counted> {
            let file = parts.grow(&whole_name(&mark.work, &mark.run), mark.written)?;
            let bytes = mark.written;
            Ok(Counted { file, bytes })
        };
        Ok(Self {
            parts,
            work: mark.work.clone(),
            number,
            has_truths,
            growing: grows.then(grow).transpose()?,
            output: None,
            problems: None,
            truths: None,
            settling: None,
        })
    }

    /// Parts that are written.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Whether the output is not put together at the end.
    pub(super) fn grows(&self) -> bool {
        self.growing.is_some()
    }

    /// Begins a part.
    pub(super) fn begin(&mut self, has_problems: bool) -> io::Result<()> {
        let create = |piece, wanted: bool| {
            let file = wanted.then(|| self.parts.create(&name(&self.work, self.number, piece)));
            file.transpose()
        };
        let output = create(Piece::Output, self.growing.is_none())?;
        let problems = create(Piece::Problems, has_problems)?;
        let truths = create(Piece::Truths, self.has_truths)?;
        (self.output, self.problems, self.truths) = (output, problems, truths);
        Ok(())
    }

    /// Where the output goes.
    pub(super) fn output(&mut self) -> Option<&mut dyn Write> {
        match (&mut self.growing, &mut self.output) {
            (Some(growing), _) => Some(growing),
            (None, Some(part)) => Some(part),
            (None, None) => None,
        }
    }

    /// Where lines of the side file go.
    pub(super) fn problems(&mut self) -> Option<&mut dyn Write> {
        self.problems.as_mut().map(|part| part as &mut dyn Write)
    }

    /// Where answers beside truths go.
    pub(super) fn truths(&mut self) -> Option<&mut dyn Write> {
        self.truths.as_mut().map(|part| part as &mut dyn Write)
    }

    /// Makes the part safe, its mark last. An output that grows becomes so while the next part is written, one part at a
    /// time.
    pub(super) fn settle(&mut self, mark: &Mark) -> io::Result<()> {
        self.wait()?;
        let mut mark = mark.clone();
        let files = [self.output.take(), self.problems.take(), self.truths.take()];
        let mut last = self.parts.create(&name(&self.work, self.number, Piece::Mark))?;
        self.number += 1;
        let growing = match &mut self.growing {
            Some(growing) => {
                mark.written = growing.bytes;
                Some(growing.file.settling()?)
            }
            None => None,
        };
        let text = serde_json::to_vec(&mark)?;
        let settle_files = move || {
            files.into_iter().flatten().try_for_each(PartFile::keep)?;
            last.write_all(&text)?;
            last.keep()
        };
        match growing {
            None => settle_files(),
            Some(settle_output) => {
                let settle = move || settle_output().and_then(|()| settle_files());
                self.settling = Some(thread::Builder::new().spawn(settle)?);
                Ok(())
            }
        }
    }

    /// Ends the last part, which is read at once.
    pub(super) fn show(&mut self) -> io::Result<()> {
        self.wait()?;
        let files = [self.output.take(), self.problems.take()];
        files.into_iter().flatten().try_for_each(PartFile::show)?;
        self.number += 1;
        Ok(())
    }

    /// Waits until the part before is safe.
    fn wait(&mut self) -> io::Result<()> {
        let settled = self.settling.take().map(JoinHandle::join);
        settled.map_or(Ok(()), |settled| {
            settled.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Opens a file of a part.
    pub(super) fn open(&self, number: u64, piece: Piece) -> io::Result<Source> {
        open(self.parts, &name(&self.work, number, piece))
    }

    /// Nothing more comes.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.growing.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Keep<'_> {
    /// Nothing is written any more when whoever goes on with the parts looks at them.
    fn drop(&mut self) {
        if let Some(settling) = self.settling.take() {
            // Something else has failed, which is told.
            let _ = settling.join();
        }
    }
}
