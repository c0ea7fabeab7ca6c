//! A remark on weights that tell the classes of all training rows apart, in the names of the columns.

use super::encode::TrainingRows;
use super::first_pass::Learned;
use crate::ml::learn::Fitted;
use crate::ml::learn::learner::Data;
use crate::ml::learn::separation::{SHARED, separation};

/// Columns that the remark names.
const MOST_SHOWN: usize = 5;

/// What to know when weights tell the classes of all training rows apart; nothing when they do not.
pub(super) fn apart(
    rows: &TrainingRows<'_>,
    learned: &Learned,
    data: &Data,
    fitted: &Fitted,
) -> Option<String> {
    let terms = learned.featurizer.recipe_terms();
    let of_term: Vec<u32> = terms
        .iter()
        .map(|term| match term.attributes().as_slice() {
            [only] => *only as u32,
            _ => SHARED,
        })
        .collect();
    let of_feature = learned.featurizer.term_of_features();
    let of_feature: Vec<u32> = of_feature.iter().map(|&term| of_term[term as usize]).collect();
    let attributes = &rows.schema.attributes;
    let found = separation(
        &data.records,
        &data.targets,
        data.weights(),
        &fitted.beta,
        &of_feature,
        attributes.len(),
    )?;
    let endless = match fitted.report.l2 {
        0.0 if fitted.report.l1.is_none() => "without a penalty such weights have no end: give one (l2)",
        _ => "only the penalty keeps such weights finite, so trust the evaluation more than the scores",
    };
    let alone = found
        .alone
        .iter()
        .map(|&attribute| attributes[attribute as usize].name.as_str());
    Some(match alone.collect::<Vec<_>>().as_slice() {
        [] => format!("the features together tell the classes of all training rows apart; {endless}"),
        columns => format!(
            "{} alone {} the classes of all training rows apart: probably known only once the target is (leakage), so leave out what a prediction will not have; {endless}",
            listed(columns),
            if columns.len() == 1 { "tells" } else { "each tell" }
        ),
    })
}

fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(MOST_SHOWN)
        .map(|name| format!("`{name}`"))
        .collect();
    match names.len().saturating_sub(MOST_SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
