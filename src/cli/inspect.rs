//! `yosoku inspect`: what is in a table.

use std::path::PathBuf;

use serde_json::json;

use super::error::CliError;
use super::files::{Header, read_once, read_text};
use super::progress::Progress;
use super::show;
use crate::ml::infer::Role;
use crate::ml::pipeline::{Inspection, inspect};
use crate::ml::profile::ColumnStatistics;
use crate::ml::schema::Schema;
use crate::ml::split::Split;

/// Show what is in a CSV: types, distributions, problems
#[derive(Debug, clap::Args)]
pub struct Args {
    /// CSV file, plain or compressed with gzip or zstd; `-` is standard input
    data: PathBuf,
    /// The column to predict; shows how much each other column tells about it
    #[arg(long, value_name = "COL")]
    target: Option<String>,
    /// Types of the columns (Amazon ML schema JSON) in place of proposed ones
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Whether the first line names the columns
    #[arg(long, value_enum, default_value_t)]
    header: Header,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
    let table = read_once(&args.data, args.header)?;
    let schema = args.schema.as_deref().map(read_schema).transpose()?;
    let mut progress = Progress::new(args.json, None);
    let inspection = inspect(
        &*table,
        schema.as_ref(),
        args.target.as_deref(),
        &Split::all(),
        &mut progress,
    )?;
    progress.finish();
    if args.json {
        return show::print_json(&json!({
            "rows": inspection.statistics.rows,
            "bytes": inspection.bytes,
            "schema": inspection.schema,
            "problems": inspection.statistics.problems,
            "association_rows": inspection.statistics.association_rows,
            "columns": inspection.statistics.columns,
        }));
    }
    show::print(&describe(&inspection))
}

/// Reads a schema file.
pub fn read_schema(path: &std::path::Path) -> Result<Schema, CliError> {
    Schema::from_json(&read_text(path)?).map_err(|error| CliError::Invalid {
        code: error.code().to_string(),
        message: format!("`{}`: {error}", path.display()),
    })
}

fn describe(inspection: &Inspection) -> String {
    let statistics = &inspection.statistics;
    let mut text = format!(
        "{} rows, {} columns\n\n",
        statistics.rows,
        statistics.columns.len()
    );
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
    text.push_str(&show::table(&rows));
    text.push_str("\nwhy these types\n");
    let why = |column: &ColumnStatistics| {
        let forced = column.decision.forced_by.as_ref();
        let forced = forced
            .map(|by| format!(" (line {}: `{}`)", by.line, by.value))
            .unwrap_or_default();
        vec![
            format!("  {}", column.name),
            format!("{}{forced}", column.decision.reason),
        ]
    };
    text.push_str(&show::table(
        &statistics.columns.iter().map(why).collect::<Vec<_>>(),
    ));
    for column in &statistics.columns {
        if let Some(warning) = &column.decision.warning {
            text.push_str(&format!("warning: column `{}`: {warning}\n", column.name));
        }
    }
    for problem in &statistics.problems.examples {
        text.push_str(&format!(
            "line {}: {} [{}]\n",
            problem.line, problem.detail, problem.code
        ));
    }
    if statistics.problems.rejected > 0 {
        text.push_str(&format!(
            "{} rows could not be read and were left out\n",
            statistics.problems.rejected
        ));
    }
    text
}

fn row(column: &ColumnStatistics, rows: u64) -> Vec<String> {
    let missing = match (column.missing + column.invalid) as f64 / rows.max(1) as f64 {
        0.0 => String::new(),
        share => format!("{:.1} %", 100.0 * share),
    };
    let approximately = if column.distinct.exact { "" } else { "~" };
    vec![
        column.name.clone(),
        match column.decision.role {
            Role::Input => column.decision.kind.as_str().to_string(),
            Role::Target => format!("{} (target)", column.decision.kind.as_str()),
            Role::Id => "identifier".into(),
            Role::Excluded => "left out".into(),
        },
        missing,
        format!("{approximately}{}", column.distinct.value),
        column
            .association
            .map(|share| format!("{share:.3}"))
            .unwrap_or_default(),
        values(column),
    ]
}

fn values(column: &ColumnStatistics) -> String {
    if let Some(numeric) = &column.numeric {
        let peak = numeric.histogram.counts.iter().copied().max().unwrap_or(0).max(1);
        let bars: String = numeric
            .histogram
            .counts
            .iter()
            .map(|&count| bar(count, peak))
            .collect();
        return format!(
            "{} {bars} {}  mean {}",
            show::short(numeric.min),
            show::short(numeric.max),
            show::short(numeric.mean)
        );
    }
    let top = column
        .text
        .as_ref()
        .map_or(&column.top_values, |text| &text.top_words);
    let shown: Vec<String> = top
        .iter()
        .take(4)
        .map(|value| format!("{} ({})", cut(&value.value), value.count))
        .collect();
    shown.join(", ")
}

fn cut(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(24)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if shown.chars().count() < text.chars().count() {
        shown.push('…');
    }
    shown
}

fn bar(count: u64, peak: u64) -> char {
    const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    // Anything at all shows as the lowest bar at least.
    BARS[(count * 8).div_ceil(peak) as usize]
}
