//! What several modules need: the sample data, tables that are made up while they are read, short ways to train.

use std::io::Read;

use yosoku::ml::ingest::decompress::Source;
use yosoku::ml::ingest::{HeaderMode, Options};
use yosoku::ml::learn::LearnParams;
use yosoku::ml::observe::Silent;
use yosoku::ml::pipeline::table::MemoryTable;
use yosoku::ml::pipeline::{Inspection, PipelineError, Table, TrainRequest, Trained, inspect, train};
use yosoku::ml::record::Record;
use yosoku::ml::split::{Split, Survey};
use yosoku::ml::target::TargetWish;

/// The names of the files in `datasets/`; each has the target column `target`.
pub const DATASETS: [&str; 5] = ["breast_cancer", "diabetes", "digits", "iris", "wine"];

/// The bytes of one of the sample files.
pub fn sample(name: &str) -> Vec<u8> {
    let path = format!("{}/datasets/{name}.csv", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// One of the sample files as a table.
pub fn sample_table(name: &str) -> MemoryTable {
    MemoryTable::new(sample(name))
}

/// A request with no options but the target.
pub fn request(target: &str, split: Split) -> TrainRequest {
    TrainRequest {
        schema: None,
        schema_settles_task: false,
        target: TargetWish {
            name: target.into(),
            ..TargetWish::default()
        },
        recipe: None,
        split,
        params: LearnParams::default(),
        memory: None,
        data_sha256: String::new(),
        earlier: None,
    }
}

/// Whether a split that goes by numbers of rows selects row `row`.
pub fn selects(split: &Split, row: u64) -> bool {
    let mut record = Record::new();
    record.position.record = row;
    Survey::new(split, 0, "").finish().unwrap().selects(&record)
}

/// Trains on all rows of a text with no options but the target.
pub fn train_text(text: impl AsRef<[u8]>, target: &str) -> Result<Trained, PipelineError> {
    train(
        &MemoryTable::new(text),
        &request(target, Split::all()),
        &mut Silent,
    )
}

/// Inspects a text.
pub fn inspect_text(text: impl AsRef<[u8]>, target: Option<&str>) -> Result<Inspection, PipelineError> {
    inspect(&MemoryTable::new(text), None, target, &Split::all(), &mut Silent)
}

/// Runs `work` on a pool of exactly `threads` threads.
pub fn on_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .expect("a pool of threads")
        .install(work)
}

/// A table whose bytes are made by a function each time it is opened, read with given options.
pub struct MadeTable<F> {
    pub make: F,
    pub options: Options,
}

impl<F> MadeTable<F> {
    pub fn new(make: F) -> Self {
        Self {
            make,
            options: Options::default(),
        }
    }
}

impl<R: Read + Send + 'static, F: Fn() -> R + Sync> Table for MadeTable<F> {
    fn open(&self) -> std::io::Result<Source> {
        Ok(Box::new((self.make)()))
    }

    fn bytes(&self) -> u64 {
        0
    }

    fn header(&self) -> HeaderMode {
        self.options.header
    }

    fn options(&self) -> Options {
        self.options.clone()
    }
}

/// Makes text piece by piece: `piece(i, buffer)` appends piece i and says whether there is one.
pub struct Pieces<F> {
    piece: F,
    next: u64,
    buffer: Vec<u8>,
    at: usize,
}

impl<F: FnMut(u64, &mut Vec<u8>) -> bool> Pieces<F> {
    pub fn new(piece: F) -> Self {
        Self {
            piece,
            next: 0,
            buffer: Vec::new(),
            at: 0,
        }
    }
}

impl<F: FnMut(u64, &mut Vec<u8>) -> bool> Read for Pieces<F> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        while self.at == self.buffer.len() {
            self.buffer.clear();
            self.at = 0;
            if !(self.piece)(self.next, &mut self.buffer) {
                return Ok(0);
            }
            self.next += 1;
        }
        let count = out.len().min(self.buffer.len() - self.at);
        out[..count].copy_from_slice(&self.buffer[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
