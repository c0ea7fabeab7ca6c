//! The reader against a plain one: the `csv` crate on the whole source in memory, one row at a time, with
//! lines and empty lines counted by looking at the bytes. Whatever the bytes are, both must find the same.

use std::cell::Cell;
use std::io::{Cursor, Read};
use std::rc::Rc;

use csv::ByteRecord;
use proptest::prelude::*;
use yosoku::ml::hash::Stream;
use yosoku::ml::ingest::{HeaderMode, Options, RecordReader, Row, for_each_batch};
use yosoku::ml::observe::{Silent, Stage};
use yosoku::ml::record::{Position, Record};

/// A row and what is said of it: the code of its problem, and whether it is left out.
type Found = (Position, Vec<String>, Option<(String, bool)>);

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

/// The rows below the header, or all rows when there is none, and the code of the error at the end.
fn reference(source: &[u8], options: &Options) -> (Vec<Found>, Option<&'static str>) {
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
    let newlines = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
    let mut found = Vec::new();
    let mut width = None;
    let mut record = ByteRecord::new();
    let mut lines = 1;
    loop {
        let start = reader.position().byte() as usize;
        let read = reader.read_byte_record(&mut record).unwrap();
        let end = reader.position().byte() as usize;
        if (end - start) as u64 > options.max_row_bytes {
            return (found, Some("row_too_long"));
        }
        if !read {
            return (found, width.is_none().then_some("empty_file"));
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
        let expected = *width.get_or_insert(fields.len());
        let unclosed = ended.get();
        let swallowed: u64 = record.iter().map(newlines).sum();
        if unclosed && (swallowed > 1 || found.is_empty() && (is_header || start == 0)) {
            return (found, Some("unclosed_quote"));
        }
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
            record: found.len() as u64,
            line,
            byte: (stripped + start + mark + skipped) as u64,
            empty_before: line.saturating_sub(next_line),
        };
        found.push((
            position,
            fields,
            problem.map(|(code, bad)| (code.to_string(), bad)),
        ));
    }
}

/// What the reader of the program finds, row by row.
fn one_by_one(source: impl Read + Send + 'static, options: &Options) -> (Vec<Found>, Option<&'static str>) {
    let mut found = Vec::new();
    let mut reader = match RecordReader::open(Box::new(source), options) {
        Ok(reader) => reader,
        Err(error) => return (found, Some(error.code())),
    };
    let mut record = Record::new();
    loop {
        let problem = match reader.read(&mut record) {
            Ok(Row::End) => return (found, None),
            Ok(Row::Good) => None,
            Ok(Row::Mended(problem)) => Some((problem, false)),
            Ok(Row::Bad(problem)) => Some((problem, true)),
            Err(error) => return (found, Some(error.code())),
        };
        if let Some((problem, _)) = &problem {
            assert_eq!(problem.line, record.position.line);
        }
        let fields = record.iter().map(str::to_string).collect();
        found.push((record.position, fields, problem.map(|(p, bad)| (p.code, bad))));
    }
}

/// The same in batches.
fn in_batches(source: impl Read + Send + 'static, options: &Options) -> (Vec<Found>, Option<&'static str>) {
    let mut found = Vec::new();
    let reader = match RecordReader::open(Box::new(source), options) {
        Ok(reader) => reader,
        Err(error) => return (found, Some(error.code())),
    };
    let done = for_each_batch(reader, 0, Stage::Profile, &mut Silent, |batch| {
        for (index, record) in batch.records().iter().enumerate() {
            let problem = batch.problems.iter().find(|problem| problem.0 == index);
            assert_eq!(batch.is_bad(index), problem.is_some_and(|problem| problem.1));
            let fields: Vec<String> = record.iter().map(str::to_string).collect();
            let same: Vec<&str> = (0..fields.len())
                .map(|column| batch.rows().field(index, column))
                .collect();
            assert_eq!(fields, same);
            assert_eq!(batch.rows().field(index, fields.len()), "");
            found.push((record.position, fields, problem.map(|p| (p.2.code.clone(), p.1))));
        }
        Ok::<(), yosoku::ml::ingest::IngestError>(())
    });
    (found, done.err().map(|error| error.code()))
}

/// Hands out a few bytes at a time.
struct Trickle(Cursor<Vec<u8>>, u64, Stream);

impl Read for Trickle {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let wanted = (1 + self.2.next_u64() % self.1) as usize;
        let length = wanted.min(out.len());
        self.0.read(&mut out[..length])
    }
}

