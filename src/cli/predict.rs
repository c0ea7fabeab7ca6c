//! `yosoku predict`: one output line for each input row.

use std::path::{Path, PathBuf};

use super::error::CliError;
use super::files::{check_output, parse_number, read_predictor, whole_path, write_growing, write_whole};
use super::parts::{FolderParts, identity};
use super::progress::Progress;
use super::show;
use super::tables::{Header, read_once};
use crate::ml::evaluate::Interval;
use crate::ml::pipeline::batch::{BatchMetrics, Compress, Form, Format, Resume, Segments};
use crate::ml::pipeline::{BatchOptions, BatchSummary, Outputs, predict_into};
use crate::ml::wording::counted;

/// Score every row of a file
///
/// The output has a header and one line for each input row, in input order: the row identifier and the
/// true label where the input has them, then the answer and its score. A row that cannot be read
/// leaves a blank line. The name of OUT says how it is written: .csv, .jsonl, and .gz or .zst behind them, or .parquet,
/// which has a row of nulls instead of a blank line.
///
/// A run that was interrupted is gone on with when the same command is given again: what was finished is kept in
/// `OUT.parts` until the end. If the data hold the target, metrics of the answers are told.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Model file
    model: PathBuf,
    /// CSV or JSON lines, plain or compressed with gzip or zstd, or Parquet; `-` is standard input
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
    /// Begin each line with the number of its row, counted from 1
    #[arg(long)]
    row_number: bool,
    /// Write what is wrong with single rows and fields to a file of JSON lines
    #[arg(long, value_name = "FILE")]
    problems: Option<PathBuf>,
    /// How lines look, instead of what the name of OUT says
    #[arg(long, value_enum)]
    format: Option<FormatArg>,
    /// How the output, or the pages of Parquet, are compressed, instead of what the name of OUT says; Parquet with zstd
    #[arg(long, value_enum)]
    compress: Option<CompressArg>,
    /// The score from which on a row is called positive, instead of the model's own; see `yosoku threshold`
    #[arg(long, value_name = "SCORE", value_parser = parse_number)]
    threshold: Option<f64>,
    /// Whether the first line names the columns
    #[arg(long, value_enum, default_value_t)]
    header: Header,
}

/// What a line of the output looks like.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum FormatArg {
    /// A header, then comma separated fields
    Csv,
    /// One JSON object a line
    Jsonl,
    /// Columns: labels and copied columns as texts, scores as numbers
    Parquet,
}

/// How the output is compressed.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum CompressArg {
    /// Not at all
    None,
    /// As gzip
    Gzip,
    /// As zstd
    Zstd,
}

/// The form that the name of the output or the flags ask for.
fn form(args: &Args) -> Result<Form, CliError> {
    let name = args.out.file_name().map(|name| name.to_string_lossy());
    let name = name.unwrap_or_default().to_ascii_lowercase();
    if args.format.is_none()
        && [".parquet.gz", ".parquet.zst"]
            .iter()
            .any(|end| name.ends_with(end))
    {
        return Err(CliError::Usage(format!(
            "`{name}` would be Parquet inside of a compressed file, which few programs read: its pages are compressed; \
             call it .parquet, with --compress if need be"
        )));
    }
    let named = Form::of_name(&name);
    let form = match args.format {
        None => named,
        Some(FormatArg::Parquet) => Form::parquet(),
        Some(format) => Form {
            format: match format {
                FormatArg::Jsonl => Format::Jsonl,
                FormatArg::Csv | FormatArg::Parquet => Format::Csv,
            },
            compress: match named.format {
                Format::Parquet => Compress::None,
                Format::Csv | Format::Jsonl => named.compress,
            },
        },
    };
    let compress = args.compress.map_or(form.compress, |compress| match compress {
        CompressArg::None => Compress::None,
        CompressArg::Gzip => Compress::Gzip,
        CompressArg::Zstd => Compress::Zstd,
    });
    Ok(Form { compress, ..form })
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
    let form = form(args)?;
    check_output(&args.out, &[&args.data, &args.model])?;
    if let Some(problems) = &args.problems {
        check_output(problems, &[&args.data, &args.model])?;
        if whole_path(problems) == whole_path(&args.out) {
            return Err(CliError::Conflict(
                "--problems and --out name the same file; give one of them another name".into(),
            ));
        }
    }
    let parts = match can_resume(args) {
        true => Some(FolderParts::beside(&args.out, is_large(&args.data))?),
        false => None,
    };
    let mut progress = Progress::new(false, None);
    let scored = score(args, form, parts.as_ref(), &mut progress);
    progress.finish();
    match (&scored, parts) {
        (Ok(summary), parts) => {
            tell(summary, args.problems.is_some());
            if let Some(error) = parts.and_then(|parts| parts.remove().err()) {
                let out = args.out.display();
                show::message(&format!(
                    "note: `{out}` is complete; removing `{out}.parts`: {error}"
                ));
            }
        }
        (Err(_), None) => {}
        (Err(error), Some(parts)) => {
            // The same input would fail again where it is what was wrong.
            let may_go_on = !matches!(error, CliError::Invalid { .. });
            match parts.kept().filter(|_| may_go_on) {
                Some(kept) => show::message(&format!(
                    "what is finished is kept in `{}`; the same command goes on from there",
                    kept.display()
                )),
                None => {
                    if let Err(error) = parts.forget() {
                        let out = args.out.display();
                        show::message(&format!("note: removing what is left in `{out}.parts`: {error}"));
                    }
                }
            }
        }
    }
    scored.map(|_| ())
}

