//! Batches as a whole: formats, side files, metrics, and going on after a stop.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, Cursor, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::ml::ingest::decompress::{Source, plain_bytes};
use crate::ml::ingest::problems::MAX_REJECTED;
use crate::ml::learn::LearnParams;
use crate::ml::model::Bundle;
use crate::ml::observe::Silent;
use crate::ml::pipeline::table::MemoryTable;
use crate::ml::pipeline::{TrainRequest, evaluate, train};
use crate::ml::predict::Scratch;
use crate::ml::record::Record;
use crate::ml::split::Split;
use crate::ml::target::TargetWish;

const TARGETS: [&str; 3] = ["side", "kind", "sum"];

/// Rows with an identifier, a colour, a size, and a target of each kind.
fn table(rows: u64) -> String {
    let mut text = String::from("id,colour,size,side,kind,sum\n");
    for row in 0..rows {
        let mixed = row.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        let (colour, size) = (["red", "blue", "green, dark"][(mixed % 3) as usize], mixed % 100);
        let side = if (mixed % 3) * 40 + size + mixed % 31 > 90 {
            "yes"
        } else {
            "no"
        };
        let kind = ["a", "b", "c"][((mixed / 7 + size / 30) % 3) as usize];
        let sum = size as f64 / 8.0 + (mixed % 5) as f64;
        writeln!(text, "r{row},\"{colour}\",{size},{side},{kind},{sum}").unwrap();
    }
    text
}

fn model(target: &str) -> Bundle {
    let text = table(400);
    // The other targets would tell too much.
    let text: String = text
        .lines()
        .map(|line| {
            let mut cut: Vec<&str> = line.rsplitn(4, ',').collect();
            let at = TARGETS.iter().rev().position(|name| *name == target).unwrap();
            let kept = cut[at];
            format!("{},{kept}\n", cut.pop().unwrap())
        })
        .collect();
    let request = TrainRequest {
        schema: None,
        schema_settles_task: false,
        target: TargetWish {
            name: target.into(),
            ..TargetWish::default()
        },
        recipe: None,
        split: Split::all(),
        params: LearnParams::default(),
        memory: None,
        data_sha256: String::new(),
        earlier: None,
    };
    train(&MemoryTable::new(text), &request, &mut Silent)
        .unwrap()
        .bundle
}

/// Parts in memory. After so many files were begun or kept it dies.
#[derive(Default)]
struct Held {
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    left: Arc<Mutex<Option<u64>>>,
    runs: AtomicU64,
    /// What the names of the work at hand begin with.
    own: Mutex<String>,
    /// The output, if it is to grow here.
    grown: Option<Grown>,
}

/// An output that grows, and its name. The disk may fail when it has to be safe.
#[derive(Clone, Default)]
struct Grown {
    held: Arc<Mutex<(String, Vec<u8>)>>,
    is_full: Arc<AtomicBool>,
}

/// What is not flushed is lost when a batch dies.
struct Behind {
    grown: Grown,
    buffer: Vec<u8>,
}

impl Write for Behind {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.grown.held.lock().unwrap().1.append(&mut self.buffer);
        Ok(())
    }
}

impl Growing for Behind {
    fn settling(&mut self) -> io::Result<Settling> {
        self.flush()?;
        let is_full = Arc::clone(&self.grown.is_full);
        Ok(Box::new(move || match is_full.load(Ordering::Relaxed) {
            true => Err(io::Error::other("the disk is full")),
            false => Ok(()),
        }))
    }
}

impl Held {
    fn growing() -> Self {
        Self {
            grown: Some(Grown::default()),
            ..Self::default()
        }
    }

    fn live(&self) -> io::Result<()> {
        live(&self.left)
    }

    fn marks(&self) -> usize {
        let files = self.files.lock().unwrap();
        files.keys().filter(|name| name.ends_with(".json")).count()
    }
}

