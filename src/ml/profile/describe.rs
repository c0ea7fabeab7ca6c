//! Writes down the statistics of a profiled table: what belongs to the decided types.

use rayon::prelude::*;

use super::association::{association, numbers_of, truth_codes};
use super::column::ColumnProfile;
use super::curve::{self, Told};
use super::examples::{Example, MOST_EXAMPLES};
use super::field::Facts;
use super::histogram::{FineHistogram, cells};
use super::profiler::Profile;
use super::prominence::prominent_words;
use super::seasons::without_calendar;
use super::statistics::{
    BinaryStatistics, ColumnStatistics, Count, DateStatistics, NumericStatistics, Quantile, TableStatistics,
    TargetDistribution, TextStatistics, ValueCount,
};
use super::values::ValueProfile;
use crate::ml::date::{DateFormat, Moment};
use crate::ml::decision::{Decision, Role};
use crate::ml::ingest::Problems;
use crate::ml::record::Record;
use crate::ml::schema::AttributeType;
use crate::ml::value::{content, trimmed};

/// Values and words shown.
const SHOWN: usize = 10;
/// Values of the target shown.
const TARGET_VALUES: usize = 100;
/// Lines shown for each value.
const LINES: usize = 3;
/// A numeric target of more distinct values is a number, not a class.
pub const MOST_NUMBER_CLASSES: u64 = 20;

/// What belongs to all columns alike.
struct Context<'a> {
    rows: &'a [Record],
    truth: Option<Truth>,
    cells: usize,
    table_rows: u64,
}

/// The target of the sampled rows.
struct Truth {
    codes: Vec<u32>,
    /// Where it is a number.
    numbers: Option<Vec<Option<f64>>>,
}

/// Statistics of `profile` under the decided types; `rows` are the sampled rows.
pub fn describe(
    profile: &mut Profile,
    rows: &[Record],
    decisions: &[Decision],
    problems: Problems,
) -> TableStatistics {
    let target = decisions
        .iter()
        .position(|decision| decision.role == Role::Target);
    let truth = target.map(|target| {
        let is_number = is_number(&decisions[target], &profile.profiles[target]);
        let missing = &decisions[target].missing_values;
        Truth {
            codes: truth_codes(rows, target, is_number, missing),
            numbers: is_number.then(|| numbers_of(rows, target, missing)),
        }
    });
    let context = Context {
        rows,
        truth,
        cells: cells(profile.columns.len()),
        table_rows: profile.rows,
    };
    let columns = profile
        .profiles
        .par_iter_mut()
        .enumerate()
        .map(|(column, evidence)| {
            let name = profile.columns[column].clone();
            describe_column(name, column, evidence, &decisions[column], &context)
        })
        .collect();
    TableStatistics {
        rows: profile.rows,
        problems,
        association_rows: if target.is_some() { rows.len() as u64 } else { 0 },
        target: target.map(|target| {
            let name = profile.columns[target].clone();
            distribution(name, target, &profile.profiles[target], &decisions[target], rows)
        }),
        columns,
    }
}

/// Whether the target is a number rather than a class.
fn is_number(decision: &Decision, profile: &ColumnProfile) -> bool {
    decision.kind == AttributeType::Numeric && profile.values.distinct().0 > MOST_NUMBER_CLASSES
}

fn distribution(
    name: String,
    column: usize,
    profile: &ColumnProfile,
    decision: &Decision,
    rows: &[Record],
) -> TargetDistribution {
    if is_number(decision, profile) {
        return TargetDistribution {
            name,
            values: Vec::new(),
            other: 0,
        };
    }
    let values = with_lines(ranked(&profile.values, decision), TARGET_VALUES, column, rows);
    let shown: u64 = values.iter().map(|value| value.count).sum();
    let other = profile.with_value(&decision.missing_values).saturating_sub(shown);
    TargetDistribution { name, values, other }
}