fn options(header: bool, delimiter: u8, longest: u64) -> Options {
    Options {
        header: if header { HeaderMode::Yes } else { HeaderMode::No },
        delimiter: Some(delimiter),
        max_row_bytes: longest,
    }
}

/// Bytes of which most mean something: delimiters, quotes, ends of lines, text, halves of characters.
fn csv_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(&b","[..]),
        4 => Just(&b"\""[..]),
        3 => Just(&b"\n"[..]),
        2 => Just(&b"\r\n"[..]),
        1 => Just(&b"\r"[..]),
        4 => Just(&b"a"[..]),
        1 => Just(&b"a long piece of text that fills more than one word of sixty-four bytes and more"[..]),
        1 => Just("é".as_bytes()),
        1 => Just(&b"\xc3"[..]),
        1 => Just(&b"\xff"[..]),
        1 => Just(&b"\",\""[..]),
        1 => Just(&b"\xef\xbb\xbf"[..]),
        1 => Just(&b" "[..]),
    ];
    prop::collection::vec(piece, 1..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_as_by_the_plain_reader(
        bytes in csv_bytes(),
        header in any::<bool>(),
        most in 1u64..9,
        seed in any::<u64>(),
        longest in prop_oneof![Just(1u64 << 20), 5u64..90],
    ) {
        prop_assume!(!bytes.iter().all(u8::is_ascii_whitespace));
        let bytes = if header { [b"x,y\n".as_slice(), &bytes].concat() } else { bytes };
        let options = options(header, b',', longest);
        let expected = reference(&bytes, &options);
        let plain = one_by_one(Cursor::new(bytes.clone()), &options);
        prop_assert_eq!(&plain, &expected, "{:?}", String::from_utf8_lossy(&bytes));
        let parts = one_by_one(Trickle(Cursor::new(bytes.clone()), most, Stream::new(seed)), &options);
        prop_assert_eq!(&parts, &expected);
        let batches = in_batches(Cursor::new(bytes), &options);
        prop_assert_eq!(&batches, &expected);
    }
}

/// Sources of some megabytes, so that rows are cut by pieces everywhere: within quotes, between a return and
/// its line feed, within characters.
#[test]
fn large_sources_are_read_as_by_the_plain_reader() {
    for (seed, header, delimiter) in [
        (1u64, true, b','),
        (2, false, b';'),
        (3, true, b'\t'),
        (4, true, 0xc3),
    ] {
        let mut stream = Stream::new(seed);
        let words: [&[u8]; 14] = [
            b"1",
            b"22.5",
            b"word",
            b"\"quoted, text\"",
            b"\"two\nlines\"",
            b"\"a \"\"b\"\"\"",
            b"",
            b"\"\"",
            "é—日本".as_bytes(),
            b"\"re\r\nturn\"",
            b"a\"b",
            b"\"x\"y",
            b"  ",
            b"\xff\xfe",
        ];
        let ends: [&[u8]; 4] = [b"\n", b"\n", b"\r\n", b"\n\n\r\n"];
        let mut bytes = [b"a".as_slice(), &[delimiter], b"b", &[delimiter], b"c\n"].concat();
        while bytes.len() < 6_000_000 {
            let fields = 3 + usize::from(stream.next_u64().is_multiple_of(1000));
            for field in 0..fields {
                if field > 0 {
                    bytes.push(delimiter);
                }
                bytes.extend_from_slice(words[(stream.next_u64() % 14) as usize]);
                if stream.next_u64().is_multiple_of(100_000) {
                    let length = (stream.next_u64() % 2_500_000) as usize;
                    bytes.extend(std::iter::repeat_n(b'x', length));
                }
            }
            bytes.extend_from_slice(ends[(stream.next_u64() % 4) as usize]);
        }
        let options = options(header, delimiter, 16 << 20);
        let expected = reference(&bytes, &options);
        assert!(expected.0.len() > 30_000, "{}", expected.0.len());
        let plain = one_by_one(Cursor::new(bytes.clone()), &options);
        let batches = in_batches(Trickle(Cursor::new(bytes), 100_000, stream), &options);
        let difference = plain.0.iter().zip(&expected.0).find(|(a, b)| a != b);
        assert!(difference.is_none(), "{difference:?}");
        assert!(plain == expected && batches == expected, "seed {seed}");
    }
}
