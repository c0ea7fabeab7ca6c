//! How good the models are on real data with no options but the target: means over five seeds of the 30 % that
//! were held out.

use yosoku::ml::observe::Silent;
use yosoku::ml::pipeline::{evaluate, train};
use yosoku::ml::predict::Predictor;
use yosoku::ml::split::Split;

use crate::support::{request, sample_table};

/// The mean of the headline metric over seeds 1 to 5, with its name.
fn mean(name: &str) -> (&'static str, f64) {
    let table = sample_table(name);
    let mut sum = 0.0;
    let mut metric = "";
    for seed in 1..=5 {
        let trained = train(
            &table,
            &request("target", Split::training(30.0, seed)),
            &mut Silent,
        )
        .unwrap();
        let certificate = &trained.bundle.document.solver.certificate;
        assert!(certificate.certified, "{name}, seed {seed}: {certificate:?}");
        let predictor = Predictor::new(&trained.bundle).unwrap();
        let facts = &trained.bundle.document.training;
        let held_out = Split::held_out(30.0, seed);
        let report = evaluate(&predictor, facts, &table, &held_out, &mut Silent)
            .unwrap()
            .report;
        let (headline, interval) = report.headline();
        metric = headline;
        let value = interval.value.unwrap();
        let (low, high) = (interval.low.unwrap(), interval.high.unwrap());
        assert!(low <= value && value <= high, "{name}: {low} {value} {high}");
        let baseline = report.baseline().unwrap();
        let beats = if headline == "rmse" {
            value < baseline
        } else {
            value > baseline
        };
        assert!(
            beats,
            "{name}, seed {seed}: {headline} {value}, baseline {baseline}"
        );
        sum += value;
    }
    println!("{name}: mean {metric} over seeds 1 to 5 is {:.4}", sum / 5.0);
    (metric, sum / 5.0)
}

#[test]
fn breast_cancer() {
    let (metric, value) = mean("breast_cancer");
    assert!(metric == "auc" && value >= 0.99, "{metric} {value}");
}

#[test]
fn iris() {
    let (metric, value) = mean("iris");
    assert!(metric == "macro_f1" && value >= 0.93, "{metric} {value}");
}

#[test]
fn digits() {
    let (metric, value) = mean("digits");
    assert!(metric == "macro_f1" && value >= 0.94, "{metric} {value}");
}

#[test]
fn wine() {
    let (metric, value) = mean("wine");
    assert!(metric == "macro_f1" && value >= 0.95, "{metric} {value}");
}

#[test]
fn diabetes() {
    let (metric, value) = mean("diabetes");
    assert!(metric == "rmse" && value <= 57.5, "{metric} {value}");
}
