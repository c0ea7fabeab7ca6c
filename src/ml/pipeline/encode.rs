//! The two passes over the training rows: the first learns the featurizer and the classes, the second
//! turns rows into a design. Where the first could keep the rows as it read them, the second needs no source.

use std::collections::HashMap;

use super::error::PipelineError;
use super::replay::{Kept, replay};
use super::table::Table;
use super::tally::{Truths, settle_classes};
use super::weighing::weight_of;
use crate::ml::columns::ColumnMap;
use crate::ml::features::{Chunk, FeatureVector, Featurizer, FeaturizerFit, FeaturizerState, Workspace};
use crate::ml::ingest::{Batch, Lane, Told, Wanted, flow};
use crate::ml::learn::{Design, DesignBuilder, Groups, LearnError, Overflow, Shard, Targets};
use crate::ml::observe::{Observer, Stage};
use crate::ml::pool::Pool;
use crate::ml::recipe::{Term, term_expression};
use crate::ml::record::Record;
use crate::ml::schema::Schema;
use crate::ml::split::Selector;
use crate::ml::target::{Target, Truth};

/// Lanes for each thread, so that a slow one does not keep the others waiting.
const LANES: usize = 8;

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
    /// Of how many distinct values an attribute is, and on how many rows, as far as it is known.
    pub distinct: Vec<Option<(u64, u64)>>,
    /// Bytes that the rows may take which the first pass keeps for the second.
    pub room: usize,
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
    /// The rows, where all were kept.
    pub kept: Option<Kept>,
}

