//! Counts by hash, and for each hash a text and what else is known of it.
//!
//! A slot of the open-addressing table is four bytes, hash and count of an entry are sixteen more, in the order in
//! which the entries came, so that those of frequent texts, which come early, lie close together; everything that is
//! looked at seldom lies apart. Two texts with the same 64-bit hash count as one: among 20,000 values that happens
//! once in 90 billion columns.

/// Most entries of a table.
const MOST_ENTRIES: usize = (1 << 16) - 2;
const FEWEST_SLOTS: usize = 64;

/// A hash and how often it was counted.
#[derive(Debug, Clone, Copy, Default)]
struct Head {
    hash: u64,
    count: u64,
}

#[derive(Debug, Clone)]
struct Entry<T> {
    start: u32,
    length: u32,
    value: T,
}

/// Texts, how often each was counted, and what else is known of it.
#[derive(Debug, Clone)]
pub struct Table<T> {
    /// For each slot the number of its entry, counted from 1, in the lower half and the first bits of its hash
    /// in the upper; 0 where it is free.
    slots: Vec<u32>,
    /// Entry `i` has head `i + 1`; the first one stands for none.
    heads: Vec<Head>,
    entries: Vec<Entry<T>>,
    text: String,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            slots: vec![0; FEWEST_SLOTS],
            heads: vec![Head::default()],
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
            let slot = self.slots.get(at).copied().unwrap_or(0);
            if slot == 0 {
                return false;
            }
            if slot >> 16 == tag_of(hash)
                && let Some(head) = self.heads.get_mut((slot & 0xffff) as usize)
                && head.hash == hash
            {
                head.count += times;
                return true;
            }
            at = (at + 1) & mask;
        }
    }

    /// Counts each of the texts with these hashes once, if it is in the first slot that it may be in, and writes the
    /// places of all others into `left`. Returns how many those are.
    ///
    /// There is no branch that depends on a hash, so the processor waits for the memory of many at once.
    #[inline]
    pub fn count_first<const N: usize>(&mut self, hashes: &[u64], left: &mut [u16; N]) -> usize {
        let mask = self.slots.len() - 1;
        let mut numbers = [0u16; N];
        for (number, &hash) in numbers.iter_mut().zip(hashes) {
            *number = self
                .slots
                .get(hash as usize & mask)
                .map_or(0, |&slot| slot as u16);
        }
        let mut count = 0;
        for (place, (&hash, &number)) in hashes.iter().zip(&numbers).enumerate() {
            let Some(head) = self.heads.get_mut(usize::from(number)) else {
                continue;
            };
            let is_it = (head.hash == hash) & (number != 0);
            head.count += u64::from(is_it);
            if let Some(left) = left.get_mut(count) {
                *left = place as u16;
            }
            count += usize::from(!is_it);
        }
        count
    }

    /// Adds a text that is not there yet and was counted `count` times. A full table stays as it is.
    pub fn insert(&mut self, hash: u64, text: &str, count: u64, value: T) {
        if self.is_full() || count == 0 {
            return;
        }
        if (self.entries.len() + 1) * 2 > self.slots.len() {
            self.spread(self.slots.len() * 2);
        }
        let start = self.text.len() as u32;
        self.text.push_str(text);
        self.heads.push(Head { hash, count });
        self.entries.push(Entry {
            start,
            length: text.len() as u32,
            value,
        });
        place(&mut self.slots, hash, self.entries.len());
    }

    /// Lays the entries out in so many slots.
    fn spread(&mut self, slots: usize) {
        self.slots.clear();
        self.slots.resize(slots, 0);
        for (number, head) in self.heads.iter().enumerate().skip(1) {
            place(&mut self.slots, head.hash, number);
        }
    }

    /// Entries in the order in which they came: hash, text, count, what else is known.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &str, u64, &T)> {
        self.heads
            .iter()
            .skip(1)
            .zip(&self.entries)
            .map(|(head, entry)| (head.hash, text_of(&self.text, entry), head.count, &entry.value))
    }

    /// Text and count of each entry in the order in which they came, and what else is known, to be changed.
    pub fn for_each_mut(&mut self, mut work: impl FnMut(&str, u64, &mut T)) {
        for (head, entry) in self.heads.iter().skip(1).zip(&mut self.entries) {
            work(text_of(&self.text, entry), head.count, &mut entry.value);
        }
    }

    /// Keeps the entries that were counted more than `least` times.
    pub fn keep_above(&mut self, least: u64) {
        let text = std::mem::take(&mut self.text);
        let heads = std::mem::replace(&mut self.heads, vec![Head::default()]);
        let entries = std::mem::take(&mut self.entries);
        for (head, entry) in heads.into_iter().skip(1).zip(entries) {
            if head.count > least {
                let start = self.text.len() as u32;
                self.text.push_str(text_of(&text, &entry));
                self.heads.push(head);
                self.entries.push(Entry { start, ..entry });
            }
        }
        let slots = (self.entries.len() * 2).next_power_of_two().max(FEWEST_SLOTS);
        self.spread(slots);
    }
}

fn text_of<'t, T>(text: &'t str, entry: &Entry<T>) -> &'t str {
    let start = entry.start as usize;
    text.get(start..start + entry.length as usize).unwrap_or_default()
}

/// The bits of a hash that a slot shows; those that choose the slot are others.
fn tag_of(hash: u64) -> u32 {
    (hash >> 48) as u32
}

fn place(slots: &mut [u32], hash: u64, number: usize) {
    let mask = slots.len() - 1;
    let mut at = hash as usize & mask;
    while slots[at] != 0 {
        at = (at + 1) & mask;
    }
    slots[at] = tag_of(hash) << 16 | number as u32;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::text_hash::{EMPTY, hash_of};

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
            assert!(table.count(hash_of(text.as_bytes()), 9));
        }
        for some in texts.chunks(256) {
            let hashes: Vec<u64> = some.iter().map(|text| hash_of(text.as_bytes())).collect();
            let mut left = [0; 256];
            let count = table.count_first(&hashes, &mut left);
            assert!(count < 128);
            for &place in &left[..count] {
                assert!(table.count(hashes[usize::from(place)], 1));
            }
        }
        let mut left = [0; 2];
        assert_eq!(table.count_first(&[hash_of(b"other"), EMPTY], &mut left), 2);
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
