//! `yosoku evaluate`: how good a model is on a table.

use std::path::PathBuf;

use super::error::CliError;
use super::files::{parse_number, read_predictor};
use super::progress::Progress;
use super::show;
use super::tables::{Header, read_once};
use crate::ml::pipeline::evaluate;
use crate::ml::split::Split;
use crate::ml::wording::counted;

/// Evaluate a model on a CSV that has the target
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Model file
    model: PathBuf,
    /// CSV file, plain or compressed with gzip or zstd, or Parquet; `-` is standard input
    data: PathBuf,
    /// The score from which on a row is called positive, instead of the model's own; see `yosoku threshold`
    #[arg(long, value_name = "SCORE", value_parser = parse_number)]
    threshold: Option<f64>,
    /// Whether the first line names the columns
    #[arg(long, value_enum, default_value_t)]
    header: Header,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
    let (predictor, training) = read_predictor(&args.model, args.threshold)?;
    let table = read_once(&args.data, args.header)?;
    let mut progress = Progress::new(args.json, None);
    let evaluation = evaluate(&predictor, &training, &*table, &Split::all(), &mut progress)?;
    progress.finish();
    let warnings = evaluation
        .warnings
        .iter()
        .cloned()
        .chain(evaluation.problems.warning());
    warnings.for_each(|warning| show::message(&format!("warning: {warning}")));
    if args.json {
        return show::print_json(&evaluation.report);
    }
    let text = format!(
        "evaluated on {}{}\n{}",
        counted(evaluation.report.records(), "row"),
        show::positive(predictor.target()),
        show::report(&evaluation.report)
    );
    show::print(&text)
}
