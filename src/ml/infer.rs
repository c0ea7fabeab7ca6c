//! Proposes a type for each column from the evidence of every row, and says why.

pub mod dates;

use dates::Dates;

use super::identity::{Identity, Values, identity};
use super::names::{means_code, means_identity};
use super::profile::{ColumnProfile, Profile};
use super::schema::{Attribute, AttributeType, Schema};
use super::value::is_too_large;

pub use super::decision::{Decision, Evidence, Role};

/// Codes name rows only where there are more rows than that.
const MOST_FOR_CATEGORIES: u64 = 99;

/// Proposes a schema for a profiled table. `target` names the column to predict.
pub fn propose(profile: &Profile, target: Option<&str>, has_header: bool) -> (Schema, Vec<Decision>) {
    // The target is asked for as it is written, so it is never a date.
    let mut decisions: Vec<Decision> = profile
        .columns
        .iter()
        .zip(&profile.profiles)
        .map(|(name, evidence)| decide(name, evidence, Some(name.as_str()) != target))
        .collect();
    if let Some(position) = target.and_then(|name| profile.columns.iter().position(|column| column == name)) {
        decisions[position].role = Role::Target;
    }
    learn_from_counts(profile, &mut decisions);
    keep_one_id(&mut decisions);
    let attributes = profile
        .columns
        .iter()
        .zip(&decisions)
        .map(|(name, decision)| Attribute {
            name: name.clone(),
            kind: decision.kind,
            missing_values: decision.missing_values.clone(),
            date_format: decision.date_format.clone(),
        })
        .collect();
    let named = |role: Role| {
        profile
            .columns
            .iter()
            .zip(&decisions)
            .filter(move |(_, d)| d.role == role)
            .map(|(n, _)| n.clone())
    };
    let schema = Schema {
        version: "1.0".into(),
        row_id: named(Role::Id).next(),
        row_weight: None,
        target: target.map(str::to_string),
        data_format: "CSV".into(),
        data_file_contains_header: has_header,
        attributes,
        excluded: named(Role::Excluded).collect(),
    };
    (schema, decisions)
}

/// Where no column is left to learn from, those that count the rows are numbers: days in their order, or the `x` of a
/// first try.
fn learn_from_counts(profile: &Profile, decisions: &mut [Decision]) {
    if decisions.iter().any(|decision| decision.role == Role::Input) {
        return;
    }
    let columns = profile.columns.iter().zip(&profile.profiles);
    for ((name, column), decision) in columns.zip(decisions) {
        if decision.role == Role::Id && counts_rows(name, column, decision.kind) {
            *decision = input(
                AttributeType::Numeric,
                "it counts the rows, but no other column is left to learn from",
            );
        }
    }
}

/// A schema has one row id; further identifiers are left out.
fn keep_one_id(decisions: &mut [Decision]) {
    let mut found = false;
    for decision in decisions.iter_mut().filter(|decision| decision.role == Role::Id) {
        if found {
            decision.role = Role::Excluded;
        }
        found = true;
    }
}

/// Describes a column whose type a given schema has fixed.
pub fn described(schema: &Schema, index: usize) -> Decision {
    let attribute = &schema.attributes[index];
    let name = Some(&attribute.name);
    let role = if name == schema.target.as_ref() {
        Role::Target
    } else if name == schema.row_id.as_ref() {
        Role::Id
    } else if schema.excluded.contains(&attribute.name) || name == schema.row_weight.as_ref() {
        Role::Excluded
    } else {
        Role::Input
    };
    Decision {
        kind: attribute.kind,
        role,
        reason: "given by the schema".into(),
        forced_by: None,
        missing_values: attribute.missing_values.clone(),
        date_format: attribute.date_format.clone(),
    }
}

fn decide(name: &str, profile: &ColumnProfile, may_be_date: bool) -> Decision {
    let filled = profile.filled();
    if filled == 0 {
        return Decision {
            role: Role::Excluded,
            ..input(AttributeType::Categorical, "no row has a value")
        };
    }
    let dates = if may_be_date {
        dates::decide(name, profile)
    } else {
        Dates::None
    };
    // Dates that never repeat say when a row happened, not which row it is.
    let may_be_id = matches!(dates, Dates::None);
    let mut decision = match dates {
        Dates::Decided(decision) => decision,
        Dates::Doubtful(_) | Dates::None => decide_type(name, profile),
    };
    let (distinct, exact) = profile.values.distinct();
    if exact && distinct == 1 && profile.empty == 0 && decision.missing_values.is_empty() {
        decision.role = Role::Excluded;
    } else if may_be_id && let Some(reason) = names_rows(name, profile, decision.kind) {
        decision.role = Role::Id;
        decision.kind = AttributeType::Categorical;
        decision.reason = reason;
        decision.forced_by = None;
    }
    decision
}

fn input(kind: AttributeType, reason: impl Into<String>) -> Decision {
    Decision {
        kind,
        role: Role::Input,
        reason: reason.into(),
        forced_by: None,
        missing_values: Vec::new(),
        date_format: None,
    }
}

