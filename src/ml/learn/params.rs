//! What a caller may ask of the learner, and how it is checked.

use std::collections::BTreeMap;

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use super::class_weights::ClassWeights;
use super::lbfgs::Limits;
use super::sgd::{self, Shuffle};
use super::shards::SpillError;
use crate::ml::schema::nearest;

/// Data passes after which the engine stops unless told otherwise.
const DEFAULT_ITERATIONS: u32 = 1000;
const KNOWN: [&str; 9] = [
    "l1",
    "l2",
    "max_iterations",
    "max_passes",
    "max_classes",
    "max_features",
    "row_weight",
    "class_weights",
    "prior_correction",
];
/// Passes that the first step takes, where it has to be halved once: a limit below could leave no weights at all.
const LEAST_PASSES: u32 = 4;
/// Features a model may be allowed.
const FEATURES: std::ops::RangeInclusive<usize> = 10..=100_000_000;

/// Parameters as given, not yet checked. Defaults are meant to be good.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LearnParams {
    /// Strength of the penalty; `None` chooses it by held-back rows, and none for a narrow dense regression.
    pub l2: Option<f64>,
    /// Strength of the penalty on absolute values, which leaves weights at 0 that do not gain enough. With it, `l2` is 0
    /// unless given. 0 is the same as none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub l1: Option<f64>,
    /// Most iterations of the engine.
    pub max_iterations: Option<u32>,
    /// Most passes over the data to find the weights, those of a search of the penalty before left out; less than 4 count
    /// as 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_passes: Option<u32>,
    /// Most classes of a multiclass target.
    pub max_classes: Option<usize>,
    /// Most features; beyond, rare values and words are dropped, then share features.
    #[serde(default)]
    pub max_features: Option<usize>,
    /// The column that says how much each row counts, in place of the schema's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_weight: Option<String>,
    /// How much the rows of each class count; alike when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_weights: Option<ClassWeights>,
    /// Whether scores are turned back to what they would be without class weights; true when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior_correction: Option<bool>,
    /// Most bytes of the model as Amazon ML counts them, 96 for each weight: bounds the features likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_model_bytes: Option<u64>,
    /// Whether rows are to be shuffled: changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shuffle: Option<Shuffle>,
}

/// Parameters that were checked.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedLearnParams {
    pub(super) l2: Option<f64>,
    pub(super) l1: f64,
    pub(super) limits: Limits,
    pub(super) shuffle: Option<Shuffle>,
}

/// Why weights could not be found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LearnError {
    /// A parameter is out of range or unknown.
    #[error("parameter `{name}`: {problem}")]
    Parameter {
        /// The parameter.
        name: String,
        /// What is wrong and how to mend it.
        problem: String,
    },
    /// No rows to learn from.
    #[error("no rows are left to learn from; hold out fewer rows or bring more data")]
    NoRows,
    /// The objective is not finite at the starting point.
    #[error("the data lead to numbers that are not finite; look for extreme values with inspect")]
    NotFinite,
    /// The observer asked for a stop.
    #[error("stopped on request")]
    Stopped,
    /// Rows that do not fit into memory cannot be kept or read back.
    #[error(transparent)]
    Spill(#[from] SpillError),
    /// linfa refused its input.
    #[error("linfa: {0}")]
    Linfa(#[from] linfa::Error),
}

impl LearnError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            LearnError::Parameter { .. } => "invalid_parameter",
            LearnError::NoRows => "too_few_rows",
            LearnError::NotFinite => "not_finite",
            LearnError::Stopped => "stopped",
            LearnError::Spill(error) if error.is_full => "disk_full",
            LearnError::Spill(_) => "spill_failed",
            LearnError::Linfa(_) => "learner_failed",
        }
    }
}

impl LearnParams {
    /// Reads parameters from text, as given on the command line or in a request.
    pub fn from_map(map: &BTreeMap<String, String>) -> Result<Self, LearnError> {
        let mut params = Self::default();
        for (name, text) in map {
            match name.as_str() {
                "l2" => params.l2 = Some(parse(name, text, "a number such as 1e-4")?),
                "l1" => params.l1 = Some(parse(name, text, "a number such as 1e-4")?),
                "max_passes" => params.max_passes = Some(parse(name, text, "a whole number")?),
                "max_iterations" => params.max_iterations = Some(parse(name, text, "a whole number")?),
                "max_classes" => params.max_classes = Some(parse(name, text, "a whole number")?),
                "max_features" => params.max_features = Some(parse(name, text, "a whole number")?),
                "row_weight" => params.row_weight = Some(text.clone()),
                "class_weights" => params.class_weights = Some(ClassWeights::parse(text)?),
                "prior_correction" => params.prior_correction = Some(parse(name, text, "true or false")?),
                other if params.set_sgd(other, text)? => {}
                other => return Err(unknown(other)),
            }
        }
        sgd::check(map, &params)?;
        params.check_ref()?;
        Ok(params)
    }

