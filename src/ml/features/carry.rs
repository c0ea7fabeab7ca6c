//! Carries weights over from the features of a featurizer to those of another one that was fitted to other rows.

use std::collections::HashMap;

use super::state::{FeaturizerState, TermState};
use crate::ml::recipe::Term;

impl FeaturizerState {
    /// Weights and intercepts for the features here that make of a record what `beta` makes of it for the features of
    /// `earlier`, as far as both know what it holds: numbers are scaled anew, values and words that are new get 0, and bins
    /// keep the weight of the bin with their number. Weights of one feature lie together, `outputs` of them; the intercepts
    /// follow after the last feature. `None` where `beta` does not belong to `earlier`.
    pub fn carried(&self, earlier: &FeaturizerState, beta: &[f64], outputs: usize) -> Option<Vec<f64>> {
        if outputs == 0 || beta.len() != (earlier.dense() + earlier.sparse() + 1) * outputs {
            return None;
        }
        let mut carried = vec![0.0; (self.dense() + self.sparse() + 1) * outputs];
        let intercepts = carried.len() - outputs;
        carried[intercepts..].copy_from_slice(&beta[beta.len() - outputs..]);
        let before: HashMap<Term, (usize, &TermState)> = earlier
            .firsts_of_terms()
            .into_iter()
            .zip(earlier.terms.iter().enumerate())
            .map(|(first, (index, term))| (earlier.term(index), (first, term)))
            .collect();
        for ((index, term), first) in self.terms.iter().enumerate().zip(self.firsts_of_terms()) {
            let Some(&(old_first, old)) = before.get(&self.term(index)) else {
                continue;
            };
            for (nth, old_nth) in pairs(term, old, (self.sparse_of(term), earlier.sparse_of(old))) {
                let (to, from) = ((first + nth) * outputs, (old_first + old_nth) * outputs);
                carried[to..to + outputs].copy_from_slice(&beta[from..from + outputs]);
            }
            if let (Some((mean, scale)), Some((old_mean, old_scale))) = (term.scaling(), old.scaling()) {
                let weights = &beta[old_first * outputs..(old_first + 1) * outputs];
                for (output, weight) in weights.iter().enumerate().filter(|_| old_scale > 0.0) {
                    carried[first * outputs + output] = weight * scale / old_scale;
                    carried[intercepts + output] += weight * (mean - old_mean) / old_scale;
                }
            }
        }
        Some(carried)
    }

    /// Where the features of each term begin, in weight order; meaningless for a term without any.
    pub(super) fn firsts_of_terms(&self) -> Vec<usize> {
        let (mut dense, mut sparse) = (0, self.dense());
        let firsts = self.terms.iter().map(|term| match term {
            TermState::Number { .. } => {
                dense += 1;
                dense - 1
            }
            _ => {
                sparse += self.sparse_of(term);
                sparse - self.sparse_of(term)
            }
        });
        firsts.collect()
    }
}

/// Which of the features of a term, `new` and `old` in number, are the same as which of those it had before.
fn pairs(term: &TermState, before: &TermState, (new, old): (usize, usize)) -> Vec<(usize, usize)> {
    match (term, before) {
        (
            TermState::Tokens { dictionary, .. },
            TermState::Tokens {
                dictionary: before, ..
            },
        ) => {
            let known: HashMap<&str, usize> = before.entries.iter().zip(0..).collect();
            let entries = dictionary.entries.iter().enumerate();
            entries
                .filter_map(|(nth, entry)| Some((nth, *known.get(entry)?)))
                .collect()
        }
        (TermState::Number { .. }, _) => Vec::new(),
        // Bins of another number of bounds are other bins.
        _ if new == old => (0..new).zip(0..old).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::dictionary::DictionaryState;
    use super::super::state::CutState;
    use super::*;
    use crate::ml::recipe::term::{NumberSource, Tokens};

    fn state(mean: f64, scale: f64, words: &[&str], bounds: &[f64]) -> FeaturizerState {
        FeaturizerState {
            cuts: vec![CutState {
                source: NumberSource::Attribute(2),
                bins: 3,
                bounds: bounds.to_vec(),
                min: 0.0,
                max: 9.0,
            }],
            terms: vec![
                TermState::Tokens {
                    tokens: Tokens::Level {
                        attribute: 0,
                        lowercase: false,
                    },
                    dictionary: DictionaryState {
                        entries: words.iter().copied().collect(),
                        rows: vec![1; words.len()],
                        buckets: 0,
                    },
                },
                TermState::Number {
                    source: NumberSource::Attribute(1),
                    mean,
                    scale,
                    min: 0.0,
                    max: 1.0,
                },
                TermState::Bin { cut: 0 },
            ],
            ..FeaturizerState::default()
        }
    }

    #[test]
    fn scores_stay_the_same_where_both_know_the_record() {
        // The number, then red and green, then three bins, then the intercept; two outputs.
        let earlier = state(2.0, 4.0, &["red", "green"], &[1.0, 2.0]);
        let beta: Vec<f64> = (1..=14).map(f64::from).collect();
        let later = state(5.0, 2.0, &["blue", "green", "red"], &[1.5, 2.5]);
        let carried = later.carried(&earlier, &beta, 2).unwrap();
        let margin = |beta: &[f64], x: f64, (mean, scale): (f64, f64), active: [usize; 2], output: usize| {
            let of_active: f64 = active.iter().map(|feature| beta[feature * 2 + output]).sum();
            beta[output] * (x - mean) / scale + of_active + beta[beta.len() - 2 + output]
        };
        for output in 0..2 {
            for x in [-3.0, 0.0, 7.5] {
                let before = margin(&beta, x, (2.0, 4.0), [1, 4], output);
                let after = margin(&carried, x, (5.0, 2.0), [3, 5], output);
                assert!((before - after).abs() < 1e-12, "{before} {after}");
            }
        }
        assert_eq!(carried[2..4], [0.0, 0.0]);
        assert_eq!(carried[4..6], beta[4..6]);
        let fewer = state(5.0, 2.0, &["green"], &[1.5]);
        let carried = fewer.carried(&earlier, &beta, 2).unwrap();
        assert_eq!(carried[2..4], beta[4..6]);
        assert_eq!(carried[4..8], [0.0; 4]);
        assert!(later.carried(&earlier, &beta[1..], 2).is_none());
        assert!(later.carried(&earlier, &beta, 1).is_none());
    }
}
