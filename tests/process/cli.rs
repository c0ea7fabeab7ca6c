//! The commands on files: exit codes, what goes to which stream, and files that are there whole or not at all.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::data::{Answers, slow, visits};
use crate::support::{
    PATIENCE, PROGRAM, Ran, Running, files, run, run_with_input, sample, text, until, yosoku,
};

/// Runs the program in `folder` with arguments separated by blanks; `@iris` is the path of a sample file.
fn told(folder: &Path, line: &str) -> Ran {
    run(&mut told_later(folder, line))
}

fn told_later(folder: &Path, line: &str) -> Command {
    let args = line.split(' ').map(|word| match word.strip_prefix('@') {
        Some(name) => sample(name).display().to_string(),
        None => word.to_owned(),
    });
    let mut command = yosoku(args);
    command.current_dir(folder);
    command
}

/// A folder with `iris.yosoku`, trained on the sample.
fn with_model() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    told(folder.path(), "train @iris --target target").ok();
    folder
}

fn hash(trained: &Value) -> String {
    trained["model"]["hash"].as_str().unwrap().to_owned()
}

#[test]
fn exit_codes_say_what_went_wrong() {
    let folder = with_model();
    let place = folder.path();
    let content: [(&str, &[u8]); 6] = [
        ("empty.csv", b""),
        ("header.csv", b"a,b\n"),
        ("binary.csv", &[0x1f, 0, 0x80, 0xff, 0, 7]),
        ("one.csv", b"a,b\n1,x\n2,x\n3,x\n4,x\n5,x\n6,x\n"),
        ("bad.json", b"{"),
        ("unlabelled.csv", b"sepal_length_cm\n5.1\n"),
    ];
    for (name, bytes) in content {
        fs::write(place.join(name), bytes).unwrap();
    }
    let cases = [
        ("--help", 0, ""),
        ("inspect @iris", 0, ""),
        ("weights iris.yosoku", 0, ""),
        ("weights iris.yosoku --csv --top 3 --robust", 0, ""),
        ("weights iris.yosoku --csv --json", 2, "--csv"),
        ("weights iris.yosoku --class setsa", 2, "did you mean `setosa`?"),
        ("weights absent.yosoku", 3, "absent.yosoku"),
        ("weights @iris", 4, "[not_a_model]"),
        ("", 2, "Usage"),
        ("trian @iris", 2, "train"),
        ("train @iris", 2, "--target"),
        ("train @iris --target target --holdout 100", 2, "--holdout"),
        (
            "train @iris --target target --holdout 0.3",
            2,
            "give 30 to hold out",
        ),
        ("train @iris --target target --type clever", 2, "clever"),
        ("train @iris --target target --param l2", 2, "KEY=VALUE"),
        ("inspect .", 2, "folder"),
        ("serve --listen nowhere", 2, "--listen"),
        ("work --workers 0", 2, "--workers"),
        ("inspect absent.csv", 3, "absent.csv"),
        ("train absent.csv --target x", 3, "absent.csv"),
        (
            "train @iris --target target --schema absent.json",
            3,
            "absent.json",
        ),
        (
            "train @iris --target target --out absent/m.yosoku",
            3,
            "writing into `absent`",
        ),
        ("predict absent.yosoku @iris --out -", 3, "absent.yosoku"),
        ("verify iris.yosoku absent.csv", 3, "absent.csv"),
        ("train @iris --target nope", 4, "[unknown_target]"),
        ("train empty.csv --target b", 4, "[empty_file]"),
        ("train header.csv --target b", 4, "[header_only]"),
        ("train one.csv --target b", 4, "[one_class]"),
        ("inspect binary.csv", 4, "[not_text]"),
        (
            "train @iris --target target --param l2=-1",
            4,
            "[invalid_parameter]",
        ),
        (
            "train @iris --target target --schema bad.json",
            4,
            "[invalid_schema]",
        ),
        ("predict @iris @iris --out -", 4, "[not_a_model]"),
        ("evaluate iris.yosoku unlabelled.csv", 4, "[schema_mismatch]"),
        ("verify iris.yosoku @wine", 5, "is not the table"),
    ];
    for (line, code, word) in cases {
        let ran = told(place, line);
        assert_eq!(ran.code, Some(code), "`{line}`: {}", ran.err);
        assert!(ran.err.contains(word), "`{line}`: {}", ran.err);
        assert_eq!(
            code == 0,
            !ran.out.is_empty(),
            "`{line}` printed {}",
            text(&ran.out)
        );
        assert!(!ran.err.contains("panicked"), "`{line}`: {}", ran.err);
    }
}

