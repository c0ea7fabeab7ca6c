//! What a flow reads from.

use std::io::{Cursor, Read};
use std::sync::Arc;

use crate::ml::ingest::decompress::{Compression, Source, read_prefix};
use crate::ml::ingest::opening::{io_error, is_json_name};
use crate::ml::ingest::{HeaderMode, IngestError, JsonReader, Opening, Options, RecordReader, RowReader};
use crate::ml::parquet::{Files, ReadAt, TELLING, Unreadable, is_parquet, is_parquet_name};

/// A source of rows that can be read several times. Implemented by whoever knows where the bytes are.
pub trait Table: Sync {
    /// The bytes from the beginning.
    fn open(&self) -> std::io::Result<Source>;

    /// The same bytes at any place, for files that are not read from front to end. `begun` stands before the first of
    /// them; a source that can be read only once is kept from it.
    fn any_place(&self, begun: Source) -> std::io::Result<Arc<dyn ReadAt>> {
        drop(begun);
        let message = "this source is read from front to end, which Parquet is not; give it as a file";
        Err(std::io::Error::new(std::io::ErrorKind::Unsupported, message))
    }

    /// Several files of columns that are one table, if that is what it is.
    fn column_files(&self) -> Option<Files> {
        None
    }

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
        if opening.is_json_lines() || (is_json_name(self.name()) && !opening.is_written()) {
            let reader = JsonReader::start(opening, names, self.options().max_row_bytes)?;
            return Ok(RowReader::Json(Box::new(reader)));
        }
        let reader = RecordReader::start(opening, &self.options())?;
        Ok(RowReader::Csv(Box::new(reader)))
    }

    /// Opens the source and looks at its first bytes.
    fn opening(&self) -> Result<Opening, IngestError> {
        if let Some(files) = self.column_files() {
            return Opening::parquet_files(files);
        }
        let failed = |source| io_error(source, Compression::None, 0);
        let mut source = self.open().map_err(failed)?;
        let first = read_prefix(&mut source, TELLING).map_err(failed)?;
        let is_parquet = is_parquet(&first);
        let whole = Box::new(Cursor::new(first).chain(source));
        if is_parquet {
            return Opening::parquet(self.any_place(whole).map_err(failed)?);
        }
        Opening::new(whole).map_err(|error| match error {
            IngestError::NotText { .. } if is_parquet_name(self.name()) => {
                Unreadable::damaged("it does not begin with `PAR1`").into()
            }
            error => error,
        })
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

    fn any_place(&self, _begun: Source) -> std::io::Result<Arc<dyn ReadAt>> {
        Ok(Arc::new(self.0.clone()))
    }

    fn bytes(&self) -> u64 {
        self.0.len() as u64
    }
}
