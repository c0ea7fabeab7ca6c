//! The column to predict: which question it poses, and how its text becomes a truth.

use serde::{Deserialize, Serialize};

use super::Task;
use super::profile::ColumnProfile;
use super::schema::AttributeType;
use super::value::{Number, binary, is_missing, number};

/// Whole numbers with at most this many distinct values are classes.
const MOST_NUMBER_CLASSES: usize = 20;
/// Rows that each of those must have.
const LEAST_ROWS_A_CLASS: u64 = 5;
/// Classes a model may have unless the parameter `max_classes` says otherwise.
pub const MOST_CLASSES: usize = 100;

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
            TargetError::UnknownPositive { .. } => "unknown_positive_label",
        }
    }
}

/// What the caller knows about the target.
#[derive(Debug, Clone, Default)]
pub struct TargetWish {
    /// Name of the target.
    pub name: String,
    /// The question, if it is given.
    pub task: Option<Task>,
    /// The positive label, if it is given.
    pub positive: Option<String>,
    /// Most classes allowed; [`MOST_CLASSES`] if not given.
    pub max_classes: Option<usize>,
}

/// The question the target poses, decided from all rows, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetPlan {
    /// The question.
    pub task: Task,
    /// Why, in one sentence.
    pub reason: String,
    /// For binary targets, their coding; the classes of others come from the training rows.
    pub binary: Option<Target>,
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

/// Decides which question a column poses. `kind` and `missing_values` are those of its attribute.
///
/// Two distinct values are a binary target; text, or whole numbers of at most 20 distinct values with
/// at least five rows each, are classes; other numbers are a regression. A wish for a type overrides
/// this where the values allow it.
pub fn plan(
    profile: &ColumnProfile,
    kind: AttributeType,
    missing_values: &[String],
    wish: &TargetWish,
) -> Result<TargetPlan, TargetError> {
    let numeric = kind == AttributeType::Numeric || (profile.other == 0 && profile.numbers.moments.count > 0);
    let words = if numeric && missing_values.is_empty() {
        profile
            .missing_words
            .iter()
            .map(|word| word.word.clone())
            .collect()
    } else {
        missing_values.to_vec()
    };
    let labels = labels(profile, &words);
    let (distinct, exact) = if labels.1 {
        (labels.0.len() as u64, true)
    } else {
        profile.values.distinct()
    };
    if distinct == 0 {
        return Err(TargetError::Empty(wish.name.clone()));
    }
    let (task, reason) = match wish.task {
        Some(task) => (task, "the type was given".to_string()),
        None => decide(profile, numeric, &labels.0, distinct, exact),
    };
    let limit = wish.max_classes.unwrap_or(MOST_CLASSES);
    let binary = match task {
        Task::Binary => Some(binary_target(&labels.0, profile, wish)?),
        Task::Multiclass if distinct == 1 => return Err(one_class(wish, &labels.0)),
        Task::Multiclass if !exact || distinct > limit as u64 => {
            return Err(TargetError::TooManyClasses {
                target: wish.name.clone(),
                found: distinct,
                limit,
            });
        }
        Task::Multiclass => None,
        Task::Regression => {
            check_numbers(profile, &words, wish)?;
            None
        }
    };
    Ok(TargetPlan { task, reason, binary })
}

/// The distinct trimmed labels with their counts, most frequent first, and whether they are all.
fn labels(profile: &ColumnProfile, missing: &[String]) -> (Vec<(String, u64)>, bool) {
    let mut labels: Vec<(String, u64)> = Vec::new();
    let (_, exact) = profile.values.distinct();
    if !exact {
        return (labels, false);
    }
    let mut at = std::collections::HashMap::new();
    for (value, count) in profile.values.ranked() {
        let label = value.trim();
        if is_missing(label, missing) {
            continue;
        }
        match at.get(label) {
            Some(&index) => {
                let known: &mut (String, u64) = &mut labels[index];
                known.1 += count;
            }
            None => {
                at.insert(label.to_string(), labels.len());
                labels.push((label.to_string(), count));
            }
        }
    }
    (labels, true)
}

