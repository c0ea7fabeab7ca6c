//! How many different hashes were seen, in 16 KiB: HyperLogLog (Flajolet and others 2007) with the
//! estimator of Ertl (2017), which needs no correction for small counts.

/// Log2 of the number of registers: a standard error of 0.8 %.
const LG_REGISTERS: u32 = 14;
const REGISTERS: usize = 1 << LG_REGISTERS;
/// The bits of a hash that are left for the rank.
const RANK_BITS: u32 = 64 - LG_REGISTERS;

/// Counts different hashes. The order in which they come does not matter.
#[derive(Debug, Clone)]
pub struct Distinct {
    registers: Vec<u8>,
}

impl Default for Distinct {
    fn default() -> Self {
        Self {
            registers: vec![0; REGISTERS],
        }
    }
}

impl Distinct {
    /// Adds a well mixed hash.
    #[inline]
    pub fn add(&mut self, hash: u64) {
        let index = (hash >> RANK_BITS) as usize;
        // The guard bit bounds the rank where all bits are zero.
        let rank = ((hash << LG_REGISTERS) | 1 << (LG_REGISTERS - 1)).leading_zeros() as u8 + 1;
        if let Some(register) = self.registers.get_mut(index)
            && *register < rank
        {
            *register = rank;
        }
    }

    /// Adds everything another counter has seen.
    pub fn merge(&mut self, other: &Distinct) {
        self.registers
            .iter_mut()
            .zip(&other.registers)
            .for_each(|(mine, &theirs)| *mine = (*mine).max(theirs));
    }

    /// About how many different hashes were seen.
    pub fn estimate(&self) -> u64 {
        let mut counts = [0.0f64; RANK_BITS as usize + 2];
        for &register in &self.registers {
            counts[usize::from(register)] += 1.0;
        }
        let m = REGISTERS as f64;
        let last = RANK_BITS as usize + 1;
        let mut z = m * tau(1.0 - counts[last] / m);
        for count in counts[1..last].iter().rev() {
            z = 0.5 * (z + count);
        }
        z += m * sigma(counts[0] / m);
        (m * m / (2.0 * std::f64::consts::LN_2 * z)).round() as u64
    }
}

/// The part of the registers that were never hit: sum of `x^(2^k) · 2^(k-1)`.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

/// The part of the registers that are full.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::hash::splitmix64;

    #[test]
    fn estimates_are_close_at_every_size() {
        assert_eq!(Distinct::default().estimate(), 0);
        for count in [1u64, 10, 100, 1_000, 10_000, 50_000, 1_000_000] {
            let mut distinct = Distinct::default();
            for i in 0..count {
                distinct.add(splitmix64(i));
                distinct.add(splitmix64(i / 2));
            }
            let error = distinct.estimate() as f64 / count as f64 - 1.0;
            // Three standard errors.
            assert!(error.abs() < 0.025, "{count}: {error}");
        }
    }

    #[test]
    fn merged_parts_equal_the_whole() {
        let (mut whole, mut left, mut right) =
            (Distinct::default(), Distinct::default(), Distinct::default());
        for i in 0..100_000 {
            whole.add(splitmix64(i));
            if i % 3 == 0 {
                left.add(splitmix64(i));
            } else {
                right.add(splitmix64(i));
            }
        }
        right.merge(&left);
        assert_eq!(right.registers, whole.registers);
        right.add(0);
        right.add(u64::MAX);
        assert!(right.estimate() > 0);
    }
}
