//! Classes that a part of a table lacks: said, because scores do not show it.

use std::collections::HashSet;

use crate::ml::evaluate::Report;
use crate::ml::profile::ColumnProfile;
use crate::ml::split::{Split, Strategy};
use crate::ml::target::{Target, Truth};
use crate::ml::value::is_missing;

/// Labels that a sentence names.
const MOST_SHOWN: usize = 5;

/// A sentence on the classes of the target `name` in the whole table (`profile`) that no training row has.
pub fn not_learned(
    target: &Target,
    name: &str,
    profile: &ColumnProfile,
    missing_values: &[String],
    split: &Split,
) -> Option<String> {
    // A sketch of the values cannot tell what is missing, and a split by the target has said it already.
    let said = split.strategy == Strategy::Stratified && split.column.as_deref() == Some(name);
    if !matches!(target, Target::Multiclass { .. }) || split.is_all() || said || !profile.values.distinct().1
    {
        return None;
    }
    let values = profile.values.ranked();
    let mut seen = HashSet::new();
    let lost: Vec<&str> = values
        .iter()
        .map(|(value, _)| value.trim())
        .filter(|value| !is_missing(value, missing_values) && seen.insert(*value))
        .filter(|value| matches!(target.read(value, missing_values), Truth::UnseenClass(_)))
        .collect();
    sentence(
        &lost,
        "no row to learn from has",
        split,
        "the model does not know",
    )
}

/// A sentence on the classes of the model that no evaluated row has.
pub fn not_judged(report: &Report, target: &Target, split: &Split) -> Option<String> {
    if split.is_all() {
        return None;
    }
    let labels = target.labels();
    let lost: Vec<&str> = match report {
        Report::Regression(_) => Vec::new(),
        Report::Binary(report) if report.positives == 0 => labels.into_iter().skip(1).collect(),
        Report::Binary(report) if report.positives == report.records => labels.into_iter().take(1).collect(),
        Report::Binary(_) => Vec::new(),
        Report::Multiclass(report) => {
            let judged = report.classes.iter().filter(|class| class.support == 0);
            let absent: HashSet<&str> = judged.map(|class| class.label.as_str()).collect();
            labels
                .into_iter()
                .filter(|label| absent.contains(label))
                .collect()
        }
    };
    sentence(
        &lost,
        "no row to evaluate on has",
        split,
        "the evaluation does not cover",
    )
}

fn sentence(lost: &[&str], nobody_has: &str, split: &Split, so: &str) -> Option<String> {
    let shown: Vec<String> = lost
        .iter()
        .take(MOST_SHOWN)
        .map(|label| format!("`{label}`"))
        .collect();
    let shown = shown.join(", ");
    let (classes, them) = match (lost.len(), lost.len().saturating_sub(MOST_SHOWN)) {
        (0, _) => return None,
        (1, _) => (format!("class {shown}"), "it"),
        (_, 0) => (format!("classes {shown}"), "them"),
        (_, more) => (format!("classes {shown} and {more} more"), "them"),
    };
    Some(format!("{nobody_has} the {classes} ({split}); {so} {them}"))
}
