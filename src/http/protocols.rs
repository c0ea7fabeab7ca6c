//! What the protocols of neighbours share: the model they speak for at the root of the server, the routes of all of
//! them, and the shape in which each tells of errors.
//!
//! Handlers fail with the same [`Problem`] as everywhere. The outermost layer writes it in the [`Dialect`] of the
//! address, so that refusals of the layers around a handler look the same as its own.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::Response;

use super::predicting::Predicting;
use super::rest::problem::{self, ApiError, Problem};
use super::sagemaker::TARGET_MODEL;
use super::{aws_json, mlflow, open_inference, s3};
use crate::service::{Error, Service};
use crate::telemetry::Metrics;

/// Routes in two groups.
#[derive(Debug, Clone, Default)]
pub struct Routes {
    /// Predictions and descriptions, for callers who may.
    pub guarded: Router,
    /// Whether a model answers; anyone may ask.
    pub open: Router,
}

/// What every handler has.
#[derive(Debug, Clone)]
pub struct Serving {
    /// Answers predictions.
    pub predicting: Predicting,
    /// The model that the root of the server speaks for.
    pub model: Option<Arc<str>>,
}

/// The routes of all protocols; `model` is what the root of the server speaks for.
pub fn routes(service: Service, metrics: Arc<Metrics>, model: Option<&str>) -> Routes {
    let serving = Serving {
        predicting: Predicting { service, metrics },
        model: model.map(Arc::from),
    };
    let guarded = mlflow::guarded().merge(open_inference::guarded());
    Routes {
        guarded: guarded.with_state(serving.clone()),
        open: mlflow::open().with_state(serving),
    }
}

impl Serving {
    /// The model that a request to the root of the server is for, as [`Service::answering`] takes it.
    pub fn named(&self, headers: &HeaderMap) -> Result<String, ApiError> {
        let chosen = headers.get(TARGET_MODEL).map(|value| {
            value.to_str().map_err(|_| {
                Error::invalid(
                    "invalid_id",
                    format!("the header {TARGET_MODEL} is not plain text"),
                )
            })
        });
        match chosen.transpose()?.or(self.model.as_deref()) {
            Some(name) => Ok(or_default(name)),
            None => {
                let detail = format!(
                    "no model is named: start the server with `--model NAME`, send the header `{TARGET_MODEL}: NAME`, \
                     or ask below `/v1/models/NAME`"
                );
                let problem = Problem {
                    detail,
                    ..Problem::from_error(&Error::not_found("model", ""))
                };
                Err(problem.into())
            }
        }
    }
}

/// The same name, such that a family alone means the version that it answers with by default.
pub fn or_default(name: &str) -> String {
    match name.contains('@') {
        true => name.to_owned(),
        false => format!("{name}@"),
    }
}

/// How an address tells of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// As problem documents.
    Own,
    /// As MLflow's scoring server does.
    Mlflow,
    /// As the Open Inference Protocol does.
    OpenInference,
    /// As Amazon ML does.
    Amazon,
    /// As S3 does.
    S3,
}

impl Dialect {
    /// The dialect of an address and a method.
    pub fn of(method: &str, path: &str) -> Self {
        match path.rsplit_once('/') {
            _ if path == "/" && method == "POST" => Dialect::Amazon,
            _ if path == "/v2" || path.starts_with("/v2/") => Dialect::OpenInference,
            Some(("", "invocations" | "ping" | "health" | "version" | "execution-parameters")) => {
                Dialect::Mlflow
            }
            Some((model, "invocations" | "ping" | "health" | "version"))
                if model.starts_with("/v1/models/") =>
            {
                Dialect::Mlflow
            }
            _ => Dialect::Own,
        }
    }

    /// The dialect of a request; `routed` says whether its address is one of ours.
    pub fn of_request(request: &Request, routed: bool) -> Self {
        let may_be_meant = !routed || request.uri().path() == "/";
        match may_be_meant && aws_json::is_meant(request.headers()) {
            true => Dialect::Amazon,
            false => Dialect::of(request.method().as_str(), request.uri().path()),
        }
    }

    /// The answer that tells of a problem.
    pub fn render(self, problem: &Problem) -> Response {
        match self {
            Dialect::Own => problem::render(problem),
            Dialect::Mlflow => mlflow::refusal(problem),
            Dialect::OpenInference => open_inference::refusal(problem),
            Dialect::Amazon => aws_json::refusal(&problem.code, &problem.detail),
            Dialect::S3 => s3::refused(problem),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_its_dialect() {
        for (path, expected) in [
            ("/invocations", Dialect::Mlflow),
            ("/ping", Dialect::Mlflow),
            ("/execution-parameters", Dialect::Mlflow),
            ("/v1/models/m/invocations", Dialect::Mlflow),
            ("/v1/models/fraud@production/ping", Dialect::Mlflow),
            ("/v1/models/ping", Dialect::Own),
            ("/v1/models/m/predict", Dialect::Own),
            ("/v1/datasets/ping", Dialect::Own),
            ("/v2", Dialect::OpenInference),
            ("/v2/", Dialect::OpenInference),
            ("/v2/models/m/infer", Dialect::OpenInference),
            ("/v20", Dialect::Own),
            ("/", Dialect::Own),
        ] {
            assert_eq!(Dialect::of("GET", path), expected, "{path}");
        }
    }

    #[test]
    fn what_is_posted_to_the_root_is_for_amazon_ml() {
        assert_eq!(Dialect::of("POST", "/"), Dialect::Amazon);
        assert_eq!(Dialect::of("POST", "/invocations"), Dialect::Mlflow);
    }

    #[test]
    fn a_family_alone_is_asked_for_by_default() {
        assert_eq!(or_default("fraud"), "fraud@");
        assert_eq!(or_default("fraud@3"), "fraud@3");
    }
}