fn decide_type(name: &str, profile: &ColumnProfile) -> Decision {
    let words = profile.missing_word_count();
    let literals = profile.trues + profile.falses;
    if literals + words == profile.filled() && profile.trues > 0 && profile.falses > 0 {
        return Decision {
            missing_values: missing_words(profile),
            ..input(
                AttributeType::Binary,
                "every value is a binary literal, and both sides occur",
            )
        };
    }
    if profile.numbers.moments.count > 0 && profile.other == 0 {
        return decide_numeric(name, profile);
    }
    let forced_by = profile
        .others
        .first()
        .filter(|_| profile.numbers.moments.count > 0)
        .map(|other| (other.line, other.value.clone()))
        .map(evidence);
    let mut decision = if looks_like_text(profile) {
        input(AttributeType::Text, text_reason(profile))
    } else if let Some(Evidence { value, .. }) = &forced_by {
        let reason = if is_too_large(value) {
            "one value at least is beyond 1e150, the largest number"
        } else {
            "one value at least is no number"
        };
        input(AttributeType::Categorical, reason)
    } else {
        input(AttributeType::Categorical, "the values are words, not numbers")
    };
    decision.forced_by = forced_by;
    decision
}

fn decide_numeric(name: &str, profile: &ColumnProfile) -> Decision {
    let numbers = &profile.numbers;
    if let Some((line, value)) = &numbers.first_leading_zero {
        return Decision {
            forced_by: Some(Evidence {
                line: *line,
                value: value.clone(),
            }),
            ..input(
                AttributeType::Categorical,
                "a number is written with a leading zero, so these are codes",
            )
        };
    }
    let whole = numbers.whole == numbers.moments.count;
    if whole && means_code(name) {
        return input(
            AttributeType::Categorical,
            "whole numbers under a name that means a code",
        );
    }
    if whole && means_identity(name) && !is_unique(profile) {
        return input(
            AttributeType::Categorical,
            "whole numbers under a name that means an identity, and they repeat",
        );
    }
    let missing_values = missing_words(profile);
    let reason = if missing_values.is_empty() {
        "every value is a number".to_string()
    } else {
        format!("every value but {} is a number", quoted(&missing_values))
    };
    Decision {
        forced_by: profile.missing_words.first().map(|word| Evidence {
            line: word.line,
            value: word.word.clone(),
        }),
        missing_values,
        ..input(AttributeType::Numeric, reason)
    }
}

fn missing_words(profile: &ColumnProfile) -> Vec<String> {
    profile
        .missing_words
        .iter()
        .map(|word| word.word.clone())
        .collect()
}

fn quoted(words: &[String]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn evidence((line, value): (u64, String)) -> Evidence {
    Evidence { line, value }
}

/// Three words a row on average and many different values, or white space in more than half of the
/// values and most of them distinct.
fn looks_like_text(profile: &ColumnProfile) -> bool {
    let filled = (profile.filled() - profile.numbers.moments.count).max(1) as f64;
    let (distinct, _) = profile.values.distinct();
    let mean_words = profile.text.words as f64 / filled;
    let many = distinct > 1000 || (distinct as f64 > 0.05 * filled && distinct > 20);
    (mean_words >= 3.0 && many)
        || (profile.text.spaced as f64 > filled / 2.0 && distinct as f64 > filled / 2.0)
}

fn text_reason(profile: &ColumnProfile) -> String {
    let filled = profile.filled().max(1) as f64;
    format!(
        "values have {:.1} words on average and rarely repeat",
        profile.text.words as f64 / filled
    )
}

fn is_unique(profile: &ColumnProfile) -> bool {
    let (distinct, exact) = profile.values.distinct();
    let filled = profile.filled();
    if exact {
        distinct == filled
    } else {
        distinct as f64 >= 0.97 * filled as f64
    }
}

/// How the column identifies rows, if it does.
fn row_names(name: &str, profile: &ColumnProfile, kind: AttributeType) -> Option<Identity> {
    let (rows, numbers) = (profile.rows, &profile.numbers);
    let whole = numbers.whole == rows;
    let (least, most) = (numbers.moments.min, numbers.moments.max);
    let values = Values {
        rows,
        unique: profile.filled() == rows && is_unique(profile) && profile.text.spaced == 0,
        numbers: numbers.moments.count,
        whole,
        running: whole && (least == 0.0 || least == 1.0) && most - least + 1.0 == rows as f64,
        words: kind == AttributeType::Categorical,
    };
    identity(name, values)
}

/// Whether the column counts the rows, under a name that means no identity.
pub fn counts_rows(name: &str, profile: &ColumnProfile, kind: AttributeType) -> bool {
    row_names(name, profile, kind) == Some(Identity::Running) && !means_identity(name)
}

/// Why the column identifies rows, if it does.
pub fn names_rows(name: &str, profile: &ColumnProfile, kind: AttributeType) -> Option<String> {
    match row_names(name, profile, kind)? {
        Identity::Running => Some("a running number: every whole number once".into()),
        Identity::Named => Some("no value repeats, and the name means an identity".into()),
        Identity::Code => {
            (profile.rows > MOST_FOR_CATEGORIES).then(|| "no value repeats, so it can only name rows".into())
        }
    }
}
