//! Going on from a model that was trained on other rows.

use super::error::PipelineError;
use super::first_pass::Learned;
use super::train::TrainRequest;
use crate::ml::Task;
use crate::ml::learn::{Earlier, LearnParams};
use crate::ml::model::Bundle;
use crate::ml::schema::Schema;
use crate::ml::target::Target;

/// By how much the share of a class may have changed for the earlier line to be of use.
const MOST_CHANGE: f64 = 1.25;

/// What is asked for, with what the earlier model has settled: its schema, its recipe and its labels.
pub(super) fn going_on(request: &TrainRequest, earlier: &Bundle) -> Result<TrainRequest, PipelineError> {
    let document = &earlier.document;
    let target = document.schema.target.clone().unwrap_or_default();
    if target != request.target.name {
        return Err(PipelineError::OtherTarget {
            target: request.target.name.clone(),
            earlier: target,
        });
    }
    let mut request = request.clone();
    request.target.task = request.target.task.or(Some(document.target.task()));
    let positive = &mut request.target.positive;
    if let (Target::Binary { positive: label, .. }, Some(Task::Binary), None) =
        (&document.target, request.target.task, &positive)
    {
        *positive = Some(label.clone());
    }
    let before = &document.training.params;
    if request.params.class_weights.is_none() && request.params.prior_correction.is_none() {
        request.params.class_weights.clone_from(&before.class_weights);
        request.params.prior_correction = before.prior_correction;
    }
    if request.schema.is_none() {
        request.schema = Some(document.schema.clone());
        request.schema_settles_task = true;
    }
    request.recipe = request.recipe.or_else(|| Some(document.recipe.clone()));
    Ok(request)
}

/// What the learner needs of the earlier model, for the features and the classes of the new rows.
pub(super) fn for_learner(
    earlier: &Bundle,
    schema: &Schema,
    learned: &Learned,
    params: &LearnParams,
) -> Earlier {
    let Learned {
        featurizer,
        target,
        class_rows,
        ..
    } = learned;
    let document = &earlier.document;
    let outputs = document.outputs;
    // Features know their attribute by its place.
    let names = |schema: &Schema| -> Vec<String> {
        let attributes = schema.attributes.iter();
        attributes.map(|attribute| attribute.name.clone()).collect()
    };
    let carried = Some(featurizer)
        .filter(|_| names(schema) == names(&document.schema))
        .and_then(|featurizer| featurizer.carried(&document.featurizer, &earlier.beta, outputs));
    Earlier {
        name: earlier.hash().chars().take(12).collect(),
        beta: carried.and_then(|beta| by_class(beta, &document.target, target, outputs)),
        rows: document.training.rows,
        l2: document.solver.l2,
        l1: document.solver.l1.unwrap_or(0.0),
        search: document.solver.search.clone(),
        keeps_line: keeps_line(earlier, target, class_rows, params),
    }
}

/// Whether the line that mended the scores of the earlier model may mend those of the new one: its shifts go by class and
/// by how frequent each is, and those of numbers by their mean.
fn keeps_line(earlier: &Bundle, target: &Target, class_rows: &[u64], params: &LearnParams) -> bool {
    let before = &earlier.document.training;
    let alike = (&before.params.class_weights, before.params.prior_correction)
        == (&params.class_weights, params.prior_correction);
    if earlier.document.target.labels() != target.labels() || class_rows.is_empty() || !alike {
        return false;
    }
    let share = |rows: &[u64], class: usize| rows[class] as f64 / rows.iter().sum::<u64>().max(1) as f64;
    before.class_rows.len() == class_rows.len()
        && (0..class_rows.len()).all(|class| {
            let ratio = share(class_rows, class) / share(&before.class_rows, class);
            (1.0 / MOST_CHANGE..MOST_CHANGE).contains(&ratio)
        })
}

/// The weights in the order of the new classes; a class that is new begins with nothing.
fn by_class(beta: Vec<f64>, before: &Target, now: &Target, outputs: usize) -> Option<Vec<f64>> {
    let (before, now) = (before.labels(), now.labels());
    if before == now {
        return Some(beta);
    }
    if outputs < 3 || now.len() < 3 {
        // One score tells two classes apart; which of several it would become cannot be said.
        return None;
    }
    let places: Vec<Option<usize>> = now
        .iter()
        .map(|label| before.iter().position(|other| other == label))
        .collect();
    let of_feature = |weights: &[f64]| -> Vec<f64> {
        places
            .iter()
            .map(|place| place.map_or(0.0, |place| weights[place]))
            .collect()
    };
    Some(beta.chunks_exact(outputs).flat_map(of_feature).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_follow_their_classes() {
        let target = |classes: &[&str]| Target::Multiclass {
            classes: classes.iter().map(|class| class.to_string()).collect(),
        };
        let before = target(&["a", "b", "c"]);
        let moved = |now: &[&str], outputs: usize| {
            by_class(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &before, &target(now), outputs)
        };
        assert_eq!(
            moved(&["c", "new", "a", "b"], 3).unwrap(),
            [3.0, 0.0, 1.0, 2.0, 6.0, 0.0, 4.0, 5.0]
        );
        assert_eq!(
            moved(&["a", "b", "c"], 3).unwrap(),
            [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
        );
        assert_eq!(moved(&["a", "b"], 3), None);
        assert_eq!(moved(&["b", "a", "c"], 1), None);
    }
}
