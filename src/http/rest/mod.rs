//! REST: the resources below `/v1` and how their errors look.
//!
//! A resource file holds its wire structs, their conversions and its handlers, in that order.
//! Handlers extract, call one use case and convert; nothing here decides anything.

mod batch_predictions;
mod conditional;
mod datasets;
mod datasources;
mod download;
mod evaluations;
pub mod extract;
mod families;
mod models;
pub mod openapi;
mod operations;
mod predict;
pub mod problem;
mod resource;
mod statistics;
mod thresholds;
mod train;
mod unique;
mod usage;
mod weights;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::predicting::Predicting;
use crate::service::Service;
use crate::telemetry::Metrics;

/// Routes in two groups, because they are bounded differently.
#[derive(Clone)]
pub struct Routes<S = ()> {
    /// Small JSON in, small JSON out, answered within the request timeout.
    pub ordinary: OpenApiRouter<S>,
    /// Records in, predictions out: as `ordinary`, with larger bodies in more formats.
    pub predicting: OpenApiRouter<S>,
    /// Uploads, downloads and events: as long and as large as they need to be.
    pub streaming: OpenApiRouter<S>,
}

impl Default for Routes {
    fn default() -> Self {
        Routes {
            ordinary: OpenApiRouter::default(),
            predicting: OpenApiRouter::default(),
            streaming: OpenApiRouter::default(),
        }
    }
}

/// What every handler has.
#[derive(Clone)]
struct Api {
    service: Service,
    /// Cancelled when the server stops; waits and event streams end then.
    stop: CancellationToken,
    metrics: Arc<Metrics>,
}

impl Api {
    fn predicting(self) -> Predicting {
        Predicting {
            service: self.service,
            metrics: self.metrics,
        }
    }
}

/// The resources below `/v1`. Waits and event streams end when `stop` is cancelled; `metrics` counts
/// predictions.
pub fn routes(service: Service, stop: CancellationToken, metrics: Arc<Metrics>) -> Routes {
    let Routes {
        ordinary,
        predicting,
        streaming,
    } = table();
    let api = Api {
        service,
        stop,
        metrics,
    };
    Routes {
        ordinary: ordinary.with_state(api.clone()),
        predicting: predicting.with_state(api.clone()),
        streaming: streaming.with_state(api),
    }
}

/// Every address and what answers it.
fn table() -> Routes<Api> {
    Routes {
        ordinary: OpenApiRouter::new()
            .routes(routes!(datasets::list_datasets))
            .routes(routes!(datasets::get_dataset, datasets::delete_dataset))
            .routes(routes!(
                datasources::create_datasource,
                datasources::list_datasources
            ))
            .routes(routes!(
                datasources::get_datasource,
                datasources::update_datasource,
                datasources::delete_datasource
            ))
            .routes(routes!(datasources::cancel_datasource))
            .routes(routes!(statistics::get_datasource_statistics))
            .routes(routes!(models::create_model, models::list_models))
            .routes(routes!(
                models::get_model,
                models::update_model,
                models::delete_model
            ))
            .routes(routes!(models::cancel_model))
            .routes(routes!(weights::get_model_weights))
            .routes(routes!(families::list_families))
            .routes(routes!(families::get_family, families::delete_family))
            .routes(routes!(families::add_version))
            .routes(routes!(families::put_alias, families::delete_alias))
            .routes(routes!(families::roll_back_alias))
            .routes(routes!(train::train))
            .routes(routes!(usage::get_usage))
            .routes(routes!(
                evaluations::create_evaluation,
                evaluations::list_evaluations
            ))
            .routes(routes!(
                evaluations::get_evaluation,
                evaluations::update_evaluation,
                evaluations::delete_evaluation
            ))
            .routes(routes!(evaluations::cancel_evaluation))
            .routes(routes!(thresholds::get_evaluation_threshold))
            .routes(routes!(
                batch_predictions::create_batch_prediction,
                batch_predictions::list_batch_predictions
            ))
            .routes(routes!(
                batch_predictions::get_batch_prediction,
                batch_predictions::update_batch_prediction,
                batch_predictions::delete_batch_prediction
            ))
            .routes(routes!(batch_predictions::cancel_batch_prediction)),
        predicting: OpenApiRouter::new().routes(routes!(predict::predict)),
        streaming: OpenApiRouter::new()
            .routes(routes!(datasets::put_dataset))
            .routes(routes!(datasets::get_dataset_content))
            .routes(routes!(datasources::follow_datasource))
            .routes(routes!(models::follow_model))
            .routes(routes!(models::get_model_bundle))
            .routes(routes!(models::get_model_log))
            .routes(routes!(evaluations::follow_evaluation))
            .routes(routes!(batch_predictions::follow_batch_prediction))
            .routes(routes!(batch_predictions::get_batch_prediction_output))
            .routes(routes!(batch_predictions::get_batch_prediction_problems)),
    }
}