/// Fails when nothing is left.
fn live(left: &Mutex<Option<u64>>) -> io::Result<()> {
    match left.lock().unwrap().as_mut() {
        Some(0) => return Err(io::Error::other("killed")),
        Some(left) => *left -= 1,
        None => {}
    }
    Ok(())
}

struct HeldFile {
    left: Arc<Mutex<Option<u64>>>,
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    name: String,
    bytes: Vec<u8>,
}

impl Parts for Held {
    fn create(&self, name: &str) -> io::Result<Box<dyn PartFile>> {
        self.live()?;
        let left = Arc::clone(&self.left);
        let (files, name, bytes) = (self.files.clone(), name.to_string(), Vec::new());
        Ok(Box::new(HeldFile {
            left,
            files,
            name,
            bytes,
        }))
    }

    fn open(&self, name: &str) -> io::Result<Option<Source>> {
        let bytes = self.files.lock().unwrap().get(name).cloned();
        Ok(bytes.map(|bytes| Box::new(Cursor::new(bytes)) as Source))
    }

    fn fresh(&self) -> io::Result<String> {
        Ok(format!("run {}", self.runs.fetch_add(1, Ordering::Relaxed)))
    }

    fn begin(&self, prefix: &str) -> io::Result<()> {
        *self.own.lock().unwrap() = prefix.to_string();
        Ok(())
    }

    fn remove_but(&self, kept: &BTreeSet<String>) -> io::Result<()> {
        let own = self.own.lock().unwrap();
        let goes = |name: &String| name.starts_with(&*own) && !kept.contains(name);
        self.files.lock().unwrap().retain(|name, _| !goes(name));
        Ok(())
    }

    fn can_grow(&self) -> bool {
        self.grown.is_some()
    }

    fn grown(&self, name: &str) -> io::Result<u64> {
        Ok(self
            .grown
            .as_ref()
            .map_or(0, |grown| match grown.held.lock().unwrap() {
                held if held.0 == name => held.1.len() as u64,
                _ => 0,
            }))
    }

    fn grow(&self, name: &str, length: u64) -> io::Result<Box<dyn Growing>> {
        let (grown, buffer) = (self.grown.clone().unwrap(), Vec::new());
        let mut held = grown.held.lock().unwrap();
        held.0 = name.to_string();
        held.1.truncate(length as usize);
        drop(held);
        Ok(Box::new(Behind { grown, buffer }))
    }
}

impl Write for HeldFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl PartFile for HeldFile {
    fn keep(self: Box<Self>) -> io::Result<()> {
        live(&self.left)?;
        self.files.lock().unwrap().insert(self.name, self.bytes);
        Ok(())
    }
}

/// What a batch gave.
#[derive(Debug, PartialEq)]
struct Made {
    out: Vec<u8>,
    problems: Vec<u8>,
    summary: BatchSummary,
}

fn made(
    predictor: &Predictor,
    text: &str,
    options: &BatchOptions,
    parts: Option<(&Held, &str)>,
) -> Result<Made, PipelineError> {
    let (mut out, mut problems) = (Vec::new(), Vec::new());
    let outputs = Outputs {
        out: &mut out,
        problems: Some(&mut problems),
        resume: parts.map(|(parts, input)| Resume { parts, input }),
    };
    let table = MemoryTable::new(text);
    let summary = predict_into(predictor, &table, options, outputs, &mut Silent)?;
    if let Some(grown) = parts.and_then(|(parts, _)| parts.grown.as_ref()) {
        assert!(out.is_empty());
        out.clone_from(&grown.held.lock().unwrap().1);
    }
    Ok(Made {
        out,
        problems,
        summary,
    })
}

fn plain(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    let (mut source, _) = plain_bytes(Box::new(Cursor::new(bytes.to_vec()))).unwrap();
    source.read_to_string(&mut text).unwrap();
    text
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    let text = plain(bytes);
    let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(read).collect()
}

