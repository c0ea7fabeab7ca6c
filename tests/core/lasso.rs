//! Penalties on absolute values against optima worked out with another library (`tests/golden/lasso.json`), against the
//! conditions of the minimum, and at their ends.

use serde_json::Value;
use yosoku::ml::features::FeatureVector;
use yosoku::ml::hash::Stream;
use yosoku::ml::learn::learner::dataset;
use yosoku::ml::learn::objective::{Objective, Problem};
use yosoku::ml::learn::{Design, DesignBuilder, Fitted, LearnParams, Targets, fit_observed};
use yosoku::ml::observe::Silent;
use yosoku::ml::pipeline::table::MemoryTable;
use yosoku::ml::pipeline::{Trained, train};
use yosoku::ml::split::Split;

use crate::learners::{bits, check, dense, golden, made, numbers, read, standardised, targets, words};
use crate::support::{on_threads, request};

fn solutions() -> Value {
    let path = format!("{}/tests/golden/lasso.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn fit(design: &Design, targets: &Targets, l1: f64, l2: Option<f64>) -> Fitted {
    let params = LearnParams {
        l1: Some(l1),
        l2,
        ..LearnParams::default()
    };
    fit_observed(&params, &dataset(design.clone(), targets.clone()), &mut Silent).unwrap()
}

/// Holds a fit to a stored solution: weights, and which of them are 0.
fn hold(name: &str, design: &Design, targets: &Targets, solution: &Value) {
    let strength = |name: &str| solution[name].as_f64().unwrap();
    let fitted = fit(design, targets, strength("l1"), Some(strength("l2")));
    let features = design.features();
    check(
        &format!("{name}, l1 {}", solution["l1"]),
        &fitted,
        solution,
        features,
    );
    for output in 0..fitted.outputs {
        let weights = numbers(&solution["weights"][output]);
        for (feature, weight) in weights.into_iter().enumerate() {
            let found = fitted.beta[feature * fitted.outputs + output];
            assert_eq!(found == 0.0, weight == 0.0, "{name}, {feature}: {found} {weight}");
        }
    }
    let used = fitted.report.used.unwrap();
    assert_eq!(used.features as u64, solution["used"].as_u64().unwrap());
    assert_eq!(used.of, features);
    assert_eq!(fitted.report.l1, Some(strength("l1")));
}

#[test]
fn real_data_reach_the_stored_optima() {
    let (cases, stored) = (golden(), solutions());
    for name in ["breast_cancer", "wine", "iris", "diabetes"] {
        let case = &cases[name];
        let (rows, labels) = read(name);
        let design = dense(&standardised(&rows, case), 0);
        for solution in stored[name].as_array().unwrap() {
            hold(name, &design, &targets(case, &labels), solution);
        }
    }
}

#[test]
fn sparse_words_reach_the_stored_optima() {
    let (cases, stored) = (golden(), solutions());
    let data = &cases["synthetic"]["data"];
    let mut builder = DesignBuilder::new(5, 55);
    for (numbers, words) in words(data) {
        builder.push(&FeatureVector {
            dense: numbers.iter().map(|&x| x as f32).collect(),
            active: words,
        });
    }
    let design = builder.build();
    for (problem, classes) in [("binary", 2), ("four", 4)] {
        let of_row = numbers(&data[problem]).into_iter().map(|class| class as u32);
        let targets = Targets::Classes {
            classes,
            of_row: of_row.collect(),
        };
        for solution in stored[problem].as_array().unwrap() {
            hold(problem, &design, &targets, solution);
        }
    }
}

/// The three questions about rows that [`made`] made.
fn questions(margins: &[f64]) -> [Targets; 3] {
    let classes = |classes: usize, class: &dyn Fn(f64) -> u32| Targets::Classes {
        classes,
        of_row: margins.iter().map(|margin| class(*margin)).collect(),
    };
    [
        Targets::Values(margins.to_vec()),
        classes(2, &|margin| u32::from(margin > 0.0)),
        classes(3, &|margin| u32::from(margin > -0.4) + u32::from(margin > 0.4)),
    ]
}

/// At the minimum the slope of loss and `l2` is `−l1 · sign` where there is a weight, within `±l1` where there is none,
/// and 0 for intercepts. Rows enough that the engine ends where the certificate says so, not at the last digit.
#[test]
fn the_conditions_of_the_minimum_hold() {
    let (design, margins) = made(5_000, 21, None);
    for targets in questions(&margins) {
        for (l1, l2) in [(3e-3, None), (3e-4, Some(1e-3)), (2e-2, Some(1e-6))] {
            let fitted = fit(&design, &targets, l1, l2);
            assert!(fitted.report.certificate.certified, "{:?}", fitted.report);
            assert_eq!(fitted.report.l2, l2.unwrap_or(0.0));
            let objective = Objective::new(&design, &targets, l2.unwrap_or(0.0));
            let mut gradient = vec![0.0; fitted.beta.len()];
            objective.evaluate(&fitted.beta, &mut gradient);
            let penalised = objective.penalised();
            for (at, (slope, beta)) in gradient.iter().zip(&fitted.beta).enumerate() {
                let off = if at >= penalised {
                    slope.abs()
                } else if *beta != 0.0 {
                    (slope + l1 * beta.signum()).abs()
                } else {
                    (slope.abs() - l1).max(0.0)
                };
                assert!(
                    off < 1e-6,
                    "l1 {l1}, l2 {l2:?}, weight {at} = {beta}: off by {off:e}"
                );
            }
        }
    }
}

/// One value of each attribute is on each row, so that all weights of an attribute can move against the intercept, and
/// only the penalty says where: the objective is flat along such moves.
#[test]
fn attributes_that_are_always_there_are_no_trouble() {
    let mut stream = Stream::new(8);
    let mut builder = DesignBuilder::new(0, 30);
    let mut margins = Vec::new();
    for _ in 0..3_000 {
        let active: Vec<u32> = (0..3)
            .map(|at| at * 10 + (stream.next_unit() * 10.0) as u32)
            .collect();
        let margin: f64 = active.iter().map(|id| f64::from(id % 10) - 4.5).sum();
        margins.push(margin / 10.0 + stream.next_unit() - 0.5);
        builder.push(&FeatureVector {
            dense: Vec::new(),
            active,
        });
    }
    let design = builder.build();
    for targets in questions(&margins) {
        for l1 in [1e-2, 1e-4, 1e-6] {
            let report = fit(&design, &targets, l1, None).report;
            assert!(report.certificate.certified, "l1 {l1}: {report:?}");
            println!(
                "l1 {l1}: {} iterations, {} passes",
                report.iterations, report.passes
            );
            assert!(report.passes < 4000, "l1 {l1}: {report:?}");
        }
    }
}

/// From the strength on that the steepest weight of the base rates has, no weight is left, and just below one is.
#[test]
fn a_strong_penalty_leaves_nothing() {
    let (design, margins) = made(2_000, 4, None);
    for targets in questions(&margins) {
        let none = fit(&design, &targets, 1e3, None);
        let first = none.beta.len() - none.outputs;
        assert!(none.beta[..first].iter().all(|b| *b == 0.0));
        assert_eq!(none.report.used.unwrap().features, 0);
        let objective = Objective::new(&design, &targets, 0.0);
        let mut gradient = vec![0.0; none.beta.len()];
        objective.evaluate(&none.beta, &mut gradient);
        let most = gradient[..first].iter().map(|g| g.abs()).fold(0.0, f64::max);
        let used = |l1: f64| {
            let report = fit(&design, &targets, l1, None).report;
            assert!(report.certificate.certified, "{report:?}");
            report.used.unwrap().features
        };
        assert_eq!(used(most * 1.000_001), 0);
        assert!(used(most * 0.99) > 0);
    }
}

#[test]
fn a_weak_penalty_changes_next_to_nothing() {
    let (design, margins) = made(2_000, 5, None);
    for targets in questions(&margins) {
        let params = LearnParams {
            l2: Some(1e-3),
            ..LearnParams::default()
        };
        let without = fit_observed(&params, &dataset(design.clone(), targets.clone()), &mut Silent).unwrap();
        let with = fit(&design, &targets, 1e-12, Some(1e-3));
        assert!(with.report.certificate.certified && without.report.l1.is_none());
        for (a, b) in with.beta.iter().zip(&without.beta) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
        // A strength of 0 is none at all.
        let zero = fit(&design, &targets, 0.0, Some(1e-3));
        assert_eq!(bits(&zero), bits(&without));
        assert!(zero.report.l1.is_none() && zero.report.used.is_none());
    }
}

/// The loss is a mean, so rows that all come twice change nothing. The engine goes on to 1e-12 of the objective, about the
/// square of what weights are off by.
#[test]
fn rows_that_come_twice_change_nothing() {
    let mut stream = Stream::new(9);
    let (mut once, mut twice) = (DesignBuilder::new(4, 0), DesignBuilder::new(4, 0));
    let (mut values, mut doubled) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        let dense: Vec<f32> = (0..4).map(|_| stream.next_unit() as f32 - 0.5).collect();
        let value = f64::from(dense[0]) - 0.3 * f64::from(dense[2]) + 0.2 * stream.next_unit();
        let row = FeatureVector {
            dense,
            active: Vec::new(),
        };
        once.push(&row);
        values.push(value);
        for _ in 0..2 {
            twice.push(&row);
            doubled.push(value);
        }
    }
    let (once, twice) = (once.build(), twice.build());
    for (one, two) in questions(&values).iter().zip(questions(&doubled)) {
        let (one, two) = (fit(&once, one, 5e-3, None), fit(&twice, &two, 5e-3, None));
        for (a, b) in one.beta.iter().zip(&two.beta) {
            assert!((a - b).abs() < 1e-5 * (1.0 + a.abs()), "{a} {b}");
        }
    }
}

