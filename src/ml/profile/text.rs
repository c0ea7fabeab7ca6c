//! The words of one column. Here words are lower-cased and stripped of punctuation at both ends, so
//! that `Red,` and `red` count as one; the words a model learns from are not.
//!
//! Words are counted as they are written and brought together when somebody asks, so each spelling is
//! lower-cased once.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::distinct::Distinct;
use super::table::Table;
use crate::ml::hash::splitmix64;
use crate::ml::text_hash::{hash_of, hash_within};
use crate::ml::value::for_each_word;

/// Distinct spellings whose counts are kept; beyond, those seen least go.
const MOST_SPELLINGS: usize = 40_000;
/// Longer words are cut off for counting.
const LONGEST_WORD: usize = 128;
/// One of so many spellings that are not kept is taken in once they are too many.
const TAKEN_IN: u64 = 8;

/// Evidence that a column is text.
#[derive(Clone, Default)]
pub struct TextProfile {
    /// Fields with white space between words.
    pub spaced: u64,
    /// Words in all.
    pub words: u64,
    /// Fewest and most words of a row.
    pub per_row: Option<(u64, u64)>,
    /// Shortest and longest word in characters.
    pub word_length: Option<(u64, u64)>,
    /// True once a field with white space was met: only then words are told apart.
    is_spaced: bool,
    spellings: Table<()>,
    misses: u64,
    distinct: Option<Box<Distinct>>,
    buffer: String,
}

impl TextProfile {
    /// Adds the words of one field that is not a number.
    pub fn add(&mut self, text: &str) {
        self.meet(text);
        self.add_many(text, 1);
    }

    /// Looks whether a field has white space. As long as none had, words are counted but not told apart:
    /// the column is hardly text, and its values are counted elsewhere.
    pub fn meet(&mut self, text: &str) {
        let may_be = |byte: &u8| *byte <= b' ' || !byte.is_ascii();
        self.is_spaced =
            self.is_spaced || (text.as_bytes().iter().any(may_be) && text.contains(char::is_whitespace));
    }

    /// Adds the words of one field that was met before and is found `times` times.
    pub fn add_many(&mut self, text: &str, times: u64) {
        let mut count = 0;
        if self.is_spaced {
            for_each_word(text, |start, end| {
                count += 1;
                let hash = hash_within(text.as_bytes(), start, end);
                if !self.spellings.count(hash, times) {
                    self.add_word(hash, text.get(start..end).unwrap_or_default(), times);
                }
            });
        } else {
            count = 1;
        }
        self.spaced += if count > 1 { times } else { 0 };
        self.words += count * times;
        widen(&mut self.per_row, count);
    }

    /// Counts fields without words.
    pub fn add_empty(&mut self) {
        widen(&mut self.per_row, 0);
    }

    /// Adds a word that is not known by this hash.
    #[cold]
    fn add_word(&mut self, hash: u64, word: &str, times: u64) {
        if word.len() <= 4 * LONGEST_WORD {
            return self.take_in(hash, word, times);
        }
        widen(&mut self.word_length, bare(word).chars().count() as u64);
        let short: String = word.chars().take(LONGEST_WORD).collect();
        let hash = hash_of(short.as_bytes());
        if !self.spellings.count(hash, times) {
            self.take_in(hash, &short, times);
        }
    }

    fn take_in(&mut self, hash: u64, word: &str, times: u64) {
        let bare = bare(word);
        if !bare.is_empty() {
            widen(&mut self.word_length, bare.chars().count() as u64);
        }
        if let Some(distinct) = &mut self.distinct {
            normalise(bare, &mut self.buffer);
            distinct.add(hash_of(self.buffer.as_bytes()));
            self.misses += 1;
            if !splitmix64(self.misses).is_multiple_of(TAKEN_IN) {
                return;
            }
        }
        self.spellings.insert(hash, word, times, ());
        if self.spellings.len() > MOST_SPELLINGS {
            self.prune();
        }
    }

