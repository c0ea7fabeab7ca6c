//! Records into numbers. What is learned from the training rows ([`fit`]) is frozen in a
//! [`Featurizer`], and its [`Featurizer::apply`] is the way to features in training, evaluation, batch and real time, so that
//! the same record gives the same features everywhere. Training rows that were kept when they were counted ([`kept`])
//! come to the same features without their records ([`replay`]).
//!
//! Features come in two blocks: dense numbers, scaled and rounded to `f32`, and value-less active ones
//! (bins, levels, words, indicators), given by their ids.
//!
//! [`plan`] compiles the terms of a recipe, so that work they share is done once for each record; [`fit`] (chunks by
//! [`reading`], put together by [`fit_lane`]) and [`featurizer`] both run it. [`words`] and [`product`] make tokens,
//! [`count`] counts them ([`fields`] column by column), [`space`] decides which of them become features, [`dictionary`]
//! finds them again, [`memo`] remembers whole texts; [`levels`] tells the categories in those of products.

pub mod carry;
mod checks;
pub mod count;
pub mod cut;
pub mod dictionary;
pub mod entries;
pub mod featurizer;
pub mod fields;
pub mod fit;
pub mod fit_lane;
pub mod kept;
mod ledger;
pub mod levels;
pub mod memo;
pub mod names;
pub mod notes;
mod number_fit;
pub mod plan;
pub mod product;
mod prune;
mod read_term;
pub mod reading;
pub mod replay;
pub mod show;
pub mod space;
pub mod state;
pub mod step;
pub mod vector;
pub mod words;
pub mod workspace;

pub use featurizer::{Featurizer, TOGETHER};
pub use fit::FeaturizerFit;
pub use fit_lane::FitLane;
pub use kept::{KeptRows, Room};
pub use names::FeatureName;
pub use notes::{FieldNote, NoteKind};
pub use reading::{Chunk, Reading};
pub use show::Shown;
pub use space::{FeatureSpace, MOST_FEATURES};
pub use state::{CutState, FeaturizerState, TermState};
pub use vector::FeatureVector;
pub use workspace::Workspace;
