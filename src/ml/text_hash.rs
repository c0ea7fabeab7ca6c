//! The hash by which fields and words are told apart: 64 bits, the same on every machine.
//!
//! Most fields are short, so a text of at most sixteen bytes is read as one number and hashed without a loop or a
//! branch on its length.

use xxhash_rust::xxh3::xxh3_64;

/// The hash of the empty text, and of no other.
pub const EMPTY: u64 = 0;

/// The hash of a text: the same on every machine.
#[inline]
pub fn hash_of(text: &[u8]) -> u64 {
    match Short::of(text) {
        Some(short) => hash_short(short),
        None => hash_long(text),
    }
}

/// The hash of the bytes of `all` from `start` to `end`.
#[inline]
pub fn hash_within(all: &[u8], start: usize, end: usize) -> u64 {
    match Short::within(all, start, end) {
        Some(short) => hash_short(short),
        None => hash_long(all.get(start..end).unwrap_or_default()),
    }
}

/// Two multiplications and no branch.
#[inline]
fn hash_short(short: Short) -> u64 {
    let (low, high) = (short.bytes as u64, (short.bytes >> 64) as u64);
    let once = fold(low ^ 0x9e37_79b9_7f4a_7c15, high ^ 0xc2b2_ae3d_27d4_eb4f);
    let hash = fold(
        once ^ 0xd6e8_feb8_6659_fd93,
        u64::from(short.length) ^ 0xff51_afd7_ed55_8ccd,
    );
    // No branch: the empty text has the hash 0, and no other has.
    (hash | u64::from(hash == 0)) * u64::from(short.length != 0)
}

#[inline]
fn hash_long(text: &[u8]) -> u64 {
    xxh3_64(text).max(1)
}

/// Both halves of the product of 128 bits, one over the other.
#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

/// The bytes of a short text, the first one lowest, zeros behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Short {
    pub(super) bytes: u128,
    /// How many there are.
    length: u8,
}

/// Longest text that is short.
const SHORT: usize = 16;

/// For each length the bits that belong to a text of it.
const MASKS: [u128; SHORT + 1] = {
    let mut masks = [u128::MAX; SHORT + 1];
    let mut length = 0;
    while length < SHORT {
        masks[length] = (1 << (8 * length)) - 1;
        length += 1;
    }
    masks
};

impl Short {
    /// A text, unless it is longer than [`SHORT`] bytes.
    #[inline]
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        // Two reads that overlap where they must.
        let two = |low: u64, high: u64, from: usize| u128::from(low) | u128::from(high) << (8 * from);
        let bytes = match text {
            [] => 0,
            [first, .., last] if text.len() < 4 => {
                let middle = text[text.len() / 2];
                two(u64::from(*first), u64::from(*last), text.len() - 1)
                    | u128::from(middle) << (8 * (text.len() / 2))
            }
            [only] => u128::from(*only),
            _ => match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
                (Some(first), Some(last)) if text.len() <= SHORT => two(
                    u64::from_le_bytes(*first),
                    u64::from_le_bytes(*last),
                    text.len() - 8,
                ),
                (Some(_), _) => return None,
                _ => {
                    let word =
                        |bytes: Option<&[u8; 4]>| bytes.map_or(0, |b| u64::from(u32::from_le_bytes(*b)));
                    two(word(text.first_chunk()), word(text.last_chunk()), text.len() - 4)
                }
            },
        };
        Some(Self {
            bytes,
            length: text.len() as u8,
        })
    }

    /// The bytes of `all` from `start` to `end`, unless they are more than [`SHORT`]: the same as
    /// [`Short::of`] them, with one read and no branch on the length where `all` is long enough.
    #[inline]
    fn within(all: &[u8], start: usize, end: usize) -> Option<Self> {
        let length = end.checked_sub(start)?;
        let mask = MASKS.get(length)?;
        match all.get(start..).and_then(<[u8]>::first_chunk::<SHORT>) {
            Some(bytes) => Some(Self {
                bytes: u128::from_le_bytes(*bytes) & mask,
                length: length as u8,
            }),
            None => Self::of(all.get(start..end)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_the_text_itself() {
        let all = b"0123456789abcdefghij";
        for start in 0..=all.len() {
            for end in start..=all.len() {
                let alone = Short::of(&all[start..end]);
                assert_eq!(Short::within(all, start, end), alone, "{start} to {end}");
                assert_eq!(alone.is_some(), end - start <= SHORT);
            }
        }
        assert_eq!(Short::of(b"ab").unwrap().bytes, 0x6261);
        assert_eq!(Short::within(all, 5, 4), None);
    }

    /// Short texts that differ little differ in their hashes, and every bit of the hash is even.
    #[test]
    fn hashes_are_well_mixed() {
        let mut seen = std::collections::HashSet::new();
        let mut bits = [0u32; 64];
        let texts = (0..200_000u32).map(|i| match i % 4 {
            0 => i.to_string(),
            1 => format!("{:08x}", i),
            2 => format!("pub{i:09}"),
            _ => format!("{i:x}.{i:o}"),
        });
        for text in texts {
            let hash = hash_of(text.as_bytes());
            assert!(seen.insert((hash, text.clone())) && hash != EMPTY);
            (0..64).for_each(|bit| bits[bit] += (hash >> bit & 1) as u32);
        }
        let hashes: std::collections::HashSet<u64> = seen.iter().map(|(hash, _)| *hash).collect();
        let texts: std::collections::HashSet<&String> = seen.iter().map(|(_, text)| text).collect();
        assert_eq!(hashes.len(), texts.len());
        for (bit, &ones) in bits.iter().enumerate() {
            assert!(
                (f64::from(ones) / 200_000.0 - 0.5).abs() < 0.01,
                "bit {bit}: {ones}"
            );
        }
        assert_eq!(hash_of(b""), EMPTY);
        assert_ne!(hash_of(b"ab"), hash_of(b"a\0b"));
    }
}
