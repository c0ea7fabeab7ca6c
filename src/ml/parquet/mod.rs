//! Parquet: its columns as the text of a table, and columns as a Parquet file.
//!
//! A file comes in as CSV text ([`CsvText`]), so that there is one path from a record to its score, whatever the
//! format. Predictions go out as row groups ([`Packed`], [`Assembler`]). The only user of the `parquet` crate.
//!
//! The crate trusts what a file says more than a server can: `footer` looks through the footer before the crate does,
//! `source` bounds the pages, `pages` checks them before they are decoded.

mod column;
mod footer;
mod group;
mod kind;
mod many;
mod open;
mod pack;
mod pages;
mod show;
mod source;
mod text;
mod write;

#[cfg(test)]
mod tests;

pub use many::{Files, ManyTexts};
pub use pack::{Kind, OutColumn, Packed, PackedRow};
pub use source::ReadAt;
pub use text::CsvText;
pub use write::{Assembler, PageCompression, append_group, next_group};

/// The first and the last bytes of a Parquet file.
pub const MAGIC: &[u8] = b"PAR1";
/// The same of a file whose footer is encrypted.
pub const ENCRYPTED: &[u8] = b"PARE";

/// How many first bytes of a source tell whether it is Parquet.
pub const TELLING: usize = 64;

/// Whether the first [`TELLING`] bytes of a source are those of a Parquet file, encrypted or not. The name of a column
/// may begin like one, but has no control characters soon after.
pub fn is_parquet(first: &[u8]) -> bool {
    let is_control = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r');
    let first = &first[..first.len().min(TELLING)];
    (first.starts_with(MAGIC) || first.starts_with(ENCRYPTED)) && first.iter().any(is_control)
}

/// Whether a file's name says that it holds Parquet.
pub fn is_parquet_name(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".parquet")
}

/// Why a Parquet file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unreadable {
    /// The stable code.
    pub code: &'static str,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl Unreadable {
    /// A file that is not whole.
    pub fn damaged(what: impl std::fmt::Display) -> Self {
        let message = format!("the Parquet file is damaged or cut off: {what}; write or copy it again");
        Self {
            code: "damaged_parquet",
            message,
        }
    }

    /// A file that is whole, and holds what cannot be used.
    pub fn unsupported(what: impl std::fmt::Display, advice: &str) -> Self {
        Self {
            code: "unsupported_parquet",
            message: format!("the Parquet file cannot be used: {what}; {advice}"),
        }
    }
}

impl From<Unreadable> for std::io::Error {
    fn from(error: Unreadable) -> Self {
        Self::new(std::io::ErrorKind::InvalidData, error)
    }
}
