//! `--split`: what is held out, that training again gives the same model, and what is refused.

use std::fs;
use std::path::Path;

use crate::support::{Ran, run, text, yosoku};

fn told(folder: &Path, line: &str) -> Ran {
    let mut command = yosoku(line.split(' '));
    command.current_dir(folder);
    run(&mut command)
}

/// 400 visits in order of time by 80 customers; one in twenty is `yes`.
fn visits() -> String {
    (0..400).fold("when,who,x,answer\n".to_string(), |text, i| {
        let (day, hour) = (1 + i / 20, i % 20);
        let answer = if i % 20 == 7 { "yes" } else { "no" };
        text + &format!(
            "2024-03-{day:02}T{hour:02}:30,c{},{},{answer}\n",
            i * 13 % 80,
            i * i % 17
        )
    })
}

#[test]
fn every_way_to_hold_rows_out_trains_judges_and_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    fs::write(place.join("visits.csv"), visits()).unwrap();
    let mut hashes = Vec::new();
    for (split, low, high) in [
        ("random", 90, 150),
        ("sequential", 120, 120),
        ("stratified", 119, 121),
        ("stratified:who", 80, 160),
        ("group:who", 60, 180),
        ("time:when", 120, 120),
    ] {
        let line = format!("train visits.csv --target answer --split {split} --seed 3 --out m.yosoku --json");
        let trained = told(place, &line).json();
        let held = trained["holdout_rows"].as_u64().unwrap();
        assert!((low..=high).contains(&held), "{split}: {held}");
        assert_eq!(trained["training_rows"].as_u64().unwrap() + held, 400, "{split}");
        assert_eq!(trained["evaluation"]["records"], held, "{split}");
        let verified = told(place, "verify m.yosoku visits.csv").ok();
        assert!(text(&verified).contains("bit for bit"), "{split}");
        hashes.push(trained["model"]["hash"].as_str().unwrap().to_owned());
    }
    // The table is in order of time, so that these two are the same rows; the model says how they were found.
    assert_ne!(hashes[1], hashes[5]);
    let plain = told(place, "train visits.csv --target answer --seed 3 --json").json();
    assert_eq!(plain["model"]["hash"], *hashes[0], "random is the default");
    let positives = told(
        place,
        "train visits.csv --target answer --split stratified --json",
    )
    .json();
    assert_eq!(positives["evaluation"]["positives"], 6, "of 20, 30 percent");
}

#[test]
fn what_cannot_be_split_so_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    fs::write(place.join("visits.csv"), visits()).unwrap();
    for (split, code, word) in [
        ("clever", 2, "random, sequential, stratified, group, time"),
        ("time", 2, "--split time:COL"),
        ("random:who", 2, "leave it out"),
        ("time:wen", 4, "did you mean `when`?"),
        ("time:who", 4, "no number and no date"),
        ("group:nowhere", 4, "its columns are when, who, x, answer"),
    ] {
        let ran = told(
            place,
            &format!("train visits.csv --target answer --split {split}"),
        );
        assert_eq!(ran.code, Some(code), "{split}: {}", ran.err);
        assert!(ran.err.contains(word), "{split}: {}", ran.err);
    }
    let help = text(&told(place, "train --help").ok()).to_owned();
    for word in ["group:COL", "time:COL", "stratified:COL", "sequential"] {
        assert!(help.contains(word), "{word}");
    }
}
