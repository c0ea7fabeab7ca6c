//! From a table to a bundle.

use std::sync::Arc;

use super::choose::{self, Attempt};
use super::coverage::not_learned;
use super::earlier::going_on;
use super::encode::TrainingRows;
use super::error::PipelineError;
use super::facts::{self, Sums};
use super::first_pass::Learned;
use super::inspect::{inspect_for, settled};
use super::memory::{Memory, MemoryPlan, ORDINARY_ROOM};
use super::table::Table;
use crate::ml::Task;
use crate::ml::features::Featurizer;
use crate::ml::insights::Insight;
use crate::ml::learn::learner::OUT_OF_TIME;
use crate::ml::learn::{LearnError, LearnParams, objective};
use crate::ml::model::bundle::{BundleDocument, RecipeTried, TrainingFacts};
use crate::ml::model::golden::{GoldenRow, make_fields};
use crate::ml::model::{Bundle, LinearModel, Provenance};
use crate::ml::observe::Observer;
use crate::ml::predict::{Predictor, Scratch};
use crate::ml::profile::TableStatistics;
use crate::ml::recipe::{Recipe, alternatives, suggest};
use crate::ml::record::Record;
use crate::ml::schema::{AttributeType, Schema};
use crate::ml::split::{Selector, Split};
use crate::ml::target::{Target, TargetError, TargetWish, kind_of, plan};

/// Rows that a model needs at least.
const LEAST_ROWS: u64 = 2;
/// Threshold of a new binary model.
const THRESHOLD: f64 = 0.5;

/// What to train.
#[derive(Debug, Clone)]
pub struct TrainRequest {
    /// Types of the attributes; proposed from the table when not given.
    pub schema: Option<Schema>,
    /// Whether the type of the target in `schema` settles the question. False for proposed schemas.
    pub schema_settles_task: bool,
    /// The column to predict and the question it poses.
    pub target: TargetWish,
    /// What is learned from; suggested when not given.
    pub recipe: Option<Recipe>,
    /// Which rows to learn from.
    pub split: Split,
    /// Parameters of the learner.
    pub params: LearnParams,
    /// What training may take of memory; not checked when not given.
    pub memory: Option<Memory>,
    /// SHA-256 of the table's bytes, in hexadecimal.
    pub data_sha256: String,
    /// A model to go on from: its schema and recipe unless others are given, its penalty and weights.
    pub earlier: Option<Arc<Bundle>>,
}

/// A trained model, not yet evaluated.
#[derive(Debug)]
pub struct Trained {
    /// The model.
    pub bundle: Bundle,
    /// Statistics of the training rows.
    pub statistics: TableStatistics,
    /// The training rows, for further passes over the same table.
    pub part: Selector,
    /// Why the question is what it is.
    pub reason: String,
    /// What training took of memory by plan, where it was limited.
    pub memory: Option<MemoryPlan>,
    /// Recipes that were tried, if there was a choice.
    pub recipes: Vec<RecipeTried>,
    /// Remarks for people.
    pub warnings: Vec<String>,
}

/// Who splits by time wants to know about days to come, of which a curve through the days so far says nothing.
fn without_spans(part: &Selector, statistics: &mut TableStatistics) {
    if !part.is_by_time() {
        return;
    }
    let columns = statistics.columns.iter_mut();
    for column in columns.filter(|column| column.decision.date_format.is_some()) {
        column.dates.iter_mut().for_each(|dates| dates.bins = None);
        column.numeric.iter_mut().for_each(|numbers| numbers.bins = None);
    }
}

