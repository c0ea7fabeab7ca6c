//! Tests of the learner's own choices, and of the state of linfa's multinomial fit.

use std::ops::ControlFlow;

use linfa::Dataset;
use linfa_logistic::MultiLogisticRegression;
use ndarray::Array2;

use super::*;
use crate::ml::features::FeatureVector;
use crate::ml::learn::design::DesignBuilder;
use crate::ml::observe::Stage;

/// Raw handwritten digits: numbers from 0 to 16, ten classes.
const DIGITS: &str = include_str!("../../../datasets/digits.csv");

fn design(rows: &[Vec<f32>], sparse: usize) -> Design {
    let mut builder = DesignBuilder::new(rows[0].len(), sparse);
    for row in rows {
        builder.push(&FeatureVector {
            dense: row.clone(),
            active: Vec::new(),
        });
    }
    builder.build()
}

fn fit(design: Design, targets: Targets, l2: Option<f64>) -> Fitted {
    let params = LearnParams {
        l2,
        ..LearnParams::default()
    };
    fit_observed(&params, &dataset(design, targets), &mut Silent).unwrap()
}

fn ramp(rows: usize) -> Vec<Vec<f32>> {
    (0..rows).map(|i| vec![i as f32 / rows as f32 - 0.5]).collect()
}

fn halves(rows: usize) -> Targets {
    // Not separable: every seventh row is on the wrong side.
    let class = |i: usize| u32::from((i >= rows / 2) != i.is_multiple_of(7));
    Targets::Classes {
        classes: 2,
        of_row: (0..rows).map(class).collect(),
    }
}

#[test]
fn each_problem_goes_to_its_learner() {
    let values = Targets::Values((0..60).map(f64::from).map(|x| (x * 7.0) % 11.0).collect());
    let three = Targets::Classes {
        classes: 3,
        of_row: (0..60).map(|i| i % 3).collect(),
    };
    let learner =
        |sparse, targets: &Targets, l2| fit(design(&ramp(60), sparse), targets.clone(), l2).report.learner;
    assert_eq!(learner(0, &values, None), "linfa-linear");
    assert_eq!(learner(0, &values, Some(0.1)), "gram");
    assert_eq!(learner(1, &values, None), "gram");
    assert_eq!(learner(400, &values, None), "lbfgs");
    assert_eq!(learner(0, &halves(60), None), "linfa-logistic");
    assert_eq!(learner(0, &halves(60), Some(0.0)), "lbfgs");
    assert_eq!(learner(1, &halves(60), None), "lbfgs");
    assert_eq!(learner(0, &three, None), "lbfgs");
}

#[test]
fn the_penalty_is_chosen_from_the_shape() {
    let values = |rows: i32| Targets::Values((0..rows).map(f64::from).collect());
    let l2 = |rows, targets| fit(design(&ramp(rows), 0), targets, None).report.l2;
    assert_eq!(l2(50, values(50)), 0.0);
    assert_eq!(l2(9, values(9)), 1.0 / 9.0);
    let chosen = fit(design(&ramp(50), 0), halves(50), None).report;
    let search = chosen.search.unwrap();
    assert_eq!(search.folds, 5);
    assert!(search.tried.is_sorted_by(|a, b| a.factor > b.factor) && search.tried.len() > 2);
    // All are one group here.
    assert!(search.groups.is_empty() && chosen.l2 > 0.0);
}

#[test]
fn a_shuffle_is_said_to_change_nothing() {
    let params = LearnParams {
        shuffle: Some(crate::ml::learn::Shuffle::None),
        ..LearnParams::default()
    };
    let notes = |params: &LearnParams| {
        let data = dataset(design(&ramp(60), 0), halves(60));
        fit_observed(params, &data, &mut Silent).unwrap().report.notes
    };
    assert!(notes(&params)[0].contains("sgd.shuffleType = none"));
    assert!(notes(&LearnParams::default()).is_empty());
}

