//! What is known of the weights besides their values: how much features vary and how exactly rows determine weights.
//!
//! Worked out in training, where the rows are at hand, and kept beside the model: it follows from data and weights, so
//! the hash that names the model need not cover it.

use serde::{Deserialize, Serialize};

use crate::ml::features::{FeaturizerState, TermState};
use crate::ml::learn::Errors;

/// What is known of the weights of a model besides their values.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WeightFacts {
    /// How much the features vary.
    pub spread: Spread,
    /// Standard errors, where there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Errors>,
    /// Why there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_none: Option<String>,
}

/// How much the features vary over the training rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The deviation of each dense feature as the model sees it: about 1, less where values are missing.
    pub dense: Vec<f64>,
    /// Rows on which each other feature is active; those with an entry in a dictionary are counted there.
    pub active: Vec<u64>,
}

impl Spread {
    /// From the deviations of dense features, and the rows on which each other feature is active.
    pub fn new(dense: Vec<f64>, active: &[u64], state: &FeaturizerState) -> Self {
        let mut counted = active.iter();
        let mut kept = Vec::new();
        for term in &state.terms {
            let (sparse, listed) = (state.sparse_of(term), listed(term).len());
            kept.extend(counted.by_ref().take(sparse).skip(listed));
        }
        Self { dense, active: kept }
    }

    /// The deviation of each feature over `rows` rows, in weight order; none where nothing is known.
    pub fn deviations(&self, state: &FeaturizerState, rows: u64) -> Vec<Option<f64>> {
        let of_flag = |count: u64| {
            let share = count as f64 / rows.max(1) as f64;
            Some((share * (1.0 - share)).max(0.0).sqrt())
        };
        let mut deviations: Vec<Option<f64>> =
            (0..state.dense()).map(|at| self.dense.get(at).copied()).collect();
        let mut active = self.active.iter();
        for term in &state.terms {
            let listed = listed(term);
            deviations.extend(listed.iter().map(|&count| of_flag(count.into())));
            let rest = state.sparse_of(term) - listed.len();
            deviations.extend((0..rest).map(|_| active.next().and_then(|&count| of_flag(count))));
        }
        deviations
    }
}

/// The rows that a dictionary has counted, for the first features of a term.
fn listed(term: &TermState) -> &[u32] {
    match term {
        TermState::Tokens { dictionary, .. } => &dictionary.rows,
        _ => &[],
    }
}