#[test]
fn weights_are_the_same_to_the_bit_on_any_number_of_threads() {
    let (design, margins) = made(13_000, 11, None);
    assert!(design.shards.len() > 3);
    for targets in questions(&margins) {
        let run = |threads| on_threads(threads, || fit(&design, &targets, 1e-3, None));
        let (one, seven) = (run(1), run(7));
        assert!(one.report.certificate.certified, "{:?}", one.report);
        assert_eq!(bits(&one), bits(&seven));
        assert_eq!(one.report, seven.report);
    }
}

/// A limit of the passes is kept, with and without `l1`, and what it left undone is said.
#[test]
fn passes_are_counted() {
    let (design, margins) = made(3_000, 6, None);
    for targets in questions(&margins) {
        for l1 in [None, Some(1e-5)] {
            for most in [1, 5, 10, 14, 1_000] {
                let params = LearnParams {
                    l1,
                    l2: Some(1e-7),
                    max_passes: Some(most),
                    ..LearnParams::default()
                };
                let data = dataset(design.clone(), targets.clone());
                let report = fit_observed(&params, &data, &mut Silent).unwrap().report;
                assert!(report.passes <= most.max(4), "{most}: {report:?}");
                assert!(report.iterations > 0 || most < 10, "{report:?}");
                let is_narrow = l1.is_none() && matches!(targets, Targets::Values(_));
                assert_eq!(report.learner, if is_narrow { "gram" } else { "lbfgs" });
                // A narrow regression takes one pass for its products, one to step and one to see that it arrived.
                if most == 1_000 || is_narrow {
                    assert_eq!(report.stopped, "converged");
                    assert!(report.certificate.certified && report.notes.is_empty());
                } else if most <= 5 {
                    assert_eq!(report.stopped, "passes");
                    assert!(!report.certificate.certified);
                    assert!(report.notes[0].contains("max_passes"), "{:?}", report.notes);
                }
            }
        }
    }
}

