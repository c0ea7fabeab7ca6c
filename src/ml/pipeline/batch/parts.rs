//! Finished pieces of a batch, kept so that it can go on after it was interrupted.
//!
//! A segment of the input leaves up to three files, and last its mark. Only what has a mark counts: whatever ends the
//! process, a part is either whole or made again. The last segment has none, since the output follows at once. Where the
//! output can be kept as it grows, its bytes are written once: the mark says how many of them belong to it.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::summary::BatchSummary;
use crate::ml::ingest::decompress::Source;

/// Where parts are kept. Implemented by whoever knows files.
pub trait Parts: Sync {
    /// A word that no other call of any process has given: what is begun anew is told by it from what was there before.
    fn fresh(&self) -> io::Result<String>;

    /// Begins a file. Nobody sees it before it is kept; then it replaces what had its name.
    fn create(&self, name: &str) -> io::Result<Box<dyn PartFile>>;

    /// Opens a file; none if there is none of that name.
    fn open(&self, name: &str) -> io::Result<Option<Source>>;

    /// How many bytes there are of an output that is kept under this name as it grows; none where that cannot be: then its
    /// pieces are parts, which are put together at the end.
    fn grown(&self, _name: &str) -> io::Result<Option<u64>> {
        Ok(None)
    }

    /// Goes on with that output behind the first `length` of its bytes; the others go.
    fn grow(&self, name: &str, _length: u64) -> io::Result<Box<dyn Growing>> {
        Err(io::Error::other(format!("`{name}` cannot grow here")))
    }
}

/// An output that is kept as it grows. Whoever made it possible gives it its name when the batch is done.
pub trait Growing: Write + Send {
    /// What makes all bytes safe that were written so far; it may be called on another thread, while more are written.
    fn settling(&mut self) -> io::Result<Settling>;
}

/// Returns when something is safe on disk.
pub type Settling = Box<dyn FnOnce() -> io::Result<()> + Send>;

/// A file of a part that is being written; gone if it is dropped.
pub trait PartFile: Write + Send {
    /// Makes it visible; safe on disk when this returns.
    fn keep(self: Box<Self>) -> io::Result<()>;

    /// Gives it its name without waiting for the disk: who has made it reads it at once.
    fn show(self: Box<Self>) -> io::Result<()> {
        self.keep()
    }
}

/// What a part consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of the output.
    Output,
    /// Lines of the side file.
    Problems,
    /// Answers beside truths.
    Truths,
    /// The mark.
    Mark,
}

/// Letters of the name of the work that names of files begin with.
const PREFIX: usize = 16;

/// The name of a file of the `number`th part of some work: what other work leaves has other names, even if it is done at
/// the same time.
pub fn name(work: &str, number: u64, piece: Piece) -> String {
    let end = match piece {
        Piece::Output => "out",
        Piece::Problems => "problems",
        Piece::Truths => "truths",
        Piece::Mark => "json",
    };
    format!("part-{}-{number:06}.{end}", prefix(work))
}

/// The name of an output that grows.
pub fn whole_name(work: &str, run: &str) -> String {
    format!("part-{}-{run}.whole", prefix(work))
}

fn prefix(work: &str) -> &str {
    work.get(..PREFIX).unwrap_or(work)
}

/// How far a batch was when a segment was finished, everything before it included.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Names the work: model, input, options and program. Parts of other work are worth nothing.
    pub work: String,
    /// Names the attempt that began it, and those that went on: whatever was there before is worth nothing either.
    pub run: String,
    /// Records of the source that were read, bad ones and those of other parts of a split included.
    pub read: u64,
    /// Lines of the side file.
    pub listed: u64,
    /// Problems that found no room in it.
    pub more: u64,
    /// Bytes of the output, where it grows.
    pub written: u64,
    /// Sums.
    pub summary: BatchSummary,
}

/// What earlier attempts have left of some work.
pub struct Left {
    /// The attempt that began it; a new one where nothing is left.
    pub run: String,
    /// The marks of the parts that are finished, in order.
    pub marks: Vec<Mark>,
    /// Whether the output grows.
    pub grows: bool,
}

impl Left {
    /// Looks for it. Some outputs cannot grow.
    pub fn find(parts: &dyn Parts, work: &str, may_grow: bool) -> io::Result<Self> {
        let mut marks = finished(parts, work)?;
        let mut run = match marks.last() {
            Some(mark) => mark.run.clone(),
            None => parts.fresh()?,
        };
        let grown = match may_grow {
            true => parts.grown(&whole_name(work, &run))?,
            false => None,
        };
        let written = marks.last().map_or(0, |mark| mark.written);
        // Where there are fewer bytes the output has got its name already: somebody asks for it once more.
        if grown.is_some_and(|grown| grown < written) {
            marks.clear();
            run = parts.fresh()?;
        }
        let grows = grown.is_some();
        Ok(Self { run, marks, grows })
    }
}

/// The marks of the parts that are finished, in order.
fn finished(parts: &dyn Parts, work: &str) -> io::Result<Vec<Mark>> {
    let mut marks: Vec<Mark> = Vec::new();
    while let Some(mut file) = parts.open(&name(work, marks.len() as u64, Piece::Mark))? {
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        // A mark that cannot be read was written by another program.
        match serde_json::from_slice::<Mark>(&text) {
            Ok(mark) if mark.work == work && marks.first().is_none_or(|first| first.run == mark.run) => {
                marks.push(mark);
            }
            _ => break,
        }
    }
    Ok(marks)
}

/// Opens a file that a mark tells of.
pub fn open(parts: &dyn Parts, name: &str) -> io::Result<Source> {
    let gone = || {
        let message = format!("`{name}` of the unfinished parts has gone; remove the others to begin again");
        io::Error::other(message)
    };
    parts.open(name)?.ok_or_else(gone)
}