/// linfa calls the more frequent class positive; ours is always the second one.
#[test]
fn the_second_class_is_the_positive_one_however_rare() {
    for cut in [10, 50] {
        let targets = Targets::Classes {
            classes: 2,
            of_row: (0..60).map(|i| u32::from(i >= cut)).collect(),
        };
        let fitted = fit(design(&ramp(60), 0), targets, Some(0.01));
        assert_eq!(fitted.report.learner, "linfa-logistic");
        assert!(fitted.beta[0] > 0.0, "{cut}: {:?}", fitted.beta);
    }
}

#[test]
fn it_is_a_linfa_estimator() {
    let data = dataset(
        design(&ramp(60), 0),
        Targets::Values((0..60).map(f64::from).collect()),
    );
    let checked = linfa::ParamGuard::check(Guarded::try_from(&LearnParams::default()).unwrap()).unwrap();
    let fitted = checked.fit(&data).unwrap();
    let mut scores = fitted.default_target(&data.records);
    fitted.predict_inplace(&data.records, &mut scores);
    assert!((scores[59] - 59.0).abs() < 1e-4, "{}", scores[59]);
}

#[test]
fn rows_must_match_and_exist() {
    let none = dataset(DesignBuilder::new(1, 0).build(), Targets::Values(Vec::new()));
    assert!(matches!(
        fit_observed(&LearnParams::default(), &none, &mut Silent),
        Err(LearnError::NoRows)
    ));
    let uneven = dataset(design(&ramp(3), 0), Targets::Values(vec![1.0]));
    assert!(fit_observed(&LearnParams::default(), &uneven, &mut Silent).is_err());
}

#[test]
fn an_observer_can_stop_the_search() {
    struct Impatient;
    impl Observer for Impatient {
        fn report(&mut self, _: Stage, _: u64, _: u64) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    let data = dataset(design(&ramp(60), 1), halves(60));
    assert!(matches!(
        fit_observed(&LearnParams::default(), &data, &mut Impatient),
        Err(LearnError::Stopped)
    ));
}

/// A watch on linfa: its multinomial fit answers `Ok` with weights that are far from the optimum, because its
/// log-sum-exp subtracts the maximum of the whole score matrix instead of each row's.
#[test]
fn linfas_multinomial_fit_is_still_wrong() {
    let mut rows = Vec::new();
    let mut of_row = Vec::new();
    for line in DIGITS.lines().skip(1) {
        let (numbers, class) = line.rsplit_once(',').unwrap();
        rows.push(
            numbers
                .split(',')
                .map(|x| x.parse().unwrap())
                .collect::<Vec<f32>>(),
        );
        of_row.push(class.parse::<u32>().unwrap());
    }
    let l2 = 1.0 / rows.len() as f64;
    let cells: Vec<f64> = rows.iter().flatten().copied().map(f64::from).collect();
    let matrix = Array2::from_shape_vec((rows.len(), 64), cells).unwrap();
    let theirs = MultiLogisticRegression::default()
        .alpha(1.0)
        .max_iterations(1000)
        .fit(&Dataset::new(matrix, Array1::from_vec(of_row.clone())));
    let design = design(&rows, 0);
    let targets = Targets::Classes { classes: 10, of_row };
    let ours = fit(design.clone(), targets.clone(), Some(l2));
    assert!(ours.report.certificate.certified, "{:?}", ours.report);
    // A refused fit is as useless as a wrong one.
    let Ok(theirs) = theirs else { return };
    assert_eq!(theirs.classes(), (0..10).collect::<Vec<u32>>());
    let mut beta: Vec<f64> = theirs.params().iter().copied().collect();
    beta.extend(theirs.intercept());
    let found = Certificate::at(&Objective::new(&design, &targets, l2), &beta, None);
    let best = ours.report.certificate.objective;
    assert!(
        found.objective > 1.2 * best,
        "linfa's multinomial fit reaches {} where the optimum is {best}: it seems repaired. Take it into use for \
         small dense designs in dense.rs (held by the certificate like the other two), say so in the \
         documentation, and turn this test into one of agreement",
        found.objective
    );
}
