//! `/v1/usage`: what was used, and what it would have cost at the prices of Amazon Machine Learning.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::extract::{Json, Query};
use super::problem::ApiError;
use crate::domain::usage;
use crate::service::metering::Bill;

/// Which days, in UTC.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsageQuery {
    /// The first day, such as 2026-01-01; from the beginning if not given.
    from: Option<String>,
    /// The last day; today if not given.
    to: Option<String>,
}

/// What was used in some days.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageReport {
    /// The first day, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// The last day.
    to: String,
    /// By model and key, those who used most first; at most 1000.
    items: Vec<Used>,
    /// All together.
    total: Used,
    /// What was paid for it.
    #[schema(example = 0)]
    you_paid_usd: u8,
}

/// What was used, and what it would have cost: 0.42 USD for an hour of computing, 0.10 USD for 1,000 predictions in
/// batches, 0.0001 USD for each in real time.
#[derive(Debug, Serialize, ToSchema)]
pub struct Used {
    /// The model; absent for statistics of data sources, and in the total.
    #[serde(skip_serializing_if = "String::is_empty")]
    model: String,
    /// The name of the key; absent on a server without keys, and in the total.
    #[serde(skip_serializing_if = "String::is_empty")]
    owner: String,
    /// The identifier of the key, which tells keys of one name apart; absent where it is not known.
    #[serde(skip_serializing_if = "String::is_empty")]
    key: String,
    /// Milliseconds that statistics, training and evaluation that ended well have worked.
    compute_ms: u64,
    /// Records answered in batches; those that could not be read are free.
    batch_predictions: u64,
    /// Records answered in real time.
    realtime_predictions: u64,
    /// The amount in US dollars: exact to a millionth, what is below left out; that of the total, which is no less than the
    /// sum of all others, rounded up to the cent.
    amount_usd: f64,
}

impl From<usage::Usage> for Used {
    fn from(usage: usage::Usage) -> Self {
        Used {
            amount_usd: usage.dollars(),
            model: usage.model,
            owner: usage.owner,
            key: usage.key,
            compute_ms: usage.compute_ms,
            batch_predictions: usage.batch,
            realtime_predictions: usage.realtime,
        }
    }
}

impl From<Bill> for UsageReport {
    fn from(bill: Bill) -> Self {
        UsageReport {
            from: bill.from,
            to: bill.to,
            items: bill.used.into_iter().map(Used::from).collect(),
            total: Used {
                amount_usd: bill.total.billed_dollars(),
                ..bill.total.into()
            },
            you_paid_usd: 0,
        }
    }
}

/// See what was used
///
/// By model and key, with what it would have cost at the prices of Amazon Machine Learning. Predictions in real time are
/// stored every few seconds.
#[utoipa::path(get, path = "/v1/usage", tag = "Usage", params(UsageQuery),
    responses((status = 200, description = "What was used", body = UsageReport)))]
pub(super) async fn get_usage(
    State(api): State<Api>,
    Query(query): Query<UsageQuery>,
) -> Result<Json<UsageReport>, ApiError> {
    let bill = api.service.usage(query.from, query.to).await?;
    Ok(Json(bill.into()))
}
