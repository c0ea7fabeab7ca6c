//! The tokens of one term that are features: an id each, or a shared one for the rare where room is short.

use hashbrown::HashTable;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::entries::Entries;
use crate::ml::text_hash::hash_of;

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

impl Found {
    /// The feature, if it is one.
    #[inline]
    pub fn id(self) -> Option<u32> {
        match self {
            Found::Entry(id) | Found::Bucket(id) => Some(id),
            Found::Unknown => None,
        }
    }
}

/// The look-up table of a dictionary. It holds ids only; the state that it was built from has the texts.
#[derive(Debug, Clone, Default)]
pub struct Dictionary {
    ids: HashTable<u32>,
}

/// A token that is about to be looked up, and the entry that it probably is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Likely {
    hash: u64,
    id: Option<u32>,
}

impl Likely {
    /// The entry.
    pub fn id(self) -> Option<u32> {
        self.id
    }
}

impl Dictionary {
    /// Builds the look-up table. Of entries that are equal, which no training makes, the first is found.
    pub fn new(state: &DictionaryState) -> Self {
        let hash_at = |id: u32| hash_of(state.entries.get(id as usize).as_bytes());
        let mut ids = HashTable::with_capacity(state.entries.len());
        for id in 0..state.entries.len() as u32 {
            let token = state.entries.get(id as usize);
            let is_it = |&known: &u32| state.entries.get(known as usize) == token;
            ids.entry(hash_of(token.as_bytes()), is_it, |&id| hash_at(id))
                .or_insert(id);
        }
        Self { ids }
    }

    /// Looks a token up.
    #[inline]
    pub fn find(&self, state: &DictionaryState, token: &str) -> Found {
        let hash = hash_of(token.as_bytes());
        match self.entry(state, hash, token) {
            Some(id) => Found::Entry(id),
            None => Self::stranger(state, token),
        }
    }

    /// The first half of a look-up, which waits for memory and decides nothing: call it for several tokens before
    /// [`Dictionary::find_likely`], and their waits overlap.
    #[inline]
    pub fn likely(&self, token: &str) -> Likely {
        let hash = hash_of(token.as_bytes());
        Likely {
            hash,
            id: self.ids.find(hash, |_| true).copied(),
        }
    }

    /// The second half: the same as [`Dictionary::find`].
    #[inline]
    pub fn find_likely(&self, state: &DictionaryState, token: &str, likely: Likely) -> Found {
        match likely.id {
            Some(id) if state.entries.get(id as usize) == token => Found::Entry(id),
            // Nothing has a hash that begins alike.
            None => Self::stranger(state, token),
            Some(_) => match self.entry(state, likely.hash, token) {
                Some(id) => Found::Entry(id),
                None => Self::stranger(state, token),
            },
        }
    }

    #[inline]
    fn entry(&self, state: &DictionaryState, hash: u64, token: &str) -> Option<u32> {
        let is_it = |&id: &u32| state.entries.get(id as usize) == token;
        self.ids.find(hash, is_it).copied()
    }

    /// What a token is that no entry has.
    fn stranger(state: &DictionaryState, token: &str) -> Found {
        match state.buckets {
            0 => Found::Unknown,
            buckets => Found::Bucket(state.entries.len() as u32 + bucket_of(token, buckets)),
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
        let twice = DictionaryState {
            entries: ["b", "c", "b"].into_iter().collect(),
            ..state.clone()
        };
        assert_eq!(Dictionary::new(&twice).find(&twice, "b"), Found::Entry(0));
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
            let likely = dictionary.likely(text);
            assert_eq!(dictionary.find_likely(&state, text, likely), Found::Entry(id));
            let strange = format!("{text}x");
            let likely = dictionary.likely(&strange);
            assert_eq!(dictionary.find_likely(&state, &strange, likely), Found::Unknown);
            assert_eq!(dictionary.find(&state, &strange), Found::Unknown);
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
