//! Bytes into records: dialects, compression, positions, and the same records however the bytes arrive.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use yosoku::ml::hash::Stream;
use yosoku::ml::ingest::{HeaderMode, IngestError, Options, RecordReader, Row, for_each_batch};
use yosoku::ml::observe::{Silent, Stage};
use yosoku::ml::record::Record;

use crate::support::Pieces;

/// What a source holds: columns, then for each row its line, its fields, and the code of its problem.
#[derive(Debug, PartialEq)]
struct Found {
    columns: Vec<String>,
    rows: Vec<(u64, Vec<String>, Option<String>)>,
}

fn read(source: impl Read + Send + 'static, options: &Options) -> Result<Found, IngestError> {
    let mut reader = RecordReader::open(Box::new(source), options)?;
    let mut record = Record::new();
    let mut rows = Vec::new();
    loop {
        let problem = match reader.read(&mut record)? {
            Row::End => break,
            Row::Good => None,
            Row::Mended(problem) | Row::Bad(problem) => {
                assert_eq!(problem.line, record.position.line);
                Some(problem.code)
            }
        };
        assert_eq!(record.position.record, rows.len() as u64);
        rows.push((
            record.position.line,
            record.iter().map(str::to_string).collect(),
            problem,
        ));
    }
    Ok(Found {
        columns: reader.columns().to_vec(),
        rows,
    })
}

fn read_text(text: &str) -> Found {
    read(
        std::io::Cursor::new(text.as_bytes().to_vec()),
        &Options::default(),
    )
    .unwrap()
}

/// Columns `a` and `b`, and rows given as (line, a, b).
fn expected(rows: &[(u64, &str, &str)]) -> Found {
    Found {
        columns: vec!["a".into(), "b".into()],
        rows: rows
            .iter()
            .map(|(line, a, b)| (*line, vec![a.to_string(), b.to_string()], None))
            .collect(),
    }
}

#[test]
fn dialects() {
    let plain = expected(&[(2, "1", "x"), (3, "2", "y")]);
    for (what, text) in [
        ("plain", "a,b\n1,x\n2,y\n"),
        ("no newline at the end", "a,b\n1,x\n2,y"),
        ("CRLF", "a,b\r\n1,x\r\n2,y\r\n"),
        ("CRLF, none at the end", "a,b\r\n1,x\r\n2,y"),
        ("byte order mark", "\u{feff}a,b\n1,x\n2,y\n"),
        ("byte order mark before a quote", "\u{feff}\"a\",b\n1,x\n2,y\n"),
        ("semicolon", "a;b\n1;x\n2;y\n"),
        ("tab", "a\tb\n1\tx\n2\ty\n"),
        ("bar", "a|b\n1|x\n2|y\n"),
        (
            "quotes around everything",
            "\"a\",\"b\"\n\"1\",\"x\"\n\"2\",\"y\"\n",
        ),
        ("space around names", " a , b \n1,x\n2,y\n"),
    ] {
        assert_eq!(read_text(text), plain, "{what}");
    }
}

#[test]
fn quotes_and_line_breaks() {
    let text = "a,b\n\"1,5\",\"say \"\"hi\"\"\"\n\"two\nlines\",y\n3,\"\"\n";
    let rows = [(2, "1,5", "say \"hi\""), (3, "two\nlines", "y"), (5, "3", "")];
    assert_eq!(read_text(text), expected(&rows));
    let crlf = text.replace('\n', "\r\n");
    let rows = [(2, "1,5", "say \"hi\""), (3, "two\r\nlines", "y"), (5, "3", "")];
    assert_eq!(read_text(&crlf), expected(&rows));
}

