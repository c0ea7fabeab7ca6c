//! What a flow reads from.

use crate::ml::ingest::decompress::Source;
use crate::ml::ingest::opening::is_json_name;
use crate::ml::ingest::{HeaderMode, IngestError, JsonReader, Opening, Options, RecordReader, RowReader};

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

    /// How rows are read.
    fn options(&self) -> Options {
        Options {
            header: self.header(),
            ..Options::default()
        }
    }

    /// Starts reading records of CSV.
    fn records(&self) -> Result<RecordReader, IngestError> {
        RecordReader::start(self.opening()?, &self.options())
    }

    /// Starts reading records of CSV or JSON lines; `names` are the columns that JSON lines are looked through for.
    fn rows(&self, names: Vec<String>) -> Result<RowReader, IngestError> {
        let opening = self.opening()?;
        if opening.is_json_lines() || is_json_name(self.name()) {
            let reader = JsonReader::start(opening, names, self.options().max_row_bytes)?;
            return Ok(RowReader::Json(Box::new(reader)));
        }
        let reader = RecordReader::start(opening, &self.options())?;
        Ok(RowReader::Csv(Box::new(reader)))
    }

    /// Opens the source and looks at its first bytes.
    fn opening(&self) -> Result<Opening, IngestError> {
        let source = self
            .open()
            .map_err(|source| IngestError::Io { line: 0, source })?;
        Opening::new(source)
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
