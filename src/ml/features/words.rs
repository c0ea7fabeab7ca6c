//! The words of a text after lower-casing and stripping, kept side by side so that a run of words is one slice.

use unicode_general_category::{GeneralCategory, get_general_category};

use crate::ml::recipe::term::TextSource;
use crate::ml::value::for_each_word;

/// Bytes of buffer that are kept from one record to the next.
const MOST_KEPT: usize = 64 << 10;

/// The words of one text, joined by single spaces.
#[derive(Debug, Clone, Default)]
pub struct WordBuffer {
    text: String,
    /// Start and end of each word in `text`.
    spans: Vec<(u32, u32)>,
}

impl WordBuffer {
    /// Replaces the words by those of `field`.
    pub fn fill(&mut self, field: &str, source: TextSource) {
        if self.text.capacity() > MOST_KEPT && field.len() < MOST_KEPT {
            *self = Self::default();
        }
        self.text.clear();
        self.spans.clear();
        for_each_word(field, |start, end| {
            let word = field.get(start..end).unwrap_or_default();
            match source.split_punct {
                true => self.add_parts(word, source),
                false => self.add(word, source),
            }
        });
    }

    /// Adds what is between punctuation, and each mark.
    fn add_parts(&mut self, mut word: &str, source: TextSource) {
        while let Some(mark) = word.find(is_punctuation) {
            let (before, from_mark) = word.split_at(mark);
            let mark = from_mark.chars().next().map_or(0, char::len_utf8);
            let (mark, rest) = from_mark.split_at(mark);
            self.add(before, source);
            self.add(mark, source);
            word = rest;
        }
        self.add(word, source);
    }

    fn add(&mut self, word: &str, source: TextSource) {
        let word = if source.no_punct { strip(word) } else { word };
        if word.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        let start = self.text.len() as u32;
        if source.lowercase {
            push_lowercase(&mut self.text, word);
        } else {
            self.text.push_str(word);
        }
        self.spans.push((start, self.text.len() as u32));
    }

    /// Bytes of the buffers.
    pub fn capacity(&self) -> usize {
        self.text.capacity() + size_of::<(u32, u32)>() * self.spans.capacity()
    }

    /// Calls `each` with every word.
    pub fn for_each_word(&self, mut each: impl FnMut(&str)) {
        self.spans
            .iter()
            .for_each(|&(start, end)| each(&self.text[start as usize..end as usize]));
    }

    /// Calls `each` with every run of 1 to `longest` words, joined by a space.
    pub fn for_each_run(&self, longest: u32, mut each: impl FnMut(&str)) {
        for (first, &(start, _)) in self.spans.iter().enumerate() {
            self.spans[first..]
                .iter()
                .take(longest as usize)
                .for_each(|&(_, end)| each(&self.text[start as usize..end as usize]));
        }
    }

    /// Calls `each` with the first word of every window of `window` words paired with each later one,
    /// joined by as many underscores as they are apart.
    pub fn for_each_sparse_bigram(&self, window: u32, buffer: &mut String, mut each: impl FnMut(&str)) {
        for (first, &(start, end)) in self.spans.iter().enumerate() {
            let later = self.spans[first + 1..].iter().take(window as usize - 1);
            for (skipped, &(later_start, later_end)) in later.enumerate() {
                buffer.clear();
                buffer.push_str(&self.text[start as usize..end as usize]);
                buffer.extend(std::iter::repeat_n('_', skipped + 1));
                buffer.push_str(&self.text[later_start as usize..later_end as usize]);
                each(buffer);
            }
        }
    }
}

/// Appends `text` in lower case, letter by letter: what a letter becomes does not depend on its neighbours.
pub fn push_lowercase(buffer: &mut String, text: &str) {
    if text.is_ascii() {
        let start = buffer.len();
        buffer.push_str(text);
        if let Some(added) = buffer.get_mut(start..) {
            added.make_ascii_lowercase();
        }
        return;
    }
    // Only İ becomes two characters; its simple form is the first of them.
    buffer.extend(text.chars().filter_map(|letter| letter.to_lowercase().next()));
}

/// A word without punctuation and symbols (the Unicode categories P and S) at both ends.
fn strip(word: &str) -> &str {
    word.trim_matches(is_punctuation)
}

