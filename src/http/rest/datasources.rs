//! `/v1/datasources`: data with a schema and statistics.

use std::fmt;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use super::extract::{By, Json, Path, Query};
use super::operations::{self, resource_handlers};
use super::problem::ApiError;
use super::resource::{Change, Detail, Head, ListQuery, Page, ReadQuery, Resource, take, wrong_kind};
use super::statistics::shown;
use crate::domain::entity::Entity;
use crate::domain::ids::EntityKind;
use crate::domain::location::Location;
use crate::domain::query::QuerySpec;
use crate::domain::secret::Secret;
use crate::domain::spec::Body;
use crate::ml::profile::histogram::BARS;
use crate::service::{Error, requests};

/// A data source to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDataSource {
    /// Its identifier; made by the server if not given.
    id: Option<String>,
    /// Free text.
    name: Option<String>,
    /// The dataset to read; its present version is pinned. One of this, `location` and `query` is given.
    dataset: Option<String>,
    /// Where the files lie otherwise: a file, or a folder of files with a `/` at the end. They are read as they are
    /// when the data source is made, and later steps notice when they were changed.
    #[schema(example = "s3://shop/orders/")]
    location: Option<String>,
    /// A query to a database, whose rows are read once and kept.
    query: Option<NewQuery>,
    /// The column to predict; may be left out if the schema names it or nothing is learned.
    target: Option<String>,
    /// An Amazon ML schema document; inferred from every row if not given.
    #[schema(value_type = Option<Object>)]
    schema: Option<Value>,
    /// Which rows belong to it, all if not given: those from `percent_begin` (0) to `percent_end` (100), or with
    /// `complement` the others, by the `strategy` `random` (with a `seed`), `sequential`, `stratified` (each
    /// value of a `column`, by default the target, keeps its share; `seed`), `group` (equal values of `column`
    /// stay together; `seed`) or `time` (later values of `column` in later parts). An Amazon ML
    /// `{"splitting": {…}}` is understood as well.
    #[schema(value_type = Option<Object>)]
    split: Option<Value>,
    /// Whether the first line names the columns: `auto`, `yes` or `no`. Files at a location and queries: `yes` (if
    /// nothing is said) or `no`.
    header: Option<String>,
}

/// A query to a database that the server's operator has listed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewQuery {
    /// The name of the connection.
    #[schema(example = "sales")]
    connection: String,
    /// The query: one statement that only reads.
    #[schema(example = "select country, amount, is_fraud from orders")]
    sql: String,
    /// The database, if the connection names none.
    database: Option<String>,
    /// Who asks, if the connection has no user of its own.
    user: Option<String>,
    /// Their password. It is kept in memory until the query has run, and nowhere else.
    #[schema(format = Password)]
    #[serde(default, deserialize_with = "unseen")]
    password: Option<String>,
}

/// Reads a text, and does not show what is none.
fn unseen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer) {
        Ok(Value::Null) => Ok(None),
        Ok(Value::String(text)) => Ok(Some(text)),
        Ok(_) | Err(_) => Err(serde::de::Error::custom("a password is a text")),
    }
}

impl fmt::Debug for NewQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewQuery")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

impl From<NewQuery> for requests::NewQuery {
    fn from(new: NewQuery) -> Self {
        requests::NewQuery {
            connection: new.connection,
            database: new.database,
            user: new.user,
            password: new.password.map(Secret::new),
            sql: new.sql,
            staging: None,
            types_decide: false,
        }
    }
}

impl TryFrom<NewDataSource> for requests::NewDataSource {
    type Error = Error;
    fn try_from(new: NewDataSource) -> Result<Self, Error> {
        let location = new.location.map(Location::new).transpose();
        let location =
            location.map_err(|error| Error::field("/location", "invalid_location", error.to_string()))?;
        Ok(requests::NewDataSource {
            id: new.id,
            name: new.name,
            dataset: new.dataset.unwrap_or_default(),
            location,
            query: new.query.map(requests::NewQuery::from),
            target: new.target,
            schema: new.schema,
            split: new.split,
            header: new.header,
            ..requests::NewDataSource::default()
        })
    }
}

