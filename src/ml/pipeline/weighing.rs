//! How much each row counts: by a column of weights, by its class, or by both.
//!
//! The weights of all rows are brought to a mean of 1, so that a penalty means the same with and without them.

use super::error::PipelineError;
use crate::ml::learn::{ClassWeights, LearnError, LearnParams, Targets};
use crate::ml::record::Record;
use crate::ml::schema::nearest;
use crate::ml::target::Target;
use crate::ml::value::{Number, number};

/// Characters of a weight that cannot be read that a message shows.
const LONGEST_SHOWN: usize = 40;

/// The weight that a row gives itself in column `index`, called `column`.
pub(super) fn weight_of(record: &Record, index: usize, column: &str) -> Result<f64, PipelineError> {
    match number(record.get(index)) {
        Number::Value(weight) if weight >= 0.0 && weight.is_finite() => Ok(weight),
        _ => Err(PipelineError::RowWeight {
            column: column.into(),
            line: record.position.line,
            value: record.get(index).chars().take(LONGEST_SHOWN).collect(),
        }),
    }
}

/// What rows count, and what that does to the scores.
pub(super) struct Weighing {
    /// For each row, with a mean of 1.
    pub of_row: Vec<f32>,
    /// What the rows of each class count, beside their own weight; empty without class weights.
    of_class: Vec<f64>,
}

impl Weighing {
    /// From the rows' own weights, none where all count alike, and the parameters. `None` where nothing is asked for.
    pub(super) fn new(
        of_row: Vec<f64>,
        column: &str,
        params: &LearnParams,
        target: &Target,
        targets: &Targets,
    ) -> Result<Option<Self>, PipelineError> {
        let of_class = of_classes(&of_row, params.class_weights.as_ref(), target, targets)?;
        if of_row.is_empty() && of_class.is_empty() {
            return Ok(None);
        }
        let of_target = |row: usize| match targets {
            Targets::Classes { of_row, .. } => of_class.get(of_row[row] as usize).copied().unwrap_or(1.0),
            Targets::Values(_) => 1.0,
        };
        let both = |row: usize| of_row.get(row).copied().unwrap_or(1.0) * of_target(row);
        let total: f64 = (0..targets.len()).map(both).sum();
        if !(total > 0.0 && total.is_finite()) {
            return Err(PipelineError::NoWeight {
                column: column.into(),
                total,
            });
        }
        let scale = targets.len() as f64 / total;
        Ok(Some(Self {
            of_row: (0..targets.len()).map(|row| (both(row) * scale) as f32).collect(),
            of_class,
        }))
    }

    /// Takes what the class weights did to the scores back from the intercepts, the last of `beta` (prior correction:
    /// King and Zeng 2001, section 4.1), and says so. A class that counts `w` times has odds that are `w` times too high.
    pub(super) fn correct(&self, beta: &mut [f64], outputs: usize) -> Option<String> {
        let logs: Vec<f64> = self.of_class.iter().map(|&weight| libm::log(weight)).collect();
        let first = beta.len().checked_sub(outputs)?;
        match logs.as_slice() {
            [] => return None,
            [negative, positive] if outputs == 1 => beta[first] -= positive - negative,
            logs => {
                let mean = logs.iter().sum::<f64>() / logs.len() as f64;
                let of_class = beta[first..].iter_mut().zip(logs);
                of_class.for_each(|(intercept, log)| *intercept -= log - mean);
            }
        }
        Some(
            "classes counted unequally while the weights were found; the intercepts were shifted back, so scores are probabilities (prior_correction=false leaves them)"
                .into(),
        )
    }
}

/// What the rows of each class count; empty where nothing is asked for.
fn of_classes(
    of_row: &[f64],
    asked: Option<&ClassWeights>,
    target: &Target,
    targets: &Targets,
) -> Result<Vec<f64>, PipelineError> {
    let Some(asked) = asked else { return Ok(Vec::new()) };
    let Targets::Classes {
        classes,
        of_row: class_of,
    } = targets
    else {
        return Err(refused(
            "the target is a number and has no classes; leave it out".into(),
        ));
    };
    match asked {
        ClassWeights::Balanced => {
            let mut totals = vec![0.0; *classes];
            for (row, &class) in class_of.iter().enumerate() {
                totals[class as usize] += of_row.get(row).copied().unwrap_or(1.0);
            }
            let all: f64 = totals.iter().sum();
            let present = totals.iter().filter(|&&total| total > 0.0).count().max(1) as f64;
            let weight = |&total: &f64| if total > 0.0 { all / (present * total) } else { 1.0 };
            Ok(totals.iter().map(weight).collect())
        }
        ClassWeights::Given(given) => {
            let labels = target.labels();
            if let Some(label) = given.keys().find(|label| !labels.contains(&label.as_str())) {
                let hint = nearest(label, labels.iter().copied())
                    .map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                return Err(refused(format!("`{label}` is no label of the target{hint}")));
            }
            Ok(labels
                .iter()
                .map(|label| given.get(*label).copied().unwrap_or(1.0))
                .collect())
        }
    }
}