/// A row's line is the one it starts on, also after empty lines, and whatever ends the lines.
#[test]
fn lines_are_those_of_an_editor() {
    let rows = [(2, "1", "x"), (5, "2", "y\nz"), (7, "3", "w")];
    assert_eq!(read_text("a,b\n1,x\n\n\n2,\"y\nz\"\n3,w\n"), expected(&rows));
    let rows = [(2, "1", "x"), (5, "2", "y\r\nz"), (7, "3", "w")];
    assert_eq!(
        read_text("a,b\r\n1,x\r\n\r\n\r\n2,\"y\r\nz\"\r\n3,w\r\n"),
        expected(&rows)
    );
    let many: String = (0..200_000).map(|i| format!("{i},\"x\r\ny\"\r\n")).collect();
    let found = read_text(&format!("a,b\r\n{many}"));
    assert!(
        found
            .rows
            .iter()
            .enumerate()
            .all(|(i, row)| row.0 == 2 * i as u64 + 2)
    );
}

#[test]
fn headers_yes_no_and_auto() {
    let columns = |text: &str, header| {
        let options = Options {
            header,
            ..Options::default()
        };
        let found = read(std::io::Cursor::new(text.as_bytes().to_vec()), &options).unwrap();
        (
            found.columns.join(" "),
            found.rows.len(),
            found.rows.first().map(|row| row.0),
        )
    };
    assert_eq!(
        columns("a,b\n1,2\n", HeaderMode::Auto),
        ("a b".into(), 1, Some(2))
    );
    assert_eq!(
        columns("a,b\n1,2\n", HeaderMode::No),
        ("column_1 column_2".into(), 2, Some(1))
    );
    assert_eq!(
        columns("5,6\n1,2\n", HeaderMode::Auto),
        ("column_1 column_2".into(), 2, Some(1))
    );
    assert_eq!(columns("5,6\n1,2\n", HeaderMode::Yes), ("5 6".into(), 1, Some(2)));
    assert_eq!(columns("a,,c\n1,2,3\n", HeaderMode::Yes).0, "a column_2 c");
}

