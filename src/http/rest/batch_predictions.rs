//! `/v1/batch-predictions`: predict the rows of a file into a file.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use super::download::{self, File};
use super::extract::{By, Json, Path, Query};
use super::operations::{self, resource_handlers};
use super::problem::ApiError;
use super::resource::{Change, Detail, Head, ListQuery, Page, ReadQuery, Resource, no_file, wrong_kind};
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::spec::Body;
use crate::domain::status::Status;
use crate::ml::pipeline::batch::{Compress, Format};
use crate::service::{Error, requests};

/// Rows to predict into a file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBatchPrediction {
    /// Its identifier; made by the server if not given.
    id: Option<String>,
    /// Free text.
    name: Option<String>,
    /// The model.
    model: String,
    /// The rows as a data source; exactly one of this and `dataset` is given.
    datasource: Option<String>,
    /// The rows as a dataset; its present version is pinned.
    dataset: Option<String>,
    /// Input columns to copy to the output.
    #[serde(default)]
    columns: Vec<String>,
    /// Whether to add what each column contributed.
    #[serde(default)]
    explain: bool,
    /// Whether lines begin with the number of their record, counted from 1.
    #[serde(default)]
    row_number: bool,
    /// `csv` (if not given), `jsonl`: one JSON object a line, or `parquet`: scores as numbers, all else as texts.
    format: Option<String>,
    /// How the output is compressed: `none` (if not given), `gzip` or `zstd` (if not given, for the pages of Parquet).
    compress: Option<String>,
    /// Whether to list what is wrong with single records and fields.
    #[serde(default)]
    problems: bool,
}

impl From<NewBatchPrediction> for requests::NewBatchPrediction {
    fn from(new: NewBatchPrediction) -> Self {
        requests::NewBatchPrediction {
            id: new.id,
            name: new.name,
            model: new.model,
            datasource: new.datasource,
            dataset: new.dataset,
            columns: new.columns,
            explain: new.explain,
            row_number: new.row_number,
            format: new.format,
            compress: new.compress,
            problems: new.problems,
            ..requests::NewBatchPrediction::default()
        }
    }
}

/// A batch prediction.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchPrediction {
    #[serde(flatten)]
    head: Head,
    /// The model.
    model: String,
    /// The rows, if they are a data source.
    #[serde(skip_serializing_if = "Option::is_none")]
    datasource: Option<String>,
    /// The rows, if they are a dataset.
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset: Option<String>,
    /// The version of the dataset that was pinned.
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset_version: Option<String>,
    /// Input columns that are copied to the output.
    columns: Vec<String>,
    /// Whether the output says what each column contributed.
    explain: bool,
    /// Whether lines begin with the number of their record.
    row_number: bool,
    /// `csv`, `jsonl` or `parquet`.
    #[schema(value_type = String)]
    format: Format,
    /// `none`, `gzip` or `zstd`.
    #[schema(value_type = String)]
    compress: Compress,
    /// Whether problems of single records are listed.
    problems: bool,
    /// Input records.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    /// Input records that could not be read; their output line is blank, or a row of nulls.
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid_rows: Option<u64>,
    /// Length of the output in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
    /// The folder in object storage where the results are instead, if they were asked for there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "s3://shop/out/")]
    output_location: Option<String>,
    /// The output, once COMPLETED.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    /// The list of problems, if it was asked for, once COMPLETED.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem_file: Option<String>,
    /// Problems with examples, how often each kind of odd field was met, and, if the data hold the target, metrics. Not
    /// in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    summary: Option<Value>,
}

impl Resource for BatchPrediction {
    const KIND: EntityKind = EntityKind::BatchPrediction;

    fn view(entity: Entity, detail: Detail) -> Result<Self, Error> {
        let head = Head::from(&entity);
        let Body::BatchPrediction(work) = entity.body else {
            return Err(wrong_kind(&head, Self::KIND));
        };
        let (spec, result) = (work.spec, work.result);
        let (dataset, dataset_version) = match spec.dataset {
            Some(pin) => (Some(pin.name.to_string()), Some(pin.version.to_string())),
            None => (None, None),
        };
        Ok(BatchPrediction {
            model: spec.model.to_string(),
            datasource: spec.datasource.map(String::from),
            dataset,
            dataset_version,
            columns: spec.columns,
            explain: spec.explain,
            row_number: spec.row_number,
            format: spec.format,
            compress: spec.compress,
            problems: spec.problems,
            rows: result.as_ref().map(|result| result.rows),
            invalid_rows: result.as_ref().map(|result| result.invalid_rows),
            size_bytes: result.as_ref().map(|result| result.size_bytes),
            output: result
                .as_ref()
                .filter(|_| spec.output.is_none())
                .map(|_| format!("/v1/batch-predictions/{}/output", head.id)),
            output_location: spec.output.map(String::from),
            problem_file: result
                .as_ref()
                .and_then(|result| result.problems.as_ref())
                .map(|_| format!("/v1/batch-predictions/{}/problems", head.id)),
            summary: result
                .map(|result| result.document)
                .filter(|_| detail == Detail::Full),
            head,
        })
    }
}

