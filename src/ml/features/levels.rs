//! The categories of an attribute that only products read, so that one that no product knows can be named.
//!
//! A product's dictionary holds joined tokens, and categories may hold the underscore that joins them. Where an entry
//! can be taken apart in several ways, every way counts: a category may then pass for known that is not, but none
//! that is known is called unknown.

use std::collections::HashSet;

use super::dictionary::DictionaryState;
use super::state::{FeaturizerState, TermState};
use super::words::push_lowercase;
use crate::ml::recipe::term::Tokens;

/// Ways to take one entry apart; with more the categories are not told.
const MOST_WAYS: usize = 64;

/// The categories that products know.
#[derive(Debug, Default)]
pub struct Levels {
    /// As they are written.
    plain: Option<HashSet<String>>,
    /// In lower case.
    lowercase: Option<HashSet<String>>,
}

impl Levels {
    /// Those of an attribute; `None` where no product has its categories, or the products cannot tell them.
    pub fn of(state: &FeaturizerState, attribute: usize) -> Option<Self> {
        let mut levels = Self::default();
        for term in &state.terms {
            let TermState::Tokens {
                tokens: Tokens::Product(factors),
                dictionary,
            } = term
            else {
                continue;
            };
            for (at, factor) in factors.iter().enumerate() {
                match factor {
                    Tokens::Level {
                        attribute: of,
                        lowercase,
                    } if *of == attribute => {
                        let known = if *lowercase {
                            &mut levels.lowercase
                        } else {
                            &mut levels.plain
                        };
                        collect(factors, at, dictionary, known.get_or_insert_default())?;
                    }
                    _ => {}
                }
            }
        }
        (levels.plain.is_some() || levels.lowercase.is_some()).then_some(levels)
    }

    /// Whether a product knows the category; `buffer` is written over.
    pub fn know(&self, category: &str, buffer: &mut String) -> bool {
        let has = |known: &Option<HashSet<String>>, category: &str| {
            known.as_ref().is_some_and(|known| known.contains(category))
        };
        if has(&self.plain, category) {
            return true;
        }
        buffer.clear();
        if self.lowercase.is_some() {
            push_lowercase(buffer, category);
        }
        has(&self.lowercase, buffer)
    }
}

/// Adds whatever the factor at `at` may have been in the entries; `None` when that cannot be told.
fn collect(
    factors: &[Tokens],
    at: usize,
    dictionary: &DictionaryState,
    known: &mut HashSet<String>,
) -> Option<()> {
    // Tokens that share features by hash are not written down.
    if dictionary.buckets > 0 {
        return None;
    }
    let (before, after) = (&factors[..at], &factors[at + 1..]);
    let (fixed_before, fixed_after) = (before.iter().all(is_one_piece), after.iter().all(is_one_piece));
    let mut ends = Vec::new();
    for entry in dictionary.entries.iter() {
        ends.clear();
        ends.extend(entry.match_indices('_').map(|(place, _)| place));
        ends.push(entry.len());
        let Some(last) = ends.len().checked_sub(after.len() + 1).filter(|last| *last >= at) else {
            continue;
        };
        let firsts = at..=if fixed_before { at } else { last };
        let mut ways = 0;
        for first in firsts {
            let start = first.checked_sub(1).map_or(0, |before| ends[before] + 1);
            for &end in &ends[if fixed_after { last } else { first }..=last] {
                ways += 1;
                let level = entry.get(start..end).unwrap_or_default();
                if !known.contains(level) {
                    known.insert(level.to_string());
                }
            }
            if ways > MOST_WAYS {
                return None;
            }
        }
    }
    Some(())
}

/// Whether the tokens never hold an underscore.
fn is_one_piece(tokens: &Tokens) -> bool {
    matches!(
        tokens,
        Tokens::Bin { .. } | Tokens::Truth { .. } | Tokens::DatePart { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::recipe::term::{NumberSource, TextSource};

    fn level(attribute: usize, lowercase: bool) -> Tokens {
        Tokens::Level { attribute, lowercase }
    }

    fn bin() -> Tokens {
        let number = NumberSource::Attribute(9);
        Tokens::Bin { number, bins: 2 }
    }

    fn words() -> Tokens {
        Tokens::Words(TextSource {
            attribute: 8,
            lowercase: false,
            no_punct: false,
            split_punct: false,
        })
    }

    fn levels(products: &[(&[Tokens], &[&str], u32)]) -> Option<Levels> {
        let terms = products
            .iter()
            .map(|(factors, entries, buckets)| TermState::Tokens {
                tokens: Tokens::Product(factors.to_vec()),
                dictionary: DictionaryState {
                    entries: entries.iter().copied().collect(),
                    rows: vec![1; entries.len()],
                    buckets: *buckets,
                },
            });
        let state = FeaturizerState {
            terms: terms.collect(),
            ..FeaturizerState::default()
        };
        Levels::of(&state, 0)
    }

    fn known<'a>(levels: &Option<Levels>, categories: &[&'a str]) -> Vec<&'a str> {
        let mut buffer = String::new();
        let mut know = |category: &&str| levels.as_ref().unwrap().know(category, &mut buffer);
        categories
            .iter()
            .copied()
            .filter(|category| know(category))
            .collect()
    }

    const ASKED: [&str; 7] = ["red", "Red", "dark_red", "dark", "", "blue", "a"];

    #[test]
    fn beside_bins_categories_are_told_exactly() {
        let one = levels(&[(
            &[bin(), level(0, false)],
            &["< 3_red", ">= 3_dark_red", "< 3_"],
            0,
        )]);
        assert_eq!(known(&one, &ASKED), ["red", "dark_red", ""]);
        let between = levels(&[(&[bin(), level(0, false), bin()], &["< 3_dark_red_< 3"], 0)]);
        assert_eq!(known(&between, &ASKED), ["dark_red"]);
        let lower = levels(&[(&[level(0, true), bin()], &["red_< 3"], 0)]);
        assert_eq!(known(&lower, &ASKED), ["red", "Red"]);
        let two = levels(&[
            (&[level(0, true), bin()], &["red_< 3"], 0),
            (&[bin(), level(0, false)], &["< 3_blue"], 0),
        ]);
        assert_eq!(known(&two, &ASKED), ["red", "Red", "blue"]);
    }

    #[test]
    fn what_can_be_taken_apart_in_several_ways_is_known_in_each() {
        let words = levels(&[(&[level(0, false), words()], &["dark_red_a", "red_a"], 0)]);
        assert_eq!(known(&words, &ASKED), ["red", "dark_red", "dark"]);
        let middle = levels(&[(
            &[level(1, false), level(0, false), level(2, false)],
            &["a_dark_red_b"],
            0,
        )]);
        assert_eq!(known(&middle, &ASKED), ["red", "dark_red", "dark"]);
    }

    #[test]
    fn what_cannot_be_told_is_not_told() {
        assert!(levels(&[(&[bin(), level(0, false)], &["< 3_red"], 4)]).is_none());
        assert!(levels(&[(&[bin(), level(1, false)], &["< 3_red"], 0)]).is_none());
        let long = "_a".repeat(200);
        assert!(levels(&[(&[words(), level(0, false), words()], &[&long], 0)]).is_none());
        // Fewer pieces than factors come from no product.
        let broken = levels(&[(&[bin(), level(0, false)], &["red"], 0)]);
        assert!(known(&broken, &ASKED).is_empty());
    }
}