/// Amazon ML's parameters from the table on: a model of 100,000 bytes has 1,041 weights of 96 bytes, for three classes 347
/// features; the report tells what else was asked for; nothing is chosen.
#[test]
fn parameters_of_amazon_ml_are_obeyed() {
    let given = [
        ("sgd.l1RegularizationAmount", "1e-3"),
        ("sgd.maxPasses", "60"),
        ("sgd.maxMLModelSizeInBytes", "100000"),
        ("sgd.shuffleType", "auto"),
    ];
    for (classes, most) in [(2, 1041), (3, 347)] {
        let mut text = String::from("words,x,y\n");
        for row in 0..4_000 {
            // Each word is on three rows or more, so that rare ones are not simply dropped.
            let (a, b) = (row % 1_300, row % 977);
            let x = row % 11;
            text += &format!("a{a} b{b},{x},c{}\n", (x + a % 2) % classes);
        }
        let mut request = request("y", Split::all());
        let given = given.map(|(name, value)| (name.to_string(), value.to_string()));
        request.params = LearnParams::from_map(&given.into()).unwrap();
        let trained = train(&MemoryTable::new(text), &request, &mut Silent).unwrap();
        let document = &trained.bundle.document;
        let features = document.featurizer.dense() + document.featurizer.sparse();
        assert!(features <= most && features > most * 3 / 4, "{features}");
        let solver = &document.solver;
        assert_eq!((solver.l1, solver.l2), (Some(1e-3), 0.0));
        assert!(solver.passes <= 60 && solver.search.is_none() && trained.recipes.is_empty());
        assert!(solver.notes[0].contains("sgd.shuffleType"), "{:?}", solver.notes);
        assert!(
            solver.notes.iter().any(|note| note.contains("matter least")),
            "{:?}",
            solver.notes
        );
        let used = solver.used.unwrap();
        assert!(used.features < features && used.of == features, "{used:?}");
        assert!(
            trained
                .warnings
                .iter()
                .any(|warning| warning.contains("sgd.maxMLModelSizeInBytes"))
        );
    }
}

