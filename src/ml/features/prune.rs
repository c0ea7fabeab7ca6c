//! Fewer features after a fit: the values and words that matter least to the answers go.

use super::dictionary::DictionaryState;
use super::state::{FeaturizerState, TermState};

/// A value or word of a term, and how much it matters.
struct Token {
    matters: f64,
    term: usize,
    entry: usize,
}

impl FeaturizerState {
    /// The same with `allowed` features at most: of the values and words those stay whose largest weight, times the
    /// training rows that have them, is largest; among equals, the first. `beta` has `outputs` weights for each feature,
    /// and the intercepts after the last. Numbers, bins and what else is no value or word stay whatever they weigh;
    /// features that tokens share by hash go first. `None` where there are no more than allowed, or nothing can go.
    pub fn pruned(&self, beta: &[f64], outputs: usize, allowed: usize) -> Option<Self> {
        let features = self.dense() + self.sparse();
        if features <= allowed || outputs == 0 || beta.len() != (features + 1) * outputs {
            return None;
        }
        let mut tokens = self.tokens(beta, outputs);
        let shared = self
            .dictionaries()
            .map(|(_, one)| one.buckets as usize)
            .sum::<usize>();
        if tokens.is_empty() && shared == 0 {
            return None;
        }
        let others = features - tokens.len() - shared;
        tokens.sort_by(|a, b| {
            let places = (a.term, a.entry).cmp(&(b.term, b.entry));
            b.matters.total_cmp(&a.matters).then(places)
        });
        tokens.truncate(allowed.saturating_sub(others));
        let mut kept = vec![Vec::new(); self.terms.len()];
        tokens.iter().for_each(|token| kept[token.term].push(token.entry));
        let mut state = self.clone();
        for (term, mut kept) in state.terms.iter_mut().zip(kept) {
            if let TermState::Tokens { dictionary, .. } = term {
                kept.sort_unstable();
                *dictionary = only(dictionary, &kept);
            }
        }
        Some(state)
    }

    fn dictionaries(&self) -> impl Iterator<Item = (usize, &DictionaryState)> {
        let terms = self.terms.iter().enumerate();
        terms.filter_map(|(index, term)| match term {
            TermState::Tokens { dictionary, .. } => Some((index, dictionary)),
            _ => None,
        })
    }

    fn tokens(&self, beta: &[f64], outputs: usize) -> Vec<Token> {
        let firsts = self.firsts_of_terms();
        let mut tokens = Vec::new();
        for (term, dictionary) in self.dictionaries() {
            for entry in 0..dictionary.entries.len() {
                let at = (firsts[term] + entry) * outputs;
                let weights = beta[at..at + outputs].iter();
                let largest = weights.fold(0.0_f64, |largest, weight| largest.max(weight.abs()));
                let rows = dictionary.rows.get(entry).copied().unwrap_or(1);
                tokens.push(Token {
                    matters: largest * f64::from(rows),
                    term,
                    entry,
                });
            }
        }
        tokens
    }
}

/// The dictionary with these of its entries alone.
fn only(dictionary: &DictionaryState, kept: &[usize]) -> DictionaryState {
    let rows = kept.iter().filter_map(|&entry| dictionary.rows.get(entry));
    DictionaryState {
        entries: kept.iter().map(|&entry| dictionary.entries.get(entry)).collect(),
        rows: rows.copied().collect(),
        buckets: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ml::recipe::term::{NumberSource, Tokens};

    fn words(attribute: usize, entries: &[(&str, u32)], buckets: u32) -> TermState {
        TermState::Tokens {
            tokens: Tokens::Level {
                attribute,
                lowercase: false,
            },
            dictionary: DictionaryState {
                entries: entries.iter().map(|(entry, _)| *entry).collect(),
                rows: entries.iter().map(|(_, rows)| *rows).collect(),
                buckets,
            },
        }
    }

    fn state(buckets: u32) -> FeaturizerState {
        let number = TermState::Number {
            source: NumberSource::Attribute(0),
            mean: 0.0,
            scale: 1.0,
            min: 0.0,
            max: 1.0,
        };
        FeaturizerState {
            terms: vec![
                words(1, &[("a", 9), ("b", 5), ("c", 1)], buckets),
                number,
                words(2, &[("a", 4), ("d", 4)], 0),
            ],
            ..FeaturizerState::default()
        }
    }

    fn left(state: &FeaturizerState) -> Vec<Vec<&str>> {
        state
            .dictionaries()
            .map(|(_, one)| one.entries.iter().collect())
            .collect()
    }

    #[test]
    fn what_matters_least_goes() {
        // The number, a, b, c of the first, a and d of the second, the intercept.
        let beta = [0.0, 0.1, -0.5, 2.0, -0.1, 0.4, 7.0];
        let state = state(0);
        assert_eq!(state.pruned(&beta, 1, 6), None, "all fit");
        let pruned = |allowed| state.pruned(&beta, 1, allowed).unwrap();
        // 0.9, 2.5, 2.0, 0.4, 1.6.
        assert_eq!(left(&pruned(5)), [vec!["a", "b", "c"], vec!["d"]]);
        assert_eq!(left(&pruned(3)), [vec!["b", "c"], vec![]]);
        assert_eq!(left(&pruned(1)), [Vec::<&str>::new(), vec![]]);
        let few = pruned(4);
        assert_eq!((few.dense() + few.sparse(), left(&few)[0].len()), (4, 2));
        let TermState::Tokens { dictionary, .. } = &few.terms[0] else {
            panic!("words are expected")
        };
        assert_eq!(dictionary.rows, [5, 1]);
        assert_eq!(pruned(0), pruned(1), "the number stays");
    }

    #[test]
    fn any_class_may_need_a_word_and_shared_features_go_first() {
        let state = state(2);
        // Two weights for each feature; the buckets follow the words of their term.
        let mut beta = vec![0.0; 2 * 9];
        beta[2 * 3 + 1] = -1.0; // c of the first
        beta[2 * 4] = 50.0; // a bucket
        beta[2 * 7] = 0.5; // d of the second
        let pruned = state.pruned(&beta, 2, 3).unwrap();
        assert_eq!(left(&pruned), [vec!["c"], vec!["d"]]);
        assert_eq!(pruned.sparse(), 2);
    }
}
