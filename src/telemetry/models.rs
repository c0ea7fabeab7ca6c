//! What is counted for each model: predictions, their time, what was odd about records, and the scores given.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// From 10 µs to 1 s: one record takes tens of microseconds, ten thousand a good part of a second.
const SECONDS: [f64; 14] = [
    1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 0.1, 0.25, 1.0,
];

/// Probabilities in steps of a tenth, and finer at the ends, where rare classes live.
const SCORES: [f64; 13] = [
    0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99,
];

/// Models beyond this many share one label, so that their number does not grow without end.
pub const MOST_MODELS: usize = 100;

/// The label that they share.
const OTHER: &str = "other";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabel {
    model: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    model: String,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    model: String,
    code: &'static str,
}

type Histograms = Family<ModelLabel, Histogram, fn() -> Histogram>;

/// The numbers of all models.
pub struct Models {
    predictions: Family<KindLabels, Counter>,
    warnings: Family<CodeLabels, Counter>,
    seconds: Histograms,
    scores: Histograms,
    by_name: RwLock<HashMap<String, Arc<ModelMetrics>>>,
}

/// The numbers of one model.
pub struct ModelMetrics {
    label: String,
    realtime: Counter,
    batch: Counter,
    warnings: Family<CodeLabels, Counter>,
    seconds: Histogram,
    scores: Histograms,
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Models")
    }
}

impl Models {
    /// All numbers at zero, to be told of by `registry`.
    pub fn new(registry: &mut Registry) -> Self {
        let models = Models {
            predictions: Family::default(),
            warnings: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            scores: Family::new_with_constructor(|| Histogram::new(SCORES)),
            by_name: RwLock::default(),
        };
        registry.register("predictions", "Records scored", models.predictions.clone());
        registry.register(
            "prediction_warnings",
            "Odd fields in records scored in real time",
            models.warnings.clone(),
        );
        registry.register_with_unit(
            "prediction_duration",
            "Time to answer a request for predictions in real time, from its head to its answer",
            Unit::Seconds,
            models.seconds.clone(),
        );
        registry.register(
            "prediction_score",
            "Probability of the positive label, or of the answered class, in real time",
            models.scores.clone(),
        );
        models
    }

    /// The numbers of the model of that name.
    pub fn get(&self, name: &str) -> Arc<ModelMetrics> {
        let known = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        let full = known.len() >= MOST_MODELS;
        if let Some(found) = known.get(name).or_else(|| known.get(OTHER).filter(|_| full)) {
            return found.clone();
        }
        drop(known);
        let mut known = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        let label = match known.len() < MOST_MODELS {
            true => name,
            false => OTHER,
        };
        let made = || Arc::new(self.made(label));
        known.entry(label.to_owned()).or_insert_with(made).clone()
    }

    fn made(&self, model: &str) -> ModelMetrics {
        let counter = |kind| {
            let model = model.to_owned();
            self.predictions.get_or_create_owned(&KindLabels { model, kind })
        };
        let label = ModelLabel {
            model: model.to_owned(),
        };
        ModelMetrics {
            realtime: counter("realtime"),
            batch: counter("batch"),
            warnings: self.warnings.clone(),
            seconds: self.seconds.get_or_create_owned(&label),
            scores: self.scores.clone(),
            label: label.model,
        }
    }
}

impl ModelMetrics {
    /// Counts one answered request in real time.
    pub fn answered(&self, records: u64, elapsed: Duration) {
        self.realtime.inc_by(records);
        self.seconds.observe(elapsed.as_secs_f64());
    }

    /// Counts records of a batch.
    pub fn batch(&self, records: u64) {
        self.batch.inc_by(records);
    }

    /// Counts odd fields of one kind.
    pub fn warned(&self, code: &'static str, count: u64) {
        let model = self.label.clone();
        self.warnings
            .get_or_create(&CodeLabels { model, code })
            .inc_by(count);
    }

    /// Counts the scores that were given.
    pub fn scored(&self, scores: impl IntoIterator<Item = f64>) {
        let mut scores = scores.into_iter().peekable();
        if scores.peek().is_none() {
            return;
        }
        let model = self.label.clone();
        let histogram = self.scores.get_or_create(&ModelLabel { model });
        scores.for_each(|score| histogram.observe(score));
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn too_many_models_share_one_label() {
        let mut registry = Registry::default();
        let models = Models::new(&mut registry);
        for i in 0..MOST_MODELS + 5 {
            models.get(&format!("ml-{i}")).batch(1);
        }
        models.get("ml-0").batch(1);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        assert!(text.contains("{model=\"other\",kind=\"batch\"} 5"), "{text}");
        assert!(text.contains("{model=\"ml-0\",kind=\"batch\"} 2"));
    }

    #[test]
    fn what_is_counted_has_the_documented_names() {
        let mut registry = Registry::default();
        let model = Models::new(&mut registry).get("ml-1");
        model.answered(3, Duration::from_micros(40));
        model.warned("missing", 2);
        model.scored([0.02, 0.97]);
        model.scored([]);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "predictions_total{model=\"ml-1\",kind=\"realtime\"} 3",
            "prediction_warnings_total{model=\"ml-1\",code=\"missing\"} 2",
            "prediction_duration_seconds_bucket{le=\"0.000025\",model=\"ml-1\"} 0",
            "prediction_duration_seconds_bucket{le=\"0.00005\",model=\"ml-1\"} 1",
            "prediction_score_bucket{le=\"0.05\",model=\"ml-1\"} 1",
            "prediction_score_count{model=\"ml-1\"} 2",
        ] {
            assert!(text.lines().any(|got| got == line), "{line} is not in:\n{text}");
        }
    }
}
