//! One row of data, wherever it came from: a line of CSV, a JSON map, a row of a query.
//!
//! A record is a list of text fields, one for each attribute of a schema or column of a file. Absent,
//! null and empty are the same thing: the empty string. What the text means is decided by
//! [`crate::ml::value`] and nowhere else.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Where a record starts in its source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Number of the record, counted from 0, the header left out.
    pub record: u64,
    /// Line of the source, counted from 1.
    pub line: u64,
    /// Byte offset in the (decompressed) source.
    pub byte: u64,
    /// Empty lines passed over just before it.
    pub empty_before: u64,
}

/// One row as text. Reuse one record for many rows: its buffers are kept.
#[derive(Debug, Clone, Default)]
pub struct Record {
    text: String,
    /// Where each field starts and ends. Between two there may be text that belongs to neither.
    fields: Vec<(u32, u32)>,
    /// Where the record was found; zero for records that did not come from a file.
    pub position: Position,
}

impl Record {
    /// An empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// A record that holds the given fields.
    pub fn from_fields<'a>(fields: impl IntoIterator<Item = &'a str>) -> Self {
        let mut record = Self::new();
        fields.into_iter().for_each(|field| record.push(field));
        record
    }

    /// Removes all fields and keeps the buffers.
    pub fn clear(&mut self) {
        self.text.clear();
        self.fields.clear();
    }

    /// Appends a field.
    pub fn push(&mut self, field: &str) {
        let start = self.text.len() as u32;
        self.text.push_str(field);
        self.fields.push((start, self.text.len() as u32));
    }

    /// Replaces all fields by those that lie at `spans` of `all`, one after the other.
    pub(super) fn replace(
        &mut self,
        all: &str,
        spans: impl DoubleEndedIterator<Item = Range<usize>> + Clone,
    ) {
        self.clear();
        let (first, last) = (spans.clone().next(), spans.clone().next_back());
        let around = first.zip(last).map(|(first, last)| first.start..last.end);
        // One copy of all of them costs less than one of each.
        let text = around.clone().and_then(|around| all.get(around));
        self.text.push_str(text.unwrap_or_default());
        let base = around.map_or(0, |around| around.start);
        let within = spans.map(|span| ((span.start - base) as u32, (span.end - base) as u32));
        self.fields.extend(within);
    }

    /// The text of field `index`; empty when the record has no such field.
    #[inline]
    pub fn get(&self, index: usize) -> &str {
        let Some(&(start, end)) = self.fields.get(index) else {
            return "";
        };
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Bytes of all fields together.
    pub fn text_len(&self) -> usize {
        self.fields
            .iter()
            .map(|(start, end)| (end - start) as usize)
            .sum()
    }

    /// True when the record has no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_the_same_however_they_came() {
        let all = "x,one,,\"tw\"o,é";
        let spans = [2..5, 6..6, 8..12, 13..15];
        let mut record = Record::from_fields(["something", "else"]);
        record.replace(all, spans.iter().cloned());
        let pushed = Record::from_fields(["one", "", "tw\"o", "é"]);
        assert_eq!(
            record.iter().collect::<Vec<_>>(),
            pushed.iter().collect::<Vec<_>>()
        );
        assert_eq!((record.len(), record.text_len()), (4, pushed.text_len()));
        assert_eq!(record.get(4), "");
        record.push("more");
        assert_eq!(record.get(4), "more");
        record.replace(all, spans[..0].iter().cloned());
        assert!(record.is_empty() && record.text_len() == 0);
    }
}
