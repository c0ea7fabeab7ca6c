//! Why a split cannot be made.

use crate::ml::schema::nearest;

/// Column names that an error lists at most.
const MOST_NAMES: usize = 10;

/// A percentage of rows that cannot be held out.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum HoldoutError {
    /// Below zero, hardly anything, or all, or no number.
    #[error("{0} percent of the rows cannot be held out; give 0, or 1 or more and less than 100")]
    Impossible(f64),
    /// Below one percent: most likely a share.
    #[error(
        "{share} would be less than one percent of the rows; it is a percentage: give {} to hold out that share of them",
        percent(*share)
    )]
    Share {
        /// What was given.
        share: f64,
    },
}

/// A share as a percentage, without the dust of binary fractions.
fn percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}

/// A split that is contradictory or does not fit the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// A field of the description cannot be used.
    #[error("{problem}")]
    Invalid {
        /// JSON pointer to the field within the split, such as `/percent_end`; empty for all of it.
        field: String,
        /// What is wrong and how to mend it.
        problem: String,
    },
    /// The table does not have the column.
    #[error("the data have no column `{name}` to split by{suggestion}")]
    UnknownColumn {
        /// The name asked for.
        name: String,
        /// The nearest column, or all of them, as the end of the sentence.
        suggestion: String,
    },
    /// The column has too many values for shares to mean anything.
    #[error(
        "the column `{column}` has more than {limit} different values, too many to give each the same share; split at random, or stratify by a column of few values"
    )]
    TooManyValues {
        /// The column.
        column: String,
        /// Most values allowed.
        limit: usize,
    },
    /// No row says when it was.
    #[error(
        "the column `{column}` holds no number and no date such as 2024-05-31 or 2024-05-31T18:30:00; split by another column, or give this one the `dateFormat` of its dates in a schema"
    )]
    NoTimes {
        /// The column.
        column: String,
    },
    /// Most rows say when they were, but not clearly enough.
    #[error("the column `{column}` cannot tell when a row was: {reason}")]
    DoubtfulDates {
        /// The column.
        column: String,
        /// What is wrong with its dates and how to mend it.
        reason: String,
    },
    /// No row has a date in the format that the schema gives.
    #[error(
        "the column `{column}` holds no date in the dateFormat `{format}` that the schema gives it; mend the format, or split by another column"
    )]
    NoDates {
        /// The column.
        column: String,
        /// The format of its dates.
        format: String,
    },
}

impl SplitError {
    /// A field that cannot be used, by its JSON pointer within the split.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        SplitError::Invalid {
            field: field.into(),
            problem: problem.into(),
        }
    }

    /// A column that is none of `known`.
    pub fn unknown_column<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.collect();
        let suggestion = match nearest(name, known.iter().copied()) {
            Some(near) => format!("; did you mean `{near}`?"),
            None if known.len() > MOST_NAMES => format!(
                "; its columns are {}, … {} in all",
                known[..MOST_NAMES].join(", "),
                known.len()
            ),
            None => format!("; its columns are {}", known.join(", ")),
        };
        SplitError::UnknownColumn {
            name: name.to_string(),
            suggestion,
        }
    }

    /// JSON pointer to the field that is wrong, within the split.
    pub fn field(&self) -> &str {
        match self {
            SplitError::Invalid { field, .. } => field,
            _ => "/column",
        }
    }

    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            SplitError::UnknownColumn { .. } => "unknown_column",
            _ => "invalid_split",
        }
    }
}
