//! Proposes that a column holds dates, or says why it nearly does.

use super::{Decision, Evidence, evidence, input, missing_words, name_parts, quoted};
use crate::ml::date::DateFormat;
use crate::ml::profile::ColumnProfile;
use crate::ml::profile::dates::{Allowed, DateProfile, Verdict};
use crate::ml::schema::AttributeType;

/// Parts of names under which `20240131` is a day.
const DAY_NAMES: [&str; 12] = [
    "day", "dt", "date", "dob", "birthday", "datum", "tag", "fecha", "data", "jour", "dia", "ymd",
];
/// Parts of names under which a large number counts from 1970.
const EPOCH_NAMES: [&str; 10] = [
    "time",
    "timestamp",
    "datetime",
    "ts",
    "epoch",
    "unix",
    "unixtime",
    "at",
    "date",
    "utc",
];

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

/// The format that is proposed for the dates of a column called `name`, if it holds dates. `missing` of the values
/// are known missing words.
pub fn proposed(name: &str, dates: &DateProfile, missing: u64) -> Option<DateFormat> {
    match dates.judge(missing, allowed(name)) {
        Verdict::Date { format, .. } => DateFormat::new(&format).ok(),
        _ => None,
    }
}

/// Judges a column with at least one value.
pub(super) fn decide(name: &str, profile: &ColumnProfile) -> Dates {
    match profile.dates.judge(profile.missing_word_count(), allowed(name)) {
        Verdict::Other => Dates::None,
        Verdict::Date {
            format,
            example,
            settled_by,
        } => Dates::Decided(decided(profile, format, &example, settled_by.map(evidence))),
        Verdict::Ambiguous {
            formats,
            example: (line, value),
        } => Dates::Doubtful(format!(
            "every value is a date, but no value tells which number is the day, as in `{value}` on line {line}, so they are no dates here; say it in a schema with the dateFormat {}",
            alternatives(&formats)
        )),
        Verdict::Mixed {
            examples: [(line, value), (other_line, other)],
        } => Dates::Doubtful(format!(
            "every value is a date, but they are written in different ways, such as `{value}` on line {line} and `{other}` on line {other_line}, so they are no dates here; write all of them in one way"
        )),
        Verdict::Nearly {
            formats,
            count,
            of,
            first: (line, value),
        } => Dates::Doubtful(format!(
            "{count} of {of} values are dates, {} are not, the first on line {line} (`{value}`), so they are no dates here; mend those values, or give the column the dateFormat {} in a schema to count them as missing",
            of - count,
            alternatives(&formats)
        )),
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

fn alternatives(formats: &[String]) -> String {
    let quoted: Vec<String> = formats.iter().map(|format| format!("`{format}`")).collect();
    quoted.join(" or ")
}

fn allowed(name: &str) -> Allowed {
    let parts = name_parts(name);
    let is_any = |names: &[&str], ends: &str| {
        parts
            .iter()
            .any(|part| names.contains(&part.as_str()) || part.ends_with(ends))
    };
    Allowed {
        days: is_any(&DAY_NAMES, "date"),
        epochs: is_any(&EPOCH_NAMES, "timestamp"),
    }
}