impl TrainingRows<'_> {
    /// Goes through the table: `work` on the rows of a batch in any order, `lanes` in file order.
    fn flow<T: Default + Send + Sync>(
        &self,
        (stage, observer): (Stage, &mut dyn Observer),
        work: impl Fn(&ColumnMap, &Batch, &mut T) -> Result<(), PipelineError> + Sync,
        lanes: Vec<Lane<'_, T, PipelineError>>,
    ) -> Result<(), PipelineError> {
        let reader = self.table.records()?;
        let named = [Some(self.target), self.schema.row_weight_index()];
        let required: Vec<usize> = self.schema.inputs().chain(named.into_iter().flatten()).collect();
        let columns = ColumnMap::new(self.schema, reader.columns(), reader.has_header(), &required)?;
        let told = Told {
            total_bytes: self.table.bytes(),
            stage,
            observer,
        };
        let work = |batch: &Batch, made: &mut T| work(&columns, batch, made);
        flow(reader, Wanted::Records, told, work, lanes)
    }

    /// The readable rows of a batch to learn from, with their numbers in it.
    fn selected<'b>(&self, batch: &'b Batch) -> impl Iterator<Item = (usize, &'b Record)> {
        batch
            .good_records()
            .filter(|(_, record)| self.split.selects(record))
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
        let fit = FeaturizerFit::new(terms, self.schema, most_features(1));
        // What a row counts is read with it.
        let room = match self.schema.row_weight {
            Some(_) => 0,
            None => self.room,
        };
        let fit = fit.keeping(room);
        let mut fit = fit.with_repeats(|attribute| *self.distinct.get(attribute)?);
        let (mut truths, mut rejected) = (Truths::new(&target, room > 0), 0);
        let counted: Lane<Read, PipelineError> = Box::new(|batch, read| {
            let problems = batch.problems.iter().filter(|problem| problem.1);
            rejected += problems.count() as u64;
            truths.unknown += read.unknown;
            let rows = read.rows(batch);
            rows.into_iter()
                .for_each(|record| truths.add(self.truth(&target, record)));
            Ok(())
        });
        self.learn_once(&mut fit, &target, vec![counted], observer)?;
        if fit.next_pass() {
            self.learn_once(&mut fit, &target, Vec::new(), observer)?;
        }
        let active_per_row = fit.active_per_row();
        let mut of_rows = truths.of_rows;
        let (target, class_rows) = settle_classes(target, truths.counts, truths.labels, &mut of_rows);
        let outputs = if class_rows.len() > 2 { class_rows.len() } else { 1 };
        fit.allow(most_features(outputs));
        let (featurizer, rows) = fit.freeze_and_keep();
        Ok(Learned {
            featurizer,
            target,
            class_rows,
            target_mean: truths.numbers.mean,
            rows: truths.rows,
            unknown_target: truths.unknown,
            rejected,
            active_per_row,
            kept: rows.map(|rows| Kept { rows, of_rows }),
        })
    }

    /// One pass of [`TrainingRows::learn`].
    fn learn_once<'a>(
        &'a self,
        fit: &'a mut FeaturizerFit,
        target: &Target,
        mut lanes: Vec<Lane<'a, Read, PipelineError>>,
        observer: &mut dyn Observer,
    ) -> Result<(), PipelineError> {
        let (reading, parts) = fit.lanes(LANES * rayon::current_num_threads());
        lanes.extend(parts.into_iter().map(|mut part| {
            let lane: Lane<Read, PipelineError> = Box::new(move |batch, read| {
                let rows = match part.reads_rows() {
                    true => read.rows(batch),
                    false => Vec::new(),
                };
                part.add(&rows, &read.chunk);
                Ok(())
            });
            lane
        }));
        let buffers = Pool::new(Workspace::default);
        let work = |columns: &ColumnMap, batch: &Batch, read: &mut Read| {
            let is_known = |record: &Record| !matches!(self.truth(target, record), Truth::Unknown);
            read.pick(columns, self.selected(batch), is_known);
            let mut chunk = std::mem::take(&mut read.chunk);
            buffers.with(|workspace| reading.read(&read.rows(batch), workspace, &mut chunk));
            read.chunk = chunk;
            Ok(())
        };
        self.flow((Stage::Featurize, observer), work, lanes)
    }

    /// Second pass: the features and truths of the rows that the first pass learned from, and how much each says it
    /// counts; nothing where the schema names no weight.
    /// Features that come together are joined where so many rows are expected. Rows leave memory as `overflow` says.
    /// They are read again unless the first pass `kept` them.
    pub fn encode(
        &self,
        featurizer: &Featurizer,
        (target, rows): (&Target, u64),
        (kept, overflow): (Option<Kept>, Option<Overflow>),
        observer: &mut dyn Observer,
    ) -> Result<(Design, Targets, Vec<f64>), PipelineError> {
        let builder = DesignBuilder::new(featurizer.dense(), featurizer.sparse())
            .with_groups(groups(featurizer, self.schema))
            .with_joints(target.outputs(), rows)
            .with_overflow(overflow);
        let mut gathered = Gathered::new(builder);
        match kept {
            Some(kept) => replay(&kept, featurizer, &mut gathered, observer)?,
            None => self.read_again(featurizer, target, &mut gathered, observer)?,
        }
        gathered.finish(target)
    }

    /// The rows of the source, encoded.
    fn read_again(
        &self,
        featurizer: &Featurizer,
        target: &Target,
        gathered: &mut Gathered,
        observer: &mut dyn Observer,
    ) -> Result<(), PipelineError> {
        let weight = self
            .schema
            .row_weight_index()
            .zip(self.schema.row_weight.as_deref());
        let buffers = Pool::new(|| (featurizer.remembering(), FeatureVector::default(), Record::new()));
        let encode = |columns: &ColumnMap, batch: &Batch, encoded: &mut Encoded| {
            encoded.clear();
            buffers.with(|(workspace, features, aligned)| {
                for (_, record) in self.selected(batch) {
                    let record = columns.align(record, aligned);
                    if encoded.add_truth(self.truth(target, record)) {
                        featurizer.apply(record, workspace, features);
                        encoded.rows.push(&features.dense, &features.active);
                        if let Some((index, column)) = weight {
                            encoded.weights.push(weight_of(record, index, column)?);
                        }
                    }
                }
                Ok(())
            })
        };
        let taken: Lane<Encoded, PipelineError> = Box::new(|_, encoded| gathered.take(encoded));
        self.flow((Stage::Encode, observer), encode, vec![taken])
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

/// What the first pass reads of a batch.
#[derive(Default)]
struct Read {
    /// The rows with a usable target: their numbers in the batch, where its columns are in schema order.
    picked: Vec<u32>,
    /// Otherwise their copies in schema order, the first so many of these.
    copies: Vec<Record>,
    copied: usize,
    /// Rows without a usable target.
    unknown: u64,
    chunk: Chunk,
}

impl Read {
    fn pick<'r>(
        &mut self,
        columns: &ColumnMap,
        rows: impl Iterator<Item = (usize, &'r Record)>,
        is_known: impl Fn(&Record) -> bool,
    ) {
        self.picked.clear();
        (self.copied, self.unknown) = (0, 0);
        for (row, record) in rows {
            if columns.is_in_order() {
                match is_known(record) {
                    true => self.picked.push(row as u32),
                    false => self.unknown += 1,
                }
                continue;
            }
            if self.copies.len() == self.copied {
                self.copies.push(Record::new());
            }
            match is_known(columns.align(record, &mut self.copies[self.copied])) {
                true => self.copied += 1,
                false => self.unknown += 1,
            }
        }
    }

    /// The rows, in schema order.
    fn rows<'b>(&'b self, batch: &'b Batch) -> Vec<&'b Record> {
        let records = batch.records();
        let picked = self.picked.iter().map(|&row| &records[row as usize]);
        picked.chain(&self.copies[..self.copied]).collect()
    }
}

/// What comes of some rows.
#[derive(Default)]
pub(super) struct Encoded {
    pub(super) rows: Shard,
    classes: Vec<u32>,
    values: Vec<f64>,
    weights: Vec<f64>,
}

impl Encoded {
    fn clear(&mut self) {
        self.rows.clear();
        self.classes.clear();
        self.values.clear();
        self.weights.clear();
    }

    /// Adds what is true of a row; false where nothing can be learned from that.
    pub(super) fn add_truth(&mut self, truth: Truth<'_>) -> bool {
        match truth {
            Truth::Class(class) => self.classes.push(class as u32),
            Truth::Value(value) => self.values.push(value),
            Truth::UnseenClass(_) | Truth::Unknown => return false,
        }
        true
    }
}

/// What came of all rows so far.
pub(super) struct Gathered {
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
    pub(super) fn take(&mut self, encoded: &Encoded) -> Result<(), PipelineError> {
        self.builder.append(&encoded.rows);
        self.classes.extend_from_slice(&encoded.classes);
        self.values.extend_from_slice(&encoded.values);
        self.weights.extend_from_slice(&encoded.weights);
        match self.builder.failure() {
            Some(failure) => Err(LearnError::from(failure.clone()).into()),
            None => Ok(()),
        }
    }
    /// The design, the truths of its rows for this target, and how much they count.
    fn finish(self, target: &Target) -> Result<(Design, Targets, Vec<f64>), PipelineError> {
        let classes_of_rows = |classes| Targets::Classes {
            classes,
            of_row: self.classes,
        };
        let targets = match target {
            Target::Regression => Targets::Values(self.values),
            Target::Binary { .. } => classes_of_rows(2),
            Target::Multiclass { classes } => classes_of_rows(classes.len()),
        };
        let design = self.builder.build();
        design.check().map_err(LearnError::from)?;
        Ok((design, targets, self.weights))
    }
}