#[test]
fn a_given_delimiter_is_not_guessed() {
    let options = Options {
        delimiter: Some(b';'),
        ..Options::default()
    };
    let found = read(std::io::Cursor::new(b"a,b;c\n1,2;3\n".to_vec()), &options).unwrap();
    assert_eq!(found.columns, ["a,b", "c"]);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn gzip_and_zstd_in_one_or_several_parts() {
    let rows: String = (0..30_000).map(|i| format!("{i},word{}\n", i % 9)).collect();
    let text = format!("a,b\n{rows}");
    let plain = read_text(&text);
    assert_eq!(plain.rows.len(), 30_000);
    let (left, right) = text.as_bytes().split_at(100_001);
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    for (what, bytes) in [
        ("gzip", gzip(text.as_bytes())),
        ("two gzip members", [gzip(left), gzip(right)].concat()),
        ("zstd", zstd(text.as_bytes())),
        ("two zstd frames", [zstd(left), zstd(right)].concat()),
    ] {
        let found = read(std::io::Cursor::new(bytes), &Options::default()).unwrap();
        assert!(found == plain, "{what}");
    }
}

/// Hands out at most a few bytes at a time.
struct Trickle {
    bytes: Vec<u8>,
    at: usize,
    most: u64,
    stream: Stream,
}

impl Trickle {
    fn new(bytes: &[u8], most: u64, seed: u64) -> Self {
        Self {
            bytes: bytes.to_vec(),
            at: 0,
            most,
            stream: Stream::new(seed),
        }
    }
}

impl Read for Trickle {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let wanted = 1 + (self.stream.next_u64() % self.most) as usize;
        let count = wanted.min(out.len()).min(self.bytes.len() - self.at);
        out[..count].copy_from_slice(&self.bytes[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_cut_of_the_bytes_does_not_matter(
        rows in prop::collection::vec("[ab1,\"\r\n; é]{0,12}", 0..12),
        most in 1u64..9,
        seed in any::<u64>(),
    ) {
        let text = format!("a,b\n{}", rows.join("\n"));
        let options = Options { delimiter: Some(b','), header: HeaderMode::Yes, ..Options::default() };
        let whole = read(std::io::Cursor::new(text.clone().into_bytes()), &options);
        let parts = read(Trickle::new(text.as_bytes(), most, seed), &options);
        let compressed = read(Trickle::new(&gzip(text.as_bytes()), most, seed), &options);
        prop_assert_eq!(format!("{whole:?}"), format!("{parts:?}"));
        prop_assert_eq!(format!("{whole:?}"), format!("{compressed:?}"));
    }

    /// What a careful writer writes is read back, field for field.
    #[test]
    fn written_tables_are_read_back(
        rows in prop::collection::vec(prop::collection::vec("[ab1,\"\r\n; é]{0,6}", 3), 1..20),
        crlf in any::<bool>(),
    ) {
        let mut writer = csv::WriterBuilder::new()
            .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
            .quote_style(csv::QuoteStyle::Always)
            .from_writer(Vec::new());
        writer.write_record(["x", "y", "z"]).unwrap();
        rows.iter().for_each(|row| writer.write_record(row).unwrap());
        let bytes = writer.into_inner().unwrap();
        let options = Options { delimiter: Some(b','), header: HeaderMode::Yes, ..Options::default() };
        let found = read(std::io::Cursor::new(bytes), &options).unwrap();
        let fields: Vec<Vec<String>> = found.rows.iter().map(|row| row.1.clone()).collect();
        prop_assert_eq!(fields, rows.clone());
        let mut line = 2;
        for (row, fields) in found.rows.iter().zip(&rows) {
            prop_assert_eq!((row.0, &row.2), (line, &None));
            line += 1 + fields.iter().map(|f| f.matches('\n').count() as u64).sum::<u64>();
        }
    }
}

/// The reader runs a bounded number of bytes ahead of the work, however long the source is.
#[test]
fn reading_ahead_is_bounded() {
    let made = Arc::new(AtomicU64::new(0));
    let counter = made.clone();
    let source = Pieces::new(move |i, buffer| {
        if i == 0 {
            buffer.extend_from_slice(b"a,b\n");
        } else {
            (0..100).for_each(|_| writeln!(buffer, "{i},{}", "x".repeat(90)).unwrap());
        }
        counter.fetch_add(buffer.len() as u64, Ordering::SeqCst);
        i < 4_000
    });
    let reader = RecordReader::open(Box::new(source), &Options::default()).unwrap();
    let (mut done, mut most) = (0u64, 0);
    for_each_batch(
        reader,
        0,
        Stage::Profile,
        &mut Silent,
        |batch| -> Result<(), IngestError> {
            most = most.max(made.load(Ordering::SeqCst) - done);
            done = batch.bytes_read;
            Ok(())
        },
    )
    .unwrap();
    assert!(made.load(Ordering::SeqCst) > 35_000_000);
    // A batch of 4096 rows is about 0.4 MB; 16 of them may be under way, and a piece more is read than is cut.
    assert!(most < 9_000_000, "{most} bytes were read ahead");
}

/// The offset of a row is that of its first byte, whatever stands before it.
#[test]
fn offsets_are_those_of_the_first_byte() {
    for (text, header) in [
        ("a,b\n1,x\n2,y\n", true),
        ("a,b\r\n1,x\r\n2,y\r\n", true),
        ("\u{feff}a,b\n1,x\n2,y\n", true),
        ("\u{feff}a,b\r\n\r\n\n1,x\r\n\r\n2,y", true),
        ("\n\n1,x\n\n2,y\r\n", false),
        ("\u{feff}\u{feff}1,x\n2,y\n", false),
        ("a,b\n\"1\",x\n\n\"2\",\"y\n\"\n", true),
    ] {
        let options = Options {
            header: if header { HeaderMode::Yes } else { HeaderMode::No },
            ..Options::default()
        };
        let source = std::io::Cursor::new(text.as_bytes().to_vec());
        let mut reader = RecordReader::open(Box::new(source), &options).unwrap();
        let mut record = Record::new();
        for digit in ["1", "2"] {
            assert_eq!(reader.read(&mut record).unwrap(), Row::Good);
            assert_eq!(record.get(0), digit);
            let place = text.find(digit).unwrap();
            let quoted = text.as_bytes()[..place].ends_with(b"\"");
            assert_eq!(
                record.position.byte as usize,
                place - usize::from(quoted),
                "{text:?}"
            );
        }
    }
}
