//! The two passes over the training rows: the first learns the featurizer and the classes, the second
//! turns rows into a design.

use std::collections::HashMap;

use rayon::prelude::*;

use super::error::PipelineError;
use super::table::Table;
use super::weighing::weight_of;
use crate::ml::columns::ColumnMap;
use crate::ml::features::{FeatureVector, Featurizer, FeaturizerFit, FeaturizerState, Workspace};
use crate::ml::ingest::batch::LONGEST_RECYCLED;
use crate::ml::ingest::{Batch, Problems, for_each_batch};
use crate::ml::learn::{Design, DesignBuilder, Groups, LearnError, Overflow, Shard, Targets};
use crate::ml::moments::Moments;
use crate::ml::observe::{Observer, Stage};
use crate::ml::pool::Pool;
use crate::ml::recipe::{Term, term_expression};
use crate::ml::record::Record;
use crate::ml::schema::Schema;
use crate::ml::split::Selector;
use crate::ml::target::{Target, Truth};

/// Rows that one thread encodes at a time.
const CHUNK_ROWS: usize = 256;

/// The training rows of a table.
pub struct TrainingRows<'a> {
    /// The table.
    pub table: &'a dyn Table,
    /// Types of its attributes; the target is set.
    pub schema: &'a Schema,
    /// Position of the target in the schema.
    pub target: usize,
    /// Which rows to learn from.
    pub split: &'a Selector,
}

/// What the first pass learned.
pub struct Learned {
    /// The featurizer's state.
    pub featurizer: FeaturizerState,
    /// The target with its final classes.
    pub target: Target,
    /// For classes: rows of each, in class order.
    pub class_rows: Vec<u64>,
    /// For numbers: their mean.
    pub target_mean: f64,
    /// Rows learned from.
    pub rows: u64,
    /// Rows without a usable target.
    pub unknown_target: u64,
    /// Rows that could not be read.
    pub rejected: u64,
    /// Active features of a row on average, before any were dropped.
    pub active_per_row: f64,
}

