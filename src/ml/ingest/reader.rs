//! Reads rows from any source of bytes, piece by piece or one by one.

use super::counted::ByteCount;
use super::decompress::{Compression, Source};
use super::dialect::{HeaderMode, Options, SAMPLE_BYTES, guess_delimiter, guess_header};
use super::error::IngestError;
use super::header::{column_names, numbered_names};
use super::opening::{BYTE_ORDER_MARK, Opening, io_error};
use super::problems::{NOT_UTF8, RowProblem};
use super::rows::Rows;
use super::scan::{Cut, Place, Rules, Stop};
use crate::ml::record::Record;
use crate::ml::wording::counted;

/// Rows of a piece, at most.
pub const PIECE_ROWS: usize = 4096;
/// Bytes of a piece, unless one row is longer.
pub const PIECE_BYTES: usize = 1 << 20;
/// No limit on rows is higher: offsets within a piece are 32 bits wide.
const LONGEST_ROW: u64 = 1 << 30;

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

/// Reads the records of one CSV source, a piece of the source at a time.
pub struct RecordReader {
    source: Source,
    columns: Vec<String>,
    /// The columns whose names held bytes that are not UTF-8.
    mended_names: Vec<usize>,
    has_header: bool,
    delimiter: u8,
    compression: Compression,
    longest: usize,
    bytes: ByteCount,
    /// Bytes that were read and not cut into rows yet.
    rest: Vec<u8>,
    /// Where `rest` starts: its line, its offset, the number of the next record.
    place: Place,
    offset: u64,
    next_record: u64,
    /// Bytes to pass over before the next row: a second byte order mark.
    skip: usize,
    ended: bool,
    /// What stopped the reading; told after the rows before it.
    failed: Option<IngestError>,
    /// The piece from which [`RecordReader::read`] takes rows, and how many it has taken.
    piece: Piece,
    taken: usize,
}

/// Some consecutive rows of a source and what is wrong with them.
#[derive(Debug, Default)]
pub struct Piece {
    /// The rows.
    pub rows: Rows,
    /// The index of a row, whether it must be left out, and what is wrong with it; in row order.
    pub problems: Vec<(usize, bool, RowProblem)>,
}

impl RecordReader {
    /// Looks at the first bytes of `source`, decides on compression, delimiter and header, and stands
    /// before the first record.
    ///
    /// Fails on an empty source, on bytes that are no text, on JSON lines, and on column names that repeat.
    pub fn open(source: Source, options: &Options) -> Result<Self, IngestError> {
        Self::start(Opening::new(source)?, options)
    }

    /// The same for a source whose first bytes were looked at.
    pub fn start(opening: Opening, options: &Options) -> Result<Self, IngestError> {
        if opening.is_json_lines() {
            return Err(IngestError::JsonLines);
        }
        let Opening {
            plain,
            compression,
            bytes,
            sample,
            whole,
            offset,
            is_written,
        } = opening;
        let delimiter = match options.delimiter {
            _ if is_written => b',',
            Some(delimiter) => delimiter,
            None => guess_delimiter(&sample, whole),
        };
        let has_header = match options.header {
            _ if is_written => true,
            HeaderMode::Auto => guess_header(&sample, delimiter, whole),
            HeaderMode::Yes => true,
            HeaderMode::No => false,
        };
        let skip = if sample.starts_with(BYTE_ORDER_MARK) {
            BYTE_ORDER_MARK.len()
        } else {
            0
        };
        let mut reader = Self {
            source: plain,
            columns: Vec::new(),
            mended_names: Vec::new(),
            has_header,
            delimiter,
            compression,
            longest: options.max_row_bytes.min(LONGEST_ROW) as usize,
            bytes,
            rest: sample,
            place: Place {
                line: options.first_line,
                after_return: false,
            },
            offset,
            next_record: 0,
            skip,
            ended: false,
            failed: None,
            piece: Piece::default(),
            taken: 0,
        };
        reader.read_columns()?;
        Ok(reader)
    }

