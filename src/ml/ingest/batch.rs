//! Reads ahead: one thread cuts the source into records while others work on them.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::error::IngestError;
use super::problems::RowProblem;
use super::reader::{RecordReader, Row};
use crate::ml::observe::{Observer, Stage};
use crate::ml::record::Record;

/// Rows in a batch. The cut depends on the rows alone, never on the number of threads.
pub const BATCH_ROWS: usize = 4096;
/// A batch ends early when its text reaches this size, so that wide rows do not pile up.
const BATCH_BYTES: u64 = 8 << 20;
/// Longest row, in bytes, whose buffers are used again.
pub const LONGEST_RECYCLED: usize = 4 << 10;
/// Batches that may wait between the reading thread and the working ones.
const READ_AHEAD: usize = 2;

/// Some consecutive rows of a source.
#[derive(Debug, Default)]
pub struct Batch {
    records: Vec<Record>,
    len: usize,
    /// Problems of rows in this batch: the index of the row and what is wrong with it. Rows that are
    /// `true` here do not fit the columns and must be left out.
    pub problems: Vec<(usize, bool, RowProblem)>,
    longest_row: usize,
    /// Bytes of the source consumed when the batch was complete.
    pub bytes_read: u64,
}

impl Batch {
    /// The rows, bad ones included.
    pub fn records(&self) -> &[Record] {
        &self.records[..self.len]
    }

    /// Bytes of the longest row.
    pub fn longest_row(&self) -> usize {
        self.longest_row
    }

    /// True when row `index` does not fit the columns.
    pub fn is_bad(&self, index: usize) -> bool {
        // Problems are rare and in row order.
        self.problems
            .binary_search_by_key(&index, |problem| problem.0)
            .is_ok_and(|at| self.problems[at].1)
    }

    fn fill(&mut self, reader: &mut RecordReader) -> Result<bool, IngestError> {
        self.len = 0;
        self.longest_row = 0;
        self.problems.clear();
        let mut first_byte = None;
        while self.len < BATCH_ROWS {
            if self.records.len() == self.len {
                self.records.push(Record::new());
            }
            let record = &mut self.records[self.len];
            match reader.read(record)? {
                Row::End => break,
                Row::Good => {}
                Row::Mended(problem) => self.problems.push((self.len, false, problem)),
                Row::Bad(problem) => self.problems.push((self.len, true, problem)),
            }
            self.longest_row = self.longest_row.max(record.text_len());
            self.len += 1;
            let byte = self.records[self.len - 1].position.byte;
            if byte - *first_byte.get_or_insert(byte) > BATCH_BYTES {
                break;
            }
        }
        self.bytes_read = reader.byte_count().get();
        Ok(self.len > 0)
    }
}

/// Calls `work` with every batch of `reader`, in order, while the next ones are being read. Reports
/// bytes of `total_bytes` to the observer after each batch and stops when it asks for it.
pub fn for_each_batch<E: From<IngestError> + Send>(
    mut reader: RecordReader,
    total_bytes: u64,
    stage: Stage,
    observer: &mut dyn Observer,
    mut work: impl FnMut(&Batch) -> Result<(), E>,
) -> Result<(), E> {
    std::thread::scope(|scope| {
        let (full_out, full_in) = sync_channel(READ_AHEAD);
        let (empty_out, empty_in) = sync_channel(READ_AHEAD + 2);
        scope.spawn(move || read_batches(&mut reader, &full_out, &empty_in));
        for batch in full_in {
            let batch = batch?;
            work(&batch)?;
            if let ControlFlow::Break(()) = observer.report(stage, batch.bytes_read, total_bytes) {
                return Err(IngestError::Stopped.into());
            }
            // Buffers grow to the longest row they ever held, so those of long rows are not used again. The
            // reading thread may have ended already; then the buffers are simply dropped.
            if batch.longest_row <= LONGEST_RECYCLED {
                let _ = empty_out.try_send(batch);
            }
        }
        Ok(())
    })
}

fn read_batches(
    reader: &mut RecordReader,
    full: &SyncSender<Result<Batch, IngestError>>,
    empty: &Receiver<Batch>,
) {
    loop {
        let mut batch = empty.try_recv().unwrap_or_default();
        let message = match batch.fill(reader) {
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
