//! Reads records one by one from any source of bytes.

use std::io::{Cursor, Read};

use csv::ByteRecord;

use super::decompress::{Compression, Source, plain_bytes, read_prefix};
use super::dialect::{HeaderMode, Options, SAMPLE_BYTES, guess_delimiter, guess_header};
use super::error::IngestError;
use super::guard::{ByteCount, RowGuard, RowMark, RowTooLong};
use super::header::{column_names, numbered_names};
use super::problems::RowProblem;
use crate::ml::record::{Position, Record};

/// What one call of [`RecordReader::read`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Row {
    /// A record with one field for each column.
    Good,
    /// A record with one field for each column in which something was mended; the record is usable.
    Mended(RowProblem),
    /// A row that does not fit the columns; the record holds what was found.
    Bad(RowProblem),
    /// The source has ended.
    End,
}

/// Reads the records of one CSV source.
pub struct RecordReader {
    csv: csv::Reader<RowGuard<Source>>,
    columns: Vec<String>,
    has_header: bool,
    delimiter: u8,
    compression: Compression,
    mark: RowMark,
    max_row_bytes: u64,
    bytes: ByteCount,
    next_record: u64,
    /// Line on which the row read last starts.
    line: u64,
    /// Empty lines passed over before the row read last.
    empty_before: u64,
    /// Whether the row read last ended with a carriage return, whose line feed is still to come.
    after_return: bool,
    /// The first row of a source without a header, read to learn the number of columns, and its line.
    pending: Option<(ByteRecord, u64)>,
}

impl RecordReader {
    /// Looks at the first bytes of `source`, decides on compression, delimiter and header, and stands
    /// before the first record.
    ///
    /// Fails on an empty source, on bytes that are no text, and on column names that repeat.
    pub fn open(source: Source, options: &Options) -> Result<Self, IngestError> {
        let bytes = ByteCount::default();
        let (mut plain, compression) = plain_bytes(Box::new(bytes.follow(source)))?;
        let damaged = |source| io_error(source, compression, 1);
        let mut sample = read_prefix(&mut plain, SAMPLE_BYTES).map_err(damaged)?;
        let whole = sample.len() < SAMPLE_BYTES;
        if sample.starts_with(b"\xef\xbb\xbf") {
            sample.drain(..3);
        }
        check_text(&sample)?;
        let delimiter = options
            .delimiter
            .unwrap_or_else(|| guess_delimiter(&sample, whole));
        let has_header = match options.header {
            HeaderMode::Auto => guess_header(&sample, delimiter, whole),
            HeaderMode::Yes => true,
            HeaderMode::No => false,
        };
        let rest: Source = Box::new(Cursor::new(sample).chain(plain));
        let (guarded, mark) = RowGuard::new(rest, options.max_row_bytes);
        let csv = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(1 << 16)
            .from_reader(guarded);
        let mut reader = Self {
            csv,
            columns: Vec::new(),
            has_header,
            delimiter,
            compression,
            mark,
            max_row_bytes: options.max_row_bytes,
            bytes,
            next_record: 0,
            line: 1,
            empty_before: 0,
            after_return: false,
            pending: None,
        };
        reader.read_columns()?;
        Ok(reader)
    }

    fn read_columns(&mut self) -> Result<(), IngestError> {
        let mut first = ByteRecord::new();
        if !self.read_bytes(&mut first)? {
            return Err(IngestError::EmptyFile);
        }
        if self.csv.get_ref().has_ended() {
            return Err(IngestError::UnclosedQuote { line: self.line });
        }
        if self.has_header {
            self.columns = column_names(&first)?;
        } else {
            self.columns = numbered_names(first.len());
            self.pending = Some((first, self.line));
        }
        Ok(())
    }

    /// Names of the columns, in order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Gives the columns of a source without header the names that are known from elsewhere. Names beyond
    /// the number of columns are dropped.
    pub fn name_columns(&mut self, names: Vec<String>) {
        if !self.has_header && names.len() >= self.columns.len() {
            self.columns
                .iter_mut()
                .zip(names)
                .for_each(|(column, name)| *column = name);
        }
    }

    /// Whether the first line named the columns.
    pub fn has_header(&self) -> bool {
        self.has_header
    }

    /// The byte between fields.
    pub fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// A counter of the bytes taken from the source, compressed if it was.
    pub fn byte_count(&self) -> ByteCount {
        self.bytes.clone()
    }