    fn read_columns(&mut self) -> Result<(), IngestError> {
        let (place, skip, offset) = (self.place, self.skip, self.offset);
        let (bytes, cut) = self.cut(Vec::new(), Cut::default(), 1)?;
        if cut.heads.is_empty() {
            return Err(self.failed.take().unwrap_or(IngestError::EmptyFile));
        }
        if self.is_unclosed(&cut) {
            return Err(IngestError::UnclosedQuote {
                line: cut.heads[0].line,
            });
        }
        if !self.has_header {
            // The first row is a record: the reader goes back before it.
            self.columns = numbered_names(cut.spans.len());
            let mut whole = bytes;
            whole.truncate(cut.consumed);
            whole.append(&mut self.rest);
            (self.rest, self.place, self.skip, self.offset) = (whole, place, skip, offset);
            return Ok(());
        }
        let mut first = Rows::new(bytes, cut, 0, 0, self.delimiter);
        self.columns = column_names(first.fields(0))?;
        self.mended_names = first.mended().iter().map(|found| found.1).collect();
        self.piece.rows = std::mem::take(&mut first);
        self.taken = self.piece.rows.len();
        Ok(())
    }

    /// Names of the columns, in order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The columns whose names held bytes that are not UTF-8, ascending. A name may also hold U+FFFD of its own.
    pub fn mended_names(&self) -> &[usize] {
        &self.mended_names
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

    /// True when nothing more comes.
    pub(super) fn is_read_up(&self) -> bool {
        self.ended && self.rest.is_empty() && self.failed.is_none()
    }

    /// Reads the next row into `record`. Empty lines are passed over.
    pub fn read(&mut self, record: &mut Record) -> Result<Row, IngestError> {
        if self.taken >= self.piece.rows.len() {
            let mut piece = std::mem::take(&mut self.piece);
            let found = self.read_piece(&mut piece)?;
            (self.piece, self.taken) = (piece, 0);
            if !found {
                return Ok(Row::End);
            }
        }
        let row = self.taken;
        self.taken += 1;
        self.piece.rows.copy(row, record);
        let found = self
            .piece
            .problems
            .binary_search_by_key(&row, |problem| problem.0);
        Ok(match found.ok().map(|at| self.piece.problems[at].clone()) {
            None => Row::Good,
            Some((_, true, problem)) => Row::Bad(problem),
            Some((_, false, problem)) => Row::Mended(problem),
        })
    }

    /// Reads the next rows, at most [`PIECE_ROWS`] and those that are complete within [`PIECE_BYTES`], one at
    /// least. Which rows come together depends on the bytes alone, not on how the source hands them out.
    /// False when the source has ended.
    ///
    /// Do not call it between two calls of [`RecordReader::read`].
    pub fn read_piece(&mut self, piece: &mut Piece) -> Result<bool, IngestError> {
        piece.problems.clear();
        let (buffer, cut) = std::mem::take(&mut piece.rows).into_buffers();
        let (offset, record) = (self.offset, self.next_record);
        let (bytes, cut) = self.cut(buffer, cut, PIECE_ROWS)?;
        let is_unclosed = self.is_unclosed(&cut);
        let rows = Rows::new(bytes, cut, record, offset, self.delimiter);
        if is_unclosed {
            let swallowed = rows
                .fields(0)
                .map(|field| memchr::memchr_iter(b'\n', field.as_bytes()).count());
            if swallowed.sum::<usize>() > 1 {
                // Whole rows would be lost in it.
                return Err(IngestError::UnclosedQuote { line: rows.line(0) });
            }
        }
        self.next_record += rows.len() as u64;
        piece.rows = rows;
        self.judge(piece, is_unclosed);
        Ok(!piece.rows.is_empty())
    }

    /// A row whose quote is never closed comes alone, and nothing comes after it.
    fn is_unclosed(&self, cut: &Cut) -> bool {
        self.ended && cut.unclosed
    }

    /// Cuts up to `most` rows off the source, one at least unless it has ended or failed.
    fn cut(&mut self, mut bytes: Vec<u8>, mut cut: Cut, most: usize) -> Result<(Vec<u8>, Cut), IngestError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let rules = Rules {
            delimiter: self.delimiter,
            longest: self.longest,
            rows: most,
        };
        bytes.append(&mut self.rest);
        let mut target = if most == 1 { bytes.len() } else { PIECE_BYTES };
        loop {
            let failed = self.fill(&mut bytes, target).err();
            let line = self.place.next_line();
            let mut stop = cut.rows(&bytes, self.skip, &mut self.place, rules);
            let at_end = cut.heads.is_empty() && self.ended;
            if at_end && stop == Stop::Within && cut.unclosed_row(&bytes, self.skip, &mut self.place, rules) {
                stop = Stop::Done;
            }
            match (stop, failed) {
                (Stop::TooLong(line), _) => {
                    let limit = self.longest as u64;
                    self.failed = Some(IngestError::RowTooLong { line, limit });
                }
                (_, Some(source)) => {
                    let line = if cut.heads.is_empty() {
                        line
                    } else {
                        self.place.next_line()
                    };
                    self.failed = Some(io_error(source, self.compression, line));
                }
                _ if cut.heads.is_empty() && !self.ended => {
                    target = (bytes.len() * 2).max(SAMPLE_BYTES);
                    continue;
                }
                _ => {}
            }
            break;
        }
        if cut.heads.is_empty() {
            cut.consumed = if self.failed.is_some() { 0 } else { bytes.len() };
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
        } else {
            self.skip = 0;
        }
        self.rest.extend_from_slice(&bytes[cut.consumed..]);
        self.offset += cut.consumed as u64;
        Ok((bytes, cut))
    }

