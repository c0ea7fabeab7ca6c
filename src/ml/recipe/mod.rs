//! Recipes: which attributes are learned from, and what is done to them first.
//!
//! A recipe is text ([`Recipe`]). Its expressions ([`Expr`], all together a [`Tree`]) are resolved against a
//! schema into [`Term`]s in a normal form, one for each thing that becomes features. The language is described
//! in `docs/recipes.md`.

mod apply;
pub mod ast;
pub mod error;
mod function;
mod hint;
mod json;
mod kind;
mod mend;
pub mod parse;
pub mod print;
pub mod resolve;
mod scope;
pub mod suggest;
pub mod term;
pub mod text;

pub use ast::{Expr, Tree};
pub use error::{Place, Problem, RecipeError};
pub use print::{term_attributes, term_expression, term_meaning};
pub use resolve::{resolve, resolve_text};
pub use suggest::{PLAIN, alternatives, suggest};
pub use term::Term;
pub use text::{Definition, Recipe, Source};
