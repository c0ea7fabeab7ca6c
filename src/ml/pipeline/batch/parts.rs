//! Finished pieces of a batch, kept so that it can go on after it was interrupted.
//!
//! A segment of the input leaves up to three files, and last its mark. Only what has a mark counts: whatever ends the
//! process, a part is either whole or made again. The last segment has none, since the output follows at once. Where the
//! output can be kept as it grows, its bytes are written once: the mark says how many of them belong to it.

use std::collections::BTreeSet;
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

    /// Begins some work, the names of whose files begin so. From now on nobody else touches them.
    fn begin(&self, _prefix: &str) -> io::Result<()> {
        Ok(())
    }

    /// Removes the files of that work but for these, marks before what they tell of. Where it does not, marks are left that
    /// count again once those before them do; that is harmless where nothing grows.
    fn remove_but(&self, _kept: &BTreeSet<String>) -> io::Result<()> {
        Ok(())
    }

    /// Whether an output can be kept as it grows; if not its pieces are parts, which are put together at the end.
    fn can_grow(&self) -> bool {
        false
    }

    /// How many bytes there are of an output that grows under this name.
    fn grown(&self, _name: &str) -> io::Result<u64> {
        Ok(0)
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
    format!("{}{number:06}.{end}", prefix(work))
}

/// The name of an output that grows.
pub fn whole_name(work: &str, run: &str) -> String {
    format!("{}{run}.whole", prefix(work))
}

/// What the names of all files of some work begin with.
fn prefix(work: &str) -> String {
    format!("part-{}-", work.get(..PREFIX).unwrap_or(work))
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
    /// Looks for what has all of these pieces, and lets everything else of that work go. Some outputs cannot grow.
    pub fn find(parts: &dyn Parts, work: &str, may_grow: bool, pieces: &[Piece]) -> io::Result<Self> {
        parts.begin(&prefix(work))?;
        let grows = may_grow && parts.can_grow();
        let mut pieces = pieces.to_vec();
        if !grows {
            pieces.push(Piece::Output);
        }
        let mut marks = finished(parts, work, &pieces)?;
        let mut run = match marks.first() {
            Some(mark) => mark.run.clone(),
            None => parts.fresh()?,
        };
        if grows {
            let others = marks.iter().position(|mark| mark.run != run);
            marks.truncate(others.unwrap_or(marks.len()));
            let written = marks.last().map_or(0, |mark| mark.written);
            // Where there are fewer bytes the output has got its name already: somebody asks for it once more.
            if parts.grown(&whole_name(work, &run))? < written {
                marks.clear();
                run = parts.fresh()?;
            }
        }
        pieces.push(Piece::Mark);
        let of_part = |number| pieces.iter().map(move |&piece| name(work, number, piece));
        let mut kept: BTreeSet<String> = (0..marks.len() as u64).flat_map(of_part).collect();
        if grows {
            kept.insert(whole_name(work, &run));
        }
        // A mark of what is written anew must not count before it is.
        parts.remove_but(&kept)?;
        Ok(Self { run, marks, grows })
    }
}

/// The marks of the parts that are finished and have all pieces, in order.
fn finished(parts: &dyn Parts, work: &str, pieces: &[Piece]) -> io::Result<Vec<Mark>> {
    let mut marks: Vec<Mark> = Vec::new();
    loop {
        let number = marks.len() as u64;
        let Some(mut file) = parts.open(&name(work, number, Piece::Mark))? else {
            return Ok(marks);
        };
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        for &piece in pieces {
            if parts.open(&name(work, number, piece))?.is_none() {
                return Ok(marks);
            }
        }
        // A mark that cannot be read was written by another program.
        match serde_json::from_slice::<Mark>(&text) {
            Ok(mark) if mark.work == work => marks.push(mark),
            _ => return Ok(marks),
        }
    }
}

/// Opens a file that a mark tells of.
pub fn open(parts: &dyn Parts, name: &str) -> io::Result<Source> {
    let gone = || {
        let message = format!("`{name}` of the unfinished parts has gone meanwhile; run it again");
        io::Error::other(message)
    };
    parts.open(name)?.ok_or_else(gone)
}
