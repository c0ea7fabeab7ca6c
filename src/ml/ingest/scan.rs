//! Cuts bytes into rows and fields: where each field lies, not what it says.
//!
//! The bytes that mean something (delimiter, quote, line feed, carriage return) are found 64 at a time as
//! the set bits of one word; everything between them is never looked at alone. The rules are those of the
//! `csv` crate: a quote opens a field only at its start, a doubled quote stands for one, text after the
//! closing quote belongs to the field, every line feed and every carriage return ends a row, and empty
//! lines are passed over.

use std::ops::Range;

/// Bytes looked at together.
const WIDTH: usize = 64;
/// Gathers the lowest bit of each byte of a word into its highest byte.
const GATHER: u64 = 0x0102_0408_1020_4080;

/// One bit for each byte that is a delimiter, a quote or the end of a line.
#[inline]
fn marks(block: &[u8; WIDTH], delimiter: u8) -> u64 {
    let mut hits = [0u8; WIDTH];
    for (hit, &byte) in hits.iter_mut().zip(block) {
        *hit = u8::from(byte == delimiter)
            | u8::from(byte == b'"')
            | u8::from(byte == b'\n')
            | u8::from(byte == b'\r');
    }
    let (lanes, _) = hits.as_chunks::<8>();
    lanes.iter().rev().fold(0, |mask, lane| {
        mask << 8 | u64::from_le_bytes(*lane).wrapping_mul(GATHER) >> 56
    })
}

/// The marks of the 64 bytes from `base` on; bytes beyond the end have none.
#[inline]
fn marks_at(bytes: &[u8], base: usize, delimiter: u8) -> u64 {
    let rest = bytes.get(base..).unwrap_or_default();
    if let Some(block) = rest.first_chunk::<WIDTH>() {
        return marks(block, delimiter);
    }
    let mut block = [0; WIDTH];
    block[..rest.len()].copy_from_slice(rest);
    marks(&block, delimiter) & !(u64::MAX << rest.len())
}

/// Where a field lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first byte.
    pub start: u32,
    /// The byte after its last one.
    pub end: u32,
}

impl Span {
    fn new(start: usize, end: usize) -> Self {
        // Rows are limited to far less than 4 GiB.
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// As a range of bytes.
    #[inline]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One row: which fields are its own, and where it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Index of its first field.
    pub first: u32,
    /// Its first byte.
    pub start: u32,
    /// Its line.
    pub line: u64,
    /// Empty lines before it.
    pub empty_before: u64,
}

/// The place between two rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line feeds before it, and one.
    pub line: u64,
    /// Whether the row before it ended with a carriage return, whose line feed may still come.
    pub after_return: bool,
}

impl Place {
    /// The line on which the next row starts if no empty line comes before it.
    pub fn next_line(self) -> u64 {
        self.line + u64::from(self.after_return)
    }
}

/// What the cut must heed.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The byte between fields.
    pub delimiter: u8,
    /// Longest row in bytes, with the empty lines before it.
    pub longest: usize,
    /// Most rows that are cut at once.
    pub rows: usize,
}

/// How a cut ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Everything was cut, or as many rows as allowed.
    Done,
    /// The bytes end within a row, or within empty lines.
    Within,
    /// A row is longer than allowed; its line.
    TooLong(u64),
}

/// The rows that were cut.
#[derive(Debug, Clone, Default)]
pub struct Cut {
    /// The fields of all rows, one row after the other.
    pub spans: Vec<Span>,
    /// The rows.
    pub heads: Vec<Head>,
    /// Indices of fields whose quotes must still be resolved by [`unquote`].
    pub quoted: Vec<u32>,
    /// Bytes up to the end of the last row.
    pub consumed: usize,
    /// Whether the only row is one whose quote is never closed.
    pub unclosed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    /// Within quotes.
    Quoted,
    /// After the closing quote at this offset.
    Closed(usize),
}

/// The state of a cut; short-lived, so that it stays in registers.
struct Cutter<'a> {
    cut: &'a mut Cut,
    mode: Mode,
    /// Whether the field holds quotes that must be resolved.
    resolve: bool,
    /// Start of the field, its quote included.
    field: usize,
    row_first: usize,
    row_quoted: usize,
    /// Where the row starts.
    row_start: usize,
    /// Line on which the row starts, and the line reached.
    row_line: u64,
    line: u64,
    place: Place,
}

impl Cut {
    /// Forgets everything and keeps the buffers.
    pub fn clear(&mut self) {
        self.spans.clear();
        self.heads.clear();
        self.quoted.clear();
        self.consumed = 0;
        self.unclosed = false;
    }

    /// Cuts `bytes`, which start at `place` and `skip` bytes before a row, and moves `place` behind the last
    /// row.
    pub fn rows(&mut self, bytes: &[u8], skip: usize, place: &mut Place, rules: Rules) -> Stop {
        self.clear();
        let mut cutter = Cutter::new(self, skip, *place);
        let stop = cutter.run(bytes, rules);
        *place = cutter.place;
        let (fields, quoted) = (cutter.row_first, cutter.row_quoted);
        self.spans.truncate(fields);
        self.quoted.truncate(quoted);
        stop
    }

    /// Takes the rest of `bytes` as a row whose quote is never closed; false when there is no such row.
    pub fn unclosed_row(&mut self, bytes: &[u8], skip: usize, place: &mut Place, rules: Rules) -> bool {
        self.clear();
        let mut cutter = Cutter::new(self, skip, *place);
        cutter.run(bytes, rules);
        if cutter.mode != Mode::Quoted {
            return false;
        }
        cutter.resolve = true;
        cutter.push(cutter.field + 1, bytes.len());
        cutter.end_row(bytes.len(), false);
        *place = cutter.place;
        self.unclosed = true;
        true
    }
}