/// Trains a model on the rows that the request selects.
pub fn train(
    table: &dyn Table,
    request: &TrainRequest,
    observer: &mut dyn Observer,
) -> Result<Trained, PipelineError> {
    let request = &match &request.earlier {
        Some(earlier) => going_on(request, earlier)?,
        None => request.clone(),
    };
    let wish = wish(request);
    let mut inspection = inspect_for(table, request.schema.as_ref(), &wish, &request.split, observer)?;
    let mut schema = inspection.schema;
    let position = schema.target_index().ok_or(PipelineError::NoTarget)?;
    let profile = inspection.target.ok_or(PipelineError::NoTarget)?;
    let attribute = &schema.attributes[position];
    let plan = plan(&profile, attribute.kind, &attribute.missing_values, &wish)?;
    schema.attributes[position].kind = kind_of(plan.task);
    if let Some(column) = &request.params.row_weight {
        weigh_by(&mut schema, column)?;
    }
    forget_weight(&mut inspection.insights, &schema);
    without_spans(&inspection.part, &mut inspection.statistics);
    let (recipe, others) = recipes(request, &schema, &inspection.statistics)?;
    let rows = TrainingRows {
        table,
        schema: &schema,
        target: position,
        split: &inspection.part,
        distinct: distinct(&schema, &inspection.statistics),
        room: request.memory.as_ref().map_or(ORDINARY_ROOM, Memory::room),
    };
    let target = plan.binary.unwrap_or(match plan.task {
        Task::Regression => Target::Regression,
        Task::Binary | Task::Multiclass => Target::Multiclass { classes: Vec::new() },
    });
    let (attempt, recipes) = choose::best(&rows, &target, recipe, others, request, observer)?;
    let learned = &attempt.learned;
    let mut warnings = warnings(
        learned,
        &attempt.featurizer,
        &inspection.statistics,
        &inspection.insights,
    );
    warnings.extend(attempt.warning.clone());
    warnings.extend(inspection.part.warnings().iter().cloned());
    let missing_values = &schema.attributes[position].missing_values;
    let (name, split) = (&request.target.name, part_of(request));
    warnings.extend(not_learned(
        &learned.target,
        name,
        &profile,
        missing_values,
        &split,
    ));
    let memory = attempt.plan.clone();
    let bundle = bundle(attempt, schema, request)?;
    if !bundle.document.solver.certificate.certified {
        warnings.extend(bundle.document.solver.notes.iter().cloned());
    }
    if !bundle.document.training.reproducible {
        warnings.push(
            "the time budget cut the fit short: training again may give another model, so it cannot be verified".into(),
        );
    }
    Ok(Trained {
        bundle,
        statistics: inspection.statistics,
        part: inspection.part,
        reason: plan.reason,
        memory,
        recipes,
        warnings,
    })
}

