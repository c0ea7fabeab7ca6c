//! The column to predict: which question it poses ([`plan()`]), and how its text becomes a truth.

pub mod error;
pub mod plan;
mod positive;

use serde::{Deserialize, Serialize};

pub use error::TargetError;
pub use plan::{AS_ASKED_FOR, MOST_CLASSES, TargetPlan, TargetWish, plan};

use super::Task;
use super::schema::AttributeType;
use super::value::{Number, binary, is_missing, number};

/// What a model predicts and which labels it uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "lowercase")]
pub enum Target {
    /// Two labels.
    Binary {
        /// The label of score 0.
        negative: String,
        /// The label whose probability is the score.
        positive: String,
        /// Accept any binary literal, not just the two labels.
        literals: bool,
    },
    /// Several labels, in the order of the model's classes.
    Multiclass {
        /// The labels.
        classes: Vec<String>,
    },
    /// A number.
    Regression,
}

/// The truth of one row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Truth<'a> {
    /// Index of a class: 0 or 1 for binary targets.
    Class(usize),
    /// A label that the model has not seen in training.
    UnseenClass(&'a str),
    /// A number.
    Value(f64),
    /// Missing or unreadable; the row cannot be learned from or judged.
    Unknown,
}

/// The question that a column of this type poses where its type was given and is not a proposal.
pub fn question_of(kind: AttributeType) -> Option<Task> {
    match kind {
        AttributeType::Binary => Some(Task::Binary),
        AttributeType::Categorical => Some(Task::Multiclass),
        AttributeType::Numeric => Some(Task::Regression),
        AttributeType::Text => None,
    }
}

/// The type of a target that poses this question.
pub fn kind_of(task: Task) -> AttributeType {
    match task {
        Task::Binary => AttributeType::Binary,
        Task::Multiclass => AttributeType::Categorical,
        Task::Regression => AttributeType::Numeric,
    }
}

impl Target {
    /// The question.
    pub fn task(&self) -> Task {
        match self {
            Target::Binary { .. } => Task::Binary,
            Target::Multiclass { .. } => Task::Multiclass,
            Target::Regression => Task::Regression,
        }
    }

    /// The labels in class order: negative and positive, or all classes, or none for a number.
    pub fn labels(&self) -> Vec<&str> {
        match self {
            Target::Binary {
                negative, positive, ..
            } => vec![negative, positive],
            Target::Multiclass { classes } => classes.iter().map(String::as_str).collect(),
            Target::Regression => Vec::new(),
        }
    }

    /// Scores of a row: one for each of more than two classes, else one.
    pub fn outputs(&self) -> usize {
        match self {
            Target::Multiclass { classes } if classes.len() > 2 => classes.len(),
            _ => 1,
        }
    }

    /// The label whose probability is the score; binary targets only.
    pub fn positive(&self) -> Option<&str> {
        match self {
            Target::Binary { positive, .. } => Some(positive),
            Target::Multiclass { .. } | Target::Regression => None,
        }
    }

    /// The label of class `class`.
    pub fn label(&self, class: usize) -> &str {
        match self {
            Target::Binary { negative, .. } if class == 0 => negative,
            Target::Binary { positive, .. } => positive,
            Target::Multiclass { classes } => classes.get(class).map_or("", String::as_str),
            Target::Regression => "",
        }
    }

    /// Reads the truth from a field.
    pub fn read<'a>(&self, field: &'a str, missing_values: &[String]) -> Truth<'a> {
        let text = field.trim();
        if text.is_empty() || is_missing(text, missing_values) {
            return Truth::Unknown;
        }
        match self {
            Target::Binary { positive, .. } if text == positive => Truth::Class(1),
            Target::Binary { negative, .. } if text == negative => Truth::Class(0),
            Target::Binary { literals: true, .. } => {
                binary(text).map_or(Truth::Unknown, |side| Truth::Class(side.into()))
            }
            Target::Binary { .. } => Truth::Unknown,
            Target::Multiclass { classes } => classes
                .iter()
                .position(|class| class == text)
                .map_or(Truth::UnseenClass(text), Truth::Class),
            Target::Regression => match number(text) {
                Number::Value(value) => Truth::Value(value),
                Number::Missing | Number::Invalid => Truth::Unknown,
            },
        }
    }
}
