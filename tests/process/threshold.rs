//! `yosoku threshold`, and the threshold it advises put to use.

use std::path::Path;

use crate::support::{Ran, run, sample, text, yosoku};

fn told(folder: &Path, line: &str) -> Ran {
    let args = line.split(' ').map(|word| match word.strip_prefix('@') {
        Some(name) => sample(name).display().to_string(),
        None => word.to_owned(),
    });
    run(yosoku(args).current_dir(folder))
}

/// The counts that are told are those of the answers that `predict` gives with that threshold.
#[test]
fn what_is_advised_is_what_predictions_then_do() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    told(place, "train @breast_cancer --target target --out m").ok();
    let advice = told(place, "threshold m @breast_cancer --recall 1 --json").json();
    assert_eq!(
        (&advice["records"], &advice["evaluated"]["threshold"]),
        (&569.into(), &0.5.into())
    );
    let advised = &advice["advised"];
    assert_eq!(advised["confusion"]["fn"], 0);
    let line = format!(
        "predict m @breast_cancer --out - --threshold {}",
        advised["threshold"]
    );
    let answers = text(&told(place, &line).ok());
    let called = |truth: &str| {
        let with = |line: &&str| line.starts_with(&format!("{truth},malignant,"));
        answers.lines().filter(with).count()
    };
    assert_eq!(advised["confusion"]["tp"], called("malignant"));
    assert_eq!(advised["confusion"]["fp"], called("benign"));
    let evaluated = told(
        place,
        &format!(
            "evaluate m @breast_cancer --json --threshold {}",
            advised["threshold"]
        ),
    );
    assert_eq!(evaluated.json()["confusion"], advised["confusion"]);
    let shown = text(
        &told(
            place,
            "threshold m @breast_cancer --false-positive-cost 1 --false-negative-cost 9",
        )
        .ok(),
    );
    assert!(
        shown.contains("cost of a row") && shown.contains("positives found"),
        "{shown}"
    );
}

#[test]
fn what_cannot_be_done_is_a_usage_error_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    told(place, "train @breast_cancer --target target --out m").ok();
    told(place, "train @iris --target target --out several").ok();
    for (line, words) in [
        (
            "threshold m @breast_cancer",
            "0 goals are given; give one: --precision",
        ),
        ("threshold m @breast_cancer --rate 0.1 --recall 0.1", "2 goals"),
        (
            "threshold m @breast_cancer --capacity 5",
            "--of, above 0: of how many",
        ),
        ("threshold several @iris --recall 0.5", "not binary"),
        ("predict several @iris --out - --threshold 0.5", "not binary"),
        ("predict m @breast_cancer --out - --threshold 1.5", "from 0 to 1"),
        ("evaluate m @breast_cancer --threshold=-1", "from 0 to 1"),
        ("evaluate m @breast_cancer --threshold 0,1", "with a point: 0.1"),
        ("threshold m @breast_cancer --recall most", "a number is wanted"),
    ] {
        let ran = told(place, line);
        assert_eq!(ran.code, Some(2), "{line}: {}", ran.err);
        assert!(ran.err.contains(words), "{line}: {}", ran.err);
    }
}
