//! Intervals by resampling: the Poisson bootstrap.
//!
//! In each replicate every record is counted as often as a draw from Poisson(1) says, and the metric
//! is computed again on the records so weighted. That is the classical bootstrap with a sample size
//! that varies a little; it needs no copy of the data, only the few numbers per record that the
//! metric is made of. Each replicate has a random stream of its own, numbered, so the result depends
//! on the seed and the order of the records and on nothing else.

use super::interval::{Interval, Method};
use crate::ml::hash::Stream;

/// How often the records are resampled.
pub const REPLICATES: u64 = 500;

/// Above this many records the normal approximation replaces resampling: it is as good by then, and
/// its cost does not grow with the replicates.
pub const MOST_RECORDS: u64 = 200_000;

/// Computes `K` metrics on every replicate; a replicate's metric that is not a finite number (an
/// empty sample, say) is left out.
pub fn replicates<const K: usize>(
    seed: u64,
    mut metrics: impl FnMut(&mut Stream) -> [f64; K],
) -> [Vec<f64>; K] {
    let mut samples = std::array::from_fn(|_| Vec::with_capacity(REPLICATES as usize));
    for number in 0..REPLICATES {
        let values = metrics(&mut Stream::branch(seed, number));
        for (sample, value) in samples.iter_mut().zip(values) {
            let sample: &mut Vec<f64> = sample;
            if value.is_finite() {
                sample.push(value);
            }
        }
    }
    samples
}

/// The 2.5 % and 97.5 % points of the replicates around a value.
pub fn percentiles(value: f64, mut sample: Vec<f64>) -> Interval {
    sample.sort_unstable_by(f64::total_cmp);
    let low = quantile(&sample, 0.025).unwrap_or(f64::NAN);
    let high = quantile(&sample, 0.975).unwrap_or(f64::NAN);
    Interval::new(value, low, high, Method::Bootstrap)
}

/// The quantile of sorted values, on the straight line between the two nearest ones.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * sorted.len().checked_sub(1)? as f64;
    let below = sorted.get(place.floor() as usize)?;
    let above = sorted.get(place.ceil() as usize)?;
    let part = place - place.floor();
    // Not `below + part * (above - below)`: the difference of two large values may overflow.
    Some(below * (1.0 - part) + above * part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::hash::unit;

    #[test]
    fn quantiles_lie_on_the_line_between_values() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[4.0], 0.975), Some(4.0));
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), Some(3.0));
    }

    #[test]
    fn the_interval_of_a_mean_is_close_to_the_normal_one() {
        let values: Vec<f64> = (0..2_000).map(|row| unit(11, row)).collect();
        let mean = values.iter().sum::<f64>() / 2_000.0;
        let [sample] = replicates(5, |stream| {
            let (mut weight, mut sum) = (0.0, 0.0);
            for value in &values {
                let times = stream.poisson1() as f64;
                weight += times;
                sum += times * value;
            }
            [sum / weight]
        });
        let resampled = percentiles(mean, sample);
        let normal = Interval::normal(mean, (1.0 / 12.0f64 / 2_000.0).sqrt(), (0.0, 1.0));
        let width = normal.high.unwrap() - normal.low.unwrap();
        assert!((resampled.low.unwrap() - normal.low.unwrap()).abs() < 0.12 * width);
        assert!((resampled.high.unwrap() - normal.high.unwrap()).abs() < 0.12 * width);
    }

    #[test]
    fn replicates_without_a_value_are_left_out() {
        let mut turn = 0.0;
        let [sample] = replicates(1, |_| {
            turn += 1.0;
            [if turn <= 3.0 { turn } else { f64::NAN }]
        });
        assert_eq!(sample, [1.0, 2.0, 3.0]);
        let [none] = replicates(1, |_| [f64::NAN]);
        assert_eq!(percentiles(0.5, none).low, None);
    }
}
