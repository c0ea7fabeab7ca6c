//! The words of one column. Here words are lower-cased and stripped of punctuation at both ends, so
//! that `Red,` and `red` count as one; the words a model learns from are not.

use std::collections::HashMap;

use datasketches::hll::{HllSketch, HllType, HllUnion};
use foldhash::fast::FixedState;

/// Distinct words whose counts are kept; beyond, words seen once since the last clearing go.
const MOST_WORDS: usize = 20_000;
/// Longer words are cut off for counting.
const LONGEST_WORD: usize = 128;
const LG_REGISTERS: u8 = 14;

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
    counts: HashMap<Box<str>, u64, FixedState>,
    pruned: bool,
    distinct: Option<Box<HllSketch>>,
    buffer: String,
}

impl TextProfile {
    /// Adds the words of one field that is not a number. As long as no field had white space, words are
    /// counted but not told apart: the column is hardly text, and its values are counted elsewhere.
    pub fn add(&mut self, text: &str) {
        if self.spaced == 0 && !text.contains(char::is_whitespace) {
            self.words += 1;
            return widen(&mut self.per_row, 1);
        }
        let mut count = 0;
        for word in text.split_whitespace() {
            count += 1;
            self.add_word(word);
        }
        self.spaced += u64::from(count > 1);
        self.words += count;
        widen(&mut self.per_row, count);
    }

    /// Counts a field without words.
    pub fn add_empty(&mut self) {
        widen(&mut self.per_row, 0);
    }

    fn add_word(&mut self, word: &str) {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if bare.is_empty() {
            return;
        }
        widen(&mut self.word_length, bare.chars().count() as u64);
        self.buffer.clear();
        if bare.is_ascii() {
            self.buffer.push_str(bare.get(..LONGEST_WORD).unwrap_or(bare));
            self.buffer.make_ascii_lowercase();
        } else {
            self.buffer
                .extend(bare.chars().take(LONGEST_WORD).flat_map(char::to_lowercase));
        }
        if let Some(count) = self.counts.get_mut(self.buffer.as_str()) {
            *count += 1;
            return;
        }
        self.counts.insert(self.buffer.as_str().into(), 1);
        if let Some(distinct) = &mut self.distinct {
            distinct.update(self.buffer.as_str());
        }
        if self.counts.len() > MOST_WORDS {
            self.prune();
        }
    }

    /// Forgets rare words (Manku, Motwani 2002: lossy counting) once there are too many.
    fn prune(&mut self) {
        if !self.pruned {
            self.pruned = true;
            self.distinct = HllSketch::new(LG_REGISTERS, HllType::Hll8).ok().map(Box::new);
            let distinct = self.distinct.as_mut();
            if let Some(distinct) = distinct {
                self.counts.keys().for_each(|word| distinct.update(&**word));
            }
        }
        let mut least = 1;
        while self.counts.len() > MOST_WORDS / 2 {
            self.counts.retain(|_, count| *count > least);
            least *= 2;
        }
    }

    /// Number of distinct words, and whether it is exact.
    pub fn distinct(&self) -> (u64, bool) {
        match &self.distinct {
            Some(distinct) => (distinct.estimate().round() as u64, false),
            None => (self.counts.len() as u64, true),
        }
    }

    /// The most frequent words with their counts.
    pub fn ranked(&self) -> Vec<(String, u64)> {
        let mut ranked: Vec<(String, u64)> = self
            .counts
            .iter()
            .map(|(word, count)| (word.to_string(), *count))
            .collect();
        ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        ranked
    }

    /// Adds everything another profile has seen.
    pub fn merge(&mut self, other: TextProfile) {
        self.spaced += other.spaced;
        self.words += other.words;
        self.per_row = hull(self.per_row, other.per_row);
        self.word_length = hull(self.word_length, other.word_length);
        if other.pruned && !self.pruned {
            self.prune();
        }
        let mut counts: Vec<_> = other.counts.into_iter().collect();
        counts.sort_unstable();
        for (word, count) in counts {
            if let Some(distinct) = &mut self.distinct {
                distinct.update(&*word);
            }
            *self.counts.entry(word).or_default() += count;
        }
        if let (Some(mine), Some(theirs)) = (&mut self.distinct, other.distinct)
            && let Ok(mut union) = HllUnion::new(LG_REGISTERS)
        {
            union.update(mine);
            union.update(&theirs);
            **mine = union.to_sketch(HllType::Hll8);
        }
        if self.counts.len() > MOST_WORDS {
            self.prune();
        }
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
