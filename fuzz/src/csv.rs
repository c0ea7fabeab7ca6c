//! Sources of CSV, compressed or not: every row and every byte is accounted for, and how the bytes arrive changes
//! nothing.

use std::io::{Cursor, Read, Write};

use yosoku::ml::ingest::dialect::{SAMPLE_BYTES, guess_delimiter, guess_header};
use yosoku::ml::ingest::{HeaderMode, Options};

use super::readers::{Counts, Reading, Trickle, counts, in_batches, one_by_one};
use super::reference::reference;

/// Bytes of an input that say how the rest of it is read.
const CONTROLS: usize = 5;
/// Sources that unpack to more are not compared with the plain reader.
const MOST_UNPACKED: u64 = 1 << 20;
/// How files begin that are refused by name.
const FOREIGN: [&[u8]; 7] = [
    b"\xff\xfe",
    b"\xfe\xff",
    b"PK\x03\x04",
    b"PAR1",
    b"%PDF",
    b"BZh",
    b"\xfd7zXZ",
];

/// A source, and how it is read.
struct Case {
    options: Options,
    /// Most bytes that are handed out at a time.
    most: u64,
    source: Vec<u8>,
}

impl Case {
    /// The first bytes say the header (`0` guess, `1` yes, `2` no), the delimiter (itself or guess), the longest
    /// row (`0` as usual, else by its code), the longest piece, and what is done to the source first (`0`
    /// nothing, `1` gzip, `2` zstd, `3` and `4` said again and again, `4` with gzip).
    fn new(input: &[u8]) -> Option<Self> {
        let (&[header, delimiter, longest, piece, packing], rest) = input.split_first_chunk::<CONTROLS>()?;
        let usual = Options::default();
        let options = Options {
            header: [HeaderMode::Auto, HeaderMode::Yes, HeaderMode::No][usize::from(header % 3)],
            delimiter: Some(delimiter).filter(|byte| b",;\t|".contains(byte)),
            max_row_bytes: match longest {
                b'0' => usual.max_row_bytes,
                _ => 1 + u64::from(longest),
            },
            ..usual
        };
        let piece = 1 + u64::from(piece);
        let (most, source) = match packing % 5 {
            0 => (piece, rest.to_vec()),
            1 => (piece, gzip(rest)),
            2 => (piece, zstd::encode_all(rest, 1).unwrap()),
            3 => (piece * 100, again_and_again(rest)),
            _ => (piece, gzip(&again_and_again(rest))),
        };
        Some(Case {
            options,
            most,
            source,
        })
    }
}

/// Reads a source as the first bytes of the input say.
pub fn check(input: &[u8]) {
    let Some(Case {
        options,
        most,
        source,
    }) = Case::new(input)
    else {
        return;
    };
    let plain = match unpacked(&source) {
        Unpacked::TooMuch => return,
        Unpacked::Damaged => None,
        Unpacked::Plain(bytes) => Some(bytes),
    };
    let whole = one_by_one(Cursor::new(source.clone()), &options);
    let batches = in_batches(Cursor::new(source.clone()), &options);
    let parts = one_by_one(Trickle::new(source.clone(), most, source.len() as u64), &options);
    assert_eq!(batches, whole);
    let Some(plain) = plain else {
        return are_cut_off(&whole, &parts);
    };
    assert_eq!(parts, whole);
    if FOREIGN.iter().any(|magic| source.starts_with(magic)) {
        assert_eq!(whole.error, Some("not_text"));
        return;
    }
    assert_eq!(whole, reference(&plain, &decided(&options, &plain)));
    let left_out = |row: &&super::readers::Found| row.2.as_ref().is_some_and(|problem| problem.1);
    let expected = whole.error.is_none().then(|| Counts {
        rows: whole.rows.len() as u64,
        left_out: whole.rows.iter().filter(left_out).count() as u64,
        bytes: source.len() as u64,
    });
    assert_eq!(counts(Cursor::new(source), &options), expected);
}

/// Damaged sources end with an error. Where a damage is found depends on the pieces, but rows before it do not.
fn are_cut_off(whole: &Reading, parts: &Reading) {
    assert!(whole.error.is_some() && parts.error.is_some());
    if !whole.columns.is_empty() && !parts.columns.is_empty() {
        assert_eq!(whole.columns, parts.columns);
    }
    assert!(whole.rows.iter().zip(&parts.rows).all(|(a, b)| a == b));
}

/// The options with what is to be guessed decided.
fn decided(options: &Options, plain: &[u8]) -> Options {
    let sample = &plain[..plain.len().min(SAMPLE_BYTES)];
    let is_all = sample.len() < SAMPLE_BYTES;
    let sample = sample.strip_prefix(b"\xef\xbb\xbf").unwrap_or(sample);
    let delimiter = options
        .delimiter
        .unwrap_or_else(|| guess_delimiter(sample, is_all));
    let is_header = match options.header {
        HeaderMode::Auto => guess_header(sample, delimiter, is_all),
        given => given == HeaderMode::Yes,
    };
    Options {
        header: if is_header {
            HeaderMode::Yes
        } else {
            HeaderMode::No
        },
        delimiter: Some(delimiter),
        max_row_bytes: options.max_row_bytes,
        ..Options::default()
    }
}

enum Unpacked {
    Plain(Vec<u8>),
    Damaged,
    TooMuch,
}

/// What is in a source, by the same libraries in one go.
fn unpacked(source: &[u8]) -> Unpacked {
    let mut plain = Vec::new();
    let done = match source {
        [0x1f, 0x8b, ..] => flate2::bufread::MultiGzDecoder::new(source)
            .take(MOST_UNPACKED + 1)
            .read_to_end(&mut plain),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => zstd::Decoder::new(source)
            .and_then(|decoder| decoder.take(MOST_UNPACKED + 1).read_to_end(&mut plain)),
        _ => {
            plain.extend_from_slice(source);
            Ok(source.len())
        }
    };
    match done {
        _ if plain.len() as u64 > MOST_UNPACKED => Unpacked::TooMuch,
        Ok(_) => Unpacked::Plain(plain),
        Err(_) => Unpacked::Damaged,
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// So often that the source is longer than what is looked at before the first row.
fn again_and_again(bytes: &[u8]) -> Vec<u8> {
    match bytes.len() {
        0 => Vec::new(),
        length => bytes.repeat((SAMPLE_BYTES + (4 << 10)).div_ceil(length)),
    }
}
