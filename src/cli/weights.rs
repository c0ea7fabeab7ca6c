//! `yosoku weights`: what a model has learned, weight by weight.

use std::path::PathBuf;

use super::error::CliError;
use super::files::read_bundle;
use super::show::{self, short};
use crate::ml::Task;
use crate::ml::model::weights::{Estimate, Intercept, Weight, Weights, WeightsError, WeightsWish};
use crate::ml::wording::counted;

/// Show the weights of a model with their 95 % intervals, those that matter most first
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Model file
    model: PathBuf,
    /// Weights to show; 0 for all
    #[arg(long, value_name = "N", default_value_t = 20)]
    top: usize,
    /// Only features made from this attribute
    #[arg(long, value_name = "NAME")]
    attribute: Option<String>,
    /// Only the scores of this label; of two labels either
    #[arg(long, value_name = "LABEL")]
    class: Option<String>,
    /// Errors that do not rely on the model being true (HC1)
    #[arg(long)]
    robust: bool,
    /// Print one JSON document
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print a CSV table with all figures
    #[arg(long)]
    csv: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<(), CliError> {
    let bundle = read_bundle(&args.model)?;
    let wish = WeightsWish {
        attribute: args.attribute.clone(),
        class: args.class.clone(),
        robust: args.robust,
        offset: 0,
        limit: match args.top {
            0 => usize::MAX,
            top => top,
        },
    };
    let weights = Weights::of(&bundle, &wish)?;
    if args.json {
        show::print_json(&weights)
    } else if args.csv {
        show::print(&csv(&weights))
    } else {
        show::print(&text(&weights))
    }
}

impl From<WeightsError> for CliError {
    fn from(error: WeightsError) -> Self {
        CliError::Usage(error.to_string())
    }
}

fn text(weights: &Weights) -> String {
    let has_classes = weights.task != Task::Regression;
    let several = weights.intercepts.len() > 1;
    let mut text = format!("{}\n\n", heading(weights));
    let mut rows = vec![titles(has_classes, several)];
    for weight in &weights.weights {
        let shown = weight.per_unit.or(weight.per_deviation);
        let mut row = cells(&weight.class, weight.feature(), shown, has_classes, several);
        row.push(weight.effect.map_or_else(String::new, short));
        row.push(weight.p_value.map_or_else(String::new, chance));
        rows.push(row);
    }
    for intercept in &weights.intercepts {
        let Intercept {
            class,
            at_zero,
            at_means,
        } = intercept;
        let mut add = |what: &str, estimate: &Estimate| {
            let shown = Some(*estimate);
            rows.push(cells(class, what.into(), shown, has_classes, several));
        };
        if at_zero.weight == at_means.weight {
            add("(intercept)", at_zero);
        } else {
            add("(intercept, numbers at 0)", at_zero);
            add("(intercept, numbers at their means)", at_means);
        }
    }
    text.push_str(&show::table(&rows));
    text.push_str(&format!("\nreference: {}\n", weights.reference));
    for note in &weights.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text
}

fn heading(weights: &Weights) -> String {
    let of = match (weights.scale, weights.intercepts.as_slice()) {
        ("number", _) => format!("what adds to `{}`", weights.target),
        (
            "log_odds",
            [
                Intercept {
                    class: Some(class), ..
                },
            ],
        ) => {
            format!("what adds to the log-odds of `{class}`")
        }
        (
            _,
            [
                Intercept {
                    class: Some(class), ..
                },
            ],
        ) => format!("what adds to the score of `{class}`"),
        _ => format!("what adds to the scores of the classes of `{}`", weights.target),
    };
    let errors = match weights.errors {
        "none" => String::new(),
        kind => format!(", {kind} errors"),
    };
    format!(
        "{of}: {} of {}, those that matter most first, from {}{errors}",
        weights.weights.len(),
        counted(weights.total as u64, "weight"),
        counted(weights.rows, "row")
    )
}