impl TrainingRows<'_> {
    /// Calls `work` with the selected, readable rows of each batch, in schema order and file order.
    /// Returns the problems found.
    fn for_each(
        &self,
        stage: Stage,
        observer: &mut dyn Observer,
        mut work: impl FnMut(&[&Record]) -> Result<(), PipelineError>,
    ) -> Result<Problems, PipelineError> {
        let reader = self.table.records()?;
        let named = [Some(self.target), self.schema.row_weight_index()];
        let required: Vec<usize> = self.schema.inputs().chain(named.into_iter().flatten()).collect();
        let columns = ColumnMap::new(self.schema, reader.columns(), reader.has_header(), &required)?;
        let mut problems = Problems::default();
        let mut buffers: Vec<Record> = Vec::new();
        for_each_batch(reader, self.table.bytes(), stage, observer, |batch| {
            batch
                .problems
                .iter()
                .filter(|problem| problem.1)
                .for_each(|problem| problems.reject(problem.2.clone()));
            let selected = self.select(batch);
            if buffers.len() < selected.len() {
                buffers.resize_with(selected.len(), Record::new);
            }
            let aligned: Vec<&Record> = selected
                .iter()
                .zip(buffers.iter_mut())
                .map(|(record, buffer)| columns.align(record, buffer))
                .collect();
            let done = work(&aligned);
            if batch.longest_row() > LONGEST_RECYCLED {
                buffers.clear();
            }
            done
        })?;
        Ok(problems)
    }

    fn select<'b>(&self, batch: &'b Batch) -> Vec<&'b Record> {
        let good = batch
            .records()
            .iter()
            .enumerate()
            .filter(|(index, _)| !batch.is_bad(*index));
        good.map(|(_, record)| record)
            .filter(|record| self.split.selects(record))
            .collect()
    }

    fn truth<'r>(&self, target: &Target, record: &'r Record) -> Truth<'r> {
        target.read(
            record.get(self.target),
            &self.schema.attributes[self.target].missing_values,
        )
    }

    /// First pass: learns the featurizer, with at most as many features as `most_features` allows for so many weights of
    /// each, and the classes or mean of the target. `target` is the target as far as it is known; the classes of a multiclass target are those of
    /// the training rows, the most frequent first, ties in byte order. The rows are read once more where the
    /// recipe multiplies bins.
    pub fn learn(
        &self,
        terms: &[Term],
        most_features: &dyn Fn(usize) -> usize,
        target: Target,
        observer: &mut dyn Observer,
    ) -> Result<Learned, PipelineError> {
        let mut fit = FeaturizerFit::new(terms, self.schema, most_features(1));
        let mut truths = Truths::default();
        let problems = self.for_each(Stage::Featurize, observer, |records| {
            let known: Vec<&Record> = records
                .iter()
                .copied()
                .filter(|record| truths.add(self.truth(&target, record)))
                .collect();
            fit.add(&known);
            Ok(())
        })?;
        if fit.next_pass() {
            self.for_each(Stage::Featurize, observer, |records| {
                let is_known = |record: &&Record| !matches!(self.truth(&target, record), Truth::Unknown);
                let known: Vec<&Record> = records.iter().copied().filter(is_known).collect();
                fit.add(&known);
                Ok(())
            })?;
        }
        let active_per_row = fit.active_per_row();
        let (target, class_rows) = settle_classes(target, truths.counts, truths.labels);
        let outputs = if class_rows.len() > 2 { class_rows.len() } else { 1 };
        fit.allow(most_features(outputs));
        Ok(Learned {
            featurizer: fit.freeze(),
            target,
            class_rows,
            target_mean: truths.numbers.mean,
            rows: truths.rows,
            unknown_target: truths.unknown,
            rejected: problems.rejected,
            active_per_row,
        })
    }

    /// Second pass: the features and truths of the rows that the first pass learned from, and how much each says it
    /// counts; nothing where the schema names no weight.
    /// Rows leave memory as `overflow` says.
    pub fn encode(
        &self,
        featurizer: &Featurizer,
        target: &Target,
        overflow: Option<Overflow>,
        observer: &mut dyn Observer,
    ) -> Result<(Design, Targets, Vec<f64>), PipelineError> {
        let weight = self
            .schema
            .row_weight_index()
            .zip(self.schema.row_weight.as_deref());
        let builder = DesignBuilder::new(featurizer.dense(), featurizer.sparse())
            .with_groups(groups(featurizer, self.schema))
            .with_overflow(overflow);
        let mut gathered = Gathered::new(builder);
        let buffers = Pool::new(|| (featurizer.remembering(), FeatureVector::default()));
        let mut encoded: Vec<Result<Encoded, PipelineError>> = Vec::new();
        self.for_each(Stage::Encode, observer, |records| {
            // What was encoded before is put together by this thread while the others encode.
            let before = std::mem::take(&mut encoded);
            rayon::in_place_scope(|scope| {
                scope.spawn(|_| {
                    let chunks = records.par_chunks(CHUNK_ROWS);
                    let encode = |chunk| {
                        buffers.with(|buffers| self.encode_rows(chunk, featurizer, target, weight, buffers))
                    };
                    encoded = chunks.map(encode).collect();
                });
                gathered.take(before)
            })
        })?;
        gathered.take(encoded)?;
        let Gathered {
            builder,
            classes,
            values,
            weights,
        } = gathered;
        let targets = match target {
            Target::Regression => Targets::Values(values),
            Target::Binary { .. } => Targets::Classes {
                classes: 2,
                of_row: classes,
            },
            Target::Multiclass { classes: labels } => Targets::Classes {
                classes: labels.len(),
                of_row: classes,
            },
        };
        let design = builder.build();
        design.check().map_err(LearnError::from)?;
        Ok((design, targets, weights))
    }

    fn encode_rows(
        &self,
        records: &[&Record],
        featurizer: &Featurizer,
        target: &Target,
        weight: Option<(usize, &str)>,
        (workspace, features): &mut (Workspace, FeatureVector),
    ) -> Result<Encoded, PipelineError> {
        let mut encoded = Encoded::default();
        for record in records {
            match self.truth(target, record) {
                Truth::Class(class) => encoded.classes.push(class as u32),
                Truth::Value(value) => encoded.values.push(value),
                Truth::UnseenClass(_) | Truth::Unknown => continue,
            }
            featurizer.apply(record, workspace, features);
            encoded.rows.push(&features.dense, &features.active);
            if let Some((index, column)) = weight {
                encoded.weights.push(weight_of(record, index, column)?);
            }
        }
        Ok(encoded)
    }
}

