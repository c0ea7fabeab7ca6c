//! One line for each column, why it has its type, and rows that could not be read.

use super::super::show;
use super::text::{bars, cut};
use crate::ml::infer::Role;
use crate::ml::profile::{ColumnStatistics, TableStatistics};

/// Bars of the small histograms.
const BARS: usize = 20;
/// Characters of a name and of a value.
const NAME: usize = 32;
const VALUE: usize = 24;
/// Characters for the most frequent values.
const VALUES: usize = 60;

/// The table of all columns.
pub fn table(statistics: &TableStatistics) -> String {
    let mut rows = vec![
        ["column", "type", "missing", "distinct", "tells", "values"]
            .map(str::to_string)
            .to_vec(),
    ];
    rows.extend(
        statistics
            .columns
            .iter()
            .map(|column| row(column, statistics.rows)),
    );
    format!(
        "{} rows, {} columns\n\n{}",
        statistics.rows,
        statistics.columns.len(),
        show::table(&rows)
    )
}

/// Why each column has its type.
pub fn reasons(statistics: &TableStatistics) -> String {
    let why = |column: &ColumnStatistics| {
        let forced = column.decision.forced_by.as_ref();
        let forced = forced
            .map(|by| format!(" (line {}: `{}`)", by.line, cut(&by.value, VALUE)))
            .unwrap_or_default();
        vec![
            format!("  {}", cut(&column.name, NAME)),
            format!("{}{forced}", column.decision.reason),
        ]
    };
    let rows: Vec<Vec<String>> = statistics.columns.iter().map(why).collect();
    format!("\nwhy these types\n{}", show::table(&rows))
}

/// Rows that could not be read, or not wholly.
pub fn problems(statistics: &TableStatistics) -> String {
    let problems = &statistics.problems;
    let mut text = String::new();
    if !problems.examples.is_empty() {
        text.push('\n');
    }
    for problem in &problems.examples {
        let detail = cut(&problem.detail, 200);
        text.push_str(&format!("line {}: {detail} [{}]\n", problem.line, problem.code));
    }
    if problems.rejected > 0 {
        text.push_str(&format!(
            "{} rows could not be read and were left out\n",
            problems.rejected
        ));
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

fn row(column: &ColumnStatistics, rows: u64) -> Vec<String> {
    let missing = match (column.missing + column.invalid) as f64 / rows.max(1) as f64 {
        0.0 => String::new(),
        share => format!("{:.1} %", 100.0 * share),
    };
    vec![
        cut(&column.name, NAME),
        kind(column),
        missing,
        distinct(column),
        column
            .association
            .map(|share| format!("{share:.3}"))
            .unwrap_or_default(),
        values(column),
    ]
}

/// The number of distinct values, marked when it is an estimate.
pub fn distinct(column: &ColumnStatistics) -> String {
    let approximately = if column.distinct.exact { "" } else { "~" };
    format!("{approximately}{}", column.distinct.value)
}

fn values(column: &ColumnStatistics) -> String {
    if let Some(numeric) = &column.numeric {
        return format!(
            "{} {} {}  mean {}",
            show::short(numeric.min),
            bars(&numeric.histogram.bars(BARS).counts),
            show::short(numeric.max),
            show::short(numeric.mean)
        );
    }
    let top = column
        .text
        .as_ref()
        .map_or(&column.top_values, |text| &text.top_words);
    let mut shown = String::new();
    for value in top {
        let next = format!("{} ({})", cut(&value.value, VALUE), value.count);
        let used = shown.chars().count();
        if used > 0 && used + next.chars().count() > VALUES {
            break;
        }
        shown.push_str(if used > 0 { ", " } else { "" });
        shown.push_str(&next);
    }
    shown
}
