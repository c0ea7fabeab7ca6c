//! Data that make the best weights hard to find, or let no best weights be: an error by name, or a usable model.

use std::ops::ControlFlow;

use yosoku::ml::learn::LearnParams;
use yosoku::ml::observe::{Observer, Silent, Stage};
use yosoku::ml::pipeline::table::MemoryTable;
use yosoku::ml::pipeline::{PipelineError, Trained, train};
use yosoku::ml::predict::{Predictor, Scratch};
use yosoku::ml::record::Record;
use yosoku::ml::split::Split;

use crate::support::{request, train_text};

fn scores(trained: &Trained, fields: &[&str]) -> Vec<f64> {
    let predictor = Predictor::new(&trained.bundle).unwrap();
    let mut scratch = Scratch::default();
    predictor.score(&Record::from_fields(fields.iter().copied()), &mut scratch);
    scratch.scores
}

fn with(text: &str, params: &[(&str, &str)]) -> Result<Trained, PipelineError> {
    let params = params
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()));
    let mut request = request("y", Split::all());
    request.params = LearnParams::from_map(&params.collect()).unwrap();
    train(&MemoryTable::new(text), &request, &mut Silent)
}

fn is_noted(trained: &Trained, words: &[&str]) -> bool {
    let notes = &trained.bundle.document.solver.notes;
    notes
        .iter()
        .any(|note| words.iter().all(|word| note.contains(word)))
}

#[test]
fn a_million_features_and_ten_rows() {
    let mut text = String::from("words,y\n");
    for row in 0..10 {
        (0..100_000).for_each(|word| text.push_str(&format!("w{} ", word * 10 + row)));
        text.push_str(&format!("common,{}\n", ["yes", "no"][row % 2]));
    }
    let trained = train_text(&text, "y").unwrap();
    assert!(trained.bundle.document.featurizer.sparse() > 900_000);
    assert!(
        trained
            .warnings
            .iter()
            .any(|warning| warning.contains("more features"))
    );
    assert!(
        scores(&trained, &["common", ""])
            .iter()
            .all(|score| score.is_finite())
    );
}

#[test]
fn a_class_with_one_row() {
    let mut text = String::from("a,b,y\n");
    for row in 0..90 {
        text.push_str(&format!(
            "{},{},{}\n",
            row * 31 % 97,
            row * 7 % 5,
            ["red", "green", "blue"][row % 3]
        ));
    }
    text.push_str("500,2,lonely\n");
    let trained = train_text(&text, "y").unwrap();
    assert_eq!(trained.bundle.document.target.labels().len(), 4);
    assert!(
        trained.warnings.iter().any(|warning| warning.contains("lonely")),
        "{:?}",
        trained.warnings
    );
    let sum: f64 = scores(&trained, &["500", "2", ""]).iter().sum();
    assert!((sum - 1.0).abs() < 1e-12);
}

#[test]
fn numbers_too_large_to_square() {
    let mut text = String::from("a,y\n");
    (0..60).for_each(|row| {
        text.push_str(&format!(
            "{},{}\n",
            row * 31 % 97,
            if row % 9 == 0 { "1e300" } else { "2.5" }
        ))
    });
    match train_text(&text, "y") {
        Ok(trained) => assert!(scores(&trained, &["5", ""])[0].is_finite()),
        Err(error) => {
            assert_eq!(error.code(), "not_finite");
            assert!(error.to_string().contains("extreme values"));
        }
    }
}

/// Every row twice, once with each answer: the best answer is one half everywhere.
#[test]
fn the_same_rows_with_both_answers() {
    let mut text = String::from("a,b,y\n");
    for row in 0..80 {
        let fields = format!("{},{}", row * 31 % 97, ["x", "y", "z"][row % 3]);
        text.push_str(&format!("{fields},yes\n{fields},no\n"));
    }
    for params in [&[][..], &[("l2", "0")]] {
        let trained = with(&text, params).unwrap();
        assert!(trained.bundle.document.solver.certificate.certified);
        for fields in [["3", "x", ""], ["96", "z", ""]] {
            assert!((scores(&trained, &fields)[0] - 0.5).abs() < 1e-3);
        }
    }
}

#[test]
fn classes_that_a_column_tells_apart_are_said_to_be_with_its_name() {
    let line = |row: usize, flip: usize| {
        let (a, b) = (row * 31 % 97, row * 53 % 89);
        format!(
            "{a},{b},{}\n",
            if (a > 48) == (row != flip) { "yes" } else { "no" }
        )
    };
    let table = |flip: usize| {
        format!(
            "a,b,y\n{}",
            (0..200).map(|row| line(row, flip)).collect::<String>()
        )
    };
    let apart = table(1000);
    let searched = with(&apart, &[("l2", "0.01")]).unwrap();
    assert!(is_noted(
        &searched,
        &["`a` alone tells", "leakage", "only the penalty"]
    ));
    let mixed = with(&table(7), &[("l2", "0.01")]).unwrap();
    assert!(!is_noted(&mixed, &["apart"]));
    // Without a penalty there is no best model, but one that can be used.
    let endless = with(&apart, &[("l2", "0"), ("max_iterations", "50")]).unwrap();
    assert!(is_noted(&endless, &["`a` alone tells", "have no end"]));
    assert!(scores(&endless, &["3", "5", ""])[0] < 0.5 && scores(&endless, &["90", "5", ""])[0] > 0.5);
}

/// Has no time from the start.
struct Hurried;

impl Observer for Hurried {
    fn report(&mut self, _: Stage, _: u64, _: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn out_of_time(&self) -> bool {
        true
    }
}

#[test]
fn without_time_there_is_a_model_that_says_so() {
    let mut text = String::from("a,b,y\n");
    (0..300).for_each(|row| text.push_str(&format!("{},{},{}\n", row * 31 % 97, row * 7 % 5, row * 13 % 3)));
    let trained = train(
        &MemoryTable::new(&text),
        &request("y", Split::all()),
        &mut Hurried,
    )
    .unwrap();
    let document = &trained.bundle.document;
    assert_eq!(document.solver.stopped, "time_budget");
    assert!(!document.training.reproducible);
    assert!(
        scores(&trained, &["1", "2", ""])
            .iter()
            .all(|score| score.is_finite())
    );
}