/// What is learned from, and what may be tried beside it, by name.
type Recipes = (Recipe, Vec<(&'static str, Recipe)>);

fn recipes(
    request: &TrainRequest,
    schema: &Schema,
    statistics: &TableStatistics,
) -> Result<Recipes, PipelineError> {
    match &request.recipe {
        Some(recipe) => Ok((recipe.clone(), Vec::new())),
        None if schema.inputs().next().is_none() => Err(PipelineError::NoInputs),
        None => Ok((suggest(schema, statistics), alternatives(schema, statistics))),
    }
}

/// Of how many distinct values each attribute is, and on how many rows.
fn distinct(schema: &Schema, statistics: &TableStatistics) -> Vec<Option<(u64, u64)>> {
    let of = |name: &String| {
        let column = statistics.columns.iter().find(|column| column.name == *name)?;
        Some((column.distinct.value, statistics.rows))
    };
    schema
        .attributes
        .iter()
        .map(|attribute| of(&attribute.name))
        .collect()
}

/// What a column of weights is like says nothing of the model.
fn forget_weight(insights: &mut Vec<Insight>, schema: &Schema) {
    let weight = schema.row_weight.as_ref().map(std::slice::from_ref);
    insights.retain(|insight| Some(insight.columns.as_slice()) != weight);
}

/// Makes a column that is called by name the one of the weights.
fn weigh_by(schema: &mut Schema, column: &str) -> Result<(), PipelineError> {
    schema.row_weight = Some(column.to_string());
    if schema.row_id.as_deref() == Some(column) {
        // A proposed one: nobody asked for it.
        schema.row_id = None;
    }
    if let Some(index) = schema.row_weight_index() {
        schema.attributes[index].kind = AttributeType::Numeric;
        schema.attributes[index].date_format = None;
    }
    Ok(schema.check()?)
}

/// The rows to learn from, with the column named by which they are split.
fn part_of(request: &TrainRequest) -> Split {
    request.split.for_target(Some(&request.target.name))
}

/// The question asked for. A given schema settles it unless the caller asks for another one.
fn wish(request: &TrainRequest) -> TargetWish {
    let name = &request.target.name;
    let schema = request.schema.as_ref().filter(|_| request.schema_settles_task);
    TargetWish {
        task: request.target.task.or_else(|| settled(schema?, name)),
        max_classes: request.params.max_classes,
        ..request.target.clone()
    }
}

pub(super) fn check_rows(learned: &Learned, request: &TrainRequest) -> Result<(), PipelineError> {
    if learned.rows < LEAST_ROWS {
        return Err(PipelineError::TooFewRows {
            rows: learned.rows,
            least: LEAST_ROWS,
        });
    }
    let present: Vec<usize> = (0..learned.class_rows.len())
        .filter(|&class| learned.class_rows[class] > 0)
        .collect();
    match present.as_slice() {
        [only] => {
            let (target, value) = (
                request.target.name.clone(),
                learned.target.label(*only).to_string(),
            );
            if request.split.is_all() {
                return Err(TargetError::OneClass { target, value }.into());
            }
            let split = Box::new(request.split.clone());
            Err(PipelineError::OneClassInPart { target, value, split })
        }
        _ => Ok(()),
    }
}

fn bundle(attempt: Attempt, schema: Schema, request: &TrainRequest) -> Result<Bundle, PipelineError> {
    let Attempt {
        recipe,
        learned,
        data,
        weighing,
        mut fitted,
        plan,
        ..
    } = attempt;
    let outputs = objective::outputs(&data.targets);
    let sums = Sums::of(&data.records);
    let weights = facts::of_weights(&fitted, &data, &sums, &learned.featurizer, plan.as_ref());
    if let Some(weighing) = weighing.filter(|_| request.params.prior_correction != Some(false)) {
        let note = weighing.correct(&mut fitted.beta, fitted.outputs);
        fitted.report.notes.extend(note);
    }
    let task = learned.target.task();
    let model = LinearModel {
        task,
        outputs,
        beta: fitted.beta,
    };
    let average_contributions = average_contributions(&sums, &model, &learned, schema.attributes.len());
    data.records.check().map_err(LearnError::from)?;
    // The rows are not needed any more, and what follows takes memory too.
    drop(data);
    let training = TrainingFacts {
        rows: learned.rows,
        unknown_target: learned.unknown_target,
        rejected: learned.rejected,
        split: part_of(request),
        params: request.params.clone(),
        refit: false,
        reproducible: fitted.report.stopped != OUT_OF_TIME,
        data_sha256: request.data_sha256.clone(),
        program: env!("CARGO_PKG_VERSION").to_string(),
        class_rows: learned.class_rows,
        target_mean: learned.target_mean,
        earlier: request.earlier.as_ref().map(|bundle| bundle.hash()),
    };
    let fields = make_fields(&schema, &learned.featurizer);
    let document = BundleDocument {
        schema,
        recipe,
        featurizer: learned.featurizer,
        target: learned.target,
        threshold: THRESHOLD,
        outputs,
        average_contributions,
        solver: fitted.report,
        training,
        golden: Vec::new(),
    };
    let mut bundle = Bundle {
        document,
        beta: model.beta,
        provenance: Provenance {
            weights: Some(weights),
            ..Provenance::default()
        },
    };
    add_golden_rows(&mut bundle, fields)?;
    Ok(bundle)
}

fn add_golden_rows(bundle: &mut Bundle, fields: Vec<Vec<String>>) -> Result<(), PipelineError> {
    let predictor = Predictor::new(bundle)?;
    let mut scratch = Scratch::default();
    bundle.document.golden = fields
        .into_iter()
        .map(|fields| {
            predictor.score(
                &Record::from_fields(fields.iter().map(String::as_str)),
                &mut scratch,
            );
            GoldenRow {
                fields,
                scores: scratch.scores.clone(),
            }
        })
        .collect();
    Ok(())
}

/// What each attribute adds to each margin on average over the training rows.
fn average_contributions(sums: &Sums, model: &LinearModel, learned: &Learned, attributes: usize) -> Vec<f64> {
    let mut averages = vec![0.0; attributes * model.outputs];
    let terms = learned.featurizer.recipe_terms();
    let attributes_of: Vec<Vec<usize>> = terms.iter().map(|term| term.attributes()).collect();
    for (feature, term) in learned.featurizer.term_of_features().into_iter().enumerate() {
        let of = &attributes_of[term as usize];
        let mean = sums.totals[feature] / learned.rows.max(1) as f64 / of.len() as f64;
        for (output, weight) in model.weights(feature).iter().enumerate() {
            of.iter()
                .for_each(|&attribute| averages[attribute * model.outputs + output] += mean * weight);
        }
    }
    averages
}

fn warnings(
    learned: &Learned,
    featurizer: &Featurizer,
    statistics: &TableStatistics,
    insights: &[Insight],
) -> Vec<String> {
    let mut warnings: Vec<String> = insights.iter().map(|insight| insight.message.clone()).collect();
    if learned.unknown_target > 0 {
        warnings.push(format!(
            "{} training rows were left out because their target is missing or unreadable; fill it in, or remove them",
            learned.unknown_target
        ));
    }
    warnings.extend(statistics.problems.warning());
    warnings.extend(learned.featurizer.space.warning());
    if featurizer.features() as u64 > learned.rows {
        warnings.push(format!(
            "there are more features ({}) than rows ({}); trust the evaluation only with many held-out rows",
            featurizer.features(),
            learned.rows
        ));
    }
    warnings
}
