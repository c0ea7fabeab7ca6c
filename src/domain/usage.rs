//! What was used, and what it would have cost at the prices of Amazon Machine Learning.

use serde::{Deserialize, Serialize};

/// Millionths of a US dollar for a prediction, in a batch (0.10 USD for a thousand) or in real time (0.0001 USD).
const PER_PREDICTION: u128 = 100;

/// Millionths of a US dollar for an hour of computing: 0.42 USD.
const PER_HOUR: u128 = 420_000;

const MILLIS_PER_HOUR: u128 = 3_600_000;

/// Millionths of a US dollar that are a cent.
const PER_CENT: u128 = 10_000;

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
    /// What it would have cost in US dollars, as one amount of several: what is below a millionth is left out, so that
    /// such amounts never add up to more than [`Usage::billed_dollars`] of all together.
    pub fn dollars(&self) -> f64 {
        (self.cost() / MILLIS_PER_HOUR) as f64 / 1e6
    }

    /// What it would have cost in US dollars as a bill has it: rounded up to the cent.
    pub fn billed_dollars(&self) -> f64 {
        self.cost().div_ceil(MILLIS_PER_HOUR * PER_CENT) as f64 / 100.0
    }

    /// What it would have cost, exactly: in millionths of a US dollar, times the milliseconds of an hour.
    fn cost(&self) -> u128 {
        let predictions = u128::from(self.batch) + u128::from(self.realtime);
        predictions * PER_PREDICTION * MILLIS_PER_HOUR + u128::from(self.compute_ms) * PER_HOUR
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
    fn amounts_follow_the_price_list_and_bills_are_rounded_up() {
        let used = |compute_ms, batch, realtime| Usage {
            compute_ms,
            batch,
            realtime,
            ..Usage::default()
        };
        for (usage, dollars, billed) in [
            (used(0, 0, 0), 0.0, 0.0),
            (used(3_600_000, 0, 0), 0.42, 0.42),
            (used(1, 0, 0), 0.0, 0.01),
            (used(500, 0, 0), 0.000_058, 0.01),
            (used(0, 1000, 0), 0.10, 0.10),
            (used(0, 0, 1), 0.0001, 0.01),
            (used(0, 890_000, 110_000), 100.0, 100.0),
            (used(1_800_000, 2000, 3000), 0.71, 0.71),
        ] {
            assert_eq!(
                (usage.dollars(), usage.billed_dollars()),
                (dollars, billed),
                "{usage:?}"
            );
        }
        let most = used(u64::MAX, u64::MAX, u64::MAX);
        assert!(most.dollars() > 1e11 && most.billed_dollars() > 1e11);
    }

    #[test]
    fn amounts_add_up_to_no_more_than_the_bill_and_to_less_by_less_than_a_cent() {
        let rows = |ms: u64, realtime: u64| Usage {
            compute_ms: ms,
            realtime,
            ..Usage::default()
        };
        for (row, count) in [
            (rows(0, 1), 100),
            (rows(1, 0), 1000),
            (rows(857, 3), 77),
            (rows(85_714, 0), 5),
        ] {
            let all = rows(row.compute_ms * count, row.realtime * count);
            let left = all.billed_dollars() - row.dollars() * count as f64;
            assert!((-1e-9..0.011).contains(&left), "{row:?}: {left}");
        }
    }
}