#[test]
fn every_json_option_prints_one_document_with_the_promised_members() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let expected: [(&str, &str, &[&str]); 3] = [
        (
            "breast_cancer",
            "binary",
            &["auc", "log_loss", "accuracy", "f1", "brier"],
        ),
        ("iris", "multiclass", &["macro_f1", "accuracy", "log_loss"]),
        ("diabetes", "regression", &["rmse", "mae", "r2"]),
    ];
    for (name, task, metrics) in expected {
        let inspected = told(place, &format!("inspect @{name} --target target --json")).json();
        let rows = text(&fs::read(sample(name)).unwrap()).lines().count() - 1;
        assert_eq!(inspected["rows"], rows);
        let columns = inspected["columns"].as_array().unwrap();
        assert_eq!(columns.last().unwrap()["name"], "target");

        let trained = told(place, &format!("train @{name} --target target --json")).json();
        assert_eq!(trained["rows"], rows);
        assert!(trained["features"].as_u64().unwrap() >= 4);
        assert_eq!(trained["solver"]["certificate"]["certified"], true);
        for stage in ["profile", "featurize", "solve", "evaluate"] {
            let seconds = trained["seconds"][stage].as_f64();
            assert!(seconds.is_some_and(|seconds| seconds >= 0.0), "{name} {stage}");
        }
        assert_eq!(trained["model"]["path"], format!("{name}.yosoku"));
        assert_eq!(hash(&trained).len(), 64);

        let evaluated = told(place, &format!("evaluate {name}.yosoku @{name} --json")).json();
        assert_eq!(evaluated["records"], rows);
        assert_eq!(
            trained["evaluation"]["records"].as_u64().unwrap() + trained["training_rows"].as_u64().unwrap(),
            rows as u64
        );
        for report in [&trained["evaluation"], &evaluated] {
            assert_eq!(report["type"], task);
            for metric in metrics {
                let [value, low, high] =
                    ["value", "low", "high"].map(|part| report["metrics"][metric][part].as_f64().unwrap());
                assert!(
                    low <= value && value <= high && low < high,
                    "{name} {metric}: {report}"
                );
            }
        }
    }
}

#[test]
fn predictions_are_the_same_in_a_file_on_a_pipe_and_from_standard_input() {
    let folder = with_model();
    let place = folder.path();
    let printed = told(place, "predict iris.yosoku @iris --out -").ok();
    assert_eq!(
        text(&printed).lines().count(),
        151,
        "a header and a line for each record"
    );
    let written = told(place, "predict iris.yosoku @iris --out p.csv");
    assert_eq!(written.out, b"");
    written.ok();
    assert_eq!(text(&fs::read(place.join("p.csv")).unwrap()), text(&printed));

    let table = fs::read(sample("iris")).unwrap();
    let piped = run_with_input(&mut told_later(place, "predict iris.yosoku - --out -"), &table);
    assert_eq!(text(&piped.ok()), text(&printed));
    let trained = run_with_input(
        &mut told_later(place, "train - --target target --out piped.yosoku --json"),
        &table,
    );
    let from_file = told(place, "train @iris --target target --json").json();
    assert_eq!(hash(&trained.json()), hash(&from_file));
    let inspected = run_with_input(&mut told_later(place, "inspect - --json"), &table).json();
    assert_eq!(inspected["rows"], 150);
    let evaluated = run_with_input(&mut told_later(place, "evaluate iris.yosoku - --json"), &table).json();
    assert_eq!(evaluated["records"], 150);
}

#[test]
fn the_model_does_not_depend_on_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("visits.csv"), visits(30_000, Answers::Two)).unwrap();
    for data in ["@digits --target target", "visits.csv --target answer"] {
        let hashes = [1, 2, 7].map(|threads| {
            let line = format!("train {data} --threads {threads} --out m.yosoku --json");
            hash(&told(folder.path(), &line).json())
        });
        assert_eq!(hashes[0], hashes[1], "{data}");
        assert_eq!(hashes[0], hashes[2], "{data}");
    }
}