fn describe_column(
    name: String,
    column: usize,
    profile: &mut ColumnProfile,
    decision: &Decision,
    context: &Context,
) -> ColumnStatistics {
    let kind = decision.kind;
    let filled = profile.with_value(&decision.missing_values);
    let format = decision.date_format.as_deref();
    let span = format.and_then(|format| profile.dates.span(format));
    let invalid = match kind {
        _ if format.is_some() && decision.role != Role::Target => {
            filled - span.map_or(0, |span| span.count).min(filled)
        }
        AttributeType::Numeric => filled - profile.numbers.moments.count.min(filled),
        AttributeType::Binary if decision.role != Role::Target => {
            filled - (profile.trues + profile.falses).min(filled)
        }
        _ => 0,
    };
    let (distinct, exact) = profile.values.distinct();
    let mut statistics = ColumnStatistics {
        name,
        missing: profile.without_value(&decision.missing_values),
        missing_examples: missing_examples(profile, decision),
        invalid,
        invalid_examples: if invalid > 0 {
            invalid_examples(profile, decision)
        } else {
            Vec::new()
        },
        distinct: Count {
            value: distinct,
            exact,
        },
        association: None,
        numeric: None,
        binary: None,
        top_values: Vec::new(),
        other_values: 0,
        least: None,
        text: None,
        dates: span.map(|span| DateStatistics {
            min: span.earliest.to_iso(),
            max: span.latest.to_iso(),
            // Those of seconds since 1970 are with the numbers.
            bins: (kind != AttributeType::Numeric)
                .then(|| time_bins(column, decision, context))
                .flatten(),
        }),
        decision: decision.clone(),
    };
    match kind {
        AttributeType::Numeric if profile.numbers.moments.count > 0 => {
            let bins = bins(column, decision, context);
            let numbers = numeric(profile, context.cells);
            statistics.numeric = Some(NumericStatistics { bins, ..numbers });
        }
        AttributeType::Numeric => {}
        AttributeType::Text => {
            let (text, association) = text(profile, column, decision, context);
            (statistics.text, statistics.association) = (Some(text), association);
        }
        AttributeType::Binary | AttributeType::Categorical => {
            add_values(&mut statistics, profile, column, filled, context.rows);
        }
    }
    if kind == AttributeType::Binary {
        statistics.binary = Some(binary(profile, invalid, context.table_rows));
    }
    if let Some(truth) = &context.truth
        && kind != AttributeType::Text
        && decision.role != Role::Target
    {
        statistics.association =
            association(context.rows, column, kind, &decision.missing_values, &truth.codes);
    }
    statistics
}

/// The target of the sampled rows, for an input.
fn told<'c>(decision: &Decision, context: &'c Context) -> Option<Told<'c>> {
    let truth = context.truth.as_ref().filter(|_| decision.role == Role::Input)?;
    let numbers = truth.numbers.as_deref();
    Some(numbers.map_or(Told::Classes(&truth.codes), Told::Numbers))
}

/// The number of bins that an input deserves.
fn bins(column: usize, decision: &Decision, context: &Context) -> Option<u32> {
    if decision.date_format.is_some() {
        return time_bins(column, decision, context);
    }
    let numbers = numbers_of(context.rows, column, &decision.missing_values);
    let columns = context.rows.first().map_or(0, Record::len);
    curve::bins(&numbers, context.table_rows, columns, told(decision, context)?)
}

/// The number of spans of time that a date deserves beside its month, weekday and hour.
fn time_bins(column: usize, decision: &Decision, context: &Context) -> Option<u32> {
    let told = told(decision, context)?;
    let format = DateFormat::new(decision.date_format.as_deref()?).ok()?;
    let moment = |row: &Record| {
        let field = content(row.get(column), &decision.missing_values);
        format.parse(trimmed(field))
    };
    let moments: Vec<Option<Moment>> = context.rows.iter().map(moment).collect();
    let times: Vec<Option<f64>> = moments.iter().map(|at| at.map(|at| at.days())).collect();
    let left = without_calendar(&moments, told);
    let columns = context.rows.first().map_or(0, Record::len);
    curve::spans(&times, context.table_rows, columns, Told::Numbers(&left))
}

fn missing_examples(profile: &ColumnProfile, decision: &Decision) -> Vec<Example> {
    let words = profile
        .missing_words
        .iter()
        .filter(|word| decision.missing_values.contains(&word.word))
        .map(|word| Example {
            line: word.line,
            value: word.word.clone(),
        });
    first(profile.empties.places().iter().cloned().chain(words))
}

fn invalid_examples(profile: &ColumnProfile, decision: &Decision) -> Vec<Example> {
    if decision.kind == AttributeType::Binary {
        let stands = |place: &&Example| !decision.missing_values.contains(&place.value);
        return first(profile.not_binary.places().iter().filter(stands).cloned());
    }
    let words = profile
        .missing_words
        .iter()
        .filter(|word| !decision.missing_values.contains(&word.word))
        .map(|word| Example {
            line: word.line,
            value: word.word.clone(),
        });
    first(profile.others.places().iter().cloned().chain(words))
}