fn titles(has_classes: bool, several: bool) -> Vec<String> {
    let mut titles = vec!["feature", "weight", "error"];
    if several {
        titles.insert(0, "class");
    }
    titles.push(if has_classes {
        "odds ratio  (95 % interval)"
    } else {
        "95 % interval"
    });
    titles.extend(["effect", "p"]);
    titles.into_iter().map(String::from).collect()
}

fn cells(
    class: &Option<String>,
    feature: String,
    estimate: Option<Estimate>,
    has_classes: bool,
    several: bool,
) -> Vec<String> {
    let number = |value: Option<f64>| value.map_or_else(String::new, short);
    let mut cells = Vec::new();
    if several {
        cells.push(class.clone().unwrap_or_default());
    }
    cells.push(feature);
    cells.push(number(estimate.map(|estimate| estimate.weight)));
    cells.push(number(estimate.and_then(|estimate| estimate.error)));
    cells.push(estimate.map_or_else(String::new, |estimate| range(&estimate, has_classes)));
    cells
}

/// The odds ratio with its limits, or the limits of the weight.
fn range(estimate: &Estimate, has_classes: bool) -> String {
    // What is beyond all numbers has no limit.
    let limit = |value: Option<f64>| value.map_or_else(|| "∞".into(), short);
    match (has_classes, estimate.error) {
        (true, None) => limit(estimate.odds_ratio),
        (true, Some(_)) => format!(
            "{}  ({} to {})",
            limit(estimate.odds_ratio),
            limit(estimate.odds_low),
            limit(estimate.odds_high)
        ),
        (false, None) => String::new(),
        (false, Some(_)) => format!("{} to {}", limit(estimate.low), limit(estimate.high)),
    }
}

fn chance(value: f64) -> String {
    match value {
        small if small < 1e-4 => "<0.0001".into(),
        value => format!("{value:.4}"),
    }
}

/// All figures, one line for each weight and intercept.
fn csv(weights: &Weights) -> String {
    let mut text = String::from(
        "class,attribute,part,weight,error,low,high,odds_ratio,odds_low,odds_high,deviation,weight_per_deviation,error_per_deviation,effect,p_value\n",
    );
    for weight in &weights.weights {
        let Weight {
            class,
            attribute,
            part,
            per_unit,
            per_deviation,
            ..
        } = weight;
        let mut line = vec![
            quoted(class.as_deref().unwrap_or("")),
            quoted(attribute),
            quoted(part),
        ];
        line.extend(figures(per_unit.as_ref()));
        let per_deviation = per_deviation.as_ref();
        let rest = [
            weight.deviation,
            per_deviation.map(|estimate| estimate.weight),
            per_deviation.and_then(|estimate| estimate.error),
            weight.effect,
            weight.p_value,
        ];
        line.extend(rest.map(exact));
        text.push_str(&(line.join(",") + "\n"));
    }
    for intercept in &weights.intercepts {
        let kinds = [
            ("numbers at 0", &intercept.at_zero),
            ("numbers at their means", &intercept.at_means),
        ];
        for (part, estimate) in kinds {
            let class = quoted(intercept.class.as_deref().unwrap_or(""));
            let mut line = vec![class, "(intercept)".into(), part.into()];
            line.extend(figures(Some(estimate)));
            line.extend(std::iter::repeat_n(String::new(), 5));
            text.push_str(&(line.join(",") + "\n"));
        }
    }
    text
}

fn figures(estimate: Option<&Estimate>) -> [String; 7] {
    let of = |what: fn(&Estimate) -> Option<f64>| exact(estimate.and_then(what));
    [
        of(|estimate| Some(estimate.weight)),
        of(|estimate| estimate.error),
        of(|estimate| estimate.low),
        of(|estimate| estimate.high),
        of(|estimate| estimate.odds_ratio),
        of(|estimate| estimate.odds_low),
        of(|estimate| estimate.odds_high),
    ]
}

fn exact(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:?}"))
}

/// A field of CSV, in quotes where it needs them.
fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_string(),
    }
}
