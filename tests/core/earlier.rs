//! Going on from a model that was trained on earlier data.

use std::sync::Arc;

use yosoku::ml::Task;
use yosoku::ml::learn::ClassWeights;
use yosoku::ml::model::Bundle;
use yosoku::ml::observe::Silent;
use yosoku::ml::pipeline::table::MemoryTable;
use yosoku::ml::pipeline::{PipelineError, train};
use yosoku::ml::predict::{Predictor, Scratch};
use yosoku::ml::record::Record;
use yosoku::ml::split::Split;

use crate::support::request;

/// Rows from `first` on: a number, one of twelve cities, and one of `classes`.
fn table(first: usize, rows: usize, classes: &[&str]) -> String {
    let line = |row: usize| {
        let (a, city) = (row * 31 % 97, row * 7 % 12);
        let noise = row * 53 % 89;
        format!(
            "{a},town{city},{}\n",
            classes[(a + 8 * city + noise) / 60 % classes.len()]
        )
    };
    format!(
        "a,city,y\n{}",
        (first..first + rows).map(line).collect::<String>()
    )
}

fn trained(text: &str, earlier: Option<&Bundle>) -> Result<Bundle, PipelineError> {
    let mut request = request("y", Split::all());
    request.earlier = earlier.cloned().map(Arc::new);
    train(&MemoryTable::new(text), &request, &mut Silent).map(|trained| trained.bundle)
}

fn scores(bundle: &Bundle, fields: &[&str]) -> Vec<f64> {
    let mut scratch = Scratch::default();
    let predictor = Predictor::new(bundle).unwrap();
    predictor.score(&Record::from_fields(fields.iter().copied()), &mut scratch);
    scratch.scores
}

#[test]
fn the_same_rows_give_the_same_model_without_a_search() {
    for classes in [&["no", "yes"][..], &["red", "green", "blue"]] {
        let text = table(0, 900, classes);
        let first = trained(&text, None).unwrap();
        let second = trained(&text, Some(&first)).unwrap();
        let (before, after) = (&first.document.solver, &second.document.solver);
        assert!((after.l2 / before.l2 - 1.0).abs() < 1e-12);
        assert!(after.certificate.certified && after.passes <= before.passes);
        assert!((after.certificate.objective / before.certificate.objective - 1.0).abs() < 1e-9);
        assert!(after.notes.iter().any(|note| note.contains(&first.hash()[..12])));
        assert_eq!(second.document.training.earlier, Some(first.hash()));
        assert_eq!(first.document.training.earlier, None);
        for fields in [["10", "town3", ""], ["90", "town11", ""]] {
            for (a, b) in scores(&first, &fields).iter().zip(scores(&second, &fields)) {
                assert!((a - b).abs() < 1e-6, "{a} {b}");
            }
        }
    }
}

/// More rows, a class that is more frequent than before, and a city that is new.
#[test]
fn new_rows_change_the_model_and_keep_what_was_settled() {
    let first = trained(&table(0, 600, &["red", "green", "blue"]), None).unwrap();
    let mut more = table(0, 2000, &["red", "green", "blue"]);
    (0..800).for_each(|row| more.push_str(&format!("{},newtown,blue\n", row % 97)));
    let second = trained(&more, Some(&first)).unwrap();
    assert_eq!(second.document.recipe, first.document.recipe);
    assert_eq!(second.document.target.labels()[0], "blue");
    assert!(second.document.solver.certificate.certified);
    let (l2, before) = (second.document.solver.l2, first.document.solver.l2);
    assert!((l2 / (before * 600.0 / 2800.0) - 1.0).abs() < 1e-12);
    assert!(scores(&second, &["50", "newtown", ""])[0] > 0.9);
    // Where training begins does not matter for where it ends.
    let with = |earlier: Option<Arc<Bundle>>| {
        let mut request = request("y", Split::all());
        request.params.l2 = Some(l2);
        request.recipe = Some(first.document.recipe.clone());
        request.earlier = earlier;
        train(&MemoryTable::new(&more), &request, &mut Silent)
            .unwrap()
            .bundle
    };
    let (from, alone) = (with(Some(Arc::new(first.clone()))), with(None));
    let (a, b) = (
        scores(&from, &["20", "town5", ""]),
        scores(&alone, &["20", "town5", ""]),
    );
    a.iter()
        .zip(&b)
        .for_each(|(a, b)| assert!((a - b).abs() < 1e-5, "{a} {b}"));
}

#[test]
fn another_target_is_refused() {
    let first = trained(&table(0, 300, &["no", "yes"]), None).unwrap();
    let mut other = request("city", Split::all());
    other.earlier = Some(Arc::new(first));
    let error = train(
        &MemoryTable::new(table(0, 300, &["no", "yes"])),
        &other,
        &mut Silent,
    )
    .unwrap_err();
    assert_eq!(error.code(), "schema_mismatch");
    assert!(error.to_string().contains("`y`") && error.to_string().contains("`city`"));
}

/// Classes that count more keep counting more, and a binary model may become one of several classes.
#[test]
fn what_was_asked_of_classes_is_asked_again() {
    let text = table(0, 600, &["no", "yes"]);
    let mut weighted = request("y", Split::all());
    weighted.params.class_weights = Some(ClassWeights::Balanced);
    let first = train(&MemoryTable::new(&text), &weighted, &mut Silent)
        .unwrap()
        .bundle;
    let second = trained(&text, Some(&first)).unwrap();
    assert_eq!(
        second.document.training.params.class_weights,
        Some(ClassWeights::Balanced)
    );
    let mut several = request("y", Split::all());
    several.earlier = Some(Arc::new(first));
    several.target.task = Some(Task::Multiclass);
    let three = table(0, 900, &["no", "yes", "perhaps"]);
    let third = train(&MemoryTable::new(&three), &several, &mut Silent)
        .unwrap()
        .bundle;
    assert_eq!(third.document.target.labels().len(), 3);
    assert!(third.document.solver.certificate.certified);
}
