//! How results look on a terminal.

use std::io::Write;

use serde::Serialize;

use super::error::CliError;
use crate::ml::evaluate::{Interval, Report};
use crate::ml::learn::{Search, SolverReport, Used};
use crate::ml::model::bundle::RecipeTried;
use crate::ml::target::Target;

/// Writes a line to standard error.
pub fn message(text: &str) {
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes text to standard output.
pub fn print(text: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        // The reader has seen enough, as in `yosoku inspect … | head`.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| CliError::Failure(format!("writing standard output: {error}"))),
    }
}

/// Writes one JSON document to standard output.
pub fn print_json(value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| CliError::Failure(error.to_string()))?;
    print(&(text + "\n"))
}

/// Aligns the cells of rows in columns; the last column is not padded.
pub fn table(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            text.push_str(cell);
            if column + 1 < row.len() {
                text.extend(std::iter::repeat_n(
                    ' ',
                    widths[column] - cell.chars().count() + 2,
                ));
            }
        }
        text.push('\n');
    }
    text
}

/// A number with about four significant digits.
pub fn short(value: f64) -> String {
    let size = value.abs();
    if value.fract() == 0.0 && size < 1e7 {
        // A negative nothing is nothing.
        format!("{}", value + 0.0)
    } else if (0.01..1e6).contains(&size) {
        let digits = (3 - size.log10().floor() as i32).clamp(0, 5) as usize;
        format!("{value:.digits$}")
    } else {
        format!("{value:.3e}")
    }
}

fn interval(interval: &Interval) -> String {
    match (interval.value, interval.low, interval.high) {
        (Some(value), Some(low), Some(high)) => format!("{value:.4}  ({low:.4} to {high:.4})"),
        (Some(value), _, _) => format!("{value:.4}"),
        _ => "not defined".into(),
    }
}

/// The metrics of a report with their intervals, and the baseline.
pub fn report(report: &Report) -> String {
    let mut rows: Vec<Vec<String>> = vec![vec!["metric".into(), "value  (95 % interval)".into()]];
    rows.extend(
        report
            .metrics()
            .into_iter()
            .map(|(name, value)| vec![name.to_string(), interval(value)]),
    );
    let (name, _) = report.headline();
    let mut text = table(&rows);
    if let Some(baseline) = report.baseline() {
        text.push_str(&format!(
            "baseline {name}: {baseline:.4} (what answering without looking at a row gives)\n"
        ));
    }
    report
        .notes()
        .iter()
        .for_each(|note| text.push_str(&format!("note: {note}\n")));
    text
}

/// Which label counts as positive, where there are two.
pub fn positive(target: &Target) -> String {
    let label = target.positive();
    label.map_or_else(String::new, |label| format!(", positive is `{label}`"))
}

/// Which of several recipes was taken; nothing where there was no choice.
pub fn recipes(tried: &[RecipeTried]) -> String {
    match tried.iter().find(|one| one.chosen) {
        None => String::new(),
        Some(best) => format!(
            "recipe: {}, chosen among {} on rows held back\n",
            best.name.replace('_', " "),
            tried.len()
        ),
    }
}

/// How the penalty was chosen.
fn searched(search: &Search) -> String {
    let rows = match search.folds {
        1 => "on a fifth of the rows, held back".to_string(),
        folds => format!("by cross-validation in {folds} folds"),
    };
    format!(", chosen among {} {rows}", search.tried.len())
}

/// How many features a penalty on absolute values left.
fn used(used: Used) -> String {
    format!("; {} of {} features used", used.features, used.of)
}

/// One line on how the weights were found.
pub fn solver(report: &SolverReport) -> String {
    let certificate = &report.certificate;
    let verdict = if certificate.certified {
        "certified"
    } else {
        "NOT certified"
    };
    let effort = match report.iterations {
        0 => String::new(),
        count => format!(" in {count} iterations"),
    };
    // Without a penalty nothing bounds the gap; it is estimated from the curvature along each weight.
    let gap = match (report.l2, report.l1) {
        (l2, Some(l1)) => format!(
            "at most {:.1e} above the minimum of the objective (l1 = {l1:.3e}, l2 = {l2:.3e}){}",
            certificate.gap,
            report.used.map(used).unwrap_or_default()
        ),
        (0.0, None) => format!(
            "about {:.1e} above the minimum of the objective by estimate, no penalty",
            certificate.gap
        ),
        (l2, None) => format!(
            "at most {:.1e} above the minimum of the objective (l2 = {l2:.3e}{})",
            certificate.gap,
            report.search.as_ref().map(searched).unwrap_or_default()
        ),
    };
    format!(
        "{} {}{effort}, {verdict}: mean loss {:.6}, {gap}",
        report.learner, report.stopped, certificate.loss
    )
}
