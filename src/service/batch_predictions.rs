//! Batch predictions: a model's answers for many rows, as a file.

use std::collections::HashSet;

use serde_json::Value;

use super::answers::{Created, Reading};
use super::convert::wrong_state;
use super::creation::Wanted;
use super::error::{Error, FieldProblem};
use super::requests::{ByteRange, NewBatchPrediction};
use super::{Service, check};
use crate::blob::key;
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::location::Location;
use crate::domain::spec::BatchPredictionSpec;
use crate::domain::status::Status;
use crate::ml::pipeline::batch::{Form, Format};

impl Service {
    /// Stores a batch prediction together with its job. Model and data source may still be in the
    /// making; a dataset's current version is pinned.
    pub async fn batch_prediction_create(&self, request: NewBatchPrediction) -> Result<Created, Error> {
        let wanted = Wanted::new(
            EntityKind::BatchPrediction,
            request.id.as_deref(),
            &request,
            &request.asked,
        )?;
        if let Some(entity) = self.repeated_on(&wanted, &request.asked).await? {
            return Ok(Created { entity, fresh: false });
        }
        let NewBatchPrediction {
            id: _,
            name,
            model,
            datasource,
            dataset,
            columns,
            explain,
            row_number,
            format,
            compress,
            problems,
            output,
            asked,
        } = request;
        let name = check::name(name.as_ref())?;
        copied(&columns, self.0.limits.copied_columns)?;
        let format = one_of("format", format, "csv, jsonl or parquet")?;
        let compress = match (format, compress) {
            (Format::Parquet, None) => Form::parquet().compress,
            (_, compress) => one_of("compress", compress, "none, gzip or zstd")?,
        };
        let model = self.named(EntityKind::Model, "/model", &model).await?;
        let (datasource, dataset, place) = match (datasource, dataset) {
            (Some(id), None) => {
                let source = self.named(EntityKind::DataSource, "/datasource", &id).await?;
                (Some(source.id), None, source.location)
            }
            (None, Some(name)) => {
                let pin = self.pinned("/dataset", &name).await?;
                let place = Location::of_upload(pin.name.as_str());
                (None, Some(pin), place)
            }
            (Some(_), Some(_)) => {
                let message = "both `datasource` and `dataset` are given; give one of them";
                return Err(Error::field("/dataset", "invalid_value", message));
            }
            (None, None) => {
                let message = "no rows are named; give `datasource` or `dataset`";
                return Err(Error::field("/datasource", "missing_field", message));
            }
        };
        if let Some(folder) = &output {
            self.0.blobs.allows(&key::located(folder), true)?;
        }
        let spec = BatchPredictionSpec {
            model: model.id,
            datasource,
            dataset,
            columns,
            explain,
            row_number,
            format,
            compress,
            problems,
            output,
        };
        let entity = wanted.entity(name, spec, self.now());
        self.stored(entity.made_by(asked.maker(), place)).await
    }

    /// Opens the finished file of problems, or a part of it.
    pub async fn batch_problems(
        &self,
        id: &str,
        range: Option<ByteRange>,
    ) -> Result<(Entity, Reading), Error> {
        let entity = self.entity_get(EntityKind::BatchPrediction, id).await?;
        let work = entity.batch_prediction();
        let file = work.and_then(|work| work.result.as_ref()?.problems.as_ref());
        let (Some(file), Status::Completed) = (file, entity.status) else {
            let is_wanted = work.is_some_and(|work| work.spec.problems);
            let reason = match entity.status {
                _ if !is_wanted => "its problems were not asked for; create it with `problems` true",
                Status::Pending | Status::InProgress => {
                    "its problems are there when it is COMPLETED: wait for that"
                }
                Status::Completed | Status::Failed | Status::Deleted => "it has no list of problems",
            };
            return Err(wrong_state(&entity.at(), entity.status, reason));
        };
        let reading = self.opened(&file.key, file.size_bytes, range).await?;
        Ok((entity, reading))
    }

    /// Opens the finished file of predictions, or a part of it.
    pub async fn batch_output(&self, id: &str, range: Option<ByteRange>) -> Result<(Entity, Reading), Error> {
        let entity = self.entity_get(EntityKind::BatchPrediction, id).await?;
        let work = entity.batch_prediction();
        if let Some(place) = work.and_then(|work| work.spec.output.as_ref()) {
            let reason = format!("its results are below {place}, as was asked for");
            return Err(wrong_state(&entity.at(), entity.status, reason));
        }
        let result = work.and_then(|work| work.result.as_ref());
        let (Some(result), Status::Completed) = (result, entity.status) else {
            let reason = match entity.status {
                Status::Pending | Status::InProgress => {
                    "its output is there when it is COMPLETED: wait for that"
                }
                Status::Completed | Status::Failed | Status::Deleted => "it has no output",
            };
            return Err(wrong_state(&entity.at(), entity.status, reason));
        };
        let reading = self.opened(&result.output, result.size_bytes, range).await?;
        Ok((entity, reading))
    }
}

/// One of a few words; the usual one when none is given.
fn one_of<T: Default + serde::de::DeserializeOwned>(
    field: &str,
    text: Option<String>,
    words: &str,
) -> Result<T, Error> {
    let Some(text) = text else { return Ok(T::default()) };
    serde_json::from_value(Value::String(text.clone())).map_err(|_| {
        let message = format!("{field} is `{text}`; use {words}");
        Error::field(format!("/{field}"), "invalid_value", message)
    })
}

/// Columns to copy are named, each once, and not too many.
fn copied(columns: &[String], most: usize) -> Result<(), Error> {
    if columns.len() > most {
        let message = format!(
            "{} columns are more than the {most} that can be copied",
            columns.len()
        );
        return Err(Error::field("/columns", "invalid_value", message));
    }
    let mut seen = HashSet::new();
    let mut problems = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        let pointer = format!("/columns/{index}");
        if column.is_empty() {
            let detail = "a column without a name cannot be copied; name it";
            problems.push(FieldProblem::new(pointer, "invalid_value", detail));
        } else if !seen.insert(column) {
            let detail = format!("column `{column}` is listed twice; list it once");
            problems.push(FieldProblem::new(pointer, "duplicate_column", detail));
        }
    }
    check::all(problems)
}
