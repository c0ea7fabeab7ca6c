//! Proposes that a column holds dates, or says why it nearly does.

use super::{Decision, Evidence, evidence, input, missing_words, quoted};
use crate::ml::date::DateFormat;
use crate::ml::profile::ColumnProfile;
use crate::ml::profile::dates::{Allowed, Verdict};
use crate::ml::schema::AttributeType;

/// What the evidence about dates does to a decision.
pub(super) enum Dates {
    /// The column holds dates.
    Decided(Decision),
    /// It looks as if it were meant to; a person should look at it.
    Doubtful(String),
    /// It does not.
    None,
}

/// What to say of a column whose dates are not understood, if it holds dates or looks as if it were meant to.
pub fn not_understood(name: &str, profile: &ColumnProfile) -> Option<String> {
    match decide(name, profile) {
        Dates::Doubtful(reason) => Some(reason),
        Dates::Decided(Decision {
            reason, date_format, ..
        }) => date_format.map(|format| {
            format!("{reason}, but they are read as categories; give the column the dateFormat `{format}` in the schema")
        }),
        Dates::None => None,
    }
}

/// Judges a column with at least one value.
pub(super) fn decide(name: &str, profile: &ColumnProfile) -> Dates {
    let verdict = profile
        .dates
        .judge(profile.missing_word_count(), Allowed::under(name));
    let doubt = verdict.doubt();
    match (verdict, doubt) {
        (
            Verdict::Date {
                format,
                example,
                settled_by,
            },
            _,
        ) => Dates::Decided(decided(profile, format, &example, settled_by.map(evidence))),
        (_, Some(reason)) => Dates::Doubtful(reason),
        (_, None) => Dates::None,
    }
}

fn decided(profile: &ColumnProfile, format: String, example: &str, forced_by: Option<Evidence>) -> Decision {
    let missing_values = missing_words(profile);
    let except = match &missing_values[..] {
        [] => String::new(),
        words => format!(" but {}", quoted(words)),
    };
    // Only numbers since 1970 mean something as numbers.
    let kind = match DateFormat::new(&format) {
        Ok(format) if format.is_epoch() => AttributeType::Numeric,
        _ => AttributeType::Categorical,
    };
    let reason = format!("every value{except} is a date like {example} ({format})");
    Decision {
        forced_by,
        missing_values,
        date_format: Some(format),
        ..input(kind, reason)
    }
}
