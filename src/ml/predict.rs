//! The only way to a score: schema, featurizer and model together.

use super::Task;
use super::draft::Draft;
pub use super::features::TOGETHER;
use super::features::{FeatureVector, Featurizer, FieldNote, Workspace};
use super::lookup::Lookup;
use super::model::golden::{GoldenRow, agrees};
use super::model::linear::largest;
use super::model::{Bundle, BundleError, LinearModel};
use super::record::Record;
use super::schema::Schema;
use super::target::Target;

/// A loaded model, ready to score records in schema order. Shared between threads; each brings its own
/// [`Scratch`].
#[derive(Debug)]
pub struct Predictor {
    schema: Schema,
    /// Positions of the attributes that may be learned from.
    inputs: Vec<usize>,
    lookup: Lookup,
    target: Target,
    featurizer: Featurizer,
    model: LinearModel,
    average_contributions: Vec<f64>,
    threshold: f64,
    hash: String,
    /// The attributes of each term.
    attributes_of: Vec<Vec<usize>>,
}

/// Buffers for scoring; reuse them to score without allocating.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Features of the record scored last.
    pub features: FeatureVector,
    /// Scores of the record scored last: the probability of the positive label, one probability for each
    /// class, or the predicted number.
    pub scores: Vec<f64>,
    /// Why the record that was explained last got its score.
    pub explanation: Explanation,
    workspace: Workspace,
    margins: Vec<f64>,
    amounts: Vec<f64>,
}

impl Scratch {
    /// Bytes of all buffers, about.
    pub fn capacity(&self) -> usize {
        let numbers = self.scores.capacity() + self.margins.capacity() + self.amounts.capacity();
        self.workspace.capacity()
            + size_of::<f64>() * numbers
            + size_of::<(usize, f64)>() * self.explanation.contributions.capacity()
            + size_of::<f32>() * self.features.dense.capacity()
            + size_of::<u32>() * self.features.active.capacity()
    }
}

/// Why a record got its score: additive contributions on the user's own attributes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Explanation {
    /// The margin of an average training row: log-odds of the positive label, score of the predicted
    /// class, or the number.
    pub baseline: f64,
    /// What each input attribute adds, in schema order, as (position in the schema, amount). What a product of
    /// attributes adds is shared evenly among them.
    pub contributions: Vec<(usize, f64)>,
    /// The margin: baseline plus all contributions.
    pub margin: f64,
}

impl Scratch {
    /// Buffers for many records: texts that repeat themselves are looked at once.
    pub fn remembering(predictor: &Predictor) -> Self {
        Self {
            workspace: predictor.featurizer.remembering(),
            ..Self::default()
        }
    }
}

impl Predictor {
    /// Prepares a bundle for scoring. Fails when a golden row scores differently here.
    pub fn new(bundle: &Bundle) -> Result<Self, BundleError> {
        Self::with_threshold(bundle, None)
    }

    /// The same with another threshold than the bundle's.
    pub fn with_threshold(bundle: &Bundle, threshold: Option<f64>) -> Result<Self, BundleError> {
        let mut predictor = Self::of(bundle.clone(), bundle.hash())?;
        predictor.threshold = threshold.unwrap_or(predictor.threshold);
        Ok(predictor)
    }

    /// The same of a bundle that is not needed any more, and whose hash is known: nothing is copied.
    pub fn of(bundle: Bundle, hash: String) -> Result<Self, BundleError> {
        let mut document = bundle.document;
        document.featurizer.forget_rows();
        let terms = document.featurizer.recipe_terms();
        let predictor = Self {
            inputs: document.schema.inputs().collect(),
            lookup: Lookup::new(&document.schema),
            model: LinearModel {
                task: document.target.task(),
                outputs: document.outputs,
                beta: bundle.beta,
            },
            average_contributions: document.average_contributions,
            threshold: document.threshold,
            hash,
            attributes_of: terms.iter().map(|term| term.attributes()).collect(),
            featurizer: Featurizer::new(document.featurizer, &document.schema),
            target: document.target,
            schema: document.schema,
        };
        predictor.check_golden(&document.golden)?;
        Ok(predictor)
    }

    fn check_golden(&self, golden: &[GoldenRow]) -> Result<(), BundleError> {
        let mut scratch = Scratch::default();
        for (row, golden) in golden.iter().enumerate() {
            self.score(
                &Record::from_fields(golden.fields.iter().map(String::as_str)),
                &mut scratch,
            );
            let pairs = golden.scores.iter().zip(&scratch.scores);
            if let Some((&expected, &found)) = pairs
                .into_iter()
                .find(|(expected, found)| !agrees(**expected, **found))
            {
                return Err(BundleError::GoldenRowDiffers { row, expected, found });
            }
        }
        Ok(())
    }

