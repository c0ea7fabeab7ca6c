//! Seeded randomness without state: one mixing function and the numbers drawn from it.
//!
//! Everything random in the core (splits, resampling, starting points) comes from here, so that the
//! same seed gives the same bits on every machine and on any number of threads. It is fast and well
//! mixed, and it is not for secrets.

/// The step between two states of the generator: 2^64 divided by the golden ratio, made odd.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// Mixes 64 bits (Steele, Lea and Flood 2014): every output bit depends on every input bit, and no
/// two inputs share an output.
pub fn splitmix64(x: u64) -> u64 {
    let z = x.wrapping_add(GAMMA);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The number at place `index` of the sequence that belongs to `seed`, evenly spread over [0, 1).
///
/// It needs no earlier number, so rows can be judged in any order: `unit(seed, row) < 0.3` is a
/// reproducible 30 % sample.
pub fn unit(seed: u64, index: u64) -> f64 {
    to_unit(word(seed, index))
}

/// The 64 bits behind [`unit()`]; no two indices of a seed share them.
pub fn word(seed: u64, index: u64) -> u64 {
    word_from(splitmix64(seed), index)
}

/// 64 bits as a number, evenly spread over [0, 1).
pub fn unit_of(bits: u64) -> f64 {
    to_unit(bits)
}

/// A sequence of random numbers that is nothing but a start and a counter.
#[derive(Debug, Clone)]
pub struct Stream {
    start: u64,
    index: u64,
}

impl Stream {
    /// The sequence of a seed; its numbers are `unit(seed, 0)`, `unit(seed, 1)` and so on.
    pub fn new(seed: u64) -> Self {
        Stream {
            start: splitmix64(seed),
            index: 0,
        }
    }

    /// One of many independent sequences of a seed, for work that is cut into numbered pieces.
    pub fn branch(seed: u64, number: u64) -> Self {
        Stream::new(splitmix64(seed).wrapping_add(number))
    }

    /// The next 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let value = word_from(self.start, self.index);
        self.index = self.index.wrapping_add(1);
        value
    }

    /// The next number, evenly spread over [0, 1).
    #[inline]
    pub fn next_unit(&mut self) -> f64 {
        to_unit(self.next_u64())
    }

    /// The next count from the Poisson distribution of mean one: how often a row is drawn in a
    /// bootstrap sample when the rows are drawn independently of each other.
    #[inline]
    pub fn poisson1(&mut self) -> u64 {
        let bits = self.next_u64();
        let [first, second, third, fourth, ..] = POISSON1;
        // Four comparisons without a branch settle 98 % of the draws.
        let head = u64::from(bits >= first)
            + u64::from(bits >= second)
            + u64::from(bits >= third)
            + u64::from(bits >= fourth);
        if head < 4 {
            return head;
        }
        POISSON1.iter().filter(|&&limit| bits >= limit).count() as u64
    }
}

#[inline]
fn word_from(start: u64, index: u64) -> u64 {
    splitmix64(start.wrapping_add(index.wrapping_mul(GAMMA)))
}

#[inline]
fn to_unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// The distribution function of Poisson(1) at 0, 1, 2 and so on, times 2^64, rounded down.
const POISSON1: [u64; 20] = [
    0x5e2d_58d8_b3bc_df1a,
    0xbc5a_b1b1_6779_be35,
    0xeb71_5e1d_c158_2dc2,
    0xfb23_9797_34a2_52f1,
    0xff10_25f5_9174_dc3d,
    0xffd9_0f3b_a405_5e19,
    0xfffa_8b71_fc72_c913,
    0xffff_540c_0914_b3c9,
    0xffff_ed1f_4aa8_f120,
    0xffff_fe21_6e64_1462,
    0xffff_ffd4_d85d_3183,
    0xffff_fffc_6da2_62b4,
    0xffff_ffff_ba12_d178,
    0xffff_ffff_fb07_c64c,
    0xffff_ffff_ffab_8ea5,
    0xffff_ffff_fffa_be22,
    0xffff_ffff_ffff_b11a,
    0xffff_ffff_ffff_fba1,
    0xffff_ffff_ffff_ffc5,
    0xffff_ffff_ffff_fffd,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixing_function_gives_the_published_numbers() {
        assert_eq!(splitmix64(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(splitmix64(1234567), 0x599e_d017_fb08_fc85);
    }

    #[test]
    fn a_stream_is_the_numbered_sequence_of_its_seed() {
        let mut stream = Stream::new(7);
        for index in 0..100 {
            assert_eq!(stream.next_unit(), unit(7, index));
        }
        assert_ne!(Stream::branch(7, 0).next_u64(), Stream::branch(7, 1).next_u64());
        assert_ne!(Stream::branch(7, 0).next_u64(), Stream::new(7).next_u64());
    }

    #[test]
    fn units_are_even_and_uncorrelated_between_neighbours_and_seeds() {
        let count = 200_000u64;
        let mut cells = [0u64; 16];
        let (mut along, mut across) = (0.0, 0.0);
        for index in 0..count {
            let here = unit(1, index);
            assert!((0.0..1.0).contains(&here));
            cells[(here * 16.0) as usize] += 1;
            along += (here - 0.5) * (unit(1, index + 1) - 0.5);
            across += (here - 0.5) * (unit(2, index) - 0.5);
        }
        let expected = count as f64 / 16.0;
        let chi_square: f64 = cells
            .iter()
            .map(|&c| (c as f64 - expected).powi(2) / expected)
            .sum();
        assert!(
            chi_square < 37.7,
            "chi-square {chi_square} with 15 degrees of freedom"
        );
        // The standard error of a mean product of two units is 1/12/sqrt(count).
        let limit = 4.0 / 12.0 / (count as f64).sqrt();
        assert!((along / count as f64).abs() < limit && (across / count as f64).abs() < limit);
    }

    #[test]
    fn poisson_counts_have_the_right_shares() {
        let count = 400_000;
        let mut stream = Stream::new(3);
        let mut shares = [0.0; 24];
        for _ in 0..count {
            shares[stream.poisson1() as usize] += 1.0 / count as f64;
        }
        let mut expected = libm::exp(-1.0);
        for (number, share) in shares.iter().enumerate().take(8) {
            let error = (expected * (1.0 - expected) / count as f64).sqrt();
            assert!(
                (share - expected).abs() < 4.0 * error + 1e-12,
                "P({number}) = {share}, not {expected}"
            );
            expected /= (number + 1) as f64;
        }
        let mean: f64 = shares
            .iter()
            .enumerate()
            .map(|(number, share)| number as f64 * share)
            .sum();
        assert!((mean - 1.0).abs() < 0.01);
    }
}