/// A table with rows of each kind of trouble among many good ones.
fn troubled(rows: u64) -> String {
    let mut text = String::new();
    for (at, line) in table(rows).lines().enumerate() {
        match at % 1000 {
            7 => writeln!(text, "{line},more").unwrap(),
            9 => writeln!(text, "\n\n{line}").unwrap(),
            11 => writeln!(text, "x,\"pi\"\"nk\",-5e9,,d,").unwrap(),
            13 => writeln!(text, "y,,word,perhaps,,z").unwrap(),
            _ => writeln!(text, "{line}").unwrap(),
        }
    }
    text
}

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap().install(work)
}

/// Empty lines count, in batches before as in the one at hand, whichever thread is ahead.
#[test]
fn rows_are_numbered_through_all_batches_on_any_number_of_threads() {
    let predictor = Predictor::new(&model("side")).unwrap();
    let text = troubled(14_000);
    let options = BatchOptions {
        row_number: true,
        ..BatchOptions::default()
    };
    let on = |threads| on_threads(threads, || made(&predictor, &text, &options, None).unwrap());
    let one = on(1);
    let numbers = plain(&one.out);
    let numbers: Vec<&str> = numbers
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap())
        .collect();
    // Two empty lines before each of fourteen records; those and the ragged ones have no answer.
    assert_eq!(numbers.len(), 14_028);
    let wrong = (1..)
        .zip(&numbers)
        .find(|(row, number)| !number.is_empty() && **number != row.to_string());
    assert_eq!(wrong, None);
    assert_eq!(numbers.iter().filter(|number| number.is_empty()).count(), 3 * 14);
    assert!(one == on(2) && one == on(7));
}

/// Names that turn up late are told in the order in which they came.
#[test]
fn names_of_later_batches_are_told_in_order() {
    let predictor = Predictor::new(&model("side")).unwrap();
    let line = |row: u64| match row % 2_500 {
        2_499 => format!("{{\"colour\": \"red\", \"new {row}\": 1}}\n"),
        _ if row > 9_000 => format!("{{\"colour\": \"red\", \"size\": {row}}}\n"),
        _ => "{\"colour\": \"blue\"}\n".to_string(),
    };
    let text: String = (0..20_000).map(line).collect();
    for threads in [1, 2, 7] {
        let options = BatchOptions::default();
        let summary = on_threads(threads, || made(&predictor, &text, &options, None).unwrap()).summary;
        let names: Vec<String> = (1..=8).map(|at| format!("new {}", at * 2_500 - 1)).collect();
        assert_eq!(summary.extra_columns, names);
        assert!(!summary.absent_columns.contains(&"size".to_string()));
    }
}

/// A long file has many bad rows even where they are rare.
#[test]
fn bad_rows_end_a_batch_only_where_they_are_most_of_it() {
    let predictor = Predictor::new(&model("side")).unwrap();
    let text = |good: usize| {
        let whole = table(good as u64);
        let (header, rows) = whole.split_once('\n').unwrap();
        let bad = "too,few\n".repeat(MAX_REJECTED as usize + 1);
        format!("{header}\n{rows}{bad}")
    };
    let options = BatchOptions::default();
    let done = made(&predictor, &text(12_000), &options, None).unwrap();
    assert_eq!((done.summary.records, done.summary.invalid), (22_001, 10_001));
    assert_eq!(done.summary.threshold, Some(predictor.threshold()));
    let failed = made(&predictor, &text(9_000), &options, None).unwrap_err();
    assert_eq!(failed.code(), "too_many_bad_rows");
}