/// A model that may have 1,041 weights keeps the words that tell most, however rare they are.
#[test]
fn a_limit_of_size_costs_what_tells_least() {
    let mut text = String::from("words,y\n");
    for row in 0..3_000 {
        // 1,200 words of noise on 5 rows each, and 60 words on 4 rows each that say everything.
        let (noise, more) = (row % 1_200, (row * 7 + row / 1_200 * 11 + 3) % 1_200);
        let (word, label) = match row {
            0..240 => (format!(" t{}", row % 60), row % 2 == 0),
            _ => (String::new(), (row / 3) % 2 == 0),
        };
        text += &format!("n{noise} n{more}{word},c{}\n", u8::from(label));
    }
    let trained = |size: &[(&str, &str)]| {
        let mut request = request("y", Split::all());
        let given = [("l2", "1e-4")].iter().chain(size);
        let given = given.map(|(name, value)| (name.to_string(), value.to_string()));
        request.params = LearnParams::from_map(&given.collect()).unwrap();
        train(&MemoryTable::new(&text), &request, &mut Silent).unwrap()
    };
    let whole = trained(&[]);
    let small = trained(&[("sgd.maxMLModelSizeInBytes", "100000")]);
    let features = |trained: &Trained| {
        let featurizer = &trained.bundle.document.featurizer;
        featurizer.dense() + featurizer.sparse()
    };
    assert!(
        features(&whole) == 1_260 && features(&small) == 1_041,
        "{}",
        features(&small)
    );
    let state = serde_json::to_string(&small.bundle.document.featurizer).unwrap();
    for word in 0..60 {
        assert!(state.contains(&format!("\"t{word}\"")), "t{word} went");
    }
    let solver = &small.bundle.document.solver;
    assert!(solver.certificate.certified, "{:?}", solver.certificate);
    assert!(solver.certificate.loss >= whole.bundle.document.solver.certificate.loss);
    let log = yosoku::ml::model::training_log(&small.bundle);
    assert!(
        log.contains("matter least were left out") && log.contains("mean loss"),
        "{log}"
    );
    assert!(!log.contains("went on from the model"), "{log}");
    // The file alone answers as training did: golden rows are scored again when it is read.
    let bytes = small.bundle.encode();
    assert!(bytes.len() < whole.bundle.encode().len());
    assert_eq!(
        yosoku::ml::model::Bundle::decode(&bytes).unwrap().hash(),
        small.bundle.hash()
    );
}
