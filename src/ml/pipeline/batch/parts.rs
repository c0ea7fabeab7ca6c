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
    /// Begins a file. Nobody sees it before it is kept; then it replaces what had its name.
    fn create(&self, name: &str) -> io::Result<Box<dyn PartFile>>;

    /// Opens a file; none if there is none of that name.
    fn open(&self, name: &str) -> io::Result<Option<Source>>;

    /// How many bytes there are of an output that is kept under this name as it grows; none where that cannot be: then its
    /// pieces are parts, which are put together at the end.
    fn grown(&self, _name: &str) -> io::Result<Option<u64>> {
        Ok(None)
    }

    /// Lets the output grow: what is written from now on follows the first `length` of those bytes.
    fn grow(&self, name: &str, _length: u64) -> io::Result<Box<dyn Growing>> {
        Err(io::Error::other(format!("`{name}` cannot grow here")))
    }
}

/// An output that is kept as it grows.
pub trait Growing: Send {
    /// What makes all bytes safe that were written so far; it may be called on another thread, while more are written.
    fn settling(&self) -> io::Result<Settling>;
}

/// Returns when something is safe on disk.
pub type Settling = Box<dyn FnOnce() -> io::Result<()> + Send>;

/// A file of a part that is being written; gone if it is dropped.
pub trait PartFile: Write + Send {
    /// Makes it visible; safe on disk when this returns.
    fn keep(self: Box<Self>) -> io::Result<()>;

    /// Makes it visible to who has made it, who reads it at once: it need not be safe.
    fn show(self: Box<Self>) -> io::Result<()> {
        self.keep()
    }
}

/// What a part consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// Bytes of the output.
    Output,
    /// The output of all segments, where it grows.
    Whole,
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
        Piece::Whole => "whole",
        Piece::Problems => "problems",
        Piece::Truths => "truths",
        Piece::Mark => "json",
    };
    let work = work.get(..PREFIX).unwrap_or(work);
    format!("part-{work}-{number:06}.{end}")
}

/// How far a batch was when a segment was finished, everything before it included.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Names the work: model, input, options and program. Parts of other work are worth nothing.
    pub work: String,
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

/// The marks of the parts that are finished, in order. `grown` are the bytes that there are of an output that grows: marks
/// that tell of more are of one that has got its name already.
pub fn finished(parts: &dyn Parts, work: &str, grown: Option<u64>) -> io::Result<Vec<Mark>> {
    let mut marks = Vec::new();
    while let Some(mut file) = parts.open(&name(work, marks.len() as u64, Piece::Mark))? {
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        // A mark that cannot be read was written by another program.
        match serde_json::from_slice::<Mark>(&text) {
            Ok(mark) if mark.work == work && grown.is_none_or(|grown| mark.written <= grown) => {
                marks.push(mark);
            }
            _ => break,
        }
    }
    Ok(marks)
}
