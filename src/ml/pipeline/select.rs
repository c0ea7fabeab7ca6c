//! Makes a split ready for a table.

use super::error::PipelineError;
use super::table::Table;
use crate::ml::columns::ColumnMap;
use crate::ml::date::DateFormat;
use crate::ml::ingest::{Batch, RecordReader, for_each_batch};
use crate::ml::observe::{Observer, Stage};
use crate::ml::schema::Schema;
use crate::ml::split::times::Written;
use crate::ml::split::{Selector, Split, SplitError, Survey};

/// The rows of `table` that `split` describes. `schema` names the columns of a table without header and says how
/// dates are written, `target` is the column of a stratified split that names none.
///
/// Reads the table once where the split has to know it, and not at all where it takes every row.
pub fn select(
    table: &dyn Table,
    split: &Split,
    schema: Option<&Schema>,
    target: Option<&str>,
    observer: &mut dyn Observer,
) -> Result<Selector, PipelineError> {
    if split.is_all() && split.column.is_none() {
        return Ok(Selector::all());
    }
    let split = split.for_target(target);
    split.check()?;
    if split.strategy.uses_column() && split.column.is_none() {
        let problem =
            "a stratified split goes by the target if it names no column; name a column, or the target";
        return Err(SplitError::invalid("/column", problem).into());
    }
    let named = split.column.as_deref();
    let mut survey = Survey::new(&split, 0, table.name());
    if named.is_none() && !survey.reads_rows() {
        return Ok(survey.finish()?);
    }
    let reader = table.records()?;
    if let Some(name) = named {
        let place = place_of(name, &reader, schema)?;
        survey = Survey::new(&split, place, table.name()).with_dates(written(name, schema, target));
    }
    if survey.reads_rows() {
        let bytes = table.bytes();
        let look = |batch: &Batch| -> Result<(), PipelineError> { Ok(survey.add(batch)?) };
        for_each_batch(reader, bytes, Stage::Split, observer, look)?;
    }
    Ok(survey.finish()?)
}

/// What is known of how the dates of the column called `name` are written. The target is never read as a date.
fn written(name: &str, schema: Option<&Schema>, target: Option<&str>) -> Written {
    let Some(schema) = schema else {
        return match target {
            Some(target) if target == name => Written::Plainly,
            _ => Written::AsProposed,
        };
    };
    let attribute = schema.index_of(name).map(|index| &schema.attributes[index]);
    let format = attribute.and_then(|attribute| attribute.date_format.as_deref());
    format
        .and_then(|format| DateFormat::new(format).ok())
        .map_or(Written::Plainly, Written::As)
}

/// The number of the column called `name`.
fn place_of(name: &str, reader: &RecordReader, schema: Option<&Schema>) -> Result<usize, PipelineError> {
    let columns = reader.columns();
    let (found, known): (Option<usize>, Vec<&str>) = match schema {
        Some(schema) if !reader.has_header() => {
            let map = ColumnMap::new(schema, columns, false, &[])?;
            let known = schema.attributes.iter().map(|attribute| attribute.name.as_str());
            let found = schema.index_of(name).and_then(|index| map.column_of(index));
            (found, known.collect())
        }
        _ => {
            let found = columns.iter().position(|column| column == name);
            (found, columns.iter().map(String::as_str).collect())
        }
    };
    found.ok_or_else(|| SplitError::unknown_column(name, known.into_iter()).into())
}
