//! Scores a whole file: one output line for each input record, in input order.
//!
//! Columns: `row` (if asked for), `tag` (the row id, if the schema has one and the file holds it), `trueLabel` (if the
//! file holds the target), then `bestAnswer,score` for two classes, one column for each class, or `score`
//! for a number; then columns passed through and explanations, where asked for. A record that cannot
//! be read, and an empty line before another record, leaves a blank line. JSON lines have the same as members, Parquet
//! as columns, with nulls for a blank line.
//!
//! The input is cut into segments, by its bytes alone. Each is compressed by itself, and may be kept as a part from
//! which an interrupted batch goes on ([`parts`]).

use std::io::Write;

mod chunk;
mod driver;
pub mod form;
mod groups;
mod keep;
mod layout;
mod lines;
mod members;
pub mod parts;
mod problems;
mod sink;
pub mod summary;
#[cfg(test)]
mod tests;

use super::error::PipelineError;
use super::table::Table;
use crate::ml::observe::Observer;
use crate::ml::predict::Predictor;
use crate::ml::split::Split;
pub use driver::{predict_into, predict_part};
pub use form::{Compress, Form, Format};
pub use parts::{Growing, PartFile, Parts, Settling};
pub use sink::{Outputs, Resume};
pub use summary::{BatchMetrics, BatchSummary};

/// What to write, and how.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BatchOptions {
    /// Columns of the input to copy.
    pub columns: Vec<String>,
    /// Write the baseline and each attribute's contribution.
    pub explain: bool,
    /// Write the number of each record.
    pub row_number: bool,
    /// How lines look and how they are compressed.
    pub form: Form,
    /// How answers and numbers are written in CSV.
    pub style: Style,
    /// Which rows to score.
    pub split: Split,
    /// How the input is cut.
    pub segments: Segments,
    /// What the files before had, where the input is one of several: bad records are judged by all of them together.
    pub before: Option<Before>,
}

/// Records of the files before one of several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Before {
    /// All records.
    pub records: u64,
    /// Those that could not be read.
    pub rejected: u64,
}

/// How answers and numbers are written in CSV.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Style {
    /// Labels as they stand in the data, numbers with all their digits.
    #[default]
    Own,
    /// As Amazon ML: two labels are 0 and 1, numbers have seven digits and an exponent.
    Amazon {
        /// The column that is copied as `tag`; that of the model does not count.
        tag: Option<String>,
    },
}

/// How the input is cut into segments.
#[derive(Debug, Clone, PartialEq)]
pub struct Segments {
    /// A segment has this many records at least, unless it ends before for its length.
    pub records: u64,
    /// A segment ends when it has as many bytes of input.
    pub bytes: u64,
    /// Inputs with fewer bytes than this, as they are stored, are not worth parts.
    pub least_input: u64,
}

impl Default for Segments {
    fn default() -> Self {
        Self {
            records: 262_144,
            bytes: 64 << 20,
            least_input: 8 << 20,
        }
    }
}

/// Scores the records of `table` and writes lines to `out`.
pub fn predict(
    predictor: &Predictor,
    table: &dyn Table,
    options: &BatchOptions,
    out: &mut (dyn Write + Send),
    observer: &mut dyn Observer,
) -> Result<BatchSummary, PipelineError> {
    let outputs = Outputs {
        out,
        problems: None,
        resume: None,
    };
    predict_into(predictor, table, options, outputs, observer)
}