/// Features of one term are held back alike. Terms with a single feature are too little by themselves: numbers are one
/// group, and what is there or not is another.
fn groups(featurizer: &Featurizer, schema: &Schema) -> Groups {
    let state = featurizer.state();
    let (terms, term_of) = (state.recipe_terms(), state.term_of_features());
    let mut sizes = vec![0usize; terms.len()];
    term_of.iter().for_each(|&term| sizes[term as usize] += 1);
    let mut groups = Groups::default();
    let mut known: HashMap<Result<u32, bool>, u32> = HashMap::new();
    for (feature, &term) in term_of.iter().enumerate() {
        let is_number = feature < state.dense();
        let is_single = sizes[term as usize] == 1;
        let group = *known
            .entry(if is_single { Err(is_number) } else { Ok(term) })
            .or_insert_with_key(|key| {
                groups.names.push(match key {
                    Ok(term) => term_expression(&terms[*term as usize], schema),
                    Err(true) => "numbers".into(),
                    Err(false) => "flags".into(),
                });
                groups.names.len() as u32 - 1
            });
        groups.of_feature.push(group);
    }
    groups
}

/// Whether a row can be learned from.
/// What comes of some rows.
#[derive(Default)]
struct Encoded {
    rows: Shard,
    classes: Vec<u32>,
    values: Vec<f64>,
    weights: Vec<f64>,
}

/// What came of all rows so far.
struct Gathered {
    builder: DesignBuilder,
    classes: Vec<u32>,
    values: Vec<f64>,
    weights: Vec<f64>,
}

impl Gathered {
    fn new(builder: DesignBuilder) -> Self {
        Self {
            builder,
            classes: Vec::new(),
            values: Vec::new(),
            weights: Vec::new(),
        }
    }

    /// Adds rows in their order.
    fn take(&mut self, encoded: Vec<Result<Encoded, PipelineError>>) -> Result<(), PipelineError> {
        for encoded in encoded {
            let mut encoded = encoded?;
            self.builder.append(&encoded.rows);
            self.classes.append(&mut encoded.classes);
            self.values.append(&mut encoded.values);
            self.weights.append(&mut encoded.weights);
        }
        match self.builder.failure() {
            Some(failure) => Err(LearnError::from(failure.clone()).into()),
            None => Ok(()),
        }
    }
}

/// What is counted of the target.
#[derive(Default)]
struct Truths {
    labels: HashMap<String, u64>,
    counts: [u64; 2],
    numbers: Moments,
    rows: u64,
    unknown: u64,
}

impl Truths {
    /// Counts a truth. False when there is none, so that the row cannot be learned from.
    fn add(&mut self, truth: Truth<'_>) -> bool {
        match truth {
            Truth::Unknown => {
                self.unknown += 1;
                return false;
            }
            Truth::Class(class) => self.counts[class.min(1)] += 1,
            Truth::UnseenClass(label) => match self.labels.get_mut(label) {
                Some(count) => *count += 1,
                None => {
                    self.labels.insert(label.to_string(), 1);
                }
            },
            Truth::Value(value) => self.numbers.add(value),
        }
        self.rows += 1;
        true
    }
}

fn settle_classes(target: Target, counts: [u64; 2], labels: HashMap<String, u64>) -> (Target, Vec<u64>) {
    match target {
        Target::Multiclass { .. } => {
            let mut ranked: Vec<(String, u64)> = labels.into_iter().collect();
            ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            let (classes, rows) = ranked.into_iter().unzip();
            (Target::Multiclass { classes }, rows)
        }
        binary @ Target::Binary { .. } => (binary, counts.to_vec()),
        Target::Regression => (Target::Regression, Vec::new()),
    }
}
