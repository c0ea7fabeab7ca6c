//! The learner against optima worked out with another library (`tests/golden/learners.json`), against itself on
//! several threads, and on designs that have no unique or no finite optimum.
//!
//! Weights are compared to 1e-4 · (1 + |expected|). The stored optima are exact to about 1e-9 and a certified fit
//! may by strong convexity still be `sqrt(2 · gap / l2)` away, so this is not implied by the certificate: it asks
//! the solvers to go on until nothing moves in the first four digits.

use std::sync::Arc;

use serde_json::Value;
use yosoku::ml::features::FeatureVector;
use yosoku::ml::hash::Stream;
use yosoku::ml::learn::learner::dataset;
use yosoku::ml::learn::{
    Design, DesignBuilder, Fitted, Groups, LearnParams, Overflow, Targets, fit_observed,
};
use yosoku::ml::observe::Silent;
use yosoku::spill::Folder;

use crate::support::{on_threads, sample};

const WEIGHTS: f64 = 1e-4;
const OBJECTIVE: f64 = 1e-8;

pub fn golden() -> Value {
    let path = format!("{}/tests/golden/learners.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

/// The numeric columns of a sample file, row by row, and the target as text. The files hold no quotes.
pub fn read(name: &str) -> (Vec<Vec<f64>>, Vec<String>) {
    let text = String::from_utf8(sample(name)).unwrap();
    let mut rows = Vec::new();
    let mut target = Vec::new();
    for line in text.lines().skip(1) {
        let (features, label) = line.rsplit_once(',').unwrap();
        rows.push(features.split(',').map(|field| field.parse().unwrap()).collect());
        target.push(label.to_string());
    }
    (rows, target)
}

/// Rows standardised with the stored statistics and rounded to single precision.
pub fn standardised(rows: &[Vec<f64>], case: &Value) -> Vec<Vec<f32>> {
    let (mean, sd) = (numbers(&case["mean"]), numbers(&case["sd"]));
    let scale = |(j, x): (usize, &f64)| (x - mean[j]) / if sd[j] > 0.0 { sd[j] } else { 1.0 };
    rows.iter()
        .map(|row| row.iter().enumerate().map(scale).map(|x| x as f32).collect())
        .collect()
}

/// A dense design, with `unused` active-or-not features that no row has.
pub fn dense(rows: &[Vec<f32>], unused: usize) -> Design {
    let mut builder = DesignBuilder::new(rows[0].len(), unused);
    for row in rows {
        builder.push(&FeatureVector {
            dense: row.clone(),
            active: Vec::new(),
        });
    }
    builder.build()
}

pub fn targets(case: &Value, labels: &[String]) -> Targets {
    match case["classes"].as_array() {
        None => Targets::Values(labels.iter().map(|label| label.parse().unwrap()).collect()),
        Some(classes) => Targets::Classes {
            classes: classes.len(),
            of_row: labels
                .iter()
                .map(|label| classes.iter().position(|class| class == label).unwrap() as u32)
                .collect(),
        },
    }
}

fn fit(design: Design, targets: Targets, l2: f64) -> Fitted {
    let params = LearnParams {
        l2: Some(l2),
        ..LearnParams::default()
    };
    fit_observed(&params, &dataset(design, targets), &mut Silent).unwrap()
}

/// Holds a fit against one stored solution; `features` of its features are those of the solution.
pub fn check(name: &str, fitted: &Fitted, solution: &Value, features: usize) {
    let report = &fitted.report;
    let what = format!("{name}, l2 {}, by {}", solution["l2"], report.learner);
    let objective = solution["objective"].as_f64().unwrap();
    let off = (report.certificate.objective - objective).abs() / objective;
    assert!(off <= OBJECTIVE, "{what}: objective off by {off:e}");
    assert!(report.certificate.certified, "{what}: {:?}", report.certificate);
    let close = |found: f64, expected: f64, place: &dyn std::fmt::Display| {
        assert!(
            (found - expected).abs() <= WEIGHTS * (1.0 + expected.abs()),
            "{what}, {place}: expected {expected}, found {found}"
        );
    };
    let outputs = fitted.outputs;
    let intercepts = &fitted.beta[fitted.beta.len() - outputs..];
    let expected = numbers(&solution["intercept"]);
    assert_eq!(expected.len(), outputs, "{what}");
    for output in 0..outputs {
        close(
            intercepts[output],
            expected[output],
            &format!("intercept {output}"),
        );
        let weights = numbers(&solution["weights"][output]);
        assert_eq!(weights.len(), features, "{what}");
        for (feature, weight) in weights.into_iter().enumerate() {
            let found = fitted.beta[feature * outputs + output];
            close(found, weight, &format!("weight {feature} of output {output}"));
        }
    }
}

#[test]
fn real_data_reach_the_stored_optima() {
    let golden = golden();
    for name in ["breast_cancer", "wine", "iris", "digits", "diabetes"] {
        let case = &golden[name];
        let (rows, labels) = read(name);
        let rows = standardised(&rows, case);
        for solution in case["solutions"]["f32"].as_array().unwrap() {
            let l2 = solution["l2"].as_f64().unwrap();
            let fitted = fit(dense(&rows, 0), targets(case, &labels), l2);
            let expected = match name {
                "breast_cancer" => "linfa-logistic",
                "diabetes" if l2 == 0.0 => "linfa-linear",
                "diabetes" => "gram",
                _ => "lbfgs",
            };
            assert_eq!(
                fitted.report.learner, expected,
                "{name}, l2 {l2}: {:?}",
                fitted.report.notes
            );
            check(name, &fitted, solution, rows[0].len());
        }
    }
}

/// A feature that no row has keeps the small-design learners away and must not change the optimum.
#[test]
fn our_engine_reaches_the_same_optima_as_linfa() {
    let golden = golden();
    for name in ["breast_cancer", "diabetes"] {
        let case = &golden[name];
        let (rows, labels) = read(name);
        let rows = standardised(&rows, case);
        for solution in case["solutions"]["f32"].as_array().unwrap() {
            let l2 = solution["l2"].as_f64().unwrap();
            let fitted = fit(dense(&rows, 1), targets(case, &labels), l2);
            let expected = if name == "diabetes" { "gram" } else { "lbfgs" };
            assert_eq!(fitted.report.learner, expected);
            assert_eq!(
                fitted.beta[rows[0].len()],
                0.0,
                "the unused feature has no weight"
            );
            check(name, &fitted, solution, rows[0].len());
        }
    }
}

/// Numbers and words of each row of the synthetic set.
pub fn words(data: &Value) -> Vec<(Vec<f64>, Vec<u32>)> {
    let dense = data["dense"].as_array().unwrap().iter();
    dense
        .zip(data["words"].as_array().unwrap())
        .map(|(dense, words)| {
            let words = numbers(words).into_iter().map(|word| word as u32).collect();
            (numbers(dense), words)
        })
        .collect()
}

#[test]
fn sparse_words_beside_numbers_reach_the_stored_optima() {
    let golden = golden();
    let case = &golden["synthetic"];
    let data = &case["data"];
    let rows = words(data);
    let mut builder = DesignBuilder::new(5, 55);
    for (numbers, words) in &rows {
        builder.push(&FeatureVector {
            dense: numbers.iter().map(|&x| x as f32).collect(),
            active: words.clone(),
        });
    }
    let as_is = builder.build();
    let full: Vec<Vec<f64>> = rows
        .iter()
        .map(|(numbers, words)| {
            let mut row = numbers.clone();
            row.resize(60, 0.0);
            words.iter().for_each(|&word| row[5 + word as usize] = 1.0);
            row
        })
        .collect();
    let scaled = dense(&standardised(&full, case), 0);
    for (problem, classes) in [("binary", 2), ("four", 4)] {
        let targets = Targets::Classes {
            classes,
            of_row: numbers(&data[problem])
                .into_iter()
                .map(|class| class as u32)
                .collect(),
        };
        for (variant, design) in [("as_is", &as_is), ("f32", &scaled)] {
            let solutions = case["solutions"][problem][variant].as_array().unwrap();
            assert_eq!(solutions.len(), 3);
            for solution in solutions {
                let fitted = fit(design.clone(), targets.clone(), solution["l2"].as_f64().unwrap());
                check(&format!("synthetic {problem} {variant}"), &fitted, solution, 60);
            }
        }
    }
}

/// Rows enough for several shards, made from a seed; kept as `overflow` says.
pub fn made(rows: usize, seed: u64, overflow: Option<Overflow>) -> (Design, Vec<f64>) {
    filled(rows, seed, DesignBuilder::new(3, 40).with_overflow(overflow))
}

/// The same where features that come together are joined.
fn made_joined(rows: usize, seed: u64, overflow: Option<Overflow>) -> (Design, Vec<f64>) {
    let groups = Groups {
        names: (0..6).map(|group| group.to_string()).collect(),
        of_feature: (0..43u32).map(|feature| feature.saturating_sub(3) / 8).collect(),
    };
    let builder = DesignBuilder::new(3, 40)
        .with_groups(groups)
        .with_overflow(overflow);
    let (design, margins) = filled(rows, seed, builder.with_joints(1, 1_000_000));
    assert!(design.joints.is_some() && design.bytes() < made(rows, seed, None).0.bytes());
    (design, margins)
}

fn filled(rows: usize, seed: u64, mut builder: DesignBuilder) -> (Design, Vec<f64>) {
    let mut stream = Stream::new(seed);
    let mut margins = Vec::new();
    for _ in 0..rows {
        let dense: Vec<f32> = (0..3).map(|_| stream.next_unit() as f32 - 0.5).collect();
        let active: Vec<u32> = (0..40).filter(|_| stream.next_unit() < 0.1).collect();
        let noise = stream.next_unit() - 0.5;
        margins
            .push(f64::from(dense[0]) * 2.0 - f64::from(dense[1]) + active.len() as f64 * 0.3 - 1.2 + noise);
        builder.push(&FeatureVector { dense, active });
    }
    (builder.build(), margins)
}

pub fn bits(fitted: &Fitted) -> Vec<u64> {
    fitted.beta.iter().map(|b| b.to_bits()).collect()
}

#[test]
fn weights_are_the_same_to_the_bit_on_any_number_of_threads() {
    check_bits(|overflow| made(13_000, 11, overflow));
    check_bits(|overflow| made_joined(13_000, 11, overflow));
}

fn check_bits(made: impl Fn(Option<Overflow>) -> (Design, Vec<f64>)) {
    let (design, margins) = made(None);
    let overflow = Overflow {
        limit: 0,
        expected: 0,
        disk: Arc::new(Folder::new(None)),
    };
    let (on_disk, _) = made(Some(overflow));
    assert!(on_disk.shards.is_on_disk());
    assert!(design.shards.len() > 3);
    assert_eq!(on_disk.joints, design.joints);
    let problems = [
        Targets::Values(margins.clone()),
        Targets::Classes {
            classes: 2,
            of_row: margins.iter().map(|m| u32::from(*m > 0.0)).collect(),
        },
        Targets::Classes {
            classes: 3,
            of_row: margins
                .iter()
                .map(|m| u32::from(*m > -0.4) + u32::from(*m > 0.4))
                .collect(),
        },
    ];
    for targets in problems {
        let run = |threads| on_threads(threads, || fit(design.clone(), targets.clone(), 1e-4));
        let (one, two, seven) = (run(1), run(2), run(7));
        for threads in [1, 2, 7] {
            let spilled = on_threads(threads, || fit(on_disk.clone(), targets.clone(), 1e-4));
            assert_eq!(bits(&one), bits(&spilled), "{threads} threads, rows on disk");
            assert_eq!(one.report, spilled.report);
        }
        assert!(one.report.certificate.certified, "{:?}", one.report);
        assert_eq!(bits(&one), bits(&two));
        assert_eq!(bits(&one), bits(&seven));
        assert_eq!(one.report, seven.report);
    }
}

/// Nothing may be shipped silently: the weights are finite, and certified or remarked upon.
fn is_honest(what: &str, fitted: &Fitted) {
    assert!(fitted.beta.iter().all(|b| b.is_finite()), "{what}");
    let report = &fitted.report;
    assert!(report.certificate.objective.is_finite(), "{what}");
    assert!(
        report.certificate.certified || !report.notes.is_empty(),
        "{what}: {report:?}"
    );
}

#[test]
fn copied_and_constant_columns_are_harmless() {
    let golden = golden();
    for name in ["breast_cancer", "diabetes", "iris"] {
        let case = &golden[name];
        let (rows, labels) = read(name);
        let plain = standardised(&rows, case);
        let odd: Vec<Vec<f32>> = plain
            .iter()
            .map(|row| {
                let mut row = row.clone();
                row.extend([row[0], row[0], 0.0, row[1] + row[2]]);
                row
            })
            .collect();
        for l2 in [0.0, 1e-3] {
            let truth = targets(case, &labels);
            // Without a penalty and on separable data there is no optimum to compare.
            let comparable = l2 > 0.0 || name == "diabetes";
            for unused in [0, 1] {
                let fitted = fit(dense(&odd, unused), truth.clone(), l2);
                is_honest(&format!("{name}, l2 {l2}, {unused} unused"), &fitted);
                if !comparable {
                    continue;
                }
                assert!(
                    fitted.report.certificate.certified,
                    "{name}, l2 {l2}: {:?}",
                    fitted.report
                );
                let without = fit(dense(&plain, unused), truth.clone(), l2);
                let (more, less) = (
                    fitted.report.certificate.objective,
                    without.report.certificate.objective,
                );
                assert!(
                    more <= less * (1.0 + 1e-9),
                    "{name}: more columns cannot do worse: {more} > {less}"
                );
                if l2 == 0.0 {
                    assert!(
                        (more / less - 1.0).abs() < 1e-9,
                        "{name}: copies add nothing: {more}, {less}"
                    );
                }
            }
        }
    }
}

#[test]
fn separable_rows_give_finite_weights_that_separate() {
    let rows: Vec<Vec<f32>> = (0..40)
        .map(|i| vec![if i < 20 { -1.0 } else { 1.0 } * (1 + i % 3) as f32])
        .collect();
    for (classes, l2) in [(2, 0.0), (2, 1.0 / 40.0), (3, 0.0), (3, 1.0 / 40.0)] {
        for unused in [0, 1] {
            let truth = Targets::Classes {
                classes,
                of_row: (0..40).map(|i| u32::from(i >= 20)).collect(),
            };
            let fitted = fit(dense(&rows, unused), truth, l2);
            is_honest(&format!("{classes} classes, l2 {l2}, {unused} unused"), &fitted);
            let slope = match fitted.outputs {
                1 => fitted.beta[0],
                _ => fitted.beta[1] - fitted.beta[0],
            };
            assert!(slope > 0.5, "{classes} classes, l2 {l2}: {:?}", fitted.beta);
        }
    }
}

#[test]
fn more_columns_than_rows_are_certified_or_noted() {
    let mut stream = Stream::new(5);
    let rows: Vec<Vec<f32>> = (0..12)
        .map(|_| (0..50).map(|_| stream.next_unit() as f32 - 0.5).collect())
        .collect();
    let classes = |classes: u32| Targets::Classes {
        classes: classes as usize,
        of_row: (0..12).map(|i| i % classes).collect(),
    };
    let values = Targets::Values((0..12).map(|i| f64::from(i * i)).collect());
    for (what, truth) in [("binary", classes(2)), ("three", classes(3)), ("number", values)] {
        for l2 in [Some(0.0), Some(0.1), None] {
            let params = LearnParams {
                l2,
                ..LearnParams::default()
            };
            let fitted =
                fit_observed(&params, &dataset(dense(&rows, 0), truth.clone()), &mut Silent).unwrap();
            is_honest(&format!("{what}, l2 {l2:?}"), &fitted);
            if l2 != Some(0.0) {
                assert!(
                    fitted.report.certificate.certified,
                    "{what}, l2 {l2:?}: {:?}",
                    fitted.report
                );
            }
        }
    }
}

#[test]
fn a_fit_cut_short_says_so() {
    let (design, margins) = made(2_000, 3, None);
    let targets = Targets::Classes {
        classes: 3,
        of_row: margins
            .iter()
            .map(|m| u32::from(*m > -0.4) + u32::from(*m > 0.4))
            .collect(),
    };
    let params = LearnParams {
        l2: Some(1e-4),
        max_iterations: Some(2),
        ..LearnParams::default()
    };
    let fitted = fit_observed(&params, &dataset(design, targets), &mut Silent).unwrap();
    assert_eq!(
        (fitted.report.stopped.as_str(), fitted.report.iterations),
        ("iterations", 2)
    );
    assert!(!fitted.report.certificate.certified);
    assert!(
        fitted
            .report
            .notes
            .iter()
            .any(|note| note.contains("max_iterations")),
        "{:?}",
        fitted.report.notes
    );
}
