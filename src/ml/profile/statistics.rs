//! The statistics of a table as they are shown and stored: what belongs to the decided types.

use serde::{Deserialize, Serialize};

use super::association::associations;
use super::column::ColumnProfile;
use super::profiler::Profile;
use crate::ml::infer::{Decision, Role};
use crate::ml::ingest::Problems;
use crate::ml::quantile::Histogram;
use crate::ml::schema::AttributeType;

/// Bins of numeric histograms.
const HISTOGRAM_BINS: usize = 20;
/// Values and words shown.
const SHOWN: usize = 10;

/// Statistics of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableStatistics {
    /// Rows described.
    pub rows: u64,
    /// Rows of the source that could not be read, with examples.
    pub problems: Problems,
    /// Rows on which the associations were computed.
    pub association_rows: u64,
    /// One entry for each column, in column order.
    pub columns: Vec<ColumnStatistics>,
}

/// Statistics of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnStatistics {
    /// The column's name.
    pub name: String,
    /// Its type, its use, and why.
    #[serde(flatten)]
    pub decision: Decision,
    /// Rows without a value (words that stand for missing included).
    pub missing: u64,
    /// Rows whose value does not fit the type.
    pub invalid: u64,
    /// Number of distinct values.
    pub distinct: Count,
    /// Normalised mutual information with the target, 0 to 1.
    pub association: Option<f64>,
    /// For numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numeric: Option<NumericStatistics>,
    /// The most frequent values (not for numbers and text).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top_values: Vec<ValueCount>,
    /// For text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextStatistics>,
}

/// A count that may be an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The count.
    pub value: u64,
    /// False when it is an estimate (HyperLogLog, about 1 %).
    pub exact: bool,
}

/// A value with its count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueCount {
    /// The value.
    pub value: String,
    /// Rows that hold it; a lower bound when the distinct count is an estimate.
    pub count: u64,
}

/// Statistics of a numeric column, in its own units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumericStatistics {
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Mean.
    pub mean: f64,
    /// Population standard deviation.
    pub deviation: f64,
    /// Values below which 1, 5, 25, 50, 75, 95 and 99 percent of the rows lie.
    pub quantiles: Vec<Quantile>,
    /// False when quantiles and histogram are estimates (from a sample of rows).
    pub exact: bool,
    /// Equal-width histogram.
    pub histogram: Histogram,
}

/// One quantile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// Percentage of rows below.
    pub percent: f64,
    /// The value.
    pub value: f64,
}

/// Statistics of a text column; words are lower-cased and stripped of punctuation first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextStatistics {
    /// Words in all.
    pub words: u64,
    /// Distinct words.
    pub distinct_words: Count,
    /// Fewest and most words of a row.
    pub words_per_row: Option<(u64, u64)>,
    /// Shortest and longest word in characters.
    pub word_length: Option<(u64, u64)>,
    /// The most frequent words.
    pub top_words: Vec<ValueCount>,
}

/// Writes down the statistics of `profile` under the decided types.
pub fn describe(profile: Profile, decisions: &[Decision], problems: Problems) -> TableStatistics {
    let Profile {
        columns,
        profiles,
        sample,
        rows,
    } = profile;
    let kinds: Vec<AttributeType> = decisions.iter().map(|decision| decision.kind).collect();
    let missing: Vec<Vec<String>> = decisions
        .iter()
        .map(|decision| decision.missing_values.clone())
        .collect();
    let target = decisions
        .iter()
        .position(|decision| decision.role == Role::Target);
    let sample = sample.into_rows();
    let found = match target {
        Some(target) => {
            let is_number =
                kinds[target] == AttributeType::Numeric && profiles[target].values.distinct().0 > 20;
            associations(&sample, &kinds, &missing, target, is_number)
        }
        None => vec![None; columns.len()],
    };
    let columns = columns
        .into_iter()
        .zip(profiles)
        .zip(decisions.iter().zip(found))
        .map(|((name, profile), (decision, association))| {
            describe_column(name, profile, decision.clone(), association)
        })
        .collect();
    TableStatistics {
        rows,
        problems,
        association_rows: if target.is_some() { sample.len() as u64 } else { 0 },
        columns,
    }
}

fn describe_column(
    name: String,
    mut profile: ColumnProfile,
    decision: Decision,
    association: Option<f64>,
) -> ColumnStatistics {
    let listed: u64 = profile
        .missing_words
        .iter()
        .filter(|word| decision.missing_values.contains(&word.word))
        .map(|word| word.count)
        .sum();
    let filled = profile.filled() - listed;
    let invalid = match decision.kind {
        AttributeType::Numeric => filled - profile.numbers.moments.count.min(filled),
        AttributeType::Binary if decision.role != Role::Target => {
            filled - (profile.trues + profile.falses).min(filled)
        }
        _ => 0,
    };
    let (distinct, exact) = profile.values.distinct();
    let shows_values = matches!(decision.kind, AttributeType::Binary | AttributeType::Categorical);
    ColumnStatistics {
        name,
        missing: profile.empty + listed,
        invalid,
        distinct: Count {
            value: distinct,
            exact,
        },
        association,
        numeric: (decision.kind == AttributeType::Numeric && profile.numbers.moments.count > 0)
            .then(|| numeric(&mut profile)),
        top_values: if shows_values {
            top(profile.values.ranked())
        } else {
            Vec::new()
        },
        text: (decision.kind == AttributeType::Text).then(|| text(&profile)),
        decision,
    }
}

fn numeric(profile: &mut ColumnProfile) -> NumericStatistics {
    let numbers = &mut profile.numbers;
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
        min: numbers.moments.min,
        max: numbers.moments.max,
        mean: numbers.moments.mean,
        deviation: numbers.moments.deviation(),
        quantiles,
        exact: numbers.quantiles.is_exact(),
        histogram: Histogram::of(
            &mut numbers.quantiles,
            numbers.moments.min,
            numbers.moments.max,
            HISTOGRAM_BINS,
        ),
    }
}

fn text(profile: &ColumnProfile) -> TextStatistics {
    let (distinct, exact) = profile.text.distinct();
    TextStatistics {
        words: profile.text.words,
        distinct_words: Count {
            value: distinct,
            exact,
        },
        words_per_row: profile.text.per_row,
        word_length: profile.text.word_length,
        top_words: top(profile.text.ranked()),
    }
}

fn top(ranked: Vec<(String, u64)>) -> Vec<ValueCount> {
    ranked
        .into_iter()
        .take(SHOWN)
        .map(|(value, count)| ValueCount { value, count })
        .collect()
}
