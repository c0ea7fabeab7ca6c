//! Some consecutive rows of a source, with what those who work on them need.

use super::error::IngestError;
use super::flow::{Lane, Told, flow};
use super::hashes::FieldHashes;
use super::problems::RowProblem;
use super::reader::{Piece, RecordReader};
use super::rows::Rows;
use crate::ml::observe::{Observer, Stage};
use crate::ml::record::Record;

/// Longest row, in bytes, whose buffers are used again.
pub const LONGEST_RECYCLED: usize = 4 << 10;

/// In which form the rows of a batch are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// One by one ([`Batch::records`]), which costs a copy.
    Records,
    /// In one piece ([`Batch::rows`]) with the hashes of their fields. CSV has this form.
    Hashes,
}

/// Some consecutive rows of a source. The cut depends on the rows alone, never on the number of threads.
#[derive(Debug, Default)]
pub struct Batch {
    rows: Rows,
    pub(super) records: Vec<Record>,
    /// How many of the records belong to this batch.
    pub(super) count: usize,
    /// Bytes of the longest row.
    pub(super) longest: usize,
    hashes: FieldHashes,
    /// What a source whose rows name their fields met for the first time.
    pub names: NewNames,
    /// Problems of rows in this batch: the index of the row and what is wrong with it. Rows that are
    /// `true` here do not fit the columns and must be left out.
    pub problems: Vec<(usize, bool, RowProblem)>,
    /// Bytes of the source consumed when the batch was complete.
    pub bytes_read: u64,
    /// Empty lines in the source before this batch.
    pub empty_before: u64,
    /// Columns of the source.
    columns: usize,
}

/// Names that rows of JSON lines brought up for the first time.
#[derive(Debug, Default)]
pub struct NewNames {
    /// Columns that had not been met before.
    pub met: Vec<usize>,
    /// Names that are no columns.
    pub extra: Vec<String>,
}

/// A source of batches. Which rows come together must depend on the bytes of the source alone.
pub trait BatchSource: Send {
    /// Fills `batch` with the next rows; false when the source has ended. What can be done to a batch by itself is left
    /// for later, since sources are read by one thread at a time.
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, IngestError>;

    /// True when it is known that nothing more comes.
    fn is_read_up(&self) -> bool {
        false
    }
}

impl Batch {
    /// The rows in one piece, bad ones included.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The hashes of the fields; none unless pieces were asked for.
    pub fn hashes(&self) -> &FieldHashes {
        &self.hashes
    }

    /// The rows one by one, bad ones included; none when pieces were asked for.
    pub fn records(&self) -> &[Record] {
        self.records.get(..self.count).unwrap_or_default()
    }

    /// The number of its first record in the source.
    pub fn first_record(&self) -> Option<u64> {
        self.records().first().map(|record| record.position.record)
    }

    /// The records that fit the columns, with their indices.
    pub fn good_records(&self) -> impl Iterator<Item = (usize, &Record)> {
        let records = self.records().iter().enumerate();
        records.filter(|(index, _)| !self.is_bad(*index))
    }

    /// Bytes of the longest row.
    pub fn longest_row(&self) -> usize {
        self.longest
    }

    /// True when row `index` does not fit the columns.
    pub fn is_bad(&self, index: usize) -> bool {
        // Problems are rare and in row order.
        self.problems
            .binary_search_by_key(&index, |problem| problem.0)
            .is_ok_and(|at| self.problems[at].1)
    }

    /// The `count` records to fill, made where there are fewer.
    pub(super) fn records_mut(&mut self, count: usize) -> &mut [Record] {
        let missing = count.saturating_sub(self.records.len());
        self.records.extend((0..missing).map(|_| Record::new()));
        self.count = count;
        &mut self.records[..count]
    }

    /// Brings the rows into the form that is wanted, after they were filled in.
    pub(super) fn prepare(&mut self, wanted: Wanted) {
        if self.rows.is_empty() {
            // Records are the only form of such a source.
            return;
        }
        match wanted {
            Wanted::Hashes => self.hashes.fill(&self.rows, self.columns),
            Wanted::Records => {
                let rows = std::mem::take(&mut self.rows);
                let records = self.records_mut(rows.len()).iter_mut();
                records
                    .enumerate()
                    .for_each(|(row, record)| rows.copy(row, record));
                self.rows = rows;
            }
        }
    }

    /// Bytes of the text of its rows.
    pub(super) fn size(&self) -> usize {
        // Records that were copied from rows have no more text than these.
        match self.rows.is_empty() {
            true => self.records().iter().map(Record::text_len).sum(),
            false => self.rows.size(),
        }
    }

    /// Empty lines before its rows, those before the whole batch left out.
    pub(super) fn empty_lines(&self) -> u64 {
        let of_records = self.records().iter().map(|record| record.position.empty_before);
        self.rows.empty_lines() + of_records.sum::<u64>()
    }
}

impl BatchSource for RecordReader {
    fn fill(&mut self, batch: &mut Batch) -> Result<bool, IngestError> {
        let mut piece = Piece {
            rows: std::mem::take(&mut batch.rows),
            problems: std::mem::take(&mut batch.problems),
        };
        let found = self.read_piece(&mut piece)?;
        (batch.longest, batch.count) = (piece.rows.longest(), 0);
        (batch.rows, batch.problems) = (piece.rows, piece.problems);
        (batch.columns, batch.bytes_read) = (self.columns().len(), self.byte_count().get());
        Ok(found)
    }

    fn is_read_up(&self) -> bool {
        self.is_read_up()
    }
}

/// Calls `work` with the records of every batch of `reader`, in order, while the next ones are being read. Reports
/// bytes of `total_bytes` to the observer and stops when it asks for it.
pub fn for_each_batch<E: From<IngestError> + Send>(
    reader: impl BatchSource,
    total_bytes: u64,
    stage: Stage,
    observer: &mut dyn Observer,
    mut work: impl FnMut(&Batch) -> Result<(), E> + Send,
) -> Result<(), E> {
    let told = Told {
        total_bytes,
        stage,
        observer,
    };
    let lane: Lane<(), E> = Box::new(|batch, ()| work(batch));
    flow(reader, Wanted::Records, told, |_, ()| Ok(()), vec![lane])
}
