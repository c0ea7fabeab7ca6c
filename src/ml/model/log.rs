//! How a model came about, for people: what it was learned from, what was tried, how near the fit is to the best, and what
//! it took.

use std::fmt::Write;

use super::bundle::{Bundle, Provenance};
use crate::ml::learn::{Search, SolverReport};
use crate::ml::schema::Schema;
use crate::ml::split::{Seed, Strategy};
use crate::ml::wording::counted;

/// Groups whose penalties are listed.
const MOST_GROUPS: usize = 40;
/// Width of the first column.
const WIDTH: usize = 12;

/// The training log of a model: lines of text.
pub fn training_log(bundle: &Bundle) -> String {
    let mut log = Log::default();
    let (document, provenance) = (&bundle.document, &bundle.provenance);
    let training = &document.training;
    source(&mut log, bundle);
    target(&mut log, bundle);
    log.line(
        "rows",
        format!(
            "{} learned from{}; {} without a usable target, {} that could not be read",
            training.rows,
            if training.refit {
                ", after the evaluation all of them"
            } else {
                ""
            },
            training.unknown_target,
            training.rejected
        ),
    );
    if let Some(earlier) = &training.earlier {
        log.line("from", format!("the model {earlier}"));
    }
    counting(&mut log, &document.schema, bundle);
    let featurizer = &document.featurizer;
    log.line(
        "features",
        format!(
            "{}: {} numbers, {} that are there or not",
            featurizer.dense() + featurizer.sparse(),
            featurizer.dense(),
            featurizer.sparse()
        ),
    );
    featurizer
        .space
        .warning()
        .into_iter()
        .for_each(|text| log.line("", text));
    recipes(&mut log, provenance);
    fit(&mut log, &document.solver, training.earlier.is_some());
    let remarks = document.solver.notes.iter().map(|note| ("note", note));
    let warnings = provenance
        .warnings
        .iter()
        .filter(|warning| !document.solver.notes.contains(warning));
    let warnings = warnings.map(|warning| ("warning", warning));
    remarks
        .chain(warnings)
        .for_each(|(name, text)| log.line(name, text.clone()));
    effort(&mut log, provenance);
    if let Some(report) = &provenance.evaluation {
        let (name, metric) = report.headline();
        if let Some(value) = metric.value {
            log.line(
                "evaluation",
                format!(
                    "{name} {value:.4} on {} held out",
                    counted(report.records(), "row")
                ),
            );
        }
    }
    log.text
}

#[derive(Default)]
struct Log {
    text: String,
}

impl Log {
    /// A line under a name; lines that belong to the one before have none.
    fn line(&mut self, name: &str, text: String) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{name:<WIDTH$}{text}");
    }
}

/// Which model of which data.
fn source(log: &mut Log, bundle: &Bundle) {
    let (document, provenance) = (&bundle.document, &bundle.provenance);
    let training = &document.training;
    log.line(
        "model",
        format!(
            "{} (yosoku {}, {})",
            bundle.hash(),
            training.program,
            provenance.created_at
        ),
    );
    log.line(
        "data",
        format!("{}, SHA-256 {}", provenance.source, training.data_sha256),
    );
    let seed = match &training.split.seed {
        _ if training.split.is_all() || training.split.strategy == Strategy::Sequential => String::new(),
        Seed::Number(seed) => format!(", seed {seed}"),
        Seed::Text(seed) => format!(", seed `{seed}`"),
    };
    log.line("split", format!("{}{seed}", training.split));
}

fn target(log: &mut Log, bundle: &Bundle) {
    let document = &bundle.document;
    let name = document.schema.target.as_deref().unwrap_or_default();
    let positive = document.target.positive();
    let positive = positive.map_or_else(String::new, |label| format!(", positive is `{label}`"));
    log.line(
        "target",
        format!("`{name}`: {}{positive}", document.target.task()),
    );
    if !bundle.provenance.reason.is_empty() && bundle.document.training.earlier.is_none() {
        log.line("", bundle.provenance.reason.clone());
    }
    let labels = document.target.labels();
    for (label, rows) in labels.iter().zip(&document.training.class_rows) {
        log.line("", format!("{} of `{label}`", counted(*rows, "row")));
    }
}