/// Predict the rows of a file
///
/// The output has a header and one line for each input record, in input order; Parquet has a row for each.
#[utoipa::path(post, path = "/v1/batch-predictions", tag = "Batch predictions",
    request_body = NewBatchPrediction, responses(
    (status = 202, description = "Accepted; follow it at Location", body = BatchPrediction),
    (status = 200, description = "An identical request had made it", body = BatchPrediction)))]
pub(super) async fn create_batch_prediction(
    State(api): State<Api>,
    By(asked): By,
    Json(new): Json<NewBatchPrediction>,
) -> Result<Response, ApiError> {
    let new = requests::NewBatchPrediction { asked, ..new.into() };
    operations::created::<BatchPrediction>(api.service.batch_prediction_create(new).await?)
}

resource_handlers! {
    BatchPrediction, Change, tag: "Batch predictions", noun: "batch prediction",
    list: list_batch_predictions at "/v1/batch-predictions",
    get: get_batch_prediction, change: update_batch_prediction,
    delete: delete_batch_prediction at "/v1/batch-predictions/{id}",
    cancel: cancel_batch_prediction at "/v1/batch-predictions/{id}/cancel",
    follow: follow_batch_prediction at "/v1/batch-predictions/{id}/events",
}

/// Download the predictions
#[utoipa::path(get, path = "/v1/batch-predictions/{id}/output", tag = "Batch predictions",
    params(
        ("id" = String, Path, description = "The identifier"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the file already there"),
    ),
    responses(
        (status = 200, description = "The file", body = String, content_type = "text/csv",
            example = "trueLabel,bestAnswer,score\nbenign,benign,0.98\n"),
        (status = 206, description = "The range of it", body = String, content_type = "text/csv",
            example = "trueLabel,bestAnswer")))]
pub(super) async fn get_batch_prediction_output(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let batch = api.service.entity_get(BatchPrediction::KIND, &id).await?;
    let open = async |range| {
        let (batch, reading) = api.service.batch_output(&id, range).await?;
        Ok((output_file(&batch)?, reading))
    };
    download::answer(output_file(&batch)?, &headers, open).await
}

/// Download the list of problems
///
/// One JSON object a line: `row` and `line` of the record, `field` and `value` where a field is meant, `code` and
/// `message`. After a million lines the last one says how many more there are.
#[utoipa::path(get, path = "/v1/batch-predictions/{id}/problems", tag = "Batch predictions",
    params(
        ("id" = String, Path, description = "The identifier"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the file already there"),
    ),
    responses(
        (status = 200, description = "The file", body = String, content_type = "application/x-ndjson",
            example = "{\"row\":3,\"line\":4,\"field\":\"size\",\"code\":\"invalid\",\"value\":\"x\",\"message\":\"…\"}\n"),
        (status = 206, description = "The range of it", body = String, content_type = "application/x-ndjson",
            example = "{\"row\":3")))]
pub(super) async fn get_batch_prediction_problems(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // Refused with a reason if there is no such file.
    let (batch, _) = api.service.batch_problems(&id, None).await?;
    let open = async |range| {
        let (batch, reading) = api.service.batch_problems(&id, range).await?;
        Ok((problem_file(&batch)?, reading))
    };
    download::answer(problem_file(&batch)?, &headers, open).await
}

fn problem_file(batch: &Entity) -> Result<File, Error> {
    let work = batch.batch_prediction();
    let file = work.and_then(|work| work.result.as_ref()?.problems.as_ref());
    let file = file.ok_or_else(|| no_file(batch))?;
    Ok(File {
        name: format!("{}.problems.jsonl", batch.id),
        media_type: "application/x-ndjson".to_owned(),
        etag: format!("\"{}\"", file.hash),
        size_bytes: file.size_bytes,
    })
}

fn output_file(batch: &Entity) -> Result<File, Error> {
    let work = batch.batch_prediction();
    let result = work.and_then(|work| Some((work.spec.form(), work.result.as_ref()?)));
    let usable = result.filter(|_| batch.status == Status::Completed);
    let (form, result) = usable.ok_or_else(|| no_file(batch))?;
    Ok(File {
        name: format!("{}.{}", batch.id, form.extension()),
        media_type: form.media_type().to_owned(),
        etag: format!("\"{}\"", result.output_hash),
        size_bytes: result.size_bytes,
    })
}
