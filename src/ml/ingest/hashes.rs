//! The hashes of all fields of some rows, worked out while their text is still near the processor.

use super::rows::Rows;
use crate::ml::text_hash::EMPTY;

/// Hashes of fields, one column after the other.
#[derive(Debug, Default)]
pub struct FieldHashes {
    hashes: Vec<u64>,
    rows: usize,
}

impl FieldHashes {
    /// Replaces the hashes by those of the first `columns` fields of `rows`; a field that a row lacks is empty.
    pub(super) fn fill(&mut self, rows: &Rows, columns: usize) {
        self.rows = rows.len();
        self.hashes.clear();
        self.hashes.resize(columns * self.rows, EMPTY);
        for row in 0..self.rows {
            let places = self.hashes.iter_mut().skip(row).step_by(self.rows);
            places
                .zip(rows.field_hashes(row))
                .for_each(|(place, hash)| *place = hash);
        }
    }

    /// The hashes of a column, row by row.
    #[inline]
    pub fn column(&self, column: usize) -> &[u64] {
        let start = column * self.rows;
        self.hashes.get(start..start + self.rows).unwrap_or_default()
    }
}
