//! The first pass over the training rows: it learns the featurizer and the classes, and keeps the rows as it read them where
//! there is room.

use super::encode::TrainingRows;
use super::error::PipelineError;
use super::replay::Kept;
use super::tally::{Truths, settle_classes};
use crate::ml::columns::ColumnMap;
use crate::ml::features::{Chunk, FeaturizerFit, FeaturizerState, Workspace};
use crate::ml::ingest::{Batch, Lane};
use crate::ml::observe::{Observer, Stage};
use crate::ml::pool::Pool;
use crate::ml::recipe::Term;
use crate::ml::record::Record;
use crate::ml::target::{Target, Truth};

/// Lanes for each thread, so that a slow one does not keep the others waiting.
const LANES: usize = 8;

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
    /// First pass: learns the featurizer, with at most as many features as `most_features` allows for so many weights of
    /// each, and the classes or mean of the target. `target` is the target as far as it is known; the classes of a
    /// multiclass target are those of the training rows, the most frequent first, ties in byte order. The rows are read once
    /// more where the recipe multiplies bins.
    pub fn learn(
        &self,
        terms: &[Term],
        most_features: &dyn Fn(usize) -> usize,
        target: Target,
        observer: &mut dyn Observer,
    ) -> Result<Learned, PipelineError> {
        let target = match target {
            Target::Multiclass { .. } => Target::Multiclass { classes: Vec::new() },
            known => known,
        };
        let fit = FeaturizerFit::new(terms, self.schema, most_features(1));
        // What a row counts is read with it.
        let room = match self.schema.row_weight {
            Some(_) => 0,
            None => self.room,
        };
        let fit = fit.keeping(room);
        let mut fit = fit.with_repeats(|attribute| *self.distinct.get(attribute)?);
        let (mut truths, mut rejected) = (Truths::new(&target, fit.room()), 0);
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