/// A query as it was asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct AskedQuery {
    /// The name of the connection.
    connection: String,
    /// The query. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    sql: Option<String>,
    /// The database, if it was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    /// Who asked, if that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
}

impl AskedQuery {
    fn view(query: QuerySpec, detail: Detail) -> Self {
        AskedQuery {
            connection: query.connection,
            sql: Some(query.sql).filter(|_| detail == Detail::Full),
            database: query.database,
            user: query.user,
        }
    }
}

/// A data source.
#[derive(Debug, Serialize, ToSchema)]
pub struct DataSource {
    #[serde(flatten)]
    head: Head,
    /// The dataset, if the data were uploaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset: Option<String>,
    /// The version of the dataset that was pinned.
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset_version: Option<String>,
    /// Where the data lie otherwise: a file, or a folder of files with a `/` at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "s3://shop/orders.csv")]
    location: Option<String>,
    /// The query whose rows it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<AskedQuery>,
    /// The column to predict, as asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// Whether the first line names the columns, as asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<String>,
    /// Which rows belong to it; all if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    split: Option<Value>,
    /// Usable rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    /// Bytes of input.
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
    /// The schema: as given, or as inferred once COMPLETED. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    schema: Option<Value>,
    /// Statistics of the table and of each column; histograms have 20 bars. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    statistics: Option<Value>,
    /// What may hurt a model, the most important first, each with `code`, `columns` (the first five), `count` (of
    /// columns), `message`, `evidence` and `suggestion`. None blocks anything. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    insights: Option<Value>,
}

impl Resource for DataSource {
    const KIND: EntityKind = EntityKind::DataSource;

    fn view(entity: Entity, detail: Detail) -> Result<Self, Error> {
        let head = Head::from(&entity);
        let Body::DataSource(work) = entity.body else {
            return Err(wrong_kind(&head, Self::KIND));
        };
        let (rows, size_bytes, mut document) = match work.result {
            Some(result) => (Some(result.rows), Some(result.size_bytes), result.document),
            None => (None, None, Value::Null),
        };
        let full = detail == Detail::Full;
        let pin = work.spec.dataset.as_ref();
        Ok(DataSource {
            head,
            dataset: pin.map(|pin| pin.name.to_string()),
            dataset_version: pin.map(|pin| pin.version.to_string()),
            location: work.spec.location.map(String::from),
            query: work.spec.query.map(|query| AskedQuery::view(query, detail)),
            target: work.spec.target,
            header: work.spec.header,
            split: work.spec.split,
            rows,
            size_bytes,
            schema: take(&mut document, "schema")
                .or(work.spec.schema)
                .filter(|_| full),
            statistics: full.then(|| shown(&mut document, BARS[0])).flatten(),
            insights: take(&mut document, "insights").filter(|_| full),
        })
    }
}

/// Make a data source
///
/// Every row is read: types are inferred, statistics computed, and what may hurt a model is told as insights.
#[utoipa::path(post, path = "/v1/datasources", tag = "Data sources", request_body = NewDataSource, responses(
    (status = 202, description = "Accepted; follow it at Location", body = DataSource),
    (status = 200, description = "An identical request had made it", body = DataSource)))]
pub(super) async fn create_datasource(
    State(api): State<Api>,
    By(asked): By,
    Json(new): Json<NewDataSource>,
) -> Result<Response, ApiError> {
    let new = requests::NewDataSource {
        asked,
        ..new.try_into()?
    };
    operations::created::<DataSource>(api.service.data_source_create(new).await?)
}

resource_handlers! {
    DataSource, Change, tag: "Data sources", noun: "data source",
    list: list_datasources at "/v1/datasources",
    get: get_datasource, change: update_datasource, delete: delete_datasource at "/v1/datasources/{id}",
    cancel: cancel_datasource at "/v1/datasources/{id}/cancel",
    follow: follow_datasource at "/v1/datasources/{id}/events",
}