/// Several files are judged as one.
#[test]
fn bad_rows_of_the_files_before_count_too() {
    let predictor = Predictor::new(&model("side")).unwrap();
    let whole = table(100);
    let text = format!("{whole}{}", "too,few\n".repeat(6_000));
    let after = |records, rejected| {
        let options = BatchOptions {
            before: Some(Before { records, rejected }),
            ..BatchOptions::default()
        };
        made(&predictor, &text, &options, None).map(|made| made.summary.invalid)
    };
    assert_eq!(after(4_100, 4_000).unwrap(), 6_000);
    assert_eq!(after(6_000, 5_000).unwrap_err().code(), "too_many_bad_rows");
    assert_eq!(after(20_000, 5_000).unwrap(), 6_000, "most could be read");
    // Whether any could be read is asked at the end of the last.
    let (names, _) = whole.split_once('\n').unwrap();
    let bad = format!("{names}\ntoo,few\n");
    let options = BatchOptions {
        before: Some(Before::default()),
        ..BatchOptions::default()
    };
    let summary = made(&predictor, &bad, &options, None).unwrap().summary;
    assert_eq!(summary.check().unwrap_err().code(), "too_many_bad_rows");
    assert!(made(&predictor, &bad, &BatchOptions::default(), None).is_err());
}

/// Rows that were not asked for are nobody's problem.
#[test]
fn bad_rows_of_another_part_are_not_counted() {
    let predictor = Predictor::new(&model("side")).unwrap();
    let whole = table(100);
    let text = format!("{whole}{}", "too,few\n".repeat(100));
    let options = BatchOptions {
        split: Split::from_json(&json!({"percent_begin": 0, "percent_end": 50, "strategy": "sequential"}))
            .unwrap(),
        ..BatchOptions::default()
    };
    let summary = made(&predictor, &text, &options, None).unwrap().summary;
    assert_eq!(
        (summary.records, summary.invalid, summary.problems.rejected),
        (100, 0, 0)
    );
}

#[test]
fn stopping_anywhere_changes_no_byte() {
    let text = troubled(13_000);
    for (target, format, compress, grows) in [
        ("side", Format::Csv, Compress::Gzip, false),
        ("kind", Format::Jsonl, Compress::None, true),
        ("sum", Format::Csv, Compress::Zstd, true),
        ("side", Format::Parquet, Compress::Zstd, false),
    ] {
        let predictor = Predictor::new(&model(target)).unwrap();
        let options = BatchOptions {
            form: Form { format, compress },
            row_number: true,
            segments: Segments {
                records: 1,
                least_input: 0,
                ..Segments::default()
            },
            ..BatchOptions::default()
        };
        let straight = made(&predictor, &text, &options, None).unwrap();
        assert!(straight.summary.metrics.is_some());
        let held = match grows {
            true => Held::growing(),
            false => Held::default(),
        };
        let (mut tries, mut kept) = (0, Vec::new());
        let resumed = loop {
            // Up to three files and a mark are begun and kept for each segment: each attempt dies at another point.
            *held.left.lock().unwrap() = Some(tries % 14);
            tries += 1;
            match made(&predictor, &text, &options, Some((&held, "input"))) {
                Ok(made) => break made,
                Err(error) => assert!(error.to_string().contains("killed"), "{error}"),
            }
            kept.push(held.marks());
        };
        assert!(
            kept.is_sorted() && kept.last() >= Some(&2),
            "of four segments, {kept:?}"
        );
        assert!(
            resumed == straight,
            "{target}: after {tries} tries, {:?}",
            resumed.summary
        );

        *held.left.lock().unwrap() = None;
        // Whatever is asked for now is other work, and made from the beginning.
        let other = BatchOptions {
            row_number: false,
            ..options.clone()
        };
        let expected = made(&predictor, &text, &other, None).unwrap();
        assert!(made(&predictor, &text, &other, Some((&held, "input"))).unwrap() == expected);
        assert!(made(&predictor, &text, &options, Some((&held, "another"))).unwrap() == straight);
    }
}

/// Segments as short as can be, all of them kept.
fn short_segments() -> BatchOptions {
    BatchOptions {
        segments: Segments {
            records: 1,
            least_input: 0,
            ..Segments::default()
        },
        ..BatchOptions::default()
    }
}

