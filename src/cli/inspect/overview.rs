//! One line for each column, why it has its type, and rows that could not be read.

use super::super::show;
use super::text::{self, WIDTH, bars, cut, wrapped};
use crate::ml::decision::Role;
use crate::ml::ingest::problems::NOT_UTF8;
use crate::ml::profile::statistics::NumericStatistics;
use crate::ml::profile::{ColumnStatistics, TableStatistics};
use crate::ml::wording::counted;

/// Bars of the small histograms: the most that there is room for.
const BARS: [usize; 3] = [20, 10, 5];
/// Characters of a name, in a line of [`WIDTH`] characters, and of a value.
const NAME: usize = 32;
const VALUE: usize = 24;
/// Characters for the most frequent values, at least and at most.
const VALUES: std::ops::RangeInclusive<usize> = 16..=60;

/// The table of all columns.
pub fn table(statistics: &TableStatistics, width: usize) -> String {
    let head = ["column", "type", "missing", "distinct", "tells", "values"].map(str::to_string);
    let columns = statistics.columns.iter();
    let cells = columns.clone().map(|column| row(column, statistics.rows, width));
    let mut rows: Vec<Vec<String>> = std::iter::once(head.to_vec()).chain(cells).collect();
    let room = width.saturating_sub(text::last_column(&rows));
    let room = room.clamp(*VALUES.start(), *VALUES.end());
    for (row, column) in rows.iter_mut().skip(1).zip(columns) {
        row.pop();
        row.push(values(column, room));
    }
    format!(
        "{}, {}\n\n{}",
        counted(statistics.rows, "row"),
        counted(statistics.columns.len() as u64, "column"),
        text::table(&rows, width)
    )
}

/// Why each column has its type.
pub fn reasons(statistics: &TableStatistics, width: usize) -> String {
    let why = |column: &ColumnStatistics| {
        let forced = column.decision.forced_by.as_ref();
        let forced = forced
            .map(|by| format!(" (line {}: `{}`)", by.line, cut(&by.value, VALUE)))
            .unwrap_or_default();
        vec![
            format!("  {}", cut(&column.name, name(width))),
            format!("{}{forced}", column.decision.reason),
        ]
    };
    let rows: Vec<Vec<String>> = statistics.columns.iter().map(why).collect();
    format!("\nwhy these types\n{}", text::table(&rows, width))
}

/// Characters of a name: fewer in a narrow terminal, where the other columns need their room.
fn name(width: usize) -> usize {
    NAME.saturating_sub(WIDTH.saturating_sub(width) / 2)
}

/// Rows that could not be read. Letters that could not are an insight.
pub fn problems(statistics: &TableStatistics, width: usize) -> String {
    let problems = &statistics.problems;
    let mut text = String::new();
    let unread = || {
        problems
            .examples
            .iter()
            .filter(|problem| problem.code != NOT_UTF8)
    };
    if unread().next().is_some() {
        text.push('\n');
    }
    for problem in unread() {
        let detail = cut(&problem.detail, 200);
        let first = format!("line {}: ", problem.line);
        text.push_str(&wrapped(&first, &format!("{detail} [{}]", problem.code), width));
    }
    if problems.rejected > 0 {
        let were = if problems.rejected == 1 { "was" } else { "were" };
        let rows = counted(problems.rejected, "row");
        text.push_str(&format!("{rows} could not be read and {were} left out\n"));
    }
    text
}

/// The type of a column, or what else it is used for.
pub fn kind(column: &ColumnStatistics) -> String {
    match column.decision.role {
        Role::Input => column.decision.kind.as_str().to_string(),
        Role::Target => format!("{} (target)", column.decision.kind.as_str()),
        Role::Id => "identifier".into(),
        Role::Excluded => "left out".into(),
    }
}

/// All but the values.
fn row(column: &ColumnStatistics, rows: u64, width: usize) -> Vec<String> {
    let missing = match (column.missing + column.invalid) as f64 / rows.max(1) as f64 {
        0.0 => String::new(),
        share => format!("{:.1} %", 100.0 * share),
    };
    vec![
        cut(&column.name, name(width)),
        kind(column),
        missing,
        distinct(column),
        column
            .association
            .map(|share| format!("{share:.3}"))
            .unwrap_or_default(),
        String::new(),
    ]
}

/// The number of distinct values, marked when it is an estimate.
pub fn distinct(column: &ColumnStatistics) -> String {
    let approximately = if column.distinct.exact { "" } else { "~" };
    format!("{approximately}{}", column.distinct.value)
}

/// How the values are distributed, in about so many characters.
fn values(column: &ColumnStatistics, room: usize) -> String {
    if let Some(numeric) = &column.numeric {
        return numbers(numeric, room);
    }
    let top = column
        .text
        .as_ref()
        .map_or(&column.top_values, |text| &text.top_words);
    let mut shown = String::new();
    for value in top {
        let count = format!(" ({})", value.count);
        let text = cut(&value.value, VALUE.min(room.saturating_sub(count.len())));
        let used = shown.chars().count();
        if used > 0 && used + 2 + text.chars().count() + count.len() > room {
            break;
        }
        shown.push_str(if used > 0 { ", " } else { "" });
        shown.push_str(&text);
        shown.push_str(&count);
    }
    shown
}

/// Range, histogram and mean: the finest histogram that there is room for, and the mean where there is room for it.
fn numbers(numeric: &NumericStatistics, room: usize) -> String {
    let (low, high) = (show::short(numeric.min), show::short(numeric.max));
    let mean = format!("  mean {}", show::short(numeric.mean));
    let drawn = |count: usize| format!("{low} {} {high}", bars(&numeric.histogram.bars(count).counts));
    BARS.iter()
        .flat_map(|&count| [format!("{}{mean}", drawn(count)), drawn(count)])
        .find(|text| text.chars().count() <= room)
        .unwrap_or_else(|| format!("{low} to {high}"))
}
