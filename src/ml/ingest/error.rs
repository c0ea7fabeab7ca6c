//! Why a source could not be read at all.

use crate::ml::parquet::Unreadable;

/// A source that cannot be read as a table. Single bad rows are not errors; see
/// [`super::RowProblem`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IngestError {
    /// There is not one byte in the source.
    #[error("the data is empty; give a CSV file with a header line and at least one row")]
    EmptyFile,
    /// There is a header, but no row below it.
    #[error("the data has a header line but no rows; if the first line is data, set header to no")]
    HeaderOnly,
    /// The bytes are not text.
    #[error("the data is not CSV text: {what}; {hint}")]
    NotText {
        /// What was found instead, and where.
        what: String,
        /// How to mend it.
        hint: &'static str,
    },
    /// The source holds JSON lines where only CSV is read.
    #[error(
        "the data is JSON lines; these are read to predict, while inspecting and learning read CSV: convert the file, one column for each member"
    )]
    JsonLines,
    /// A Parquet file is damaged, or holds what cannot be used.
    #[error(transparent)]
    Parquet(#[from] Unreadable),
    /// Two columns have the same name.
    #[error("line 1: columns {first} and {second} are both called `{name}`; rename one of them")]
    DuplicateColumn {
        /// The name both columns have.
        name: String,
        /// Number of the first of them, counted from 1.
        first: usize,
        /// Number of the second, counted from 1.
        second: usize,
    },
    /// A row is longer than the limit.
    #[error(
        "line {line}: the row is longer than {limit} bytes; a quote that is opened there and never closed is the usual reason"
    )]
    RowTooLong {
        /// Line where the row starts.
        line: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A quote in the first row is never closed, so the whole source is one row.
    #[error(
        "line {line}: a quote is opened there and never closed; close it, or double it if it is part of the text"
    )]
    UnclosedQuote {
        /// Line where the row starts.
        line: u64,
    },
    /// More rows were rejected than is allowed.
    #[error(
        "{rejected} of {seen} rows could not be read, the first one at line {line}: {detail}; mend the file or its delimiter and quotes"
    )]
    TooManyBadRows {
        /// Rows rejected so far.
        rejected: u64,
        /// Rows seen so far.
        seen: u64,
        /// Line of the first rejected row.
        line: u64,
        /// What was wrong with the first rejected row.
        detail: String,
    },
    /// The compressed data is damaged.
    #[error("the {format} data is damaged or cut off near line {line}: {source}")]
    Damaged {
        /// `gzip` or `zstd`.
        format: &'static str,
        /// Line reached when the damage was found.
        line: u64,
        /// What the decompressor said.
        source: std::io::Error,
    },
    /// Reading failed.
    #[error("reading the data failed near line {line}: {source}")]
    Io {
        /// Line reached when reading failed.
        line: u64,
        /// What the system said.
        source: std::io::Error,
    },
    /// The observer asked for a stop.
    #[error("stopped on request")]
    Stopped,
}

impl IngestError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            IngestError::EmptyFile => "empty_file",
            IngestError::HeaderOnly => "header_only",
            IngestError::NotText { .. } => "not_text",
            IngestError::JsonLines => "json_lines",
            IngestError::Parquet(error) => error.code,
            IngestError::DuplicateColumn { .. } => "duplicate_column",
            IngestError::RowTooLong { .. } => "row_too_long",
            IngestError::UnclosedQuote { .. } => "unclosed_quote",
            IngestError::TooManyBadRows { .. } => "too_many_bad_rows",
            IngestError::Damaged { .. } => "damaged_compression",
            IngestError::Io { .. } => "read_failed",
            IngestError::Stopped => "stopped",
        }
    }
}
