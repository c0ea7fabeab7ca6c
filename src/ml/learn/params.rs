//! What a caller may ask of the learner, and how it is checked.

use std::collections::BTreeMap;

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use super::shards::SpillError;
use crate::ml::schema::nearest;

/// Data passes after which the engine stops unless told otherwise.
const DEFAULT_ITERATIONS: u32 = 1000;
const KNOWN: [&str; 4] = ["l2", "max_iterations", "max_classes", "max_features"];
/// Features a model may be allowed.
const FEATURES: std::ops::RangeInclusive<usize> = 10..=100_000_000;

/// Parameters as given, not yet checked. Defaults are meant to be good.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LearnParams {
    /// Strength of the penalty; `None` chooses it by held-back rows, and none for a narrow dense regression.
    pub l2: Option<f64>,
    /// Most iterations of the engine.
    pub max_iterations: Option<u32>,
    /// Most classes of a multiclass target.
    pub max_classes: Option<usize>,
    /// Most features; beyond, rare values and words are dropped, then share features.
    #[serde(default)]
    pub max_features: Option<usize>,
}

/// Parameters that were checked.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedLearnParams {
    pub(super) l2: Option<f64>,
    pub(super) max_iterations: u32,
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
                "max_iterations" => params.max_iterations = Some(parse(name, text, "a whole number")?),
                "max_classes" => params.max_classes = Some(parse(name, text, "a whole number")?),
                "max_features" => params.max_features = Some(parse(name, text, "a whole number")?),
                other => {
                    let hint =
                        nearest(other, KNOWN.into_iter()).map(|near| format!("did you mean `{near}`?"));
                    let hint = hint.unwrap_or_else(|| format!("the parameters are {}", KNOWN.join(", ")));
                    return Err(LearnError::Parameter {
                        name: other.into(),
                        problem: format!("it is not known; {hint}"),
                    });
                }
            }
        }
        params.check_ref()?;
        Ok(params)
    }

    fn checked(&self) -> Result<CheckedLearnParams, LearnError> {
        let bad = |name: &str, problem: &str| LearnError::Parameter {
            name: name.into(),
            problem: problem.into(),
        };
        if self.l2.is_some_and(|l2| !l2.is_finite() || l2 < 0.0) {
            return Err(bad("l2", "it must be a finite number of 0 or more"));
        }
        if self.max_iterations == Some(0) {
            return Err(bad("max_iterations", "it must be at least 1"));
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
        Ok(CheckedLearnParams {
            l2: self.l2,
            max_iterations: self.max_iterations.unwrap_or(DEFAULT_ITERATIONS),
        })
    }

    /// Checks the parameters without making a checked copy.
    pub fn check_ref(&self) -> Result<(), LearnError> {
        self.checked().map(|_| ())
    }
}

fn parse<T: std::str::FromStr>(name: &str, text: &str, expected: &str) -> Result<T, LearnError> {
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
