//! `/v1/datasets`: files of rows, kept by name and by the hash of their content.
//!
//! The address of a dataset gives its description as JSON, `/content` below it gives the bytes.

use axum::extract::State;
use axum::http::header::{CONTENT_ENCODING, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::conditional::{self, is_known, not_modified, tagged};
use super::download::{self, File};
use super::extract::{Json, Path, Query, Upload};
use super::operations::accepted;
use super::problem::ApiError;
use super::resource::Page;
use crate::clock::rfc3339;
use crate::domain::dataset::{self, MediaHints};
use crate::service::{Error, requests};

/// A dataset: a name for the present version of a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dataset {
    /// The name.
    name: String,
    /// The SHA-256 of the bytes.
    version: String,
    /// Length in bytes.
    size_bytes: u64,
    /// The media type that the sender declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    /// The compression that the sender declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_encoding: Option<String>,
    /// When the name was first used.
    created_at: String,
    /// When this version became the present one.
    updated_at: String,
    /// Where the bytes are.
    content: String,
}

impl From<dataset::Dataset> for Dataset {
    fn from(dataset: dataset::Dataset) -> Self {
        let version = dataset.current;
        Dataset {
            content: format!("/v1/datasets/{}/content", version.name),
            name: version.name.to_string(),
            version: version.version.to_string(),
            size_bytes: version.size_bytes,
            content_type: version.media.content_type,
            content_encoding: version.media.content_encoding,
            created_at: rfc3339(dataset.created_at),
            updated_at: rfc3339(dataset.updated_at),
        }
    }
}

/// Which datasets to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DatasetQuery {
    /// Items on a page; 50 if not given, at most 1000.
    page_size: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only names that begin with this.
    name: Option<String>,
    /// `created_at` or `name`, with a `-` before it for descending; newest first if not given.
    sort: Option<String>,
}

impl From<DatasetQuery> for requests::ListQuery {
    fn from(query: DatasetQuery) -> Self {
        requests::ListQuery {
            name_prefix: query.name,
            sort: query.sort,
            page_size: query.page_size,
            cursor: query.cursor,
            ..requests::ListQuery::default()
        }
    }
}

fn etag(dataset: &dataset::Dataset) -> String {
    format!("\"{}\"", dataset.current.version)
}

fn shown(status: StatusCode, dataset: dataset::Dataset) -> Response {
    let etag = etag(&dataset);
    tagged((status, Json(Dataset::from(dataset))).into_response(), &etag)
}

/// Upload a file
///
/// CSV or a relative of it, also compressed with gzip or zstd, or Parquet. Over a name that exists it makes a
/// new version; what was made from the old one keeps it.
#[utoipa::path(put, path = "/v1/datasets/{name}", tag = "Datasets",
    params(("name" = String, Path, description = "Letters, digits, `_`, `.` and `-`")),
    request_body(content = String, content_type = "text/csv",
        example = "sepal_length,petal_width,target\n5.1,0.2,setosa\n6.3,1.8,virginica\n"),
    responses(
        (status = 201, description = "A new name", body = Dataset),
        (status = 200, description = "A new version of it, or the same one", body = Dataset)))]
pub(super) async fn put_dataset(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
    upload: Upload,
) -> Result<Response, ApiError> {
    check_conditions(&api, &name, &headers).await?;
    let media = media_hints(upload.content_type, &headers);
    let limit = api.service.limits().upload_bytes;
    let (version, new) = api
        .service
        .dataset_put(&name, media, upload.stream, limit)
        .await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    let present = api.service.dataset_get(&name).await?;
    // Someone else may have sent another version since; the answer is about this one.
    let dataset = dataset::Dataset {
        current: version,
        ..present
    };
    Ok(accepted(shown(status, dataset), &format!("/v1/datasets/{name}")))
}

/// Holds If-Match and If-None-Match against the version that is there now. Two changes at the same moment
/// may both pass; each is still stored whole.
async fn check_conditions(api: &Api, name: &str, headers: &HeaderMap) -> Result<(), Error> {
    if !headers.contains_key(IF_MATCH) && !headers.contains_key(IF_NONE_MATCH) {
        return Ok(());
    }
    let present = match api.service.dataset_get(name).await {
        Ok(dataset) => Some(etag(&dataset)),
        Err(Error::NotFound { .. }) => None,
        Err(error) => return Err(error),
    };
    conditional::check(headers, present.as_deref(), "dataset", name)
}

fn media_hints(content_type: Option<String>, headers: &HeaderMap) -> MediaHints {
    let encoding = headers
        .get(CONTENT_ENCODING)
        .and_then(|value| value.to_str().ok());
    MediaHints {
        content_type,
        content_encoding: encoding.map(str::to_ascii_lowercase),
    }
}

/// List the datasets
#[utoipa::path(get, path = "/v1/datasets", tag = "Datasets", params(DatasetQuery),
    responses((status = 200, description = "One page", body = Page<Dataset>)))]
pub(super) async fn list_datasets(
    State(api): State<Api>,
    Query(query): Query<DatasetQuery>,
) -> Result<Json<Page<Dataset>>, ApiError> {
    let page = api.service.dataset_list(query.into()).await?;
    Ok(Json(Page {
        items: page.items.into_iter().map(Dataset::from).collect(),
        next_cursor: page.next_cursor,
    }))
}

/// Describe a dataset
#[utoipa::path(get, path = "/v1/datasets/{name}", tag = "Datasets",
    params(
        ("name" = String, Path, description = "The name"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the version already known"),
    ),
    responses((status = 200, description = "Its present version", body = Dataset)))]
pub(super) async fn get_dataset(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let dataset = api.service.dataset_get(&name).await?;
    match etag(&dataset) {
        etag if is_known(&headers, &etag) => Ok(not_modified(&etag)),
        _ => Ok(shown(StatusCode::OK, dataset)),
    }
}

/// Delete a dataset
///
/// All its versions; refused while something that was made from one of them exists.
#[utoipa::path(delete, path = "/v1/datasets/{name}", tag = "Datasets",
    params(("name" = String, Path, description = "The name")),
    responses((status = 204, description = "Deleted")))]
pub(super) async fn delete_dataset(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    check_conditions(&api, &name, &headers).await?;
    api.service.dataset_delete(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Download a dataset
///
/// The bytes as they were sent.
#[utoipa::path(get, path = "/v1/datasets/{name}/content", tag = "Datasets",
    params(
        ("name" = String, Path, description = "The name"),
        ("Range" = Option<String>, Header, description = "One range of bytes"),
        ("If-None-Match" = Option<String>, Header, description = "ETag of the version already there"),
    ),
    responses(
        (status = 200, description = "The file", body = String, content_type = "text/csv",
            example = "sepal_length,petal_width,target\n5.1,0.2,setosa\n"),
        (status = 206, description = "The range of it", body = String, content_type = "text/csv",
            example = "sepal_length")))]
pub(super) async fn get_dataset_content(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let dataset = api.service.dataset_get(&name).await?;
    let open = async |range| {
        let (dataset, reading) = api.service.dataset_read(&name, range).await?;
        Ok((content_file(&dataset), reading))
    };
    download::answer(content_file(&dataset), &headers, open).await
}

fn content_file(dataset: &dataset::Dataset) -> File {
    let version = &dataset.current;
    let declared = version.media.content_type.clone();
    File {
        name: version.name.to_string(),
        media_type: declared.unwrap_or_else(|| "application/octet-stream".to_owned()),
        etag: etag(dataset),
        size_bytes: version.size_bytes,
    }
}