#[test]
fn training_again_gives_the_same_model_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    for options in [
        "@breast_cancer --target target",
        "@diabetes --target target --holdout 0",
        "@wine --target target --seed 9 --refit",
        "@iris --target target --param max_iterations=2",
    ] {
        told(place, &format!("train {options} --out m.yosoku")).ok();
        let data = options.split(' ').next().unwrap();
        let verified = text(&told(place, &format!("verify m.yosoku {data}")).ok());
        assert!(
            verified.starts_with("the same model, bit for bit"),
            "{options}: {verified}"
        );
    }
    // A clock had its say: refused before any work, and said why.
    told(
        place,
        "train @digits --target target --time-budget 0s --out m.yosoku",
    )
    .ok();
    let refused = told(place, "verify m.yosoku @digits");
    assert_eq!(refused.code, Some(5));
    assert!(refused.err.contains("cut short"), "{}", refused.err);
}

#[test]
fn the_positive_label_stays_when_a_model_is_fitted_again_on_all_rows() {
    let folder = tempfile::tempdir().unwrap();
    // All rows count, those held out too: of the first 70 `b` has fewer, of all `a`.
    let rows = (0..100).map(|row| {
        let is_b = if row < 70 { row % 5 > 2 } else { row % 10 > 0 };
        let label = if is_b { "b" } else { "a" };
        format!("{},{label}\n", (row * 37) % 50)
    });
    let table = format!("x,y\n{}", rows.collect::<String>());
    std::fs::write(folder.path().join("flip.csv"), table).unwrap();
    for options in ["", " --refit"] {
        let line = format!("train flip.csv --target y --split sequential --out m.yosoku --json{options}");
        let trained = told(folder.path(), &line).json();
        assert_eq!(trained["target"]["positive"], "a", "{}", trained["reason"]);
        let reason = trained["reason"].as_str().unwrap();
        assert!(reason.ends_with("as the rarer of the two labels"), "{reason}");
    }
    // What was held out is enough to choose a threshold by.
    let advice = told(folder.path(), "threshold m.yosoku --recall 0.9 --json").json();
    assert_eq!(
        (&advice["records"], &advice["positive"]),
        (&serde_json::json!(30), &serde_json::json!("a")),
        "{advice}"
    );
}

/// Runs the program with files limited to 512 bytes, as if the disk were full then.
fn with_full_disk(folder: &Path, line: &str) -> Ran {
    let program = told_later(folder, line);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "trap '' 25; ulimit -f 1; exec \"$@\"", "sh", PROGRAM])
        .args(program.get_args())
        .current_dir(folder);
    run(&mut shell)
}