/// What rows and classes count, where they do not count alike.
fn counting(log: &mut Log, schema: &Schema, bundle: &Bundle) {
    if let Some(column) = &schema.row_weight {
        log.line("weights", format!("rows count by `{column}`"));
    }
    if let Some(weights) = &bundle.document.training.params.class_weights {
        log.line("weights", format!("classes count {weights}"));
    }
}

fn recipes(log: &mut Log, provenance: &Provenance) {
    let tried = &provenance.recipes;
    let Some(chosen) = tried.iter().find(|one| one.chosen) else {
        return;
    };
    log.line(
        "recipe",
        format!("{}, chosen by the mean loss on rows held back", chosen.name),
    );
    tried.iter().for_each(|one| {
        let mark = if one.chosen { "*" } else { " " };
        log.line("", format!("{mark} {:<12}{:.6}", one.name, one.loss));
    });
}

fn fit(log: &mut Log, solver: &SolverReport, is_of_earlier: bool) {
    if let Some(search) = &solver.search {
        if is_of_earlier {
            log.line(
                "",
                "What follows of the penalty was found for the model that training went on from:".into(),
            );
        }
        penalties(log, search);
    }
    log.line(
        "fit",
        format!(
            "{} {}: {}l2 {:.3e}, {}, {} over the rows",
            solver.learner,
            solver.stopped,
            solver.l1.map_or(String::new(), |l1| format!("l1 {l1:.3e}, ")),
            solver.l2,
            counted(solver.iterations.into(), "iteration"),
            counted_passes(solver.passes),
        ),
    );
    if let Some(used) = &solver.used {
        log.line(
            "",
            format!("{} of {} features have weights", used.features, used.of),
        );
    }
    let certificate = &solver.certificate;
    log.line(
        "",
        format!(
            "objective {:.9}, mean loss {:.9}, gradient {:.1e}",
            certificate.objective, certificate.loss, certificate.gradient_norm
        ),
    );
    log.line(
        "",
        format!(
            "{}: the objective is {:.1e} above its minimum at most",
            if certificate.certified {
                "certified"
            } else {
                "NOT certified"
            },
            certificate.gap
        ),
    );
}

fn counted_passes(count: u32) -> String {
    format!("{count} pass{}", if count == 1 { "" } else { "es" })
}

fn penalties(log: &mut Log, search: &Search) {
    let rows = match search.folds {
        1 => "a fifth of the rows, held back".to_string(),
        folds => format!("{folds} parts of the rows in turn"),
    };
    log.line(
        "penalty",
        format!("chosen on {rows}, in {}", counted_passes(search.passes)),
    );
    log.line(
        "",
        format!(
            "{:>10}  {:>10}  {:>9}  with a line",
            "factor", "mean loss", "error"
        ),
    );
    for tried in &search.tried {
        let mended = tried
            .mended
            .map_or(String::new(), |mended| format!("{mended:.6}"));
        let line = format!(
            "{:>10.4}  {:>10.6}  {:>9.6}  {mended}",
            tried.factor, tried.loss, tried.error
        );
        log.line("", line.trim_end().to_string());
    }
    for group in search.groups.iter().take(MOST_GROUPS) {
        log.line("", format!("l2 {:.3e} for {}", group.l2, group.group));
    }
    if search.groups.len() > MOST_GROUPS {
        log.line(
            "",
            format!("… and {} groups more", search.groups.len() - MOST_GROUPS),
        );
    }
    if let Some(line) = &search.calibration {
        log.line(
            "calibration",
            format!(
                "the best line for {} held back has the slope {:.3}: mean loss {:.6} without, {:.6} with; {}",
                counted(line.rows, "row"),
                line.slope,
                line.before,
                line.after,
                if line.applied {
                    "applied"
                } else {
                    "left out, as it does not pay"
                }
            ),
        );
    }
}

fn effort(log: &mut Log, provenance: &Provenance) {
    let memory = |stage: &str| {
        let found = provenance.memory.iter().find(|(name, _)| name == stage);
        found.map_or(String::new(), |(_, bytes)| {
            format!(", {} MiB in use at its end", bytes >> 20)
        })
    };
    for (at, (stage, seconds)) in provenance.seconds.iter().enumerate() {
        let name = if at == 0 { "effort" } else { "" };
        log.line(name, format!("{stage:<10}{seconds:>8.2} s{}", memory(stage)));
    }
}
