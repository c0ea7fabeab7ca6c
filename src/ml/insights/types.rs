//! Values that do not fit the others of their column, and words that look like "missing".

use serde_json::json;

use super::finding::{Code, Finding};
use super::material::{Cell, Material};
use crate::ml::names::means_code;
use crate::ml::profile::column::MissingWord;
use crate::ml::profile::describe::first;
use crate::ml::profile::examples::shortened;
use crate::ml::profile::{ColumnProfile, Example};
use crate::ml::schema::AttributeType;
use crate::ml::wording::counted;

/// Values that are no numbers are odd among numbers up to this share; beyond it, the column mixes by nature.
const ODD: f64 = 0.1;
/// Words that are values as often as not: a country, no extras. They count only among longer words or numbers.
const DOUBTFUL: [&str; 4] = ["NA", "na", "none", "None"];
/// Values looked at when a doubtful word is judged.
const LOOKED_AT: usize = 50;
/// Codes are at most so long.
const CODE_LENGTH: usize = 3;

/// What does not fit, but in the columns of which enough is `said` already.
pub fn find(material: &Material, said: &[usize]) -> Vec<Finding> {
    let inputs = material.inputs().into_iter();
    inputs
        .filter(|column| !said.contains(column))
        .filter_map(|column| match material.decisions[column].kind {
            AttributeType::Numeric | AttributeType::Binary => invalid(material, column),
            AttributeType::Categorical => mixed(material, column).or_else(|| words(material, column)),
            AttributeType::Text => mixed(material, column),
        })
        .collect()
}

/// Nearly all values are numbers, but a few are not, so all became categories.
fn mixed(material: &Material, column: usize) -> Option<Finding> {
    let profile = &material.all.profiles[column];
    let name = &material.names[column];
    let unlisted: u64 = unlisted(material, column).map(|word| word.count).sum();
    let (numbers, odd) = (profile.numbers.moments.count, profile.other + unlisted);
    let values = numbers + odd;
    let is_code = profile.numbers.first_leading_zero.is_some() || means_code(name);
    if profile.other == 0 || is_code || odd as f64 > ODD * values as f64 {
        return None;
    }
    let examples = odd_examples(material, column, profile);
    let place = examples
        .first()
        .map(|place| format!(", the first on line {} (`{}`)", place.line, place.value))
        .unwrap_or_default();
    let message = format!(
        "{numbers} of {values} values of column `{name}` are numbers, {odd} {} not{place}, so each value is a category",
        if odd == 1 { "is" } else { "are" }
    );
    let evidence = json!({"numbers": numbers, "values": values, "examples": examples});
    Some(Finding::about(Code::MixedTypes, column, message, evidence).weighing(numbers as f64 / values as f64))
}

fn odd_examples(material: &Material, column: usize, profile: &ColumnProfile) -> Vec<Example> {
    let words = unlisted(material, column).map(|word| Example {
        line: word.line,
        value: word.word.clone(),
    });
    // The evidence keeps each value once; the sample shows it on more rows.
    let sampled = material
        .rows
        .iter()
        .filter_map(|row| match material.cell(row, column) {
            Cell::Word(text) => Some(Example {
                line: row.position.line,
                value: shortened(text),
            }),
            _ => None,
        });
    first(
        profile
            .others
            .places()
            .iter()
            .cloned()
            .chain(words)
            .chain(sampled),
    )
}

/// Known words for missing that are not listed as such.
fn unlisted<'m>(material: &'m Material, column: usize) -> impl Iterator<Item = &'m MissingWord> + 'm {
    let listed = &material.decisions[column].missing_values;
    let words = material.all.profiles[column].missing_words.iter();
    words.filter(move |word| !listed.contains(&word.word))
}

/// The schema says number or yes/no, but some values are neither.
fn invalid(material: &Material, column: usize) -> Option<Finding> {
    let statistics = &material.statistics.columns[column];
    if statistics.invalid == 0 {
        return None;
    }
    let profile = &material.selected.profiles[column];
    if statistics.decision.kind == AttributeType::Numeric && profile.other == 0 {
        return words(material, column);
    }
    let place = statistics
        .invalid_examples
        .first()
        .map(|place| format!(", the first on line {} (`{}`)", place.line, place.value))
        .unwrap_or_default();
    let (do_not, they_count) = match statistics.invalid {
        1 => ("does not", "it counts"),
        _ => ("do not", "they count"),
    };
    let message = format!(
        "{} of {} values of column `{}` {do_not} fit its type {}{place}; {they_count} as missing",
        statistics.invalid,
        material.statistics.rows - statistics.missing,
        statistics.name,
        statistics.decision.kind.as_str()
    );
    let evidence = json!({"invalid": statistics.invalid, "examples": statistics.invalid_examples});
    Some(Finding::about(Code::MixedTypes, column, message, evidence).weighing(statistics.invalid as f64))
}

/// A word that often means "missing" is read as a value.
fn words(material: &Material, column: usize) -> Option<Finding> {
    let profile = &material.all.profiles[column];
    let among_codes = holds_codes(profile);
    let found: Vec<&MissingWord> = unlisted(material, column)
        .filter(|word| !word.word.eq_ignore_ascii_case("none"))
        .filter(|word| !among_codes || !DOUBTFUL.contains(&word.word.as_str()))
        .collect();
    let word = found
        .iter()
        .max_by_key(|word| (word.count, std::cmp::Reverse(word.line)))?;
    let read = match material.decisions[column].kind {
        AttributeType::Categorical => "as a category of its own",
        _ => "as an invalid value",
    };
    let message = format!(
        "`{}` stands on {} of column `{}` (first on line {}) and is read {read}; it often means missing",
        word.word,
        counted(word.count, "row"),
        material.names[column],
        word.line
    );
    let shown: Vec<_> = found
        .iter()
        .map(|word| json!({"word": word.word, "rows": word.count, "line": word.line}))
        .collect();
    let share = word.count as f64 / profile.rows.max(1) as f64;
    Some(
        Finding::about(
            Code::SuspiciousMissingWord,
            column,
            message,
            json!({"words": shown}),
        )
        .weighing(share),
    )
}

/// Whether most values are short codes, among which `NA` may well be one.
fn holds_codes(profile: &ColumnProfile) -> bool {
    let values = profile.values.ranked();
    let words: Vec<&str> = values
        .iter()
        .map(|(value, _)| value.trim())
        .filter(|value| !DOUBTFUL.contains(value))
        .take(LOOKED_AT)
        .collect();
    let short = |word: &&&str| word.chars().count() <= CODE_LENGTH && word.chars().all(char::is_alphabetic);
    words.iter().filter(short).count() * 2 >= words.len()
}
