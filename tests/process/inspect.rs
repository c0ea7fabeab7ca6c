//! `yosoku inspect` as a person and as a program sees it.

use std::fs;
use std::path::Path;

use crate::support::{run, sample, text, yosoku};

/// A table with a copy of the target, odd values, and what a terminal must not obey.
fn troubled(folder: &Path) -> String {
    let mut table = "size,verdict,note,flag,y\n".to_owned();
    for i in 0..300 {
        let y = i * 7 % 5 < 2;
        let size = if i == 40 {
            "n.k.".to_owned()
        } else {
            (i * 31 % 97).to_string()
        };
        let flag = ["yes", "no", "maybe"][i % 3];
        let note = format!("some \u{1b}[31mred\u{7} words number w{} here", i * 7 % 211);
        table.push_str(&format!(
            "{size},{},{note},{flag},{}\n",
            if y { "guilty" } else { "free" },
            u8::from(y)
        ));
    }
    let path = folder.join("troubled.csv");
    fs::write(&path, table).unwrap();
    path.display().to_string()
}

#[test]
fn a_person_reads_it_in_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let path = troubled(folder.path());
    let out = text(&run(&mut yosoku(["inspect", &path, "--target", "y"])).ok());
    assert!(!out.contains(['\u{1b}', '\u{7}', '\t', '\r']), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 120), "{out}");
    let places: Vec<usize> = [
        "300 rows, 5 columns",
        "why these types",
        "verdict: CATEGORICAL, 2 distinct values, tells 0.998 about the target",
        "  guilty  120  40.0 %  █████████████▍",
        "rank  word",
        "warnings",
        "column `verdict` is the target `y` in another coding",
        "what to do: leave the column out",
        "299 of 300 values of column `size` are numbers, 1 is not, the first on line 42 (`n.k.`)",
    ]
    .iter()
    .map(|part| {
        out.find(part)
            .unwrap_or_else(|| panic!("{part} is not in\n{out}"))
    })
    .collect();
    assert!(places.is_sorted(), "{places:?}\n{out}");
}

#[test]
fn one_column_in_full() {
    let path = sample("iris").display().to_string();
    let out = text(&run(&mut yosoku(["inspect", &path, "--column", "petal_length_cm"])).ok());
    assert!(
        out.starts_with("petal_length_cm: NUMERIC, 43 distinct values\n"),
        "{out}"
    );
    assert!(
        out.contains("100 bars, the highest of") && out.contains('█'),
        "{out}"
    );
    assert!(!out.contains("sepal"), "{out}");
    let wrong = run(&mut yosoku(["inspect", &path, "--column", "petal_lenght_cm"]));
    assert_eq!(wrong.code, Some(4));
    assert!(
        wrong.err.contains("did you mean `petal_length_cm`?"),
        "{}",
        wrong.err
    );
}

#[test]
fn a_program_gets_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = troubled(folder.path());
    let told = |more: &[&str]| {
        let args = ["inspect", &path, "--target", "y", "--json"]
            .into_iter()
            .chain(more.iter().copied());
        run(&mut yosoku(args)).json()
    };
    let all = told(&[]);
    assert_eq!(all["insights"][0]["code"], "target_copy");
    assert_eq!(all["insights"][0]["evidence"][0]["column"], "verdict");
    assert_eq!(all["target"]["values"][0]["count"], 180);
    let words = &all["columns"][2]["text"]["prominent_words"];
    assert_eq!(words[0]["rank"], 1);
    let iris = sample("iris").display().to_string();
    for bars in ["20", "500"] {
        let told = run(&mut yosoku(["inspect", &iris, "--json", "--bars", bars])).json();
        let counts = told["columns"][0]["numeric"]["histogram"]["counts"]
            .as_array()
            .unwrap()
            .len();
        assert_eq!(counts.to_string(), bars);
    }
    let one = told(&["--column", "size"]);
    assert_eq!(
        (
            one["columns"].as_array().unwrap().len(),
            &one["columns"][0]["name"]
        ),
        (1, &"size".into())
    );
    assert_eq!(one["insights"][0]["code"], "mixed_types");
    assert_eq!(run(&mut yosoku(["inspect", &path, "--bars", "7"])).code, Some(2));
}
