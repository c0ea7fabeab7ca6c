//! Chooses between recipes when none is given: by how well each answers rows that its weights were not found from.
//!
//! What the suggested recipe holds follows from each column by itself. In small tables, where trying costs little, others
//! are tried beside it, each with its own search of the penalty.

use super::apart::apart;
use super::earlier::for_learner;
use super::encode::TrainingRows;
use super::error::PipelineError;
use super::first_pass::Learned;
use super::memory::{Memory, MemoryPlan, RowsIn};
use super::replay::Kept;
use super::size;
use super::train::{TrainRequest, check_rows};
use super::weighing::Weighing;
use crate::ml::features::{Featurizer, MOST_FEATURES};
use crate::ml::learn::learner::{Data, OUT_OF_TIME, dataset, weighted};
use crate::ml::learn::search::{advantage, unpenalised_losses};
use crate::ml::learn::{Earlier, Fitted, LearnError, fit_from};
use crate::ml::model::bundle::{RecipeTried, SUGGESTED};
use crate::ml::observe::Observer;
use crate::ml::recipe::{PLAIN, Recipe, resolve};
use crate::ml::target::Target;

/// Rows up to which recipes are tried beside the suggested one.
const MOST_ROWS: u64 = 20_000;
/// Bytes of the design of the suggested recipe up to which others are tried.
const MOST_BYTES: usize = 16 << 20;
/// Standard errors by which another recipe has to be better than the suggested one.
const BEYOND_CHANCE: f64 = 0.25;

/// A recipe with what came of it.
pub(super) struct Attempt {
    pub recipe: Recipe,
    pub learned: Learned,
    pub featurizer: Featurizer,
    pub data: Data,
    /// What rows count, where they do not count alike.
    pub weighing: Option<Weighing>,
    /// The weights, with which classes still count as `weighing` says.
    pub fitted: Fitted,
    /// What it took of memory by plan.
    pub plan: Option<MemoryPlan>,
    /// What to warn of, beside what the rows tell.
    pub warning: Option<String>,
}

/// Learns from the rows by `recipe`, and by `others` where the table is small; gives the best, and how each fared if
/// there was a choice.
pub(super) fn best(
    rows: &TrainingRows<'_>,
    target: &Target,
    recipe: Recipe,
    others: Vec<(&'static str, Recipe)>,
    request: &TrainRequest,
    observer: &mut dyn Observer,
) -> Result<(Attempt, Vec<RecipeTried>), PipelineError> {
    let memory = request.memory.as_ref();
    let has_others = !others.is_empty() && !request.params.has_penalty();
    let turn = Turn {
        memory,
        has_others,
        is_first: true,
    };
    let mut best = attempt(rows, target, recipe, request, turn, observer)?;
    // What the first took and left must not count twice.
    let memory = memory.map(|memory| memory.with_program(best.plan.as_ref()));
    let is_small = best.learned.rows <= MOST_ROWS && best.data.records.bytes() <= MOST_BYTES;
    let turn = Turn {
        memory: memory.as_ref(),
        has_others,
        is_first: false,
    };
    if !has_others || !is_small {
        return Ok((best, Vec::new()));
    }
    let Some(suggested) = losses(&best, observer)? else {
        return Ok((best, Vec::new()));
    };
    let mut tried = vec![RecipeTried::new(SUGGESTED, &suggested)];
    let mut contest = Contest::new(suggested);
    for (name, recipe) in others {
        if observer.out_of_time() {
            break;
        }
        let other = match attempt(rows, target, recipe, request, turn, observer) {
            Ok(other) => other,
            Err(error) if is_of_the_recipe(&error) => continue,
            Err(error) => return Err(error),
        };
        // What time cut short is no fair match.
        if other.fitted.report.stopped == OUT_OF_TIME {
            break;
        }
        let Some(losses) = losses(&other, observer)? else {
            break;
        };
        tried.push(RecipeTried::new(name, &losses));
        if contest.is_won_by(name, losses) {
            tried.iter_mut().for_each(|one| one.chosen = false);
            tried.last_mut().into_iter().for_each(|one| one.chosen = true);
            best = other;
        }
    }
    Ok((best, tried))
}

/// What each row held back loses under the recipes that others are compared with.
struct Contest {
    suggested: Vec<f64>,
    /// What others have to be better than beyond chance.
    reference: Vec<f64>,
    /// Of the winner so far.
    least: Vec<f64>,
}

impl Contest {
    fn new(suggested: Vec<f64>) -> Self {
        Self {
            reference: suggested.clone(),
            least: suggested.clone(),
            suggested,
        }
    }

    /// Whether a recipe with such losses is taken. Numbers as they are need no reason: what has more features than that
    /// has to be better beyond chance. So has any other recipe to be better than these two, and it has to be the best of
    /// those.
    fn is_won_by(&mut self, name: &str, losses: Vec<f64>) -> bool {
        let is_simpler = name == PLAIN && advantage(&losses, &self.suggested) <= BEYOND_CHANCE;
        let is_better =
            advantage(&self.reference, &losses) > BEYOND_CHANCE && advantage(&self.least, &losses) > 0.0;
        if !is_simpler && !is_better {
            return false;
        }
        if is_simpler {
            self.reference.clone_from(&losses);
        }
        self.least = losses;
        true
    }
}

/// Whether another recipe may do where this one did not.
fn is_of_the_recipe(error: &PipelineError) -> bool {
    match error {
        PipelineError::Learn(error) => !matches!(error, LearnError::Stopped | LearnError::Spill(_)),
        PipelineError::NotEnoughMemory { .. } | PipelineError::Recipe(_) => true,
        _ => false,
    }
}

/// What one attempt has to know of the others.
#[derive(Clone, Copy)]
pub(super) struct Turn<'a> {
    pub memory: Option<&'a Memory>,
    pub has_others: bool,
    pub is_first: bool,
}