    fn checked(&self) -> Result<CheckedLearnParams, LearnError> {
        let bad = |name: &str, problem: &str| LearnError::Parameter {
            name: name.into(),
            problem: problem.into(),
        };
        for (name, strength) in [("l1", self.l1), ("l2", self.l2)] {
            if strength.is_some_and(|strength| !strength.is_finite() || strength < 0.0) {
                return Err(bad(name, "it must be a finite number of 0 or more"));
            }
        }
        for (name, most) in [
            ("max_iterations", self.max_iterations),
            ("max_passes", self.max_passes),
        ] {
            if most == Some(0) {
                return Err(bad(name, "it must be at least 1"));
            }
        }
        if self
            .max_classes
            .is_some_and(|classes| !(2..=10_000).contains(&classes))
        {
            return Err(bad("max_classes", "it must be between 2 and 10000"));
        }
        if self.max_features.is_some_and(|most| !FEATURES.contains(&most)) {
            return Err(bad("max_features", "it must be between 10 and 100000000"));
        }
        if self.prior_correction.is_some() && self.class_weights.is_none() {
            return Err(bad(
                "prior_correction",
                "it goes with class_weights, which are not given",
            ));
        }
        let l1 = self.l1.unwrap_or(0.0);
        Ok(CheckedLearnParams {
            l2: self.l2.or((l1 > 0.0).then_some(0.0)),
            l1,
            limits: Limits {
                iterations: self.max_iterations.unwrap_or(DEFAULT_ITERATIONS),
                passes: self.max_passes.map_or(u32::MAX, |most| most.max(LEAST_PASSES)),
            },
            shuffle: self.shuffle,
        })
    }

    /// Whether the strengths of the penalties are given, not to be chosen.
    pub fn has_penalty(&self) -> bool {
        self.l2.is_some() || self.l1.is_some_and(|l1| l1 > 0.0)
    }

    /// Checks the parameters without making a checked copy.
    pub fn check_ref(&self) -> Result<(), LearnError> {
        self.checked().map(|_| ())
    }
}

fn unknown(name: &str) -> LearnError {
    let hint = nearest(name, KNOWN.into_iter().chain(sgd::NAMES));
    let hint = hint.map_or_else(
        || {
            format!(
                "the parameters are {}, and Amazon ML's {}",
                KNOWN.join(", "),
                sgd::NAMES.join(", ")
            )
        },
        |near| format!("did you mean `{near}`?"),
    );
    LearnError::Parameter {
        name: name.into(),
        problem: format!("it is not known; {hint}"),
    }
}

pub(super) fn parse<T: std::str::FromStr>(name: &str, text: &str, expected: &str) -> Result<T, LearnError> {
    text.trim().parse().map_err(|_| LearnError::Parameter {
        name: name.into(),
        problem: format!("`{text}` is not {expected}"),
    })
}

/// linfa's way from raw to checked parameters. The raw ones hold choices that only the data can
/// settle, so checking makes a new value instead of a reference.
pub struct Guarded(pub(super) CheckedLearnParams);

impl ParamGuard for Guarded {
    type Checked = CheckedLearnParams;
    type Error = LearnError;

    fn check_ref(&self) -> Result<&CheckedLearnParams, LearnError> {
        Ok(&self.0)
    }

    fn check(self) -> Result<CheckedLearnParams, LearnError> {
        Ok(self.0)
    }
}

impl TryFrom<&LearnParams> for Guarded {
    type Error = LearnError;

    fn try_from(params: &LearnParams) -> Result<Self, LearnError> {
        params.checked().map(Guarded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: &[(&str, &str)]) -> Result<LearnParams, String> {
        let map = given
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect();
        LearnParams::from_map(&map).map_err(|error| error.to_string())
    }

    #[test]
    fn strengths_and_limits_have_ranges() {
        for (name, values) in [
            ("l1", ["-1e-9", "inf", "NaN", "much"]),
            ("l2", ["-1", "-inf", "nan", ""]),
            ("max_passes", ["0", "-1", "1.5", "4294967296"]),
        ] {
            for value in values {
                let error = read(&[(name, value)]).unwrap_err();
                assert!(error.starts_with(&format!("parameter `{name}`: ")), "{error}");
            }
        }
        assert!(read(&[("l3", "1")]).unwrap_err().contains("did you mean"));
        let error = read(&[("strength", "1")]).unwrap_err();
        assert!(
            error.contains("max_passes") && error.contains("sgd.maxPasses"),
            "{error}"
        );
    }

    #[test]
    fn an_l1_settles_the_penalty_unless_it_is_0() {
        let params = |given: &[(&str, &str)]| read(given).unwrap();
        let lasso = params(&[("l1", "1e-3")]);
        assert_eq!(
            (lasso.checked().unwrap().l2, lasso.has_penalty()),
            (Some(0.0), true)
        );
        let none = params(&[("l1", "0")]);
        assert_eq!((none.checked().unwrap().l2, none.has_penalty()), (None, false));
        let both = params(&[("l1", "1e-3"), ("l2", "0.1")]);
        assert_eq!(both.checked().unwrap().l2, Some(0.1));
    }

    /// What is not given leaves no trace, so that hashes of models stay what they were.
    #[test]
    fn parameters_that_are_not_given_are_not_written() {
        let text = serde_json::to_string(&LearnParams::default()).unwrap();
        assert_eq!(
            text,
            r#"{"l2":null,"max_iterations":null,"max_classes":null,"max_features":null}"#
        );
        let given = params_with_all();
        let text = serde_json::to_string(&given).unwrap();
        assert_eq!(serde_json::from_str::<LearnParams>(&text).unwrap(), given);
    }

    fn params_with_all() -> LearnParams {
        LearnParams {
            l2: Some(0.1),
            l1: Some(0.2),
            max_iterations: Some(3),
            max_passes: Some(4),
            max_classes: Some(5),
            max_features: None,
            max_model_bytes: Some(100_000),
            shuffle: Some(Shuffle::Auto),
            row_weight: Some("w".into()),
            class_weights: Some(ClassWeights::Balanced),
            prior_correction: Some(false),
        }
    }
}
