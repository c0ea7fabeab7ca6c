//! Counts on how many rows each token occurs: exact while there is room, then the rarest are forgotten.

use hashbrown::HashTable;

use crate::ml::text_hash::hash_of;

/// Tokens that one dictionary counts before rare ones are forgotten.
const MOST_TOKENS: usize = 2_000_000;
/// Bytes of text that one dictionary keeps before rare ones are forgotten.
const MOST_TEXT: usize = 128 << 20;

/// One token and its count.
#[derive(Debug, Clone, Copy)]
struct Counted {
    hash: u64,
    start: u32,
    length: u32,
    rows: u32,
    last_row: u32,
    /// How many came before it.
    number: u32,
}

/// Tokens with the number of rows that hold them.
#[derive(Debug, Clone, Default)]
pub struct TokenCounts {
    table: HashTable<Counted>,
    text: String,
    /// The number of the next token.
    next: u32,
    /// Tokens that were forgotten, and the rows they were counted on.
    pub forgotten: Forgotten,
}

/// What was forgotten. A token that is forgotten and comes back counts again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Tokens.
    pub tokens: u64,
    /// The sum of their counts.
    pub occurrences: u64,
}

impl TokenCounts {
    /// Counts a token on row `row`; twice in succession on one row counts once. Gives the number of the token: how many
    /// came before it. One that was forgotten and comes back has another one.
    pub fn add(&mut self, token: &str, row: u32) -> u32 {
        self.add_many(token, row, 1)
    }

    /// The same for a row that is found `times` times.
    pub fn add_many(&mut self, token: &str, row: u32, times: u32) -> u32 {
        let hash = hash_of(token.as_bytes());
        match self.find(hash, token) {
            Some(known) => {
                if known.last_row != row {
                    known.last_row = row;
                    known.rows = known.rows.saturating_add(times);
                }
                known.number
            }
            None => self.insert(hash, token, times, row),
        }
    }

    /// Adds everything that was counted and forgotten on other rows. `told` hears of each token that is left its number there
    /// and its number here.
    pub fn merge(&mut self, other: &TokenCounts, mut told: impl FnMut(u32, u32)) {
        self.forgotten.tokens += other.forgotten.tokens;
        self.forgotten.occurrences += other.forgotten.occurrences;
        for counted in &other.table {
            let token = other.token(counted);
            let number = match self.find(counted.hash, token) {
                Some(known) => {
                    known.rows = known.rows.saturating_add(counted.rows);
                    known.number
                }
                None => self.insert(counted.hash, token, counted.rows, counted.last_row),
            };
            told(counted.number, number);
        }
    }

    /// The tokens with their numbers, which are below [`TokenCounts::numbers`], in no particular order.
    pub fn numbered(&self) -> impl Iterator<Item = (u32, &str)> {
        self.table
            .iter()
            .map(|counted| (counted.number, self.token(counted)))
    }

    /// How many numbers were given to tokens.
    pub fn numbers(&self) -> usize {
        self.next as usize
    }

    /// The tokens with their counts, in an order that depends on what was counted alone.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.table
            .iter()
            .map(|counted| (self.token(counted), counted.rows))
    }

    fn token(&self, counted: &Counted) -> &str {
        slice(&self.text, counted)
    }

    fn find(&mut self, hash: u64, token: &str) -> Option<&mut Counted> {
        let text = &self.text;
        self.table.find_mut(hash, |counted| {
            counted.hash == hash && slice(text, counted) == token
        })
    }

    fn insert(&mut self, hash: u64, token: &str, rows: u32, last_row: u32) -> u32 {
        let number = self.next;
        self.next = number.wrapping_add(1);
        let start = self.text.len() as u32;
        self.text.push_str(token);
        let counted = Counted {
            hash,
            start,
            length: token.len() as u32,
            rows,
            last_row,
            number,
        };
        self.table.insert_unique(hash, counted, |counted| counted.hash);
        if self.table.len() > MOST_TOKENS || self.text.len() > MOST_TEXT {
            self.forget_until(MOST_TOKENS / 2, MOST_TEXT / 2);
        }
        number
    }

    /// Forgets the rarest until at most so many tokens and bytes of text are left. It depends on what was
    /// counted in which order alone, so the same rows give the same counts.
    fn forget_until(&mut self, tokens: usize, text: usize) {
        let mut least = 1;
        while self.table.len() > tokens || self.text.len() > text {
            self.forget(least);
            least *= 2;
        }
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// True when nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Bytes of memory it takes, about.
    pub fn bytes(&self) -> usize {
        self.text.len() + self.len() * (size_of::<Counted>() + 8)
    }

    /// Lossy counting (Manku, Motwani 2002): forgets tokens seen on at most `least` rows.
    pub fn forget(&mut self, least: u32) {
        let mut text = String::new();
        let old = std::mem::take(&mut self.text);
        let forgotten = &mut self.forgotten;
        self.table.retain(|counted| {
            if counted.rows <= least {
                forgotten.tokens += 1;
                forgotten.occurrences += u64::from(counted.rows);
                return false;
            }
            let start = text.len() as u32;
            text.push_str(slice(&old, counted));
            counted.start = start;
            true
        });
        self.table.shrink_to_fit(|counted| counted.hash);
        self.text = text;
    }

    /// The tokens with their counts: most frequent first, ties in byte order.
    pub fn ranked(&self) -> Vec<(&str, u32)> {
        let mut ranked: Vec<(&str, u32)> = self.iter().collect();
        ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        ranked
    }
}

fn slice<'a>(text: &'a str, counted: &Counted) -> &'a str {
    let start = counted.start as usize;
    text.get(start..start + counted.length as usize).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_rows_and_ranks_by_frequency() {
        let mut counts = TokenCounts::default();
        for (row, text) in ["a b b", "b c", "c"].into_iter().enumerate() {
            text.split(' ').for_each(|word| {
                counts.add(word, row as u32);
            });
        }
        assert_eq!(counts.ranked(), [("b", 2), ("c", 2), ("a", 1)]);
        let mut other = TokenCounts::default();
        assert_eq!(
            (other.add("d", 7), other.add("a", 7), other.add("d", 8)),
            (0, 1, 0)
        );
        let mut numbers = vec![None; other.numbers()];
        counts.merge(&other, |there, here| numbers[there as usize] = Some(here));
        assert_eq!(numbers, [Some(3), Some(0)]);
        assert_eq!(counts.ranked(), [("a", 2), ("b", 2), ("c", 2), ("d", 2)]);
        let mut numbered: Vec<(u32, &str)> = counts.numbered().collect();
        numbered.sort_unstable();
        assert_eq!(numbered, [(0, "a"), (1, "b"), (2, "c"), (3, "d")]);
        counts.add("e", 8);
        counts.forget(1);
        assert_eq!(counts.ranked(), [("a", 2), ("b", 2), ("c", 2), ("d", 2)]);
        assert_eq!((counts.forgotten.tokens, counts.forgotten.occurrences), (1, 1));
        assert_eq!(counts.add("e", 9), 5, "a number is never given again");
        let mut all = TokenCounts::default();
        all.merge(&counts, |_, _| {});
        assert_eq!(all.forgotten, counts.forgotten);
        assert_eq!(counts.ranked().last(), Some(&("e", 1)));
    }
}
