//! Some consecutive rows of a source, their text in one piece.

use super::scan::{Cut, Span, unquote};
use crate::ml::record::{Position, Record};
use crate::ml::text_hash::hash_within;

/// Rows cut from a source. Reuse one for many pieces: its buffers are kept.
#[derive(Debug, Default)]
pub struct Rows {
    text: String,
    cut: Cut,
    /// Number of the first row, and the offset of the first byte in the source.
    record: u64,
    byte: u64,
    longest: usize,
    /// Fields of each row, when all rows have the same number of them.
    width: Option<usize>,
    /// Rows with bytes that were not UTF-8, and the first such field of each.
    mended: Vec<(usize, usize)>,
}

impl Rows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.cut.heads.len()
    }

    /// True when there is no row.
    pub fn is_empty(&self) -> bool {
        self.cut.heads.is_empty()
    }

    /// Bytes of the longest row, its delimiters and quotes included.
    pub fn longest(&self) -> usize {
        self.longest
    }

    fn spans(&self, row: usize) -> &[Span] {
        let heads = &self.cut.heads;
        let all = self.cut.spans.len();
        let first = heads.get(row).map_or(all, |head| head.first as usize);
        let end = heads.get(row + 1).map_or(all, |head| head.first as usize);
        &self.cut.spans[first..end]
    }

    /// Number of fields of a row.
    pub fn width(&self, row: usize) -> usize {
        self.spans(row).len()
    }

    /// Where a field lies; nowhere when the row has no such field.
    #[inline]
    fn span(&self, row: usize, column: usize) -> Option<Span> {
        if let Some(width) = self.width.filter(|&width| column < width) {
            return self.cut.spans.get(row * width + column).copied();
        }
        self.spans(row).get(column).copied()
    }

    /// A field; empty when the row has no such field.
    #[inline]
    pub fn field(&self, row: usize, column: usize) -> &str {
        let span = self.span(row, column);
        span.and_then(|span| self.text.get(span.range()))
            .unwrap_or_default()
    }

    /// The bytes of a field.
    #[inline]
    pub fn bytes(&self, row: usize, column: usize) -> &[u8] {
        let span = self.span(row, column);
        span.and_then(|span| self.text.as_bytes().get(span.range()))
            .unwrap_or_default()
    }

    /// The fields of a row.
    pub fn fields(&self, row: usize) -> impl Iterator<Item = &str> {
        self.spans(row)
            .iter()
            .map(|span| self.text.get(span.range()).unwrap_or_default())
    }

    /// The hashes of the fields of a row.
    #[inline]
    pub(super) fn field_hashes(&self, row: usize) -> impl Iterator<Item = u64> {
        let text = self.text.as_bytes();
        self.spans(row)
            .iter()
            .map(|span| hash_within(text, span.start as usize, span.end as usize))
    }

    /// Number of a row in its source.
    #[inline]
    pub fn number(&self, row: usize) -> u64 {
        self.record + row as u64
    }

    /// Line on which a row starts.
    #[inline]
    pub fn line(&self, row: usize) -> u64 {
        self.cut.heads.get(row).map_or(0, |head| head.line)
    }

    /// Where a row starts.
    pub fn position(&self, row: usize) -> Position {
        self.cut
            .heads
            .get(row)
            .map_or_else(Position::default, |head| Position {
                record: self.number(row),
                line: head.line,
                byte: self.byte + u64::from(head.start),
                empty_before: head.empty_before,
            })
    }

    /// Bytes of the text.
    pub(super) fn size(&self) -> usize {
        self.text.len()
    }

    /// Empty lines before the rows.
    pub(super) fn empty_lines(&self) -> u64 {
        self.cut.heads.iter().map(|head| head.empty_before).sum()
    }

    /// Copies a row.
    pub fn copy(&self, row: usize, record: &mut Record) {
        record.position = self.position(row);
        record.replace(&self.text, self.spans(row).iter().map(|span| span.range()));
    }

    /// A row by itself.
    pub fn record(&self, row: usize) -> Record {
        let mut record = Record::new();
        self.copy(row, &mut record);
        record
    }

    /// Fields in which something was mended, in order: the row, and the index of the field in it.
    pub fn mended(&self) -> &[(usize, usize)] {
        &self.mended
    }

    /// Gives up the buffers for the next piece.
    pub(super) fn into_buffers(self) -> (Vec<u8>, Cut) {
        let (mut bytes, mut cut) = (self.text.into_bytes(), self.cut);
        bytes.clear();
        cut.clear();
        (bytes, cut)
    }

    /// Rows from bytes and their cut. `record` is the number of the first row and `byte` the offset of the
    /// first byte. Bytes that are not UTF-8 become U+FFFD, field by field.
    pub(super) fn new(mut bytes: Vec<u8>, mut cut: Cut, record: u64, byte: u64, delimiter: u8) -> Self {
        bytes.truncate(cut.consumed);
        for &index in &cut.quoted {
            let span = &mut cut.spans[index as usize];
            *span = unquote(&mut bytes, *span);
        }
        let ends = cut.heads.iter().skip(1).map(|head| head.start as usize);
        let longest = cut
            .heads
            .iter()
            .zip(ends.chain([cut.consumed]))
            .map(|(head, end)| end - head.start as usize)
            .max()
            .unwrap_or_default();
        let width = cut.spans.len() / cut.heads.len().max(1);
        let mut firsts = cut.heads.iter().enumerate();
        let is_even = firsts.all(|(row, head)| head.first as usize == row * width)
            && cut.spans.len() == cut.heads.len() * width;
        let mut rows = Self {
            text: String::new(),
            width: is_even.then_some(width),
            cut,
            record,
            byte,
            longest,
            mended: Vec::new(),
        };
        match String::from_utf8(bytes) {
            // Any other delimiter may lie within a character, and the fields beside it are no text then.
            Ok(text) if delimiter.is_ascii() => rows.text = text,
            Ok(text) => rows.mend(text.as_bytes()),
            Err(error) => rows.mend(error.as_bytes()),
        }
        rows
    }

    fn mend(&mut self, bytes: &[u8]) {
        let mut text = String::with_capacity(bytes.len());
        let heads = &self.cut.heads;
        for row in 0..heads.len() {
            let first = heads[row].first as usize;
            let end = heads
                .get(row + 1)
                .map_or(self.cut.spans.len(), |head| head.first as usize);
            for (index, span) in self.cut.spans[first..end].iter_mut().enumerate() {
                let field = String::from_utf8_lossy(&bytes[span.range()]);
                if matches!(field, std::borrow::Cow::Owned(_)) {
                    self.mended.push((row, index));
                }
                let start = text.len() as u32;
                text.push_str(&field);
                *span = Span {
                    start,
                    end: text.len() as u32,
                };
            }
        }
        self.text = text;
    }
}
