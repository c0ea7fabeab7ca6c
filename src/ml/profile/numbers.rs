//! The numbers of one column: moments, extremes, quantiles, and what they look like as codes.

use crate::ml::moments::Moments;
use crate::ml::quantile::Quantiles;
use crate::ml::value::trimmed;

/// Evidence that a column is numeric.
#[derive(Debug, Clone)]
pub struct NumberProfile {
    /// Count, mean, spread, extremes.
    pub moments: Moments,
    /// Whole numbers among them.
    pub whole: u64,
    /// The first number written with leading zeros, such as `007`: line and text.
    pub first_leading_zero: Option<(u64, String)>,
    /// The distribution.
    pub quantiles: Quantiles,
}

impl NumberProfile {
    /// Keeps up to `capacity` numbers exactly.
    pub fn new(capacity: usize) -> Self {
        Self {
            moments: Moments::default(),
            whole: 0,
            first_leading_zero: None,
            quantiles: Quantiles::new(capacity),
        }
    }

    /// Adds a number written as `text` that was found `times` times, first at `line`. The quantiles are
    /// offered it apart, once for each row.
    pub fn add_many(&mut self, value: f64, text: &str, line: u64, times: u64) {
        self.moments.add_many(value, times);
        self.quantiles.counted(times);
        if value.fract() == 0.0 {
            self.whole += times;
        }
        if has_leading_zero(text) {
            note_earliest(&mut self.first_leading_zero, line, || text.to_string());
        }
    }

    /// Adds everything another profile has seen.
    pub fn merge(&mut self, other: NumberProfile) {
        self.moments.merge(&other.moments);
        self.whole += other.whole;
        self.first_leading_zero = earlier(self.first_leading_zero.take(), other.first_leading_zero);
        self.quantiles.merge(other.quantiles);
    }
}

/// Of two findings (line, text), the one on the smaller line.
pub fn earlier(left: Option<(u64, String)>, right: Option<(u64, String)>) -> Option<(u64, String)> {
    match (left, right) {
        (Some(a), Some(b)) => Some(if a.0 <= b.0 { a } else { b }),
        (a, b) => a.or(b),
    }
}

/// Replaces a finding (line, text) by one on a smaller line.
pub fn note_earliest(found: &mut Option<(u64, String)>, line: u64, text: impl FnOnce() -> String) {
    if found.as_ref().is_none_or(|known| line < known.0) {
        *found = Some((line, text()));
    }
}

/// True for `007` and `-01`, not for `0`, `0.5` or `0e1`.
fn has_leading_zero(text: &str) -> bool {
    let text = trimmed(text).as_bytes();
    let digits = text
        .strip_prefix(b"+")
        .or(text.strip_prefix(b"-"))
        .unwrap_or(text);
    matches!(digits, [b'0', second, ..] if second.is_ascii_digit())
}