impl<'a> Cutter<'a> {
    fn new(cut: &'a mut Cut, skip: usize, place: Place) -> Self {
        Self {
            cut,
            mode: Mode::Plain,
            resolve: false,
            field: skip,
            row_first: 0,
            row_quoted: 0,
            row_start: skip,
            row_line: place.line,
            line: place.line,
            place,
        }
    }

    #[inline]
    fn run(&mut self, bytes: &[u8], rules: Rules) -> Stop {
        let mut base = self.field;
        while base < bytes.len() {
            let mut mask = marks_at(bytes, base, rules.delimiter);
            while mask != 0 {
                let at = base + mask.trailing_zeros() as usize;
                mask &= mask - 1;
                let byte = bytes[at];
                match self.mode {
                    Mode::Plain if byte == b'"' => {
                        if at == self.field {
                            self.mode = Mode::Quoted;
                        }
                        continue;
                    }
                    Mode::Plain if byte == rules.delimiter => {
                        self.push(self.field, at);
                        self.field = at + 1;
                        continue;
                    }
                    Mode::Plain => {
                        if at == self.field && self.cut.spans.len() == self.row_first {
                            self.pass_empty_line(at, byte);
                            continue;
                        }
                        self.push(self.field, at);
                    }
                    Mode::Quoted => {
                        match byte {
                            b'"' => self.mode = Mode::Closed(at),
                            b'\n' => self.line += 1,
                            _ => {}
                        }
                        continue;
                    }
                    Mode::Closed(close) if byte == b'"' => {
                        if at == close + 1 {
                            self.mode = Mode::Quoted;
                            self.resolve = true;
                        }
                        continue;
                    }
                    Mode::Closed(close) => {
                        // Text after the closing quote belongs to the field.
                        self.resolve |= at != close + 1;
                        let end = if self.resolve { at } else { close };
                        self.push(self.field + 1, end);
                        self.mode = Mode::Plain;
                        if byte == rules.delimiter {
                            self.field = at + 1;
                            continue;
                        }
                    }
                }
                if at + 1 - self.cut.consumed > rules.longest {
                    return Stop::TooLong(self.row_line);
                }
                self.line += u64::from(byte == b'\n');
                self.end_row(at + 1, byte == b'\r');
                if self.cut.heads.len() >= rules.rows {
                    return Stop::Done;
                }
            }
            base += WIDTH;
        }
        let rest = bytes.len() - self.cut.consumed;
        match rest {
            0 => Stop::Done,
            _ if rest > rules.longest => Stop::TooLong(self.place.next_line()),
            _ => Stop::Within,
        }
    }

    #[inline]
    fn push(&mut self, start: usize, end: usize) {
        if self.resolve {
            self.cut.quoted.push(self.cut.spans.len() as u32);
            self.resolve = false;
        }
        self.cut.spans.push(Span::new(start, end));
    }

    #[inline]
    fn end_row(&mut self, end: usize, after_return: bool) {
        self.cut.heads.push(Head {
            first: self.row_first as u32,
            start: self.row_start as u32,
            line: self.row_line,
            empty_before: self.row_line.saturating_sub(self.place.next_line()),
        });
        self.row_first = self.cut.spans.len();
        self.row_quoted = self.cut.quoted.len();
        self.field = end;
        self.row_start = end;
        self.row_line = self.line;
        self.cut.consumed = end;
        self.place = Place {
            line: self.line,
            after_return,
        };
    }

    #[inline]
    fn pass_empty_line(&mut self, at: usize, byte: u8) {
        self.field = at + 1;
        self.row_start = at + 1;
        self.line += u64::from(byte == b'\n');
        self.row_line = self.line;
    }
}

/// Resolves the quotes of a field that starts behind its opening quote: a doubled quote becomes one, the
/// closing one goes. Returns where the field ends now.
pub fn unquote(bytes: &mut [u8], span: Span) -> Span {
    let range = span.range();
    let (mut to, mut from) = (range.start, range.start);
    while let Some(length) = memchr::memchr(b'"', &bytes[from..range.end]) {
        bytes.copy_within(from..from + length, to);
        to += length;
        from += length + 1;
        if from >= range.end || bytes[from] != b'"' {
            break;
        }
        bytes[to] = b'"';
        to += 1;
        from += 1;
    }
    bytes.copy_within(from..range.end, to);
    Span::new(range.start, to + (range.end - from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_the_bytes_that_matter() {
        let mut block = [b'x'; WIDTH];
        for (at, byte) in [
            (0, b','),
            (7, b'"'),
            (8, b'\n'),
            (31, b';'),
            (62, b'\r'),
            (63, b','),
        ] {
            block[at] = byte;
        }
        assert_eq!(
            marks(&block, b','),
            1 | 1 << 7 | 1 << 8 | 1 << 62 | 1 << 63,
            "a comma is the delimiter"
        );
        assert_eq!(marks_at(&block[..9], 0, b','), 1 | 1 << 7 | 1 << 8);
        assert_eq!(marks_at(&block, 64, b','), 0);
    }

    #[test]
    fn quotes_are_resolved_in_place() {
        for (text, expected) in [
            ("a\"\"b\"", "a\"b"),
            ("ab\"cd", "abcd"),
            ("a\"b\"c", "ab\"c"),
            ("\"\"", "\""),
            ("ab", "ab"),
            ("\"\"\"\"\"", "\"\""),
        ] {
            let mut bytes = text.as_bytes().to_vec();
            let span = unquote(&mut bytes, Span::new(0, text.len()));
            assert_eq!(&bytes[span.range()], expected.as_bytes(), "{text}");
        }
    }
}