/// Whether parts of the input will be kept.
fn is_large(data: &Path) -> bool {
    data.metadata()
        .is_ok_and(|there| there.len() >= Segments::default().least_input)
}

/// Whether an interrupted run can go on: its input can be read again, and its output is a file.
fn can_resume(args: &Args) -> bool {
    let is_pipe = |path: &Path| path == Path::new("-") || path.metadata().is_ok_and(|there| !there.is_file());
    !is_pipe(&args.data) && !is_pipe(&args.out)
}

fn score(
    args: &Args,
    form: Form,
    parts: Option<&FolderParts>,
    progress: &mut Progress,
) -> Result<BatchSummary, CliError> {
    let (predictor, _) = read_predictor(&args.model, args.threshold)?;
    let table = read_once(&args.data, args.header)?;
    let options = BatchOptions {
        columns: args.columns.clone(),
        explain: args.explain,
        row_number: args.row_number,
        form,
        ..BatchOptions::default()
    };
    let input = match parts {
        Some(_) => identity(&args.data, &format!("{:?}", args.header))?,
        None => String::new(),
    };
    let resume = parts.map(|parts| Resume { parts, input: &input });
    let mut summary = BatchSummary::default();
    write_growing(&args.out, parts, |out| {
        let mut into = |outputs: Outputs<'_>| -> Result<(), CliError> {
            summary = predict_into(&predictor, &*table, &options, outputs, progress)?;
            Ok(())
        };
        let Some(path) = &args.problems else {
            return into(Outputs {
                out,
                problems: None,
                resume,
            });
        };
        write_whole(path, |problems| {
            into(Outputs {
                out,
                problems: Some(problems),
                resume,
            })
        })
    })?;
    Ok(summary)
}

/// `are_listed` where each odd field has its line in a file.
fn tell(summary: &BatchSummary, are_listed: bool) {
    show::message(&format!(
        "{} scored, {} could not be read",
        counted(summary.records - summary.invalid, "row"),
        summary.invalid
    ));
    if let Some(threshold) = summary.threshold {
        let label = summary.positive.as_deref().unwrap_or_default();
        show::message(&format!(
            "threshold: {threshold}, the score from which on a row is called `{label}`"
        ));
    }
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
    // Fields that are missing alone need no file to find them.
    let are_odd = summary.notes.keys().any(|kind| kind != "missing");
    for (kind, count) in &summary.notes {
        show::message(&format!(
            "note: {} {}",
            counted(*count, "field"),
            kind.replace('_', " ")
        ));
    }
    if are_odd && !are_listed {
        show::message("note: --problems FILE lists which fields those are, with line, column and value");
    }
    if let Some(metrics) = &summary.metrics {
        tell_metrics(metrics);
    }
    for problem in &summary.problems.examples {
        show::message(&format!(
            "line {}: {} [{}]",
            problem.line, problem.detail, problem.code
        ));
    }
}

/// How good the answers are, where the data say.
fn tell_metrics(metrics: &BatchMetrics) {
    let known = |(name, interval): (&String, &Interval)| Some(format!("{name} {:.4}", interval.value?));
    let values: Vec<String> = metrics.values.iter().filter_map(known).collect();
    let unknown = match metrics.unknown_target {
        0 => String::new(),
        count => format!(", {} without a usable target", counted(count, "row")),
    };
    show::message(&format!(
        "on {} with a target{unknown}: {}",
        counted(metrics.records, "row"),
        values.join(", ")
    ));
}