    /// Reads the next row into `record`. Empty lines are passed over.
    pub fn read(&mut self, record: &mut Record) -> Result<Row, IngestError> {
        let mut bytes = record.take();
        match self.pending.take() {
            Some((first, line)) => (bytes, self.line) = (first, line),
            None => {
                if !self.read_bytes(&mut bytes)? {
                    return Ok(Row::End);
                }
            }
        }
        let byte = bytes.position().map_or(0, csv::Position::byte);
        let not_utf8 = record.put(bytes);
        record.position = Position {
            record: self.next_record,
            line: self.line,
            byte,
            empty_before: self.empty_before,
        };
        self.next_record += 1;
        let swallowed = record
            .iter()
            .map(|field| memchr::memchr_iter(b'\n', field.as_bytes()).count())
            .sum::<usize>();
        if self.csv.get_ref().has_ended() && swallowed > 1 {
            // Whole rows would be lost in it.
            return Err(IngestError::UnclosedQuote { line: self.line });
        }
        Ok(self.judge(record, not_utf8))
    }

    fn judge(&self, record: &Record, not_utf8: Option<usize>) -> Row {
        let line = record.position.line;
        if self.csv.get_ref().has_ended() {
            return Row::Bad(RowProblem {
                code: "unclosed_quote".into(),
                line,
                detail:
                    "a quote is opened in this row and never closed, so the rest of the file belongs to it"
                        .into(),
            });
        }
        if record.len() != self.columns.len() {
            let detail = format!(
                "{} fields where the {} has {}",
                record.len(),
                if self.has_header { "header" } else { "first row" },
                self.columns.len()
            );
            return Row::Bad(RowProblem {
                code: "ragged_row".into(),
                line,
                detail,
            });
        }
        match not_utf8 {
            None => Row::Good,
            Some(field) => Row::Mended(RowProblem {
                code: "invalid_utf8".into(),
                line,
                detail: format!(
                    "column `{}` holds bytes that are not UTF-8; they were replaced by U+FFFD",
                    self.columns.get(field).map_or("?", String::as_str)
                ),
            }),
        }
    }

    /// Reads a row's fields and notes the line on which it starts.
    fn read_bytes(&mut self, bytes: &mut ByteRecord) -> Result<bool, IngestError> {
        let (start, line) = (self.csv.position().byte(), self.csv.position().line());
        self.mark.set(start);
        // What the parser has not passed yet: the line feed after a carriage return. A row that is never
        // completed is placed here, where the empty lines before it begin.
        let line = line + u64::from(self.after_return);
        let limit = self.max_row_bytes;
        let found = self
            .csv
            .read_byte_record(bytes)
            .map_err(|error| match error.into_kind() {
                csv::ErrorKind::Io(source)
                    if source.get_ref().is_some_and(|inner| inner.is::<RowTooLong>()) =>
                {
                    IngestError::RowTooLong { line, limit }
                }
                csv::ErrorKind::Io(source) => io_error(source, self.compression, line),
                other => IngestError::Io {
                    line,
                    source: std::io::Error::other(format!("{other:?}")),
                },
            })?;
        self.note_line(bytes);
        self.empty_before = self.line.saturating_sub(line);
        // The guard sees what is read ahead in large pieces, so it misses rows that are a little too long.
        if found && self.csv.position().byte() - start > limit {
            let line = self.line;
            return Err(IngestError::RowTooLong { line, limit });
        }
        Ok(found)
    }

    /// The parser tells how many line feeds it has passed, not where a row starts: empty lines may come
    /// before it. So the start is found from the end.
    fn note_line(&mut self, bytes: &ByteRecord) {
        let end = self.csv.position();
        let last = self.csv.get_ref().byte_before(end.byte());
        self.after_return = last == Some(b'\r');
        let within = memchr::memchr_iter(b'\n', bytes.as_slice()).count() as u64;
        let after = u64::from(last == Some(b'\n') && !self.csv.get_ref().has_ended());
        self.line = end.line().saturating_sub(within + after).max(1);
    }
}

fn io_error(source: std::io::Error, compression: Compression, line: u64) -> IngestError {
    match compression {
        Compression::None => IngestError::Io { line, source },
        Compression::Gzip | Compression::Zstd => IngestError::Damaged {
            format: compression.as_str(),
            line,
            source,
        },
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
