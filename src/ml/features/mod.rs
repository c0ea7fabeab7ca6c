//! Records into numbers. What is learned from the training rows ([`fit`]) is frozen in a
//! [`Featurizer`], and its [`Featurizer::apply`] is the only way to features in training, evaluation,
//! batch and real time, so that the same record gives the same features everywhere.
//!
//! Features come in two blocks: dense numbers, scaled and rounded to `f32`, and value-less active ones
//! (bins, levels, words, indicators), given by their ids.

pub mod dictionary;
pub mod featurizer;
pub mod fit;
pub mod state;
pub mod vector;

pub use featurizer::{Featurizer, FieldNote, NoteKind};
pub use fit::FeaturizerFit;
pub use state::{FeatureName, FeaturizerState, TermState};
pub use vector::FeatureVector;
