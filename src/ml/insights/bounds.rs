//! What chance alone may do: bounds and test statistics.

/// Upper end of the Wilson interval of a share: `hits` of `count`, `z` standard errors.
pub fn share_at_most(hits: u64, count: u64, z: f64) -> f64 {
    let (n, z2) = (count.max(1) as f64, z * z);
    let share = hits as f64 / n;
    let spread = z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    (share + z2 / (2.0 * n) + spread) / (1.0 + z2 / n)
}

/// How many standard errors a chi-square value lies above its mean (Wilson, Hilferty 1931).
pub fn chi_square_z(value: f64, freedom: f64) -> f64 {
    let spread = 2.0 / (9.0 * freedom);
    ((value / freedom).cbrt() - (1.0 - spread)) / spread.sqrt()
}

/// The distance between two empirical distribution functions that chance exceeds with probability `p`
/// (Kolmogorov, Smirnov; the asymptotic formula).
pub fn distance_by_chance(left: u64, right: u64, p: f64) -> f64 {
    let (n, m) = (left.max(1) as f64, right.max(1) as f64);
    (-libm::log(p / 2.0) / 2.0 * (n + m) / (n * m)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_by_hand() {
        // Nothing in 100, 1.96 standard errors: 3.84 / 103.84.
        assert!((share_at_most(0, 100, 1.96) - 0.03699).abs() < 1e-4);
        assert!((share_at_most(50, 100, 1.96) - 0.5962).abs() < 1e-3);
        // The 5 % points of chi-square with 1 and 10 degrees of freedom lie at 1.645 standard errors.
        assert!((chi_square_z(3.841, 1.0) - 1.645).abs() < 0.08);
        assert!((chi_square_z(18.307, 10.0) - 1.645).abs() < 0.02);
        // The classical 1.358 · sqrt(2/n) at 5 %.
        assert!((distance_by_chance(200, 200, 0.05) - 0.1358).abs() < 1e-3);
    }
}
