//! Why a schema cannot be used, and the name that was probably meant.

use crate::ml::date::DateFormatError;
use crate::ml::wording::counted;

/// A schema that contradicts itself or the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The text is not a schema.
    #[error("the schema cannot be read: {0}; see the example under `schema` in the documentation")]
    Unreadable(String),
    /// Two attributes have the same name.
    #[error("the schema declares attribute `{0}` twice; remove one")]
    Duplicate(String),
    /// A name is used that no attribute has.
    #[error("`{name}` is given as the {role}, but no column is called that{suggestion}")]
    Undeclared {
        /// `target`, `rowId` or `excluded attribute`.
        role: &'static str,
        /// The name that was used.
        name: String,
        /// The nearest declared name as `; did you mean …?`, or nothing.
        suggestion: String,
    },
    /// More than one thing is wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<SchemaError>),
    /// A feature of the format that is not supported.
    #[error("{0}")]
    Unsupported(String),
    /// A `dateFormat` that no date can be read by.
    #[error("attribute `{attribute}` has the dateFormat `{format}`, which is unusable: {source}")]
    DateFormat {
        /// The attribute.
        attribute: String,
        /// Its format.
        format: String,
        /// What is wrong with it.
        source: DateFormatError,
    },
    /// The file's columns are not those of the schema.
    #[error(
        "the data lacks attribute `{missing}` of the schema (its columns are {found}); rename the column or change the schema"
    )]
    MissingColumn {
        /// The attribute that no column has.
        missing: String,
        /// The columns that there are, shortened.
        found: String,
    },
    /// The file has no column that the model learns from.
    #[error(
        "the data have none of the columns the model learns from, such as `{example}` (their columns are {found}); give the data the model is meant for, or say whether they have a header"
    )]
    NoInputColumn {
        /// One of the attributes looked for.
        example: String,
        /// The columns that there are, shortened.
        found: String,
    },
    /// A file without header has another number of columns than the schema.
    #[error(
        "the data has {} and no header, but the schema declares {}; the two must agree", counted(*found as u64, "column"), counted(*expected as u64, "attribute")
    )]
    ColumnCount {
        /// Columns of the data.
        found: usize,
        /// Attributes of the schema.
        expected: usize,
    },
}

impl SchemaError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            SchemaError::Unreadable(_) | SchemaError::Unsupported(_) | SchemaError::DateFormat { .. } => {
                "invalid_schema"
            }
            SchemaError::Several(problems) => problems.first().map_or("invalid_schema", SchemaError::code),
            SchemaError::Duplicate(_) => "duplicate_column",
            SchemaError::Undeclared { role: "target", .. } => "unknown_target",
            SchemaError::Undeclared { .. } => "invalid_schema",
            SchemaError::MissingColumn { .. }
            | SchemaError::NoInputColumn { .. }
            | SchemaError::ColumnCount { .. } => "schema_mismatch",
        }
    }
}

/// The error for a name that is none of `known`, with the nearest of them as a suggestion.
pub fn undeclared<'a>(role: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> SchemaError {
    let known: Vec<&str> = known.collect();
    let suggestion = match nearest(name, known.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None if known.len() > 10 => format!(
            "; the columns are {}, … {} in all",
            known[..10].join(", "),
            known.len()
        ),
        None => format!("; the columns are {}", known.join(", ")),
    };
    SchemaError::Undeclared {
        role,
        name: name.to_string(),
        suggestion,
    }
}

/// The known name with the smallest edit distance to `name`, if it is near enough to be meant.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = name.chars().count().div_ceil(3).max(1);
    known
        .map(|candidate| {
            (
                edit_distance(&name.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .min()
        .filter(|(distance, _)| *distance <= limit)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance over characters.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}
