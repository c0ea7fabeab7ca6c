//! Reports held against scikit-learn and SciPy, whose answers are in tests/golden/metrics.json, and
//! against the fixed form of their JSON.

use super::*;
use serde_json::{Value, json};

fn golden() -> Value {
    serde_json::from_str(include_str!("../../../tests/golden/metrics.json")).unwrap()
}

fn cases(kind: &str) -> Vec<Value> {
    golden()[kind].as_array().unwrap().clone()
}

fn floats(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|number| number.as_f64().unwrap())
        .collect()
}

fn close(measured: Option<f64>, expected: &Value, what: &str) {
    match (measured, expected.as_f64()) {
        (None, None) => {}
        (Some(a), Some(b)) => assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{what}: {a}, not {b}"),
        other => panic!("{what}: {other:?}"),
    }
}

/// Values as expected, limits around them, and resampled limits as SciPy finds them.
fn check_metrics(report: &Report, case: &Value) {
    for (name, expected) in case["expected"].as_object().unwrap() {
        let interval = report.metric(name).unwrap();
        close(interval.value, expected, &format!("{} of {}", name, case["name"]));
        if let (Some(value), Some(low), Some(high)) = (interval.value, interval.low, interval.high) {
            assert!(
                low <= value && value <= high,
                "{name} of {}: {interval:?}",
                case["name"]
            );
        }
        let Some(limits) = case["bootstrap"].get(name).map(floats) else {
            continue;
        };
        assert_eq!(interval.method, Some(Method::Bootstrap));
        // 500 replicates know a limit to about a twentieth of the width.
        let room = 0.12 * (limits[1] - limits[0]);
        assert!(
            (interval.low.unwrap() - limits[0]).abs() < room,
            "{name}: {interval:?} against {limits:?}"
        );
        assert!(
            (interval.high.unwrap() - limits[1]).abs() < room,
            "{name}: {interval:?} against {limits:?}"
        );
    }
    let text = serde_json::to_string(report).unwrap();
    assert_eq!(
        &serde_json::from_str::<Report>(&text).unwrap(),
        report,
        "{} survives JSON",
        case["name"]
    );
}

fn binary_report(case: &Value) -> BinaryReport {
    let mut evaluator = BinaryEvaluator::new();
    for (score, truth) in floats(&case["scores"]).into_iter().zip(floats(&case["truth"])) {
        evaluator.add(score, truth == 1.0);
    }
    evaluator.finish(case["threshold"].as_f64().unwrap(), 1)
}

/// Every point is one of scikit-learn's, both ends are there, and nothing is dropped without need.
fn check_roc(report: &BinaryReport, case: &Value) {
    let Some(rates) = case["roc"].as_array() else {
        return assert!(report.roc.is_empty());
    };
    let thresholds = floats(&case["roc_thresholds"]);
    for point in &report.roc {
        let at = |threshold| 1 + thresholds.iter().position(|&known| known == threshold).unwrap();
        let expected = &rates[point.threshold.map_or(0, at)];
        close(
            Some(point.false_positive_rate),
            &expected[0],
            "false positive rate",
        );
        close(Some(point.true_positive_rate), &expected[1], "true positive rate");
    }
    assert_eq!(report.roc.first().unwrap().threshold, None);
    assert_eq!(report.roc.last().unwrap().threshold, thresholds.last().copied());
    assert!(report.roc.len() <= roc::MOST_POINTS);
    assert!(
        rates.len() > roc::MOST_POINTS || rates.len() == report.roc.len(),
        "{}",
        case["name"]
    );
}

#[test]
fn binary_metrics_are_those_of_scikit_learn() {
    for case in cases("binary") {
        let report = binary_report(&case);
        let c = report.confusion;
        let counts = json!([
            c.true_negatives,
            c.false_positives,
            c.false_negatives,
            c.true_positives
        ]);
        assert_eq!(counts, case["confusion"], "{}", case["name"]);
        check_roc(&report, &case);
        check_metrics(&Report::Binary(report), &case);
    }
}

