//! How a CSV file is written: its delimiter and whether it has a header, guessed from a sample.

use csv::ByteRecord;
use serde::{Deserialize, Serialize};

use crate::ml::value::{Number, number};

/// Whether the first line names the columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeaderMode {
    /// Decide from the first rows.
    #[default]
    Auto,
    /// It does.
    Yes,
    /// It does not; columns are called `column_1`, `column_2` and so on.
    No,
}

/// How to read a source.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether the first line names the columns.
    pub header: HeaderMode,
    /// The delimiter; guessed among comma, semicolon, tab and bar when not given.
    pub delimiter: Option<u8>,
    /// Largest row in bytes.
    pub max_row_bytes: u64,
    /// The number of the first line: 0 if a line of names was put before those of the file.
    pub first_line: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            header: HeaderMode::Auto,
            delimiter: None,
            max_row_bytes: 16 << 20,
            first_line: 1,
        }
    }
}

/// How many bytes of the source are looked at.
pub const SAMPLE_BYTES: usize = 64 << 10;
/// How many rows of the sample are looked at.
const SAMPLE_ROWS: usize = 200;
/// The delimiters that are known, the likeliest first.
pub const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Guesses the delimiter: the candidate that cuts most rows into as many fields as the first row, and
/// into more than one. A file of one column falls back to the comma.
pub fn guess_delimiter(sample: &[u8], whole: bool) -> u8 {
    let mut best = (0.0, b',');
    for candidate in DELIMITERS {
        let rows = sample_rows(sample, candidate, whole);
        let Some(width) = rows.first().map(ByteRecord::len).filter(|&width| width > 1) else {
            continue;
        };
        let same = rows.iter().filter(|row| row.len() == width).count() as f64 / rows.len() as f64;
        if same > best.0 {
            best = (same, candidate);
        }
    }
    best.1
}

/// Guesses whether the first row names the columns. It does not when one of its fields is a number
/// (unless they count up, as in `0,1,2,…`) or empty beside no number below, or when names repeat.
pub fn guess_header(sample: &[u8], delimiter: u8, whole: bool) -> bool {
    let rows = sample_rows(sample, delimiter, whole);
    let Some((first, rest)) = rows.split_first() else {
        return true;
    };
    let numbers: Vec<f64> = first.iter().filter_map(as_number).collect();
    if !numbers.is_empty() {
        let counts_up = numbers.windows(2).all(|pair| pair[1] == pair[0] + 1.0);
        return counts_up && numbers.len() > 2 && numbers[0] <= 1.0 && numbers.len() + 1 >= first.len();
    }
    let number_below = (0..first.len()).any(|column| {
        rest.iter()
            .any(|row| row.get(column).and_then(as_number).is_some())
    });
    if number_below {
        return true;
    }
    let mut names: Vec<&[u8]> = first.iter().collect();
    names.sort_unstable();
    let distinct = names.windows(2).all(|pair| pair[0] != pair[1]);
    let repeats_below = rest
        .iter()
        .any(|row| first.iter().zip(row).any(|(name, value)| name == value));
    distinct && !names.iter().any(|name| name.is_empty()) && !repeats_below
}

fn as_number(field: &[u8]) -> Option<f64> {
    match std::str::from_utf8(field).map(number) {
        Ok(Number::Value(value)) => Some(value),
        _ => None,
    }
}

/// The rows of the sample; the last one is left out when the sample ends inside it.
fn sample_rows(sample: &[u8], delimiter: u8, whole: bool) -> Vec<ByteRecord> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(sample);
    let mut rows: Vec<ByteRecord> = reader
        .byte_records()
        .take(SAMPLE_ROWS + 1)
        .filter_map(Result::ok)
        .collect();
    if rows.len() > SAMPLE_ROWS || (!whole && rows.len() > 1) {
        rows.pop();
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters() {
        for (text, expected) in [
            ("a,b\n1,2\n", b','),
            ("a;b\n1,5;2,5\n", b';'),
            ("a\tb\n1\t2\n", b'\t'),
            ("a|b\n1|2\n", b'|'),
            ("a\n1\n", b','),
            ("a,b\n\"1;2;3\",2\n\"4;5\",3\n", b','),
        ] {
            assert_eq!(guess_delimiter(text.as_bytes(), true), expected, "{text}");
        }
    }

    #[test]
    fn headers() {
        for (text, expected) in [
            ("a,b\n1,2\n", true),
            ("1,2\n3,4\n", false),
            ("0,1,2,3\n5,6,7,8\n", true),
            ("red,blue\nred,green\n", false),
            ("colour,size\nred,L\nblue,M\n", true),
            ("name\nann\nbob\n", true),
            ("x,x\ny,z\n", false),
            ("1,red\n2,blue\n", false),
            ("0,1,2,target\n1.5,2,3,yes\n", true),
        ] {
            assert_eq!(guess_header(text.as_bytes(), b',', true), expected, "{text}");
        }
    }
}