/// It was killed when the output had its name and the marks were still there, and then twice more.
#[test]
fn marks_of_an_output_that_has_gone_count_no_more() {
    let predictor = Predictor::new(&model("side")).unwrap();
    let (options, text, held) = (short_segments(), table(13_000), Held::growing());
    let straight = made(&predictor, &text, &options, None).unwrap();
    let made = || made(&predictor, &text, &options, Some((&held, "i")));
    let grown = held.grown.as_ref().unwrap();
    assert!(made().unwrap() == straight);
    assert_eq!(held.marks(), 3, "of four segments");
    *grown.held.lock().unwrap() = Default::default();
    for left in [2, 5, 8, 8, 5] {
        *held.left.lock().unwrap() = Some(left);
        made().unwrap_err();
        // The power fails, too: what no mark tells of has its length and nothing in it.
        let files = held.files.lock().unwrap();
        let marks = files.iter().filter(|(name, _)| name.ends_with(".json"));
        let written = |text: &[u8]| serde_json::from_slice::<Value>(text).unwrap()["written"].as_u64();
        let safe = marks.map(|(_, text)| written(text).unwrap()).max();
        let bytes = &mut grown.held.lock().unwrap().1;
        bytes.truncate(safe.unwrap_or(0) as usize);
        bytes.resize(straight.out.len(), 0);
    }
    assert!(held.marks() > 0);
    *held.left.lock().unwrap() = None;
    assert!(made().unwrap() == straight);
}

/// What a mark behind a gap tells of is written anew, so it must not count once the gap is closed.
#[test]
fn marks_behind_a_gap_go_before_anything_is_written() {
    let predictor = Predictor::new(&model("side")).unwrap();
    let (options, text) = (short_segments(), table(13_000));
    for held in [Held::default(), Held::growing()] {
        let straight = made(&predictor, &text, &options, Some((&held, "i"))).unwrap();
        let is_second = |name: &String| name.ends_with("-000001.json");
        held.files.lock().unwrap().retain(|name, _| !is_second(name));
        *held.left.lock().unwrap() = Some(0);
        made(&predictor, &text, &options, Some((&held, "i"))).unwrap_err();
        assert_eq!(held.marks(), 1);
        *held.left.lock().unwrap() = None;
        assert!(made(&predictor, &text, &options, Some((&held, "i"))).unwrap() == straight);
        assert_eq!(held.marks(), 3);
    }
}

#[test]
fn what_cannot_be_made_safe_is_told_and_has_no_mark() {
    let predictor = Predictor::new(&model("side")).unwrap();
    // A failure is told when the next segment ends, or the last one.
    for rows in [5_000, 13_000] {
        let (text, held) = (table(rows), Held::growing());
        held.grown
            .as_ref()
            .unwrap()
            .is_full
            .store(true, Ordering::Relaxed);
        let failed = made(&predictor, &text, &short_segments(), Some((&held, "i"))).unwrap_err();
        assert!(failed.to_string().contains("the disk is full"), "{failed}");
        assert_eq!(held.marks(), 0);
    }
}

/// A part without one of its pieces, and all that follow, are made again.
#[test]
fn answers_that_have_gone_are_missed() {
    let predictor = Predictor::new(&model("side")).unwrap();
    let (options, text) = (short_segments(), table(13_000));
    for held in [Held::default(), Held::growing()] {
        let straight = made(&predictor, &text, &options, Some((&held, "i"))).unwrap();
        let is_gone = |name: &String| name.ends_with("-000001.truths");
        held.files.lock().unwrap().retain(|name, _| !is_gone(name));
        let again = made(&predictor, &text, &options, Some((&held, "i"))).unwrap();
        assert!(again == straight && again.summary.metrics.is_some());
        assert!(held.files.lock().unwrap().keys().any(is_gone));
    }
}

