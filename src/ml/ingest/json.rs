//! Reads JSON lines as records: one object a line, its members in the order of known columns.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::batch::{Batch, BatchSource};
use super::counted::ByteCount;
use super::decompress::{Compression, Source};
use super::error::IngestError;
use super::json_line::{Wrong, members};
use super::opening::{Opening, io_error};
use super::problems::RowProblem;
use super::reader::{PIECE_BYTES, PIECE_ROWS, RecordReader};
use crate::ml::record::{Position, Record};

/// Bytes read at a time.
const STEP: usize = 256 << 10;
/// Names that are no columns are listed up to this number.
const MOST_EXTRA: usize = 1000;

/// A reader of either kind of rows.
pub enum RowReader {
    /// Of CSV.
    Csv(Box<RecordReader>),
    /// Of JSON lines.
    Json(Box<JsonReader>),
}

impl RowReader {
    /// Names of the columns.
    pub fn columns(&self) -> &[String] {
        match self {
            RowReader::Csv(reader) => reader.columns(),
            RowReader::Json(reader) => &reader.columns,
        }
    }

    /// Whether the source names its columns.
    pub fn has_header(&self) -> bool {
        match self {
            RowReader::Csv(reader) => reader.has_header(),
            RowReader::Json(_) => true,
        }
    }

    /// Whether the source has a column. JSON lines name their columns in each line; those count that the first
    /// lines have.
    pub fn has_column(&self, column: usize) -> bool {
        match self {
            RowReader::Csv(_) => true,
            RowReader::Json(reader) => reader.sampled.get(column).copied().unwrap_or_default(),
        }
    }

    /// The names that the source itself gives, as far as its first lines tell.
    pub fn found_names(&self) -> Vec<String> {
        match self {
            RowReader::Csv(reader) => reader.columns().to_vec(),
            RowReader::Json(reader) => {
                let met = reader.columns.iter().zip(&reader.sampled);
                let met = met.filter(|(_, met)| **met).map(|(name, _)| name);
                met.chain(&reader.others).cloned().collect()
            }
        }
    }
}

impl BatchSource for RowReader {
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, IngestError> {
        match self {
            RowReader::Csv(reader) => reader.fill(batch),
            RowReader::Json(reader) => reader.fill(batch),
        }
    }

    fn is_read_up(&self) -> bool {
        match self {
            RowReader::Csv(reader) => reader.is_read_up(),
            RowReader::Json(_) => false,
        }
    }
}

/// Reads the objects of one source of JSON lines. Blank lines are passed over.
pub struct JsonReader {
    source: Source,
    compression: Compression,
    bytes: ByteCount,
    columns: Vec<String>,
    members: Members,
    longest: usize,
    /// Bytes that were read and not taken yet, from `taken` on.
    buffer: Vec<u8>,
    taken: usize,
    ended: bool,
    /// Position of the next line.
    next: Position,
    /// Columns that the first lines have, and their other names.
    sampled: Vec<bool>,
    others: Vec<String>,
}

/// Sorts the members of an object into columns.
struct Members {
    places: HashMap<String, usize>,
    met: Vec<bool>,
    extra: HashSet<String>,
    /// The values of the line at hand, by column.
    text: String,
    values: Vec<Option<(usize, usize)>>,
}

impl JsonReader {
    /// Stands before the first line. Members called other than `names` are counted as extra; at most `longest` bytes
    /// make a line.
    pub fn start(opening: Opening, names: Vec<String>, longest: u64) -> Result<Self, IngestError> {
        let mut reader = Self {
            source: opening.plain,
            compression: opening.compression,
            bytes: opening.bytes,
            members: Members::new(&names),
            columns: names,
            longest: longest as usize,
            buffer: opening.sample,
            taken: 0,
            ended: false,
            next: Position {
                line: 1,
                byte: opening.offset,
                ..Position::default()
            },
            sampled: Vec::new(),
            others: Vec::new(),
        };
        // A look at the first lines tells which columns are there; they are read again.
        let complete = match memchr::memrchr(b'\n', &reader.buffer) {
            Some(end) if !opening.whole => end,
            _ => reader.buffer.len(),
        };
        let mut look = Members::new(&reader.columns);
        let mut record = Record::new();
        for line in reader.buffer[..complete].split(|&byte| byte == b'\n') {
            // What is wrong is told when the line is read.
            let _ = look.read(line, &mut record, &mut Vec::new(), &mut reader.others);
        }
        reader.sampled = look.met;
        Ok(reader)
    }

