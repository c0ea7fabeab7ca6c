//! Bytes into records: decompression, CSV dialect or JSON lines, rows with their positions, problems counted.
//!
//! Any [`std::io::Read`] will do. Memory does not grow with the number of rows, and one row may not
//! grow without bound either. A row that cannot be read is not an error: it is reported as
//! [`Row::Bad`] and the caller decides what share of those is too much (see [`problems`]).

pub mod batch;
pub mod counted;
pub mod decompress;
pub mod dialect;
pub mod error;
pub mod flow;
pub mod hashes;
pub mod header;
pub mod json;
mod json_line;
pub mod opening;
pub mod problems;
pub mod reader;
pub mod rows;
pub mod scan;
mod whole;

pub use batch::{Batch, BatchSource, Wanted, for_each_batch};
pub use dialect::{DELIMITERS, HeaderMode, Options};
pub use error::IngestError;
pub use flow::{Lane, Told, flow};
pub use hashes::FieldHashes;
pub use header::column_name;
pub use json::{JsonReader, RowReader};
pub use opening::Opening;
pub use problems::{Problems, RowProblem};
pub use reader::{RecordReader, Row};
pub use rows::Rows;
pub use whole::rows_of;
