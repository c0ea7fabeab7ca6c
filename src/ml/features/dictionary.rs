//! The tokens of one term that are features: an id each, or a shared one for the rare where room is short.

use hashbrown::HashTable;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::count::hash_of;
use super::entries::Entries;

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

/// The look-up table of a dictionary. It holds positions only; the state that it was built from has the
/// texts.
#[derive(Debug, Clone, Default)]
pub struct Dictionary {
    ids: HashTable<u32>,
}

impl Dictionary {
    /// Builds the look-up table.
    pub fn new(state: &DictionaryState) -> Self {
        let mut ids = HashTable::with_capacity(state.entries.len());
        for (id, entry) in state.entries.iter().enumerate() {
            ids.insert_unique(hash_of(entry), id as u32, |&id| {
                hash_of(state.entries.get(id as usize))
            });
        }
        Self { ids }
    }

    /// Looks a token up.
    #[inline]
    pub fn find(&self, state: &DictionaryState, token: &str) -> Found {
        let known = self
            .ids
            .find(hash_of(token), |&id| state.entries.get(id as usize) == token);
        match known {
            Some(&id) => Found::Entry(id),
            None if state.buckets > 0 => {
                Found::Bucket(state.entries.len() as u32 + bucket_of(token, state.buckets))
            }
            None => Found::Unknown,
        }
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
    fn buckets_are_used_evenly() {
        let mut used = [0; 8];
        (0..8000).for_each(|i: u32| used[bucket_of(&i.to_string(), 8) as usize] += 1);
        assert!(used.iter().all(|&count| (850..1150).contains(&count)), "{used:?}");
    }
}
