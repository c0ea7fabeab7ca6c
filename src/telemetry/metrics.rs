//! The numbers behind `/metrics`: their names, labels and where they are counted.
//!
//! The HTTP layer counts requests, the runner counts jobs, and whoever holds a predictor counts
//! predictions. Domain code returns reports; it does not count.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::models::{ModelMetrics, Models};
use super::shadows::{ShadowMetrics, Shadows};

/// Prefix of every name.
const PREFIX: &str = "yosoku";

/// From 50 µs to 1 s: predictions of one record take microseconds, and usual buckets start at 5 ms.
const REQUEST_SECONDS: [f64; 13] = [
    5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 1.0,
];

/// From 100 ms to an hour.
const JOB_SECONDS: [f64; 10] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: &'static str,
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    kind: &'static str,
    outcome: &'static str,
}

/// The numbers of requests by the pattern of their address.
type ByPattern = HashMap<String, (Counter, Histogram)>;

/// All numbers of one process.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    /// The numbers of requests by method, status and pattern, so that counting one needs no label to be made.
    by_route: RwLock<HashMap<(&'static str, u16), ByPattern>>,
    models: Models,
    shadows: Shadows,
    job_seconds: Family<OutcomeLabels, Histogram, fn() -> Histogram>,
    memory: Gauge,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}

impl Metrics {
    /// All numbers at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let metrics = Metrics {
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(|| Histogram::new(REQUEST_SECONDS)),
            by_route: RwLock::default(),
            models: Models::new(&mut registry),
            shadows: Shadows::new(&mut registry),
            job_seconds: Family::new_with_constructor(|| Histogram::new(JOB_SECONDS)),
            memory: Gauge::default(),
            registry: Registry::default(),
        };
        let seconds = || Unit::Seconds;
        registry.register(
            "build",
            "The program",
            Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]),
        );
        registry.register("http_requests", "Requests answered", metrics.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time to the head of the answer",
            seconds(),
            metrics.request_seconds.clone(),
        );
        registry.register_with_unit(
            "job_duration",
            "Time of one attempt at a job",
            seconds(),
            metrics.job_seconds.clone(),
        );
        registry.register_with_unit(
            "process_resident_memory",
            "Memory in use",
            Unit::Bytes,
            metrics.memory.clone(),
        );
        Metrics { registry, ..metrics }
    }

    /// Counts one answered request. `route` is the pattern, not the path.
    pub fn request(&self, route: &str, method: &'static str, code: u16, elapsed: Duration) {
        let known = self.by_route.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(&(method, code)).and_then(|routes| routes.get(route));
        if let Some((requests, seconds)) = found {
            requests.inc();
            seconds.observe(elapsed.as_secs_f64());
            return;
        }
        drop(known);
        let (requests, seconds) = self.made(route, method, code);
        requests.inc();
        seconds.observe(elapsed.as_secs_f64());
        let mut known = self.by_route.write().unwrap_or_else(PoisonError::into_inner);
        let routes = known.entry((method, code)).or_default();
        routes.insert(route.to_owned(), (requests, seconds));
    }

    fn made(&self, route: &str, method: &'static str, code: u16) -> (Counter, Histogram) {
        let requests = RequestLabels {
            route: route.to_owned(),
            method,
            code,
        };
        let seconds = RouteLabels {
            route: route.to_owned(),
            method,
        };
        (
            self.requests.get_or_create_owned(&requests),
            self.request_seconds.get_or_create_owned(&seconds),
        )
    }

    /// The numbers of one model.
    pub fn model(&self, name: &str) -> Arc<ModelMetrics> {
        self.models.get(name)
    }

    /// The numbers of a model and its shadow.
    pub fn shadow(&self, model: &str, shadow: &str) -> ShadowMetrics {
        self.shadows.get(model, shadow)
    }

    /// Counts one finished attempt at a job. `outcome` is a word such as `completed` or `failed`.
    pub fn job(&self, kind: &'static str, outcome: &'static str, elapsed: Duration) {
        self.job_seconds
            .get_or_create(&OutcomeLabels { kind, outcome })
            .observe(elapsed.as_secs_f64());
    }

    /// Everything in the OpenMetrics text format.
    pub fn render(&self) -> Result<String, fmt::Error> {
        if let Some(bytes) = resident_bytes() {
            self.memory.set(bytes.cast_signed());
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// The memory in use, where the system says so in `/proc`.
pub fn resident_bytes() -> Option<u64> {
    status("VmRSS:")
}

/// The most memory that was in use so far, where the system says so in `/proc`.
pub fn peak_bytes() -> Option<u64> {
    status("VmHWM:")
}

fn status(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_are_the_documented_ones() {
        let metrics = Metrics::new();
        metrics.request("/v1/models/{id}", "GET", 200, Duration::from_micros(80));
        metrics.model("ml-1").answered(3, Duration::from_micros(80));
        metrics.job("train", "completed", Duration::from_secs(2));
        let text = metrics.render().unwrap();
        for line in [
            "yosoku_http_requests_total{route=\"/v1/models/{id}\",method=\"GET\",code=\"200\"} 1",
            "yosoku_http_request_duration_seconds_bucket{le=\"0.0001\",route=\"/v1/models/{id}\",method=\"GET\"} 1",
            "yosoku_http_request_duration_seconds_bucket{le=\"0.00005\",route=\"/v1/models/{id}\",method=\"GET\"} 0",
            "yosoku_predictions_total{model=\"ml-1\",kind=\"realtime\"} 3",
            "yosoku_job_duration_seconds_count{kind=\"train\",outcome=\"completed\"} 1",
            concat!("yosoku_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            assert!(text.lines().any(|got| got == line), "{line} is not in:\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