#[test]
fn finished_parts_are_not_scored_again() {
    let predictor = Predictor::new(&model("side")).unwrap();
    let options = short_segments();
    let held = Held::default();
    let text = table(9000);
    made(&predictor, &text, &options, Some((&held, "i"))).unwrap();
    // What is kept is believed, so a changed part shows in the output.
    let second = |name: &&String| name.ends_with("-000001.out");
    let name = held.files.lock().unwrap().keys().find(second).cloned().unwrap();
    held.files.lock().unwrap().insert(name, b"kept\n".to_vec());
    let again = made(&predictor, &text, &options, Some((&held, "i"))).unwrap();
    assert!(plain(&again.out).contains("\nkept\n"));
    // Inputs that are small are not kept at all.
    let small = BatchOptions::default();
    let none = Held::default();
    made(&predictor, &text, &small, Some((&none, "i"))).unwrap();
    assert!(none.files.lock().unwrap().is_empty());
}

#[test]
fn json_lines_say_what_csv_says() {
    let text = troubled(2000);
    for target in TARGETS {
        let predictor = Predictor::new(&model(target)).unwrap();
        let labels = predictor.target().labels();
        let csv = BatchOptions {
            row_number: true,
            explain: true,
            columns: vec!["colour".into(), "id".into()],
            ..BatchOptions::default()
        };
        let form = Form {
            format: Format::Jsonl,
            compress: Compress::None,
        };
        let objects = lines(
            &made(&predictor, &text, &BatchOptions { form, ..csv.clone() }, None)
                .unwrap()
                .out,
        );
        let csv = plain(&made(&predictor, &text, &csv, None).unwrap().out);
        let mut reader = csv::ReaderBuilder::new().from_reader(csv.as_bytes());
        let header = reader.headers().unwrap().clone();
        let mut rows = reader.records().map(Result::unwrap);
        let mut numbers = 1..;
        for object in &objects {
            assert_eq!(object["row"], numbers.next().unwrap());
            if !object["error"].is_null() {
                assert!(object["line"].as_u64().unwrap() > 1, "{object}");
                continue;
            }
            let row = rows.next().unwrap();
            for (name, text) in header.iter().zip(row.iter()) {
                let found = match name {
                    "row" | "tag" => &object[name],
                    "trueLabel" => &object["true_label"],
                    "bestAnswer" => &object["label"],
                    "score" if target == "sum" => &object["value"],
                    "score" => &object["score"],
                    "baseline" => &object["baseline"],
                    "colour" | "id" => &object["columns"][name],
                    label if labels.contains(&label) => &object["probabilities"][label],
                    other => &object["contributions"][other.strip_prefix("contribution_").unwrap()],
                };
                match found {
                    Value::String(found) => assert_eq!(found, text, "{name}"),
                    found => assert_eq!(
                        found.as_f64().unwrap().to_bits(),
                        text.parse::<f64>().unwrap().to_bits(),
                        "{name}: {object}"
                    ),
                }
            }
        }
        assert!(rows.next().is_none());
        assert_eq!(
            objects.iter().filter(|object| !object["error"].is_null()).count(),
            2 + 2 * 2
        );
    }
}

/// A Parquet file as the records of a table, header first.
fn read_again(file: &[u8]) -> Vec<csv::StringRecord> {
    let table = MemoryTable::new(file);
    let mut text = String::new();
    let place = table.any_place(table.open().unwrap()).unwrap();
    let mut source = crate::ml::parquet::CsvText::open(place).unwrap();
    source.read_to_string(&mut text).unwrap();
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.has_headers(false).from_reader(text.as_bytes());
    reader.records().map(Result::unwrap).collect()
}

