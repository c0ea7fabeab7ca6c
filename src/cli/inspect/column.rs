//! One column in detail.

use super::super::show::short;
use super::overview::{distinct, kind};
use super::text::{bar, bars, cut, percent, table, wrapped};
use crate::ml::profile::statistics::{BinaryStatistics, NumericStatistics, TextStatistics, ValueCount};
use crate::ml::profile::{ColumnStatistics, Example};
use crate::ml::wording::counted;

/// Values and words of a summary.
const FEW: usize = 5;
/// Width of the bars beside values, where they take no more than a fifth of a line.
const BAR: usize = 20;
/// Bars of a full histogram: the most that there is room for.
const COLUMNS: [usize; 2] = [100, 50];
/// Lines of a full histogram.
const LINES: usize = 8;
/// Characters of a value, where count, bar and lines have room beside it.
const VALUE: usize = 40;
/// What they need.
const BESIDE: usize = 60;
/// Characters of a value in a narrow terminal.
const SHORT_VALUE: usize = 16;

/// The column in a few lines.
pub fn summary(column: &ColumnStatistics, rows: u64, width: usize) -> String {
    described(column, rows, FEW, width)
}

/// Everything about the column.
pub fn full(column: &ColumnStatistics, rows: u64, width: usize) -> String {
    let mut out = described(column, rows, usize::MAX, width);
    out.push_str(&wrapped("  why this type: ", &column.decision.reason, width));
    out
}

/// The column with `most` of its values and words; without a limit, with a large histogram as well.
fn described(column: &ColumnStatistics, rows: u64, most: usize, width: usize) -> String {
    let tells = column
        .association
        .map(|share| format!(", tells {share:.3} about the target"))
        .unwrap_or_default();
    let name = cut(&column.name, width / 2);
    let all = format!(
        "{name}: {}, {} distinct {}{tells}",
        kind(column),
        distinct(column),
        if column.distinct.value == 1 {
            "value"
        } else {
            "values"
        }
    );
    let mut out = wrapped("", &all, width);
    if let Some(numeric) = &column.numeric {
        out.push_str(&numbers(numeric, width));
        if most == usize::MAX {
            out.push_str(&histogram(numeric, width));
        }
    }
    if let Some(binary) = &column.binary {
        out.push_str(&states(binary));
    }
    if !column.top_values.is_empty() {
        out.push_str(&values(column, rows, most, width));
    }
    if let Some(text) = &column.text {
        out.push_str(&words(text, column.association.is_some(), most, width));
    }
    out.push_str(&places(
        "missing",
        column.missing,
        &column.missing_examples,
        rows,
        width,
    ));
    out.push_str(&places(
        "invalid",
        column.invalid,
        &column.invalid_examples,
        rows,
        width,
    ));
    out
}

fn numbers(numeric: &NumericStatistics, width: usize) -> String {
    let about = if numeric.exact { "" } else { " (estimates)" };
    let quantiles: Vec<String> = numeric
        .quantiles
        .iter()
        .map(|quantile| match quantile.percent {
            50.0 => format!("median {}", short(quantile.value)),
            percent => format!("{percent} % {}", short(quantile.value)),
        })
        .collect();
    let all = format!(
        "min {}, {}, max {}; mean {}, deviation {}{about}",
        short(numeric.min),
        quantiles.join(", "),
        short(numeric.max),
        short(numeric.mean),
        short(numeric.deviation)
    );
    wrapped("  ", &all, width)
}

/// A histogram of several lines.
fn histogram(numeric: &NumericStatistics, width: usize) -> String {
    let columns = COLUMNS.into_iter().find(|count| count + 2 <= width);
    let counts = numeric.histogram.bars(columns.unwrap_or(COLUMNS[1])).counts;
    let peak = counts.iter().copied().max().unwrap_or(0).max(1);
    let mut out = String::new();
    for line in (0..LINES as u64).rev() {
        // Each line shows what rises above the lines below it, on a scale of one line.
        let floor = peak as f64 * line as f64 / LINES as f64;
        let step = peak as f64 / LINES as f64;
        let heights: Vec<u64> = counts
            .iter()
            .map(|&count| (((count as f64 - floor) / step).clamp(0.0, 1.0) * 8.0).ceil() as u64)
            .collect();
        let drawn: String = heights
            .iter()
            .map(|height| bars(&[*height, 8]).chars().next().unwrap_or(' '))
            .collect();
        out.push_str(&format!("  {}\n", drawn.trim_end()));
    }
    let (low, high) = (short(numeric.min), short(numeric.max));
    let gap = counts.len().saturating_sub(low.len() + high.len());
    out.push_str(&format!("  {low}{}{high}\n", " ".repeat(gap.max(2))));
    out.push_str(&format!(
        "  {} bars, the highest of {}\n",
        counts.len(),
        counted(peak, "row")
    ));
    out
}

