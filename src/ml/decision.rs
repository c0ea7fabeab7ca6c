//! What was decided about a column: its type, its use, and why.

use serde::{Deserialize, Serialize};

use super::schema::AttributeType;

/// What a column is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Learned from.
    Input,
    /// Predicted.
    Target,
    /// Identifies a row; copied into batch output, never learned from.
    Id,
    /// Left out.
    Excluded,
}

/// The line and value that forced a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Line of the file, counted from 1.
    pub line: u64,
    /// The value found there, cut at 60 characters.
    pub value: String,
}

/// The type proposed for one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The type.
    pub kind: AttributeType,
    /// What the column is used for.
    pub role: Role,
    /// Why, in one sentence.
    pub reason: String,
    /// The value that forced it, if one did.
    pub forced_by: Option<Evidence>,
    /// Words that stand for "missing" in this column.
    pub missing_values: Vec<String>,
    /// How dates are written, if the values are dates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_format: Option<String>,
}
