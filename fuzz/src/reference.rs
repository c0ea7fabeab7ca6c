//! A plain reader of CSV: the `csv` crate on the whole source in memory, one row at a time, with lines and empty
//! lines counted by looking at the bytes. The program's own must find the same.

use std::cell::Cell;
use std::collections::HashSet;
use std::io::{Cursor, Read};
use std::rc::Rc;

use csv::ByteRecord;
use yosoku::ml::ingest::dialect::SAMPLE_BYTES;
use yosoku::ml::ingest::{HeaderMode, Options};
use yosoku::ml::record::Position;

use super::readers::Reading;

/// Hands out bytes, and remembers that it was asked for more than there are.
struct Whole {
    bytes: Cursor<Vec<u8>>,
    ended: Rc<Cell<bool>>,
}

impl Read for Whole {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.bytes.read(out)?;
        self.ended.set(count == 0);
        Ok(count)
    }
}

/// What a source holds that is not compressed. The options must name the delimiter and say whether there is a
/// header.
pub fn reference(source: &[u8], options: &Options) -> Reading {
    let mut reading = Reading::default();
    reading.error = read(source, options, &mut reading).err();
    reading
}

/// Fills a reading up to its end, or up to what ends it before, by its code.
fn read(source: &[u8], options: &Options, reading: &mut Reading) -> Result<(), &'static str> {
    is_text(&source[..source.len().min(SAMPLE_BYTES)])?;
    let mut bytes = source.strip_prefix(b"\xef\xbb\xbf").unwrap_or(source).to_vec();
    let stripped = source.len() - bytes.len();
    if bytes.last() != Some(&b'\n') {
        bytes.push(b'\n');
    }
    let ended = Rc::new(Cell::new(false));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(options.delimiter.unwrap())
        .has_headers(false)
        .flexible(true)
        .from_reader(Whole {
            bytes: Cursor::new(bytes.clone()),
            ended: ended.clone(),
        });
    let mut width = None;
    let mut record = ByteRecord::new();
    let mut lines = 1;
    loop {
        let start = reader.position().byte() as usize;
        let read = reader.read_byte_record(&mut record).unwrap();
        let end = reader.position().byte() as usize;
        if (end - start) as u64 > options.max_row_bytes {
            return Err("row_too_long");
        }
        if !read {
            return width.map(|_| ()).ok_or("empty_file");
        }
        // A byte-order mark at the very beginning is no content, and empty lines may follow it.
        let mark = if start == 0 && bytes.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            0
        };
        let skipped = bytes[start + mark..end]
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        let line = lines + newlines(&bytes[start..start + mark + skipped]);
        let after_return = start > 0 && bytes[start - 1] == b'\r';
        let next_line = lines + u64::from(after_return);
        lines += newlines(&bytes[start..end]);
        let fields: Vec<String> = record
            .iter()
            .map(|field| String::from_utf8_lossy(field).into_owned())
            .collect();
        let is_header = width.is_none() && options.header == HeaderMode::Yes;
        let unclosed = ended.get();
        let swallowed: u64 = record.iter().map(newlines).sum();
        if unclosed && (swallowed > 1 || width.is_none()) {
            return Err("unclosed_quote");
        }
        if width.is_none() {
            reading.columns = names(&fields, is_header)?;
        }
        let expected = *width.get_or_insert(fields.len());
        if is_header {
            continue;
        }
        let problem = if unclosed {
            Some(("unclosed_quote", true))
        } else if fields.len() != expected {
            Some(("ragged_row", true))
        } else if record.iter().any(|field| std::str::from_utf8(field).is_err()) {
            Some(("invalid_utf8", false))
        } else {
            None
        };
        let position = Position {
            record: reading.rows.len() as u64,
            line,
            byte: (stripped + start + mark + skipped) as u64,
            empty_before: line.saturating_sub(next_line),
        };
        reading.rows.push((
            position,
            fields,
            problem.map(|(code, bad)| (code.to_string(), bad)),
        ));
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

fn is_text(sample: &[u8]) -> Result<(), &'static str> {
    let sample = sample.strip_prefix(b"\xef\xbb\xbf").unwrap_or(sample);
    match sample {
        _ if sample.iter().all(u8::is_ascii_whitespace) => Err("empty_file"),
        _ if sample.contains(&0) => Err("not_text"),
        _ => Ok(()),
    }
}

/// The names of the columns by the first row, which are its fields when it is a header.
fn names(first: &[String], is_header: bool) -> Result<Vec<String>, &'static str> {
    let name = |(index, field): (usize, &String)| match field.trim() {
        name if is_header && !name.is_empty() => name.to_string(),
        _ => format!("column_{}", index + 1),
    };
    let names: Vec<String> = first.iter().enumerate().map(name).collect();
    let distinct: HashSet<&String> = names.iter().collect();
    match distinct.len() == names.len() {
        true => Ok(names),
        false => Err("duplicate_column"),
    }
}
