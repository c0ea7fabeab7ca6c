//! What a flow reads from.

use crate::ml::ingest::decompress::Source;
use crate::ml::ingest::{HeaderMode, IngestError, Options, RecordReader};

/// A source of rows that can be read several times. Implemented by whoever knows where the bytes are.
pub trait Table: Sync {
    /// The bytes from the beginning.
    fn open(&self) -> std::io::Result<Source>;

    /// Number of bytes, for progress; 0 when unknown.
    fn bytes(&self) -> u64;

    /// The name of the file, without folders; empty when there is none. Random splits by a text go by it.
    fn name(&self) -> &str {
        ""
    }

    /// Whether the first line names the columns.
    fn header(&self) -> HeaderMode {
        HeaderMode::Auto
    }

    /// Starts reading records.
    fn records(&self) -> Result<RecordReader, IngestError> {
        let source = self
            .open()
            .map_err(|source| IngestError::Io { line: 0, source })?;
        RecordReader::open(
            source,
            &Options {
                header: self.header(),
                ..Options::default()
            },
        )
    }
}

/// A table in memory, for tests and small inputs.
pub struct MemoryTable(pub std::sync::Arc<[u8]>);

impl MemoryTable {
    /// A table of these bytes.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self(bytes.as_ref().into())
    }
}

impl Table for MemoryTable {
    fn open(&self) -> std::io::Result<Source> {
        Ok(Box::new(std::io::Cursor::new(self.0.clone())))
    }

    fn bytes(&self) -> u64 {
        self.0.len() as u64
    }
}
