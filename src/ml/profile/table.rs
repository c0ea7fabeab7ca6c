//! Counts by hash, and for each hash a text and what else is known of it.
//!
//! Hash and count of an entry lie together in one slot of an open-addressing table, so that counting once
//! more touches sixteen bytes and nothing else; everything that is looked at seldom lies apart, in the order
//! in which it came. Two texts with the same 64-bit hash count as one: among 20,000 values that happens
//! once in 90 billion columns.

use xxhash_rust::xxh3::xxh3_64;

/// Most entries of a table.
const MOST_ENTRIES: usize = (1 << 16) - 2;
const FEWEST_SLOTS: usize = 64;

/// The hash of the empty text, and of no other.
pub const EMPTY: u64 = 0;

/// The hash of a text: the same on every machine. Texts of up to sixteen bytes, which most fields are, are
/// hashed in place by two multiplications.
#[inline]
pub fn hash_of(text: &[u8]) -> u64 {
    let (low, high) = match text.len() {
        0 => return EMPTY,
        1..4 => {
            let ends = u64::from(text[0]) << 8 | u64::from(text[text.len() - 1]);
            (ends, u64::from(text[text.len() / 2]))
        }
        4..8 => (word::<4>(text.first_chunk()), word::<4>(text.last_chunk())),
        8..=16 => (word::<8>(text.first_chunk()), word::<8>(text.last_chunk())),
        _ => return xxh3_64(text).max(1),
    };
    let once = fold(low ^ 0x9e37_79b9_7f4a_7c15, high ^ 0xc2b2_ae3d_27d4_eb4f);
    fold(
        once ^ 0xd6e8_feb8_6659_fd93,
        (text.len() as u64) ^ 0xff51_afd7_ed55_8ccd,
    )
    .max(1)
}

#[inline]
fn word<const N: usize>(bytes: Option<&[u8; N]>) -> u64 {
    let mut word = [0; 8];
    if let Some(bytes) = bytes {
        word[..N].copy_from_slice(bytes);
    }
    u64::from_le_bytes(word)
}

/// Both halves of the product of 128 bits, one over the other.
#[inline]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

/// A hash and how often it was counted; free when that is never.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    hash: u64,
    count: u64,
}

#[derive(Debug, Clone)]
struct Entry<T> {
    start: u32,
    length: u32,
    slot: u32,
    value: T,
}

/// Texts, how often each was counted, and what else is known of it.
#[derive(Debug, Clone)]
pub struct Table<T> {
    slots: Vec<Slot>,
    entries: Vec<Entry<T>>,
    text: String,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            slots: vec![Slot::default(); FEWEST_SLOTS],
            entries: Vec::new(),
            text: String::new(),
        }
    }
}

impl<T> Table<T> {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// True when no more entries fit.
    pub fn is_full(&self) -> bool {
        self.entries.len() >= MOST_ENTRIES || self.text.len() >= 1 << 31
    }

    /// Bytes of all texts.
    pub fn text_len(&self) -> usize {
        self.text.len()
    }