/// The places on the smallest lines.
pub fn first(places: impl Iterator<Item = Example>) -> Vec<Example> {
    let mut places: Vec<Example> = places.collect();
    places.sort_unstable();
    places.dedup();
    places.truncate(MOST_EXAMPLES);
    places
}

fn numeric(profile: &mut ColumnProfile, cells: usize) -> NumericStatistics {
    let numbers = &mut profile.numbers;
    let moments = numbers.moments;
    let quantiles = [1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0]
        .into_iter()
        .filter_map(|percent| {
            numbers
                .quantiles
                .at(percent / 100.0)
                .map(|value| Quantile { percent, value })
        })
        .collect();
    NumericStatistics {
        min: moments.min,
        max: moments.max,
        mean: moments.mean,
        median: numbers.quantiles.at(0.5).unwrap_or(moments.mean),
        deviation: moments.deviation(),
        quantiles,
        exact: numbers.quantiles.is_exact(),
        histogram: FineHistogram::of(&mut numbers.quantiles, moments.min, moments.max, cells),
        bins: None,
    }
}

fn binary(profile: &ColumnProfile, invalid: u64, rows: u64) -> BinaryStatistics {
    let percent = |part: u64, of: u64| 100.0 * part as f64 / of.max(1) as f64;
    BinaryStatistics {
        trues: profile.trues,
        falses: profile.falses,
        percent_true: percent(profile.trues, profile.trues + profile.falses),
        percent_invalid: percent(invalid, rows),
    }
}

fn add_values(
    statistics: &mut ColumnStatistics,
    profile: &ColumnProfile,
    column: usize,
    filled: u64,
    rows: &[Record],
) {
    let ranked = ranked(&profile.values, &statistics.decision);
    if statistics.distinct.exact && ranked.len() > 1 {
        statistics.least = with_lines(ranked[ranked.len() - 1..].to_vec(), 1, column, rows).pop();
    }
    statistics.top_values = with_lines(ranked, SHOWN, column, rows);
    let shown: u64 = statistics.top_values.iter().map(|value| value.count).sum();
    statistics.other_values = filled.saturating_sub(shown);
}

/// The values that do not stand for missing, most frequent first.
fn ranked(values: &ValueProfile<Facts>, decision: &Decision) -> Vec<(String, u64)> {
    let mut ranked = values.ranked();
    ranked.retain(|(value, _)| {
        !decision
            .missing_values
            .iter()
            .any(|missing| missing == value.trim())
    });
    ranked
}

/// The first `shown` values, each with some of its lines.
fn with_lines(ranked: Vec<(String, u64)>, shown: usize, column: usize, rows: &[Record]) -> Vec<ValueCount> {
    let mut found: Vec<ValueCount> = counted(ranked, shown);
    let mut open = found.len();
    for row in rows {
        if open == 0 {
            break;
        }
        let field = row.get(column);
        if let Some(value) = found.iter_mut().find(|value| value.value == field)
            && value.lines.len() < LINES
        {
            value.lines.push(row.position.line);
            open -= usize::from(value.lines.len() == LINES);
        }
    }
    found
}

fn text(
    profile: &ColumnProfile,
    column: usize,
    decision: &Decision,
    context: &Context,
) -> (TextStatistics, Option<f64>) {
    let (distinct, exact) = profile.text.distinct();
    let truth = context.truth.as_ref().map(|truth| truth.codes.as_slice());
    let truth = truth.filter(|_| decision.role != Role::Target);
    let prominence = prominent_words(context.rows, (column, &decision.missing_values), truth, SHOWN);
    let statistics = TextStatistics {
        words: profile.text.words,
        distinct_words: Count {
            value: distinct,
            exact,
        },
        words_per_row: profile.text.per_row,
        word_length: profile.text.word_length,
        top_words: counted(profile.text.ranked(), SHOWN),
        prominent_words: prominence.words,
        sampled_rows: context.rows.len() as u64,
    };
    (statistics, prominence.association)
}

fn counted(ranked: Vec<(String, u64)>, shown: usize) -> Vec<ValueCount> {
    ranked
        .into_iter()
        .take(shown)
        .map(|(value, count)| ValueCount {
            value,
            count,
            lines: Vec::new(),
        })
        .collect()
}
