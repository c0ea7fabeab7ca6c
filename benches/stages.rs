//! How fast each stage from the bytes of a CSV file to feature vectors is, in MB of CSV per second.
//!
//! `cargo bench --bench stages -- FILE [TARGET]`. Reading, cutting and features run on one thread, profiling on two.
//! Without a file nothing is measured.

#![allow(clippy::print_stdout, reason = "it prints what it measured")]

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use yosoku::ml::features::{FeatureVector, Featurizer, FeaturizerFit, MOST_FEATURES, Workspace};
use yosoku::ml::ingest::decompress::Source;
use yosoku::ml::ingest::reader::Piece;
use yosoku::ml::ingest::{RecordReader, for_each_batch};
use yosoku::ml::observe::{Silent, Stage};
use yosoku::ml::pipeline::{Table, inspect};
use yosoku::ml::profile::Profiler;
use yosoku::ml::recipe::{resolve, suggest};
use yosoku::ml::record::Record;
use yosoku::ml::split::{Selector, Split};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

struct CsvFile {
    path: PathBuf,
    bytes: u64,
}

impl Table for CsvFile {
    fn open(&self) -> std::io::Result<Source> {
        Ok(Box::new(File::open(&self.path)?))
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }
}

fn read(table: &CsvFile) -> Outcome<()> {
    let mut source = table.open()?;
    let mut buffer = vec![0; 1 << 20];
    while source.read(&mut buffer)? > 0 {}
    Ok(())
}

fn cut(table: &CsvFile) -> Outcome<()> {
    let (mut reader, mut piece) = (table.records()?, Piece::default());
    while reader.read_piece(&mut piece)? {}
    Ok(())
}

fn records(table: &CsvFile) -> Outcome<()> {
    let (mut reader, mut piece, mut record) = (table.records()?, Piece::default(), Record::new());
    while reader.read_piece(&mut piece)? {
        (0..piece.rows.len()).for_each(|row| piece.rows.copy(row, &mut record));
    }
    Ok(())
}

fn profile(table: &CsvFile) -> Outcome<()> {
    let reader: RecordReader = table.records()?;
    Profiler::read(reader, table.bytes, None, &Selector::all(), &mut Silent)?;
    Ok(())
}

/// Time spent on records in memory: learning the featurizer, and making feature vectors with it.
fn features(table: &CsvFile, target: &str) -> Outcome<(Duration, Duration)> {
    let inspection = inspect(table, None, Some(target), &Split::all(), &mut Silent)?;
    let schema = inspection.schema;
    let terms = resolve(&suggest(&schema, &inspection.statistics), &schema)?;
    let mut fit = FeaturizerFit::new(&terms, &schema, MOST_FEATURES);
    let mut learning = Duration::ZERO;
    for_each_batch(
        table.records()?,
        0,
        Stage::Featurize,
        &mut Silent,
        |batch| -> Outcome<()> {
            let rows: Vec<&Record> = batch.records().iter().collect();
            let begin = Instant::now();
            fit.add(&rows);
            learning += begin.elapsed();
            Ok(())
        },
    )?;
    // The suggested recipe multiplies nothing, so one pass is enough.
    fit.next_pass();
    let featurizer = Featurizer::new(fit.freeze(), &schema);
    let mut workspace = Workspace::default();
    let (mut vector, mut making) = (FeatureVector::default(), Duration::ZERO);
    for_each_batch(
        table.records()?,
        0,
        Stage::Encode,
        &mut Silent,
        |batch| -> Outcome<()> {
            let begin = Instant::now();
            batch
                .records()
                .iter()
                .for_each(|record| featurizer.apply(record, &mut workspace, &mut vector));
            making += begin.elapsed();
            Ok(())
        },
    )?;
    Ok((learning, making))
}

fn main() -> Outcome<()> {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"));
    let Some(path) = arguments.next().map(PathBuf::from) else {
        println!("give a CSV file, and a target for the stages that need one");
        return Ok(());
    };
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?;
    let bytes = std::fs::metadata(&path)?.len();
    let table = CsvFile { path, bytes };
    println!("{:<44}{:>9}{:>10}", "stage", "seconds", "MB/s");
    let show = |stage: &str, time: Duration| {
        let seconds = time.as_secs_f64();
        println!("{stage:<44}{seconds:>9.3}{:>10.0}", bytes as f64 / 1e6 / seconds);
    };
    let timed = |work: &dyn Fn(&CsvFile) -> Outcome<()>| -> Outcome<Duration> {
        let mut times = Vec::new();
        for _ in 0..3 {
            let begin = Instant::now();
            work(&table)?;
            times.push(begin.elapsed());
        }
        times.sort_unstable();
        Ok(times[1])
    };
    show("read the file", timed(&read)?);
    let cutting = timed(&cut)?;
    show("read, cut into rows and fields, check UTF-8", cutting);
    let copying = timed(&records)?;
    show("the same, and copied into records", copying);
    show("profile, on two threads", timed(&profile)?);
    if let Some(target) = arguments.next() {
        let (learning, making) = features(&table, &target)?;
        show("learn the featurizer from records", learning);
        show("records to feature vectors", making);
        show("CSV to feature vectors", copying + making);
    }
    Ok(())
}
