//! Why a target cannot be learned.

use crate::ml::Task;

/// A target that cannot be learned.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// No row has a value.
    #[error("the target `{0}` is empty on every row; choose another target")]
    Empty(String),
    /// Only one value occurs.
    #[error(
        "the target `{target}` has only one value, `{value}`, in the rows to learn from; at least two are needed"
    )]
    OneClass {
        /// The target.
        target: String,
        /// The value.
        value: String,
    },
    /// A number was asked for, but the target never varies.
    #[error("the target `{target}` is {value} on every row; there is nothing to predict")]
    Constant {
        /// The target.
        target: String,
        /// The value.
        value: f64,
    },
    /// More classes than allowed.
    #[error(
        "the target `{target}` has {found} different values, more than the {limit} classes allowed; choose another target, ask for type regression if they are quantities, or raise the parameter max_classes"
    )]
    TooManyClasses {
        /// The target.
        target: String,
        /// Distinct values (an estimate when there are very many).
        found: u64,
        /// The limit.
        limit: usize,
    },
    /// Asked for two classes, found more.
    #[error(
        "the target `{target}` has {found} different values ({shown}); type binary needs two, so ask for type multiclass"
    )]
    NotBinary {
        /// The target.
        target: String,
        /// Distinct values.
        found: u64,
        /// A few of them.
        shown: String,
    },
    /// Asked for numbers, found text.
    #[error(
        "line {line}: the target `{target}` is `{value}`, which is no number; type regression needs numbers"
    )]
    NotNumeric {
        /// The target.
        target: String,
        /// Where the text was found.
        line: u64,
        /// The text.
        value: String,
    },
    /// A positive label was given for a model that has none.
    #[error(
        "a positive label is given, but the target `{target}` makes a {task} model; leave the label out, or ask for type binary"
    )]
    PositiveNotBinary {
        /// The target.
        target: String,
        /// The question it poses.
        task: Task,
    },
    /// The label given as positive does not occur.
    #[error("the positive label `{label}` does not occur in the target `{target}`; its labels are {shown}")]
    UnknownPositive {
        /// The target.
        target: String,
        /// The label that was asked for.
        label: String,
        /// The labels that occur.
        shown: String,
    },
}

impl TargetError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            TargetError::Empty(_) => "target_empty",
            TargetError::OneClass { .. } => "one_class",
            TargetError::Constant { .. } => "constant_target",
            TargetError::TooManyClasses { .. } => "too_many_classes",
            TargetError::NotBinary { .. } => "target_not_binary",
            TargetError::NotNumeric { .. } => "target_not_numeric",
            TargetError::PositiveNotBinary { .. } | TargetError::UnknownPositive { .. } => {
                "unknown_positive_label"
            }
        }
    }
}