fn decide(
    profile: &ColumnProfile,
    numeric: bool,
    labels: &[(String, u64)],
    distinct: u64,
    exact: bool,
) -> (Task, String) {
    if exact && distinct <= 2 {
        return (Task::Binary, format!("the target has {distinct} distinct values"));
    }
    if !numeric {
        return (
            Task::Multiclass,
            format!("the target has {distinct} distinct values that are not all numbers"),
        );
    }
    let whole = profile.numbers.whole == profile.numbers.moments.count;
    if exact
        && whole
        && distinct <= MOST_NUMBER_CLASSES as u64
        && labels.iter().all(|(_, rows)| *rows >= LEAST_ROWS_A_CLASS)
    {
        return (
            Task::Multiclass,
            format!(
                "the target has {distinct} distinct whole numbers, each on {LEAST_ROWS_A_CLASS} rows or more"
            ),
        );
    }
    let count = if exact {
        distinct.to_string()
    } else {
        format!("about {distinct}")
    };
    (
        Task::Regression,
        format!("the target is a number with {count} distinct values"),
    )
}

fn one_class(wish: &TargetWish, labels: &[(String, u64)]) -> TargetError {
    let value = labels.first().map(|(label, _)| label.clone()).unwrap_or_default();
    TargetError::OneClass {
        target: wish.name.clone(),
        value,
    }
}

