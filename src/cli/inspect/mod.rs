//! `yosoku inspect`: what is in a table.

mod column;
mod overview;
mod text;
mod warnings;

use std::path::PathBuf;

use serde_json::{Value, json};

use super::error::CliError;
use super::files::read_text;
use super::progress::Progress;
use super::show;
use super::tables::{Header, read_once};
use crate::ml::pipeline::{Inspection, inspect};
use crate::ml::profile::ColumnStatistics;
use crate::ml::profile::histogram::{BARS, show_bars};
use crate::ml::schema::{Schema, undeclared};
use crate::ml::split::Split;

/// More columns are not described one by one unless asked for.
const MOST_DETAILED: usize = 20;

/// Show what is in a CSV: types, distributions, problems
#[derive(Debug, clap::Args)]
pub struct Args {
    /// CSV file, plain or compressed with gzip or zstd, or Parquet; `-` is standard input
    data: PathBuf,
    /// The column to predict; shows how much each other column tells about it
    #[arg(long, value_name = "COL")]
    target: Option<String>,
    /// Types of the columns (Amazon ML schema JSON) in place of proposed ones
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Show everything about this column alone
    #[arg(long, value_name = "COL")]
    column: Option<String>,
    /// Whether the first line names the columns
    #[arg(long, value_enum, default_value_t)]
    header: Header,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Bars of the histograms in the JSON document: 20, 50, 100, 200 or 500
    #[arg(long, value_name = "N", default_value_t = BARS[0], value_parser = parse_bars)]
    bars: usize,
}

fn parse_bars(text: &str) -> Result<usize, String> {
    let bars = text.parse().ok().filter(|bars| BARS.contains(bars));
    bars.ok_or_else(|| "give 20, 50, 100, 200 or 500".to_string())
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
    let only = args.column.as_deref();
    let only = only.map(|name| find(&inspection, name)).transpose()?;
    if args.json {
        return show::print_json(&document(&inspection, only, args.bars)?);
    }
    let width = text::width();
    show::print(&match only {
        Some(found) => one(&inspection, found, width),
        None => whole(&inspection, width),
    })
}

/// Reads a schema file.
pub fn read_schema(path: &std::path::Path) -> Result<Schema, CliError> {
    Schema::from_json(&read_text(path)?).map_err(|error| CliError::Invalid {
        code: error.code().to_string(),
        message: format!("`{}`: {error}", path.display()),
    })
}

fn find<'i>(inspection: &'i Inspection, name: &str) -> Result<&'i ColumnStatistics, CliError> {
    let columns = &inspection.statistics.columns;
    columns.iter().find(|column| column.name == name).ok_or_else(|| {
        let error = undeclared("column", name, columns.iter().map(|column| column.name.as_str()));
        CliError::Invalid {
            code: error.code().to_string(),
            message: error.to_string(),
        }
    })
}

/// Everything, or everything about one column.
fn document(
    inspection: &Inspection,
    only: Option<&ColumnStatistics>,
    bars: usize,
) -> Result<Value, CliError> {
    let statistics = &inspection.statistics;
    let columns = match only {
        Some(column) => std::slice::from_ref(column),
        None => &statistics.columns,
    };
    let insights = inspection.insights.iter();
    let insights: Vec<_> = insights
        .filter(|insight| only.is_none_or(|column| insight.columns.contains(&column.name)))
        .collect();
    let mut document = json!({
        "rows": statistics.rows,
        "bytes": inspection.bytes,
        "schema": inspection.schema,
        "problems": statistics.problems,
        "association_rows": statistics.association_rows,
        "target": statistics.target,
        "columns": columns,
        "insights": insights,
    });
    show_bars(&mut document, bars);
    Ok(document)
}

/// The table, then each column, problems and warnings last.
fn whole(inspection: &Inspection, width: usize) -> String {
    let statistics = &inspection.statistics;
    let mut out = overview::table(statistics, width);
    out.push_str(&overview::reasons(statistics, width));
    if statistics.columns.len() <= MOST_DETAILED {
        for column in &statistics.columns {
            out.push('\n');
            out.push_str(&column::summary(column, statistics.rows, width));
        }
    } else {
        out.push_str("\n`--column NAME` shows everything about one column\n");
    }
    out.push_str(&overview::problems(statistics, width));
    out.push_str(&warnings::all(&inspection.insights, width));
    out
}

fn one(inspection: &Inspection, found: &ColumnStatistics, width: usize) -> String {
    let about = |columns: &[String]| columns.contains(&found.name);
    let insights = inspection
        .insights
        .iter()
        .filter(|insight| about(&insight.columns));
    let mut out = column::full(found, inspection.statistics.rows, width);
    out.push_str(&warnings::all(&insights.cloned().collect::<Vec<_>>(), width));
    out
}

#[cfg(test)]
mod tests;
