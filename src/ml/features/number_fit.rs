//! What is learned of a number from the training rows: how it is scaled, and where it is cut into bins.

use super::cut::Cut;
use super::kept::Numbers;
use super::state::{CutState, TermState};
use crate::ml::moments::Moments;
use crate::ml::quantile::Quantiles;
use crate::ml::recipe::term::NumberSource;

/// What is learned of one number.
#[derive(Debug)]
pub struct NumberFit {
    /// Where it comes from.
    pub source: NumberSource,
    /// Mean, deviation and extremes.
    pub moments: Moments,
    /// Only where bins are wanted.
    pub quantiles: Option<Box<Quantiles>>,
    /// The numbers of all rows, where they are kept.
    pub kept: Numbers,
}

impl NumberFit {
    /// Adds the numbers of some rows, those that are one, and how many rows were before each in the source.
    pub fn add(&mut self, values: &[f64], rows: &[u64]) {
        let known = values.iter().filter(|value| !value.is_nan());
        known.for_each(|&value| self.moments.add(value));
        if let Some(quantiles) = &mut self.quantiles {
            let known = values.iter().zip(rows).filter(|(value, _)| !value.is_nan());
            known.for_each(|(&value, &row)| quantiles.add(value, row));
        }
    }

    fn range(&self) -> (f64, f64) {
        match self.moments.count {
            0 => (0.0, 0.0),
            _ => (self.moments.min, self.moments.max),
        }
    }

    /// Its cut into so many bins.
    pub fn cut(&self, bins: u32, cut: &Cut) -> CutState {
        let (min, max) = self.range();
        CutState {
            source: self.source,
            bins,
            bounds: cut.bounds.clone(),
            min,
            max,
        }
    }

    /// The number itself as a term.
    pub fn freeze(&self) -> TermState {
        let (min, max) = self.range();
        TermState::Number {
            source: self.source,
            mean: self.moments.mean,
            scale: self.moments.deviation(),
            min,
            max,
        }
    }
}
