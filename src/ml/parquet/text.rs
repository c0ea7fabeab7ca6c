//! A Parquet file as CSV text, for the reader that reads every table.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

use super::column::Column;
use super::open::{self, Opened};
use super::source::{File, ReadAt};
use super::{group, show};
use crate::ml::ingest::counted::ByteCount;

/// Bytes of text that are made at once, unless one row has more.
const STEP: usize = 64 << 10;

/// The text of a Parquet file: a header, then a line for each row, fields between commas.
///
/// Memory holds one page of each column and a block of rows. How far it is counts in bytes of the file, by rows.
pub struct CsvText {
    file: File,
    opened: Opened,
    progress: ByteCount,
    size: u64,
    /// The row group that comes next.
    group: usize,
    columns: Vec<Column>,
    /// In which order the columns are written.
    order: Vec<usize>,
    /// Rows of the row group that are not decoded yet.
    left: u64,
    /// Rows of the block, and how many of them are text already.
    block: usize,
    row: usize,
    /// Rows that are text already.
    done: u64,
    text: Vec<u8>,
    taken: usize,
}

impl CsvText {
    /// Opens a file. Errors of its making are an [`super::Unreadable`] inside the error.
    pub fn open(bytes: Arc<dyn ReadAt>) -> io::Result<Self> {
        let size = bytes.size();
        let file = File::new(bytes);
        let opened = open::open(&file)?;
        let mut text = Vec::with_capacity(STEP);
        for (index, (name, _)) in opened.columns.iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            show::field(name.as_bytes(), &mut text);
        }
        end_line(&mut text, 0);
        Ok(Self {
            file,
            order: (0..opened.columns.len()).collect(),
            opened,
            progress: ByteCount::default(),
            size,
            group: 0,
            columns: Vec::new(),
            left: 0,
            block: 0,
            row: 0,
            done: 0,
            text,
            taken: 0,
        })
    }

    /// The names of the columns, without white space around them, as they lie in the file.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.opened.columns.iter().map(|(name, _)| name.trim())
    }

    /// Bytes of the file.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Leaves the line of names out, and writes the columns in the order of `names`; false when these are not the names
    /// of all columns.
    pub(super) fn reorder(&mut self, names: &[String]) -> bool {
        let places: HashMap<&str, usize> = self.names().zip(0..).collect();
        let order: Option<Vec<usize>> = names
            .iter()
            .map(|name| places.get(name.trim()).copied())
            .collect();
        let Some(order) = order.filter(|order| order.len() == places.len()) else {
            return false;
        };
        self.order = order;
        self.text.clear();
        self.taken = 0;
        true
    }

    /// How far it is.
    pub fn byte_count(&self) -> ByteCount {
        self.progress.clone()
    }

    /// Makes more text; false when all rows are text.
    fn more(&mut self) -> io::Result<bool> {
        self.text.clear();
        self.taken = 0;
        while self.text.len() < STEP {
            if self.row == self.block && !self.next_block()? {
                break;
            }
            let start = self.text.len();
            for (index, &column) in self.order.iter().enumerate() {
                if index > 0 {
                    self.text.push(b',');
                }
                self.columns[column].append(self.row, &mut self.text);
            }
            end_line(&mut self.text, start);
            self.row += 1;
            self.done += 1;
        }
        let rows = u128::from(self.opened.rows.max(1));
        let bytes = u128::from(self.size) * u128::from(self.done) / rows;
        self.progress.set(bytes as u64);
        Ok(!self.text.is_empty())
    }

    fn next_block(&mut self) -> io::Result<bool> {
        while self.left == 0 {
            if self.group == self.opened.metadata.num_row_groups() {
                return Ok(false);
            }
            // The pages of the row group before are not needed any more.
            self.columns.clear();
            let group = self.group;
            self.columns =
                group::unless_it_panics("a row group", || group::columns(&self.file, &self.opened, group))?;
            self.left = u64::try_from(self.opened.metadata.row_group(group).num_rows()).unwrap_or(0);
            self.group += 1;
        }
        let most = self.columns.iter().map(Column::most_rows).min();
        let rows = self.left.min(most.unwrap_or(1) as u64) as usize;
        let (columns, file) = (&mut self.columns, &self.file);
        group::unless_it_panics("a page", || {
            columns.iter_mut().try_for_each(|column| column.block(rows, file))
        })?;
        self.left -= rows as u64;
        (self.block, self.row) = (rows, 0);
        Ok(true)
    }
}

/// A line of one empty field has quotes, because an empty line is no record.
fn end_line(text: &mut Vec<u8>, start: usize) {
    if text.len() == start {
        text.extend_from_slice(b"\"\"");
    }
    text.push(b'\n');
}

impl Read for CsvText {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.text.len() && !self.more()? {
            return Ok(0);
        }
        let count = into.len().min(self.text.len() - self.taken);
        into[..count].copy_from_slice(&self.text[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}
