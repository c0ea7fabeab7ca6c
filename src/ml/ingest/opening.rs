//! The first bytes of a source: undone compression, and what kind of text follows.

use std::io::{Cursor, Read};
use std::sync::Arc;

use super::counted::ByteCount;
use super::decompress::{Compression, Source, plain_bytes, read_prefix};
use super::dialect::SAMPLE_BYTES;
use super::error::IngestError;
use crate::ml::parquet::{CsvText, Files, ManyTexts, ReadAt, Unreadable, is_parquet};

pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A source whose first bytes were looked at.
pub struct Opening {
    pub(super) plain: Source,
    pub(super) compression: Compression,
    pub(super) bytes: ByteCount,
    /// The first bytes, without a byte order mark; `plain` goes on after them.
    pub(super) sample: Vec<u8>,
    /// True when nothing follows the sample.
    pub(super) whole: bool,
    /// Offset of the sample in the plain bytes.
    pub(super) offset: u64,
    /// True for CSV text that a file of columns was written out as: it has a header, and commas between fields.
    pub(super) is_written: bool,
}

impl Opening {
    /// Decides on compression and reads the first bytes. Fails on an empty source and on bytes that are no text.
    pub fn new(source: Source) -> Result<Self, IngestError> {
        let bytes = ByteCount::default();
        let (mut plain, compression) = plain_bytes(Box::new(bytes.follow(source)))?;
        let damaged = |source| io_error(source, compression, 1);
        let mut sample = read_prefix(&mut plain, SAMPLE_BYTES).map_err(damaged)?;
        let whole = sample.len() < SAMPLE_BYTES;
        let mut offset = 0;
        if sample.starts_with(BYTE_ORDER_MARK) {
            sample.drain(..BYTE_ORDER_MARK.len());
            offset = BYTE_ORDER_MARK.len() as u64;
        }
        if is_parquet(&sample) {
            return Err(out_of_place(compression));
        }
        check_text(&sample)?;
        Ok(Self {
            plain,
            compression,
            bytes,
            sample,
            whole,
            offset,
            is_written: false,
        })
    }

    /// The same for a Parquet file, whose rows come as CSV text.
    pub fn parquet(file: Arc<dyn ReadAt>) -> Result<Self, IngestError> {
        let text = CsvText::open(file).map_err(|source| io_error(source, Compression::None, 1))?;
        let bytes = text.byte_count();
        Self::written(text, bytes)
    }

    /// The same for several Parquet files that are one table.
    pub fn parquet_files(files: Files) -> Result<Self, IngestError> {
        let text = ManyTexts::open(files).map_err(|source| io_error(source, Compression::None, 1))?;
        let bytes = text.byte_count();
        Self::written(text, bytes)
    }

    fn written(mut text: impl Read + Send + 'static, bytes: ByteCount) -> Result<Self, IngestError> {
        let damaged = |source| io_error(source, Compression::None, 1);
        let sample = read_prefix(&mut text, SAMPLE_BYTES).map_err(damaged)?;
        Ok(Self {
            plain: Box::new(text),
            compression: Compression::None,
            bytes,
            whole: sample.len() < SAMPLE_BYTES,
            sample,
            offset: 0,
            is_written: true,
        })
    }

    /// All of the text, from its beginning.
    pub fn into_text(self) -> Source {
        Box::new(Cursor::new(self.sample).chain(self.plain))
    }

    /// Whether the source is a file of columns, which says itself what it is.
    pub fn is_written(&self) -> bool {
        self.is_written
    }

    /// Whether the text begins like a JSON object. No header of a CSV does.
    pub fn is_json_lines(&self) -> bool {
        if self.is_written {
            return false;
        }
        let text = self.sample.trim_ascii_start();
        let inside = text.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
        inside.is_some_and(|inside| matches!(inside.first(), Some(b'"' | b'}')))
    }
}

/// Whether a file's name says that it holds JSON lines, compressed or not.
pub fn is_json_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let stem = [".gz", ".zst"].iter().find_map(|end| name.strip_suffix(end));
    let stem = stem.unwrap_or(&name);
    [".jsonl", ".ndjson"].iter().any(|end| stem.ends_with(end))
}

/// Reading failed; what was compressed is most likely damaged.
pub(in crate::ml) fn io_error(source: std::io::Error, compression: Compression, line: u64) -> IngestError {
    let known = source
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Unreadable>());
    if let Some(unreadable) = known {
        return unreadable.clone().into();
    }
    match compression {
        Compression::None => IngestError::Io { line, source },
        Compression::Gzip | Compression::Zstd => IngestError::Damaged {
            format: compression.as_str(),
            line,
            source,
        },
    }
}

/// Parquet where a source is read from front to end.
fn out_of_place(compression: Compression) -> IngestError {
    let (what, hint) = match compression {
        Compression::None => ("it is a Parquet file", "give it as a file, or export it as CSV"),
        Compression::Gzip | Compression::Zstd => (
            "it is a Parquet file inside of gzip or zstd",
            "unpack it; Parquet is compressed inside",
        ),
    };
    IngestError::NotText {
        what: what.into(),
        hint,
    }
}

fn check_text(sample: &[u8]) -> Result<(), IngestError> {
    if sample.iter().all(u8::is_ascii_whitespace) {
        return Err(IngestError::EmptyFile);
    }
    match memchr::memchr(0, sample) {
        None => Ok(()),
        Some(at) => Err(IngestError::NotText {
            what: format!("byte {at} is zero"),
            hint: "give a text file in UTF-8 with one row a line",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_lines_are_told_from_csv() {
        for (text, expected) in [
            ("{\"a\":1}\n", true),
            ("\n  { \"a\":1}\n", true),
            ("\u{feff}{}\n", true),
            ("a,b\n{\"a\":1},2\n", false),
            ("{a},b\n1,2\n", false),
            ("\"{\",b\n1,2\n", false),
        ] {
            let source = std::io::Cursor::new(text.as_bytes().to_vec());
            let opening = Opening::new(Box::new(source)).unwrap();
            assert_eq!(opening.is_json_lines(), expected, "{text}");
        }
    }

    #[test]
    fn names_tell_json_lines() {
        for (name, expected) in [
            ("a.jsonl", true),
            ("a.NDJSON.gz", true),
            ("a.jsonl.zst", true),
            ("a.json", false),
            ("jsonl", false),
            ("a.jsonl.csv", false),
            ("", false),
        ] {
            assert_eq!(is_json_name(name), expected, "{name}");
        }
    }
}