fn attempt(
    rows: &TrainingRows<'_>,
    target: &Target,
    recipe: Recipe,
    request: &TrainRequest,
    turn: Turn<'_>,
    observer: &mut dyn Observer,
) -> Result<Attempt, PipelineError> {
    let terms = resolve(&recipe, rows.schema)?;
    let most = request.params.max_features.unwrap_or(MOST_FEATURES);
    let learned = rows.learn(&terms, &|_| most, target.clone(), observer)?;
    check_rows(&learned, request)?;
    let first = fitted(rows, recipe.clone(), learned, (None, request, turn), observer);
    let is_sized = request.params.max_model_bytes.is_some();
    let first = match first {
        // Where there is no room for more features than the model may have in the end, there are no more.
        Err(PipelineError::NotEnoughMemory { .. }) if is_sized => {
            let by_size = |outputs| {
                request
                    .params
                    .most_by_size(outputs)
                    .map_or(most, |few| few.min(most))
            };
            let learned = rows.learn(&terms, &by_size, target.clone(), observer)?;
            fitted(rows, recipe, learned, (None, request, turn), observer)?
        }
        first => first?,
    };
    let mut attempt = size::within(rows, first, (request, turn), observer)?;
    let apart = apart(rows, &attempt.learned, &attempt.data, &attempt.fitted);
    attempt.fitted.report.notes.extend(apart);
    Ok(attempt)
}