#[test]
fn parquet_says_what_csv_says() {
    let text = troubled(2000);
    for target in TARGETS {
        let predictor = Predictor::new(&model(target)).unwrap();
        let csv = BatchOptions {
            row_number: true,
            explain: true,
            columns: vec!["colour".into(), "id".into()],
            ..BatchOptions::default()
        };
        let columns = BatchOptions {
            form: Form::parquet(),
            ..csv.clone()
        };
        let rows = read_again(&made(&predictor, &text, &columns, None).unwrap().out);
        let csv = plain(&made(&predictor, &text, &csv, None).unwrap().out);
        let mut expected = csv.lines();
        for (number, row) in rows.iter().enumerate() {
            let mut line = expected.next().unwrap().to_string();
            if line.is_empty() {
                // A row of nulls, and its number.
                line = format!("{number}{}", ",".repeat(row.len() - 1));
            }
            let mut reader = csv::ReaderBuilder::new();
            let mut reader = reader.has_headers(false).from_reader(line.as_bytes());
            assert_eq!(reader.records().next().unwrap().unwrap(), *row);
        }
        assert_eq!(expected.next(), None);
    }
}

#[test]
fn a_parquet_output_has_each_name_once() {
    let predictor = Predictor::new(&model("side")).unwrap();
    let options = BatchOptions {
        columns: vec!["colour".into(), "colour".into()],
        form: Form::parquet(),
        ..BatchOptions::default()
    };
    let error = made(&predictor, &table(9), &options, None).unwrap_err();
    assert_eq!(error.code(), "duplicate_column");
    assert!(
        error.to_string().contains("two columns called `colour`"),
        "{error}"
    );
    let empty = BatchOptions {
        form: Form::parquet(),
        ..BatchOptions::default()
    };
    let header = table(0);
    let rows = read_again(&made(&predictor, &header, &empty, None).unwrap().out);
    assert_eq!(rows.len(), 1, "the names alone");
}

#[test]
fn json_lines_are_scored_as_the_same_rows_in_csv() {
    let predictor = Predictor::new(&model("side")).unwrap();
    let csv = "id,colour,size,side,extra\na,red,1.50,yes,1\nb,,7e1,no,2\nc,\"green, dark\",,,3\n";
    let json = concat!(
        "{\"extra\": 1, \"id\": \"a\", \"colour\": \"red\", \"size\": 1.50, \"side\": \"yes\"}\n",
        "\n{\"size\": 7e1, \"side\": \"no\", \"id\": \"b\", \"colour\": null, \"extra\": 2}\r\n",
        "{\"id\": \"c\", \"colour\": \"green,\\u0020dark\", \"extra\": 3}",
    );
    let options = BatchOptions {
        columns: vec!["size".into()],
        ..BatchOptions::default()
    };
    let (of_csv, of_json) = (
        made(&predictor, csv, &options, None).unwrap(),
        made(&predictor, json, &options, None).unwrap(),
    );
    assert_eq!(plain(&of_json.out), plain(&of_csv.out));
    assert_eq!(of_json.summary, of_csv.summary);
    assert_eq!(of_json.summary.extra_columns, ["extra"]);

    let broken = "{\"colour\":\"red\",\"size\":1}\n[]\n{\"colour\":{},\"size\":1}\n{\"size\":2,\"size\":3}\n{\"size\":2}\n{\n";
    let many = broken.to_string() + &"{\"size\":2}\n".repeat(9);
    let made_of_broken = made(&predictor, &many, &BatchOptions::default(), None).unwrap();
    let text = plain(&made_of_broken.out);
    let blank: Vec<usize> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.is_empty())
        .map(|(at, _)| at)
        .collect();
    assert_eq!(blank, [2, 3, 4, 6], "{text}");
    let told: Vec<(u64, String)> = lines(&made_of_broken.problems)
        .iter()
        .map(|line| {
            (
                line["row"].as_u64().unwrap(),
                line["code"].as_str().unwrap().to_string(),
            )
        })
        .collect();
    let expected = [
        (2, "not_an_object"),
        (3, "nested_value"),
        (4, "duplicate_field"),
        (6, "invalid_json"),
    ];
    assert_eq!(told, expected.map(|(row, code)| (row, code.to_string())));
    assert_eq!(made_of_broken.summary.absent_columns, [""; 0]);

    let wrong = made(&predictor, "{\"weight\":1}\n", &BatchOptions::default(), None).unwrap_err();
    assert!(wrong.to_string().contains("weight"), "{wrong}");
}

