//! `yosoku predict`: one output line for each input row.

use std::path::PathBuf;

use super::error::CliError;
use super::files::{Header, check_output, predictor, read_bundle, read_once, write_whole};
use super::progress::Progress;
use super::show;
use crate::ml::pipeline::{BatchOptions, BatchSummary, predict};
use crate::ml::split::Split;
use crate::ml::wording::counted;

/// Score every row of a CSV
///
/// The output has a header and one line for each input row, in input order: the row identifier and the
/// true label where the input has them, then the answer and its score. A row that cannot be read
/// leaves a blank line.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Model file
    model: PathBuf,
    /// CSV file, plain or compressed with gzip or zstd; `-` is standard input
    data: PathBuf,
    /// Where to write the predictions; `-` is standard output
    #[arg(long, value_name = "OUT")]
    out: PathBuf,
    /// Add the baseline and what each attribute contributes
    #[arg(long)]
    explain: bool,
    /// Columns of the input to copy to the output
    #[arg(long, value_name = "COL,…", value_delimiter = ',')]
    columns: Vec<String>,
    /// The score from which on a row is called positive, instead of the model's own; see `yosoku threshold`
    #[arg(long, value_name = "SCORE")]
    threshold: Option<f64>,
    /// Whether the first line names the columns
    #[arg(long, value_enum, default_value_t)]
    header: Header,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
    check_output(&args.out, &[&args.data, &args.model])?;
    let bundle = read_bundle(&args.model)?;
    let predictor = predictor(&bundle, args.threshold)?;
    let table = read_once(&args.data, args.header)?;
    let options = BatchOptions {
        columns: args.columns.clone(),
        explain: args.explain,
        split: Split::all(),
    };
    let mut progress = Progress::new(false, None);
    let mut summary = BatchSummary::default();
    write_whole(&args.out, |out| {
        summary = predict(&predictor, &*table, &options, out, &mut progress)?;
        Ok(())
    })?;
    progress.finish();
    tell(&summary);
    Ok(())
}

fn tell(summary: &BatchSummary) {
    show::message(&format!(
        "{} scored, {} could not be read",
        counted(summary.records - summary.invalid, "row"),
        summary.invalid
    ));
    if !summary.absent_columns.is_empty() {
        show::message(&format!(
            "warning: the data lack {}; they count as missing",
            summary.absent_columns.join(", ")
        ));
    }
    if !summary.extra_columns.is_empty() {
        let count = summary.extra_columns.len() as u64;
        let shown: Vec<&str> = summary.extra_columns.iter().take(5).map(String::as_str).collect();
        show::message(&format!(
            "note: {} that the model does not know {} ignored: {}",
            counted(count, "column"),
            if count == 1 { "was" } else { "were" },
            shown.join(", ")
        ));
    }
    for (kind, count) in &summary.notes {
        show::message(&format!(
            "note: {} {}",
            counted(*count, "field"),
            kind.replace('_', " ")
        ));
    }
    for problem in &summary.problems.examples {
        show::message(&format!(
            "line {}: {} [{}]",
            problem.line, problem.detail, problem.code
        ));
    }
}
