//! Finished pieces of a batch, kept so that it can go on after it was interrupted.
//!
//! A segment of the input leaves up to three files, and last its mark. Only what has a mark counts: whatever ends the
//! process, a part is either whole or made again.

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
}

/// A file of a part that is being written; gone if it is dropped.
pub trait PartFile: Write + Send {
    /// Makes it visible; safe on disk when this returns.
    fn keep(self: Box<Self>) -> io::Result<()>;
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
    /// Sums.
    pub summary: BatchSummary,
}

/// The marks of the parts that are finished, in order.
pub fn finished(parts: &dyn Parts, work: &str) -> io::Result<Vec<Mark>> {
    let mut marks = Vec::new();
    while let Some(mut file) = parts.open(&name(work, marks.len() as u64, Piece::Mark))? {
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        // A mark that cannot be read was written by another program.
        match serde_json::from_slice::<Mark>(&text) {
            Ok(mark) if mark.work == work => marks.push(mark),
            _ => break,
        }
    }
    Ok(marks)
}