#[test]
fn multiclass_metrics_are_those_of_scikit_learn() {
    for case in cases("multiclass") {
        let classes: Vec<String> = serde_json::from_value(case["classes"].clone()).unwrap();
        let baseline_class = case["baseline_class"].as_u64().unwrap() as usize;
        let mut evaluator = MulticlassEvaluator::new(&classes, baseline_class);
        let truths = case["truth"].as_array().unwrap();
        for (probabilities, label) in case["probabilities"].as_array().unwrap().iter().zip(truths) {
            let label = label.as_str().unwrap();
            let known = classes.iter().position(|class| class == label);
            evaluator.add(
                &floats(probabilities),
                known.map_or(Truth::Unseen(label), Truth::Known),
            );
        }
        let report = evaluator.finish(1);
        assert_eq!(json!(report.confusion.labels), case["labels"], "{}", case["name"]);
        assert_eq!(
            json!(report.confusion.counts),
            case["confusion"],
            "{}",
            case["name"]
        );
        for (class, expected) in report.classes.iter().zip(case["per_class"].as_array().unwrap()) {
            // scikit-learn says zero where a share is not defined.
            close(Some(class.precision.unwrap_or(0.0)), &expected[0], "precision");
            close(Some(class.recall.unwrap_or(0.0)), &expected[1], "recall");
            close(Some(class.f1.unwrap_or(0.0)), &expected[2], "f1");
            close(Some(class.support as f64), &expected[3], "support");
        }
        close(
            report.baseline.macro_f1,
            &case["baseline"]["macro_f1"],
            "baseline macro F1",
        );
        close(
            report.baseline.accuracy,
            &case["baseline"]["accuracy"],
            "baseline accuracy",
        );
        check_metrics(&Report::Multiclass(report), &case);
    }
}

#[test]
fn regression_metrics_are_those_of_scikit_learn() {
    for case in cases("regression") {
        let mut evaluator = RegressionEvaluator::new(case["baseline_mean"].as_f64().unwrap());
        let pairs = floats(&case["predictions"])
            .into_iter()
            .zip(floats(&case["truth"]));
        pairs.for_each(|(prediction, truth)| evaluator.add(prediction, truth));
        let report = evaluator.finish(1);
        close(report.baseline.rmse, &case["baseline"]["rmse"], "baseline RMSE");
        close(report.baseline.mae, &case["baseline"]["mae"], "baseline MAE");
        check_metrics(&Report::Regression(report), &case);
    }
}

#[test]
fn wilson_limits_are_those_of_scipy() {
    for case in cases("wilson") {
        let interval = Interval::wilson(case["hits"].as_u64().unwrap(), case["trials"].as_u64().unwrap());
        close(interval.low, &case["low"], "low");
        close(interval.high, &case["high"], "high");
    }
}

#[test]
fn the_json_begins_as_agreed_and_keeps_the_order_of_the_metrics() {
    let report = Report::Binary(binary_report(&cases("binary")[0]));
    let text = serde_json::to_string(&report).unwrap();
    assert!(
        text.starts_with(r#"{"type":"binary","records":300,"metrics":{"auc":{"value":0.84"#),
        "{text:.120}"
    );
    let value: Value = serde_json::from_str(&text).unwrap();
    let written: Vec<&String> = value["metrics"].as_object().unwrap().keys().collect();
    let listed: Vec<&str> = report.metrics().into_iter().map(|(name, _)| name).collect();
    assert_eq!(written, listed);
    assert_eq!(
        listed,
        [
            "auc",
            "log_loss",
            "accuracy",
            "f1",
            "brier",
            "precision",
            "recall"
        ]
    );
    assert_eq!(value["metrics"]["auc"]["method"], "delong");
    assert_eq!(
        value["confusion"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["tp", "fp", "tn", "fn"]
    );
    assert_eq!(value["thresholds"][50]["fn"], value["confusion"]["fn"]);
    assert_eq!(report.headline(), ("auc", report.metric("auc").unwrap()));
    assert_eq!((report.baseline(), report.metric("rmse")), (Some(0.5), None));
}

#[test]
fn what_is_not_defined_is_null() {
    let empty = [
        Report::Binary(BinaryEvaluator::new().finish(0.5, 1)),
        Report::Multiclass(MulticlassEvaluator::new(&["a".into(), "b".into()], 0).finish(1)),
        Report::Regression(RegressionEvaluator::new(1.0).finish(1)),
    ];
    for report in empty {
        let value = serde_json::to_value(&report).unwrap();
        assert_eq!(value["type"], report.task().as_str());
        for (name, _) in report.metrics() {
            let undefined = json!({"value": null, "low": null, "high": null, "method": null});
            assert_eq!(value["metrics"][name], undefined, "{name}");
        }
        assert_eq!((report.records(), report.notes().len()), (0, 1));
        assert_eq!(serde_json::from_value::<Report>(value).unwrap(), report);
    }
}