    /// Reads on until `bytes` has `target` bytes or the source ends. A source that does not end with a line
    /// feed is given one, so that only a row with an open quote is incomplete at the end.
    fn fill(&mut self, bytes: &mut Vec<u8>, target: usize) -> std::io::Result<()> {
        let mut filled = bytes.len();
        bytes.resize(target.max(filled), 0);
        let mut result = Ok(());
        while filled < target && !self.ended {
            match self.source.read(&mut bytes[filled..]) {
                Ok(0) => self.ended = true,
                Ok(count) => filled += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        let unfinished = filled > 0 && bytes[filled - 1] != b'\n';
        bytes.truncate(filled);
        if self.ended && unfinished {
            bytes.push(b'\n');
        }
        result
    }

    fn judge(&self, piece: &mut Piece, is_unclosed: bool) {
        let (rows, problems) = (&piece.rows, &mut piece.problems);
        let mut mended = rows.mended().iter().peekable();
        let width = self.columns.len();
        for row in 0..rows.len() {
            let field = mended.next_if(|found| found.0 == row).map(|found| found.1);
            while mended.next_if(|found| found.0 == row).is_some() {}
            let is_ragged = rows.width(row) != width;
            if is_unclosed || is_ragged || field.is_some() {
                let found = if is_unclosed {
                    unclosed_quote()
                } else if is_ragged {
                    self.ragged_row(rows.width(row))
                } else {
                    self.invalid_utf8(field.unwrap_or_default())
                };
                let line = rows.line(row);
                problems.push((row, is_unclosed || is_ragged, RowProblem { line, ..found }));
            }
        }
    }

    fn ragged_row(&self, width: usize) -> RowProblem {
        let first = if self.has_header { "header" } else { "first row" };
        RowProblem {
            code: "ragged_row".into(),
            line: 0,
            detail: format!(
                "{} where the {first} has {}",
                counted(width as u64, "field"),
                self.columns.len()
            ),
        }
    }

    fn invalid_utf8(&self, field: usize) -> RowProblem {
        RowProblem {
            code: NOT_UTF8.into(),
            line: 0,
            detail: format!(
                "column `{}` holds bytes that are not UTF-8; they were replaced by U+FFFD. Convert the file first if \
                 letters matter: `iconv -f WINDOWS-1252 -t UTF-8` where it comes from Excel on Windows",
                self.columns.get(field).map_or("?", String::as_str)
            ),
        }
    }
}

fn unclosed_quote() -> RowProblem {
    RowProblem {
        code: "unclosed_quote".into(),
        line: 0,
        detail: "a quote is opened in this row and never closed, so the rest of the file belongs to it"
            .into(),
    }
}
