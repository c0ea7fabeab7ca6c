//! One row of data, wherever it came from: a line of CSV, a JSON map, a row of a query.
//!
//! A record is a list of text fields, one for each attribute of a schema or column of a file. Absent,
//! null and empty are the same thing: the empty string. What the text means is decided by
//! [`crate::ml::value`] and nowhere else.

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
    /// Where each field ends.
    ends: Vec<usize>,
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
        self.ends.clear();
    }

    /// Appends a field.
    pub fn push(&mut self, field: &str) {
        self.text.push_str(field);
        self.ends.push(self.text.len());
    }

    /// The text of field `index`; empty when the record has no such field.
    #[inline]
    pub fn get(&self, index: usize) -> &str {
        let Some(&end) = self.ends.get(index) else {
            return "";
        };
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(start..end).unwrap_or_default()
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all fields together.
    pub fn text_len(&self) -> usize {
        self.text.len()
    }

    /// True when the record has no field.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }
}
