//! What the program's reader of CSV finds, by each of the ways to use it, in a form that can be compared.

use std::io::{Cursor, ErrorKind, Read};

use yosoku::ml::hash::Stream;
use yosoku::ml::ingest::reader::Piece;
use yosoku::ml::ingest::{IngestError, Options, Problems, RecordReader, Row, for_each_batch};
use yosoku::ml::observe::{Silent, Stage};
use yosoku::ml::record::{Position, Record};

/// A row and what is said of it: the code of its problem, and whether it is left out.
pub type Found = (Position, Vec<String>, Option<(String, bool)>);

/// What was found in a source.
#[derive(Debug, Default, PartialEq)]
pub struct Reading {
    /// The names of the columns; none when the source could not be opened.
    pub columns: Vec<String>,
    /// The rows below the header, or all rows when there is none.
    pub rows: Vec<Found>,
    /// The code of what ended the reading before its end.
    pub error: Option<&'static str>,
}

/// Opens a source; what it holds is to be read by `read`.
fn opened(
    source: impl Read + Send + 'static,
    options: &Options,
    read: impl FnOnce(RecordReader, &mut Vec<Found>) -> Result<(), IngestError>,
) -> Reading {
    let mut reading = Reading::default();
    let done = RecordReader::open(Box::new(source), options).and_then(|reader| {
        reading.columns = reader.columns().to_vec();
        read(reader, &mut reading.rows)
    });
    reading.error = done.err().map(|error| error.code());
    reading
}

/// What is found row by row.
pub fn one_by_one(source: impl Read + Send + 'static, options: &Options) -> Reading {
    opened(source, options, |mut reader, found| {
        let mut record = Record::new();
        loop {
            let problem = match reader.read(&mut record)? {
                Row::End => return Ok(()),
                Row::Good => None,
                Row::Mended(problem) => Some((problem, false)),
                Row::Bad(problem) => Some((problem, true)),
            };
            if let Some((problem, _)) = &problem {
                assert_eq!(problem.line, record.position.line);
            }
            let fields = record.iter().map(str::to_string).collect();
            found.push((record.position, fields, problem.map(|(p, bad)| (p.code, bad))));
        }
    })
}

/// The same in batches.
pub fn in_batches(source: impl Read + Send + 'static, options: &Options) -> Reading {
    opened(source, options, |reader, found| {
        for_each_batch(reader, 0, Stage::Profile, &mut Silent, |batch| {
            let mut problems = batch.problems.iter().peekable();
            for (index, record) in batch.records().iter().enumerate() {
                let problem = problems.next_if(|problem| problem.0 == index);
                assert_eq!(batch.is_bad(index), problem.is_some_and(|problem| problem.1));
                let fields: Vec<String> = record.iter().map(str::to_string).collect();
                let same: Vec<&str> = (0..fields.len())
                    .map(|column| batch.rows().field(index, column))
                    .collect();
                assert_eq!(fields, same);
                assert_eq!(batch.rows().field(index, fields.len()), "");
                found.push((record.position, fields, problem.map(|p| (p.2.code.clone(), p.1))));
            }
            assert_eq!(problems.next(), None, "a problem of no row");
            Ok::<(), IngestError>(())
        })
    })
}

/// What a source that can be read to its end takes and gives.
#[derive(Debug, PartialEq)]
pub struct Counts {
    /// Rows.
    pub rows: u64,
    /// Those of them that are left out.
    pub left_out: u64,
    /// Bytes taken from the source.
    pub bytes: u64,
}

/// Counts piece by piece; none when the source cannot be read to its end.
pub fn counts(source: impl Read + Send + 'static, options: &Options) -> Option<Counts> {
    let mut reader = RecordReader::open(Box::new(source), options).ok()?;
    let (mut piece, mut problems, mut rows) = (Piece::default(), Problems::default(), 0);
    while reader.read_piece(&mut piece).ok()? {
        rows += piece.rows.len() as u64;
        problems.add(&piece.problems);
    }
    Some(Counts {
        rows,
        left_out: problems.rejected,
        bytes: reader.byte_count().get(),
    })
}

/// Hands out a few bytes at a time, and now and then none because of a signal.
pub struct Trickle {
    bytes: Cursor<Vec<u8>>,
    most: u64,
    stream: Stream,
}

impl Trickle {
    /// At most `most` bytes at a time, as the stream of `seed` has it.
    pub fn new(bytes: Vec<u8>, most: u64, seed: u64) -> Self {
        Self {
            bytes: Cursor::new(bytes),
            most,
            stream: Stream::new(seed),
        }
    }
}

impl Read for Trickle {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let drawn = self.stream.next_u64();
        if drawn >> 60 == 0 {
            return Err(ErrorKind::Interrupted.into());
        }
        let wanted = (1 + drawn % self.most) as usize;
        let length = wanted.min(out.len());
        self.bytes.read(&mut out[..length])
    }
}
