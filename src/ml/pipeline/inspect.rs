//! Looks at a table: types, statistics, problems.

use super::error::PipelineError;
use super::select::select;
use super::table::Table;
use crate::ml::columns::ColumnMap;
use crate::ml::infer::{Decision, Role, described, propose};
use crate::ml::observe::Observer;
use crate::ml::profile::statistics::describe;
use crate::ml::profile::{ColumnProfile, Profiler, TableStatistics};
use crate::ml::schema::{AttributeType, Schema, undeclared};
use crate::ml::split::{Selector, Split};

/// What was found in a table.
#[derive(Debug)]
pub struct Inspection {
    /// Types of the columns, given or proposed.
    pub schema: Schema,
    /// Statistics of the rows that the split selects.
    pub statistics: TableStatistics,
    /// The rows that the split selects, for further passes over the same table.
    pub part: Selector,
    /// Bytes of the source.
    pub bytes: u64,
    /// Evidence about the target over all rows, if there is a target.
    pub target: Option<ColumnProfile>,
}

/// Reads every row of `table`. Types are those of `schema`, or proposed from the evidence of all rows;
/// statistics are of the rows that `split` selects.
pub fn inspect(
    table: &dyn Table,
    schema: Option<&Schema>,
    target: Option<&str>,
    split: &Split,
    observer: &mut dyn Observer,
) -> Result<Inspection, PipelineError> {
    let mut reader = table.records()?;
    if let Some(schema) = schema {
        ColumnMap::new(schema, reader.columns(), reader.has_header(), &all(schema))?;
        if !reader.has_header() {
            reader.name_columns(
                schema
                    .attributes
                    .iter()
                    .map(|attribute| attribute.name.clone())
                    .collect(),
            );
        }
    }
    if let Some(name) = target
        && !reader.columns().iter().any(|column| column == name)
    {
        return Err(undeclared("target", name, reader.columns().iter().map(String::as_str)).into());
    }
    let by_schema = schema.and_then(|schema| schema.target.as_deref());
    let part = select(table, split, schema, target.or(by_schema), observer)?;
    let profiler = Profiler::read(reader, table.bytes(), schema, &part, observer)?;
    if profiler.selected.rows == 0 && profiler.others.rows > 0 {
        return Err(PipelineError::EmptyPart {
            split: Box::new(split.clone()),
            code: "too_few_rows",
        });
    }
    let everything = profiler.all();
    let (schema, decisions) = match schema {
        Some(given) => given_schema(given, target)?,
        None => propose(&everything, target, profiler.has_header),
    };
    let position = schema
        .target
        .as_ref()
        .and_then(|name| everything.columns.iter().position(|column| column == name));
    let target = position.and_then(|position| everything.profiles.get(position).cloned());
    let by_column: Vec<Decision> = everything
        .columns
        .iter()
        .map(|column| {
            schema
                .index_of(column)
                .map_or_else(unknown, |index| decisions[index].clone())
        })
        .collect();
    let bytes = profiler.bytes;
    let statistics = describe(profiler.selected, &by_column, profiler.problems);
    Ok(Inspection {
        schema,
        statistics,
        part,
        bytes,
        target,
    })
}

fn all(schema: &Schema) -> Vec<usize> {
    (0..schema.attributes.len()).collect()
}

fn given_schema(given: &Schema, target: Option<&str>) -> Result<(Schema, Vec<Decision>), PipelineError> {
    let mut schema = given.clone();
    if let Some(name) = target {
        schema.target = Some(name.to_string());
    }
    schema.check()?;
    let decisions = (0..schema.attributes.len())
        .map(|index| described(&schema, index))
        .collect();
    Ok((schema, decisions))
}

/// A column that a given schema does not know.
fn unknown() -> Decision {
    Decision {
        kind: AttributeType::Categorical,
        role: Role::Excluded,
        reason: "not in the schema".into(),
        forced_by: None,
        missing_values: Vec::new(),
        date_format: None,
        warning: Some("the schema does not have this column; it is left out".into()),
    }
}