    /// The next line, without its line feed, as a range of the buffer; none at the end.
    fn line(&mut self) -> Result<Option<(usize, usize)>, IngestError> {
        let mut searched = self.taken;
        loop {
            let found = memchr::memchr(b'\n', &self.buffer[searched..]).map(|found| searched + found);
            let waiting = found.unwrap_or(self.buffer.len()) - self.taken;
            if waiting > self.longest {
                let (line, limit) = (self.next.line, self.longest as u64);
                return Err(IngestError::RowTooLong { line, limit });
            }
            if let Some(end) = found {
                return Ok(Some((self.taken, end)));
            }
            if self.ended {
                return Ok((waiting > 0).then_some((self.taken, self.buffer.len())));
            }
            self.buffer.drain(..self.taken);
            self.taken = 0;
            searched = waiting;
            self.more()?;
        }
    }

    fn more(&mut self) -> Result<(), IngestError> {
        let filled = self.buffer.len();
        self.buffer.resize(filled + STEP, 0);
        let read = loop {
            match self.source.read(&mut self.buffer[filled..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer
            .truncate(filled + read.as_ref().copied().unwrap_or_default());
        let read = read.map_err(|source| io_error(source, self.compression, self.next.line))?;
        self.ended = read == 0;
        Ok(())
    }
}

impl BatchSource for JsonReader {
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, IngestError> {
        batch.problems.clear();
        batch.names.met.clear();
        batch.names.extra.clear();
        (batch.count, batch.longest) = (0, 0);
        let mut bytes = 0;
        while batch.count < PIECE_ROWS && bytes < PIECE_BYTES {
            let Some((start, end)) = self.line()? else { break };
            let position = self.next;
            self.taken = (end + 1).min(self.buffer.len());
            self.next.line += 1;
            self.next.byte += (self.taken - start) as u64;
            let line = &self.buffer[start..end];
            if line.trim_ascii().is_empty() {
                continue;
            }
            self.next.record += 1;
            bytes += line.len() + 1;
            batch.longest = batch.longest.max(line.len());
            let row = batch.count;
            batch.records_mut(row + 1);
            let (record, names) = (&mut batch.records[row], &mut batch.names);
            let read = self.members.read(line, record, &mut names.met, &mut names.extra);
            record.position = position;
            if let Err(wrong) = read {
                let problem = RowProblem {
                    code: wrong.code.into(),
                    line: position.line,
                    detail: wrong.detail,
                };
                batch.problems.push((row, true, problem));
            }
        }
        batch.bytes_read = self.bytes.get();
        Ok(batch.count > 0)
    }
}

impl Members {
    fn new(names: &[String]) -> Self {
        Self {
            places: names.iter().cloned().zip(0..).collect(),
            met: vec![false; names.len()],
            extra: HashSet::new(),
            text: String::new(),
            values: vec![None; names.len()],
        }
    }

    /// Reads one line into `record` and tells names that are new. A line that cannot be read gives an empty record.
    fn read(
        &mut self,
        line: &[u8],
        record: &mut Record,
        new: &mut Vec<usize>,
        extra: &mut Vec<String>,
    ) -> Result<(), Wrong> {
        record.clear();
        self.text.clear();
        self.values.fill(None);
        let line = std::str::from_utf8(line).map_err(|error| Wrong {
            code: "invalid_utf8",
            detail: format!(
                "byte {} of the line is not UTF-8; save the file as UTF-8",
                error.valid_up_to() + 1
            ),
        })?;
        members(line, |name, value| self.keep(name, &value, new, extra))?;
        for value in &self.values {
            let text = value.and_then(|(start, end)| self.text.get(start..end));
            record.push(text.unwrap_or_default());
        }
        Ok(())
    }

    fn keep(
        &mut self,
        name: Cow<'_, str>,
        value: &str,
        new: &mut Vec<usize>,
        extra: &mut Vec<String>,
    ) -> Result<(), Wrong> {
        let Some(&place) = self.places.get(name.as_ref()) else {
            if self.extra.len() < MOST_EXTRA && !self.extra.contains(name.as_ref()) {
                self.extra.insert(name.clone().into_owned());
                extra.push(name.into_owned());
            }
            return Ok(());
        };
        if self.values[place].is_some() {
            return Err(Wrong {
                code: "duplicate_field",
                detail: format!("field `{name}` is there twice; keep one of them"),
            });
        }
        if !std::mem::replace(&mut self.met[place], true) {
            new.push(place);
        }
        let start = self.text.len();
        self.text.push_str(value);
        self.values[place] = Some((start, self.text.len()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(text: &str, longest: u64) -> JsonReader {
        let source = std::io::Cursor::new(text.as_bytes().to_vec());
        let opening = Opening::new(Box::new(source)).unwrap();
        JsonReader::start(opening, vec!["a".into(), "b".into()], longest).unwrap()
    }

    #[test]
    fn members_come_in_the_order_of_the_columns() {
        let text = "\n{\"b\":2,\"x\":1,\"a\":\"A\"}\r\n{\"a\":1.50}\n\nnull\n{\"b\":null,\"b\":1}\n{\"y\":0,\"x\":0}";
        let mut reader = reader(text, 1 << 20);
        let mut batch = Batch::default();
        assert!(reader.fill(&mut batch).unwrap());
        let fields: Vec<Vec<&str>> = batch.records().iter().map(|r| r.iter().collect()).collect();
        assert_eq!(
            fields,
            [vec!["A", "2"], vec!["1.50", ""], vec![], vec![], vec!["", ""]]
        );
        let places: Vec<(u64, u64)> = batch
            .records()
            .iter()
            .map(|r| (r.position.record, r.position.line))
            .collect();
        assert_eq!(places, [(0, 2), (1, 3), (2, 5), (3, 6), (4, 7)]);
        let problems: Vec<(usize, &str)> = batch.problems.iter().map(|p| (p.0, p.2.code.as_str())).collect();
        assert_eq!(problems, [(2, "not_an_object"), (3, "duplicate_field")]);
        assert_eq!(
            (&batch.names.met, &batch.names.extra),
            (&vec![1, 0], &vec!["x".into(), "y".into()])
        );
        assert_eq!(
            (&reader.sampled, &reader.others),
            (&vec![true, true], &batch.names.extra)
        );
        let starts: Vec<u64> = batch.records().iter().map(|r| r.position.byte).collect();
        assert_eq!(&text[starts[1] as usize..][..9], "{\"a\":1.50");
        assert!(!reader.fill(&mut batch).unwrap());
    }

    #[test]
    fn lines_are_found_whatever_their_length() {
        let long = "x".repeat(3 * STEP);
        let text: String = (0..9000)
            .map(|row| match row % 3000 {
                7 => format!("{{\"a\":{row},\"b\":\"{long}\"}}\n"),
                _ => format!("{{\"a\":{row}}}\n"),
            })
            .collect();
        let mut whole = reader(&text, 1 << 20);
        let (mut batch, mut next) = (Batch::default(), 0);
        while whole.fill(&mut batch).unwrap() {
            assert!(batch.records().len() <= PIECE_ROWS);
            for record in batch.records() {
                assert_eq!(record.get(0), next.to_string());
                assert_eq!(record.get(1).is_empty(), next % 3000 != 7);
                next += 1;
            }
        }
        assert_eq!(next, 9000);
        let mut short = reader(&text, 1000);
        let error = loop {
            match short.fill(&mut batch) {
                Ok(found) => assert!(found),
                Err(error) => break error,
            }
        };
        assert_eq!(error.code(), "row_too_long");
    }
}
