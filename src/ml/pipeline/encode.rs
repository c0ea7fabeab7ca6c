//! The second pass over the training rows turns them into a design. Where the first ([`super::first_pass`]) could keep the
//! rows as it read them, it needs no source (`replay`).

use std::collections::HashMap;

use super::error::PipelineError;
use super::replay::{Kept, replay};
use super::table::Table;
use super::weighing::weight_of;
use crate::ml::columns::ColumnMap;
use crate::ml::features::{FeatureVector, Featurizer};
use crate::ml::ingest::{Batch, Lane, Told, Wanted, flow};
use crate::ml::learn::{Design, DesignBuilder, Groups, LearnError, Overflow, Shard, Targets};
use crate::ml::observe::{Observer, Stage};
use crate::ml::pool::Pool;
use crate::ml::recipe::term_expression;
use crate::ml::record::Record;
use crate::ml::schema::Schema;
use crate::ml::split::Selector;
use crate::ml::target::{Target, Truth};

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

impl TrainingRows<'_> {
    /// Goes through the table: `work` on the rows of a batch in any order, `lanes` in file order.
    pub(super) fn flow<T: Default + Send + Sync>(
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
    pub(super) fn selected<'b>(&self, batch: &'b Batch) -> impl Iterator<Item = (usize, &'b Record)> {
        batch
            .good_records()
            .filter(|(_, record)| self.split.selects(record))
    }

    pub(super) fn truth<'r>(&self, target: &Target, record: &'r Record) -> Truth<'r> {
        target.read(
            record.get(self.target),
            &self.schema.attributes[self.target].missing_values,
        )
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
    pub(super) fn new(builder: DesignBuilder) -> Self {
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
    pub(super) fn finish(self, target: &Target) -> Result<(Design, Targets, Vec<f64>), PipelineError> {
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
