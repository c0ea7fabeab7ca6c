//! Chances of the normal distribution and of Student's t, for tests and intervals of weights.
//!
//! `erfc` and the logarithm of the gamma function come from libm; the incomplete beta function is the continued
//! fraction of the NIST Digital Library of Mathematical Functions (8.17.22), worked out by Lentz's method.

/// Degrees of freedom from which on Student's t is the normal distribution to six digits.
const MANY: f64 = 1e7;
/// Terms of the continued fraction at most; it takes about the root of the degrees of freedom.
const MOST_TERMS: u32 = 20_000;
/// Keeps denominators away from nothing.
const TINY: f64 = 1e-300;

/// The chance that a standard normal number is further from 0 than `z` on either side.
pub fn normal_two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// The chance that a number of Student's t with `freedom` degrees of freedom is further from 0 than `t` on either
/// side; not a number without any freedom.
pub fn student_two_sided(t: f64, freedom: f64) -> f64 {
    if freedom > MANY {
        return normal_two_sided(t);
    }
    if freedom.is_nan() || freedom <= 0.0 || t.is_nan() {
        return f64::NAN;
    }
    if t.is_infinite() {
        return 0.0;
    }
    // Both forms are the same share; the second keeps its digits near 0.
    let square = t * t;
    incomplete_beta(
        freedom / (freedom + square),
        square / (freedom + square),
        freedom / 2.0,
        0.5,
    )
}

/// What a number of Student's t exceeds on either side with a chance of 5 %: 1.96 for many degrees of freedom.
pub fn student_95(freedom: f64) -> f64 {
    if freedom > MANY {
        return crate::ml::evaluate::interval::Z;
    }
    if freedom.is_nan() || freedom <= 0.0 {
        return f64::NAN;
    }
    let (mut low, mut high) = (1.0, 2.0);
    while student_two_sided(high, freedom) > 0.05 && high < 1e30 {
        high *= 2.0;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if student_two_sided(middle, freedom) > 0.05 {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// The regularised incomplete beta function of `x`, where `rest` is `1 − x`.
fn incomplete_beta(x: f64, rest: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if rest <= 0.0 {
        return 1.0;
    }
    let log_beta = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
    let front = libm::exp(a * libm::log(x) + b * libm::log(rest) - log_beta);
    // The fraction converges quickly on this side of the mean; the other side is the mirror image.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * fraction(x, a, b) / a
    } else {
        1.0 - front * fraction(rest, b, a) / b
    }
}

fn fraction(x: f64, a: f64, b: f64) -> f64 {
    let safe = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / safe(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for term in 1..=MOST_TERMS {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / safe(1.0 + even * d);
        c = safe(1.0 + even / c);
        value *= d * c;
        d = 1.0 / safe(1.0 + odd * d);
        c = safe(1.0 + odd / c);
        let change = d * c;
        value *= change;
        if (change - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values: `2 * scipy.stats.t.sf(t, freedom)` and `2 * scipy.stats.norm.sf(z)`, scipy 1.17.1.
    #[test]
    fn chances_agree_with_scipy() {
        for (t, freedom, expected) in [
            (0.1, 3.0, 0.9266523488008059),
            (1.0, 5.5, 0.35925337481312025),
            (2.5, 10.0, 0.03144684423660882),
            (4.0, 431.3, 7.453021185748087e-05),
            (12.0, 40.0, 7.82417130425598e-15),
            (1.3, 0.7, 0.47832530207918006),
            (2.0, 1e6, 0.04550053385131924),
            (30.0, 9999.5, 2.0461766256336996e-189),
        ] {
            let found = student_two_sided(t, freedom);
            assert!(
                (found / expected - 1.0_f64).abs() < 1e-9,
                "{t}, {freedom}: {found}"
            );
        }
        for (z, expected) in [
            (0.5, 0.6170750774519738),
            (1.959963984540054, 0.05),
            (6.0, 1.973175290075389e-09),
            (20.0, 5.507248237212311e-89),
        ] {
            let found = normal_two_sided(-z);
            assert!((found / expected - 1.0_f64).abs() < 1e-12, "{z}: {found}");
        }
    }

    #[test]
    fn the_95_percent_point_agrees_with_scipy() {
        for (freedom, expected) in [
            (0.8, 23.3279357960043),
            (1.0, 12.706204736174694),
            (3.0, 3.1824463052837078),
            (10.0, 2.228138851986274),
            (100.5, 1.9838506553357993),
            (5000.0, 1.9604385517065073),
        ] {
            let found = student_95(freedom);
            assert!((found / expected - 1.0_f64).abs() < 1e-9, "{freedom}: {found}");
        }
        assert!((student_95(1e9) - 1.959963984540054).abs() < 1e-12);
        assert!(student_95(0.0).is_nan());
    }

    /// For one degree of freedom the distribution is Cauchy's, for two it has a closed form too.
    #[test]
    fn closed_forms_hold() {
        for t in [1e-8, 0.3, 1.0, 7.0, 1e6] {
            let cauchy = 1.0 - 2.0 / std::f64::consts::PI * libm::atan(t);
            assert!((student_two_sided(t, 1.0) - cauchy).abs() < 1e-12, "{t}");
            let two = 1.0 - t / (2.0 + t * t).sqrt();
            assert!((student_two_sided(-t, 2.0) - two).abs() < 1e-12, "{t}");
        }
        assert_eq!(student_two_sided(0.0, 5.0), 1.0);
        assert_eq!(student_two_sided(f64::INFINITY, 5.0), 0.0);
        assert!(student_two_sided(1.0, -1.0).is_nan() && student_two_sided(f64::NAN, 5.0).is_nan());
    }
}
