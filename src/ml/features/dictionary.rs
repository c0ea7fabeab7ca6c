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

/// One entry, in twelve bytes; free when its id is [`FREE`].
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Both halves of the key.
    key: [u32; 2],
    id: u32,
}

/// No entry has it.
const FREE: u32 = u32::MAX;
/// Texts up to this length are their own key, so that they are compared without another look at memory.
const OWN_KEY: usize = 7;

impl Dictionary {
    /// Builds the look-up table.
    pub fn new(state: &DictionaryState) -> Self {
        if state.entries.is_empty() {
            return Self::default();
        }
        let free = Slot {
            key: [0; 2],
            id: FREE,
        };
        // A third stays free.
        let mut slots = vec![free; state.entries.len() * 3 / 2 + 1];
        for (id, entry) in (0..).zip(state.entries.iter()) {
            let (hash, key) = hash_and_key(entry);
            let mut at = place_of(hash, slots.len());
            while slots[at].id != FREE {
                at = if at + 1 < slots.len() { at + 1 } else { 0 };
            }
            slots[at] = Slot { key, id };
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
        let mut at = place_of(hash, self.slots.len());
        // It ends, as some slots are free.
        while let Some(slot) = self.slots.get(at).filter(|slot| slot.id != FREE) {
            let may_be = slot.key == key;
            if may_be && (token.len() <= OWN_KEY || state.entries.get(slot.id as usize) == token) {
                return Some(slot.id);
            }
            at = if at + 1 < self.slots.len() { at + 1 } else { 0 };
        }
        None
    }
}

/// Where the search for a hash begins among so many slots.
#[inline]
fn place_of(hash: u64, slots: usize) -> usize {
    ((u128::from(hash) * slots as u128) >> 64) as usize
}

/// The hash of a text, and its key: the text itself with its length in the highest byte, or all ones there and most bits of
/// the hash.
#[inline]
fn hash_and_key(text: &str) -> (u64, [u32; 2]) {
    let long = |hash: u64| (hash, hash >> 8 | 0xff << 56);
    let (hash, key) = match Short::of(text.as_bytes()) {
        Some(short) if text.len() <= OWN_KEY => {
            (hash_short(short), short.bytes as u64 | (text.len() as u64) << 56)
        }
        Some(short) => long(hash_short(short)),
        None => long(hash_long(text.as_bytes())),
    };
    (hash, [key as u32, (key >> 32) as u32])
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
