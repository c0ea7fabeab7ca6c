//! Decides from all values of a column which question it poses.

use super::positive::{Choice, choose};
use super::{Target, TargetError};
use crate::ml::Task;
use crate::ml::profile::ColumnProfile;
use crate::ml::schema::AttributeType;
use crate::ml::value::{binary, is_missing};

/// Whole numbers with at most this many distinct values are classes.
const MOST_NUMBER_CLASSES: usize = 20;
/// Rows that each of those must have.
const LEAST_ROWS_A_CLASS: u64 = 5;
/// Classes a model may have unless the parameter `max_classes` says otherwise.
pub const MOST_CLASSES: usize = 100;

/// How the reason of a question ends where the caller has said which label is positive.
pub const AS_ASKED_FOR: &str = "as asked for";

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
    /// Why, and for binary targets which label is positive and why, in one sentence.
    pub reason: String,
    /// For binary targets, their coding; the classes of others come from the training rows.
    pub binary: Option<Target>,
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
    let (task, mut reason) = match wish.task {
        Some(task) => (task, "the request or the schema says so".to_string()),
        None => decide(profile, numeric, &labels.0, distinct, exact),
    };
    let limit = wish.max_classes.unwrap_or(MOST_CLASSES);
    if wish.positive.is_some() && task != Task::Binary {
        return Err(TargetError::PositiveNotBinary {
            target: wish.name.clone(),
            task,
        });
    }
    let binary = match task {
        Task::Binary if !labels.1 => {
            return Err(TargetError::NotBinary {
                target: wish.name.clone(),
                found: distinct,
                shown: "too many to show".into(),
            });
        }
        Task::Binary => {
            let (target, positive) = binary_target(&labels.0, profile, wish)?;
            reason = format!("{reason}; {positive}");
            Some(target)
        }
        Task::Multiclass if distinct == 1 => return Err(one_class(wish, &labels.0)),
        // Mostly numbers with a few that are none: the line of the first of those helps more than a count.
        Task::Multiclass
            if (!exact || distinct > limit as u64)
                && wish.task.is_none()
                && profile.others.first().is_some()
                && profile.numbers.moments.count * 2 > profile.filled() =>
        {
            check_numbers(profile, &words, wish)?;
            None
        }
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

/// Labels as the caller wants them.
fn asked_for(negative: &(String, u64), positive: &(String, u64)) -> Choice {
    Choice {
        negative: negative.0.clone(),
        positive: positive.0.clone(),
        reason: AS_ASKED_FOR,
    }
}

/// The coding of two labels, and which counts as positive and why.
fn binary_target(
    labels: &[(String, u64)],
    profile: &ColumnProfile,
    wish: &TargetWish,
) -> Result<(Target, String), TargetError> {
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
        [a, b] => {
            let Choice {
                negative,
                positive,
                reason,
            } = match wish.positive.as_deref().map(str::trim) {
                None => choose(a, b),
                Some(label) if label == a.0 => asked_for(b, a),
                Some(label) if label == b.0 => asked_for(a, b),
                Some(label) => {
                    return Err(TargetError::UnknownPositive {
                        target: wish.name.clone(),
                        label: label.to_string(),
                        shown: shown(),
                    });
                }
            };
            let reason = format!("`{positive}` counts as positive, {reason}");
            // With the usual orientation any spelling of a literal is understood later on.
            let literals = binary(&negative) == Some(false) && binary(&positive) == Some(true);
            let target = Target::Binary {
                negative,
                positive,
                literals,
            };
            Ok((target, reason))
        }
        _ if profile.trues > 0
            && profile.falses > 0
            && profile.trues + profile.falses == profile.filled() =>
        {
            if let Some(label) = wish.positive.as_ref().filter(|label| binary(label) != Some(true)) {
                return Err(TargetError::UnknownPositive {
                    target: wish.name.clone(),
                    label: label.clone(),
                    shown: format!(
                        "{}, spelled in several ways; only those that mean true can be positive",
                        shown()
                    ),
                });
            }
            let target = Target::Binary {
                negative: "0".into(),
                positive: "1".into(),
                literals: true,
            };
            Ok((target, "what means true counts as positive".into()))
        }
        _ => Err(TargetError::NotBinary {
            target: wish.name.clone(),
            found: labels.len() as u64,
            shown: shown(),
        }),
    }
}

fn check_numbers(profile: &ColumnProfile, words: &[String], wish: &TargetWish) -> Result<(), TargetError> {
    if let Some(other) = profile.others.first() {
        return Err(TargetError::NotNumeric {
            target: wish.name.clone(),
            line: other.line,
            value: other.value.clone(),
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
    use crate::ml::target::Truth;

    fn plan_of(
        values: &[&str],
        task: Option<Task>,
        positive: Option<&str>,
    ) -> Result<TargetPlan, TargetError> {
        let mut profile = ColumnProfile::new(1, &[]);
        values
            .iter()
            .enumerate()
            .for_each(|(i, value)| profile.add(i as u64 + 2, i as u64, value));
        profile.settle();
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
            labels_of(&["fraud", "legit", "legit"], None),
            ("legit".into(), "fraud".into())
        );
        assert_eq!(
            labels_of(&["malignant", "benign", "benign"], Some(" benign")),
            ("malignant".into(), "benign".into())
        );
        assert!(matches!(
            plan_of(&["a", "b"], None, Some("c")),
            Err(TargetError::UnknownPositive { .. })
        ));
    }

    #[test]
    fn the_reason_names_the_positive_label_and_why() {
        let reason = |positive| {
            plan_of(&["fraud", "legit", "legit"], None, positive)
                .unwrap()
                .reason
        };
        assert_eq!(
            reason(None),
            "the target has 2 distinct values; `fraud` counts as positive, as the rarer of the two labels"
        );
        assert!(reason(Some("legit")).ends_with("`legit` counts as positive, as asked for"));
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
