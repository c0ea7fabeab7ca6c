//! Profiles a whole table in one pass, columns side by side on all threads.

use rayon::prelude::*;

use super::column::{CHUNK_ROWS, ColumnProfile};
use super::dates::DateProfile;
use super::duplicates::{RowContents, identifier_like};
use super::sample::RowSample;
use crate::ml::date::DateFormat;
use crate::ml::ingest::{Batch, IngestError, Problems, RecordReader, Rows, for_each_piece};
use crate::ml::observe::{Observer, Stage};
use crate::ml::quantile::level_of;
use crate::ml::record::Record;
use crate::ml::schema::Schema;
use crate::ml::split::Selector;

/// Groups of columns for each thread, so that a slow one does not keep the others waiting.
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
    /// What the fields of the rows added last come to, and their lines; counted beside the columns of the next ones.
    uncounted: Vec<(u64, u64)>,
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
            uncounted: Vec::new(),
        }
    }

    fn add(&mut self, batch: &Batch, picked: &[u32], levels: &[u8]) {
        if picked.is_empty() {
            return;
        }
        let rows = batch.rows();
        self.rows += picked.len() as u64;
        let shares: Vec<_> = (0..self.profiles.len())
            .map(|column| self.contents.share_of(column))
            .collect();
        let uncounted = std::mem::take(&mut self.uncounted);
        let (sample, contents, profiles) = (&mut self.sample, &mut self.contents, &mut self.profiles);
        // What goes row by row is little, and as work of its own it keeps no thread waiting.
        let (sums, ()) = rayon::join(
            || add_columns(profiles, &shares, batch, picked, levels),
            || {
                contents.add(uncounted.into_iter());
                for row in picked.iter().map(|&row| row as usize) {
                    sample.add(rows.number(row), || rows.record(row));
                }
            },
        );
        let lines = picked.iter().map(|&row| rows.line(row as usize));
        self.uncounted = sums.into_iter().zip(lines).collect();
    }

    fn settle(&mut self) {
        self.contents.add(std::mem::take(&mut self.uncounted).into_iter());
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
        let mut seen = 0;
        let check = match schema {
            Some(_) => Problems::check,
            None => Problems::check_guess,
        };
        for_each_piece(reader, total_bytes, Stage::Profile, observer, |batch| {
            seen += batch.rows().len() as u64;
            profiler.add(batch, split);
            check(&profiler.problems, seen, false)
        })?;
        check(&profiler.problems, seen, true)?;
        if seen == 0 {
            return Err(IngestError::HeaderOnly);
        }
        profiler.selected.settle();
        profiler.others.settle();
        profiler.bytes = counted.get();
        Ok(profiler)
    }

    fn add(&mut self, batch: &Batch, part: &Selector) {
        self.problems.add(&batch.problems);
        let rows = batch.rows();
        let good: Vec<u32> = (0..rows.len())
            .filter(|&row| !batch.is_bad(row))
            .map(|row| row as u32)
            .collect();
        if self.selected.rows + self.others.rows == 0 {
            self.leave_out_identifiers(rows, &good);
        }
        let mut record = Record::new();
        let (selected, others): (Vec<u32>, Vec<u32>) = good.into_iter().partition(|&row| {
            let row = row as usize;
            part.selects_number(rows.number(row)).unwrap_or_else(|| {
                rows.copy(row, &mut record);
                part.selects(&record)
            })
        });
        let levels: Vec<u8> = (0..rows.len()).map(|row| level_of(rows.number(row))).collect();
        self.selected.add(batch, &selected, &levels);
        self.others.add(batch, &others, &levels);
    }

    /// Judges on the first rows which columns do not count when rows are compared.
    fn leave_out_identifiers(&mut self, rows: &Rows, first: &[u32]) {
        let records: Vec<Record> = first
            .iter()
            .take(FIRST_ROWS)
            .map(|&row| rows.record(row as usize))
            .collect();
        let marked = identifier_like(&self.selected.columns, &records.iter().collect::<Vec<_>>());
        self.selected.contents.skip(marked.clone());
        self.others.contents.skip(marked);
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
            uncounted: Vec::new(),
        })
    }
}

/// Adds the columns; returns for each row what its fields add up to: `shares` are those of
/// [`RowContents::share_of`] for each column.
fn add_columns(
    profiles: &mut [ColumnProfile],
    shares: &[Option<impl Fn(u64) -> u64 + Sync>],
    batch: &Batch,
    picked: &[u32],
    levels: &[u8],
) -> Vec<u64> {
    let (rows, hashes) = (batch.rows(), batch.hashes());
    // Neighbouring columns share cache lines, so a thread takes some of them for a few rows at a time.
    // Columns know nothing of each other: how they are grouped changes no result.
    let together = (profiles.len() / (GROUPS * rayon::current_num_threads())).max(1);
    profiles
        .par_chunks_mut(together)
        .enumerate()
        .map(|(group, profiles)| {
            let mut sums = vec![0u64; picked.len()];
            for (some, sums) in picked.chunks(CHUNK_ROWS).zip(sums.chunks_mut(CHUNK_ROWS)) {
                for (profile, column) in profiles.iter_mut().zip(group * together..) {
                    let hashes = hashes.column(column);
                    profile.add_rows(rows, column, some, hashes, levels);
                    if let Some(Some(share)) = shares.get(column) {
                        for (sum, &row) in sums.iter_mut().zip(some) {
                            *sum = sum.wrapping_add(share(hashes[row as usize]));
                        }
                    }
                }
            }
            sums
        })
        .reduce(Vec::new, |left, right| {
            if left.is_empty() {
                return right;
            }
            left.iter().zip(&right).map(|(a, b)| a.wrapping_add(*b)).collect()
        })
}