#[test]
fn a_write_that_fails_leaves_neither_half_a_file_nor_takes_the_old_one() {
    let folder = with_model();
    let place = folder.path();
    let model = fs::read(place.join("iris.yosoku")).unwrap();
    assert!(model.len() > 512, "or the limit below would not be met");
    for line in [
        "train @iris --target target --out iris.yosoku",
        "train @iris --target target --out new.yosoku",
        "predict iris.yosoku @iris --out p.csv",
    ] {
        let ran = with_full_disk(place, line);
        assert_eq!(ran.code, Some(1), "`{line}`: {}", ran.err);
        assert!(ran.err.contains("writing"), "`{line}`: {}", ran.err);
        assert_eq!(files(place), ["iris.yosoku"], "`{line}`");
        assert_eq!(fs::read(place.join("iris.yosoku")).unwrap(), model, "`{line}`");
    }
    // Not even root can make a file below a file.
    for line in [
        "train @iris --target target --out iris.yosoku/m.yosoku",
        "predict iris.yosoku @iris --out iris.yosoku/p.csv",
    ] {
        let ran = told(place, line);
        assert_eq!(ran.code, Some(1), "`{line}`: {}", ran.err);
        assert!(ran.err.contains("iris.yosoku/"), "`{line}`: {}", ran.err);
        assert_eq!(files(place), ["iris.yosoku"], "`{line}`");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_standard_output_is_an_error() {
    let folder = with_model();
    for line in ["predict iris.yosoku @iris --out -", "inspect @iris --json"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ran = told_later(folder.path(), line).stdout(full).output().unwrap();
        assert_eq!(ran.status.code(), Some(1), "`{line}`: {}", text(&ran.stderr));
        assert!(text(&ran.stderr).contains("No space left"), "`{line}`");
    }
}

#[test]
fn a_pipe_named_as_the_output_is_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt;
    let folder = with_model();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reading = pipe.clone();
    let reader = std::thread::spawn(move || fs::read(reading).unwrap());
    told(folder.path(), "predict iris.yosoku @iris --out pipe").ok();
    let expected = told(folder.path(), "predict iris.yosoku @iris --out -").ok();
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    assert_eq!(text(&reader.join().unwrap()), text(&expected));
}

#[test]
fn training_that_fails_writes_no_model_and_keeps_the_old_one() {
    let folder = with_model();
    let place = folder.path();
    let model = fs::read(place.join("iris.yosoku")).unwrap();
    assert_eq!(
        told(place, "train @iris --target nope --out new.yosoku").code,
        Some(4)
    );
    assert_eq!(
        told(
            place,
            "train @iris --target sepal_width_cm --type binary --out iris.yosoku"
        )
        .code,
        Some(4)
    );
    assert_eq!(files(place), ["iris.yosoku"]);
    assert_eq!(fs::read(place.join("iris.yosoku")).unwrap(), model);
}

#[test]
#[cfg(target_os = "linux")]
fn an_interrupted_training_says_so_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("slow.csv"), slow()).unwrap();
    let training = Running::start(&mut told_later(folder.path(), "train slow.csv --target answer"));
    until("the program listens for Ctrl-C", PATIENCE, || {
        let status = fs::read_to_string(format!("/proc/{}/status", training.id())).unwrap();
        let caught = status
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))
            .unwrap();
        let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
        (caught & (1 << (2 - 1)) != 0).then_some(())
    });
    training.signal("INT");
    let (status, log) = training.end(PATIENCE);
    assert_eq!(status.code(), Some(130), "{log}");
    assert!(log.contains("interrupted"), "{log}");
    assert_eq!(files(folder.path()), ["slow.csv"]);
}

#[test]
fn a_copied_column_shares_its_weight_under_a_small_penalty() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let mut table = String::from("celsius,fahrenheit,y\n");
    for i in 0..200 {
        let celsius = f64::from(i * 37 % 200) / 4.0;
        table += &format!(
            "{celsius},{},{}\n",
            celsius * 1.8 + 32.0,
            2.0 * celsius + f64::from(i % 7)
        );
    }
    fs::write(place.join("t.csv"), table).unwrap();
    let ran = text(&told(place, "train t.csv --target y --out t.yosoku --json").ok());
    let report: serde_json::Value = serde_json::from_str(&ran).unwrap();
    assert!(
        report["solver"]["l2"].as_f64().unwrap() > 0.0,
        "{}",
        report["solver"]
    );
    assert_eq!(report["solver"]["certificate"]["certified"], true);
    // One of the two columns missing moves the answer by a sensible amount only.
    fs::write(place.join("new.csv"), "celsius,fahrenheit\n20,68\n20,\n").unwrap();
    let answers = text(&told(place, "predict t.yosoku new.csv --out -").ok());
    assert!(
        answers
            .lines()
            .skip(1)
            .all(|line| line.parse::<f64>().unwrap().abs() < 1000.0),
        "{answers}"
    );
}

#[test]
fn an_empty_line_keeps_its_place_and_an_input_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    told(place, "train @iris --target target --out m.yosoku").ok();
    fs::write(place.join("gaps.csv"), "petal_length_cm\n1.4\n\n\n5.1\n").unwrap();
    let lines = text(&told(place, "predict m.yosoku gaps.csv --out -").ok());
    let blank: Vec<bool> = lines.lines().map(str::is_empty).collect();
    assert_eq!(blank, [false, false, true, true, false], "{lines}");
    for line in [
        "predict m.yosoku gaps.csv --out gaps.csv",
        "predict m.yosoku gaps.csv --out m.yosoku",
    ] {
        assert_eq!(told(place, line).code, Some(5), "{line}");
    }
    assert!(
        fs::read_to_string(place.join("gaps.csv"))
            .unwrap()
            .starts_with("petal")
    );
}