fn states(binary: &BinaryStatistics) -> String {
    let invalid = match binary.percent_invalid {
        0.0 => String::new(),
        share => format!(", {share:.1} % of the rows invalid"),
    };
    format!(
        "  {:.1} % true ({} of {}){invalid}\n",
        binary.percent_true,
        binary.trues,
        binary.trues + binary.falses
    )
}

fn values(column: &ColumnStatistics, rows: u64, most: usize, width: usize) -> String {
    let peak = column.top_values.first().map_or(1, |value| value.count);
    let shown = column.top_values.iter().take(most);
    let mut lines: Vec<Vec<String>> = shown
        .clone()
        .map(|value| value_line(value, peak, rows, width))
        .collect();
    let rest = column.other_values
        + column
            .top_values
            .iter()
            .skip(most)
            .map(|value| value.count)
            .sum::<u64>();
    if rest > 0 {
        // The rest is many values together; a bar longer than the longest one would mislead.
        let other = [
            "  (other)".into(),
            rest.to_string(),
            percent(rest, rows),
            if rest > peak {
                String::new()
            } else {
                bar(rest, peak, bar_of(width))
            },
        ];
        lines.push(other.to_vec());
    }
    let mut out = table(&lines, width);
    let hidden = |value: &&ValueCount| {
        !column
            .top_values
            .iter()
            .take(most)
            .any(|top| top.value == value.value)
    };
    if let Some(least) = column.least.as_ref().filter(hidden) {
        let times = if least.count == 1 { "row" } else { "rows" };
        out.push_str(&format!(
            "  least frequent: {} ({} {times})\n",
            cut(&least.value, value_of(width)),
            least.count
        ));
    }
    out
}

/// Characters of a value beside what is said of it.
fn value_of(width: usize) -> usize {
    width.saturating_sub(BESIDE).clamp(SHORT_VALUE, VALUE)
}

fn bar_of(width: usize) -> usize {
    (width / 5).min(BAR)
}

fn value_line(value: &ValueCount, peak: u64, rows: u64, width: usize) -> Vec<String> {
    let long = bar_of(width);
    let lines: Vec<String> = value.lines.iter().map(u64::to_string).collect();
    let place = match lines[..] {
        [] => String::new(),
        _ => format!("lines {}", lines.join(", ")),
    };
    vec![
        format!("  {}", cut(&value.value, value_of(width))),
        value.count.to_string(),
        percent(value.count, rows),
        format!("{:long$}", bar(value.count, peak, long)),
        place,
    ]
}

fn words(text: &TextStatistics, with_target: bool, most: usize, width: usize) -> String {
    let range =
        |range: Option<(u64, u64)>| range.map_or("none".into(), |(low, high)| format!("{low} to {high}"));
    let about = if text.distinct_words.exact { "" } else { "about " };
    let all = format!(
        "{} words, {about}{} different; {} a row, of {} characters",
        text.words,
        text.distinct_words.value,
        range(text.words_per_row),
        range(text.word_length)
    );
    let mut out = wrapped("  ", &all, width);
    if text.prominent_words.is_empty() {
        return out;
    }
    let prominence = if with_target { "tells" } else { "bits" };
    let head = ["  rank", "word", prominence, "rows", ""]
        .map(str::to_string)
        .to_vec();
    let lines = text.prominent_words.iter().take(most).map(|word| {
        vec![
            format!("  {}", word.rank),
            cut(&word.word, value_of(width)),
            format!("{:.3}", word.prominence),
            word.rows.to_string(),
            percent(word.rows, text.sampled_rows),
        ]
    });
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(lines).collect();
    out.push_str(&table(&lines, width));
    out
}

fn places(what: &str, count: u64, examples: &[Example], rows: u64, width: usize) -> String {
    if count == 0 {
        return String::new();
    }
    let shown: Vec<String> = examples
        .iter()
        .map(|place| match place.value.as_str() {
            "" => format!("line {}", place.line),
            value => format!("line {} `{}`", place.line, cut(value, VALUE)),
        })
        .collect();
    wrapped(
        &format!("  {what}: "),
        &format!(
            "{} ({}): {}",
            counted(count, "row"),
            percent(count, rows),
            shown.join(", ")
        ),
        width,
    )
}
