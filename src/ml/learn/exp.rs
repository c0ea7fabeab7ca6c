//! The exponential of many numbers, without a branch, so that a processor works on several of them at once.
//!
//! `x = n ln 2 + r` with `|r| ≤ ln 2 / 2`, where `ln 2` is taken in two parts (Cody and Waite 1980); then `e^r` by its
//! Taylor series, and `2^n` by the exponent. Addition and multiplication alone, so it is the same on every machine.

/// Below this, numbers count as this: their exponential is next to nothing.
const LEAST: f64 = -708.0;
/// Added to a number of ordinary size, this leaves the nearest whole number in the last bits.
const SHIFT: f64 = 1.5 * (1u64 << 52) as f64;
/// `ln 2`: its first 32 bits or so, which times a small whole number are exact, and the rest.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
/// What a binary exponent of 0 is written as.
const BIAS: u64 = 1023;
/// `1 / k!` for even and odd `k`.
const EVEN: [f64; 7] = [
    1.0,
    1.0 / 2.0,
    1.0 / 24.0,
    1.0 / 720.0,
    1.0 / 40_320.0,
    1.0 / 3_628_800.0,
    1.0 / 479_001_600.0,
];
const ODD: [f64; 6] = [
    1.0,
    1.0 / 6.0,
    1.0 / 120.0,
    1.0 / 5_040.0,
    1.0 / 362_880.0,
    1.0 / 39_916_800.0,
];

/// Replaces each number of 0 or less by its exponential, to within four units in the last place.
pub(super) fn exp_all(numbers: &mut [f64]) {
    numbers.iter_mut().for_each(|x| *x = exp(*x));
}

/// The exponential of a number of 0 or less, to within four units in the last place.
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    // Not `max`, which would hide what is not a number.
    let x = if x < LEAST { LEAST } else { x };
    let shifted = x * std::f64::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    let s = r * r;
    let (mut even, mut odd) = (EVEN[6], ODD[5]);
    for k in (0..6).rev() {
        even = even * s + EVEN[k];
    }
    for k in (0..5).rev() {
        odd = odd * s + ODD[k];
    }
    (even + r * odd) * f64::from_bits(shifted.to_bits().wrapping_add(BIAS) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_near_the_exact_one() {
        let mut worst: f64 = 0.0;
        for step in 0..=2_000_000u32 {
            let x = -f64::from(step) * 3.5e-4;
            let mut found = [x];
            exp_all(&mut found);
            worst = worst.max((found[0] / libm::exp(x) - 1.0).abs());
        }
        assert!(worst < 4.0 * f64::EPSILON, "{worst}");
        let mut edges = [0.0, -0.0, -1e300, f64::NEG_INFINITY, f64::NAN];
        exp_all(&mut edges);
        assert_eq!(edges[..2], [1.0, 1.0]);
        assert!(edges[2] < 1e-300 && edges[3] < 1e-300 && edges[4].is_nan());
    }
}
