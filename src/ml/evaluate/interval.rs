//! A measured value with its 95 % interval, and the closed formulas for intervals.
//!
//! Resampled intervals are made in [`super::bootstrap`], the one for AUC in [`super::auc`].

use serde::{Deserialize, Serialize};

/// The 97.5 % point of the normal distribution.
pub const Z: f64 = 1.959963984540054;

/// How an interval was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// DeLong's variance of AUC, on the logit scale.
    Delong,
    /// Wilson's score interval for a share.
    Wilson,
    /// Percentiles of a seeded Poisson bootstrap.
    Bootstrap,
    /// The normal approximation with a variance from the data (the delta method).
    Normal,
    /// A bound that holds where the data show no spread: see [`one_sided`] and [`super::auc`].
    Bound,
}

/// A metric: its value and the limits of its 95 % interval.
///
/// All fields are `None` where the metric is not defined; the report's notes say why. Limits alone
/// are `None` where the data allow a value and no statement about its precision.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The measured value.
    pub value: Option<f64>,
    /// The lower limit, never above the value.
    pub low: Option<f64>,
    /// The upper limit, never below the value.
    pub high: Option<f64>,
    /// How the limits were found.
    pub method: Option<Method>,
}

impl Interval {
    /// A metric that has no value on these records.
    pub const UNDEFINED: Interval = Interval {
        value: None,
        low: None,
        high: None,
        method: None,
    };

    /// A value with its limits; whatever is not a finite number is left out, and limits on the wrong
    /// side of the value are moved to it.
    pub fn new(value: f64, low: f64, high: f64, method: Method) -> Self {
        if !value.is_finite() {
            return Interval::UNDEFINED;
        }
        if !(low.is_finite() && high.is_finite()) {
            return Interval {
                value: Some(value),
                ..Interval::UNDEFINED
            };
        }
        Interval {
            value: Some(value),
            low: Some(low.min(value)),
            high: Some(high.max(value)),
            method: Some(method),
        }
    }

    /// The normal interval around a value, cut to the range the metric can take.
    pub fn normal(value: f64, standard_error: f64, (least, most): (f64, f64)) -> Self {
        let low = (value - Z * standard_error).max(least);
        let high = (value + Z * standard_error).min(most);
        // `max` and `min` would hide a standard error that is not a number.
        let sound = if standard_error.is_finite() { 0.0 } else { f64::NAN };
        Interval::new(value, low + sound, high + sound, Method::Normal)
    }

    /// Wilson's interval for a share of `hits` among `trials`; undefined without trials.
    ///
    /// Unlike the textbook interval it stays within 0 and 1 and is sensible for few or no misses.
    pub fn wilson(hits: u64, trials: u64) -> Self {
        if trials == 0 {
            return Interval::UNDEFINED;
        }
        let n = trials as f64;
        let share = hits as f64 / n;
        let z2 = Z * Z;
        let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = Z / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
        let low = if hits == 0 { 0.0 } else { (centre - half).max(0.0) };
        let high = if hits == trials {
            1.0
        } else {
            (centre + half).min(1.0)
        };
        Interval::new(share, low, high, Method::Wilson)
    }

    /// The interval for a quantity that rises with this one, by mapping value and limits.
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Interval {
            value: self.value.map(&f),
            low: self.low.map(&f),
            high: self.high.map(&f),
            ..self
        }
    }
}

/// The largest chance of an event that is still believable, at 95 %, after `trials` trials without
/// it: the exact form of the rule of three, which it approaches as 3/n.
pub fn one_sided(trials: u64) -> f64 {
    1.0 - libm::exp(libm::log(0.05) / trials.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_without_misses_has_one_open_side() {
        let interval = Interval::wilson(10, 10);
        assert_eq!((interval.value, interval.high), (Some(1.0), Some(1.0)));
        assert!((interval.low.unwrap() - 10.0 / (10.0 + Z * Z)).abs() < 1e-12);
        let none = Interval::wilson(0, 10);
        assert_eq!(none.low, Some(0.0));
        assert!((none.high.unwrap() + interval.low.unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(Interval::wilson(0, 0), Interval::UNDEFINED);
    }

    #[test]
    fn numbers_that_are_not_finite_never_get_in() {
        assert_eq!(
            Interval::new(f64::NAN, 0.0, 1.0, Method::Normal),
            Interval::UNDEFINED
        );
        let unsure = Interval::normal(0.5, f64::NAN, (0.0, 1.0));
        assert_eq!((unsure.value, unsure.low, unsure.high), (Some(0.5), None, None));
        let cut = Interval::normal(0.9, 1.0, (0.0, 1.0));
        assert_eq!((cut.low, cut.high), (Some(0.0), Some(1.0)));
    }

    #[test]
    fn the_one_sided_bound_approaches_the_rule_of_three() {
        assert!((one_sided(1) - 0.95).abs() < 1e-12);
        assert!((one_sided(1_000_000) * 1_000_000.0 - 3.0).abs() < 0.01);
    }
}
