//! Training in little memory: the same model, no more memory than allowed, and no file that anybody could see.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::data::{Answers, visits};
use crate::support::{run, text, yosoku};

/// What was seen of a process from outside.
#[derive(Debug, Default)]
struct Seen {
    /// The most memory that it had.
    peak: u64,
    /// Files without a name that it held open in the folder.
    unlinked: usize,
    /// Names in the folder.
    named: usize,
}

impl Seen {
    fn look(&mut self, process: &Child, folder: &Path) {
        let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib: Option<u64> = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok());
        self.peak = self.peak.max(1024 * kib.unwrap_or(0));
        self.named = self.named.max(fs::read_dir(folder).unwrap().count());
        let open = fs::read_dir(format!("/proc/{}/fd", process.id()));
        let open = open.into_iter().flatten().flatten();
        let targets = open.filter_map(|entry| fs::read_link(entry.path()).ok());
        let unlinked = targets
            .filter(|target| target.starts_with(folder) && target.to_string_lossy().ends_with("(deleted)"));
        self.unlinked = self.unlinked.max(unlinked.count());
    }
}

/// Visits with the first three columns fifteen times, each time with other values, so that the rows take 75 MiB: what the
/// rest of the program takes differs by 25 MiB from run to run.
fn wide_visits(rows: usize) -> String {
    let visits = String::from_utf8(visits(rows, Answers::Two)).unwrap();
    let widen = |(number, line): (usize, &str)| {
        let fields: Vec<&str> = line.splitn(4, ',').collect();
        let mut wide = String::new();
        for turn in 1..=15 {
            for field in &fields[..3] {
                let value = field[1..]
                    .parse::<usize>()
                    .map(|value| value * turn % (290 + turn));
                match value {
                    Ok(value) if number > 0 => write!(wide, "{}{value},", &field[..1]).unwrap(),
                    _ => write!(wide, "{field}{turn},").unwrap(),
                }
            }
        }
        wide + fields[3] + "\n"
    };
    visits.lines().enumerate().map(widen).collect()
}

#[test]
fn rows_that_do_not_fit_go_to_disk_and_the_budget_is_kept() {
    let (folder, spill) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(folder.path().join("visits.csv"), wide_visits(400_000)).unwrap();
    let train = |more: &[&str]| {
        let args = [
            "train",
            "visits.csv",
            "--target",
            "answer",
            "--holdout",
            "0",
            "--threads",
            "2",
            "--json",
        ];
        let mut command = yosoku(args.iter().chain(more));
        command.current_dir(folder.path());
        command
    };
    let plenty = run(&mut train(&["--memory", "100GiB"])).json();
    let number = |document: &Value, name: &str| document["memory"][name].as_u64().unwrap();
    assert_eq!(plenty["memory"]["rows_in"], "memory");
    // Rows that were kept from the first pass go before any others do: they may take an eighth of what is left.
    let planned = number(&plenty, "planned_bytes");
    let none_kept = run(&mut train(&["--memory", &planned.to_string()])).json();
    assert_eq!(none_kept["memory"]["rows_in"], "memory");
    assert!(number(&none_kept, "buffers_bytes") < number(&plenty, "buffers_bytes"));
    assert_eq!(none_kept["model"]["hash"], plenty["model"]["hash"]);
    // Two thirds of the rows would not fit, which is far from what all need and from what they need on disk.
    let budget = number(&none_kept, "planned_bytes") - number(&none_kept, "rows_bytes") * 2 / 3;
    let (budget_text, place) = (budget.to_string(), spill.path().display().to_string());
    let mut command = train(&["--memory", &budget_text, "--spill", &place]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = Seen::default();
    while child.try_wait().unwrap().is_none() {
        seen.look(&child, spill.path());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    let tight: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(tight["memory"]["rows_in"], "disk");
    assert_eq!(tight["model"]["hash"], plenty["model"]["hash"]);
    assert!(said.contains("go to disk") && said.contains(&place), "{said}");
    // One file for all rows, and one for those that the search of the penalty looks at.
    assert_eq!((seen.unlinked, seen.named), (2, 0), "{seen:?}");
    let peak = number(&tight, "peak_bytes");
    assert!(
        seen.peak > budget / 4 && seen.peak <= budget && peak <= budget,
        "{seen:?} {}",
        tight["memory"]
    );
    assert!(number(&plenty, "peak_bytes") <= number(&plenty, "planned_bytes"));

    let refused = run(&mut train(&[
        "--memory",
        &budget_text,
        "--spill",
        "/nowhere/at/all",
    ]));
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.err.contains("`/nowhere/at/all`") && refused.err.contains("--spill"),
        "{}",
        refused.err
    );
    let refused = run(&mut train(&["--memory", "8MiB"]));
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("8 MiB are allowed"), "{}", refused.err);
}
