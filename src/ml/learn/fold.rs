//! Divides the rows into those from which weights are found and those on which they are judged.

use std::cell::OnceCell;
use std::sync::Arc;

use super::curvature::Curvature;
use super::design::{Design, Targets};
use super::evidence::Strengths;
use super::gram::Gram;
use super::objective::Objective;
use crate::ml::hash::unit;

/// Parts into which the rows are divided.
pub const FOLDS: usize = 5;
/// Rows that are looked at, about: more would not choose better.
pub const MOST_ROWS: usize = 125_000;
/// Times as many rows as that from which on not all are looked at.
const WORTH: f64 = 1.25;
/// The strength of every group to begin with, times the rows.
const FIRST: f64 = 30.0;
/// Seed of the division of the rows.
const SEED: u64 = 0x7365_6172_6368;

/// How many of so many rows are looked at, about.
pub(super) fn looked_at(rows: usize) -> usize {
    match rows as f64 >= WORTH * MOST_ROWS as f64 {
        true => MOST_ROWS,
        false => rows,
    }
}

/// One division of the rows, with the weights found last.
#[derive(Clone)]
pub(super) struct Fold {
    pub(super) inside: Arc<Vec<f32>>,
    pub(super) outside: Arc<Vec<f32>>,
    pub(super) beta: Vec<f64>,
    pub(super) strengths: Strengths,
    /// What the loss curves at weights found before.
    pub(super) curvature: Option<Arc<Curvature>>,
    /// The products of the features inside, once they were asked for, where the table is narrow.
    pub(super) gram: OnceCell<Option<Arc<Gram>>>,
}

impl Fold {
    pub(super) fn new(
        design: &Design,
        targets: &Targets,
        weights: Option<&[f32]>,
        fold: usize,
        shape: Option<Arc<Vec<f64>>>,
    ) -> Self {
        let parts = FOLDS as f64 * design.rows as f64 / looked_at(design.rows) as f64;
        // The part of a row; those from [`FOLDS`] on are not looked at.
        let part = |row: usize| (unit(SEED, row as u64) * parts) as usize;
        let masked = |is_in: &dyn Fn(usize) -> bool| -> Arc<Vec<f32>> {
            let weight = |row| match is_in(part(row)) {
                true => weights.map_or(1.0, |weights| weights[row]),
                false => 0.0,
            };
            Arc::new((0..design.rows).map(weight).collect())
        };
        let inside = masked(&|part| part != fold && part < FOLDS);
        let beta = Objective::weighted(design, targets, &inside, 0.0).start();
        Self {
            inside,
            outside: masked(&|part| part == fold),
            beta,
            strengths: Strengths::even(design, FIRST).shaped(shape),
            curvature: None,
            gram: OnceCell::new(),
        }
    }
}
