//! Running sums for means and errors, and the variances that follow from them.

/// The count, sum and sum of squares of a loss over the records.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mean {
    count: u64,
    sum: f64,
    squares: f64,
}

impl Mean {
    /// Counts one value.
    pub fn add(&mut self, value: f64) {
        self.add_many(value, 1);
    }

    /// Counts the same value several times.
    pub fn add_many(&mut self, value: f64, times: u64) {
        self.count += times;
        self.sum += value * times as f64;
        self.squares += value * value * times as f64;
    }

    /// The mean; not a number without values.
    pub fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }

    /// The standard error of the mean.
    pub fn standard_error(&self) -> f64 {
        let mean = self.mean();
        ((self.squares / self.count as f64 - mean * mean).max(0.0) / self.count as f64).sqrt()
    }
}

/// Sums over (prediction, truth) pairs that give the regression metrics and their variances.
///
/// Truths are taken relative to a fixed centre near their mean, so that large values with a small
/// spread keep their digits.
#[derive(Debug, Clone, Copy, Default)]
pub struct ErrorMoments {
    centre: f64,
    count: f64,
    error: f64,
    error_abs: f64,
    error2: f64,
    error4: f64,
    truth: f64,
    truth2: f64,
    truth3: f64,
    truth4: f64,
    error2_truth: f64,
    error2_truth2: f64,
}

impl ErrorMoments {
    /// Empty sums around a centre.
    pub fn around(centre: f64) -> Self {
        ErrorMoments {
            centre,
            ..ErrorMoments::default()
        }
    }

    /// The number that truths are taken relative to.
    pub fn centre(&self) -> f64 {
        self.centre
    }

    /// Counts one record.
    pub fn add(&mut self, prediction: f64, truth: f64) {
        let (error, truth) = (truth - prediction, truth - self.centre);
        let (error2, truth2) = (error * error, truth * truth);
        self.count += 1.0;
        self.error += error;
        self.error_abs += error.abs();
        self.error2 += error2;
        self.error4 += error2 * error2;
        self.truth += truth;
        self.truth2 += truth2;
        self.truth3 += truth2 * truth;
        self.truth4 += truth2 * truth2;
        self.error2_truth += error2 * truth;
        self.error2_truth2 += error2 * truth2;
    }

    /// The mean of truth - prediction.
    pub fn mean_error(&self) -> f64 {
        self.error / self.count
    }

    /// The mean absolute error.
    pub fn mae(&self) -> f64 {
        self.error_abs / self.count
    }

    /// The square root of the mean squared error.
    pub fn rmse(&self) -> f64 {
        (self.error2 / self.count).sqrt()
    }

    /// One minus the squared error over the truth's squared distance from its own mean.
    pub fn r2(&self) -> f64 {
        1.0 - self.error2 / self.count / self.truth_variance()
    }

    /// The standard error of [`Self::mae`].
    pub fn mae_error(&self) -> f64 {
        let variance = self.error2 / self.count - self.mae() * self.mae();
        (variance.max(0.0) / self.count).sqrt()
    }

    /// The standard error of [`Self::rmse`], by the delta method.
    pub fn rmse_error(&self) -> f64 {
        if self.error2 == 0.0 {
            return 0.0;
        }
        let mse = self.error2 / self.count;
        let variance = self.error4 / self.count - mse * mse;
        (variance.max(0.0) / self.count).sqrt() / (2.0 * self.rmse())
    }

    /// The standard error of [`Self::r2`], by the delta method.
    ///
    /// With a the squared errors, b the squared distances of the truth from its mean, A and B their
    /// means, one record moves r2 by (A (b - B) / B² - (a - A) / B) / n; this is the root of the sum
    /// of the squares of that.
    pub fn r2_error(&self) -> f64 {
        let n = self.count;
        let (a, b, m) = (self.error2 / n, self.truth_variance(), self.truth / n);
        let aa = self.error4 / n;
        let bb = (self.truth4 - 4.0 * m * self.truth3 + 6.0 * m * m * self.truth2) / n - 3.0 * m * m * m * m;
        let ab = (self.error2_truth2 - 2.0 * m * self.error2_truth + m * m * self.error2) / n;
        let ratio = a / b;
        let variance = (aa - a * a) - 2.0 * ratio * (ab - a * b) + ratio * ratio * (bb - b * b);
        (variance.max(0.0) / n).sqrt() / b
    }

    fn truth_variance(&self) -> f64 {
        let mean = self.truth / self.count;
        self.truth2 / self.count - mean * mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::hash::unit;

    #[test]
    fn standard_errors_follow_from_the_influence_of_each_record() {
        let rows: Vec<(f64, f64)> = (0..5_000)
            .map(|row| (unit(1, row) * 3.0, unit(2, row) + unit(1, row) * 2.0))
            .collect();
        let mut moments = ErrorMoments::around(0.3);
        rows.iter()
            .for_each(|&(prediction, truth)| moments.add(prediction, truth));
        // Leaving one record out at a time gives the same variances, up to terms of order 1/n.
        let n = rows.len() as f64;
        let mut jackknife = [0.0; 3];
        let (sse, sae): (f64, f64) = rows.iter().fold((0.0, 0.0), |(s, a), (p, t)| {
            (s + (t - p) * (t - p), a + (t - p).abs())
        });
        let (sum, squares) = rows.iter().fold((0.0, 0.0), |(s, q), (_, t)| (s + t, q + t * t));
        for (p, t) in &rows {
            let (sse, sae, m) = (sse - (t - p) * (t - p), sae - (t - p).abs(), n - 1.0);
            let (sum, squares) = (sum - t, squares - t * t);
            let values = [(sse / m).sqrt(), sae / m, 1.0 - sse / (squares - sum * sum / m)];
            let full = [moments.rmse(), moments.mae(), moments.r2()];
            for k in 0..3 {
                jackknife[k] += (values[k] - full[k]).powi(2);
            }
        }
        let closed = [moments.rmse_error(), moments.mae_error(), moments.r2_error()];
        for k in 0..3 {
            let expected = jackknife[k].sqrt();
            assert!(
                (closed[k] / expected - 1.0).abs() < 2e-3,
                "metric {k}: {} against {expected}",
                closed[k]
            );
        }
    }

    #[test]
    fn repeated_values_count_like_single_ones() {
        let (mut one, mut many) = (Mean::default(), Mean::default());
        many.add_many(0.5, 3);
        many.add(2.0);
        [0.5, 0.5, 0.5, 2.0].iter().for_each(|&value| one.add(value));
        assert_eq!(
            (one.mean(), one.standard_error()),
            (many.mean(), many.standard_error())
        );
        assert!(Mean::default().mean().is_nan());
    }
}