fn refused(problem: String) -> PipelineError {
    LearnError::Parameter {
        name: "class_weights".into(),
        problem,
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary() -> Target {
        Target::Binary {
            negative: "no".into(),
            positive: "yes".into(),
            literals: false,
        }
    }

    fn asking(weights: ClassWeights) -> LearnParams {
        LearnParams {
            class_weights: Some(weights),
            ..LearnParams::default()
        }
    }

    fn classes(of_row: &[u32]) -> Targets {
        Targets::Classes {
            classes: 2,
            of_row: of_row.to_vec(),
        }
    }

    #[test]
    fn weights_have_a_mean_of_one_and_classes_a_share_each() {
        let targets = classes(&[0, 0, 0, 1]);
        let none = Weighing::new(Vec::new(), "w", &LearnParams::default(), &binary(), &targets);
        assert!(none.unwrap().is_none());
        let own = Weighing::new(
            vec![1.0, 3.0, 0.0, 4.0],
            "w",
            &LearnParams::default(),
            &binary(),
            &targets,
        );
        assert_eq!(own.unwrap().unwrap().of_row, [0.5, 1.5, 0.0, 2.0]);
        let balanced = asking(ClassWeights::Balanced);
        let both = Weighing::new(vec![1.0, 3.0, 0.0, 4.0], "w", &balanced, &binary(), &targets);
        // Both classes have a weight of 4 in all: nothing to balance.
        assert_eq!(both.unwrap().unwrap().of_row, [0.5, 1.5, 0.0, 2.0]);
        let balanced = Weighing::new(Vec::new(), "", &balanced, &binary(), &targets)
            .unwrap()
            .unwrap();
        let third = (2.0f64 / 3.0) as f32;
        assert_eq!(balanced.of_row, [third, third, third, 2.0]);
        // The odds of the positive class were three times too high.
        let mut beta = vec![7.0, 0.5];
        assert!(balanced.correct(&mut beta, 1).is_some());
        assert!((beta[1] - (0.5 - libm::log(3.0))).abs() < 1e-12 && beta[0] == 7.0);
    }

    #[test]
    fn several_classes_keep_intercepts_that_sum_to_zero() {
        let target = Target::Multiclass {
            classes: ["a", "b", "c"].map(String::from).into(),
        };
        let targets = Targets::Classes {
            classes: 3,
            of_row: vec![0, 1, 2],
        };
        let given = ClassWeights::Given([("a".to_string(), 4.0), ("c".to_string(), 0.5)].into());
        let weighing = Weighing::new(Vec::new(), "", &asking(given), &target, &targets)
            .unwrap()
            .unwrap();
        let mut beta = vec![1.0, 2.0, 3.0, 0.0, 0.0, 0.0];
        weighing.correct(&mut beta, 3);
        assert_eq!(beta[..3], [1.0, 2.0, 3.0]);
        assert!(
            (beta[4] - beta[3] - libm::log(4.0)).abs() < 1e-12
                && (beta[4] - beta[5] - libm::log(0.5)).abs() < 1e-12
        );
        assert!(beta[3..].iter().sum::<f64>().abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_is_named() {
        let targets = classes(&[0, 1]);
        let code = |result: Result<Option<Weighing>, PipelineError>| {
            let error = result.err().unwrap();
            (error.code(), error.to_string())
        };
        let zero = Weighing::new(vec![0.0, 0.0], "w", &LearnParams::default(), &binary(), &targets);
        assert_eq!(code(zero).0, "invalid_row_weight");
        let huge = Weighing::new(
            vec![f64::MAX, f64::MAX],
            "w",
            &LearnParams::default(),
            &binary(),
            &targets,
        );
        assert_eq!(code(huge).0, "invalid_row_weight");
        let unknown = asking(ClassWeights::Given([("yess".to_string(), 2.0)].into()));
        let (name, text) = code(Weighing::new(Vec::new(), "", &unknown, &binary(), &targets));
        assert!(
            name == "invalid_parameter" && text.contains("did you mean `yes`?"),
            "{text}"
        );
        let numbers = Targets::Values(vec![1.0]);
        let balanced = asking(ClassWeights::Balanced);
        let refused = Weighing::new(Vec::new(), "", &balanced, &Target::Regression, &numbers);
        assert!(code(refused).1.contains("has no classes"));
        for (text, problem) in [
            ("-1", "-1"),
            ("", ""),
            ("abc", "abc"),
            ("NaN", "NaN"),
            ("inf", "inf"),
        ] {
            let mut record = Record::from_fields(["x", text]);
            record.position.line = 17;
            let error = weight_of(&record, 1, "w").unwrap_err().to_string();
            assert!(
                error.contains("line 17") && error.contains(&format!("`{problem}`")),
                "{error}"
            );
        }
        assert_eq!(weight_of(&Record::from_fields(["2.5"]), 0, "w").unwrap(), 2.5);
    }
}
