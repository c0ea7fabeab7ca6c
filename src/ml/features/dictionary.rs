//! The tokens of one term that are features: an id each, or a shared one for the rare where room is short.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::entries::Entries;
use crate::ml::text_hash::{Short, hash_long, hash_short};

/// A frozen dictionary as it is stored: entry i has id i; buckets follow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DictionaryState {
    /// The entries, most frequent first.
    pub entries: Entries,
    /// On how many training rows each occurs.
    pub rows: Vec<u32>,
    /// Features that all other tokens share, chosen by hash; none by default.
    #[serde(default)]
    pub buckets: u32,
}

impl DictionaryState {
    /// Number of features.
    pub fn features(&self) -> usize {
        self.entries.len() + self.buckets as usize
    }
}

/// The bucket of a token among `buckets`. The hash is part of the model's format.
pub fn bucket_of(token: &str, buckets: u32) -> u32 {
    ((u128::from(xxh3_64(token.as_bytes())) * u128::from(buckets)) >> 64) as u32
}

/// What a token is to a dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A feature of its own.
    Entry(u32),
    /// A feature that it shares with others.
    Bucket(u32),
    /// Not seen in training.
    Unknown,
}

/// The look-up table of a dictionary, with linear probing. It holds positions only; the state that it was built from
/// has the texts.
#[derive(Debug, Clone, Default)]
pub struct Dictionary {
    slots: Vec<Slot>,
}

/// One entry; free when its length is [`FREE`].
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// A text of up to eight bytes itself, so that it is compared without another look at memory; else its hash.
    key: u64,
    id: u32,
    length: u32,
}

/// No text is so long.
const FREE: u32 = u32::MAX;

impl Dictionary {
    /// Builds the look-up table.
    pub fn new(state: &DictionaryState) -> Self {
        if state.entries.is_empty() {
            return Self::default();
        }
        let free = Slot {
            key: 0,
            id: 0,
            length: FREE,
        };
        let mut slots = vec![free; (state.entries.len() * 4 / 3 + 1).next_power_of_two()];
        let mask = slots.len() - 1;
        for (id, entry) in (0..).zip(state.entries.iter()) {
            let (hash, key) = hash_and_key(entry);
            let mut at = hash as usize & mask;
            while slots[at].length != FREE {
                at = (at + 1) & mask;
            }
            let length = entry.len() as u32;
            slots[at] = Slot { key, id, length };
        }
        Self { slots }
    }

    /// Looks a token up.
    #[inline]
    pub fn find(&self, state: &DictionaryState, token: &str) -> Found {
        match self.entry(state, token) {
            Some(id) => Found::Entry(id),
            None if state.buckets > 0 => {
                Found::Bucket(state.entries.len() as u32 + bucket_of(token, state.buckets))
            }
            None => Found::Unknown,
        }
    }

    #[inline]
    fn entry(&self, state: &DictionaryState, token: &str) -> Option<u32> {
        let (hash, key) = hash_and_key(token);
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = hash as usize & mask;
        // A fourth of the slots is free at least, so it ends.
        while let Some(slot) = self.slots.get(at).filter(|slot| slot.length != FREE) {
            let may_be = slot.key == key && slot.length as usize == token.len();
            if may_be && (token.len() <= 8 || state.entries.get(slot.id as usize) == token) {
                return Some(slot.id);
            }
            at = (at + 1) & mask;
        }
        None
    }
}

#[inline]
fn hash_and_key(text: &str) -> (u64, u64) {
    match Short::of(text.as_bytes()) {
        Some(short) if text.len() <= 8 => (hash_short(short), short.bytes as u64),
        Some(short) => (hash_short(short), hash_short(short)),
        None => (hash_long(text.as_bytes()), hash_long(text.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_buckets_and_strangers() {
        let mut state = DictionaryState {
            entries: ["b", "c", ""].into_iter().collect(),
            rows: vec![2, 2, 1],
            buckets: 0,
        };
        let dictionary = Dictionary::new(&state);
        assert_eq!(dictionary.find(&state, "c"), Found::Entry(1));
        assert_eq!(dictionary.find(&state, ""), Found::Entry(2));
        assert_eq!(dictionary.find(&state, "z"), Found::Unknown);
        state.buckets = 4;
        let Found::Bucket(id) = dictionary.find(&state, "z") else {
            panic!("a bucket is expected")
        };
        assert!((3..7).contains(&id));
        assert_eq!(state.features(), 7);
    }

    #[test]
    fn tokens_of_every_length_are_found() {
        let texts: Vec<String> = (0..3000)
            .map(|i: usize| i.to_string().repeat(1 + i % 7))
            .collect();
        let mut state = DictionaryState {
            entries: texts.iter().map(String::as_str).collect(),
            ..DictionaryState::default()
        };
        state.rows = vec![1; state.entries.len()];
        let dictionary = Dictionary::new(&state);
        for text in &texts {
            let Found::Entry(id) = dictionary.find(&state, text) else {
                panic!("{text} is not found")
            };
            assert_eq!(state.entries.get(id as usize), text);
            assert_eq!(dictionary.find(&state, &format!("{text}x")), Found::Unknown);
        }
        let nothing = DictionaryState::default();
        assert_eq!(Dictionary::new(&nothing).find(&nothing, "a"), Found::Unknown);
    }

    #[test]
    fn buckets_are_used_evenly() {
        let mut used = [0; 8];
        (0..8000).for_each(|i: u32| used[bucket_of(&i.to_string(), 8) as usize] += 1);
        assert!(used.iter().all(|&count| (850..1150).contains(&count)), "{used:?}");
    }
}