#[test]
fn problems_tell_row_line_field_and_value() {
    let predictor = Predictor::new(&model("side")).unwrap();
    let long = "x".repeat(100);
    let text = format!(
        "colour,size,side\nred,1,yes\n\nred\n{long},2,no\nblue,word,no\nblue,,no\nred,1e9,\n\"a\nb\",5,yes\n"
    );
    let found = made(&predictor, &text, &BatchOptions::default(), None).unwrap();
    let told = lines(&found.problems);
    let seen: Vec<Value> = told
        .iter()
        .map(|line| json!([line["row"], line["line"], line["code"], line["field"]]))
        .collect();
    let expected = json!([
        [2, 3, "empty_line", null],
        [3, 4, "ragged_row", null],
        [4, 5, "unknown_category", "colour"],
        [5, 6, "invalid", "size"],
        [7, 8, "out_of_range", "size"],
        [8, 9, "unknown_category", "colour"],
    ]);
    assert_eq!(json!(seen), expected);
    assert_eq!(told[2]["value"], format!("{}…", "x".repeat(80)));
    assert_eq!(
        (&told[3]["value"], &told[5]["value"]),
        (&json!("word"), &json!("a\nb"))
    );
    assert!(told.iter().all(|line| line["message"].is_string()));
    assert_eq!(found.summary.notes["missing"], 1, "counted, and not listed");
}

#[test]
fn metrics_are_those_of_an_evaluation() {
    let text = troubled(3000);
    for target in TARGETS {
        let bundle = model(target);
        let predictor = Predictor::new(&bundle).unwrap();
        let table = MemoryTable::new(&text);
        let judged = evaluate(
            &predictor,
            &bundle.document.training,
            &table,
            &Split::all(),
            &mut Silent,
        )
        .unwrap();
        let summary = made(&predictor, &text, &BatchOptions::default(), None)
            .unwrap()
            .summary;
        let metrics = summary.metrics.clone().unwrap();
        let expected = judged.report.metrics();
        let expected: BTreeMap<String, _> = expected
            .iter()
            .map(|(name, value)| (name.to_string(), **value))
            .collect();
        assert_eq!(metrics.values, expected, "{target}");
        assert_eq!(
            (metrics.records, metrics.unknown_target),
            (judged.report.records(), judged.unknown_target)
        );
        let written = serde_json::to_string(&summary).unwrap();
        assert_eq!(serde_json::from_str::<BatchSummary>(&written).unwrap(), summary);
        let without = made(&predictor, "colour,size\nred,1\n", &BatchOptions::default(), None).unwrap();
        assert_eq!(without.summary.metrics, None);
    }
}

/// The scores in the output are those that the predictor gives one record alone.
#[test]
fn scores_are_those_of_single_records_to_the_bit() {
    let predictor = Predictor::new(&model("sum")).unwrap();
    let text = table(5000);
    let out = plain(
        &made(&predictor, &text, &BatchOptions::default(), None)
            .unwrap()
            .out,
    );
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut scratch = Scratch::default();
    for (row, line) in reader.records().map(Result::unwrap).zip(out.lines().skip(1)) {
        let values: BTreeMap<&str, &str> = [("id", 0), ("colour", 1), ("size", 2), ("sum", 5)]
            .map(|(name, at)| (name, &row[at]))
            .into();
        let schema = predictor.schema();
        let fields = schema
            .attributes
            .iter()
            .map(|a| values.get(a.name.as_str()).copied().unwrap_or_default());
        predictor.score(&Record::from_fields(fields), &mut scratch);
        let told: f64 = line.rsplit(',').next().unwrap().parse().unwrap();
        assert_eq!(told.to_bits(), scratch.scores[0].to_bits(), "{line}");
    }
}
