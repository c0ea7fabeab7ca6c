//! `yosoku threshold`: the score from which on a record is best called positive.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::CliError;
use super::files::{parse_number, read_bundle};
use super::progress::Progress;
use super::show;
use super::tables::{Header, read_once};
use crate::ml::evaluate::threshold::{Outcome, ThresholdError, Wish};
use crate::ml::evaluate::{Interval, Report};
use crate::ml::model::Bundle;
use crate::ml::pipeline::evaluate;
use crate::ml::predict::Predictor;
use crate::ml::split::Split;

/// Choose the threshold of a binary model by what you need
///
/// Tells which threshold reaches the goal best: how sure (--precision), how complete (--recall), how many (--rate, or
/// --capacity with --of), or the least cost of errors. It counts on the rows that were held out when the model was
/// trained, or scores those of a table that has the target: then use rows that the model has not learned from. Give the
/// threshold to `yosoku predict --threshold`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Model file
    model: PathBuf,
    /// CSV file, plain or compressed with gzip or zstd, or Parquet; `-` is standard input. If not given, what was counted
    /// on the rows held out in training is used
    data: Option<PathBuf>,
    /// At least this share of the rows called positive is to be positive
    #[arg(long, value_name = "SHARE", value_parser = parse_number)]
    precision: Option<f64>,
    /// At least this share of the positives is to be found
    #[arg(long, value_name = "SHARE", value_parser = parse_number)]
    recall: Option<f64>,
    /// At most this share of all rows is to be called positive
    #[arg(long, value_name = "SHARE", value_parser = parse_number)]
    rate: Option<f64>,
    /// So many rows can be looked at, of as many as --of says
    #[arg(long, value_name = "ROWS", value_parser = parse_number)]
    capacity: Option<f64>,
    /// Of how many rows, see --capacity
    #[arg(long, value_name = "ROWS", value_parser = parse_number)]
    of: Option<f64>,
    /// What it costs to call a negative positive
    #[arg(long, value_name = "COST", value_parser = parse_number)]
    false_positive_cost: Option<f64>,
    /// What it costs to call a positive negative
    #[arg(long, value_name = "COST", value_parser = parse_number)]
    false_negative_cost: Option<f64>,
    /// Whether the first line names the columns
    #[arg(long, value_enum, default_value_t)]
    header: Header,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl From<&Args> for Wish {
    fn from(args: &Args) -> Self {
        Wish {
            precision: args.precision,
            recall: args.recall,
            rate: args.rate,
            capacity: args.capacity,
            of: args.of,
            false_positive_cost: args.false_positive_cost,
            false_negative_cost: args.false_negative_cost,
        }
    }
}

impl From<ThresholdError> for CliError {
    fn from(error: ThresholdError) -> Self {
        // The words of requests are not the flags of this command.
        CliError::Usage(match error {
            ThresholdError::Goals(given) => format!(
                "{given} goals are given; give one: --precision, --recall, --rate, --capacity with --of, or \
                 --false-positive-cost with --false-negative-cost"
            ),
            ThresholdError::Capacity => {
                "give --capacity of 0 or more together with --of, above 0: of how many rows".to_owned()
            }
            other => other.to_string(),
        })
    }
}

/// Said of models that have no threshold.
pub(super) const NOT_BINARY: &str = "the model is not binary; only binary models answer by a threshold";

/// What is printed as JSON.
#[derive(Serialize)]
struct Answer {
    records: u64,
    positives: u64,
    positive: String,
    advised: Outcome,
    evaluated: Outcome,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
    let goal = Wish::from(args).goal()?;
    goal.check()?;
    let bundle = read_bundle(&args.model)?;
    let Some(positive) = bundle.document.target.positive() else {
        return Err(CliError::Usage(NOT_BINARY.into()));
    };
    let report = match &args.data {
        Some(data) => counted_on(data, args, &bundle)?,
        None => bundle.provenance.evaluation.clone().ok_or_else(|| {
            CliError::Usage(
                "nothing was held out when the model was trained; name a table with the target, of rows that the \
                 model has not learned from"
                    .into(),
            )
        })?,
    };
    let Report::Binary(report) = &report else {
        return Err(CliError::Usage(NOT_BINARY.into()));
    };
    let answer = Answer {
        records: report.records,
        positives: report.positives,
        positive: positive.to_string(),
        advised: report.threshold_for(goal)?,
        evaluated: report.as_it_is(goal),
    };
    if args.json {
        return show::print_json(&answer);
    }
    show::print(&text(&answer, args.data.is_none()))
}

/// What a table's rows say.
fn counted_on(data: &Path, args: &Args, bundle: &Bundle) -> Result<Report, CliError> {
    let predictor = Predictor::new(bundle)?;
    let table = read_once(data, args.header)?;
    let mut progress = Progress::new(args.json, None);
    let training = &bundle.document.training;
    let evaluation = evaluate(&predictor, training, &*table, &Split::all(), &mut progress)?;
    progress.finish();
    for warning in &evaluation.warnings {
        show::message(&format!("warning: {warning}"));
    }
    Ok(evaluation.report)
}

fn text(answer: &Answer, is_held_out: bool) -> String {
    let (advised, evaluated) = (&answer.advised, &answer.evaluated);
    let line =
        |name: &str, of: &dyn Fn(&Outcome) -> String| vec![name.to_owned(), of(advised), of(evaluated)];
    let mut rows = vec![
        ["", "advised", "of the model"].map(str::to_owned).to_vec(),
        line("threshold", &|outcome| format!("{}", outcome.threshold)),
        line("called positive", &|outcome| percent(outcome.rate)),
        line("of them right", &|outcome| percent(outcome.precision)),
        line("positives found", &|outcome| percent(outcome.recall)),
        line("false alarms", &|outcome| {
            outcome.confusion.false_positives.to_string()
        }),
        line("positives missed", &|outcome| {
            outcome.confusion.false_negatives.to_string()
        }),
    ];
    if advised.cost.is_some() {
        rows.push(line("cost of a row", &|outcome| {
            outcome.cost.map_or_else(String::new, number)
        }));
    }
    format!(
        "on {} {}rows, {} of them positive (`{}`)\n\n{}",
        answer.records,
        if is_held_out { "held-out " } else { "" },
        answer.positives,
        answer.positive,
        show::table(&rows)
    )
}

fn percent(share: Interval) -> String {
    shown(share, &|x| format!("{:.1}", 100.0 * x), " %")
}

fn number(cost: Interval) -> String {
    shown(cost, &|x| format!("{x:.4}"), "")
}

fn shown(interval: Interval, of: &dyn Fn(f64) -> String, unit: &str) -> String {
    match (interval.value, interval.low, interval.high) {
        (Some(value), Some(low), Some(high)) => {
            format!("{}{unit}  ({} to {})", of(value), of(low), of(high))
        }
        (Some(value), ..) => format!("{}{unit}", of(value)),
        _ => "none".into(),
    }
}