    /// Counts the text with this hash `times` times, if it is there.
    #[inline]
    pub fn count(&mut self, hash: u64, times: u64) -> bool {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            // The mask keeps it within; the test only tells the compiler.
            let Some(slot) = self.slots.get_mut(at) else {
                return false;
            };
            if slot.count == 0 {
                return false;
            }
            if slot.hash == hash {
                slot.count += times;
                return true;
            }
            at = (at + 1) & mask;
        }
    }

    /// Adds a text that is not there yet and was counted `count` times. A full table stays as it is.
    pub fn insert(&mut self, hash: u64, text: &str, count: u64, value: T) {
        if self.is_full() || count == 0 {
            return;
        }
        let start = self.text.len() as u32;
        self.text.push_str(text);
        if (self.entries.len() + 1) * 3 > self.slots.len() * 2 {
            self.grow();
        }
        let slot = place(&mut self.slots, Slot { hash, count });
        self.entries.push(Entry {
            start,
            length: text.len() as u32,
            slot,
            value,
        });
    }

    fn grow(&mut self) {
        let slots = self.slots.len() * 2;
        self.move_to(slots);
    }

    fn move_to(&mut self, slots: usize) {
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); slots]);
        for entry in &mut self.entries {
            entry.slot = place(&mut self.slots, old[entry.slot as usize]);
        }
    }

    /// Entries in the order in which they came: hash, text, count, what else is known.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &str, u64, &T)> {
        self.entries.iter().map(|entry| {
            let slot = self.slots[entry.slot as usize];
            (slot.hash, text_of(&self.text, entry), slot.count, &entry.value)
        })
    }

    /// Text and count of each entry in the order in which they came, and what else is known, to be changed.
    pub fn for_each_mut(&mut self, mut work: impl FnMut(&str, u64, &mut T)) {
        for entry in &mut self.entries {
            let count = self.slots[entry.slot as usize].count;
            work(text_of(&self.text, entry), count, &mut entry.value);
        }
    }

    /// Keeps the entries that were counted more than `least` times.
    pub fn keep_above(&mut self, least: u64) {
        let (entries, text) = (std::mem::take(&mut self.entries), std::mem::take(&mut self.text));
        for entry in entries {
            if self.slots[entry.slot as usize].count > least {
                let start = self.text.len() as u32;
                self.text.push_str(text_of(&text, &entry));
                self.entries.push(Entry { start, ..entry });
            }
        }
        let slots = (self.entries.len() * 2).next_power_of_two().max(FEWEST_SLOTS);
        self.move_to(slots);
    }
}

fn text_of<'t, T>(text: &'t str, entry: &Entry<T>) -> &'t str {
    let start = entry.start as usize;
    text.get(start..start + entry.length as usize).unwrap_or_default()
}

fn place(slots: &mut [Slot], new: Slot) -> u32 {
    let mask = slots.len() - 1;
    let mut at = new.hash as usize & mask;
    while slots[at].count != 0 {
        at = (at + 1) & mask;
    }
    slots[at] = new;
    at as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_was_put_in_and_keeps_the_order() {
        let mut table = Table::default();
        let texts: Vec<String> = (0..5_000).map(|i| format!("value {i}")).collect();
        for (i, text) in texts.iter().enumerate() {
            let hash = hash_of(text.as_bytes());
            assert!(!table.count(hash, 1));
            table.insert(hash, text, 1 + i as u64 % 3, i);
        }
        for text in &texts {
            assert!(table.count(hash_of(text.as_bytes()), 10));
        }
        for (at, (hash, text, count, &i)) in table.iter().enumerate() {
            assert_eq!((at, hash, text), (i, hash_of(text.as_bytes()), texts[i].as_str()));
            assert_eq!(count, 11 + i as u64 % 3);
        }
        table.keep_above(12);
        let kept: Vec<usize> = table.iter().map(|(_, _, _, i)| *i).collect();
        assert_eq!(kept, (2..5_000).step_by(3).collect::<Vec<_>>());
        assert!(!table.count(hash_of(b"value 1"), 1));
        assert!(table.count(hash_of(b"value 2"), 1));
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

    #[test]
    fn colliding_slots_are_told_apart_and_a_full_table_refuses() {
        let mut table = Table::default();
        table.insert(7, "a", 1, ());
        assert!(!table.count(7 + (1 << 20), 1));
        table.insert(7 + (1 << 20), "b", 1, ());
        assert!(table.count(7 + (1 << 20), 1) && !table.count(0, 1));
        for i in 0..70_000u64 {
            table.insert(crate::ml::hash::splitmix64(i), "x", 1, ());
        }
        assert!(table.is_full());
        assert_eq!(table.len(), MOST_ENTRIES);
        assert!(!table.count(8, 1));
    }
}