    /// Types of the attributes.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// What is predicted.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The question the model answers.
    pub fn task(&self) -> Task {
        self.target.task()
    }

    /// Scores of at least this are answered with the positive label.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Positions of the attributes that may be learned from, ascending.
    pub fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    /// The positions of the attributes by name.
    pub fn lookup(&self) -> &Lookup {
        &self.lookup
    }

    /// The hash that names the model.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The featurizer.
    pub fn featurizer(&self) -> &Featurizer {
        &self.featurizer
    }

    /// Puts the scores of a record in schema order into `scratch`.
    pub fn score(&self, record: &Record, scratch: &mut Scratch) {
        self.featurizer
            .apply(record, &mut scratch.workspace, &mut scratch.features);
        self.model.score(&scratch.features, &mut scratch.scores);
    }

    /// Looks at what the next records, [`TOGETHER`] of them, will be looked up in, so that scoring them waits less. `field`
    /// gives the field of an attribute. Changes nothing.
    pub fn warm<'r>(
        &self,
        records: &'r [Record],
        field: impl Fn(&'r Record, usize) -> &'r str,
        scratch: &Scratch,
    ) {
        self.featurizer.warm(records, field, &scratch.workspace);
    }

    /// The same, with a remark on every odd field.
    pub fn score_noting(&self, record: &Record, scratch: &mut Scratch, note: impl FnMut(FieldNote)) {
        self.featurizer
            .apply_noting(record, &mut scratch.workspace, &mut scratch.features, note);
        self.model.score(&scratch.features, &mut scratch.scores);
    }

    /// The class answered for `scores`: 0 or 1 by the threshold, or the most probable one.
    pub fn class_of(&self, scores: &[f64]) -> usize {
        self.class_at(scores, self.threshold)
    }

    /// The same with another threshold than the model's own.
    pub fn class_at(&self, scores: &[f64], threshold: f64) -> usize {
        match self.task() {
            Task::Binary => usize::from(scores.first().is_some_and(|&score| score >= threshold)),
            Task::Multiclass => largest(scores),
            Task::Regression => 0,
        }
    }

    /// Why the record scored last got its score; for several classes, why the answered one.
    pub fn explain<'s>(&self, scratch: &'s mut Scratch) -> &'s Explanation {
        let answered = largest(&scratch.scores);
        // The one margin of two classes belongs to the second; for the first it counts the other way.
        let (output, sign) = match (self.task(), self.model.outputs) {
            (Task::Multiclass, 1) => (0, if answered == 0 { -1.0 } else { 1.0 }),
            (_, 1) => (0, 1.0),
            _ => (answered, 1.0),
        };
        let Scratch {
            features,
            explanation,
            margins,
            amounts,
            ..
        } = scratch;
        self.model.margins(features, margins);
        self.add_up(features, output, sign, amounts);
        let mut baseline = sign * self.model.intercepts()[output];
        let average =
            |attribute: usize| sign * self.average_contributions[attribute * self.model.outputs + output];
        explanation.contributions.clear();
        for &attribute in &self.inputs {
            baseline += average(attribute);
            let amount = amounts[attribute] - average(attribute);
            explanation.contributions.push((attribute, amount));
        }
        explanation.baseline = baseline;
        explanation.margin = sign * margins[output];
        explanation
    }

    /// What each attribute adds to the margin of an output. What comes from several attributes together is shared
    /// evenly among them.
    fn add_up(&self, features: &FeatureVector, output: usize, sign: f64, amounts: &mut Vec<f64>) {
        amounts.clear();
        amounts.resize(self.schema.attributes.len(), 0.0);
        let mut add = |feature: usize, x: f64| {
            let attributes = &self.attributes_of[self.featurizer.term_of(feature)];
            let share = sign * x * self.model.weights(feature)[output] / attributes.len() as f64;
            for &attribute in attributes {
                amounts[attribute] += share;
            }
        };
        let dense = features.dense.iter().enumerate();
        dense.for_each(|(feature, &x)| add(feature, f64::from(x)));
        let first = features.dense.len();
        features
            .active
            .iter()
            .for_each(|&id| add(first + id as usize, 1.0));
    }

    /// Begins a record that is put together field by field.
    pub fn begin(&self, draft: &mut Draft) {
        draft.begin(self.schema.attributes.len());
    }
}
