//! Recipes: which attributes are learned from, and what is done to them first.
//!
//! A recipe is text ([`Recipe`]), checked against a schema into a list of [`Term`]s, one for each thing
//! that becomes features. Understood so far: groups, assignments, `normalize`, `quantile_bin`, and bare
//! attributes (numbers, one-hot values, words).

pub mod ast;
pub mod check;
pub mod parse;
pub mod suggest;
pub mod term;

pub use ast::{Expr, Recipe};
pub use check::check;
pub use parse::RecipeError;
pub use suggest::suggest;
pub use term::Term;
