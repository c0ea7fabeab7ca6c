//! The fuzz targets without a fuzzer: their seeds, and as many changes of them as take a few seconds, the same in
//! every run. What a fuzzer found becomes a seed and so is tested here for ever.

use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};

use yosoku::ml::hash::Stream;

use crate::fuzz::{csv, recipe, schema};

/// Far more than any input takes, and far less than one whose time grows with the square of its length.
const LONGEST: Duration = Duration::from_secs(10);

#[test]
fn changed_recipes() {
    run("recipe", 20_000, recipe::check);
}

#[test]
fn changed_schemas() {
    run("schema", 50_000, schema::check);
}

#[test]
fn changed_sources_of_csv() {
    run("csv", 10_000, csv::check);
}

/// Checks the seeds of a target and `cases` changes of them.
fn run(target: &str, cases: u64, check: fn(&[u8])) {
    let seeds = seeds(target);
    for (name, seed) in &seeds {
        judge(target, name, seed, check);
    }
    for case in 0..cases {
        let input = changed(&seeds, &mut Stream::branch(1, case));
        judge(target, &format!("change {case}"), &input, check);
    }
}

/// The files in the folder of a target's seeds, by name.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/seeds")
        .join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seeds: Vec<(String, Vec<u8>)> = files
        .map(|file| file.unwrap())
        .map(|file| {
            (
                file.file_name().into_string().unwrap(),
                std::fs::read(file.path()).unwrap(),
            )
        })
        .collect();
    seeds.sort();
    assert!(seeds.len() > 1, "{} has no seeds", folder.display());
    seeds
}

fn judge(target: &str, name: &str, input: &[u8], check: fn(&[u8])) {
    let start = Instant::now();
    let passed = catch_unwind(|| check(input)).is_ok();
    assert!(
        passed && start.elapsed() < LONGEST,
        "{name} of target {target}: after {:?} this failed; mend it and keep it in fuzz/seeds/{target}: b\"{}\"",
        start.elapsed(),
        input.escape_ascii(),
    );
}

/// One of the seeds with a few changes.
fn changed(seeds: &[(String, Vec<u8>)], stream: &mut Stream) -> Vec<u8> {
    let mut input = seeds[below(stream, seeds.len())].1.clone();
    for _ in 0..=below(stream, 4) {
        let at = below(stream, input.len() + 1);
        match below(stream, 6) {
            0 => flip(&mut input, at, 1 << below(stream, 8)),
            1 => flip(&mut input, at, stream.next_u64() as u8),
            2 => input.truncate(at),
            3 => drop(input.drain(at..at + below(stream, input.len() - at + 1).min(16))),
            4 => {
                let piece = piece(&seeds[below(stream, seeds.len())].1, stream);
                input.splice(at..at, piece);
            }
            _ => {
                let piece = piece(&input, stream);
                input.splice(at..at, piece);
            }
        }
    }
    input
}

fn flip(input: &mut [u8], at: usize, bits: u8) {
    if let Some(byte) = input.get_mut(at) {
        *byte ^= bits;
    }
}

/// Some consecutive bytes, more often few than many.
fn piece(bytes: &[u8], stream: &mut Stream) -> Vec<u8> {
    let start = below(stream, bytes.len() + 1);
    let longest = 1 << below(stream, 10);
    let length = below(stream, longest).min(bytes.len() - start);
    bytes[start..start + length].to_vec()
}

fn below(stream: &mut Stream, limit: usize) -> usize {
    (stream.next_u64() % limit as u64) as usize
}
