//! Profiles a whole table in one pass, columns side by side on all threads.
//!
//! Columns know nothing of each other, and rows are compared by the hashes of their fields: neither how columns are
//! grouped nor which thread is ahead changes a result.

use rayon::prelude::*;

use super::column::{CHUNK_ROWS, ColumnProfile};
use super::dates::DateProfile;
use super::duplicates::{RowContents, identifier_like};
use super::sample::RowSample;
use crate::ml::date::DateFormat;
use crate::ml::ingest::{Batch, IngestError, Lane, Problems, RecordReader, Rows, Told, Wanted, flow};
use crate::ml::observe::{Observer, Stage};
use crate::ml::quantile::level_of;
use crate::ml::record::Record;
use crate::ml::schema::Schema;
use crate::ml::split::Selector;

/// Groups of columns for each thread, so that a slow one does not keep the others waiting. Neighbouring columns share
/// cache lines, so they are not taken one by one.
const GROUPS: usize = 4;

/// Rows on which it is judged which columns only name rows.
const FIRST_ROWS: usize = 4096;

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

    /// The rows as wholes, and the columns.
    fn by_row(&mut self) -> (WholeRows<'_>, &mut [ColumnProfile]) {
        let rows = WholeRows {
            columns: &self.columns,
            sample: &mut self.sample,
            contents: &mut self.contents,
            rows: &mut self.rows,
        };
        (rows, &mut self.profiles)
    }

    fn settle(&mut self) {
        self.profiles.par_iter_mut().for_each(ColumnProfile::settle);
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
    /// The columns whose names held bytes that are not UTF-8, ascending.
    pub mended_names: Vec<usize>,
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
            mended_names: reader.mended_names().to_vec(),
            bytes: 0,
        };
        let check = match schema {
            Some(_) => Problems::check,
            None => Problems::check_guess,
        };
        let told = Told {
            total_bytes,
            stage: Stage::Profile,
            observer,
        };
        let mut seen = 0;
        flow(
            reader,
            Wanted::Hashes,
            told,
            |batch: &Batch, parted: &mut Parted| -> Result<(), IngestError> {
                parted.fill(batch, split);
                Ok(())
            },
            profiler.lanes(&mut seen, check),
        )?;
        check(&profiler.problems, seen, true)?;
        if seen == 0 {
            return Err(IngestError::HeaderOnly);
        }
        profiler.selected.settle();
        profiler.others.settle();
        profiler.bytes = counted.get();
        Ok(profiler)
    }

    /// One lane for whole rows, and one for each group of columns.
    fn lanes<'a>(&'a mut self, seen: &'a mut u64, check: Check) -> Vec<Lane<'a, Parted, IngestError>> {
        let together = (self.selected.columns.len() / (GROUPS * rayon::current_num_threads())).max(1);
        let (mut selected, selected_columns) = self.selected.by_row();
        let (mut others, others_columns) = self.others.by_row();
        let problems = &mut self.problems;
        let whole_rows: Lane<Parted, IngestError> = Box::new(move |batch, parted| {
            problems.add(&batch.problems);
            if *selected.rows + *others.rows == 0 {
                let marked = identifiers(selected.columns, batch.rows(), &parted.good);
                selected.contents.skip(marked.clone());
                others.contents.skip(marked);
            }
            selected.add(batch, &parted.selected);
            others.add(batch, &parted.others);
            *seen += batch.rows().len() as u64;
            check(problems, *seen, false)
        });
        let groups = selected_columns
            .chunks_mut(together)
            .zip(others_columns.chunks_mut(together));
        let of_group = groups.enumerate().map(|(group, (mine, theirs))| {
            let lane: Lane<Parted, IngestError> = Box::new(move |batch, parted| {
                add_columns(mine, group * together, batch, &parted.selected, &parted.levels);
                add_columns(theirs, group * together, batch, &parted.others, &parted.levels);
                Ok(())
            });
            lane
        });
        std::iter::once(whole_rows).chain(of_group).collect()
    }

    /// Evidence about the columns in all rows: what types are decided from. `None` when all rows are selected.
    /// Whole rows are compared part by part, so it holds none of those.
    pub fn all(&self) -> Option<Profile> {
        if self.others.rows == 0 {
            return None;
        }
        let both = self.selected.profiles.par_iter().zip(&self.others.profiles);
        Some(Profile {
            columns: self.selected.columns.clone(),
            profiles: both
                .map(|(mine, theirs)| {
                    let mut all = mine.clone();
                    all.merge(theirs.clone());
                    all
                })
                .collect(),
            sample: RowSample::default(),
            contents: RowContents::default(),
            rows: self.selected.rows + self.others.rows,
        })
    }
}

/// Fails where too many rows are bad: after so many rows, and whether those are all.
type Check = fn(&Problems, u64, bool) -> Result<(), IngestError>;

/// Which rows of a batch belong to which part.
#[derive(Default)]
struct Parted {
    good: Vec<u32>,
    selected: Vec<u32>,
    others: Vec<u32>,
    /// Of all rows ([`level_of`]).
    levels: Vec<u8>,
}

impl Parted {
    fn fill(&mut self, batch: &Batch, part: &Selector) {
        let rows = batch.rows();
        self.good.clear();
        self.selected.clear();
        self.others.clear();
        self.levels.clear();
        self.levels
            .extend((0..rows.len()).map(|row| level_of(rows.number(row))));
        let mut record = Record::new();
        for row in (0..rows.len()).filter(|&row| !batch.is_bad(row)) {
            let is_selected = part.selects_number(rows.number(row)).unwrap_or_else(|| {
                rows.copy(row, &mut record);
                part.selects(&record)
            });
            self.good.push(row as u32);
            match is_selected {
                true => self.selected.push(row as u32),
                false => self.others.push(row as u32),
            }
        }
    }
}

/// What is known of the rows of a part as wholes.
struct WholeRows<'a> {
    columns: &'a [String],
    sample: &'a mut RowSample,
    contents: &'a mut RowContents,
    rows: &'a mut u64,
}

impl WholeRows<'_> {
    fn add(&mut self, batch: &Batch, picked: &[u32]) {
        let (rows, columns) = (batch.rows(), self.columns.len());
        *self.rows += picked.len() as u64;
        self.contents.add_rows(rows, batch.hashes(), picked, columns);
        for row in picked.iter().map(|&row| row as usize) {
            self.sample.add(rows.number(row), || rows.record(row));
        }
    }
}

/// Judges on the first rows which columns do not count when rows are compared.
fn identifiers(columns: &[String], rows: &Rows, first: &[u32]) -> Vec<bool> {
    let records: Vec<Record> = first
        .iter()
        .take(FIRST_ROWS)
        .map(|&row| rows.record(row as usize))
        .collect();
    identifier_like(columns, &records.iter().collect::<Vec<_>>())
}

/// Adds some rows to some neighbouring columns, a few rows at a time.
fn add_columns(profiles: &mut [ColumnProfile], first: usize, batch: &Batch, picked: &[u32], levels: &[u8]) {
    for some in picked.chunks(CHUNK_ROWS) {
        for (profile, column) in profiles.iter_mut().zip(first..) {
            profile.add_rows(batch.rows(), column, some, batch.hashes().column(column), levels);
        }
    }
}
