//! What a training has to say.

use std::path::Path;

use serde_json::{Value, json};

use super::error::CliError;
use super::show;
use crate::ml::model::Bundle;
use crate::ml::pipeline::{Evaluation, MemoryPlan, Trained};
use crate::ml::target::{AS_ASKED_FOR, Target};
use crate::ml::wording::counted;
use crate::telemetry::peak_bytes;

/// What a run gives to print.
pub struct Done {
    /// The model.
    pub bundle: Bundle,
    /// How good it is, if rows were held out.
    pub evaluation: Option<Evaluation>,
    /// What training found.
    pub trained: Trained,
    /// Seconds spent in each stage.
    pub seconds: Vec<(String, f64)>,
}

/// Prints it: messages and warnings to standard error, the result to standard output.
pub fn tell(as_json: bool, out: &Path, done: &Done) -> Result<(), CliError> {
    let document = &done.bundle.document;
    let features = document.featurizer.dense() + document.featurizer.sparse();
    let warnings = warnings(done);
    show::message(&format!(
        "{} model: {}{}",
        document.target.task(),
        done.trained.reason,
        other_positive(&document.target, &done.trained.reason)
    ));
    warnings
        .iter()
        .for_each(|warning| show::message(&format!("warning: {warning}")));
    let held_out = done
        .evaluation
        .as_ref()
        .map_or(0, |evaluation| evaluation.report.records());
    if as_json {
        return show::print_json(&json!({
            "type": document.target.task(),
            "reason": done.trained.reason,
            "target": document.target,
            "rows": if document.training.refit { document.training.rows } else { document.training.rows + held_out },
            "training_rows": document.training.rows,
            "holdout_rows": held_out,
            "features": features,
            "recipe": document.recipe,
            "recipes": done.bundle.provenance.recipes,
            "solver": document.solver,
            "memory": memory_json(done.trained.memory.as_ref()),
            "seconds": seconds_json(&done.seconds),
            "model": {"path": out.display().to_string(), "hash": done.bundle.hash()},
            "refit": document.training.refit,
            "reproducible": document.training.reproducible,
            "warnings": warnings,
            "evaluation": done.bundle.provenance.evaluation,
        }));
    }
    let mut text = format!(
        "trained on {} with {}\n",
        counted(document.training.rows, "row"),
        counted(features as u64, "feature")
    );
    text.push_str(&show::recipes(&done.bundle.provenance.recipes));
    text.push_str(&format!("solver: {}\n", show::solver(&document.solver)));
    // Those of a fit that is not certified are warnings.
    if document.solver.certificate.certified {
        let notes = document.solver.notes.iter();
        notes.for_each(|note| text.push_str(&format!("note: {note}\n")));
    }
    if let Some(report) = &done.bundle.provenance.evaluation {
        text.push_str(&format!(
            "\nevaluated on {}{}\n{}",
            counted(held_out, "held-out row"),
            show::positive(&document.target),
            show::report(report)
        ));
        if document.training.refit {
            text.push_str("the model was fitted again on all rows after this evaluation\n");
        }
    }
    let spent: Vec<String> = done
        .seconds
        .iter()
        .map(|(stage, seconds)| format!("{stage} {seconds:.2} s"))
        .collect();
    text.push_str(&format!(
        "\ntime: {}\nmodel: {} ({})\n",
        spent.join(", "),
        out.display(),
        &done.bundle.hash()[..12]
    ));
    // The model itself went to standard output.
    if out == Path::new("-") {
        show::message(&text);
        return Ok(());
    }
    show::print(&text)
}

/// How to have the other label as the positive one, where nobody chose.
fn other_positive(target: &Target, reason: &str) -> String {
    match target {
        Target::Binary { negative, .. } if !reason.ends_with(AS_ASKED_FOR) => {
            format!(" (--positive '{negative}' turns it round)")
        }
        Target::Binary { .. } | Target::Multiclass { .. } | Target::Regression => String::new(),
    }
}

/// What people are warned of: of the training, then of the evaluation.
fn warnings(done: &Done) -> Vec<&String> {
    let found = done.evaluation.iter().flat_map(|evaluation| &evaluation.warnings);
    done.trained.warnings.iter().chain(found).collect()
}

/// The plan, and the most memory that the program took.
fn memory_json(plan: Option<&MemoryPlan>) -> Value {
    let mut memory = json!(plan);
    if let (Some(plan), Some(peak)) = (memory.as_object_mut(), peak_bytes()) {
        plan.insert("peak_bytes".into(), json!(peak));
    }
    memory
}

/// Seconds by stage as a JSON object.
fn seconds_json(seconds: &[(String, f64)]) -> Value {
    Value::Object(
        seconds
            .iter()
            .map(|(stage, seconds)| (stage.clone(), json!(seconds)))
            .collect(),
    )
}
