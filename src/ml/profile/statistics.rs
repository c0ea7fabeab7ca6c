//! The statistics of a table as they are shown and stored. [`super::describe`] works them out.

use serde::{Deserialize, Serialize};

use super::examples::Example;
use super::histogram::FineHistogram;
use crate::ml::decision::Decision;
use crate::ml::ingest::Problems;

/// Statistics of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableStatistics {
    /// Rows described.
    pub rows: u64,
    /// Rows of the source that could not be read, with examples.
    pub problems: Problems,
    /// Rows on which the associations were computed.
    pub association_rows: u64,
    /// How the target is distributed, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetDistribution>,
    /// One entry for each column, in column order.
    pub columns: Vec<ColumnStatistics>,
}

/// How the target is distributed. The histogram of a numeric target is with its column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetDistribution {
    /// The column.
    pub name: String,
    /// The most frequent values, at most 100; none when the target is a number of many values.
    pub values: Vec<ValueCount>,
    /// Rows with a value that is not listed.
    pub other: u64,
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
    /// Where the first of them are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_examples: Vec<Example>,
    /// Rows whose value does not fit the type.
    pub invalid: u64,
    /// Where the first of them are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invalid_examples: Vec<Example>,
    /// Number of distinct values.
    pub distinct: Count,
    /// Normalised mutual information with the target, 0 to 1.
    pub association: Option<f64>,
    /// For numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numeric: Option<NumericStatistics>,
    /// For binary attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary: Option<BinaryStatistics>,
    /// The most frequent values (not for numbers and text).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top_values: Vec<ValueCount>,
    /// Rows with a value that is not among them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub other_values: u64,
    /// The least frequent value; known where the distinct count is exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<ValueCount>,
    /// For text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextStatistics>,
    /// For dates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dates: Option<DateStatistics>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
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
    /// Lines of up to three of them, from the sample of rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<u64>,
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
    /// The value in the middle.
    pub median: f64,
    /// Population standard deviation.
    pub deviation: f64,
    /// Values below which 1, 5, 25, 50, 75, 95 and 99 percent of the rows lie.
    pub quantiles: Vec<Quantile>,
    /// False when quantiles and histogram are estimates (from a sample of rows).
    pub exact: bool,
    /// Fine equal-width histogram, from which those with fewer bars are derived.
    pub histogram: FineHistogram,
    /// Bins of equal population that tell clearly more about the target than a straight line, from the sample of
    /// rows; none where a line tells about as much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bins: Option<u32>,
}

/// One quantile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// Percentage of rows below.
    pub percent: f64,
    /// The value.
    pub value: f64,
}

/// Statistics of a binary attribute.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BinaryStatistics {
    /// Rows that are true.
    pub trues: u64,
    /// Rows that are false.
    pub falses: u64,
    /// Percentage of the rows that are one or the other.
    pub percent_true: f64,
    /// Percentage of all rows that hold something else.
    pub percent_invalid: f64,
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
    /// The most frequent words, counted as often as they occur.
    pub top_words: Vec<ValueCount>,
    /// The words that tell most, from the sample of rows.
    #[serde(default)]
    pub prominent_words: Vec<ProminentWord>,
    /// Rows of that sample.
    #[serde(default)]
    pub sampled_rows: u64,
}

/// How much the presence of one word tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProminentWord {
    /// Place among the words, from 1.
    pub rank: u64,
    /// The word.
    pub word: String,
    /// Share of the target's entropy that its presence tells, or, without a target, bits of its presence; 0 to 1.
    pub prominence: f64,
    /// Rows of the sample that contain it.
    pub rows: u64,
    /// Share of the sample that contains it, 0 to 1.
    pub share: f64,
}

/// Statistics of a column of dates, in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateStatistics {
    /// The earliest, as ISO 8601.
    pub min: String,
    /// The latest, as ISO 8601.
    pub max: String,
    /// Spans of time with equally many rows that tell clearly more about the target than a straight line through time,
    /// from the sample of rows; none where a line tells about as much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bins: Option<u32>,
}
