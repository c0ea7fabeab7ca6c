//! Models that may have so many bytes: after a first fit the values and words that matter least go, and the others are
//! learned again, with the penalty that was chosen and from the weights that they have.

use super::choose::{Attempt, Turn, fitted};
use super::encode::TrainingRows;
use super::error::PipelineError;
use super::train::TrainRequest;
use crate::ml::learn::{Earlier, Fitted};
use crate::ml::observe::Observer;

/// The attempt, within the size that is asked for.
pub(super) fn within(
    rows: &TrainingRows<'_>,
    attempt: Attempt,
    (request, turn): (&TrainRequest, Turn<'_>),
    observer: &mut dyn Observer,
) -> Result<Attempt, PipelineError> {
    let outputs = attempt.fitted.outputs;
    let features = attempt.featurizer.features();
    let Some(most) = request
        .params
        .most_by_size(outputs)
        .filter(|most| features > *most)
    else {
        return Ok(attempt);
    };
    let before = &attempt.learned.featurizer;
    let Some(pruned) = before.pruned(&attempt.fitted.beta, outputs, most) else {
        let note = format!(
            "{}; numbers and bins are not left out, and there is nothing else",
            too_large(features, most)
        );
        return Ok(noted(attempt, note));
    };
    let beta = pruned.carried(before, &attempt.fitted.beta, outputs);
    let Attempt {
        recipe,
        mut learned,
        data,
        fitted: first,
        ..
    } = attempt;
    // The rows with all features are not needed any more.
    drop(data);
    learned.featurizer = pruned;
    let start = went_on(&first, beta, learned.rows);
    let turn = Turn {
        is_first: false,
        ..turn
    };
    let mut second = fitted(rows, recipe, learned, (Some(start), request, turn), observer)?;
    let gone = features - second.featurizer.features();
    let note = format!(
        "{}; the {gone} values and words that matter least were left out, and the others learned again: the mean loss on \
         the training rows was {:.6} and is {:.6}",
        too_large(features, most),
        first.report.certificate.loss,
        second.fitted.report.certificate.loss,
    );
    // Recipes are compared by what they can do, not by what room there is.
    second.fitted.losses = first.losses;
    Ok(noted(second, note))
}

fn too_large(features: usize, most: usize) -> String {
    format!("the data give {features} features, and sgd.maxMLModelSizeInBytes allows {most}")
}

/// What the first fit gives to the second.
fn went_on(first: &Fitted, beta: Option<Vec<f64>>, rows: u64) -> Earlier {
    Earlier {
        name: String::new(),
        beta,
        rows,
        l2: first.report.l2,
        l1: first.report.l1.unwrap_or(0.0),
        search: first.report.search.clone(),
        keeps_line: true,
    }
}

fn noted(mut attempt: Attempt, note: String) -> Attempt {
    attempt.fitted.report.notes.push(note.clone());
    attempt.warning = Some(note);
    attempt
}
