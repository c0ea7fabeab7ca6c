//! Looks at a table: types, statistics, problems.

use super::error::PipelineError;
use super::select::select;
use super::table::Table;
use crate::ml::Task;
use crate::ml::columns::ColumnMap;
use crate::ml::infer::{Decision, Role, described, propose};
use crate::ml::insights::{self, Insight, Material};
use crate::ml::observe::Observer;
use crate::ml::profile::describe::describe;
use crate::ml::profile::{ColumnProfile, Profile, Profiler, TableStatistics};
use crate::ml::schema::{AttributeType, Schema, SchemaError, undeclared};
use crate::ml::split::{Selector, Split};
use crate::ml::target::{TargetWish, kind_of, plan, question_of};

/// What was found in a table.
#[derive(Debug)]
pub struct Inspection {
    /// Types of the columns, given or proposed.
    pub schema: Schema,
    /// Statistics of the rows that the split selects.
    pub statistics: TableStatistics,
    /// The rows that the split selects, for further passes over the same table.
    pub part: Selector,
    /// What may hurt a model.
    pub insights: Vec<Insight>,
    /// Bytes of the source.
    pub bytes: u64,
    /// Evidence about the target over all rows, if there is a target.
    pub target: Option<ColumnProfile>,
}

/// Reads every row of `table`. Types are those of `schema`, or proposed from the evidence of all rows;
/// statistics are of the rows that `split` selects. The target, if there is one, poses the question that `schema`
/// settles, or the one that its values suggest.
pub fn inspect(
    table: &dyn Table,
    schema: Option<&Schema>,
    target: Option<&str>,
    split: &Split,
    observer: &mut dyn Observer,
) -> Result<Inspection, PipelineError> {
    let by_schema = schema.and_then(|schema| schema.target.as_deref());
    let wish = target.or(by_schema).map(|name| TargetWish {
        name: name.to_string(),
        task: schema.and_then(|schema| settled(schema, name)),
        ..TargetWish::default()
    });
    look(table, schema, wish.as_ref(), split, observer)
}

/// The same for a target of which is known what is asked of it. A type that is asked for counts before the one
/// that the column was given or would be proposed.
pub fn inspect_for(
    table: &dyn Table,
    schema: Option<&Schema>,
    wish: &TargetWish,
    split: &Split,
    observer: &mut dyn Observer,
) -> Result<Inspection, PipelineError> {
    look(table, schema, Some(wish), split, observer)
}

/// The question that a given schema settles for a target.
pub(super) fn settled(schema: &Schema, target: &str) -> Option<Task> {
    question_of(schema.attributes[schema.index_of(target)?].kind)
}

fn look(
    table: &dyn Table,
    schema: Option<&Schema>,
    wish: Option<&TargetWish>,
    split: &Split,
    observer: &mut dyn Observer,
) -> Result<Inspection, PipelineError> {
    let target = wish.map(|wish| wish.name.as_str());
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
        let mut error = undeclared("target", name, reader.columns().iter().map(String::as_str));
        if let (SchemaError::Undeclared { suggestion, .. }, false) = (&mut error, reader.has_header()) {
            suggestion.push_str(
                "; the first line was read as data: if it names the columns, say that there is a header",
            );
        }
        return Err(error.into());
    }
    let part = select(table, split, schema, target, observer)?;
    let profiler = Profiler::read(reader, table.bytes(), schema, &part, observer)?;
    if profiler.selected.rows == 0 && profiler.others.rows > 0 {
        return Err(PipelineError::EmptyPart {
            split: Box::new(split.clone()),
            code: "too_few_rows",
        });
    }
    judge(profiler, part, schema, wish)
}

/// Decides the types, describes the selected rows, and looks for trouble.
fn judge(
    profiler: Profiler,
    part: Selector,
    given: Option<&Schema>,
    wish: Option<&TargetWish>,
) -> Result<Inspection, PipelineError> {
    let target = wish.map(|wish| wish.name.as_str());
    let both = profiler.all();
    let Profiler {
        mut selected,
        others,
        problems,
        has_header,
        mended_names,
        bytes,
    } = profiler;
    let everything = both.as_ref().unwrap_or(&selected);
    let (schema, decisions) = match given {
        Some(given) => given_schema(given, target)?,
        None => propose(everything, target, has_header),
    };
    let attributes: Vec<Option<usize>> = everything
        .columns
        .iter()
        .map(|column| schema.index_of(column))
        .collect();
    let mut by_column: Vec<Decision> = attributes
        .iter()
        .map(|index| index.map_or_else(unknown, |index| decisions[index].clone()))
        .collect();
    let target = by_column
        .iter()
        .position(|decision| decision.role == Role::Target);
    let task = target
        .zip(wish)
        .and_then(|(target, wish)| question(everything, target, &by_column[target], wish));
    if let (Some(target), Some(asked)) = (
        target,
        task.filter(|_| wish.is_some_and(|wish| wish.task.is_some())),
    ) {
        by_column[target].kind = kind_of(asked);
    }
    let rows = std::mem::take(&mut selected.sample).into_rows();
    let statistics = describe(&mut selected, &rows, &by_column, problems);
    let everything = both.as_ref().unwrap_or(&selected);
    let dated =
        |index: &Option<usize>| index.is_some_and(|index| schema.attributes[index].date_format.is_some());
    let insights = insights::find(&Material {
        names: &everything.columns,
        mended_names: &mended_names,
        decisions: &by_column,
        dated: &attributes.iter().map(dated).collect::<Vec<_>>(),
        known: &attributes.iter().map(Option::is_some).collect::<Vec<_>>(),
        given: given.is_some(),
        task,
        part: &part,
        all: everything,
        selected: &selected,
        others: &others,
        statistics: &statistics,
        rows: &rows,
    });
    Ok(Inspection {
        schema,
        statistics,
        part,
        insights,
        bytes,
        target: target.and_then(|target| both.unwrap_or(selected).profiles.into_iter().nth(target)),
    })
}

/// The question that the target poses, if its values allow what is asked for.
fn question(everything: &Profile, target: usize, decision: &Decision, wish: &TargetWish) -> Option<Task> {
    let profile = &everything.profiles[target];
    let plan = plan(profile, decision.kind, &decision.missing_values, wish);
    plan.ok().map(|plan| plan.task)
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
    }
}
