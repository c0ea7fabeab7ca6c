//! `yosoku predict` on whole files: formats, side files, metrics, and going on after a kill.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::data::{Answers, visits};
use crate::support::{PATIENCE, Ran, Running, files, run, run_with_input, sample, text, until, yosoku};

fn told(folder: &Path, line: &str) -> Ran {
    run(yosoku(words(line)).current_dir(folder))
}

/// The words of a line; `@iris` is the path of a sample file.
fn words(line: &str) -> Vec<String> {
    let word = |word: &str| match word.strip_prefix('@') {
        Some(name) => sample(name).display().to_string(),
        None => word.to_owned(),
    };
    line.split(' ').map(word).collect()
}

/// A folder with the model `m`, trained on the sample of that name.
fn with_model(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    told(folder.path(), &format!("train @{name} --target target --out m")).ok();
    folder
}

/// The bytes of a file, decompressed by the tool for that.
fn unpacked(folder: &Path, name: &str) -> Vec<u8> {
    let bytes = fs::read(folder.join(name)).unwrap();
    match name.rsplit('.').next() {
        Some("gz") => {
            let mut plain = Vec::new();
            let mut decoder = flate2::read::MultiGzDecoder::new(&bytes[..]);
            std::io::Read::read_to_end(&mut decoder, &mut plain).unwrap();
            plain
        }
        Some("zst") => zstd::decode_all(&bytes[..]).unwrap(),
        _ => bytes,
    }
}

#[test]
fn the_name_of_the_output_says_how_it_is_written() {
    let folder = with_model("breast_cancer");
    let place = folder.path();
    let csv = told(place, "predict m @breast_cancer --out -").ok();
    let json = told(place, "predict m @breast_cancer --out - --format jsonl").ok();
    for (name, expected) in [
        ("p.csv", &csv),
        ("p.csv.gz", &csv),
        ("p.csv.zst", &csv),
        ("p.jsonl", &json),
        ("p.ndjson.gz", &json),
        ("p.jsonl.zst", &json),
    ] {
        told(place, &format!("predict m @breast_cancer --out {name}")).ok();
        assert!(unpacked(place, name) == *expected, "{name}");
        assert!(!place.join(format!("{name}.parts")).exists());
    }
    told(
        place,
        "predict m @breast_cancer --out x.jsonl --format csv --compress gzip",
    )
    .ok();
    fs::rename(place.join("x.jsonl"), place.join("x.gz")).unwrap();
    assert!(unpacked(place, "x.gz") == csv);
    let first: Value = serde_json::from_str(text(&json).lines().next().unwrap()).unwrap();
    let names: Vec<&String> = first.as_object().unwrap().keys().collect();
    assert_eq!(names, ["true_label", "label", "score", "probabilities"]);
}

/// The rows of a table as JSON lines, numbers as they are written.
fn as_json_lines(table: &[u8]) -> String {
    let mut reader = csv::Reader::from_reader(table);
    let names = reader.headers().unwrap().clone();
    let mut lines = String::new();
    for row in reader.records().map(Result::unwrap) {
        let member = |(name, value): (&str, &str)| match value.parse::<f64>() {
            Ok(_) => format!("{name:?}: {value}"),
            Err(_) => format!("{name:?}: {value:?}"),
        };
        let members: Vec<String> = names.iter().zip(row.iter()).map(member).collect();
        lines += &format!("{{{}}}\n", members.join(", "));
    }
    lines
}

#[test]
fn json_lines_are_predicted_and_not_learned_from() {
    let folder = with_model("breast_cancer");
    let place = folder.path();
    let lines = as_json_lines(&fs::read(sample("breast_cancer")).unwrap());
    fs::write(place.join("t.jsonl"), &lines).unwrap();
    fs::write(
        place.join("t.zst"),
        zstd::encode_all(lines.as_bytes(), 1).unwrap(),
    )
    .unwrap();
    let expected = told(place, "predict m @breast_cancer --out -").ok();
    for name in ["t.jsonl", "t.zst"] {
        assert!(
            told(place, &format!("predict m {name} --out -")).ok() == expected,
            "{name}"
        );
    }
    let piped = run_with_input(
        yosoku(words("predict m - --out -")).current_dir(place),
        lines.as_bytes(),
    );
    assert!(piped.ok() == expected);
    for line in ["train t.jsonl --target target", "inspect t.zst"] {
        let refused = told(place, line);
        assert_eq!(refused.code, Some(4), "{line}");
        assert!(refused.err.contains("[json_lines]"), "{line}: {}", refused.err);
    }
}

