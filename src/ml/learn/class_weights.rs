//! What a caller may ask for of the classes: that some count more than others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::params::LearnError;

/// How much the rows of each class count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassWeights {
    /// All classes as much as each other: `rows / (classes · rows of the class)`.
    Balanced,
    /// By label; 1 for labels that are not named.
    Given(BTreeMap<String, f64>),
}

impl std::fmt::Display for ClassWeights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ClassWeights::Balanced => f.write_str("as much as each other"),
            ClassWeights::Given(given) => {
                let each = given.iter().map(|(label, weight)| format!("`{label}` {weight}"));
                f.write_str(&each.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl ClassWeights {
    /// Reads `balanced`, or a JSON object with a number for each label.
    pub(super) fn parse(text: &str) -> Result<Self, LearnError> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("balanced") {
            return Ok(ClassWeights::Balanced);
        }
        let bad = |problem: String| LearnError::Parameter {
            name: "class_weights".into(),
            problem,
        };
        let given: BTreeMap<String, f64> = serde_json::from_str(text).map_err(|error| {
            bad(format!(
                r#"`{text}` is neither `balanced` nor a number for each label such as {{"yes": 5, "no": 1}}: {error}"#
            ))
        })?;
        match given
            .iter()
            .find(|(_, weight)| !(weight.is_finite() && **weight > 0.0))
        {
            Some((label, weight)) => Err(bad(format!(
                "the weight {weight} of `{label}` is not possible; give a finite number above 0"
            ))),
            None if given.is_empty() => Err(bad("no label is named; leave it out instead".into())),
            None => Ok(ClassWeights::Given(given)),
        }
    }
}