    /// Forgets rare spellings once there are too many.
    fn prune(&mut self) {
        if self.distinct.is_none() {
            self.distinct = Some(self.hashes());
        }
        let mut least = 1;
        while self.spellings.len() > MOST_SPELLINGS / 2 {
            self.spellings.keep_above(least);
            least *= 2;
        }
    }

    fn hashes(&self) -> Box<Distinct> {
        let mut distinct = self.distinct.clone().unwrap_or_default();
        self.counts()
            .keys()
            .for_each(|word| distinct.add(hash_of(word.as_bytes())));
        distinct
    }

    /// Counts of the words, their spellings brought together.
    fn counts(&self) -> HashMap<String, u64, FixedState> {
        let mut counts: HashMap<String, u64, FixedState> = HashMap::default();
        let mut buffer = String::new();
        for (_, word, count, _) in self.spellings.iter() {
            normalise(bare(word), &mut buffer);
            match counts.get_mut(&buffer) {
                _ if buffer.is_empty() => {}
                Some(known) => *known += count,
                None => {
                    counts.insert(buffer.clone(), count);
                }
            }
        }
        counts
    }

    /// Number of distinct words, and whether it is exact.
    pub fn distinct(&self) -> (u64, bool) {
        match &self.distinct {
            Some(distinct) => (distinct.estimate(), false),
            None => (self.counts().len() as u64, true),
        }
    }

    /// The most frequent words with their counts.
    pub fn ranked(&self) -> Vec<(String, u64)> {
        let mut ranked: Vec<(String, u64)> = self.counts().into_iter().collect();
        ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        ranked
    }

    /// Adds everything another profile has seen.
    pub fn merge(&mut self, other: TextProfile) {
        self.spaced += other.spaced;
        self.words += other.words;
        self.is_spaced |= other.is_spaced;
        self.per_row = hull(self.per_row, other.per_row);
        self.word_length = hull(self.word_length, other.word_length);
        if other.distinct.is_some() && self.distinct.is_none() {
            self.distinct = Some(self.hashes());
        }
        if let Some(distinct) = &mut self.distinct {
            distinct.merge(&other.hashes());
        }
        for (hash, word, count, _) in other.spellings.iter() {
            if !self.spellings.count(hash, count) {
                self.spellings.insert(hash, word, count, ());
            }
        }
        if self.spellings.len() > MOST_SPELLINGS {
            self.prune();
        }
    }
}

/// A word without punctuation at its ends.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

fn normalise(bare: &str, buffer: &mut String) {
    buffer.clear();
    if bare.is_ascii() {
        buffer.push_str(bare.get(..LONGEST_WORD).unwrap_or(bare));
        buffer.make_ascii_lowercase();
    } else {
        buffer.extend(bare.chars().take(LONGEST_WORD).flat_map(char::to_lowercase));
    }
}

fn widen(range: &mut Option<(u64, u64)>, value: u64) {
    *range = hull(*range, Some((value, value)));
}

fn hull(left: Option<(u64, u64)>, right: Option<(u64, u64)>) -> Option<(u64, u64)> {
    match (left, right) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    }
}

impl std::fmt::Debug for TextProfile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextProfile")
            .field("words", &self.words)
            .field("distinct", &self.distinct())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_normalise_words() {
        let mut text = TextProfile::default();
        text.add("Red, red wine!");
        text.add_empty();
        text.add("White wine");
        assert_eq!(text.words, 5);
        assert_eq!(text.distinct(), (3, true));
        assert_eq!(text.per_row, Some((0, 3)));
        assert_eq!(text.word_length, Some((3, 5)));
    }

    #[test]
    fn pruning_keeps_the_frequent() {
        let mut text = TextProfile::default();
        for i in 0..60_000 {
            text.add(&format!("often word{i}"));
        }
        assert_eq!(text.ranked()[0], ("often".into(), 60_000));
        let (distinct, exact) = text.distinct();
        assert!(
            !exact && (distinct as f64 / 60_001.0 - 1.0).abs() < 0.05,
            "{distinct}"
        );
    }
}
