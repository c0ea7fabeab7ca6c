//! What was used, and what it would have cost at the prices of Amazon Machine Learning.

use serde::{Deserialize, Serialize};

/// Millionths of a US dollar for a prediction, in a batch (0.10 USD for a thousand) or in real time (0.0001 USD).
const PER_PREDICTION: u64 = 100;

/// Millionths of a US dollar for an hour of computing: 0.42 USD.
const PER_HOUR: u64 = 420_000;

const MILLIS_PER_HOUR: u64 = 3_600_000;

/// What was used, by one key and for one model or by all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The model; empty for statistics of data sources, which belong to none.
    pub model: String,
    /// Who used it: the name of a key; empty on a server without keys.
    pub owner: String,
    /// The identifier of that key, which no other one of the same name has; empty where it is not known.
    pub key: String,
    /// Milliseconds that statistics, training and evaluation that ended well have worked.
    pub compute_ms: u64,
    /// Records answered in batches; those that could not be read are not counted.
    pub batch: u64,
    /// Records answered in real time.
    pub realtime: u64,
}

impl Usage {
    /// What it would have cost, in millionths of a US dollar, rounded up.
    pub fn micro_dollars(&self) -> u64 {
        let predictions = self.batch.saturating_add(self.realtime);
        let compute = u128::from(self.compute_ms) * u128::from(PER_HOUR);
        let compute = compute.div_ceil(u128::from(MILLIS_PER_HOUR));
        predictions
            .saturating_mul(PER_PREDICTION)
            .saturating_add(u64::try_from(compute).unwrap_or(u64::MAX))
    }

    /// The same in US dollars, rounded up to the cent.
    pub fn dollars(&self) -> f64 {
        self.micro_dollars().div_ceil(10_000) as f64 / 100.0
    }

    /// Whether nothing was used.
    pub fn is_nothing(&self) -> bool {
        self.compute_ms == 0 && self.batch == 0 && self.realtime == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_follow_the_price_list_and_are_rounded_up() {
        let used = |compute_ms, batch, realtime| Usage {
            compute_ms,
            batch,
            realtime,
            ..Usage::default()
        };
        for (usage, micro, dollars) in [
            (used(0, 0, 0), 0, 0.0),
            (used(3_600_000, 0, 0), 420_000, 0.42),
            (used(1, 0, 0), 1, 0.01),
            (used(0, 1000, 0), 100_000, 0.10),
            (used(0, 0, 1), 100, 0.01),
            (used(0, 890_000, 110_000), 100_000_000, 100.0),
            (used(1_800_000, 2000, 3000), 710_000, 0.71),
        ] {
            assert_eq!(
                (usage.micro_dollars(), usage.dollars()),
                (micro, dollars),
                "{usage:?}"
            );
        }
        assert!(used(u64::MAX, u64::MAX, u64::MAX).dollars() > 1e11);
    }
}
