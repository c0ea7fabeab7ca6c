//! What kind of question a model answers.

use serde::{Deserialize, Serialize};

/// The three questions a model can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// One of two labels; the score is the probability of the positive one.
    Binary,
    /// One of several labels; one probability for each, summing to one.
    Multiclass,
    /// A number.
    Regression,
}

impl Task {
    /// The lower-case name used on the command line, in REST and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Task::Binary => "binary",
            Task::Multiclass => "multiclass",
            Task::Regression => "regression",
        }
    }
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Task {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "binary" => Ok(Task::Binary),
            "multiclass" => Ok(Task::Multiclass),
            "regression" => Ok(Task::Regression),
            other => Err(format!(
                "unknown model type `{other}`; use binary, multiclass or regression"
            )),
        }
    }
}
