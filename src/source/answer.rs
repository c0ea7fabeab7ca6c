//! The rows of a query as they arrive.

use tokio::sync::mpsc::Receiver;

use super::error::SourceError;

/// What comes next of an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    /// The columns: before the rows, and once more behind them, with what the values have shown of their kinds.
    Columns(Vec<Column>),
    /// Rows as lines of CSV without names.
    Rows {
        /// The lines.
        text: Vec<u8>,
        /// How many rows they are.
        rows: u64,
    },
    /// Nothing has come for a while: the database is still busy.
    Waiting,
}

/// A column of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What its type means.
    pub kind: ColumnKind,
    /// Whether values come as the bytes of a number.
    pub(super) is_bits: bool,
}

/// What the type of a column means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Numbers: of whole ones to those with a floating point.
    Number,
    /// True and false, written `1` and `0`.
    Boolean,
    /// Text of a fixed length.
    Fixed,
    /// Text of any length, dates, and everything else.
    Text,
}

/// The rows of a query, piece by piece. Dropping it ends the query.
#[derive(Debug)]
pub struct Answer {
    pub(super) pieces: Receiver<Result<Piece, SourceError>>,
}

impl Answer {
    /// The next piece; none after the last. For threads that may wait.
    pub fn next_blocking(&mut self) -> Option<Result<Piece, SourceError>> {
        self.pieces.blocking_recv()
    }
}
