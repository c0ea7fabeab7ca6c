//! How the answers of shadows differ from those that were given.

use std::fmt;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Differences of probabilities, and of numbers as far as they are small.
const DIFFERENCES: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PairLabels {
    model: String,
    shadow: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    model: String,
    shadow: String,
    outcome: &'static str,
}

/// The numbers of all shadows.
pub struct Shadows {
    records: Family<OutcomeLabels, Counter>,
    differences: Family<PairLabels, Histogram, fn() -> Histogram>,
}

/// The numbers of one model and its shadow.
pub struct ShadowMetrics {
    agreed: Counter,
    differed: Counter,
    left_out: Counter,
    difference: Histogram,
}

impl fmt::Debug for Shadows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shadows")
    }
}

impl Shadows {
    /// All numbers at zero, to be told of by `registry`.
    pub fn new(registry: &mut Registry) -> Self {
        let shadows = Shadows {
            records: Family::default(),
            differences: Family::new_with_constructor(|| Histogram::new(DIFFERENCES)),
        };
        registry.register(
            "shadow_records",
            "Records that a shadow answered with the same label or number (agreed), otherwise (differed), or not (left_out)",
            shadows.records.clone(),
        );
        registry.register(
            "shadow_score_difference",
            "Distance between the score that was given and that of the shadow",
            shadows.differences.clone(),
        );
        shadows
    }

    /// The numbers of a model and its shadow.
    pub fn get(&self, model: &str, shadow: &str) -> ShadowMetrics {
        let (model, shadow) = (model.to_owned(), shadow.to_owned());
        let counter = |outcome| {
            let labels = OutcomeLabels {
                model: model.clone(),
                shadow: shadow.clone(),
                outcome,
            };
            self.records.get_or_create_owned(&labels)
        };
        ShadowMetrics {
            agreed: counter("agreed"),
            differed: counter("differed"),
            left_out: counter("left_out"),
            difference: self
                .differences
                .get_or_create_owned(&PairLabels { model, shadow }),
        }
    }
}

impl ShadowMetrics {
    /// Counts one record that both answered, and the distance of their scores.
    pub fn compared(&self, agree: bool, difference: f64) {
        if agree { &self.agreed } else { &self.differed }.inc();
        self.difference.observe(difference);
    }

    /// Counts records that the shadow did not answer.
    pub fn left_out(&self, records: u64) {
        self.left_out.inc_by(records);
    }
}