fn binary_target(
    labels: &[(String, u64)],
    profile: &ColumnProfile,
    wish: &TargetWish,
) -> Result<Target, TargetError> {
    let shown = || {
        labels
            .iter()
            .take(5)
            .map(|(label, _)| format!("`{label}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match labels {
        [] => Err(TargetError::Empty(wish.name.clone())),
        [_] => Err(one_class(wish, labels)),
        [(a, _), (b, _)] => {
            let mut pair = [a.clone(), b.clone()];
            pair.sort_unstable_by(|a, b| label_order(a, b));
            if let Some(label) = &wish.positive {
                match pair.iter().position(|known| known == label.trim()) {
                    Some(position) => pair.swap(position, 1),
                    None => {
                        return Err(TargetError::UnknownPositive {
                            target: wish.name.clone(),
                            label: label.clone(),
                            shown: shown(),
                        });
                    }
                }
            }
            let [negative, positive] = pair;
            // With the usual orientation any spelling of a literal is understood later on.
            let literals = binary(&negative) == Some(false) && binary(&positive) == Some(true);
            Ok(Target::Binary {
                negative,
                positive,
                literals,
            })
        }
        _ if profile.trues > 0
            && profile.falses > 0
            && profile.trues + profile.falses == profile.filled() =>
        {
            Ok(Target::Binary {
                negative: "0".into(),
                positive: "1".into(),
                literals: true,
            })
        }
        _ => Err(TargetError::NotBinary {
            target: wish.name.clone(),
            found: labels.len() as u64,
            shown: shown(),
        }),
    }
}

/// Negative before positive: a literal for 1 comes last, else numeric order, else byte order.
fn label_order(a: &str, b: &str) -> std::cmp::Ordering {
    let is_true = |label: &str| binary(label) == Some(true);
    let by_number = match (number(a), number(b)) {
        (Number::Value(a), Number::Value(b)) => a.total_cmp(&b),
        _ => std::cmp::Ordering::Equal,
    };
    is_true(a).cmp(&is_true(b)).then(by_number).then_with(|| a.cmp(b))
}

fn check_numbers(profile: &ColumnProfile, words: &[String], wish: &TargetWish) -> Result<(), TargetError> {
    if let Some((line, value)) = &profile.first_other {
        return Err(TargetError::NotNumeric {
            target: wish.name.clone(),
            line: *line,
            value: value.clone(),
        });
    }
    if let Some(word) = profile
        .missing_words
        .iter()
        .find(|word| !words.contains(&word.word))
    {
        return Err(TargetError::NotNumeric {
            target: wish.name.clone(),
            line: word.line,
            value: word.word.clone(),
        });
    }
    if profile.numbers.moments.count == 0 {
        return Err(TargetError::Empty(wish.name.clone()));
    }
    if profile.numbers.moments.min >= profile.numbers.moments.max {
        return Err(TargetError::Constant {
            target: wish.name.clone(),
            value: profile.numbers.moments.min,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan_of(
        values: &[&str],
        task: Option<Task>,
        positive: Option<&str>,
    ) -> Result<TargetPlan, TargetError> {
        let mut profile = ColumnProfile::new(1, &[]);
        values
            .iter()
            .enumerate()
            .for_each(|(i, value)| profile.add(i as u64 + 2, value));
        let wish = TargetWish {
            name: "y".into(),
            task,
            positive: positive.map(str::to_string),
            max_classes: None,
        };
        let kind = if profile.other == 0 {
            AttributeType::Numeric
        } else {
            AttributeType::Categorical
        };
        plan(&profile, kind, &[], &wish)
    }

    fn labels_of(values: &[&str], positive: Option<&str>) -> (String, String) {
        match plan_of(values, None, positive).unwrap().binary.unwrap() {
            Target::Binary {
                negative, positive, ..
            } => (negative, positive),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_positive_label() {
        assert_eq!(labels_of(&["yes", "no"], None), ("no".into(), "yes".into()));
        assert_eq!(labels_of(&["10", "9"], None), ("9".into(), "10".into()));
        assert_eq!(
            labels_of(&["<=50K", ">50K"], None),
            ("<=50K".into(), ">50K".into())
        );
        assert_eq!(labels_of(&["1", "2"], None), ("2".into(), "1".into()));
        assert_eq!(
            labels_of(&["malignant", "benign"], Some("benign")),
            ("malignant".into(), "benign".into())
        );
        assert!(matches!(
            plan_of(&["a", "b"], None, Some("c")),
            Err(TargetError::UnknownPositive { .. })
        ));
    }

    #[test]
    fn the_question() {
        let task = |values: &[&str]| plan_of(values, None, None).unwrap().task;
        assert_eq!(task(&["a", "b", "c"]), Task::Multiclass);
        assert_eq!(task(&["1", "2", "3"].repeat(5)), Task::Multiclass);
        assert_eq!(task(&["1", "2", "3"].repeat(4)), Task::Regression);
        assert_eq!(task(&["1.5", "2", "3"].repeat(5)), Task::Regression);
        assert_eq!(task(&["0", "1", "1"]), Task::Binary);
    }

    #[test]
    fn impossible_targets_are_named() {
        let code = |values: &[&str], task| plan_of(values, task, None).unwrap_err().code();
        assert_eq!(code(&["", ""], None), "target_empty");
        assert_eq!(code(&["a", "a"], None), "one_class");
        assert_eq!(code(&["3", "3"], Some(Task::Regression)), "constant_target");
        assert_eq!(code(&["a", "b", "c"], Some(Task::Binary)), "target_not_binary");
        assert_eq!(
            code(&["1", "x", "2"], Some(Task::Regression)),
            "target_not_numeric"
        );
        let many: Vec<String> = (0..200).map(|i| format!("c{i}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(code(&many, None), "too_many_classes");
    }

    #[test]
    fn mixed_literals_are_one_binary_target() {
        let target = plan_of(&["1", "yes", "N", "0"], Some(Task::Binary), None)
            .unwrap()
            .binary
            .unwrap();
        assert_eq!(target.read("TRUE", &[]), Truth::Class(1));
        assert_eq!(target.read("maybe", &[]), Truth::Unknown);
    }
}
