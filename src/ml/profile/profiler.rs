//! Profiles a whole table in one pass, columns side by side on all threads.

use rayon::prelude::*;

use super::column::ColumnProfile;
use super::dates::DateProfile;
use super::duplicates::{RowContents, identifier_like};
use super::sample::RowSample;
use crate::ml::date::DateFormat;
use crate::ml::ingest::{Batch, IngestError, Problems, RecordReader, for_each_batch};
use crate::ml::observe::{Observer, Stage};
use crate::ml::record::Record;
use crate::ml::schema::Schema;
use crate::ml::split::Selector;

/// Evidence about some rows of a table.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Evidence for each column.
    pub profiles: Vec<ColumnProfile>,
    /// A sample of whole rows.
    pub sample: RowSample,
    /// Which rows are copies of each other.
    pub contents: RowContents,
    /// Rows profiled.
    pub rows: u64,
}

impl Profile {
    /// An empty profile of a table with these columns; `schema` tells listed missing words and known
    /// formats of dates.
    pub fn new(columns: &[String], schema: Option<&Schema>) -> Self {
        let column = |name: &String| {
            let attribute = schema.and_then(|schema| schema.attributes.iter().find(|a| a.name == *name));
            let listed = attribute.map_or(&[] as &[String], |attribute| &attribute.missing_values);
            let mut column = ColumnProfile::new(columns.len(), listed);
            let format = attribute.and_then(|attribute| attribute.date_format.as_deref());
            if let Some(format) = format.and_then(|format| DateFormat::new(format).ok()) {
                column.dates = DateProfile::of_format(format);
            }
            column
        };
        Self {
            columns: columns.to_vec(),
            profiles: columns.iter().map(column).collect(),
            sample: RowSample::default(),
            contents: RowContents::default(),
            rows: 0,
        }
    }

    fn add(&mut self, records: &[&Record]) {
        self.rows += records.len() as u64;
        records.iter().for_each(|record| self.sample.add(record));
        self.contents.add(records);
        self.profiles
            .par_iter_mut()
            .enumerate()
            .for_each(|(column, profile)| {
                records
                    .iter()
                    .for_each(|record| profile.add(record.position.line, record.get(column)));
            });
    }

    /// Adds everything another profile of the same table has seen.
    pub fn merge(&mut self, other: Profile) {
        self.rows += other.rows;
        self.sample.merge(other.sample);
        self.contents.merge(other.contents);
        self.profiles
            .iter_mut()
            .zip(other.profiles)
            .for_each(|(mine, theirs)| mine.merge(theirs));
    }
}

/// Evidence about a table, the rows that a split selects apart from the others.
#[derive(Debug)]
pub struct Profiler {
    /// The selected rows.
    pub selected: Profile,
    /// The other rows.
    pub others: Profile,
    /// Rows that could not be read.
    pub problems: Problems,
    /// Whether the file names its columns in the first line.
    pub has_header: bool,
    /// Bytes of the source.
    pub bytes: u64,
}

impl Profiler {
    /// Reads every row of `reader`. `total_bytes` of source are expected, for progress.
    ///
    /// Fails when the source cannot be read, has no rows, or has too many bad ones.
    pub fn read(
        reader: RecordReader,
        total_bytes: u64,
        schema: Option<&Schema>,
        split: &Selector,
        observer: &mut dyn Observer,
    ) -> Result<Self, IngestError> {
        let counted = reader.byte_count();
        let mut profiler = Self {
            selected: Profile::new(reader.columns(), schema),
            others: Profile::new(reader.columns(), schema),
            problems: Problems::default(),
            has_header: reader.has_header(),
            bytes: 0,
        };
        let mut seen = 0;
        for_each_batch(reader, total_bytes, Stage::Profile, observer, |batch| {
            seen += batch.records().len() as u64;
            profiler.add(batch, split);
            profiler.problems.check(seen, false)
        })?;
        profiler.problems.check(seen, true)?;
        if seen == 0 {
            return Err(IngestError::HeaderOnly);
        }
        profiler.bytes = counted.get();
        Ok(profiler)
    }

    fn add(&mut self, batch: &Batch, split: &Selector) {
        self.problems.add(&batch.problems);
        let good = batch
            .records()
            .iter()
            .enumerate()
            .filter(|(index, _)| !batch.is_bad(*index))
            .map(|(_, record)| record);
        if self.selected.rows + self.others.rows == 0 {
            self.leave_out_identifiers(&good.clone().collect::<Vec<_>>());
        }
        let (selected, others): (Vec<&Record>, Vec<&Record>) = good.partition(|record| split.selects(record));
        self.selected.add(&selected);
        self.others.add(&others);
    }

    /// Judges on the first rows which columns do not count when rows are compared.
    fn leave_out_identifiers(&mut self, first: &[&Record]) {
        let marked = identifier_like(&self.selected.columns, first);
        self.selected.contents.skip(marked.clone());
        self.others.contents.skip(marked);
    }

    /// Evidence about all rows, selected or not: what types are decided from.
    pub fn all(&self) -> Profile {
        let mut all = self.selected.clone();
        all.merge(self.others.clone());
        all
    }
}
