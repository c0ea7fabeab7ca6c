//! What each term makes of a record, in words, for people who look at a recipe.

use super::featurizer::Featurizer;
use super::state::TermState;
use super::step::Step;
use super::workspace::Workspace;
use crate::ml::record::Record;
use crate::ml::value::Number;

/// Tokens shown of one term.
const MOST_SHOWN: usize = 12;

/// What one term makes of a record.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Shown {
    /// Index of the term.
    pub term: usize,
    /// The tokens, the bin, or the scaled number; empty when there is nothing.
    pub values: Vec<String>,
    /// Values that are not listed because there are many.
    pub more: usize,
}

impl Featurizer {
    /// What each term makes of `record`.
    pub fn show(&self, record: &Record, workspace: &mut Workspace) -> Vec<Shown> {
        self.plan().read(record, workspace);
        let steps = self.plan().steps().iter().zip(&self.state().terms);
        steps
            .enumerate()
            .map(|(term, (step, state))| {
                let (mut values, mut more) = (Vec::new(), 0);
                let mut add = |value: &str| {
                    if values.len() < MOST_SHOWN {
                        values.push(value.to_string());
                    } else {
                        more += 1;
                    }
                };
                match step {
                    Step::Number(at) => {
                        if let (Number::Value(value), TermState::Number { mean, scale, .. }) =
                            (workspace.numbers[*at], state)
                        {
                            let scaled = if *scale > 0.0 { (value - mean) / scale } else { 0.0 };
                            add(&format!("{scaled:.3}"));
                        }
                    }
                    Step::Bin { number, cut } => {
                        if let Number::Value(value) = workspace.numbers[*number] {
                            add(self.cut(*cut).name(value));
                        }
                    }
                    Step::Truth(at) => {
                        if let Some(truth) = workspace.truths[*at] {
                            add(if truth { "1" } else { "0" });
                        }
                    }
                    Step::Tokens(tokens) => self.for_each_token(tokens, record, workspace, &mut add),
                    Step::Missing(place) => {
                        if super::reading::is_missing(*place, workspace) {
                            add("1");
                        }
                    }
                }
                Shown { term, values, more }
            })
            .collect()
    }
}
