//! Count, mean, spread and extremes of a stream of numbers, without cancellation.

/// Running moments (Welford 1962), mergeable (Chan, Golub, LeVeque 1979).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// Numbers seen.
    pub count: u64,
    /// Smallest number; infinite when none was seen.
    pub min: f64,
    /// Largest number; minus infinite when none was seen.
    pub max: f64,
    /// Mean; 0 when no number was seen.
    pub mean: f64,
    squares: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Self {
            count: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            mean: 0.0,
            squares: 0.0,
        }
    }
}

impl Moments {
    /// Adds a finite number.
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        let delta = value - self.mean;
        self.mean += delta / self.count as f64;
        self.squares += delta * (value - self.mean);
    }

    /// Adds a finite number `times` times.
    pub fn add_many(&mut self, value: f64, times: u64) {
        if times == 1 {
            return self.add(value);
        }
        self.merge(&Moments {
            count: times,
            min: value,
            max: value,
            mean: value,
            squares: 0.0,
        });
    }

    /// Adds everything other moments have seen.
    pub fn merge(&mut self, other: &Moments) {
        if other.count == 0 {
            return;
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let delta = other.mean - self.mean;
        self.mean += delta * b / (a + b);
        self.squares += other.squares + delta * delta * a * b / (a + b);
        self.count += other.count;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Population standard deviation; 0 when no number was seen. Exactly 0 for a constant stream.
    pub fn deviation(&self) -> f64 {
        if self.count == 0 || self.min == self.max {
            0.0
        } else {
            (self.squares / self.count as f64).max(0.0).sqrt()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_parts_equal_the_whole() {
        let values = [1e9, 1e9 + 1.0, 1e9 + 2.0, 5.0];
        let of = |values: &[f64]| {
            let mut moments = Moments::default();
            values.iter().for_each(|&value| moments.add(value));
            moments
        };
        let mut left = of(&values[..1]);
        left.merge(&of(&values[1..]));
        let whole = of(&values);
        assert_eq!((left.count, left.min, left.max), (4, 5.0, 1e9 + 2.0));
        assert!((left.mean / whole.mean - 1.0).abs() < 1e-14);
        assert!((left.deviation() / whole.deviation() - 1.0).abs() < 1e-12);
        assert_eq!(of(&[0.1, 0.1, 0.1]).deviation(), 0.0);
        let mut weighted = of(&[7.0]);
        weighted.add_many(2.5, 3);
        let single = of(&[7.0, 2.5, 2.5, 2.5]);
        assert_eq!((weighted.count, weighted.min, weighted.max), (4, 2.5, 7.0));
        assert!((weighted.mean - single.mean).abs() < 1e-15);
        assert!((weighted.deviation() - single.deviation()).abs() < 1e-15);
    }
}