/// Encodes the rows by what was learned of the features, and finds the weights, going on from an earlier fit if one is
/// given.
pub(super) fn fitted(
    rows: &TrainingRows<'_>,
    recipe: Recipe,
    mut learned: Learned,
    (before, request, turn): (Option<Earlier>, &TrainRequest, Turn<'_>),
    observer: &mut dyn Observer,
) -> Result<Attempt, PipelineError> {
    let featurizer = Featurizer::new(learned.featurizer.clone(), rows.schema);
    let copies = if turn.has_others && learned.rows <= MOST_ROWS {
        2
    } else {
        1
    };
    let is_weighted = rows.schema.row_weight.is_some() || request.params.class_weights.is_some();
    let mut kept = learned.kept.take();
    let plan = turn
        .memory
        .map(|memory| planned(memory, (&learned, &featurizer), (copies, is_weighted), &mut kept))
        .transpose()?;
    let limited = turn.memory.zip(plan.as_ref());
    let news = limited.filter(|_| turn.is_first);
    if let Some(news) = news.and_then(|(memory, plan)| memory.news(plan)) {
        observer.note(&news);
    }
    let overflow = limited.and_then(|(memory, plan)| memory.overflow(plan));
    let (design, targets, weights) = rows.encode(
        &featurizer,
        (&learned.target, learned.rows),
        (kept, overflow),
        observer,
    )?;
    let plan = plan.map(|plan| plan.with_rows(&design));
    let column = rows.schema.row_weight.as_deref().unwrap_or_default();
    let weighing = Weighing::new(weights, column, &request.params, &learned.target, &targets)?;
    let mut data = dataset(design, targets);
    if let Some(weighing) = &weighing {
        data = weighted(data, weighing.of_row.clone());
    }
    let earlier = || {
        let bundle = request.earlier.as_ref()?;
        Some(for_learner(bundle, rows.schema, &learned, &request.params))
    };
    let before = before.or_else(earlier);
    let fitted = fit_from(&request.params, &data, before.as_ref(), observer)?;
    Ok(Attempt {
        recipe,
        learned,
        featurizer,
        data,
        weighing,
        fitted,
        plan,
        warning: None,
    })
}

/// A plan for the memory. Rows that the first pass kept go where they are in the way of the rest.
fn planned(
    memory: &Memory,
    (learned, featurizer): (&Learned, &Featurizer),
    (copies, is_weighted): (u64, bool),
    kept: &mut Option<Kept>,
) -> Result<MemoryPlan, PipelineError> {
    let (there, besides) = kept.as_ref().map_or((0, 0), Kept::bytes);
    let usage = memory.program.usage(there);
    let plan = |kept| memory.plan(usage, (learned, featurizer), (copies, is_weighted, kept));
    if kept.is_some() {
        match plan(there + besides) {
            Ok(plan) if plan.rows_in == RowsIn::Memory => return Ok(plan),
            _ => *kept = None,
        }
    }
    plan(0)
}

/// What each row held back loses: as the search of the penalty found it, or without a penalty where none was looked for.
fn losses(attempt: &Attempt, observer: &mut dyn Observer) -> Result<Option<Vec<f64>>, PipelineError> {
    let (design, targets) = (&attempt.data.records, &attempt.data.targets);
    let losses = match &attempt.fitted.losses {
        Some(losses) => Some(losses.clone()),
        None => unpenalised_losses(design, targets, attempt.data.weights(), observer)?,
    };
    design.check().map_err(LearnError::from)?;
    Ok(losses)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Losses of 100 rows, `by` lower than 1 on average, in a spread of a tenth.
    fn lower(by: f64) -> Vec<f64> {
        let spread = |row: usize| 0.1 * if row.is_multiple_of(2) { 1.0 } else { -1.0 };
        (0..100).map(|row| 1.0 - by + spread(row) * (1.0 + by)).collect()
    }

    /// The standard error of a difference is about a hundredth of it, so every difference here is far beyond chance.
    #[test]
    fn plain_numbers_stand_unless_others_do_better() {
        for (suggested, plain, bins, both, winner) in [
            // As good as the suggested: the simpler one.
            (0.0, 0.0, 0.0, 0.0, Some("plain")),
            // Worse beyond chance: the suggested one stays.
            (0.2, 0.0, 0.1, 0.2, None),
            // Others are better than plain numbers, and the best of them is taken.
            (0.0, 0.0, 0.1, 0.2, Some("both")),
            (0.0, 0.0, 0.2, 0.1, Some("bins")),
            // Better than the suggested, no better than plain.
            (0.0, 0.2, 0.2, 0.1, Some("plain")),
        ] {
            let mut contest = Contest::new(lower(suggested));
            let others = [(PLAIN, plain), ("bins", bins), ("both", both)];
            let won = others.map(|(name, by)| contest.is_won_by(name, lower(by)).then_some(name));
            let last = won.into_iter().flatten().last();
            assert_eq!(last, winner, "{suggested} {plain} {bins} {both}");
        }
    }
    #[test]
    fn what_is_better_than_plain_numbers_by_chance_alone_is_not_taken() {
        let mut contest = Contest::new(lower(0.0));
        assert!(contest.is_won_by(PLAIN, lower(0.2)));
        let by_chance = lower(0.2).into_iter().enumerate();
        let noise = |row: usize| if row % 4 < 2 { 0.05 } else { -0.05 };
        let by_chance: Vec<f64> = by_chance.map(|(row, loss)| loss + noise(row) - 0.0001).collect();
        assert!(advantage(&lower(0.0), &by_chance) > BEYOND_CHANCE);
        assert!(!contest.is_won_by("bins", by_chance));
    }
}
