//! `/v1/datasources/{id}/statistics`: what was found in the data, with histograms as fine as wanted.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::conditional::tagged;
use super::datasources::DataSource;
use super::extract::{Json, Path, Query};
use super::problem::ApiError;
use super::resource::{Resource, not_yet, take};
use crate::domain::entity::Entity;
use crate::ml::profile::histogram::{BARS, show_bars};
use crate::service::Error;

/// How to show statistics.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StatisticsQuery {
    /// Bars of each histogram: 20 (if not given), 50, 100, 200 or 500. Tables of more than 300 columns keep
    /// fewer; then there are as many as they keep.
    bars: Option<usize>,
}

/// Statistics of the rows of a data source.
#[derive(Debug, Serialize, ToSchema)]
pub struct Statistics {
    /// `rows`, `problems`, `association_rows`, `target` and `columns`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    table: Map<String, Value>,
    /// What may hurt a model, the most important first; empty when nothing was found.
    #[schema(value_type = Vec<Object>)]
    insights: Value,
}

/// Read the statistics of a data source
///
/// The same as in the data source itself, but the histograms have as many bars as wanted.
#[utoipa::path(get, path = "/v1/datasources/{id}/statistics", tag = "Data sources",
    params(("id" = String, Path, description = "The identifier"), StatisticsQuery),
    responses((status = 200, description = "Once the data source is COMPLETED", body = Statistics)))]
pub(super) async fn get_datasource_statistics(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(query): Query<StatisticsQuery>,
) -> Result<Response, ApiError> {
    let bars = checked(query.bars)?;
    let entity = api.service.entity_get(DataSource::KIND, &id).await?;
    let etag = entity.etag();
    let body = (StatusCode::OK, Json(statistics(entity, bars)?));
    Ok(tagged(body.into_response(), &etag))
}

fn checked(bars: Option<usize>) -> Result<usize, Error> {
    let bars = bars.unwrap_or(BARS[0]);
    if BARS.contains(&bars) {
        return Ok(bars);
    }
    let message = format!("`bars` is {bars}; give 20, 50, 100, 200 or 500");
    Err(Error::invalid("invalid_parameter", message))
}

fn statistics(entity: Entity, bars: usize) -> Result<Statistics, Error> {
    let missing = not_yet(&entity, "there are statistics once it is COMPLETED");
    let document = entity.data_source().and_then(|work| work.result.as_ref());
    let mut document = document.map(|result| result.document.clone()).unwrap_or_default();
    let Some(Value::Object(table)) = shown(&mut document, bars) else {
        return Err(missing);
    };
    Ok(Statistics {
        table,
        insights: take(&mut document, "insights").unwrap_or_else(|| Value::Array(Vec::new())),
    })
}

/// Takes the statistics out of what the job made, with histograms of `bars` bars.
pub(super) fn shown(document: &mut Value, bars: usize) -> Option<Value> {
    let mut statistics = take(document, "statistics")?;
    show_bars(&mut statistics, bars);
    Some(statistics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_offered_numbers_of_bars() {
        assert_eq!(checked(None).unwrap(), 20);
        assert_eq!(checked(Some(500)).unwrap(), 500);
        let error = checked(Some(21)).unwrap_err();
        assert!(error.to_string().contains("20, 50, 100, 200 or 500"), "{error}");
    }
}
