//! Reads ahead: one thread cuts the source into rows while others work on them.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::error::IngestError;
use super::hashes::FieldHashes;
use super::problems::RowProblem;
use super::reader::{Piece, RecordReader};
use super::rows::Rows;
use crate::ml::observe::{Observer, Stage};
use crate::ml::record::Record;

/// Longest row, in bytes, whose buffers are used again.
pub const LONGEST_RECYCLED: usize = 4 << 10;
/// Batches that may wait between the reading thread and the working ones.
const READ_AHEAD: usize = 2;

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
    /// Fills `batch` with the next rows; false when the source has ended. `with_records` asks for records rather
    /// than rows in one piece.
    fn fill(&mut self, batch: &mut Batch, with_records: bool) -> Result<bool, IngestError>;
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
}

impl BatchSource for RecordReader {
    fn fill(&mut self, batch: &mut Batch, with_records: bool) -> Result<bool, IngestError> {
        let mut piece = Piece {
            rows: std::mem::take(&mut batch.rows),
            problems: std::mem::take(&mut batch.problems),
        };
        let found = self.read_piece(&mut piece)?;
        (batch.longest, batch.count) = (piece.rows.longest(), 0);
        if with_records {
            let records = batch.records_mut(piece.rows.len()).iter_mut();
            records
                .enumerate()
                .for_each(|(row, record)| piece.rows.copy(row, record));
        } else {
            batch.hashes.fill(&piece.rows, self.columns().len());
        }
        (batch.rows, batch.problems) = (piece.rows, piece.problems);
        batch.bytes_read = self.byte_count().get();
        Ok(found)
    }
}

/// Calls `work` with every batch of `reader`, in order, while the next ones are being read. Reports
/// bytes of `total_bytes` to the observer after each batch and stops when it asks for it.
pub fn for_each_batch<E: From<IngestError> + Send>(
    reader: impl BatchSource,
    total_bytes: u64,
    stage: Stage,
    observer: &mut dyn Observer,
    work: impl FnMut(&Batch) -> Result<(), E>,
) -> Result<(), E> {
    read_ahead(reader, true, total_bytes, stage, observer, work)
}

/// The same for work that wants the rows in one piece ([`Batch::rows`]) with the hashes of their fields, and no
/// records: they cost a copy.
pub fn for_each_piece<E: From<IngestError> + Send>(
    reader: RecordReader,
    total_bytes: u64,
    stage: Stage,
    observer: &mut dyn Observer,
    work: impl FnMut(&Batch) -> Result<(), E>,
) -> Result<(), E> {
    read_ahead(reader, false, total_bytes, stage, observer, work)
}

fn read_ahead<E: From<IngestError> + Send>(
    mut reader: impl BatchSource,
    with_records: bool,
    total_bytes: u64,
    stage: Stage,
    observer: &mut dyn Observer,
    mut work: impl FnMut(&Batch) -> Result<(), E>,
) -> Result<(), E> {
    std::thread::scope(|scope| {
        let (full_out, full_in) = sync_channel(READ_AHEAD);
        let (empty_out, empty_in) = sync_channel(READ_AHEAD + 2);
        scope.spawn(move || read_batches(&mut reader, with_records, &full_out, &empty_in));
        for batch in full_in {
            let batch = batch?;
            work(&batch)?;
            if let ControlFlow::Break(()) = observer.report(stage, batch.bytes_read, total_bytes) {
                return Err(IngestError::Stopped.into());
            }
            // Buffers grow to the longest row they ever held, so those of long rows are not used again. The
            // reading thread may have ended already; then the buffers are simply dropped.
            if batch.longest_row() <= LONGEST_RECYCLED {
                let _ = empty_out.try_send(batch);
            }
        }
        Ok(())
    })
}

fn read_batches(
    reader: &mut impl BatchSource,
    with_records: bool,
    full: &SyncSender<Result<Batch, IngestError>>,
    empty: &Receiver<Batch>,
) {
    loop {
        let mut batch = empty.try_recv().unwrap_or_default();
        let message = match reader.fill(&mut batch, with_records) {
            Ok(false) => return,
            Ok(true) => Ok(batch),
            Err(error) => Err(error),
        };
        let failed = message.is_err();
        // Sending fails when the receiver has stopped early; then there is nothing left to do.
        if full.send(message).is_err() || failed {
            return;
        }
    }
}