#[test]
fn problems_and_metrics_are_told() {
    let folder = with_model("iris");
    let place = folder.path();
    let table = fs::read_to_string(sample("iris")).unwrap();
    let mut lines: Vec<&str> = table.lines().collect();
    lines.insert(3, "1,2");
    lines.insert(5, "wide,3.5,1.4,0.2,setosa");
    fs::write(place.join("t.csv"), lines.join("\n")).unwrap();
    let made = told(
        place,
        "predict m t.csv --out p.csv --row-number --problems q.jsonl",
    );
    assert!(
        made.err.contains("on 151 rows with a target: accuracy 0.9"),
        "{}",
        made.err
    );
    made.ok();
    let numbered = fs::read_to_string(place.join("p.csv")).unwrap();
    let numbered: Vec<&str> = numbered.lines().collect();
    assert!(numbered[0].starts_with("row,trueLabel,"));
    assert!(numbered[2].starts_with("2,") && numbered[3].is_empty() && numbered[4].starts_with("4,"));
    let told_problems = fs::read_to_string(place.join("q.jsonl")).unwrap();
    let problems: Vec<Value> = told_problems
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let brief = |problem: &Value| {
        format!(
            "{} {} {} {}",
            problem["row"], problem["line"], problem["code"], problem["value"]
        )
    };
    let found: Vec<String> = problems.iter().map(brief).collect();
    assert_eq!(
        found[..2],
        ["3 4 \"ragged_row\" null", "5 6 \"invalid\" \"wide\""]
    );

    let same = told(place, "predict m t.csv --out p.csv --problems p.csv");
    assert_eq!(same.code, Some(5), "{}", same.err);
    let same = told(place, "predict m t.csv --out new.csv --problems ./new.csv");
    assert_eq!(same.code, Some(5), "{}", same.err);
}

#[test]
fn a_killed_run_goes_on_after_its_last_finished_part() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    fs::write(place.join("small.csv"), visits(3000, Answers::Two)).unwrap();
    fs::write(place.join("large.csv"), visits(1_500_000, Answers::Two)).unwrap();
    told(place, "train small.csv --target answer --out m").ok();
    let line = "predict m large.csv --out p.csv.gz --problems q.jsonl --row-number";
    let running = Running::start(yosoku(words(line)).current_dir(place));
    let is_kept = || {
        let parts = fs::read_dir(place.join("p.csv.gz.parts")).ok()?;
        let mut names = parts.map(|part| part.unwrap().file_name().into_string().unwrap());
        names.any(|name| name.ends_with("-000000.json")).then_some(())
    };
    until("a part is finished", PATIENCE, is_kept);
    let second = told(place, line);
    assert_eq!(second.code, Some(5), "another run: {}", second.err);
    running.kill();
    assert!(!place.join("p.csv.gz").exists(), "killed too late");
    let mistyped = told(place, &format!("{line} --columns vist"));
    assert!(mistyped.code.is_some_and(|code| code != 0));
    assert!(
        is_kept().is_some(),
        "a slip must not cost what was done: {}",
        mistyped.err
    );
    // One that has begun its own work takes that away alone, and one that never gets there leaves nothing.
    let bad = format!(
        "shop,item,device,hour,price,answer\n{}",
        "too,few\n".repeat(1_200_000)
    );
    fs::write(place.join("bad.csv"), bad).unwrap();
    let failed = told(place, &line.replace("large.csv", "bad.csv"));
    assert_eq!(failed.code, Some(4), "{}", failed.err);
    assert!(
        is_kept().is_some() && !failed.err.contains("goes on"),
        "{}",
        failed.err
    );
    let lost = told(place, "predict nowhere large.csv --out other.csv");
    assert!(lost.code.is_some_and(|code| code != 0) && !place.join("other.csv.parts").exists());
    fs::remove_file(place.join("bad.csv")).unwrap();

    let again = told(place, line);
    assert!(again.err.contains("going on after"), "{}", again.err);
    let metrics = |err: &str| {
        err.lines()
            .find(|line| line.contains("with a target"))
            .map(str::to_owned)
    };
    let told_again = metrics(&again.err).unwrap();
    again.ok();
    assert_eq!(
        files(place),
        ["large.csv", "m", "p.csv.gz", "q.jsonl", "small.csv"],
        "nothing is left"
    );
    let (resumed, problems) = (
        fs::read(place.join("p.csv.gz")).unwrap(),
        fs::read(place.join("q.jsonl")).unwrap(),
    );
    let undisturbed = told(place, line);
    assert!(!undisturbed.err.contains("going on"), "{}", undisturbed.err);
    assert_eq!(metrics(&undisturbed.err).unwrap(), told_again);
    undisturbed.ok();
    assert!(
        fs::read(place.join("p.csv.gz")).unwrap() == resumed,
        "byte for byte"
    );
    assert!(
        fs::read(place.join("q.jsonl")).unwrap() == problems,
        "byte for byte"
    );
}
