//! Recognises gzip and zstd by their first bytes and undoes them; names what cannot be read. Parquet, which is not read
//! from front to end, is told apart before.

use std::io::{BufReader, Cursor, Read};

use super::error::IngestError;

/// A source of bytes that can move between threads.
pub type Source = Box<dyn Read + Send>;

/// How the bytes were compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// One or more gzip members.
    Gzip,
    /// One or more zstd frames.
    Zstd,
}

impl Compression {
    /// The name used in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Compression::None => "plain",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }
}

/// Reads up to `limit` bytes from the front of `source`.
pub fn read_prefix(source: &mut dyn Read, limit: usize) -> std::io::Result<Vec<u8>> {
    let mut prefix = Vec::with_capacity(limit.min(1 << 16));
    source.take(limit as u64).read_to_end(&mut prefix)?;
    Ok(prefix)
}

/// Looks at the first bytes and returns a source of plain bytes. Formats that are no CSV text
/// (archives, spreadsheets, UTF-16) are refused by name.
pub fn plain_bytes(mut source: Source) -> Result<(Source, Compression), IngestError> {
    let io = |source| IngestError::Io { line: 1, source };
    let magic = read_prefix(&mut source, 8).map_err(io)?;
    refuse_known_formats(&magic)?;
    let compression = match magic.as_slice() {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
        _ => Compression::None,
    };
    let whole = Cursor::new(magic).chain(source);
    let plain: Source = match compression {
        Compression::None => Box::new(whole),
        Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(BufReader::with_capacity(
            1 << 16,
            whole,
        ))),
        Compression::Zstd => Box::new(zstd::Decoder::new(whole).map_err(io)?),
    };
    Ok((plain, compression))
}

fn refuse_known_formats(magic: &[u8]) -> Result<(), IngestError> {
    let known = match magic {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some((
            "it is UTF-16",
            "save it as UTF-8, for example with `iconv -f UTF-16 -t UTF-8`",
        )),
        [b'P', b'K', 3, 4, ..] => Some((
            "it is a zip archive or a spreadsheet",
            "unpack it or export the sheet as CSV",
        )),
        [b'%', b'P', b'D', b'F', ..] => Some(("it is a PDF document", "export the table as CSV")),
        [0x42, 0x5a, 0x68, ..] => Some(("it is bzip2", "unpack it, or compress it with gzip or zstd")),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            Some(("it is xz", "unpack it, or compress it with gzip or zstd"))
        }
        _ => None,
    };
    match known {
        Some((what, hint)) => Err(IngestError::NotText {
            what: what.into(),
            hint,
        }),
        None => Ok(()),
    }
}