fn is_punctuation(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_punctuation();
    }
    matches!(
        get_general_category(letter),
        GeneralCategory::ConnectorPunctuation
            | GeneralCategory::DashPunctuation
            | GeneralCategory::OpenPunctuation
            | GeneralCategory::ClosePunctuation
            | GeneralCategory::InitialPunctuation
            | GeneralCategory::FinalPunctuation
            | GeneralCategory::OtherPunctuation
            | GeneralCategory::MathSymbol
            | GeneralCategory::CurrencySymbol
            | GeneralCategory::ModifierSymbol
            | GeneralCategory::OtherSymbol
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(field: &str, lowercase: bool, no_punct: bool) -> WordBuffer {
        let mut words = WordBuffer::default();
        words.fill(
            field,
            TextSource {
                attribute: 0,
                lowercase,
                no_punct,
                split_punct: false,
            },
        );
        words
    }

    fn runs(field: &str, longest: u32) -> Vec<String> {
        let mut found = Vec::new();
        filled(field, false, false).for_each_run(longest, |run| found.push(run.to_string()));
        found.sort();
        found
    }

    fn sparse(field: &str, window: u32) -> Vec<String> {
        let mut found = Vec::new();
        filled(field, false, false)
            .for_each_sparse_bigram(window, &mut String::new(), |pair| found.push(pair.to_string()));
        found
    }

    fn plain(field: &str, lowercase: bool, no_punct: bool) -> Vec<String> {
        let mut found = Vec::new();
        filled(field, lowercase, no_punct).for_each_word(|word| found.push(word.to_string()));
        found
    }

    #[test]
    fn ngrams_are_all_sizes_up_to_n() {
        assert_eq!(
            runs("big  red\tbus", 2),
            ["big", "big red", "bus", "red", "red bus"]
        );
        assert_eq!(
            runs("big red bus", 3),
            ["big", "big red", "big red bus", "bus", "red", "red bus"]
        );
        assert_eq!(runs("a, b", 2), ["a,", "a, b", "b"]);
        assert_eq!(runs("one", 5), ["one"]);
        assert!(runs("  ", 2).is_empty());
    }

    #[test]
    fn sparse_bigrams_pair_the_first_word_of_each_window() {
        assert_eq!(
            sparse("big red fast bus", 3),
            ["big_red", "big__fast", "red_fast", "red__bus", "fast_bus"]
        );
        assert!(sparse("big red fast bus", 4).contains(&"big___bus".to_string()));
        assert!(sparse("one", 4).is_empty());
    }

    #[test]
    fn punctuation_goes_at_both_ends_of_a_word_only() {
        assert_eq!(
            plain("Hi - see \"well-known\" facts!", false, true),
            ["Hi", "see", "well-known", "facts"]
        );
        assert_eq!(plain("«Prix» 5€ …", false, true), ["Prix", "5"]);
        assert_eq!(plain("$100 +1 a_b_", false, true), ["100", "1", "a_b"]);
    }

    #[test]
    fn words_are_split_at_punctuation_and_marks_are_words() {
        let parts = |field: &str, no_punct: bool| {
            let mut words = WordBuffer::default();
            let source = TextSource {
                attribute: 0,
                lowercase: true,
                no_punct,
                split_punct: true,
            };
            words.fill(field, source);
            let mut found = Vec::new();
            words.for_each_word(|word| found.push(word.to_string()));
            found
        };
        assert_eq!(
            parts("See https://T.co/a-b, «Été»!!", false),
            [
                "see", "https", ":", "/", "/", "t", ".", "co", "/", "a", "-", "b", ",", "«", "été", "»", "!",
                "!"
            ]
        );
        assert_eq!(
            parts("don't @me… 5€", false),
            ["don", "'", "t", "@", "me", "…", "5", "€"]
        );
        assert_eq!(parts("don't @me… — 5€", true), ["don", "t", "me", "5"]);
        assert!(parts(" \t", false).is_empty());
    }

    #[test]
    fn white_space_is_that_of_unicode() {
        let expected: Vec<&str> = "a\u{b}b\u{c}c\r\nd\te \u{1c}f ".split_whitespace().collect();
        assert_eq!(plain("a\u{b}b\u{c}c\r\nd\te \u{1c}f ", false, false), expected);
        assert_eq!(plain("é\u{a0}b\u{2003}c", false, false), ["é", "b", "c"]);
    }

    #[test]
    fn lower_case_is_letter_by_letter() {
        assert_eq!(plain("Big RED", true, false), ["big", "red"]);
        assert_eq!(plain("ΟΔΟΣ İZMİR ÄÖ", true, false), ["οδοσ", "izmir", "äö"]);
        assert_eq!(plain("\"Big,\" RED!", true, true), ["big", "red"]);
    }
}
